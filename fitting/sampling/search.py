"""Other optima of a target than the one its surrogate is about: a walk from there never finds them.

Start with `search_optimum`.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.estimation.optimise import minimise
from kinimmune.fitting.problem.derivatives import forward_jacobian
from kinimmune.fitting.problem.objective import DIFFERENCE_STEP, Tolerance
from kinimmune.fitting.sampling.emulator import MeasuredTarget, RowForm
from kinimmune.fitting.workflow.task import Json
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError

ENOUGH = Tolerance(1e-2, 1.0)
"""An optimum is only looked at for whether draws come near it."""


@dataclass(frozen=True)
class MeasuredObjective:
    """The sum of squares of a target whose numbers can be computed."""

    target: MeasuredTarget
    form: RowForm

    @property
    def names(self) -> tuple[str, ...]:
        """A name of every coordinate."""
        return tuple(f"x{place}" for place in range(self.form.lower.size))

    @property
    def tolerance(self) -> Tolerance:
        """Change of the sum of squares at which a search ends."""
        return ENOUGH

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Those of the target, shape (n,) each."""
        return self.form.lower, self.form.upper

    def residuals(self, z: Array) -> Array:
        """Return the residuals at a point; `NumericalError` where there are none."""
        return self._rows([z])[0]

    def jacobian(self, z: Array, fixed: Collection[int] = ()) -> Array:
        """Return their derivative by forward differences, shape (m, n)."""
        steps = np.where(z + DIFFERENCE_STEP > self.form.upper, -DIFFERENCE_STEP, DIFFERENCE_STEP)
        return forward_jacobian(self._rows, z, steps, fixed)

    def _rows(self, points: Collection[Array]) -> list[Array]:
        at = np.array(list(points))
        rows = self.form.residuals(self.target.measure(at).residuals, at)
        if not np.all(np.isfinite(rows)):
            raise NumericalError("a residual is not finite")
        return list(rows)


def search_optimum(target: MeasuredTarget, inputs: Json) -> Json:
    """Look for an optimum from a point: what the function of such a task does once it has its target.

    Returns
    -------
    Json
        `point`, `cost` (sum of squares there, infinite where the start has none), `evaluations`
    """
    objective = MeasuredObjective(target, RowForm.from_plain(inputs["form"]))
    start = np.clip(np.array(inputs["start"]), *objective.bounds)
    found = minimise(objective, start, _ignore, (), objective.tolerance)
    return {"point": list(found.z), "cost": found.chi_square, "evaluations": found.evaluations}


def _ignore(_chi_square: float) -> None:
    """Do nothing with a sum of squares that was met on the way."""
