"""Long work in a run: kept tasks, an executor, a bar, and an end in order however it comes.

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
from kinimmune.fitting.workflow.executors import open_executor
from kinimmune.fitting.workflow.failures import Failure, failures_of, write_failures
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.fitting.workflow.task import Json, OnTaskDone, Task
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
    """Address of a Dask scheduler that gets the tasks in place of processes here."""
    resume: bool
    force: bool
    notes: Notes

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if self.resume and self.force:
            raise UsageError("--resume and --force exclude each other; --resume goes on, --force begins anew")
        if self.jobs < 1:
            raise UsageError(f"--jobs {self.jobs}: at least 1")


def open_store(run: Run) -> TaskStore:
    """Return where the finished tasks of a run are kept."""
    return TaskStore(run.path / "results" / "tasks", run.record.aliases)


def carry_out(run: Run, effort: Effort, prefix: str, total: int | Expectation | None, work: Callable[[Runtime], T]) -> T:
    """Return what `work` gives; `run.json` and `failures.csv` tell how it ended.

    Parameters
    ----------
    run
        where finished tasks are kept
    effort
        how to work
    prefix
        what the names of all tasks of this work begin with
    total
        number of tasks; what estimates it, such as a `Forecast`; None when nobody can tell
    work
        does it, with the runtime it is given

    Raises
    ------
    UsageError
        when there are finished tasks of this work and neither --resume nor --force was given
    typer.Exit
        with code 6 when it was interrupted
    """
    store = open_store(run)
    _make_room(run, store, effort, prefix)
    run = run.update(RunStatus.RUNNING, 0.0)
    begin, failures = time.monotonic(), _Failures(run)
    try:
        with (
            _interruptible(),
            effort.notes.count_steps(prefix, total) as counter,
            open_executor(effort.jobs, effort.dask) as executor,
        ):
            runtime = Runtime(store, executor, _on_task_done(counter, failures), counter.say)
            result = _work_until_interrupted(work, runtime)
    except KeyboardInterrupt:
        write_failures(run, prefix, failures.rows)
        run.update(RunStatus.INTERRUPTED, time.monotonic() - begin)
        print_error(f"interrupted; finished tasks are kept, go on with: {resume_command(run, sys.argv[1:])}")
        raise typer.Exit(Exit.INTERRUPTED) from None
    except KinimmuneError as error:
        write_failures(run, prefix, failures.rows)
        run.update(RunStatus.FAILED, time.monotonic() - begin, str(error))
        raise
    if store.discarded:
        effort.notes.say(
            f"note: {len(store.discarded)} finished tasks were of other settings, tables or equations; computed again"
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
    """What the tasks of this work could not compute, as it is met."""

    run: Run
    rows: list[Failure] = field(default_factory=list)

    def add(self, task: Task, outcome: Json) -> int:
        """Take note of a task; return how many failures it tells of."""
        found = failures_of(task, outcome, shlex.join(["kinimmune", "task", str(self.run.path), task.name]))
        self.rows.extend(found)
        return len(found)


def _on_task_done(counter: StepCounter, failures: _Failures) -> OnTaskDone:
    def count(task: Task, outcome: Json, kept: bool) -> None:
        counter.add(kept=kept, failures=failures.add(task, outcome))

    return count


def _make_room(run: Run, store: TaskStore, effort: Effort, prefix: str) -> None:
    """See to it that kept tasks are there because they are wanted."""
    if effort.force:
        store.remove(prefix)
    kept = len(store.names(prefix))
    if kept and not effort.resume:
        tasks = "1 finished task" if kept == 1 else f"{kept} finished tasks"
        raise UsageError(f"run '{run.path}' holds {tasks} of '{prefix}'; --resume goes on with them, --force begins anew")


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


def _work_until_interrupted(work: Callable[[Runtime], T], runtime: Runtime) -> T:
    """Return what `work` gives; once it has ended, the timer leaves what is to be put away in peace."""
    try:
        return work(runtime)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
