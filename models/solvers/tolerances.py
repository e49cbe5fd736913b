"""Tolerances of an integration, and how many steps it may take.

Start with `Tolerances`.
"""

from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array, real
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.model import OdeModel

MOST_STEPS = 100_000
"""Steps after which an integration is given up: of a patient by the kernel, between two breakpoints by scipy."""

RELATIVE_SIZE = 1e-3
"""Share of its value at the start below which a state no longer matters."""


@dataclass(frozen=True)
class Tolerances:
    """Local error allowed per step."""

    relative: float = 1e-8
    """Share of the state."""
    absolute: float = 1e-10
    """Absolute error in units of `sizes_of`: small, since what starts small and grows carries its absolute error along."""

    def __post_init__(self) -> None:
        """Refuse tolerances no integrator can meet."""
        if not 1e-13 < self.relative < 1.0 or not self.absolute > 0.0:
            raise UsageError(f"tolerances {self.relative:g}, {self.absolute:g}; give relative in (1e-13, 1), absolute positive")


def sizes_of(model: OdeModel, start: Array) -> Array:
    """Return the unit of the absolute tolerance of each state: `State.size`, or a share of its value at the start.

    Shapes of `start` and the result: (n_states, ...).
    """
    sizes = np.array([state.size for state in model.states]).reshape(-1, *[1] * (start.ndim - 1))
    return real(np.maximum(sizes, RELATIVE_SIZE * np.abs(start)))


def error_allowed(model: OdeModel, y: Array, tolerances: Tolerances) -> Array:
    """Return the error allowed of each state at a state `y`; shape (n_states,) both."""
    return real(tolerances.absolute * sizes_of(model, y) + tolerances.relative * np.abs(y))
