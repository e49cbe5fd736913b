"""Long work in a run: kept tasks, an executor, a bar, and an end in order however it comes.

Start with `run_in`; every command that works for long goes through it.
"""

import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import typer

from kinimmune.cli.exits import Exit
from kinimmune.cli.terminal import Expectation, Notes, TaskCounter, print_error
from kinimmune.fitting.runs.run import Run, RunStatus, open_run
from kinimmune.fitting.workflow.executors import open_executor, require_cluster
from kinimmune.fitting.workflow.failures import Failure, failures_of, write_failures
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.fitting.workflow.task import Json, OnTaskDone, Task
from kinimmune.models.errors import KinimmuneError, UsageError

T = TypeVar("T")
SECONDS_TO_ASK_AGAIN = 0.4
"""After an interruption that had no effect."""


@dataclass(frozen=True)
class ExecutionOptions:
    """Where the tasks of a command are computed, and what becomes of those that finished before."""

    jobs: int
    """Processes on this machine; 1 is this process."""
    dask: str | None
    """Address of a Dask scheduler that gets the tasks in place of processes here."""
    resume: bool
    """Whether finished tasks are taken up."""
    force: bool
    """Whether finished tasks are removed first."""
    notes: Notes

    def __post_init__(self) -> None:
        """Refuse what excludes each other, and fewer than one process."""
        if self.resume and self.force:
            raise UsageError("--resume and --force exclude each other; --resume goes on, --force begins anew")
        if self.jobs < 1:
            raise UsageError(f"--jobs {self.jobs}: at least 1")


def try_cluster(dask: str | None) -> None:
    """Raise an error unless a scheduler answers where --dask names one; called before a command touches a run.

    Raises
    ------
    UsageError
        when no scheduler answers, or Dask is not installed
    """
    with _interruptible():
        require_cluster(dask)


def open_store(run: Run) -> TaskStore:
    """Return where the finished tasks of a run are kept."""
    return TaskStore(run.path / "results" / "tasks", run.record.aliases)


def run_in(run: Run, options: ExecutionOptions, prefix: str, total: int | Expectation | None, work: Callable[[Runtime], T]) -> T:
    """Return what `work` gives; `run.json` and `failures.csv` of the run tell how it ended.

    Parameters
    ----------
    run
        where finished tasks are kept
    options
        where tasks are computed, and what becomes of those that finished before
    prefix
        what the names of all tasks of this work begin with
    total
        number of tasks; what estimates it, such as a `Forecast`; None when nobody can tell
    work
        a function of a runtime: the executor, the store of the run, and who learns of finished tasks

    Raises
    ------
    UsageError
        when there are finished tasks of this work and neither --resume nor --force was given
    typer.Exit
        with code 6 when it was interrupted
    """
    store = open_store(run)
    _make_room(run, store, options, prefix)
    run = run.update(RunStatus.RUNNING, 0.0)
    begin, failures = time.monotonic(), _Failures(run)
    try:
        with (
            _interruptible(),
            options.notes.count_tasks(prefix, total) as counter,
            open_executor(options.jobs, options.dask, options.notes.say) as executor,
        ):
            runtime = Runtime(store, executor, _on_task_done(counter, failures), counter.say)
            result = _work_until_interrupted(work, runtime)
    except KeyboardInterrupt:
        write_failures(run, prefix, failures.rows)
        run.update(RunStatus.INTERRUPTED, time.monotonic() - begin)
        print_error(f"interrupted; finished tasks are kept, go on with: {resume_command(run, sys.argv[1:])}")
        raise typer.Exit(Exit.INTERRUPTED) from None
    except BaseException as error:  # whatever ends it, run.json says so; it goes on to whoever tells it
        reason = str(error) if isinstance(error, KinimmuneError) else f"internal error: {type(error).__name__}: {error}"
        with suppress(KinimmuneError):  # a disk without room for the reason has none for the failures either
            write_failures(run, prefix, failures.rows)
            run.update(RunStatus.FAILED, time.monotonic() - begin, reason)
        raise
    if store.discarded:
        options.notes.say(
            f"note: {len(store.discarded)} finished tasks were of other settings, tables or equations; computed again"
        )
    write_failures(run, prefix, failures.rows)
    open_run(run.path).update(RunStatus.DONE, time.monotonic() - begin)  # with the notes of the work
    return result


def resume_command(run: Run, arguments: Sequence[str]) -> str:
    """Return the command line that goes on with a run, from the arguments of the one that was interrupted."""
    kept = [word for word in arguments if word not in ("--force", "--resume")]
    named = any(Path(word.removeprefix("--output=")) == run.path for word in kept)
    return shlex.join(["kinimmune", *kept, *(() if named else ("-o", str(run.path))), "--resume"])


@dataclass
class _Failures:
    """What the tasks of this work could not compute, gathered as they finish."""

    run: Run
    rows: list[Failure] = field(default_factory=list)

    def add(self, task: Task, outcome: Json) -> int:
        """Take note of a task; return how many failures it tells of."""
        found = failures_of(task, outcome, shlex.join(["kinimmune", "task", str(self.run.path), task.name]))
        self.rows.extend(found)
        return len(found)


def _on_task_done(counter: TaskCounter, failures: _Failures) -> OnTaskDone:
    def count(task: Task, outcome: Json, kept: bool) -> None:
        counter.add(kept=kept, failures=failures.add(task, outcome))

    return count


def _make_room(run: Run, store: TaskStore, options: ExecutionOptions, prefix: str) -> None:
    """See to it that kept tasks are there because they are wanted."""
    if options.force:
        store.remove(prefix)
    kept = len(store.names(prefix))
    if kept and not options.resume:
        tasks = "1 finished task" if kept == 1 else f"{kept} finished tasks"
        raise UsageError(f"run '{run.path}' holds {tasks} of '{prefix}'; --resume goes on with them, --force begins anew")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP end the work in order, also where a shell script started it in the background.

    An exception that is raised while C calls Python back, as compilers do, is dropped there; so a timer asks again.
    """

    def interrupt(_number: int, _frame: object) -> None:
        _ask_again_in(SECONDS_TO_ASK_AGAIN)
        raise KeyboardInterrupt

    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM")  # the last two are not on every platform
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        _ask_again_in(0.0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _work_until_interrupted(work: Callable[[Runtime], T], runtime: Runtime) -> T:
    """Return what `work` gives; once it has ended, the timer leaves what is to be put away in peace."""
    try:
        return work(runtime)
    finally:
        _ask_again_in(0.0)


def _ask_again_in(seconds: float) -> None:
    """Set the timer that repeats an interruption, 0 to stop it, where the platform has one."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
