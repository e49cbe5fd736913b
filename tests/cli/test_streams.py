"""Nobody needs to read what a command says: a closed terminal, pipe or stream ends no work and changes no exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from kinimmune.cli.streams import Aside
from kinimmune.cli.terminal import print_error

PROGRAM = Path(sys.executable).with_name("kinimmune")


DRILL = """
import os, pty, sys
from kinimmune.cli.terminal import Notes, print_error
terminal, end = pty.openpty()
os.dup2(end, 2)
os.close(end)
with Notes().count_tasks("toy", 2) as counter:
    counter.add(kept=False, failures=0)
    print("seen", file=sys.stderr)
    os.close(terminal)  # from now on every word is an input/output error
    counter.add(kept=False, failures=0)
    with Notes().progress() as show:
        show("what is being done")
    Notes().say("a note")
print_error("an error")
print("the end")
"""


@pytest.mark.slow
def test_a_terminal_that_is_closed_ends_no_work():
    ended = subprocess.run([sys.executable, "-c", DRILL], stdout=subprocess.PIPE, text=True, timeout=120, check=False)

    assert (ended.returncode, ended.stdout) == (0, "the end\n")


@pytest.mark.slow
def test_a_pipe_that_is_closed_ends_no_work():
    program = DRILL.replace("pty.openpty()", "os.pipe()")
    ended = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, timeout=120, check=False)

    assert (ended.returncode, ended.stdout) == (0, "the end\n")


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
