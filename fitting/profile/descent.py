"""The way down from a point that is nearly there: Gauss-Newton steps with a Jacobian that is kept up to date for nothing.

Start with `descend`.  A point of a profile begins on the line through the last two, so a step or two end it; an optimiser that
computes derivatives anew at every step takes several times as many virtual trials.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy.optimize import lsq_linear

from kinimmune.fitting.estimation.optimise import POINT_TOLERANCE, StartOutcome, minimise
from kinimmune.fitting.problem.objective import Objective, Tolerance
from kinimmune.models.arrays import Array, real
from kinimmune.models.errors import NumericalError

MOST_STEPS = 5
"""Steps after which the optimiser takes over."""
DAMPING = 1e-3
"""Weight of the squared step [per squared prior sd]: keeps it short along directions in which nothing changes."""
POOR = 0.25
"""Share of the fall that was foreseen below which a step is not taken."""


def descend(objective: Objective, start: Array, fixed: Collection[int], tolerance: Tolerance) -> StartOutcome:
    """Minimise a sum of squares from a point near its minimum; arguments and result as of `minimise`.

    The Jacobian is computed once, then changed as little as what each step found asks for (C. G. Broyden, Mathematics of
    Computation 19:577, 1965).  It ends where the fall foreseen is within the tolerance; where a step falls much less than that,
    or many are taken, `minimise` goes on.
    """
    moving = [place for place in range(start.size) if place not in fixed]
    if not moving:
        return minimise(objective, start, _ignore, fixed, tolerance)
    try:
        here = _Place(start, objective.residuals(start), objective.jacobian(start, fixed)[:, moving])
    except NumericalError:
        return minimise(objective, start, _ignore, fixed, tolerance)
    evaluations = len(moving) + 2
    for _ in range(MOST_STEPS):
        step, foreseen = here.plan_step(objective, moving)
        if foreseen <= tolerance.share * (here.chi_square + tolerance.floor) or np.abs(step).max() <= POINT_TOLERANCE:
            return _end(here, evaluations)
        evaluations += 1
        there = _try_step(objective, here, moving, step)
        if there is None or here.chi_square - there.chi_square < POOR * foreseen:
            break
        here = there
    found = minimise(objective, here.z, _ignore, fixed, tolerance)
    return StartOutcome(found.z, found.chi_square, found.converged, found.evaluations + evaluations, found.message)


@dataclass(frozen=True)
class _Place:
    """A point, its residuals and what stands for their derivative by the coordinates that move."""

    z: Array
    residuals: Array
    jacobian: Array

    @property
    def chi_square(self) -> float:
        return float(self.residuals @ self.residuals)

    def plan_step(self, objective: Objective, moving: list[int]) -> tuple[Array, float]:
        """Return the damped Gauss-Newton step within the bounds, and the fall of the sum of squares it foresees."""
        lower, upper = (end[moving] - self.z[moving] for end in objective.bounds)
        size = len(moving)
        left = np.vstack([self.jacobian, np.sqrt(DAMPING) * np.eye(size)])
        right = np.concatenate([-self.residuals, np.zeros(size)])
        bounds = (np.minimum(lower, 0.0) - 1e-12, np.maximum(upper, 0.0) + 1e-12)  # a point on its bound has no room there
        step = np.clip(lsq_linear(left, right, bounds=bounds).x, np.minimum(lower, 0.0), np.maximum(upper, 0.0))
        foreseen = self.residuals + self.jacobian @ step
        return real(step), self.chi_square - float(foreseen @ foreseen)


def _try_step(objective: Objective, here: _Place, moving: list[int], step: Array) -> _Place | None:
    """Return where a step leads, None where there are no residuals."""
    z = here.z.copy()
    z[moving] += step
    try:
        residuals = objective.residuals(z)
    except NumericalError:
        return None
    missed = residuals - here.residuals - here.jacobian @ step
    return _Place(z, residuals, here.jacobian + np.outer(missed, step) / float(step @ step))


def _end(here: _Place, evaluations: int) -> StartOutcome:
    return StartOutcome(
        tuple(map(float, here.z)), here.chi_square, True, evaluations, "the fall foreseen is within the tolerance"
    )


def _ignore(_chi_square: float) -> None:
    """Do nothing with a sum of squares that was met on the way."""
