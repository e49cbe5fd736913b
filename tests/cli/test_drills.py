"""Whatever befalls a run midway: the right exit code, one line, a true `run.json`, and the same bits when it goes on.

The work is the toy of `toy_run.py`, a command like every other one; `benchmarks/drills.py` does the same with the long commands.
"""

import os
import pty
import shutil
import signal
import subprocess
import sys
import time

import pytest
from paths import SUPPORT

from kinimmune.fitting.runs.run import is_run, open_run

TOY = (sys.executable, str(SUPPORT / "toy_run.py"))
PAUSE = 0.1
MISHAPS = (
    "the folder is deleted",
    "results are deleted",
    "run.json is deleted",
    "the lock file is deleted",
    "the folder is moved",
    "everything is made read-only",
    "no file may grow any more",
    "the clock is set back",
    "SIGTERM twice",
    "SIGSTOP and SIGCONT",
)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="signals, modes and limits of Linux")]


def give_words(run, *options, pause=PAUSE):
    return (*TOY, str(run), "--pause", str(pause), *options)


def finish(run, *options):
    """Carry the toy out to its end."""
    ended = subprocess.run(give_words(run, *options, pause=0), capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr


def read_status(run):
    return open_run(run).record.status if is_run(run) else None


def wait_for_steps(killing, run, count, process):
    end = time.monotonic() + killing.PATIENCE
    while killing.count_steps(run) < count:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(killing.PAUSE)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the run of a toy that was left alone."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    finish(run)
    return run


@pytest.fixture
def befall(mishaps, killing, whole):
    """Return a function that lets a mishap befall a toy, judges how it ends, goes on with it and compares."""

    def carry_out(mishap, run):
        code, said = mishaps.strike_midway(mishap, run, 3, mishaps.begin_bound(give_words(run), mishap.environment))

        assert (code, len(said.splitlines())) == (mishap.code, int(mishap.says != "")), said
        assert mishap.says in said
        assert str(run) in said or mishap.code in (0, 6)
        assert read_status(run) == mishap.status
        where = mishap.mend(run)
        kept = killing.count_steps(where)
        finish(where, *(("--resume",) if is_run(where) else ()))
        assert killing.compare(whole, where)[1] == []
        assert read_status(where) == "done"
        return kept

    return carry_out


@pytest.mark.parametrize("name", MISHAPS)
def test_a_mishap_midway_is_told_and_changes_no_bit(befall, mishaps, tmp_path, name):
    if name == "everything is made read-only" and not mishaps.can_bind():
        pytest.skip("root is bound by no modes of files here: no setpriv")
    (mishap,) = [item for item in mishaps.MISHAPS if item.name == name]

    kept = befall(mishap, tmp_path / "run")

    assert kept == 0 if "deleted" in name and mishap.code == 7 and "lock" not in name else kept >= 3


def test_a_full_disk_is_told_and_changes_no_bit(befall, mishaps, tmp_path):
    with mishaps.open_small_disk(tmp_path / "disk", "1m") as disk:
        if disk is None:
            pytest.skip("no small disk can be mounted here")
        assert befall(mishaps.fill_disk(disk / "filled"), disk / "run") >= 3


def test_a_run_begun_where_another_one_was_deleted_is_left_alone_by_the_first(mishaps, killing, whole, tmp_path):
    run = tmp_path / "run"
    others = []

    def replace(run, _process):
        shutil.rmtree(run)
        others.append(mishaps.begin_bound(give_words(run, pause=0.05)))
        wait_for_steps(killing, run, 1, others[0])

    mishap = mishaps.Mishap("replaced", replace, 7, "is gone", None)
    code, said = mishaps.strike_midway(mishap, run, 2, mishaps.begin_bound(give_words(run, pause=1.0)))
    _, said_by_other = others[0].communicate(timeout=120)

    assert (code, "is gone" in said) == (7, True), said
    assert others[0].returncode == 0, said_by_other
    assert killing.compare(whole, run)[1] == []
    assert not (run / ".lock").exists()


def test_of_two_that_go_on_at_once_one_is_refused(mishaps, killing, whole, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    for step in (run / "results" / "tasks").glob("*-00[2-4].json"):
        step.unlink()

    both = [mishaps.begin_bound(give_words(run, "--resume")) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]

    assert sorted(process.returncode for process in both) == [0, 2], said
    assert f"run '{run}' is in use" in "".join(said)
    assert killing.compare(whole, run)[1] == []


def test_a_terminal_that_is_closed_interrupts(killing, tmp_path):
    run = tmp_path / "run"
    terminal, end = pty.openpty()
    with subprocess.Popen(["setsid", "--ctty", *give_words(run)], stdin=end, stdout=end, stderr=end) as process:
        os.close(end)
        wait_for_steps(killing, run, 2, process)
        os.close(terminal)
        assert process.wait(timeout=120) == 6

    assert read_status(run) == "interrupted"


def test_a_hang_up_that_is_ignored_stays_ignored(mishaps, killing, tmp_path):
    run = tmp_path / "run"
    process = mishaps.begin_bound(("nohup", *give_words(run, pause=0.05)))
    wait_for_steps(killing, run, 2, process)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=120)

    assert (process.returncode, read_status(run)) == (0, "done")


def test_what_cannot_be_written_before_work_began_or_read_is_told(mishaps, whole, tmp_path):
    if not mishaps.can_bind():
        pytest.skip("root is bound by no modes of files here: no setpriv")
    run, parent = tmp_path / "run", tmp_path / "parent"
    shutil.copytree(whole, run)
    parent.mkdir(mode=0o555)
    step, tasks = run / "results" / "tasks" / "toy-0-000.json", run / "results" / "tasks"

    def try_again(folder):
        process = mishaps.begin_bound(give_words(folder, "--resume"))
        return process.communicate(timeout=120)[1], process.returncode

    text = f"error: cannot write run '{parent / 'new'}': Permission denied; give a folder you may write with -o\n"
    assert try_again(parent / "new") == (text, 2)
    tasks.chmod(0o555)
    text = f"error: cannot write run '{tasks}': Permission denied; give a folder you may write with -o\n"
    assert try_again(run) == (text, 2)
    tasks.chmod(0o755)
    step.chmod(0)
    said, code = try_again(run)
    assert (code, said.count("\n")) == (3, 1)
    assert said.startswith(f"error: {step} cannot be read: ")
    assert said.endswith("delete it and resume\n")
    assert read_status(run) == "failed"


def test_the_command_that_goes_on_is_read_by_a_shell_also_of_an_odd_path(mishaps, killing, whole, tmp_path):
    folder = tmp_path / "it's  a 'run' \\ of\n$HOME \"ü\u00a0\""
    folder.mkdir()
    run = folder / "-x y"
    process = mishaps.begin_bound(give_words(run))
    wait_for_steps(killing, run, 2, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    (line,) = said.splitlines()
    command = line.partition("go on with: ")[2].removeprefix("kinimmune ").replace(f"--pause {PAUSE}", "--pause 0")
    told = subprocess.run(["bash", "-c", f'"$0" "$1" {command}', *TOY], capture_output=True, text=True, timeout=120, check=False)

    assert (process.returncode, told.returncode) == (6, 0), told.stderr
    assert (run / "results" / "toy.json").read_bytes() == (whole / "results" / "toy.json").read_bytes()
