"""What is sampled: a function from many points to the residuals whose squares give their log densities.

Start with `TargetDensity`; `FitPosterior` is that of a fit.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kinimmune.fitting.problem.many_trials import COMPUTATION_ERRORS, format_point, predict_each
from kinimmune.fitting.problem.problem import FitProblem, Outcomes
from kinimmune.fitting.problem.residuals import count_data_residuals, decorrelation_of, residuals, target_residuals
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
        return self._compute(points, self._residuals, count_data_residuals(self.problem) + points.shape[1])

    def measure(self, points: Array) -> DensityValues:
        """Return the numbers that data residuals are linear in, by `mixing`, in the place of residuals."""
        return self._compute(points, self._numbers, count_data_residuals(self.problem))

    @property
    def mixing(self) -> Array:
        """W by which data residuals follow from the numbers of `measure`, shape (n_data, n_data).

        The numbers are residuals as the tables have them.  Where correlations are with patients, of whom more than their
        residuals enters, they are what is left of them once correlations are taken out, and W is the identity.
        """
        found = decorrelation_of(self.problem) if self._is_linear else None
        return np.eye(count_data_residuals(self.problem)) if found is None else found

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest scores by the tables, shape (n,) each."""
        lower = np.array([item.prior.to_z(item.lower) for item in self.problem.estimated])
        return lower, np.array([item.prior.to_z(item.upper) for item in self.problem.estimated])

    def contains(self, points: Array) -> Bools:
        """Return which points lie within the ranges of the tables, shape (k,)."""
        lower, upper = self.bounds
        return np.asarray(np.all((points >= lower) & (points <= upper), axis=1))

    @property
    def _is_linear(self) -> bool:
        return all(block.carried == 0 for block in self.problem.correlations)

    def _compute(self, points: Array, read: Callable[[Outcomes, Array], Array], width: int) -> DensityValues:
        rows = np.full((len(points), width), math.inf)
        inside = np.flatnonzero(self.contains(points))
        failures = []
        for index, outcomes in zip(inside, predict_each(self.problem, list(points[inside])), strict=True):
            try:
                rows[index] = _read_finite(read, outcomes, points[index])
            except COMPUTATION_ERRORS as error:
                failures.append({"what": f"residuals at {format_point(points[index])}", "reason": str(error)})
        return DensityValues(rows, tuple(failures))

    def _residuals(self, outcomes: Outcomes, z: Array) -> Array:
        return residuals(self.problem, outcomes, z)

    def _numbers(self, outcomes: Outcomes, z: Array) -> Array:
        if not self._is_linear:
            return residuals(self.problem, outcomes, z)[: -z.size]
        return np.concatenate([target_residuals(self.problem, outcomes, target) for target in self.problem.targets])


def _read_finite(read: Callable[[Outcomes, Array], Array], outcomes: Outcomes | Exception, z: Array) -> Array:
    if isinstance(outcomes, Exception):
        raise outcomes
    row = read(outcomes, z)
    if not np.all(np.isfinite(row)):
        raise NumericalError("a residual is not finite")
    return row
