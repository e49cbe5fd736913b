"""What is sampled: a function from many points to the residuals whose squares give their log densities.

Start with `TargetDensity`; `FitPosterior` is that of a fit.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kinimmune.fitting.problem.many_trials import COMPUTATION_ERRORS, format_point, predict_each
from kinimmune.fitting.problem.problem import FitProblem, Outcomes
from kinimmune.fitting.problem.residuals import count_data_residuals, residuals
from kinimmune.models.arrays import Array, Bools
from kinimmune.models.errors import NumericalError


@dataclass(frozen=True)
class DensityValues:
    """The values of a target density at k points."""

    residuals: Array
    """Residuals, shape (k, m); a row is infinite outside the bounds and where it could not be computed."""
    failures: tuple[dict[str, str], ...] = ()
    """What could not be computed, in the form of a task's outcome: `what` and `reason`."""

    @property
    def log_probability(self) -> Array:
        """Log density up to a constant, -(sum of squares)/2, shape (k,); -inf where a row is infinite."""
        return np.asarray(-0.5 * np.einsum("km,km->k", self.residuals, self.residuals), dtype=float)


class TargetDensity(Protocol):
    """Anything a sampler can walk on: a density exp(-(sum of squared residuals)/2)."""

    def evaluate(self, points: Array) -> DensityValues:
        """Return the values at all points, shape (k, n_dimensions), at once."""
        ...


@dataclass(frozen=True)
class FitPosterior:
    """The posterior of a fit on z-scores: deviances of the targets and priors of unit width, inside the bounds."""

    problem: FitProblem

    def evaluate(self, points: Array) -> DensityValues:
        """Return data residuals and priors'; every arm of every point inside the bounds runs side by side."""
        rows = np.full((len(points), count_data_residuals(self.problem) + points.shape[1]), math.inf)
        inside = np.flatnonzero(self.contains(points))
        failures = []
        for index, outcomes in zip(inside, predict_each(self.problem, list(points[inside])), strict=True):
            try:
                rows[index] = self._residuals(outcomes, points[index])
            except COMPUTATION_ERRORS as error:
                failures.append({"what": f"residuals at {format_point(points[index])}", "reason": str(error)})
        return DensityValues(rows, tuple(failures))

    def contains(self, points: Array) -> Bools:
        """Return which points lie within the ranges of the tables, shape (k,)."""
        lower = np.array([item.prior.to_z(item.lower) for item in self.problem.estimated])
        upper = np.array([item.prior.to_z(item.upper) for item in self.problem.estimated])
        return np.asarray(np.all((points >= lower) & (points <= upper), axis=1))

    def _residuals(self, outcomes: Outcomes | Exception, z: Array) -> Array:
        if isinstance(outcomes, Exception):
            raise outcomes
        row = residuals(self.problem, outcomes, z)
        if not np.all(np.isfinite(row)):
            raise NumericalError("a residual is not finite")
        return row
