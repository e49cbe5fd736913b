"""Whatever becomes of a scheduler and its workers, the wait for work ends or is told; with a real scheduler on this machine."""

import os
import re
import signal
import subprocess
import sys
import threading

import pytest
from paths import SUPPORT

from kinimmune.fitting.workflow.task import Task
from kinimmune.models.errors import DataError, MachineError, UsageError

pytest.importorskip("distributed", reason="the extra [dask] is not installed")

from kinimmune.fitting.workflow.dask_cluster import open_dask_cluster, require_dask_cluster
from kinimmune.fitting.workflow.dask_connection import Patience

pytestmark = pytest.mark.slow
SHORT = Patience(connect=5.0, silence=1.0, look=0.1, note=0.3)


@pytest.fixture(scope="module")
def modules():
    """Return the environment of workers that are begun, in which they find the toy tasks."""
    return {**os.environ, "PYTHONPATH": str(SUPPORT)}


@pytest.fixture(scope="module")
def lone(killing, tmp_path_factory, modules):
    """Return a real cluster that has no workers."""

    def begin(program, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.dask_{program}", *arguments]
        return subprocess.Popen(command, env=modules, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    with killing.open_dask_cluster(begin, tmp_path_factory.mktemp("lone"), workers=0) as cluster:
        yield cluster


@pytest.fixture
def toy(monkeypatch):
    """Return the module of toy tasks."""
    monkeypatch.syspath_prepend(str(SUPPORT))
    import toy_steps

    return toy_steps


def test_work_waits_for_a_worker_with_a_note_now_and_then_and_goes_on_when_one_comes(toy, lone):
    said, noted = [], threading.Event()

    def say(text):
        said.append(text)
        noted.set()

    with open_dask_cluster(lone.address, say, SHORT) as pool:
        future = pool.submit(Task(toy.TELL_PROCESS, "late", {}))
        assert noted.wait(60.0)
        lone.add_worker()
        assert set(future.result(60.0)) == {"process", "deaf"}
        lone.kill_worker()
        noted.clear()
        future = pool.submit(Task(toy.TELL_PROCESS, "later", {}))
        assert noted.wait(60.0)
        lone.add_worker()
        future.result(60.0)
        lone.kill_worker()

    waiting = rf"note: no Dask worker for \d+ s; tasks wait until one comes, such as by 'dask worker {lone.address}'"
    come = "note: a Dask worker has come; the work goes on"
    rounds = [text for text in said if text != come]
    assert all(re.fullmatch(waiting, text) for text in rounds)
    assert 2 <= len(rounds) <= 12  # each note of a wait after six times as long


def test_no_note_is_made_while_nothing_waits_for_a_worker(lone):
    said = []
    with open_dask_cluster(lone.address, said.append, SHORT):
        threading.Event().wait(1.0)
    assert said == []


def test_a_worker_that_cannot_read_tasks_says_so(toy, lone, modules):
    path = modules.pop("PYTHONPATH")
    lone.add_worker()
    modules["PYTHONPATH"] = path
    expected = "^a Dask worker cannot compute task 'foreign': No module named 'toy_steps'; install there what this machine has"
    with open_dask_cluster(lone.address, lambda _note: None) as pool, pytest.raises(DataError, match=expected):
        pool.submit(Task(toy.TELL_PROCESS, "foreign", {})).result(60.0)
    lone.kill_worker()


def test_a_worker_that_has_other_versions_is_refused(toy, lone, modules, tmp_path):
    about = tmp_path / "numpy-0.0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.0.1\n")
    path = modules["PYTHONPATH"]
    modules["PYTHONPATH"] = os.pathsep.join([str(tmp_path), path])
    lone.add_worker()
    modules["PYTHONPATH"] = path
    expected = r"^a Dask worker has other versions than this machine: numpy: .* -> 0\.0\.1; install the same there$"
    with open_dask_cluster(lone.address, lambda _note: None) as pool, pytest.raises(DataError, match=expected):
        pool.submit(Task(toy.TELL_PROCESS, "other", {})).result(60.0)
    lone.kill_worker()


def test_the_address_of_a_worker_tells_that_of_its_scheduler(lone):
    from distributed import Client

    lone.add_worker()
    with Client(lone.address, set_as_default=False) as client:
        client.wait_for_workers(1, 60.0)
        (worker,) = client.nthreads()
    with pytest.raises(UsageError, match=f"'{worker}': that is one of its workers, the scheduler is at {lone.address}; start"):
        require_dask_cluster(worker)
    lone.kill_worker()


def test_a_scheduler_that_falls_silent_is_lost(toy, lone):
    expected = "^the cluster was lost while it worked on task 'silent'; finished tasks are kept: go on with --resume$"
    with open_dask_cluster(lone.address, lambda _note: None, SHORT) as pool:
        future = pool.submit(Task(toy.TELL_PROCESS, "silent", {}))
        os.kill(lone.scheduler.pid, signal.SIGSTOP)
        try:
            with pytest.raises(MachineError, match=expected):
                future.result(60.0)
        finally:
            os.kill(lone.scheduler.pid, signal.SIGCONT)
