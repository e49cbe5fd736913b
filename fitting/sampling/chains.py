"""Independent ensembles of walkers as chains of blocks of steps, each kept when it finishes.

Start with `run_ensembles`.  What is sampled is told by a `Sampled`: two functions of modules that build the target and hand it to
`kinimmune.fitting.sampling.surrogate.survey` and `kinimmune.fitting.sampling.block.walk`.  Nothing in a block's inputs tells how
many follow, so a sample can be made longer by resuming it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinimmune.fitting.sampling.surrogate import Guide
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError

BLOCK = 25
"""Steps of a block."""


@dataclass(frozen=True)
class Sampled:
    """What is sampled, as steps of long work find it."""

    survey: TaskFunction
    """Builds the target from its inputs and hands it to `survey`."""
    walk: TaskFunction
    """Builds the target from its inputs and hands it to `walk`."""
    inputs: Json
    """From which both build it."""
    context: Mapping[str, Any]
    """What they need and the outcome does not depend on."""


@dataclass(frozen=True)
class Effort:
    """How much is sampled."""

    ensembles: int
    walkers: int
    steps: int
    seed: int

    def __post_init__(self) -> None:
        """Refuse what gives no sample."""
        if self.ensembles < 4:
            raise UsageError(f"--ensembles {self.ensembles}: at least 4, so that they can be compared")
        if self.steps < BLOCK or self.steps % BLOCK:
            raise UsageError(f"--steps {self.steps}: a multiple of {BLOCK}")

    def require(self, parameters: int) -> "Effort":
        """Return itself, or refuse walkers that cannot reach everywhere among so many free parameters."""
        if self.walkers < 2 * parameters or self.walkers % 2:
            raise UsageError(f"--walkers {self.walkers}: an even number, at least {2 * parameters}, twice the free parameters")
        return self

    @property
    def blocks(self) -> int:
        """Blocks of each ensemble."""
        return self.steps // BLOCK


@dataclass(frozen=True)
class Chains:
    """Where the walkers were: E ensembles, n steps, W walkers, d dimensions."""

    positions: Array
    """Shape (E, n, W, d)"""
    log_probability: Array
    """Shape (E, n, W)"""
    acceptance: tuple[float, ...]
    """Share of proposals that were taken, of each ensemble."""
    evaluations: int
    """Of the target, learning the surrogate included."""
    failed: int
    """Of them, those that could not be computed."""


def run_ensembles(sampled: Sampled, guide: Guide, effort: Effort, runtime: Runtime) -> Chains:
    """Return where all walkers were at all steps.

    Parameters
    ----------
    sampled
        the target
    guide
        normal approximation of the target, about which walkers begin with twice its width
    effort
        how much is sampled
    runtime
        where blocks are kept and computed

    Raises
    ------
    UsageError
        when there are fewer walkers than twice the dimensions, or an odd number
    """
    effort.require(guide.mean.size)
    inputs = {**sampled.inputs, "guide": guide.plain, "seed": [effort.seed, 0]}
    first = Task(sampled.survey, "sample-survey", inputs, sampled.context)
    ((learned,),) = runtime.run([TaskChain(first)])
    chains = [_chain(sampled, learned["surrogate"], effort, ensemble) for ensemble in range(1, effort.ensembles + 1)]
    return _join(learned, runtime.run(chains), effort)


def _chain(sampled: Sampled, surrogate: Json, effort: Effort, ensemble: int) -> TaskChain:
    """Return the blocks of one ensemble, each beginning where the one before it ended."""

    def block(number: int, positions: object, log_probability: object) -> Task:
        inputs = {
            **sampled.inputs,
            "seed": [effort.seed, ensemble, number],
            "steps": BLOCK,
            "walkers": effort.walkers,
            "surrogate": surrogate,
            "positions": positions,
            "log_probability": log_probability,
        }
        return Task(sampled.walk, f"sample-ensemble-{ensemble}-block-{number:03d}", inputs, sampled.context)

    def follow(step: Task, outcome: Json) -> Task | None:
        number = int(step.inputs["seed"][2]) + 1
        return None if number == effort.blocks else block(number, outcome["positions"][-1], outcome["log_probability"][-1])

    return TaskChain(block(0, None, None), follow)


def _join(learned: Json, blocks: Sequence[Sequence[Json]], effort: Effort) -> Chains:
    every = [learned, *(block for chain in blocks for block in chain)]
    return Chains(
        positions=np.array([[at for block in chain for at in block["positions"]] for chain in blocks]),
        log_probability=np.array([[at for block in chain for at in block["log_probability"]] for chain in blocks]),
        acceptance=tuple(sum(sum(block["accepted"]) for block in chain) / (effort.steps * effort.walkers) for chain in blocks),
        evaluations=sum(int(block["evaluations"]) for block in every),
        failed=sum(len(block["failures"]) for block in every),
    )
