"""Independent ensembles of walkers as chains of blocks of steps, each kept when it finishes.

Start with `run_ensembles`.  What is sampled is told by a `SamplingTarget`: two task functions that build the target density and
hand it to `kinimmune.fitting.sampling.surrogate.fit_surrogate` and `kinimmune.fitting.sampling.block.run_block`.  Nothing in a
block's inputs tells how many follow, so a sample can be made longer by resuming it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinimmune.fitting.sampling.surrogate import NormalApproximation
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array, Integers
from kinimmune.models.errors import UsageError

BLOCK = 25
"""Steps of a block."""


@dataclass(frozen=True)
class SamplingTarget:
    """What is sampled, as tasks find it."""

    learn: TaskFunction
    """Builds the target density from its inputs and hands it to `fit_surrogate`."""
    advance: TaskFunction
    """Builds the target density from its inputs and hands it to `run_block`."""
    inputs: Json
    """Inputs from which both build it."""
    context: Mapping[str, Any]
    """What both need and the outcome does not depend on."""
    prefix: str = "sample"
    """Beginning of the names of its tasks."""


@dataclass(frozen=True)
class EnsembleSettings:
    """How much is sampled."""

    ensembles: int
    """Number of independent ensembles."""
    walkers: int
    """Walkers of each ensemble."""
    steps: int
    """Steps of each ensemble."""
    seed: int
    block: int = BLOCK
    """Steps of a block."""

    def __post_init__(self) -> None:
        """Refuse what gives no sample."""
        if self.ensembles < 4:
            raise UsageError(f"--ensembles {self.ensembles}: at least 4, so that they can be compared")
        if self.steps < BLOCK or self.steps % BLOCK:
            raise UsageError(f"--steps {self.steps}: a multiple of {BLOCK}, such as {BLOCK} or {2 * BLOCK}; give one")
        if self.steps % self.block:
            raise UsageError(f"{self.steps} steps in blocks of {self.block}: give whole blocks")

    def require(self, parameters: int) -> "EnsembleSettings":
        """Return itself, or refuse walkers that cannot reach everywhere among so many estimated parameters."""
        if self.walkers < 2 * parameters or self.walkers % 2:
            raise UsageError(
                f"--walkers {self.walkers}: an even number, at least {2 * parameters}, twice the estimated parameters"
            )
        return self

    @property
    def blocks(self) -> int:
        """Number of blocks of each ensemble."""
        return self.steps // self.block


@dataclass(frozen=True)
class Chains:
    """Where the walkers were: E ensembles, n steps, W walkers, d dimensions."""

    positions: Array
    """Positions of the walkers, shape (E, n, W, d)."""
    log_probability: Array
    """Log density of the target there, shape (E, n, W)."""
    acceptance: tuple[float, ...]
    """Share of proposals that were taken, of each ensemble."""
    evaluations: int
    """Evaluations of the target, those for learning the surrogate included."""
    failed: int
    """Evaluations that could not be computed."""


@dataclass(frozen=True)
class ThinnedDraws:
    """Where some draws of each ensemble lie; arrays of shape (ensembles, count)."""

    ensemble: Integers
    step: Integers
    walker: Integers

    @property
    def indices(self) -> tuple[Integers, Integers, Integers]:
        """Indices into the positions of chains."""
        return self.ensemble, self.step, self.walker


def thin(chains: Chains, burn_in: int, count: int) -> ThinnedDraws:
    """Return where so many draws of each ensemble lie, evenly over the steps after the burn-in and in turn over the walkers."""
    ensembles, steps, walkers = chains.log_probability.shape
    chosen = burn_in + ((np.arange(count) + 0.5) * (steps - burn_in) / count).astype(int)
    shape = (ensembles, count)
    return ThinnedDraws(
        np.broadcast_to(np.arange(ensembles)[:, None], shape),
        np.broadcast_to(chosen, shape),
        np.broadcast_to(np.arange(count) % walkers, shape),
    )


def run_ensembles(target: SamplingTarget, normal: NormalApproximation, settings: EnsembleSettings, runtime: Runtime) -> Chains:
    """Return where all walkers were at all steps.

    Parameters
    ----------
    target
        what is sampled
    normal
        normal approximation of the target, about which walkers begin with twice its width
    settings
        how much is sampled
    runtime
        where blocks are kept and computed

    Raises
    ------
    UsageError
        when there are fewer walkers than twice the dimensions, or an odd number
    """
    settings.require(normal.mean.size)
    inputs = {**target.inputs, "guide": normal.plain, "seed": [settings.seed, 0]}
    first = Task(target.learn, f"{target.prefix}-survey", inputs, target.context)
    ((learned,),) = runtime.run([TaskChain(first)])
    chains = [_chain(target, learned["surrogate"], settings, ensemble) for ensemble in range(1, settings.ensembles + 1)]
    return _join(learned, runtime.run(chains), settings)


def _chain(target: SamplingTarget, surrogate: Json, settings: EnsembleSettings, ensemble: int) -> TaskChain:
    """Return the blocks of one ensemble, each beginning where the one before it ended."""

    def block(number: int, positions: object, log_probability: object) -> Task:
        inputs = {
            **target.inputs,
            "seed": [settings.seed, ensemble, number],
            "steps": settings.block,
            "walkers": settings.walkers,
            "surrogate": surrogate,
            "positions": positions,
            "log_probability": log_probability,
        }
        return Task(target.advance, f"{target.prefix}-ensemble-{ensemble}-block-{number:03d}", inputs, target.context)

    def next_block(task: Task, outcome: Json) -> Task | None:
        number = int(task.inputs["seed"][2]) + 1
        return None if number == settings.blocks else block(number, outcome["positions"][-1], outcome["log_probability"][-1])

    return TaskChain(block(0, None, None), next_block)


def _join(learned: Json, blocks: Sequence[Sequence[Json]], settings: EnsembleSettings) -> Chains:
    outcomes = [learned, *(block for chain in blocks for block in chain)]
    return Chains(
        positions=np.array([[at for block in chain for at in block["positions"]] for chain in blocks]),
        log_probability=np.array([[at for block in chain for at in block["log_probability"]] for chain in blocks]),
        acceptance=tuple(
            sum(sum(block["accepted"]) for block in chain) / (settings.steps * settings.walkers) for chain in blocks
        ),
        evaluations=sum(int(outcome["evaluations"]) for outcome in outcomes),
        failed=sum(len(outcome["failures"]) for outcome in outcomes),
    )
