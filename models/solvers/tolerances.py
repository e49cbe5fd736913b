"""Tolerances of an integration, and how it ended.

Start with `Tolerances` and `Completion`.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.model import OdeModel

MOST_STEPS = 100_000
"""Steps between two breakpoints after which an integration is given up."""


class Completion(StrEnum):
    """How an integration ended; each text is what a user is told."""

    COMPLETE = "complete"
    NOT_FINITE = "a rate or state became infinite or not a number; look at the parameters of its rate"
    STEP_UNDERFLOW = "the step size fell below what the clock resolves; a rate diverges or switches too fast"
    TOO_MANY_STEPS = "the maximum number of steps was reached; loosen the tolerance or shorten the horizon"
    PIVOT_GROWTH = "the linear solve lost its accuracy; loosen the tolerance or rescale the state"
    INACCURATE = "the course depends on the tolerance, as an oscillation over many periods does; ask for a smaller tolerance"


SHARE = 1e-3
"""Share of its value at the start below which a state no longer matters."""


@dataclass(frozen=True)
class Tolerances:
    """Local error allowed per step."""

    relative: float = 1e-8
    absolute: float = 1e-10
    """In units of `sizes_of`: small, since what starts small and grows carries its absolute error along."""

    def __post_init__(self) -> None:
        """Refuse tolerances no integrator can meet."""
        if not 1e-13 < self.relative < 1.0 or not self.absolute > 0.0:
            raise UsageError(f"tolerances {self.relative:g}, {self.absolute:g}: relative in (1e-13, 1), absolute positive")


def sizes_of(model: OdeModel, start: Array) -> Array:
    """Return the unit of the absolute tolerance of each state: `State.size`, or a share of its value at the start.

    Shapes of `start` and the result: (n_states, ...).
    """
    sizes = np.array([state.size for state in model.states]).reshape(-1, *[1] * (start.ndim - 1))
    found: Array = np.maximum(sizes, SHARE * np.abs(start))
    return found


def error_allowed(model: OdeModel, y: Array, tolerances: Tolerances) -> Array:
    """Return the error allowed of each state at a state, shape (n_states,) both."""
    allowed: Array = tolerances.absolute * sizes_of(model, y) + tolerances.relative * np.abs(y)
    return allowed
