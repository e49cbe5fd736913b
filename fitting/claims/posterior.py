"""Where the fit of a run leaves the parameters of a model, as claims about that model are tested with it.

Start with `draw_posterior`; the estimates and draws are those `kinimmune.fitting.sampling.posterior` reads from a run.
"""

from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch, ExperimentSetup
from kinimmune.fitting.claims.parameter_sets import draw_sets, read_sets, with_estimates
from kinimmune.fitting.problem.posterior_draws import PosteriorDraws


@dataclass(frozen=True)
class PosteriorBatches:
    """Parameter sets at and about the estimates of a fit."""

    source: PosteriorDraws
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


def draw_posterior(setup: ExperimentSetup, posterior: PosteriorDraws, seed: int, few: int, boundary: int) -> PosteriorBatches:
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
