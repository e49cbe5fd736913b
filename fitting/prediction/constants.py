"""Constants of a run drawn within their priors, with what its data then say of the parameters it estimated.

Start with `add_constants`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kinimmune.fitting.estimation.fitted import Fitted
from kinimmune.fitting.estimation.laplace import approximate, uncertain_constants
from kinimmune.fitting.prediction.source import ParameterSource
from kinimmune.fitting.problem.objective import INSIDE, table_bounds
from kinimmune.fitting.problem.settings import open_problem
from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.parameters import Parameter

CONSTANTS = 6
"""What sets the seed of constants apart from those of other draws."""


def add_constants(source: ParameterSource, fitted: Fitted, seed: int) -> ParameterSource:
    """Return the posterior of a run with its constants drawn too.

    About the estimates, residuals are taken as linear in the z-scores z of what was estimated and c of the constants, as for the
    intervals of a fit with constants drawn.  Then (z, c) is normal with covariance C = (J'J + I)^-1, c has C_cc, and z given c is
    as with the constants held but moved by C_zc C_cc^-1 c: a constant that the data contradict is drawn less far, and what
    was estimated moves to meet the data again.

    Parameters
    ----------
    source
        draws with constants held, from `take_run`
    fitted
        the run
    seed
        of the constants

    Raises
    ------
    UsageError
        when no constant of the model has a prior
    """
    problem = open_problem(fitted.settings, fitted.folder)
    constants = uncertain_constants(problem)
    if not constants:
        raise UsageError(f"--draw-constants: no constant of model '{source.model.name}' has a prior; leave it out")
    covariance = approximate(problem, fitted.z).covariance(constants_drawn=True)
    count = len(problem.estimated)
    within, across = covariance[count:, count:], covariance[:count, count:]
    generator = np.random.default_rng([seed, CONSTANTS])
    moved = generator.multivariate_normal(np.zeros(len(constants)), within, size=len(source.draws), method="eigh")
    order = [source.names.index(item.key) for item in problem.estimated]
    scores = _to_scores(problem.estimated, source.draws[:, order]) + moved @ np.linalg.solve(within, across.T)
    centre = np.array([item.prior.to_z(item.value) for item in constants])
    drawn = np.hstack([_to_values(problem.estimated, scores), _to_values(constants, centre + moved)])
    names = tuple(item.key for item in (*problem.estimated, *constants))
    note = f"{source.note}; {len(constants)} constants drawn too, estimates moving along"
    held = frozenset(item.key for item in constants)
    return replace(source, names=names, draws=drawn, covariance=covariance, note=note, constants=held)


def _to_scores(parameters: Sequence[Parameter], values: Array) -> Array:
    return np.array([[item.prior.to_z(value) for item, value in zip(parameters, row, strict=True)] for row in values.tolist()])


def _to_values(parameters: Sequence[Parameter], scores: Array) -> Array:
    """Return values, those beyond the range of the table on its end."""
    inside = np.clip(scores, *table_bounds(parameters, INSIDE))
    return np.array([[item.prior.from_z(score) for item, score in zip(parameters, row, strict=True)] for row in inside.tolist()])
