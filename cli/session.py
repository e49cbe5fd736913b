"""Long work in a run: kept tasks, an executor, a bar, and an end in order however it comes.

Start with `run_in`; every command that works for long goes through it.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import typer

from kinimmune.cli.exits import Exit
from kinimmune.cli.interruptions import interruptible, undisturbed, until_interrupted
from kinimmune.cli.terminal import Expectation, Notes, TaskCounter, print_error
from kinimmune.fitting.runs.run import Run, RunStatus
from kinimmune.fitting.shell_words import join_words
from kinimmune.fitting.workflow.executors import open_executor, require_cluster
from kinimmune.fitting.workflow.failures import Failure, failures_of, write_failures
from kinimmune.fitting.workflow.run_store import RunStore
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.fitting.workflow.task import Json, OnTaskDone, Task
from kinimmune.models.errors import KinimmuneError, MachineError, UsageError

T = TypeVar("T")


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
    with interruptible():
        require_cluster(dask)


def open_store(run: Run) -> TaskStore:
    """Return where the finished tasks of a run are kept."""
    return RunStore(run).tasks


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
        when there are finished tasks of this work and neither --resume nor --force was given, or the run cannot be written
    MachineError
        when the run was deleted, moved or made unwritable while work went on
    typer.Exit
        with code 6 when it was interrupted
    """
    store = RunStore(run)
    _make_room(store, options, prefix)
    run = run.update(RunStatus.RUNNING, 0.0)
    ending = _Ending(run, prefix)
    with (
        _end_in_order(ending),
        options.notes.count_tasks(prefix, total) as counter,
        open_executor(options.jobs, options.dask, options.notes.say) as executor,
    ):
        runtime = Runtime(store, executor, _on_task_done(counter, ending), counter.say)
        result = until_interrupted(lambda: work(runtime))
        store.require_place()
    if store.tasks.discarded:
        options.notes.say(
            f"note: {len(store.tasks.discarded)} finished tasks were of other settings, tables or equations; computed again"
        )
    return result


@contextmanager
def _end_in_order(ending: "_Ending") -> Iterator[None]:
    """Let `run.json` and `failures.csv` tell how work ended, whatever ends it; it goes on to whoever tells the user."""
    with interruptible():
        try:
            yield
            with undisturbed():
                ending.finish()
        except KeyboardInterrupt:
            _tell_interruption(ending)
            raise typer.Exit(Exit.INTERRUPTED) from None
        except OSError as error:
            failure = _name_failure(ending.run, error)
            ending.tell(RunStatus.FAILED, str(failure))
            raise failure from error
        except BaseException as error:
            reason = str(error) if isinstance(error, KinimmuneError) else f"internal error: {type(error).__name__}: {error}"
            ending.tell(RunStatus.FAILED, reason)
            raise


def _tell_interruption(ending: "_Ending") -> None:
    """Write that work was interrupted, and print the command that goes on."""
    trouble = ending.tell(RunStatus.INTERRUPTED)
    kept = f"finished tasks are kept, go on with: {resume_command(ending.run, sys.argv[1:])}"
    print_error(f"interrupted; {kept if trouble is None else trouble}")


def _name_failure(run: Run, error: OSError) -> MachineError:
    """Return an error of the system that met work under way as one that names the file and says what to do."""
    name = f"'{error.filename}'" if error.filename is not None else f"a file of run '{run.path}' or a connection"
    return MachineError(f"{name}: {error.strerror or error}; mend that and go on with --resume, what was finished is kept")


def resume_command(run: Run, arguments: Sequence[str]) -> str:
    """Return the command line that goes on with a run, from the arguments of the one that was interrupted."""
    kept = [word for word in arguments if word not in ("--force", "--resume")]
    named = any(Path(word.removeprefix("--output=")) == run.path for word in kept)
    return join_words(["kinimmune", *kept, *(() if named else ("-o", str(run.path))), "--resume"])


@dataclass
class _Ending:
    """How work in a run ended, and what its tasks could not compute, gathered as they finish."""

    run: Run
    prefix: str
    failures: list[Failure] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def add(self, task: Task, outcome: Json) -> int:
        """Take note of a task; return how many failures it tells of."""
        found = failures_of(task, outcome, join_words(["kinimmune", "task", str(self.run.path), task.name]))
        self.failures.extend(found)
        return len(found)

    def tell(self, status: RunStatus, *notes: str) -> KinimmuneError | None:
        """Write that work ended before its end, as far as the disk takes it; return what `run.json` could not be told for."""
        with undisturbed():
            with suppress(KinimmuneError):
                write_failures(self.run, self.prefix, self.failures)
            try:
                self._update(status, *notes)
            except KinimmuneError as error:
                return error
        return None

    def finish(self) -> None:
        """Write that work is done, with the notes of the work."""
        write_failures(self.run, self.prefix, self.failures)
        self._update(RunStatus.DONE)

    def _update(self, status: RunStatus, *notes: str) -> None:
        self.run.reread().update(status, time.monotonic() - self.began, *notes)


def _on_task_done(counter: TaskCounter, ending: _Ending) -> OnTaskDone:
    def count(task: Task, outcome: Json, kept: bool) -> None:
        counter.add(kept=kept, failures=ending.add(task, outcome))

    return count


def _make_room(store: RunStore, options: ExecutionOptions, prefix: str) -> None:
    """See to it that kept tasks are there because they are wanted, and that more can be kept."""
    if options.force:
        store.tasks.remove(prefix)
    kept = len(store.tasks.names(prefix))
    if kept and not options.resume:
        tasks = "1 finished task" if kept == 1 else f"{kept} finished tasks"
        raise UsageError(f"run '{store.run.path}' holds {tasks} of '{prefix}'; --resume goes on with them, --force begins anew")
    store.prepare()
