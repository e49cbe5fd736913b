"""Long work in a run: kept steps, a pool, a bar, and an end in order however it comes.

Start with `carry_out`; every command that works for long goes through it.
"""

import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import typer

from kinimmune.cli.exits import Exit
from kinimmune.cli.terminal import Expectation, Notes, StepCounter, print_error
from kinimmune.fitting.runs.run import Run, RunStatus
from kinimmune.fitting.workflow.executors import open_pool
from kinimmune.fitting.workflow.failures import Failure, failures_of, write_failures
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.fitting.workflow.task import Plain, Pool, Step, Store, Watcher
from kinimmune.models.errors import KinimmuneError, UsageError

T = TypeVar("T")
SECONDS_TO_ASK_AGAIN = 0.4
"""After an interruption that had no effect."""


@dataclass(frozen=True)
class Effort:
    """How a command is to work."""

    jobs: int
    """Processes on this machine; 1 is this process."""
    dask: str | None
    """Address of a Dask scheduler that gets the steps in place of processes here."""
    resume: bool
    force: bool
    notes: Notes

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if self.resume and self.force:
            raise UsageError("--resume and --force exclude each other; --resume goes on, --force begins anew")
        if self.jobs < 1:
            raise UsageError(f"--jobs {self.jobs}: at least 1")


def _say_nothing(_text: str) -> None:
    """Be silent."""


@dataclass(frozen=True)
class Workshop:
    """What work is done with; the three first are what `run_chains` takes."""

    store: Store
    pool: Pool
    watch: Watcher
    say: Callable[[str], None] = _say_nothing
    """Shows what is being done, beside the bar."""


def open_store(run: Run) -> TaskStore:
    """Return where the finished steps of a run are kept."""
    return TaskStore(run.path / "results" / "tasks", run.record.aliases)


def carry_out(run: Run, effort: Effort, prefix: str, total: int | Expectation | None, work: Callable[[Workshop], T]) -> T:
    """Return what `work` gives; `run.json` and `failures.csv` tell how it ended.

    Parameters
    ----------
    run
        where finished steps are kept
    effort
        how to work
    prefix
        what the names of all steps of this work begin with
    total
        number of steps; what estimates it, such as a `Forecast`; None when nobody can tell
    work
        does it, with the store, the pool and the watcher it is given

    Raises
    ------
    UsageError
        when there are finished steps of this work and neither --resume nor --force was given
    typer.Exit
        with code 6 when it was interrupted
    """
    store = open_store(run)
    _make_room(run, store, effort, prefix)
    run = run.update(RunStatus.RUNNING, 0.0)
    begin, failures = time.monotonic(), _Failures(run)
    try:
        with _interruptible(), effort.notes.count_steps(prefix, total) as counter, open_pool(effort.jobs, effort.dask) as pool:
            workshop = Workshop(store, pool, _watch(counter, failures), counter.say)
            result = _work_until_interrupted(work, workshop)
    except KeyboardInterrupt:
        write_failures(run, prefix, failures.rows)
        run.update(RunStatus.INTERRUPTED, time.monotonic() - begin)
        print_error(f"interrupted; finished steps are kept, go on with: {resume_command(run, sys.argv[1:])}")
        raise typer.Exit(Exit.INTERRUPTED) from None
    except KinimmuneError as error:
        write_failures(run, prefix, failures.rows)
        run.update(RunStatus.FAILED, time.monotonic() - begin, str(error))
        raise
    if store.discarded:
        effort.notes.say(
            f"note: {len(store.discarded)} finished steps were of other settings, tables or equations; computed again"
        )
    write_failures(run, prefix, failures.rows)
    run.update(RunStatus.DONE, time.monotonic() - begin)
    return result


def resume_command(run: Run, arguments: Sequence[str]) -> str:
    """Return the command line that goes on with a run, from the arguments of the one that was interrupted."""
    kept = [word for word in arguments if word not in ("--force", "--resume")]
    named = any(Path(word.removeprefix("--output=")) == run.path for word in kept)
    return shlex.join(["kinimmune", *kept, *(() if named else ("-o", str(run.path))), "--resume"])


@dataclass(frozen=True)
class _Failures:
    """What the steps of this work could not compute, as it is met."""

    run: Run
    rows: list[Failure] = field(default_factory=list)

    def add(self, step: Step, outcome: Plain) -> int:
        """Take note of a step; return how many failures it tells of."""
        found = failures_of(step, outcome, shlex.join(["kinimmune", "task", str(self.run.path), step.name]))
        self.rows.extend(found)
        return len(found)


def _watch(counter: StepCounter, failures: _Failures) -> Watcher:
    def watch(step: Step, outcome: Plain, kept: bool) -> None:
        counter.add(kept=kept, failures=failures.add(step, outcome))

    return watch


def _make_room(run: Run, store: TaskStore, effort: Effort, prefix: str) -> None:
    """See to it that kept steps are there because they are wanted."""
    if effort.force:
        store.remove(prefix)
    kept = len(store.names(prefix))
    if kept and not effort.resume:
        steps = "1 finished step" if kept == 1 else f"{kept} finished steps"
        raise UsageError(f"run '{run.path}' holds {steps} of '{prefix}'; --resume goes on with them, --force begins anew")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGINT and SIGTERM both end the work in order, also where a shell script started it in the background.

    An exception that is raised while C calls Python back, as compilers do, is dropped there; so a timer asks again.
    """

    def interrupt(_number: int, _frame: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, SECONDS_TO_ASK_AGAIN)
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _work_until_interrupted(work: Callable[[Workshop], T], workshop: Workshop) -> T:
    """Return what `work` gives; once it has ended, the timer leaves what is to be put away in peace."""
    try:
        return work(workshop)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
