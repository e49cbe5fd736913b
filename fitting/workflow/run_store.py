"""The finished tasks of a run, as long as the run is there: work whose outcomes have nowhere to go ends at once.

Start with `RunStore`.
"""

from dataclasses import dataclass, field

from kinimmune.fitting.runs.lock import refuse_folder, require_writable
from kinimmune.fitting.runs.run import Run, RunStatus, is_run
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.fitting.workflow.task import Json, Task
from kinimmune.models.errors import MachineError


@dataclass(frozen=True)
class RunStore:
    """Tasks kept in `results/tasks` of a run; nothing is made anew where somebody deleted it while work went on."""

    run: Run
    tasks: TaskStore = field(init=False)

    def __post_init__(self) -> None:
        """Find where the tasks lie."""
        object.__setattr__(self, "tasks", TaskStore(self.run.path / "results" / "tasks", self.run.record.aliases))

    def prepare(self) -> None:
        """Make the folder of the tasks; called before work begins.

        Raises
        ------
        UsageError
            when nothing can be written there
        """
        try:
            self.tasks.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refuse_folder(self.tasks.folder, error) from error
        require_writable(self.tasks.folder)

    def load(self, task: Task) -> Json | None:
        """Return the outcome of a finished task, as `TaskStore.load` does."""
        return self.tasks.load(task)

    def save(self, task: Task, outcome: Json) -> None:
        """Keep a finished task.

        Raises
        ------
        MachineError
            when the folder of the run or that of its tasks is gone or cannot be written
        """
        self.require_place()
        self.tasks.save(task, outcome)

    def require_place(self) -> None:
        """Raise a `MachineError` when the run or its finished tasks were deleted; a `run.json` that was is written again."""
        self.run.require_place()
        if not self.tasks.folder.is_dir():
            raise MachineError(
                f"{self.tasks.folder} is gone: finished tasks were deleted or moved while the command worked; "
                "put them back, or do them again: go on with --resume"
            )
        if not is_run(self.run.path):  # without it nobody could go on
            self.run.update(RunStatus.RUNNING, 0.0)
