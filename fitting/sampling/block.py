"""A block of steps of one ensemble of walkers, by emcee.

Start with `run_block`.  Everything goes in and comes out as plain values, so a block is a task; its generator begins anew from
[seed, ensemble, block], so the bits do not depend on where or when the block runs.

Steps are a mixture of moves: walks on a surrogate (`kinimmune.fitting.sampling.surrogate`), which go far, and two that need none
and go where it is wrong: differential evolution (C. J. F. ter Braak, Statistics and Computing 16:239, 2006) and the stretch of
J. Goodman & J. Weare (CAMCoS 5:65, 2010).  How they compare is told in `docs/how-to/sample.md`.  emcee's
`DESnookerMove` is not among them: in 3.1.6 it does not keep its target; the variance of a standard normal in five dimensions
comes out as 0.69.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kinimmune.fitting.sampling.density import DensityValues, TargetDensity
from kinimmune.fitting.sampling.surrogate import NormalApproximation, Surrogate
from kinimmune.fitting.workflow.task import Json
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError

WALK_STEPS = 150
"""Steps of a walk on the surrogate; together they take a hundredth of the time of a virtual trial."""
OVER_DISPERSION = 2.0
"""Standard deviations of the first draws over those of the normal approximation."""
MAX_ROUNDS = 50
"""How often walkers that begin where the target cannot be computed are drawn again."""


def run_block(target: TargetDensity, inputs: Json) -> Json:
    """Carry an ensemble on by a block of steps: what the function of such a task does once it has its target.

    Parameters
    ----------
    target
        density that is sampled
    inputs
        `seed` [seed, ensemble, block], `steps`, `walkers`, `surrogate`; `positions` and `log_probability` of the walkers, None
        for an ensemble that begins

    Returns
    -------
    Json
        `positions` (steps, walkers, n), `log_probability` (steps, walkers), `accepted` (walkers,), `evaluations`, `failures`
    """
    random = np.random.RandomState(np.random.MT19937(np.random.SeedSequence(inputs["seed"])))
    surrogate = Surrogate.from_plain(inputs["surrogate"])
    recorded = _RecordedDensity(target)
    if inputs["positions"] is None:
        walkers = _start_walkers(recorded, surrogate.normal, inputs["walkers"], random)
    else:
        walkers = _Walkers(np.array(inputs["positions"]), np.array(inputs["log_probability"]))
    sampler = _sample(recorded, surrogate, walkers, inputs["steps"], random)
    return {
        "positions": sampler.get_chain().tolist(),
        "log_probability": sampler.get_log_prob().tolist(),
        "accepted": [int(count) for count in sampler.backend.accepted],
        "evaluations": sum(len(values.residuals) for values in recorded.values),
        "failures": [failure for values in recorded.values for failure in values.failures],
    }


@dataclass(frozen=True)
class _Walkers:
    """Where the walkers of an ensemble are."""

    positions: Array
    """Shape (walkers, n)."""
    log_probability: Array
    """Shape (walkers,)."""


@dataclass(frozen=True)
class _RecordedDensity:
    """A log density as emcee calls it, with a record of the values it gave."""

    target: TargetDensity
    values: list[DensityValues] = field(default_factory=list)

    def __call__(self, points: Array) -> Array:
        """Return the log density at points, shape (k,)."""
        values = self.target.evaluate(points)
        self.values.append(values)
        return values.log_probability


def _sample(density: _RecordedDensity, surrogate: Surrogate, walkers: _Walkers, steps: int, random: np.random.RandomState) -> Any:  # noqa: ANN401 - emcee has no types
    """Return emcee's sampler after so many steps."""
    import emcee

    count, size = walkers.positions.shape
    sampler = emcee.EnsembleSampler(count, size, density, moves=list_moves(surrogate), vectorize=True)
    sampler.log_prob_fn = density  # without emcee's wrapper, which prints a traceback when the user interrupts
    state = emcee.State(walkers.positions, log_prob=walkers.log_probability, random_state=random.get_state(legacy=True))
    sampler.run_mcmc(state, steps, skip_initial_state_check=True)
    return sampler


def list_moves(surrogate: Surrogate) -> list[tuple[Any, float]]:
    """Return emcee's moves with their weights."""
    from emcee import moves

    return [(moves.MHMove(_SurrogateProposal(surrogate)), 0.5), (moves.DEMove(), 0.4), (moves.StretchMove(), 0.1)]


@dataclass(frozen=True)
class _SurrogateProposal:
    """A proposal at the end of a walk on a surrogate."""

    surrogate: Surrogate

    def __call__(self, walkers: Array, random: np.random.RandomState) -> tuple[Array, Array]:
        """Return proposals and ln of the probability of the way back over that of the way there."""
        ends = self.surrogate.random_walk(walkers, WALK_STEPS, random)
        return ends, self.surrogate.log_probability(walkers) - self.surrogate.log_probability(ends)


def _start_walkers(density: _RecordedDensity, normal: NormalApproximation, count: int, random: np.random.RandomState) -> _Walkers:
    """Draw walkers from the normal approximation, wider, until the density is finite for each."""
    positions = np.empty((count, normal.mean.size))
    log_probability = np.full(count, -math.inf)
    for _ in range(MAX_ROUNDS):
        missing = np.flatnonzero(~np.isfinite(log_probability))
        if not missing.size:
            return _Walkers(positions, log_probability)
        draws = random.standard_normal((missing.size, normal.mean.size))
        positions[missing] = normal.mean + OVER_DISPERSION * draws @ normal.factor.T
        log_probability[missing] = density(positions[missing])
    raise NumericalError(
        f"{missing.size} of {count} walkers found no place to begin in {MAX_ROUNDS} draws about the fit; "
        "look at the ranges of the parameters and at failures.csv"
    )
