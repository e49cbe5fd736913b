"""What a prediction rests on: the shares of its variance that data and priors determine, about the estimates of a run.

Start with `find_shares`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag

from kinimmune.fitting.prediction.analyses import DrawnRatio
from kinimmune.fitting.prediction.matching import OF_PRIOR
from kinimmune.fitting.prediction.outcome import Comparisons, DrawnTrial, describe_outcomes
from kinimmune.fitting.prediction.plan import PlannedPrediction
from kinimmune.fitting.problem.derivatives import central_points, central_slopes
from kinimmune.fitting.problem.many_trials import predict_each
from kinimmune.fitting.problem.objective import INSIDE, table_bounds
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError

STEP = 0.02
"""Step of the differences [prior sd], as for the curvature of a fit."""
RatioPlace = tuple[str, str, str, str]
"""(study, arm, reference arm, endpoint)"""


@dataclass(frozen=True)
class VarianceShares:
    """The standard deviation of a prediction by the delta method, and what its variance rests on."""

    sd: float
    data: float
    priors: float
    """Of what is estimated or drawn afresh."""
    constants: float
    """Priors of constants, where they are drawn."""


def share_variance(gradient: Array, covariance: Array, constant: Sequence[bool] | None = None) -> VarianceShares:
    """Return the shares of the variance g'C g of a prediction: C = (J'J + P)^-1 is C J'J C + C P C.

    The share of the data is g'C J'J C g / g'C g, that of the priors g'C P C g / g'C g, with P the identity on z-scores.

    Parameters
    ----------
    gradient
        g, by z-scores, shape (n,)
    covariance
        C, posterior covariance of the z-scores, shape (n, n)
    constant
        which are constants whose priors are told apart, shape (n,); None for none

    Raises
    ------
    DataError
        for a prediction that nothing moves

    Examples
    --------
    >>> share_variance(np.array([1.0]), np.array([[0.25]])).data  # three observations as sharp as the prior
    0.75
    """
    moved = covariance @ gradient
    variance = float(gradient @ moved)
    if not variance > 0.0:
        raise DataError("no parameter moves the prediction, so its variance has no shares; leave them out")
    of_priors = moved**2 / variance
    apart = np.zeros(moved.shape, dtype=bool) if constant is None else np.array(constant, dtype=bool)
    priors, constants = float(of_priors[~apart].sum()), float(of_priors[apart].sum())
    return VarianceShares(variance**0.5, 1.0 - priors - constants, priors, constants)


def find_shares(plan: PlannedPrediction) -> dict[RatioPlace, VarianceShares]:
    """Return what the logarithms of hazard ratios rest on, by central differences about the estimates.

    Empty without a run.  A ratio of which a virtual trial beside the estimates fails, or that nothing moves, is left out.
    """
    moved, covariance = plan.matched.moved, plan.source.covariance
    if covariance is None or not moved:
        return {}
    centre = np.array([item.prior.to_z(item.value) for item in moved])
    lowest, highest = table_bounds(moved, INSIDE)
    steps = np.minimum(STEP, (highest - lowest) / 4.0)
    points = central_points(np.clip(centre, lowest + steps, highest - steps), steps)
    trials = [
        describe_outcomes(plan.problem, found, Comparisons(plan.comparisons.contrasts))
        for found in predict_each(plan.problem, points)
        if not isinstance(found, Exception)
    ]
    if len(trials) < len(points):
        return {}
    scores, spread = _list_scores(plan), _join(covariance, plan)
    apart = [*(name in plan.source.constants for name in plan.source.names), *[False] * (len(spread) - len(covariance))]
    gradients = _find_gradients(trials, steps)
    return {place: share_variance(scores.T @ gradient, spread, apart) for place, gradient in gradients if np.any(gradient)}


def _find_gradients(trials: Sequence[DrawnTrial], steps: Array) -> Iterator[tuple[RatioPlace, Array]]:
    """Yield the derivatives of ln ratio by the z-scores that are moved, shape (n_moved,)."""
    for pair, endpoint in trials[0].ratios:
        found = [trial.ratios[pair, endpoint] for trial in trials]
        values = [np.array([item.log_ratio]) for item in found if isinstance(item, DrawnRatio)]
        if len(values) == len(found):
            yield (pair.study, pair.arm, pair.reference, endpoint), central_slopes(values, steps)[0]


def _list_scores(plan: PlannedPrediction) -> Array:
    """Return which of the scores of the run, then of the fresh ones, each moved parameter is; ones in shape (n_moved, n_scores).

    A parameter of the run that a study borrows is the same score as its own.
    """
    origins = {item.name: item for item in plan.matched.origins}
    names = list(plan.source.names)
    keys = [*names, *(item.key for item in plan.matched.moved if origins[item.key].origin == OF_PRIOR)]
    rows = np.zeros((len(plan.matched.moved), len(keys)))
    for row, item in enumerate(plan.matched.moved):
        origin = origins[item.key]
        place = keys.index(item.key, len(names)) if origin.origin == OF_PRIOR else names.index(origin.of)
        rows[row, place] = 1.0
    return rows


def _join(covariance: Array, plan: PlannedPrediction) -> Array:
    """Return the covariance of all scores: that of the run, and 1 for each that is drawn from its prior."""
    fresh = sum(item.origin == OF_PRIOR for item in plan.matched.origins)
    return np.asarray(block_diag(covariance, np.eye(fresh)) if fresh else covariance, dtype=float)
