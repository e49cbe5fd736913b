"""What is minimised: residuals of a point, their Jacobian, and the box the point must stay in.

Start with `Objective`; `TrialObjective` is that of a fit, of which the priors can be weakened or left out and in which a
prediction can be constrained.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kinimmune.fitting.problem.derivatives import forward_jacobian
from kinimmune.fitting.problem.outputs import HazardRatioOutput, read_published_output
from kinimmune.fitting.problem.predictions import contrast_curves, median_months
from kinimmune.fitting.problem.problem import FitProblem, Outcomes, predict
from kinimmune.fitting.problem.residuals import count_data_residuals, residuals
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, NumericalError
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.trial.survival import hazard_ratio

DIFFERENCE_STEP = 3e-3
"""Step of the Jacobian's differences, in prior standard deviations."""
FEW = 16
"""Residuals of eight medians."""
INSIDE = 1e-9
"""Distance from a bound [prior sd] that is kept where points are put on it."""


@dataclass(frozen=True)
class Tolerance:
    """Change of a sum of squares that is not worth another step: a share of the sum and a floor together.

    With a floor the optimiser is given one more residual that is constant: it moves no minimum, and keeps sums near zero from
    being taken to many digits.
    """

    share: float
    floor: float = 0.0

    @property
    def rows(self) -> int:
        """Number of constant residuals, 0 or 1."""
        return int(self.floor > 0.0)

    @property
    def constant(self) -> Array:
        """The constant residuals, shape (rows,)."""
        return np.full(self.rows, math.sqrt(self.floor))


class Objective(Protocol):
    """A sum of squares over a box."""

    @property
    def names(self) -> tuple[str, ...]:
        """Keys of the coordinates of a point."""
        ...

    @property
    def tolerance(self) -> Tolerance:
        """Change of the sum of squares at which the minimisations of a profile have converged."""
        ...

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest value of every coordinate, shape (n,) each."""
        ...

    def residuals(self, z: Array) -> Array:
        """Return the residuals at a point, shape (m,), m the same everywhere; `NumericalError` where there are none."""
        ...

    def jacobian(self, z: Array, fixed: Collection[int] = ()) -> Array:
        """Return their derivative by the point, shape (m, n); the columns of fixed coordinates are not used."""
        ...


@dataclass(frozen=True)
class ConstrainedPrediction:
    """A prediction that a minimisation is drawn towards by one more residual, (ln prediction - value) / width."""

    name: str
    """Name of the prediction on the command line, such as `hazard_ratio:sharp:os`."""
    value: float
    """Natural logarithm of the value it is drawn to."""
    width: float
    """Standard error of that residual, on the scale of the logarithm."""


@dataclass(frozen=True)
class TrialObjective:
    """The sum of squares of a fit; a point is in prior standard deviations."""

    problem: FitProblem
    prior_weight: float = 1.0
    """Priors have this many times their width's reciprocal: 1 as declared, 0.5 for doubled widths, 0 for the data alone."""
    constraint: ConstrainedPrediction | None = None
    """Prediction that is drawn to a value by one more residual; None for none."""
    reach: float = math.inf
    """Coordinates stay within so many prior standard deviations, and within the bounds of the tables."""

    @property
    def names(self) -> tuple[str, ...]:
        """Keys of the estimated parameters."""
        return tuple(item.key for item in self.problem.estimated)

    @property
    def tolerance(self) -> Tolerance:
        """Change of the sum of squares of about a thousandth; without priors it is small itself, with many data large."""
        return Tolerance(share_of_change(self.problem, 1e-4)) if self.prior_weight else Tolerance(1e-3, 1.0)

    @property
    def bounds(self) -> tuple[Array, Array]:
        """The tables' bounds, or the reach where that is nearer, shape (n_estimated,) each."""
        if math.isinf(self.reach):
            return table_bounds(self.problem.estimated, 0.0)
        lower, upper = table_bounds(self.problem.estimated, INSIDE)
        return np.maximum(lower, -self.reach), np.minimum(upper, self.reach)

    def residuals(self, z: Array) -> Array:
        """Return data residuals, two a target, then those of priors and of the constrained prediction where there are any."""
        return self._rows([z])[0]

    def jacobian(self, z: Array, fixed: Collection[int] = ()) -> Array:
        """Return the derivative by forward differences, all points side by side; zero by fixed coordinates."""
        return forward_jacobian(self._rows, z, self.steps(z), fixed)

    def steps(self, z: Array) -> Array:
        """Return the steps of differences at a point, downwards where upwards is out of bounds, shape (n_estimated,)."""
        return np.where(z + DIFFERENCE_STEP > self.bounds[1], -DIFFERENCE_STEP, DIFFERENCE_STEP)

    def _rows(self, points: Sequence[Array]) -> list[Array]:
        return [self._row(outcomes, z) for outcomes, z in zip(predict(self.problem, points), points, strict=True)]

    def _row(self, outcomes: Outcomes, z: Array) -> Array:
        row = residuals(self.problem, outcomes, z)
        if self.prior_weight == 0.0:
            row = row[: -z.size]
        elif self.prior_weight != 1.0:
            row = np.concatenate([row[: -z.size], self.prior_weight * z])
        if self.constraint is None:
            return row
        away = log_prediction(self.problem, outcomes, self.constraint.name) - self.constraint.value
        return np.append(row, away / self.constraint.width)


def share_of_change(problem: FitProblem, share: float) -> float:
    """Return the share of the sum of squares that is not worth a step, given for `FEW` residuals: of many a smaller one.

    The deviance of curves and patients grows with their intervals, and what moves an estimate by a hundredth of its standard
    error does not.
    """
    return share * min(1.0, FEW / max(count_data_residuals(problem), 1))


def table_bounds(parameters: Sequence[Parameter], inside: float) -> tuple[Array, Array]:
    """Return lowest and highest scores by the tables, moved inwards so that rounding leaves no value beyond, shape (n,) each."""
    lower = [item.prior.to_z(item.lower) + inside for item in parameters]
    upper = [item.prior.to_z(item.upper) - inside for item in parameters]
    return np.array(lower), np.array(upper)


def log_prediction(problem: FitProblem, outcomes: Outcomes, name: str) -> float:
    """Return the natural logarithm of a hazard ratio or of a median of OS [month], by its name on the command line.

    Raises
    ------
    NumericalError
        where the virtual trial has none, as when nobody dies
    """
    output = read_published_output(name)
    try:
        if isinstance(output, HazardRatioOutput):
            return math.log(hazard_ratio(*contrast_curves(problem, outcomes, output)))
        median = median_months(outcomes, output.study, output.arm, output.endpoint)
    except (DataError, ValueError) as error:
        raise NumericalError(f"no {name} here: {error}") from error
    if median is None:
        raise NumericalError(f"no {name} here: the curve stays above one half")
    return math.log(median)
