r"""Command lines that are printed for the user to give again, as a shell reads them.

Start with `join_words`.  On Windows they are for `cmd` and PowerShell, which know double quotes alone and take a backslash for
what separates folders.
"""

import os
import shlex
import subprocess
from collections.abc import Iterable


def join_words(words: Iterable[str]) -> str:
    r"""Return words as a command line on one line, which a shell takes apart into the same words.

    A word with a line break or another unprintable letter takes the form $'...' of bash, zsh and ksh; the others take that of
    every shell.  On Windows no name has such a letter.

    >>> print(join_words(["-o", "a  b", "it's", "two" + chr(10) + "lines"]))
    -o 'a  b' 'it'"'"'s' $'two\012lines'
    """
    if os.name == "nt":
        return subprocess.list2cmdline(words)
    return " ".join(map(_quote, words))


def _quote(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{''.join(letter if letter.isprintable() else _number(letter) for letter in escaped)}'"


def _number(letter: str) -> str:
    """Return a letter by its bytes, three octal digits each."""
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(letter))
