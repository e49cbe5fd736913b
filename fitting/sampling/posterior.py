"""What is sampled: a function from many points to the residuals whose squares give their log probabilities.

Start with `Target`; `Posterior` is the one of a fit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinimmune.fitting.problem.problem import FitProblem, Outcomes, predict, residuals
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, NumericalError

Truths = NDArray[np.bool_]
FAILURES = (NumericalError, DataError, ArithmeticError, ValueError)
"""What a virtual trial can raise far from its priors: patients that cannot be integrated, arms without events, and scipy's word
for numbers that are not finite."""


@dataclass(frozen=True)
class Evaluated:
    """What a target gave for k points."""

    residuals: Array
    """Shape (k, m); a row is infinite outside the bounds and where it could not be computed."""
    failures: tuple[dict[str, str], ...] = ()
    """What could not be computed, as steps of long work tell it: `what` and `reason`."""

    @property
    def log_probability(self) -> Array:
        """-(sum of squares)/2, shape (k,); -inf where a row is infinite."""
        return np.asarray(-0.5 * np.einsum("km,km->k", self.residuals, self.residuals), dtype=float)


class Target(Protocol):
    """Anything a sampler can walk on: a density exp(-(sum of squared residuals)/2)."""

    def evaluate(self, points: Array) -> Evaluated:
        """Return the residuals of all points, shape (k, n_dimensions), at once."""
        ...


@dataclass(frozen=True)
class Posterior:
    """The posterior of a fit on standard scores: deviances of the targets and priors of unit width, inside the bounds."""

    problem: FitProblem

    def evaluate(self, points: Array) -> Evaluated:
        """Return data residuals and priors'; every arm of every point inside the bounds runs side by side."""
        found = np.full((len(points), 2 * len(self.problem.targets) + points.shape[1]), math.inf)
        inside = np.flatnonzero(self.contains(points))
        failures = []
        for place, outcomes in zip(inside, predict_each(self.problem, points[inside]), strict=True):
            try:
                found[place] = self._residuals(outcomes, points[place])
            except FAILURES as error:
                failures.append({"what": f"residuals at {spell(points[place])}", "reason": str(error)})
        return Evaluated(found, tuple(failures))

    def contains(self, points: Array) -> Truths:
        """Return which points lie within the ranges of the tables, shape (k,)."""
        lower = np.array([item.prior.to_z(item.lower) for item in self.problem.free])
        upper = np.array([item.prior.to_z(item.upper) for item in self.problem.free])
        return np.asarray(np.all((points >= lower) & (points <= upper), axis=1))

    def _residuals(self, outcomes: Outcomes | Exception, point: Array) -> Array:
        if isinstance(outcomes, Exception):
            raise outcomes
        row = residuals(self.problem, outcomes, point)
        if not np.all(np.isfinite(row)):
            raise NumericalError("a residual is not finite")
        return row


def predict_each(problem: FitProblem, points: Sequence[Array] | Array) -> Sequence[Outcomes | Exception]:
    """Return the virtual trial at every point, or what kept one from being run; a failure does not stop the others."""
    try:
        return predict(problem, list(points))
    except FAILURES as error:
        if len(points) == 1:
            return [error]
    return [outcome for point in points for outcome in predict_each(problem, [point])]


def spell(point: Array) -> str:
    """Return a point for a message, standard scores with three decimals.

    >>> spell(np.array([0.5, -1.0]))
    '(0.500, -1.000)'
    """
    return f"({', '.join(f'{score:.3f}' for score in point)})"
