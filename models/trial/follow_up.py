"""How long the patients of a trial are followed: staggered entry and a date of the cut-off.

Start with `FollowUp`.
"""

from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError

LONGEST_FOLLOW_UP = 36525.0
"""A hundred years [d]: longer follow-up is a wrong date."""
LARGEST_SHAPE = 100.0
"""Of the accrual: with it almost everybody enters on the last day."""


@dataclass(frozen=True)
class FollowUp:
    """How long patients had been followed at the cut-off: staggered entry makes it vary."""

    shortest: float
    """[d], of the last patient to enter"""
    longest: float
    """[d], of the first"""
    shape: float = 1.0
    """1: uniform accrual; above 1 more patients enter late, below 1 early."""

    def __post_init__(self) -> None:
        """Refuse an empty or reversed period."""
        if not 0.0 <= self.shortest < self.longest <= LONGEST_FOLLOW_UP or not 0.0 < self.shape <= LARGEST_SHAPE:
            raise DataError(
                f"follow-up from {self.shortest:g} to {self.longest:g} d with shape {self.shape:g}: "
                f"needs 0 <= shortest < longest <= {LONGEST_FOLLOW_UP:g} d and a shape above 0 and up to {LARGEST_SHAPE:g}"
            )

    def uncensored(self, time: Array) -> Array:
        """Return the fraction of patients followed beyond `time` [d], shape of `time`.

        A patient who entered at fraction u of the accrual period (distribution u^shape) is followed
        longest - u (longest - shortest).
        """
        entered = np.clip((self.longest - np.asarray(time, dtype=float)) / (self.longest - self.shortest), 0.0, 1.0)
        return np.asarray(entered**self.shape, dtype=float)

    def followed(self, entry: Array) -> Array:
        """Return how long [d] patients are followed whose share of the accrual is `entry`, uniform between 0 and 1."""
        return np.asarray(self.longest - entry ** (1.0 / self.shape) * (self.longest - self.shortest), dtype=float)
