"""Work killed at any moment and resumed is equal bit for bit to work that was left alone; interrupted work ends in order.

The work is the toy of `toy_run.py`, a command on top of what every long command uses.
"""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest
import typer
from paths import SUPPORT

from kinimmune.cli.session import ExecutionOptions, run_in
from kinimmune.cli.terminal import Notes
from kinimmune.fitting.runs.provenance import current_environment
from kinimmune.fitting.runs.run import RunRecord, create_run

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
STEPS = 20
pytestmark = pytest.mark.slow


def start(run, *options):
    """Begin the toy in a run."""
    command = [sys.executable, str(SUPPORT / "toy_run.py"), str(run), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(run, *options):
    """Carry the toy out to its end and return what it wrote on stderr."""
    process = start(run, *options)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return err


def tasks(run):
    """Return the names of finished tasks with the bytes of their files, without what lies beside the inputs."""
    files = {path.name: json.loads(path.read_text()) for path in (run / "results" / "tasks").glob("[!.]*.json")}
    return {name: {key: value for key, value in content.items() if key != "context"} for name, content in files.items()}


def wait_for_steps(run, count, process):
    """Wait until a number of tasks has finished, as long as the process runs."""
    end = time.monotonic() + 300.0
    while len(list((run / "results" / "tasks").glob("[!.]*.json"))) < count:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.005)


def begin(program, *arguments):
    """Begin a program of Dask, which finds the tasks of the toy."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{program}", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(SUPPORT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the run of a toy that was left alone."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    finish(run, "--pause", "0")
    return run


def assert_equal_bits(run, whole):
    assert (run / "results" / "toy.json").read_bytes() == (whole / "results" / "toy.json").read_bytes()
    assert tasks(run) == tasks(whole)
    assert len(tasks(run)) == STEPS
    assert json.loads((run / "run.json").read_text())["status"] == "done"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_five_kills_at_random_moments_change_no_bit(whole, tmp_path, jobs):
    run, rng = tmp_path / "run", random.Random(int(jobs))
    for kill in range(5):
        resumed = ("--resume",) if (run / "run.json").exists() else ()
        process = start(run, "--jobs", jobs, "--pause", "0.05", *resumed)
        wait_for_steps(run, 3 * kill + rng.randrange(3), process)
        time.sleep(0.05 * rng.random())
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (run / "results" / "toy.json").exists()
        assert psutil.wait_procs(children, timeout=20.0)[1] == []
    before = len(tasks(run))

    finish(run, "--jobs", jobs, "--resume", "--pause", "0")

    assert 12 <= before < STEPS
    assert_equal_bits(run, whole)


@pytest.mark.parametrize(("options", "number"), [((), signal.SIGINT), (("--jobs", "2"), signal.SIGTERM)])
def test_an_interruption_ends_before_the_work_does_and_says_how_to_go_on(whole, tmp_path, options, number):
    run = tmp_path / "run"
    process = start(run, *options, "--pause", "0.3")
    wait_for_steps(run, 5, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=300)

    again = " ".join(["kinimmune", str(run), *options, "--pause", "0.3", "--resume"])
    assert (process.returncode, err) == (6, f"error: interrupted; finished tasks are kept, go on with: {again}\n")
    assert 5 <= len(tasks(run)) < STEPS
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    assert (run / "failures.csv").read_text().startswith("step,what,reason,reproduce\n")
    finish(run, "--resume", "--pause", "0")
    assert_equal_bits(run, whole)


def test_an_interruption_that_is_swallowed_is_raised_again(tmp_path, capsys):
    """Python drops an exception that is raised while C calls it back; here the work drops it."""
    record = RunRecord(("toy",), "toy", 1, "2026-01-31T12:00:00+00:00", current_environment(), {})
    run, handlers = create_run(tmp_path / "run", record), [signal.getsignal(number) for number in SIGNALS]

    slept = []

    def swallow(_workshop):
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
            slept.append("before")
        time.sleep(60)
        slept.append("after")

    with pytest.raises(typer.Exit) as ended:
        run_in(run, ExecutionOptions(1, None, False, False, Notes(quiet=True)), "toy", None, swallow)

    assert ended.value.exit_code == 6
    assert slept == []
    assert "interrupted; finished tasks are kept" in capsys.readouterr().err
    assert [signal.getsignal(number) for number in SIGNALS] == handlers
    time.sleep(0.5)  # nothing is raised any more


def test_kept_steps_are_neither_overwritten_nor_used_unasked(whole, tmp_path):
    run = tmp_path / "run"
    finish(run, "--pause", "0")
    other = run / "results" / "tasks" / "start-000.json"
    other.write_text("{}")
    process = start(run, "--pause", "0")
    _, err = process.communicate(timeout=300)

    message = f"error: run '{run}' holds 20 finished tasks of 'toy'; --resume goes on with them, --force begins anew\n"
    assert (process.returncode, err) == (2, message)
    before = (run / "results" / "tasks" / "toy-0-000.json").stat().st_mtime_ns
    finish(run, "--pause", "0", "--force")
    assert (run / "results" / "tasks" / "toy-0-000.json").stat().st_mtime_ns > before
    assert other.read_text() == "{}"
    other.unlink()
    assert_equal_bits(run, whole)


def test_failures_are_told_once_with_the_command_that_shows_them_again(whole):
    lines = (whole / "failures.csv").read_text().splitlines()

    assert lines[0] == "step,what,reason,reproduce"
    assert lines[1:] == [
        f'toy-{walk}-001,block,"it is the second, and tells so",kinimmune task {whole} toy-{walk}-001' for walk in range(4)
    ]


def test_a_dask_worker_killed_midway_and_then_the_command_change_no_bit(whole, tmp_path, killing):
    run = tmp_path / "run"
    with killing.open_dask_cluster(begin, tmp_path) as cluster:
        process = start(run, "--dask", cluster.address, "--pause", "0.2")
        wait_for_steps(run, 4, process)
        cluster.kill_worker()
        wait_for_steps(run, 8, process)
        process.kill()
        process.communicate()
        before = len(tasks(run))
        finish(run, "--dask", cluster.address, "--resume", "--pause", "0")

    assert 8 <= before < STEPS
    assert_equal_bits(run, whole)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_scheduler_that_ends_midway_is_the_machine_and_the_work_goes_on_anywhere(whole, tmp_path, killing, number):
    run = tmp_path / "run"
    with killing.open_dask_cluster(begin, tmp_path, workers=1) as cluster:
        process = start(run, "--dask", cluster.address, "--pause", "0.2")
        wait_for_steps(run, 3, process)
        os.kill(cluster.scheduler.pid, number)
        _, err = process.communicate(timeout=120)

    lost = r"error: the cluster was lost while it worked on task 'toy-\d-\d{3}'; finished tasks are kept: go on with --resume\n"
    assert process.returncode == 7
    assert re.fullmatch(lost, err)
    assert json.loads((run / "run.json").read_text())["status"] == "failed"
    assert 3 <= len(tasks(run)) < STEPS
    finish(run, "--resume", "--pause", "0")
    assert_equal_bits(run, whole)
