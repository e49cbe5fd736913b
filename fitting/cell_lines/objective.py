"""What the fit to cell lines minimises: misfits of published IC50s and priors.

Start with `CellLineObjective`; a published range is taken as uniform over ln IC50.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kinimmune.fitting.cell_lines.response import Response
from kinimmune.fitting.problem.derivatives import forward_jacobian
from kinimmune.fitting.problem.objective import Tolerance
from kinimmune.models.arrays import Array

NANOMOL_PER_MICROMOL = 1000.0
DIFFERENCE_STEP = 1e-6
"""Step of the Jacobian's differences [prior standard deviations]; the response is computed in closed form, without noise."""


class Range(NamedTuple):
    """Two ends of an interval."""

    lower: float
    upper: float


@dataclass(frozen=True)
class CellLineObjective:
    """The sum of squares of misfits of lines and of priors; a point holds z-scores of the estimated parameters."""

    response: Response
    published: Mapping[str, Range]
    """Short name of a line -> published range of its IC50 [umol/L]."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the estimated parameters."""
        return tuple(item.name for item in self.response.estimated)

    @property
    def tolerance(self) -> Tolerance:
        """Change of the sum of squares at which the fit has converged."""
        return Tolerance(1e-8)

    @property
    def bounds(self) -> tuple[Array, Array]:
        """No bounds: the priors hold the parameters, shape (n_estimated,) each."""
        size = len(self.response.estimated)
        return np.full(size, -math.inf), np.full(size, math.inf)

    def residuals(self, z: Array) -> Array:
        """Return one misfit a line and the priors' residuals, which are the z-scores, shape (n_lines + n_estimated,)."""
        return self._columns(z[:, None])[:, 0]

    def jacobian(self, z: Array, fixed: Collection[int] = ()) -> Array:
        """Return the derivative by forward differences, shape (n_lines + n_estimated, n_estimated); zero by fixed coordinates."""
        steps = np.full(z.size, DIFFERENCE_STEP)
        return forward_jacobian(lambda points: list(self._columns(np.stack(points, axis=1)).T), z, steps, fixed)

    def _columns(self, points: Array) -> Array:
        """Return the residuals at many points, shape (n_lines + n_estimated, n)."""
        return np.vstack([*(misfit(self.response, line, ends, points) for line, ends in self.published.items()), points])


def misfit(response: Response, line: str, published: Range, points: Array) -> Array:
    """Return (predicted - published) / standard deviation of ln IC50 of a line, shape (n,).

    The published value is the middle of the range of ln IC50, its standard deviation the width over the root of 12.

    Parameters
    ----------
    response
        of all lines
    line
        short name
    published
        range of the IC50 [umol/L]
    points
        z-scores of the estimated parameters, shape (n_estimated, n)
    """
    low, high = (math.log(end * NANOMOL_PER_MICROMOL) for end in published)
    distance: Array = (response.log_ic50(line, points) - (low + high) / 2.0) / ((high - low) / math.sqrt(12.0))
    return distance
