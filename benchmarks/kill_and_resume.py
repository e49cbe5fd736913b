"""Commands killed with `kill -9` at random moments and resumed, and what must then be equal: for `kills.py` and for tests.

Start with `draw_moments`, `kill_often` and `compare`.  How a program is begun the caller tells by a `Begin`: a program of its own
here, a fork of a process that has loaded everything once where there is little time.
"""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

KILLS = 5
SHARE = 0.75
"""Kills come before this share of the steps has finished, so that work is left after the last."""
PATIENCE = 120.0
"""Wait for anything [s]."""
PAUSE = 0.003
"""Between two looks [s]."""
NOT_BITS = {"wall_seconds", "context"}


class Process(Protocol):
    """A program that was begun."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None as long as it runs."""
        ...


class Begin(Protocol):
    """Begins a program in a process of its own."""

    def __call__(self, program: str, *arguments: str) -> Process:
        """Begin `kinimmune`, or `scheduler` or `worker` of Dask."""
        ...


@dataclass(frozen=True)
class Moment:
    """When a command is killed."""

    steps: int
    """So many of its steps have finished then, at least."""
    seconds: float
    """So long after that [s]."""


@dataclass(frozen=True)
class Work:
    """A command to be killed and resumed."""

    arguments: tuple[str, ...]
    run: Path
    before: int
    """Finished tasks the run held before the command."""

    @property
    def finished(self) -> int:
        """Finished tasks of the command."""
        return count_steps(self.run) - self.before

    def begin(self, begin: Begin) -> Process:
        """Begin the command, or go on with it where there is a run."""
        resume = ("--resume",) if (self.run / "run.json").exists() else ()
        return begin("kinimmune", *self.arguments, *resume)


def draw_moments(rng: random.Random, steps: int, seconds: float, repeats: int = 0) -> list[Moment]:
    """Return five moments in the order of finished tasks: the first about the beginning, the others spread at random.

    Parameters
    ----------
    rng
        draws them
    steps
        how many the command has
    seconds
        longest time after the last of the steps waited for
    repeats
        moments that wait for no further step, so that they come while a resumed command is getting ready
    """
    later = rng.sample(range(1, max(int(SHARE * steps), KILLS)), KILLS - 1 - repeats)
    counts = sorted([0, *later, *rng.choices(later, k=repeats)])
    return [Moment(count, seconds * rng.random()) for count in counts]


def kill_often(work: Work, begin: Begin, moments: Sequence[Moment], midway: Callable[[], None] | None = None) -> list[int]:
    """Begin a command again and again, kill it at every moment, and return its finished tasks after each kill.

    A command that ends before its moment ends this; there are then fewer kills than moments.

    Parameters
    ----------
    work
        the command
    begin
        begins it
    moments
        when it is killed
    midway
        called in the middle one of the attempts, which is then killed when one more step has finished
    """
    kept: list[int] = []
    for number, moment in enumerate(moments):
        process = work.begin(begin)
        if midway is not None and number == len(moments) // 2:
            _wait_for_steps(work, moment.steps, process)
            midway()
            moment = Moment(work.finished + 1, moment.seconds)
        if not _wait_for_steps(work, moment.steps, process):
            break
        time.sleep(moment.seconds)
        if not kill(process):
            break
        kept.append(work.finished)
    return kept


def _wait_for_steps(work: Work, count: int, process: Process) -> bool:
    """Wait until so many steps have finished and return True, or False when the process has ended before."""
    end = time.monotonic() + PATIENCE
    while work.finished < count:
        if process.poll() is not None:
            return False
        if time.monotonic() > end:
            raise TimeoutError(f"{work.arguments}: {work.finished} of {count} steps after {PATIENCE:g} s")
        time.sleep(PAUSE)
    return True


def kill(process: Process) -> bool:
    """Kill a process, wait until it and all it had started are gone, and return whether it had still been running."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        os.kill(process.pid, signal.SIGKILL)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False
    left = psutil.wait_procs(children, timeout=PATIENCE)[1]
    if left:
        raise RuntimeError(f"left behind by a command that was killed: {left}")
    return wait(process) == -signal.SIGKILL


def wait(process: Process) -> int:
    """Return the exit code of a process when it has ended."""
    end = time.monotonic() + PATIENCE * 10.0
    while (code := process.poll()) is None:
        if time.monotonic() > end:
            raise TimeoutError(f"process {process.pid} runs for {PATIENCE * 10.0:g} s")
        time.sleep(PAUSE)
    return code


def count_steps(run: Path) -> int:
    """Return how many finished tasks a run holds."""
    return len(_list_steps(run))


def pace(run: Path, steps: int) -> float:
    """Return the mean time between two of the last steps of a run [s], so many that one command has made them."""
    times = sorted(path.stat().st_mtime for path in _list_steps(run))[-steps:]
    return (times[-1] - times[0]) / max(steps - 1, 1)


def _list_steps(run: Path) -> list[Path]:
    return list((run / "results" / "tasks").glob("[!.]*.json"))


def compare(whole: Path, killed: Path) -> tuple[int, list[str]]:
    """Return how many files of results, kept tasks and figures are equal, and the names of those that differ."""
    first, second = read_bits(whole), read_bits(killed)
    names = {**first, **second}
    different = sorted(name for name in names if first.get(name) != second.get(name))
    return len(names) - len(different), different


def read_bits(run: Path) -> dict[str, str]:
    """Return the text of everything a run holds that must not differ, by name."""
    paths = [
        run / "failures.csv",
        *(path for folder in ("results", "figures") for path in sorted((run / folder).rglob("[!.]*.*"))),
    ]
    return {str(path.relative_to(run)): _read_bits(path).replace(str(run), "RUN") for path in paths if path.is_file()}


def _read_bits(path: Path) -> str:
    """Return the text of a file; of JSON without what may differ, every number with all its bits."""
    text = path.read_text(encoding="utf-8")
    return json.dumps(_without_times(json.loads(text))) if path.suffix == ".json" else text


def _without_times(value: object) -> object:
    """Return the value without wall times and what lies beside the inputs of a step."""
    if isinstance(value, dict):
        return {name: _without_times(item) for name, item in value.items() if name not in NOT_BITS}
    return [_without_times(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Cluster:
    """A Dask scheduler on the loopback interface and its workers, all processes of their own."""

    address: str
    file: Path
    """Where the scheduler tells its address."""
    begin: Begin
    scheduler: Process
    workers: list[Process]

    def add_worker(self) -> None:
        """Begin one more worker, of one thread."""
        place = ("--local-directory", str(self.file.parent), "--scheduler-file", str(self.file))
        self.workers.append(self.begin("worker", *_LOCAL, *place, "--nthreads", "1", "--no-nanny"))

    def kill_worker(self) -> None:
        """Kill the worker that was begun first."""
        if not kill(self.workers.pop(0)):
            raise RuntimeError("a Dask worker had ended by itself")


_LOCAL = ("--host", "127.0.0.1", "--no-dashboard")


@contextmanager
def open_dask_cluster(begin: Begin, folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Return a cluster of some workers; no process of it is left when the context ends."""
    file = folder / "scheduler.json"
    scheduler = begin("scheduler", *_LOCAL, "--port", "0", "--scheduler-file", str(file))
    cluster = Cluster(_wait_for_address(file, scheduler), file, begin, scheduler, [])
    try:
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        for process in (*cluster.workers, scheduler):
            kill(process)


def _wait_for_address(file: Path, scheduler: Process) -> str:
    end = time.monotonic() + PATIENCE
    while scheduler.poll() is None and time.monotonic() < end:
        try:
            return str(json.loads(file.read_text(encoding="utf-8"))["address"])
        except (FileNotFoundError, json.JSONDecodeError):  # not there, or there before it is full
            time.sleep(PAUSE)
    raise RuntimeError(f"no Dask scheduler wrote {file}")
