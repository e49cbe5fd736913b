"""The optimiser: lmfit's least squares from one point, the one door to lmfit.

Start with `optimise`.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import lmfit
import numpy as np

from kinimmune.fitting.problem.objective import Objective, Tolerance, TrialObjective, share_of_change
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, NumericalError
from kinimmune.models.trial.population import draw_population


@dataclass(frozen=True)
class StartOutcome:
    """Where the optimiser ended from one start."""

    z: tuple[float, ...]
    """z-scores of the estimated parameters."""
    chi_square: float
    """Sum of squares of data and prior residuals."""
    converged: bool
    evaluations: int
    """Virtual trials run, those for derivatives included."""
    message: str
    """What the optimiser says of its end."""

    @property
    def plain(self) -> dict[str, object]:
        """Outcome of the task of a start; its keys are published."""
        return {
            "point": self.z,
            "cost": self.chi_square,
            "converged": self.converged,
            "evaluations": self.evaluations,
            "message": self.message,
        }


def read_start(kept: Mapping[str, object], size: int) -> StartOutcome:
    """Return the outcome of a start from that of its task, inverse of `StartOutcome.plain`; a `DataError` where it is none."""
    z, chi_square, evaluations = kept.get("point"), kept.get("cost"), kept.get("evaluations")
    numbers = isinstance(z, list | tuple) and len(z) == size and all(isinstance(score, float) for score in z)
    if not numbers or not isinstance(chi_square, float) or not isinstance(evaluations, int):
        raise DataError("a start in results/tasks of this run cannot be read; fit into a new run, or with --force")
    return StartOutcome(
        tuple(cast(Sequence[float], z)), chi_square, bool(kept.get("converged")), evaluations, str(kept.get("message", ""))
    )


@dataclass(frozen=True)
class Solution:
    """The best of several starts."""

    seed: int
    best: StartOutcome
    starts: tuple[StartOutcome, ...]
    again: int = 0
    """Virtual trials run once more from the best start, with correlations taken into account."""

    @property
    def z(self) -> Array:
        """z-scores of the estimated parameters, shape (n_estimated,)."""
        return np.array(self.best.z)

    @property
    def evaluations(self) -> int:
        """Virtual trials run."""
        return sum(item.evaluations for item in self.starts) + self.again


Optimiser = Callable[[FitProblem, Array, Callable[[float], None]], StartOutcome]
"""Minimises the sum of squares from a point, telling each sum of squares it meets."""


CHI_SQUARE_TOLERANCE = 1e-5
"""Relative change of the sum of squares at which a fit has converged; its noise is below 1e-6."""


FIT_TOLERANCE = Tolerance(CHI_SQUARE_TOLERANCE)


POINT_TOLERANCE = 1e-4
"""Change of the point, in prior standard deviations, at which a fit has converged."""


COARSE_PATIENTS = 64
"""Fewest patients with which a start looks for its way."""


MOST_EVALUATIONS = 60
"""Points an optimiser may try from one start."""


def optimise_coarsely_first(problem: FitProblem, start: Array, on_chi_square: Callable[[float], None]) -> StartOutcome:
    """Minimise with the first quarter of the patients, then from where that ended with all of them.

    The way to the optimum takes a quarter of the time; few patients (below `COARSE_PATIENTS` in the quarter) are not divided.
    """
    patients = problem.population.patients // 4
    if patients < COARSE_PATIENTS:
        return optimise(problem, start, on_chi_square)
    few = draw_population(problem.parameters, patients, problem.population.seed)
    rough = optimise(replace(problem, population=few), start, on_chi_square)
    if not math.isfinite(rough.chi_square):
        return rough
    fine = optimise(problem, np.array(rough.z), on_chi_square)
    return replace(fine, evaluations=rough.evaluations + fine.evaluations)


def optimise(problem: FitProblem, start: Array, on_chi_square: Callable[[float], None]) -> StartOutcome:
    """Minimise the sum of squares of data and priors from one point, within the bounds of the tables."""
    tolerance = Tolerance(share_of_change(problem, CHI_SQUARE_TOLERANCE))
    return minimise(TrialObjective(problem), start, on_chi_square, tolerance=tolerance)


def minimise(
    objective: Objective,
    start: Array,
    on_chi_square: Callable[[float], None],
    fixed: Collection[int] = (),
    tolerance: Tolerance = FIT_TOLERANCE,
) -> StartOutcome:
    """Minimise a sum of squares from one point by lmfit's `least_squares` (trust region with bounds).

    A point without residuals, such as one whose patients cannot be integrated, counts as infinitely bad: the optimiser
    steps back.

    Parameters
    ----------
    objective
        what is minimised
    start
        shape (n,), within the bounds
    on_cost
        takes every sum of squares that is met
    fixed
        indices of the coordinates that keep the value they start with
    tolerance
        change of the sum of squares at which it has converged
    """
    moving = [place for place in range(start.size) if place not in fixed]
    parameters = _lmfit_parameters(objective, start, moving)
    names = list(parameters)
    count, size = 0, 1

    def point_of(values: lmfit.Parameters) -> Array:
        return np.array([values[name].value for name in names])

    def residual(values: lmfit.Parameters) -> Array:
        nonlocal count, size
        count += 1
        try:
            found = objective.residuals(point_of(values))
        except NumericalError:
            return np.full(size, math.inf)
        size = found.size + tolerance.rows
        on_chi_square(float(found @ found))
        return np.append(found, tolerance.constant)

    def derivative(values: lmfit.Parameters) -> Array:
        nonlocal count
        count += len(moving) + 1
        return _select(objective.jacobian(point_of(values), fixed), fixed, tolerance.rows)

    if not moving:
        alone = residual(parameters)
        return StartOutcome(
            tuple(map(float, start)), float(alone @ alone) - tolerance.floor, True, count, "every coordinate is held"
        )
    minimizer = lmfit.Minimizer(residual, parameters, scale_covar=False, nan_policy="propagate")
    try:
        # lmfit's own covariance, which is not used, has no root in flat directions, or is 0
        with np.errstate(invalid="ignore", divide="ignore"):
            result = minimizer.minimize(
                method="least_squares",
                Dfun=derivative,
                ftol=tolerance.share,
                xtol=POINT_TOLERANCE,
                gtol=CHI_SQUARE_TOLERANCE,
                max_nfev=MOST_EVALUATIONS,
            )
    except (ValueError, NumericalError) as error:  # scipy's word for a start that is not finite; ours from a derivative
        return StartOutcome(tuple(map(float, start)), math.inf, converged=False, evaluations=count, message=str(error))
    chi_square = float(np.sum(np.asarray(result.residual) ** 2)) - tolerance.floor
    return StartOutcome(tuple(map(float, point_of(result.params))), chi_square, bool(result.success), count, str(result.message))


def _select(slopes: Array, fixed: Collection[int], constants: int) -> Array:
    """Return the slopes of what moves, with rows of zeros below for constant residuals; untouched where nothing is to do."""
    if fixed:
        slopes = np.delete(slopes, list(fixed), axis=1)
    return np.vstack([slopes, np.zeros((constants, slopes.shape[1]))]) if constants else slopes


def _lmfit_parameters(objective: Objective, start: Array, moving: Collection[int]) -> lmfit.Parameters:
    parameters = lmfit.Parameters()
    for place, (name, value, lower, upper) in enumerate(zip(objective.names, start, *objective.bounds, strict=True)):
        parameters.add(
            name.replace(":", "__").replace("@", "__of__"),
            value=float(value),
            vary=place in moving,
            min=float(lower),
            max=float(upper),
        )
    return parameters
