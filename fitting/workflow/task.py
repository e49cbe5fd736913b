"""Long work as chains of tasks; each task is kept when it finishes, so what was killed goes on where it stopped, bit for bit.

Start with `Task`, `TaskChain` and `run_chains`.  A task is a function from JSON values to JSON values: it runs in this process,
in another or on another machine, and gives the same.  A chain is a task and what follows it: one start of a fit is a chain of
one task, a profile in one direction a chain of points, an ensemble of a sampler a chain of blocks.  Chains run side by side.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Protocol

SECONDS_UNINTERRUPTED = 0.2
"""Longest wait [s] in one piece: on Windows an interruption is not heard before its end."""
Json = Mapping[str, Any]
"""An object that JSON can hold; numbers keep every bit."""


@dataclass(frozen=True)
class TaskFunction:
    """The function of a task, under a name that outlives its file: runs on disk refer to it by this name alone."""

    name: str
    """Such as `fit.start`; never changed and never given to another function."""
    compute: Callable[[Json], Json]
    """A function of a module, so that another process can find it.  What it could not compute it returns under the key
    `failures`, a list of `{"what": ..., "reason": ...}`; it raises only what must stop everything."""
    alias: str = ""
    """Module and function by which runs of the format `kinimmune.task/1` name it; empty where there are none."""

    def __call__(self, inputs: Json) -> Json:
        """Return the outcome for some inputs."""
        return self.compute(inputs)


@dataclass(frozen=True)
class Task:
    """One piece of work."""

    function: TaskFunction
    name: str
    """Name of the task's file; unique in a run, such as `profile-growth-up-003`."""
    inputs: Json
    """Everything the outcome depends on: settings, digests of tables, a seed of its own."""
    context: Json = field(default_factory=dict)
    """What the function needs and the outcome does not depend on, such as where the tables lie."""

    def compute(self) -> Json:
        """Return the outcome."""
        return self.function({**self.inputs, **self.context})

    @property
    def address(self) -> str:
        """Hash of what the outcome depends on: a kept outcome is only used again for the same."""
        return hash_inputs(self.function.name, self.inputs)


def hash_inputs(function: str, inputs: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the name of a function and of what it is given, as JSON with sorted keys."""
    return hashlib.sha256(json.dumps([function, inputs], sort_keys=True).encode()).hexdigest()


def stop(_task: Task, _outcome: Json) -> Task | None:
    """Return no next task: the chain is a single one."""
    return None


@dataclass(frozen=True)
class TaskChain:
    """A task, and what follows a finished one."""

    first: Task
    next_task: Callable[[Task, Json], Task | None] = stop
    """Returns the next task, or None at the end; called in the calling process."""


class Store(Protocol):
    """Where finished tasks are kept."""

    def load(self, task: Task) -> Json | None:
        """Return the outcome of a task that was finished before, None if it was not."""
        ...

    def save(self, task: Task, outcome: Json) -> None:
        """Keep the outcome of a task."""
        ...


class Executor(Protocol):
    """Where tasks are computed; any number can be submitted, and after one has failed the others may never end."""

    def submit(self, task: Task) -> "Future[Json]":
        """Begin a task."""
        ...


OnTaskDone = Callable[[Task, Json, bool], None]
"""Called with every finished task and its outcome; True says that it was computed before."""


@dataclass(frozen=True)
class SerialExecutor:
    """Tasks one after the other in this process."""

    compute: Callable[[Task], Json] = Task.compute
    """How a task is computed; another function can report progress within a task."""

    def submit(self, task: Task) -> "Future[Json]":
        """Compute a task at once."""
        future: Future[Json] = Future()
        future.set_result(self.compute(task))
        return future


def run_chains(
    chains: Sequence[TaskChain], store: Store, executor: Executor, on_task_done: OnTaskDone | None = None
) -> list[list[Json]]:
    """Run chains and return the outcomes of the tasks of each, in order.

    The outcomes do not depend on the executor or on the order in which tasks end; an exception in a task ends everything, with
    the finished tasks kept.
    """
    progress = _Progress(chains, store, executor, on_task_done, [[] for _ in chains])
    try:
        for index, chain in enumerate(chains):
            progress.proceed(index, chain.first)
            while not progress.ended.empty():
                progress.gather()
        while progress.running:
            progress.gather()
    finally:
        progress.keep()
    return progress.outcomes


@dataclass(frozen=True)
class _Progress:
    """How far every chain has come."""

    chains: Sequence[TaskChain]
    store: Store
    executor: Executor
    on_task_done: OnTaskDone | None
    outcomes: list[list[Json]]
    running: dict["Future[Json]", tuple[int, Task]] = field(default_factory=dict)
    ended: "SimpleQueue[Future[Json]]" = field(default_factory=SimpleQueue)

    def proceed(self, index: int, task: Task | None) -> None:
        """Take kept tasks off the store until one has to be computed."""
        while task is not None:
            kept = self.store.load(task)
            if kept is None:
                future = self.executor.submit(task)
                self.running[future] = (index, task)
                future.add_done_callback(self.ended.put)
                return
            task = self._finish(index, task, kept, kept=True)

    def gather(self) -> None:
        """Wait for a task to end, keep it, and go on with its chain."""
        future = self._wait()
        index, task = self.running[future]
        outcome = future.result()
        self.store.save(task, outcome)
        del self.running[future]
        self.proceed(index, self._finish(index, task, outcome, kept=False))

    def _wait(self) -> "Future[Json]":
        """Return a task that has ended."""
        while True:
            with suppress(Empty):
                return self.ended.get(timeout=SECONDS_UNINTERRUPTED)

    def keep(self) -> None:
        """Keep what had ended well when a task failed or the user stopped; nothing runs after work that ended in order."""
        for future, (_, task) in self.running.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                self.store.save(task, future.result())

    def _finish(self, index: int, task: Task, outcome: Json, *, kept: bool) -> Task | None:
        """Add the outcome of a task and return the next of its chain; the callback is called after that."""
        self.outcomes[index].append(outcome)
        following = self.chains[index].next_task(task, outcome)
        if self.on_task_done is not None:
            self.on_task_done(task, outcome, kept)
        return following
