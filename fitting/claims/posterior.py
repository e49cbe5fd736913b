"""Where the fit of a run leaves the parameters of a model, as claims about that model are tested with it.

Start with `ClaimPosterior`; `kinimmune.fitting.run_claims` reads it from a run.
"""

from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch, ExperimentSetup
from kinimmune.fitting.claims.parameter_sets import draw_sets, read_sets, with_estimates
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError

SAMPLE, GAUSSIAN = "sample", "gaussian"
BASES = {SAMPLE: "draws of the run's sample", GAUSSIAN: "draws of the normal approximation at the optimum"}
"""What draws from a posterior are -> in words."""


@dataclass(frozen=True)
class ClaimPosterior:
    """Estimates of a fit and draws from their posterior."""

    basis: str
    """What the draws are: a key of `BASES`."""
    note: str
    """In words, with what kept the run's sample from being used where it was not."""
    names: tuple[str, ...]
    """Keys of the estimated parameters."""
    estimates: Array
    """Shape (n_estimated,)."""
    draws: Array
    """Shape (k, n_estimated)."""
    effective: float | None
    """How many independent draws they count for; None for all of them."""
    places: frozenset[str]
    """Studies and experiments of which something was fitted."""
    comparisons: frozenset[tuple[str, str, str]] = frozenset()
    """Read-out, experiment and reference of measurements that were fitted."""

    def __post_init__(self) -> None:
        """Refuse draws of other parameters, and a basis nobody knows."""
        if self.basis not in BASES:
            raise DataError(f"posterior of basis '{self.basis}'; allowed: {', '.join(BASES)}")
        if self.estimates.shape != (len(self.names),) or self.draws.shape[1:] != self.estimates.shape:
            raise DataError(f"draws of {self.draws.shape[1:]} values for {len(self.names)} estimates; give one per estimate")


@dataclass(frozen=True)
class PosteriorBatches:
    """Parameter sets at and about the estimates of a fit."""

    source: ClaimPosterior
    fitted: ExperimentBatch
    """The estimates; constants at the tables' values."""
    drawn: ExperimentBatch
    """Draws of the estimates; constants drawn from their priors."""
    held: ExperimentBatch
    """The same draws; constants at the tables' values, as in the fit."""
    few: ExperimentBatch
    """Some of the latter, with which mechanisms are knocked out."""
    boundary: ExperimentBatch
    """Some of `drawn`, for disputed claims."""


def draw_posterior(setup: ExperimentSetup, posterior: ClaimPosterior, seed: int, few: int, boundary: int) -> PosteriorBatches:
    """Return parameter sets at and about the estimates of a fit.

    Parameters
    ----------
    setup
        of the model
    posterior
        the fit
    seed
        of the draws of constants
    few, boundary
        numbers of draws with which mechanisms are knocked out, and boundaries searched
    """
    table, size = setup.compiled.model.parameters, len(posterior.draws)
    found = dict(zip(posterior.names, posterior.draws.T, strict=True))
    point = {name: np.array([value]) for name, value in zip(posterior.names, posterior.estimates, strict=True)}
    drawn = with_estimates(draw_sets(table, size, 1.0, seed), table, found)
    held = with_estimates(read_sets(table, size), table, found)
    return PosteriorBatches(
        source=posterior,
        fitted=with_estimates(read_sets(table), table, point).to_batch(setup, seed),
        drawn=drawn.to_batch(setup, seed),
        held=held.to_batch(setup, seed),
        few=held.first(few).to_batch(setup, seed),
        boundary=drawn.first(boundary).to_batch(setup, seed),
    )
