"""Command lines that are printed are read by a shell as the words they were made of."""

import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinimmune.fitting.shell_words import join_words

WORDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12), min_size=1, max_size=200
)


def read_by_shell(line):
    ended = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True)
    return [os.fsdecode(word) for word in ended.stdout.split(b"\0")[:-1]]


@settings(max_examples=15, deadline=None)
@given(WORDS)
def test_a_shell_reads_the_words_there_were(words):
    line = join_words(words)

    assert read_by_shell(line) == words
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize(
    "word", ["a  b", "it's", "$HOME", "`id`", "two\nlines", "\x1b[31m", "\\n\n", "\udcff", "\u00a0\u2028", "-x", ""]
)
def test_odd_words(word):
    assert read_by_shell(join_words(["a", word, "1"])) == ["a", word, "1"]
