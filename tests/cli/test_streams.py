"""Nobody needs to read what a command says: a closed terminal, pipe or stream ends no work and changes no exit code."""

import errno
import io
import subprocess
import sys
from pathlib import Path

import pytest

from kinimmune.cli.streams import Aside
from kinimmune.cli.terminal import Notes, print_error

PROGRAM = Path(sys.executable).with_name("kinimmune")


class Closed(io.StringIO):
    """A terminal that was closed."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def write(self, _text):
        raise OSError(self.number, "closed")

    def isatty(self):
        return True

    def fileno(self):
        return 2


@pytest.mark.parametrize("number", [errno.EIO, errno.EPIPE, errno.ENOSPC])
def test_what_nobody_reads_ends_no_work(monkeypatch, number):
    monkeypatch.setattr(sys, "stderr", Closed(number))
    with Notes().count_tasks("toy", 2) as counter, Notes().progress() as show:
        Notes().say("a note")
        counter.add(kept=False, failures=0)
        show("what is being done")
        print_error("an error")

    assert not isinstance(sys.stderr, Closed)
    sys.stderr.close()


def test_what_is_said_aside_is_what_stderr_gets(capsys):
    print("a note", file=Aside(), flush=True)

    assert capsys.readouterr() == ("", "a note\n")


def test_an_error_is_one_line_and_keeps_the_blanks_of_a_path(capsys):
    print_error("  'a  b\u00a0c': one,\n   two\r\nthree\n")

    assert capsys.readouterr().err == "error: 'a  b\u00a0c': one, two three\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a shell with pipes")
@pytest.mark.parametrize(
    ("line", "code"),
    [("{} list | true; exit ${{PIPESTATUS[0]}}", 0), ("{} list >&-", 0), ("{} lis 2>&-", 2), ("{} list >/dev/full", 7)],
)
def test_closed_streams_change_no_exit_code(line, code):
    ended = subprocess.run(["bash", "-c", line.format(PROGRAM)], capture_output=True, text=True, check=False)

    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
