"""The long commands killed with SIGKILL at five random moments, resumed, and equal bit for bit to those that were left alone.

The toy is the example trial with two estimated parameters and four virtual patients.  Commands are the real ones, each in a
process of its own, which is a fork of one that has loaded everything (`forking.py`): a process that starts anew needs seconds
for that, and here are about a hundred of them.  The workers of `--jobs 2` start anew.
"""

import json
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from paths import SUPPORT

PATIENTS = 4
OUTPUT = "hazard_ratio:example:os"
COMMANDS = {
    "fit": ("fit", "hcc_trial", "--data", "TABLES", "-o", "RUN", "--patients", str(PATIENTS), "--starts", "12"),
    "profile": ("profile", "RUN", "--parameters", "growth", "--prediction", OUTPUT, "--refits", "--draws", "0"),
    "sample": ("sample", "RUN", "--method", "emcee", "--steps", "25", "--walkers", "4"),
    "sensitivity": (
        *("sensitivity", "RUN", "--method", "sobol", "--output", OUTPUT, "--samples", "192"),
        *("--parameters", "growth,baseline_hazard"),
    ),
}
ATTEMPTS = 3
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tables(tmp_path_factory, toy_tables):
    """Return the tables of the toy: the example trial, of whose parameters all but two are constants."""
    folder = tmp_path_factory.mktemp("tables") / "toy"
    toy_tables.write_toy_tables(folder)
    return folder


@dataclass(frozen=True)
class Fork:
    """A program in a fork of the process that has loaded everything."""

    server: "Server"
    pid: int

    def poll(self):
        return self.server.order(poll=self.pid)


@dataclass(frozen=True)
class Server:
    """The process that has loaded everything, as the one that begins programs."""

    process: subprocess.Popen
    log: Path

    def __call__(self, program, *arguments):
        return Fork(self, self.order(begin=program, arguments=arguments, log=str(self.log)))

    def order(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def begin(tables, tmp_path_factory):
    """Return what begins programs."""
    command = [sys.executable, str(SUPPORT / "forking.py"), str(tables), str(PATIENTS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Server(process, tmp_path_factory.mktemp("log") / "log")


@pytest.fixture
def make_work(killing, tables):
    """Return a function that makes the work of a command in a run."""

    def make(name, run, *options):
        words = {"RUN": str(run), "TABLES": str(tables)}
        arguments = tuple(words.get(word, word) for word in COMMANDS[name])
        return killing.Work((*arguments, *options, "--quiet"), run, killing.count_steps(run))

    return make


@pytest.fixture
def finish(killing, begin):
    """Return a function that carries a command out to its end; exit code 1 says that a sample of so few steps is too short."""

    def carry_out(work):
        assert killing.wait(work.begin(begin)) in (0, 1), begin.log.read_text()
        assert json.loads((work.run / "run.json").read_text())["status"] == "done"

    return carry_out


@pytest.fixture(scope="module")
def left_alone():
    """Return the runs of the commands that were left alone, by name; they are made when they are needed."""
    return {}


@pytest.fixture
def whole(left_alone, make_work, finish, tmp_path_factory):
    """Return a function that gives the run of a command that was left alone."""

    def find(name):
        if name not in left_alone:
            run = tmp_path_factory.mktemp("alone") / name
            if name != "fit":
                shutil.copytree(find("fit"), run)
            finish(make_work(name, run, "--jobs", "1"))
            left_alone[name] = run
        return left_alone[name]

    return find


@pytest.fixture(scope="module")
def cluster(killing, begin, tmp_path_factory):
    """Return a Dask cluster of two workers."""
    with killing.open_dask_cluster(begin, tmp_path_factory.mktemp("dask")) as opened:
        yield opened


@pytest.fixture
def kill_and_compare(killing, begin, whole, make_work, finish, tmp_path):
    """Return a function that kills a command at five moments, goes on with it and compares; it returns the steps kept then."""

    def kill(name, options, repeats, midway):
        """Return the work as the kills left it and its steps after each; anew where a command was quicker than its killer."""
        rng = random.Random(f"{name} {options[0]} {repeats}")
        for attempt in range(ATTEMPTS):
            run = tmp_path / f"run-{attempt}"
            if name != "fit":
                shutil.copytree(whole("fit"), run)
            work = make_work(name, run, *options)
            steps = killing.count_steps(whole(name)) - work.before
            moments = killing.draw_moments(rng, steps, killing.pace(whole(name), steps), repeats)
            kept = killing.kill_often(work, begin, moments, midway)
            if len(kept) == killing.KILLS and kept[-1] < steps:
                return work, kept, steps
        raise AssertionError(begin.log.read_text())

    def carry_out(name, options, repeats=0, midway=None):
        work, kept, steps = kill(name, options, repeats, midway)
        finish(work)
        assert work.finished == steps
        assert killing.compare(whole(name), work.run)[1] == []
        return kept

    return carry_out


@pytest.mark.parametrize("name", COMMANDS)
def test_a_run_is_said_to_be_done_after_its_results_are_there(whole, name):
    results = [path.stat().st_mtime_ns for path in (whole(name) / "results").glob("*.*")]

    assert max(results) <= (whole(name) / "run.json").stat().st_mtime_ns


@pytest.mark.parametrize("name", COMMANDS)
def test_five_kills_of_a_command_change_no_bit(kill_and_compare, name):
    kept = kill_and_compare(name, ("--jobs", "1"))

    assert len(set(kept)) >= 4


@pytest.mark.parametrize("name", ["fit"])  # benchmarks/kills.py tries the others: workers take seconds to begin
def test_five_kills_of_a_command_with_two_jobs_change_no_bit(kill_and_compare, name):
    kept = kill_and_compare(name, ("--jobs", "2"), repeats=2)

    assert len(set(kept)) >= 2


@pytest.mark.parametrize("name", ["profile", "sample"])  # benchmarks/kills.py tries the others
def test_five_kills_and_a_dask_worker_killed_midway_change_no_bit(kill_and_compare, cluster, name):
    def lose_a_worker():
        if len(cluster.workers) == 2:
            cluster.kill_worker()

    kill_and_compare(name, ("--dask", cluster.address), midway=lose_a_worker)

    assert len(cluster.workers) == 1
    cluster.add_worker()
