"""Patients of an arm who share something known of them before treatment.

Start with `Subgroup`.
"""

import math
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array, Bools, real
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.covariates import Texts


@dataclass(frozen=True)
class Condition:
    """What patients of a subgroup have of one covariate: a level, or a number in an interval."""

    covariate: str
    level: str | None = None
    """Of a category; None of a continuous covariate."""
    above: float = 0.0
    """A number is above it."""
    most: float = math.inf
    """A number is at most this."""

    @property
    def label(self) -> str:
        """The condition in signs.

        >>> Condition("ecog", "1").label, Condition("age", above=54.0, most=65.5).label, Condition("age", above=65.5).label
        ('ecog=1', '54<age<=65.5', 'age>65.5')
        """
        if self.level is not None:
            return f"{self.covariate}={self.level}"
        if math.isinf(self.most):
            return f"{self.covariate}>{self.above:.12g}"
        least = f"{self.above:.12g}<" if self.above > 0.0 else ""
        return f"{least}{self.covariate}<={self.most:.12g}"

    def holds(self, values: Array | Texts) -> Bools:
        """Return which of some patients have it, shape (n,)."""
        if self.level is not None:
            return np.asarray(values == self.level, dtype=bool)
        numbers = real(values)
        return np.asarray((numbers > self.above) & (numbers <= self.most), dtype=bool)


@dataclass(frozen=True)
class Subgroup:
    """Patients for whom all of some conditions hold; everybody where there are none."""

    conditions: tuple[Condition, ...]

    def __post_init__(self) -> None:
        """Refuse two conditions about one covariate."""
        names = [item.covariate for item in self.conditions]
        if len(set(names)) != len(names):
            raise DataError(f"subgroup '{self.label}' has two conditions about one covariate; write one")

    @property
    def label(self) -> str:
        """All conditions, in their order."""
        return " & ".join(item.label for item in self.conditions)
