"""Errors told in one line with the exit code they have: the user's, the machine's and this program's own.

Start with `tell_error`; `kinimmune.cli.main` calls these functions and nothing else does.
"""

import errno
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import typer

from kinimmune.cli.exits import Exit, exit_code
from kinimmune.cli.terminal import print_error
from kinimmune.models.errors import OF_THE_MACHINE, KinimmuneError, UsageError

OF_A_FULL_DISK = {getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name)}
"""Errors of the machine that tell that there is no room."""
INTERNAL_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    ReferenceError,
    RuntimeError,
    StopIteration,
    SyntaxError,
    SystemError,
    TypeError,
    ValueError,
)
"""Errors of Python and of libraries that no part of this program expected."""
_MOST_DIGITS = 12
_LAST_SECOND = 253_402_300_799
"""The end of the year 9999, the last that a date can have."""
_NUMBERS = {
    "NUMBA_NUM_THREADS": (range(1, 10**6), "a whole number above 0"),
    "SOURCE_DATE_EPOCH": (range(_LAST_SECOND + 1), "whole seconds since 1970, before the year 10000"),
}
"""Environment variable that numba or numpy takes for a number as it is imported -> allowed values, and what they are."""
TRACEBACK = "KINIMMUNE_TRACEBACK"
"""Environment variable under which the traceback of an internal error is printed."""


def tell_error(error: Exception, given: Sequence[str]) -> Exit:
    """Print an error that ended a command, given as words, in one line; return its exit code.  A closed pipe ends in peace."""
    if isinstance(error, BrokenPipeError) or _is_closed_pipe_of_windows(error):
        return leave_closed_pipe()
    if isinstance(error, KinimmuneError):
        print_error(str(error))
        return exit_code(error)
    if isinstance(error, typer.TyperException):
        return tell_command_line(error, given)
    return tell_system_error(error) if isinstance(error, OSError) else tell_internal_error(error)


def _is_closed_pipe_of_windows(error: Exception) -> bool:
    """Return whether an error is what Windows says of a pipe whose reader has gone; it names no file."""
    return os.name == "nt" and isinstance(error, OSError) and error.errno == errno.EINVAL and error.filename is None


def tell_command_line(error: typer.TyperException, given: Sequence[str]) -> Exit:
    """Print what is wrong with a command line and what shows what is allowed; the help where no command was given."""
    message, context = error.format_message(), getattr(error, "ctx", None)
    if message.startswith("Usage:"):
        print(message, file=sys.stderr)
        return Exit.USAGE
    options = set(getattr(getattr(error, "param", None), "opts", ()))
    words = [word for text in given for word in (text.split("=", 1) if text.startswith("--") else [text])]
    values = [value for option, value in pairwise(words) if option in options]
    named = f", given '{values[-1]}'" if values else ""
    command = "kinimmune" if context is None else context.command_path
    print_error(f"{message.rstrip('.')}{named}{'' if message.endswith('?') else ';'} {command} --help shows what is allowed")
    return Exit.USAGE


def tell_system_error(error: OSError) -> Exit:
    """Print an error of the system with the file it is about; return the exit code: 7 for the machine, else 2."""
    unnamed = "the standard output" if error.errno in OF_A_FULL_DISK else "a file or connection"  # other files are named
    name = unnamed if error.filename is None else f"'{error.filename}'"
    reason = error.strerror or type(error).__name__
    if error.errno in OF_THE_MACHINE:
        print_error(f"{name}: {reason}; make room and repeat the command, what was finished is kept")
        return Exit.MACHINE
    print_error(f"cannot use {name}: {reason}; give a path you may read and write")
    return Exit.USAGE


def tell_internal_error(error: BaseException) -> Exit:
    """Print an error that nothing expected, with the line of this program it came from; return exit code 7."""
    if os.environ.get(TRACEBACK):
        traceback.print_exception(error)
    if isinstance(error, MemoryError):
        print_error("memory ran out; use fewer --patients or --jobs, what was finished is kept")
        return Exit.MACHINE
    frames = [item for item in traceback.extract_tb(error.__traceback__) if "site-packages" not in item.filename]
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = " ".join(str(error).split())[:200]
    print_error(
        f"internal error{place}: {type(error).__name__}: {text}; what was finished is kept. Please report it with the command; "
        f"{TRACEBACK}=1 prints more"
    )
    return Exit.MACHINE


def leave_closed_pipe() -> Exit:
    """Let a command whose reader has gone, such as `head`, end in peace."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - the interpreter flushes it at its end
    return Exit.DONE


def wants_quiet(arguments: Sequence[str]) -> bool:
    """Return whether a command line asks for no notes; the letter may stand in front of others.

    >>> wants_quiet(["fit", "hcc_trial", "-qo", "run"]), wants_quiet(["show", "--", "-q"])
    (True, False)
    """
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return any(word == "--quiet" or word.startswith("-q") for word in words)


@contextmanager
def one_line_warnings(*, quiet: bool) -> Iterator[None]:
    """Print each warning of libraries once, as one line on stderr; none, and none of their logs, where notes are not wanted."""
    shown: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        text = str(message).partition("Traceback (most recent call last)")[0]  # numba puts one into its warnings
        line = f"warning: {' '.join(text.split())} ({category.__name__})\n"
        if not quiet and line not in shown:
            shown.add(line)
            sys.stderr.write(line)

    below = logging.root.manager.disable
    with warnings.catch_warnings():
        if quiet or not (sys.warnoptions or os.environ.get("PYTEST_CURRENT_TEST")):
            warnings.showwarning = show
        if quiet:
            logging.disable(max(below, logging.WARNING))
        try:
            yield
        finally:
            logging.disable(below)


def prepare_environment(environment: MutableMapping[str, str]) -> None:
    """Check what libraries read from the environment when they are imported.

    Figures are drawn without a screen, so a backend of matplotlib that the environment asks for is not used.

    Raises
    ------
    UsageError
        for a number of threads, or a date in seconds since 1970, that is none
    """
    environment["MPLBACKEND"] = "agg"
    for name, (allowed, wanted) in _NUMBERS.items():
        text = environment.get(name, str(allowed[0])).strip()
        if not (text.isdecimal() and len(text) <= _MOST_DIGITS and int(text) in allowed):
            raise UsageError(f"environment variable {name}='{text[:40]}': {wanted}; correct it or unset it")
