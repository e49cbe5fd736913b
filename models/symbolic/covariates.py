"""What is known of patients before treatment, and how a parameter depends on it.

Start with `CovariateEffect`.  Effects are added to a patient's coordinate on the scale on which patients differ in the parameter,
as population models of NONMEM, Monolix and nlmixr2 have them: with ln, P_i = P (c_i/reference)^beta exp(eta_i) for a continuous
covariate c, and P_i = P exp(beta) exp(eta_i) for a category other than the reference.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from kinimmune.models.arrays import Array, real
from kinimmune.models.errors import DataError, nearest

Texts = NDArray[np.str_]
CovariateValues = Mapping[str, Array | Texts]
"""Covariate -> a value a patient, shape (n,): numbers of a continuous one, names of levels of a category."""


class CovariateKind(StrEnum):
    """What the values of a covariate are."""

    CONTINUOUS = "continuous"
    """Positive numbers, such as age."""
    CATEGORY = "category"
    """One of a few levels, such as sex."""


@dataclass(frozen=True)
class Covariate:
    """Something known of a patient before treatment."""

    name: str
    kind: CovariateKind
    unit: str
    """Of a continuous one; 1 of a category."""
    reference: str
    """Value at which parameters are what their tables say: a positive number, or a level."""
    levels: tuple[str, ...] = ()
    """Of a category, each once; none of a continuous one."""

    def __post_init__(self) -> None:
        """Refuse a reference that is no value of the covariate, and levels where numbers belong."""
        if self.kind is CovariateKind.CATEGORY and (len(self.levels) < 2 or len(set(self.levels)) != len(self.levels)):
            raise DataError(f"category '{self.name}' has levels '{' '.join(self.levels)}'; give two or more, each once")
        if self.kind is CovariateKind.CONTINUOUS and self.levels:
            raise DataError(f"continuous covariate '{self.name}' has levels '{' '.join(self.levels)}'; leave them empty")
        self.read(self.reference)

    def read(self, text: str) -> float | str:
        """Return the value a text is.

        Raises
        ------
        DataError
            for a level there is not, or a number that is not above 0
        """
        if self.kind is CovariateKind.CATEGORY:
            if text not in self.levels:
                raise DataError(f"'{text}' is no level of covariate '{self.name}'; {nearest(text, self.levels)}")
            return text
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0.0 < value < math.inf:
            raise DataError(f"'{text}' is no value of covariate '{self.name}'; write a number above 0 [{self.unit}]")
        return value


@dataclass(frozen=True)
class CovariateEffect:
    """How one parameter depends on one covariate, or on one level of it."""

    covariate: str
    by: str
    """Name of the parameter that is the coefficient beta."""
    level: str | None = None
    """Level whose patients differ from those of the reference by beta; None for a continuous covariate."""
    reference: float | None = None
    """Value of a continuous covariate, in its unit, at which there is no effect; None for a category."""

    def __post_init__(self) -> None:
        """Refuse an effect that is of a level and of a number, or of neither."""
        if (self.level is None) == (self.reference is None) or (self.reference is not None and not self.reference > 0.0):
            raise DataError(f"effect '{self.by}' of covariate '{self.covariate}' needs a level, or a reference above 0")

    def move(self, coefficient: float, values: Array | Texts) -> Array:
        """Return what is added to each patient's coordinate, beta ln(c/reference) or beta of those of the level, shape (n,)."""
        if self.reference is None:
            return np.where(values == self.level, coefficient, 0.0)
        return coefficient * np.log(real(values) / self.reference)
