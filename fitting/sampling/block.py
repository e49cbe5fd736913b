"""A block of steps of one ensemble of walkers, by emcee.

Start with `walk`.  Everything goes in and comes out as plain values, so a block is a step of long work; its generator begins
anew from [seed, ensemble, block], so the bits do not depend on where or when the block runs.

Steps are a mixture of moves: walks on a surrogate (`kinimmune.fitting.sampling.surrogate`), which go far, and two that need none
and go where it is wrong: differential evolution (C. J. F. ter Braak, Statistics and Computing 16:239, 2006) and the stretch of
J. Goodman & J. Weare (CAMCoS 5:65, 2010).  How they compare is told in `docs/how-to/sample.md`.  emcee's
`DESnookerMove` is not among them: in 3.1.6 it does not keep its target; the variance of a standard normal in five dimensions
comes out as 0.69.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinimmune.fitting.sampling.posterior import Evaluated, Target
from kinimmune.fitting.sampling.surrogate import Guide, Surrogate, surrogate_from
from kinimmune.fitting.workflow.task import Json
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError

WALK = 150
"""Steps of a walk on the surrogate; they cost a hundredth of a virtual trial."""
OVER_DISPERSION = 2.0
"""Standard deviations of the first draws over those of the normal approximation."""
MOST_ROUNDS = 50
"""How often walkers that begin where the target cannot be computed are drawn again."""


def walk(target: Target, inputs: Json) -> Json:
    """Carry an ensemble on: the body of a step of long work.

    Parameters
    ----------
    target
        what is sampled
    inputs
        `seed` [seed, ensemble, block], `steps`, `walkers`, `surrogate`; `positions` and `log_probability` of the walkers, None
        for an ensemble that begins

    Returns
    -------
    Json
        `positions` (steps, walkers, n), `log_probability` (steps, walkers), `accepted` (walkers,), `evaluations`, `failures`
    """
    random = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(inputs["seed"])))
    surrogate = surrogate_from(inputs["surrogate"])
    counted = _Counted(target, [])
    if inputs["positions"] is None:
        positions, log_probability = _begin(counted, surrogate.guide, inputs["walkers"], random)
    else:
        positions, log_probability = np.array(inputs["positions"]), np.array(inputs["log_probability"])
    sampler = _run(counted, surrogate, (positions, log_probability), (inputs["steps"], random))
    return {
        "positions": sampler.get_chain().tolist(),
        "log_probability": sampler.get_log_prob().tolist(),
        "accepted": [int(count) for count in sampler.backend.accepted],
        "evaluations": sum(len(item.residuals) for item in counted.seen),
        "failures": [failure for item in counted.seen for failure in item.failures],
    }


def _run(target: "_Counted", surrogate: Surrogate, at: tuple[Array, Array], how: tuple[int, np.random.RandomState]) -> Any:  # noqa: ANN401
    """Return emcee's sampler after so many steps."""
    import emcee

    positions, log_probability = at
    steps, random = how
    walkers, size = positions.shape
    sampler = emcee.EnsembleSampler(walkers, size, target, moves=list_moves(surrogate), vectorize=True)
    state = emcee.State(positions, log_prob=log_probability, random_state=random.get_state(legacy=True))
    sampler.run_mcmc(state, steps, skip_initial_state_check=True)
    return sampler


def list_moves(surrogate: Surrogate) -> list[tuple[Any, float]]:
    """Return emcee's moves with their weights."""
    from emcee import moves

    return [(moves.MHMove(_Proposal(surrogate)), 0.5), (moves.DEMove(), 0.4), (moves.StretchMove(), 0.1)]


@dataclass(frozen=True)
class _Proposal:
    """Where walks on a surrogate end."""

    surrogate: Surrogate

    def __call__(self, walkers: Array, random: np.random.RandomState) -> tuple[Array, Array]:
        """Return proposals and ln of the probability of the way back over that of the way there."""
        ends = self.surrogate.wander(walkers, WALK, random)
        return ends, self.surrogate.log_probability(walkers) - self.surrogate.log_probability(ends)


@dataclass(frozen=True)
class _Counted:
    """A target as emcee calls it, with a record of what it gave."""

    target: Target
    seen: list[Evaluated]

    def __call__(self, points: Array) -> Array:
        found = self.target.evaluate(points)
        self.seen.append(found)
        return found.log_probability


def _begin(target: _Counted, guide: Guide, walkers: int, random: np.random.RandomState) -> tuple[Array, Array]:
    """Draw walkers from the guide, wider, until the target is finite for each."""
    positions = np.empty((walkers, guide.mean.size))
    log_probability = np.full(walkers, -math.inf)
    for _ in range(MOST_ROUNDS):
        missing = np.flatnonzero(~np.isfinite(log_probability))
        if not missing.size:
            return positions, log_probability
        normal = random.standard_normal((missing.size, guide.mean.size))
        positions[missing] = guide.mean + OVER_DISPERSION * normal @ guide.factor.T
        log_probability[missing] = target(positions[missing])
    raise NumericalError(
        f"{missing.size} of {walkers} walkers found no place to begin in {MOST_ROUNDS} draws about the fit; "
        "look at the ranges of the parameters and at failures.csv"
    )
