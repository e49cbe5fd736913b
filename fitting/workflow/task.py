"""Long work as chains of steps; each step is kept when it finishes, so what was killed goes on where it stopped, bit for bit.

Start with `Step`, `Chain` and `run_chains`.  A step is a function of plain values to plain values: it runs in this process, in
another or on another machine, and gives the same.  A chain is a step and what follows it: one start of a fit is a chain of one
step, a profile in one direction a chain of points, an ensemble of a sampler a chain of blocks.  Chains run side by side.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Protocol

Plain = Mapping[str, Any]
"""What JSON can hold; numbers keep every bit."""


@dataclass(frozen=True)
class TaskFunction:
    """The function a step calls, under a name that outlives its file: runs on disk refer to it by this name alone."""

    name: str
    """Such as `fit.start`; never changed and never given to another function."""
    compute: Callable[[Plain], Plain]
    """A function of a module, so that another process can find it.  What it could not compute it tells under the key
    `failures`, a list of `{"what": ..., "reason": ...}`; it raises only what must stop everything."""
    alias: str = ""
    """Module and function by which runs of the format `kinimmune.task/1` name it; empty where there are none."""

    def __call__(self, inputs: Plain) -> Plain:
        """Return the outcome for some inputs."""
        return self.compute(inputs)


@dataclass(frozen=True)
class Step:
    """One piece of work."""

    work: TaskFunction
    name: str
    """What its file is called; unique in a run, such as `profile-growth-up-003`."""
    inputs: Plain
    """Everything the outcome depends on: settings, hashes of tables, a seed of its own."""
    beside: Plain = field(default_factory=dict)
    """What `work` needs and the outcome does not depend on, such as where the tables lie."""

    def carry_out(self) -> Plain:
        """Return the outcome."""
        return self.work({**self.inputs, **self.beside})

    @property
    def address(self) -> str:
        """Hash of what the outcome depends on: a kept outcome is only used again for the same."""
        text = json.dumps([self.work.name, self.inputs], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def end(_step: Step, _outcome: Plain) -> Step | None:
    """Let a chain be a single step."""
    return None


@dataclass(frozen=True)
class Chain:
    """A step, and what follows a finished one: the next step, or None at the end.  `follow` runs in the calling process."""

    first: Step
    follow: Callable[[Step, Plain], Step | None] = end


class Store(Protocol):
    """Where finished steps are kept."""

    def load(self, step: Step) -> Plain | None:
        """Return the outcome of a step that was finished before, None if it was not."""
        ...

    def save(self, step: Step, outcome: Plain) -> None:
        """Keep the outcome of a step."""
        ...


class Pool(Protocol):
    """Where steps are carried out; any number of them can be submitted, and after one has failed the others may never end."""

    def submit(self, step: Step) -> "Future[Plain]":
        """Begin a step."""
        ...


Watcher = Callable[[Step, Plain, bool], None]
"""Learns of every finished step and its outcome; True says that it was computed before."""


@dataclass(frozen=True)
class Here:
    """Steps one after the other in this process."""

    carry_out: Callable[[Step], Plain] = Step.carry_out
    """How; for work that tells more while it goes on in this process."""

    def submit(self, step: Step) -> "Future[Plain]":
        """Carry out a step at once."""
        future: Future[Plain] = Future()
        future.set_result(self.carry_out(step))
        return future


def watch_nothing(_step: Step, _outcome: Plain, _kept: bool) -> None:
    """Be no watcher."""


def run_chains(chains: Sequence[Chain], store: Store, pool: Pool, watch: Watcher = watch_nothing) -> list[list[Plain]]:
    """Carry out chains and return the outcomes of the steps of each, in order.

    The outcomes do not depend on the pool or on the order in which steps end; an exception in a step ends everything, with the
    finished steps kept.
    """
    progress = _Progress(chains, store, pool, watch, [[] for _ in chains])
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
    """Where every chain is."""

    chains: Sequence[Chain]
    store: Store
    pool: Pool
    watch: Watcher
    outcomes: list[list[Plain]]
    running: dict["Future[Plain]", tuple[int, Step]] = field(default_factory=dict)
    ended: "SimpleQueue[Future[Plain]]" = field(default_factory=SimpleQueue)

    def proceed(self, index: int, step: Step | None) -> None:
        """Take kept steps off the store until one has to be computed."""
        while step is not None:
            kept = self.store.load(step)
            if kept is None:
                future = self.pool.submit(step)
                self.running[future] = (index, step)
                future.add_done_callback(self.ended.put)
                return
            step = self._count(index, step, kept, kept=True)

    def gather(self) -> None:
        """Wait for a step to end, keep it, and go on with its chain."""
        future = self.ended.get()
        index, step = self.running[future]
        outcome = future.result()
        self.store.save(step, outcome)
        del self.running[future]
        self.proceed(index, self._count(index, step, outcome, kept=False))

    def keep(self) -> None:
        """Keep what had ended well when a step failed or the user stopped; nothing runs after work that ended in order."""
        for future, (_, step) in self.running.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                self.store.save(step, future.result())

    def _count(self, index: int, step: Step, outcome: Plain, *, kept: bool) -> Step | None:
        """Add a finished step and return the next of its chain; whoever watches learns of it after that."""
        self.outcomes[index].append(outcome)
        following = self.chains[index].follow(step, outcome)
        self.watch(step, outcome, kept)
        return following
