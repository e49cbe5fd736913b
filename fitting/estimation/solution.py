"""Where the optimiser ended: from one start, and the best of all.

Start with `Solution`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.models.arrays import Array


@dataclass(frozen=True)
class StartOutcome:
    """Where the optimiser ended from one start."""

    point: tuple[float, ...]
    """Standard scores of the free parameters."""
    cost: float
    """Sum of squares of data and prior residuals."""
    converged: bool
    evaluations: int
    """Virtual trials run, those for derivatives included."""
    message: str


@dataclass(frozen=True)
class Solution:
    """The best of several starts."""

    seed: int
    best: StartOutcome
    starts: tuple[StartOutcome, ...]

    @property
    def point(self) -> Array:
        """Standard scores of the free parameters, shape (n_free,)."""
        return np.array(self.best.point)


Optimiser = Callable[[FitProblem, Array, Callable[[float], None]], StartOutcome]
"""Minimises the sum of squares from a point, telling each cost it meets."""
