"""What a command needs is there on Windows, too: fit, resume, kill, Ctrl-C and report where what Windows lacks is taken away.

It is emulated (`tests/support/windows/sitecustomize.py`), not run on Windows.  Other tests can be run in the same way:
`PYTHONPATH=tests/support/windows python -m pytest tests/cli/test_fit.py`.
"""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from paths import SUPPORT

WINDOWS = SUPPORT / "windows"
LACKS = """
import os
from pathlib import Path
from kinimmune.cli import main
from kinimmune.fitting import signals, shell_words
from kinimmune.fitting.runs import lock

def refused(what, *arguments):
    try:
        what(*arguments)
    except OSError:
        return True
    return False

namespace = {"__name__": "kinimmune.tried"}
exec("import os, sys, signal, multiprocessing", namespace)
seen = [hasattr(namespace["signal"], name) for name in ("SIGALRM", "SIGHUP", "setitimer", "pthread_sigmask")]
Path("one").write_text("")
opened = Path("two").open("w")
print(
    seen, hasattr(namespace["os"], "fork"), namespace["sys"].platform, hasattr(lock, "fcntl"),
    refused(os.fork), refused(Path("link").symlink_to, "one"), refused(Path("a:b").write_text, ""),
    refused(Path("nul.csv").mkdir),
    refused(Path("ONE").write_text, ""), refused(Path("one").replace, "two"), refused(Path("one").rename, "two"),
    shell_words.join_words(["-o", "a folder\\\\run"]), [int(number) for number in signals.list_interruptions()],
)
"""
COMMANDS = """
import json, sys
from pathlib import Path
from kinimmune.cli.main import main
tasks = Path("run/results/tasks")
for words in json.loads(sys.argv[1]):
    code = main(words)
    if code:
        sys.exit(code)
    (Path(f"{len(words)}.json")).write_bytes(b"".join(path.read_bytes() for path in sorted(tasks.glob("[!.]*.json"))))
    (tasks / "start-001.json").unlink(missing_ok=True)
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="what Windows lacks is taken away from Linux"),
]


@pytest.fixture
def emulate(tmp_path):
    """Return a function that begins a program of Python in an empty folder, in a session of its own, as on Windows."""
    environment = {**os.environ, "PYTHONPATH": str(WINDOWS), "PYTHONWARNDEFAULTENCODING": "1"}

    def begin(*arguments):
        command = [sys.executable, *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True, **pipes)

    return begin


@pytest.fixture
def carry_out(emulate):
    """Return a function that runs a program to its end and returns its exit code, stdout and stderr."""

    def run(*arguments):
        process = emulate(*arguments)
        out, err = process.communicate(timeout=300)
        return process.returncode, out, err

    return run


def steps(run):
    return {path.name: path.read_bytes() for path in (run / "results" / "tasks").glob("[!.]*.json")}


def wait_for_steps(run, count, process):
    end = time.monotonic() + 120.0
    while len(steps(run)) < count:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_windows_lacks_is_taken_away(carry_out):
    code, out, err = carry_out("-c", LACKS)

    quoted = '-o "a folder\\run"'
    numbers = [int(signal.SIGINT), int(signal.SIGTERM)]
    assert (code, err) == (0, "")
    assert out == f"[False, False, False, False] False win32 False{' True' * 7} {quoted} {numbers}\n"


def test_a_fit_is_carried_out_resumed_bit_for_bit_and_reported(carry_out, toy_tables, tmp_path):
    toy_tables.write_toy_tables(tmp_path / "tables")
    run = tmp_path / "run"
    fit = ["fit", "hcc_trial", "--data", "tables", "-o", "run", "--patients", "4", "--starts", "2", "--quiet"]
    commands = [fit, [*fit, "--resume"], ["report", "run", "--quiet"]]

    code, _, err = carry_out("-c", COMMANDS, json.dumps(commands))

    first, resumed = ((tmp_path / f"{len(words)}.json").read_bytes() for words in commands[:2])
    assert (code, err) == (0, "")
    assert first == resumed != b""
    assert json.loads((run / "run.json").read_text())["status"] == "done"
    assert (run / "report.pdf").read_bytes().startswith(b"%PDF")
    assert not (run / ".lock").exists()


def test_work_in_two_processes_is_killed_or_stopped_by_ctrl_c_and_goes_on_bit_for_bit(emulate, carry_out, tmp_path):
    toy, run, whole = str(SUPPORT / "toy_run.py"), tmp_path / "run", tmp_path / "whole"
    assert carry_out(toy, "whole", "--pause", "0")[0] == 0
    killed = emulate(toy, "run", "--jobs", "2", "--pause", "0.1")
    wait_for_steps(run, 3, killed)
    killed.kill()  # which is TerminateProcess there
    killed.communicate()
    stopped = emulate(toy, "run", "--jobs", "2", "--pause", "0.3", "--resume")
    wait_for_steps(run, 9, stopped)
    os.killpg(stopped.pid, signal.SIGINT)  # the console sends Ctrl-C to every process in it
    _, err = stopped.communicate(timeout=120)

    assert stopped.returncode == 6, err
    again = "kinimmune run --jobs 2 --pause 0.3 --resume"
    assert err == f"error: interrupted; finished tasks are kept, go on with: {again}\n"
    code, _, err = carry_out(toy, "run", "--jobs", "2", "--pause", "0", "--resume")
    assert code == 0, err
    assert (run / "results" / "toy.json").read_bytes() == (whole / "results" / "toy.json").read_bytes()
    assert len(steps(run)) == len(steps(whole)) == 20
