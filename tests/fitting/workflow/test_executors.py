"""Pools: the same outcomes in every one, typed errors instead of waiting for ever, and nothing left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
from paths import SUPPORT

from kinimmune.fitting.workflow.executors import open_executor
from kinimmune.fitting.workflow.task import SerialExecutor, Task, TaskChain, TaskFunction, run_chains
from kinimmune.models.errors import DataError, MachineError, NumericalError

SAME = TaskFunction("toy.same", dict)
pytestmark = pytest.mark.slow


@pytest.fixture
def toy(monkeypatch):
    """Return the module of toy tasks, which workers can import too."""
    monkeypatch.syspath_prepend(str(SUPPORT))
    import toy_steps

    return toy_steps


class Nothing:
    """A store that keeps nothing."""

    def load(self, _step):
        return None

    def save(self, _step, _outcome):
        pass


def carry_out(tasks, pool):
    """Return the outcome of every task."""
    return [outcomes[0] for outcomes in run_chains([TaskChain(task) for task in tasks], Nothing(), pool)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Return the address of a real scheduler with two worker processes on the loopback interface, and the workers."""
    folder = tmp_path_factory.mktemp("cluster")
    environment = {**os.environ, "PYTHONPATH": str(SUPPORT), "DASK_TEMPORARY_DIRECTORY": str(folder)}
    environment["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"] = "1"
    file = folder / "scheduler.json"
    local = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file))

    def start(kind, *options):
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *local, *options]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    processes = [start("scheduler", "--port", "0")]
    try:
        processes += [start("worker", "--nthreads", "1", "--nanny") for _ in range(2)]
        yield wait_for_address(file), processes
    finally:
        tree = [item for process in processes for item in psutil.Process(process.pid).children(recursive=True)]
        for process in [*processes, *tree]:
            process.kill()
        for process in processes:
            process.wait()


def wait_for_address(file):
    """Return the address in a scheduler's file when it is there."""
    import json

    end = time.monotonic() + 60.0
    while time.monotonic() < end:
        try:
            return json.loads(file.read_text())["address"]
        except (OSError, ValueError):
            time.sleep(0.05)
    raise AssertionError("the scheduler did not start")


def threads_now():
    """Return the threads of this process, without the idle ones that Dask keeps for its lifetime."""
    return {thread.name for thread in threading.enumerate() if not thread.name.startswith("Dask-Offload")}


def test_one_job_is_this_process():
    with open_executor(1) as pool:
        assert isinstance(pool, SerialExecutor)


def test_every_pool_gives_the_same_bits_and_leaves_nothing(toy, cluster):
    before = threads_now()
    chains = toy.walks(3, 3, 0.0)
    found = []
    for jobs, dask in ((1, None), (2, None), (1, cluster[0])):
        with open_executor(jobs, dask) as pool:
            found.append(run_chains(chains, Nothing(), pool))

    assert found[0] == found[1] == found[2]
    assert multiprocessing.active_children() == []
    assert threads_now() == before


def test_blas_has_one_thread_in_every_pool_and_its_own_number_afterwards(toy, cluster):
    before = toy.count_blas_threads({})
    for jobs, dask in ((1, None), (2, None), (1, cluster[0])):
        with open_executor(jobs, dask) as pool:
            assert carry_out([Task(toy.COUNT_BLAS_THREADS, "threads", {})], pool) == [{"threads": 1}]
    assert toy.count_blas_threads({}) == before


def test_steps_go_to_as_many_processes_as_wanted_which_no_key_of_the_user_ends(toy):
    tasks = [Task(toy.TELL_PROCESS, f"s{number}", {"number": number, "pause": 0.1}) for number in range(6)]

    with open_executor(2) as pool:
        found = carry_out(tasks, pool)
        children = {child.pid for child in multiprocessing.active_children()}

    assert {outcome["process"] for outcome in found} == children
    assert len(children) == 2
    assert all(outcome["deaf"] for outcome in found)


@pytest.mark.parametrize("where", ["processes", "cluster"])
def test_an_error_of_a_step_is_raised_as_it_is(toy, cluster, where):
    address = cluster[0] if where == "cluster" else None
    refused, divided = Task(toy.REFUSE, f"refused-{where}", {"number": 7}), Task(toy.DIVIDE, f"divided-{where}", {"number": 0})

    with open_executor(2, address) as pool, pytest.raises(NumericalError, match=r"^task 7 cannot be done$"):
        carry_out([refused], pool)
    with open_executor(2, address) as pool, pytest.raises(ZeroDivisionError):
        carry_out([divided], pool)


def test_a_worker_the_system_kills_is_an_error_that_names_its_step_and_keeps_the_others(toy):
    kept = []

    class Kept(Nothing):
        def save(self, task, _outcome):
            kept.append(task.name)

    first = Task(toy.TELL_PROCESS, "first", {})
    chains = [
        TaskChain(first),
        TaskChain(Task(toy.DIE, "greedy", {"pause": 0.5})),
        TaskChain(Task(toy.TELL_PROCESS, "long", {"pause": 600})),
    ]
    with (
        pytest.raises(MachineError, match=r"worked on task 'greedy' was ended from outside.*--resume, with fewer --jobs$"),
        open_executor(2) as pool,
    ):
        run_chains(chains, Kept(), pool)

    assert kept == ["first"]
    assert multiprocessing.active_children() == []


def test_thousands_of_steps_can_be_left_at_once(toy):
    def submit_and_leave():
        with open_executor(2) as pool:
            for number in range(5000):
                pool.submit(Task(toy.TELL_PROCESS, f"s{number}", {"pause": 30}))
            time.sleep(1.0)
            began.append(time.monotonic())
            raise KeyboardInterrupt

    began = []
    with pytest.raises(KeyboardInterrupt):
        submit_and_leave()

    assert time.monotonic() - began[0] < 1.0
    assert multiprocessing.active_children() == []


def test_workers_end_with_a_parent_that_is_killed():
    program = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import toy_steps\n"
        "from kinimmune.fitting.workflow.executors import open_executor; from kinimmune.fitting.workflow.task import Task\n"
        "if __name__ == '__main__':\n"
        "    with open_executor(2) as pool:\n"
        "        for i in range(4):\n"
        "            pool.submit(Task(toy_steps.TELL_PROCESS, f's{i}', {'number': i, 'pause': 60}))\n"
        "        time.sleep(3); print('ready', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(SUPPORT)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "ready\n"
        children = psutil.Process(parent.pid).children(recursive=True)
        parent.send_signal(signal.SIGKILL)

    _, alive = psutil.wait_procs(children, timeout=20.0)
    assert len(children) >= 2
    assert alive == []


def test_a_step_whose_dask_worker_dies_is_carried_out_again(toy, cluster, tmp_path):
    with open_executor(1, cluster[0]) as pool:
        assert carry_out([Task(toy.DIE_ONCE, "dies-once", {"marker": str(tmp_path / "died")})], pool) == [{"done": True}]
    assert (tmp_path / "died").exists()


def test_a_worker_with_other_versions_is_refused():
    from dataclasses import replace

    from kinimmune.fitting.runs.provenance import current_environment
    from kinimmune.fitting.workflow.dask_cluster import compute_alike

    here = current_environment()
    there = replace(here, cpu="another", libraries={**here.libraries, "numpy": "1.0"})
    expected = rf"other versions than this machine: numpy: 1\.0 -> {here.libraries['numpy']}; install the same there$"

    with pytest.raises(DataError, match=expected):
        compute_alike(Task(SAME, "s", {}), there)
    assert compute_alike(Task(SAME, "s", {"a": 1}), replace(here, cpu="another")) == {"a": 1}


def test_a_step_on_which_every_dask_worker_dies_is_the_machine(toy, cluster):
    expected = r"^every Dask worker that began task 'greedy' died, .*; finished tasks are kept: go on with --resume$"
    with open_executor(1, cluster[0]) as pool, pytest.raises(MachineError, match=expected):
        carry_out([Task(toy.DIE, "greedy", {})], pool)


def test_a_missing_extra_is_one_clear_line():
    program = (
        "import sys; sys.modules['distributed'] = None\n"
        "from kinimmune.fitting.workflow.executors import open_executor\n"
        "with open_executor(1, 'tcp://127.0.0.1:1'): pass"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith("UsageError: --dask needs Dask; install it with: pip install 'kinimmune[dask]'")
