"""What long work is done with: a store, an executor and who learns of finished tasks.

Start with `Runtime`; the command line makes one, and every `run_*` function takes it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kinimmune.fitting.workflow.task import Executor, Json, OnTaskDone, SerialExecutor, Store, Task, TaskChain, run_chains


@dataclass(frozen=True)
class NoStore:
    """A store that keeps nothing."""

    def load(self, _task: Task) -> Json | None:
        """Return None: nothing was kept."""
        return None

    def save(self, _task: Task, _outcome: Json) -> None:
        """Keep nothing."""


@dataclass(frozen=True)
class Runtime:
    """Where tasks are kept and computed, and who learns of it; the default computes in this process and keeps nothing."""

    store: Store = field(default_factory=NoStore)
    executor: Executor = field(default_factory=SerialExecutor)
    on_task_done: OnTaskDone | None = None
    report: Callable[[str], None] | None = None
    """Takes one line about what is being done."""

    begin: Callable[[Sequence[TaskChain]], Sequence[TaskChain]] | None = None
    """Returns chains to run in place of those that are about to begin, such as `Forecast.begin`, which counts them."""

    def run(self, chains: Sequence[TaskChain]) -> list[list[Json]]:
        """Return the outcomes of the tasks of each chain, in order, as `run_chains` does."""
        begun = chains if self.begin is None else self.begin(chains)
        return run_chains(begun, self.store, self.executor, self.on_task_done)

    def tell(self, text: str) -> None:
        """Report what is being done, where anybody wants to know."""
        if self.report is not None:
            self.report(text)
