"""Who is enrolled in an arm: the covariates of its patients, one by one or as a publication's baseline table tells them.

Start with `CaseMix`.  Virtual patients get their covariates from quasi-random numbers that are drawn once, so that predictions
move smoothly with parameters and do not depend on how the patients are split among processors.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from scipy.special import ndtr, ndtri

from kinimmune.models.arrays import Array, real
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.covariates import CovariateValues, Texts
from kinimmune.models.trial.subgroups import Condition, Subgroup

NEAREST = 2.0**-32
"""A score in (0, 1) counts as that far from either end, as those of parameters do."""


@dataclass(frozen=True)
class LevelShares:
    """How the patients of an arm divide among the levels of a category."""

    covariate: str
    levels: tuple[str, ...]
    shares: tuple[float, ...]
    """One a level; they add to 1."""

    def __post_init__(self) -> None:
        """Refuse shares of another sum."""
        if len(self.levels) != len(self.shares) or not math.isclose(sum(self.shares), 1.0) or min(self.shares) < 0.0:
            raise DataError(f"shares of covariate '{self.covariate}' add to {sum(self.shares):g}; they must add to 1")

    def draw(self, uniforms: Array) -> Texts:
        """Return the level of each patient, in their order from 0 to 1, shape (n,)."""
        ends = np.array(list(accumulate(self.shares)))[:-1]
        return np.array(self.levels)[np.searchsorted(ends, uniforms, side="right")]

    def share(self, condition: Condition) -> float:
        """Return the share of patients for whom a condition holds."""
        return dict(zip(self.levels, self.shares, strict=True)).get(str(condition.level), 0.0)

    def within(self, condition: Condition) -> "LevelShares":
        """Return the division of those for whom it holds: one level has all."""
        return LevelShares(self.covariate, (str(condition.level),), (1.0,))


@dataclass(frozen=True)
class Lognormal:
    """A continuous covariate whose logarithm is normal, or that part of it which lies between two quantiles."""

    covariate: str
    mean: float
    """In the unit of the covariate."""
    sd: float
    """Standard deviation, in its unit."""
    start: float = 0.0
    """Share of patients below the part."""
    end: float = 1.0
    """Share of patients below its end."""

    def __post_init__(self) -> None:
        """Refuse what is no distribution of positive numbers."""
        if not (self.mean > 0.0 and self.sd > 0.0 and self.start < self.end):
            raise DataError(f"covariate '{self.covariate}' with mean {self.mean:g} and sd {self.sd:g}; both must be above 0")

    @property
    def _log(self) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm: s^2 = ln(1 + sd^2/mean^2), m = ln(mean) - s^2/2."""
        variance = math.log1p((self.sd / self.mean) ** 2)
        return math.log(self.mean) - variance / 2.0, math.sqrt(variance)

    def draw(self, uniforms: Array) -> Array:
        """Return the value of each patient, shape (n,)."""
        mean, sd = self._log
        inside = self.start + (self.end - self.start) * uniforms
        return real(np.exp(mean + sd * ndtri(np.clip(inside, NEAREST, 1.0 - NEAREST))))

    def share(self, condition: Condition) -> float:
        """Return the share of patients for whom a condition holds."""
        start, end = self._ends(condition)
        return max(end - start, 0.0) / (self.end - self.start)

    def within(self, condition: Condition) -> "Lognormal":
        """Return the distribution of those for whom it holds."""
        start, end = self._ends(condition)
        return replace(self, start=start, end=end)

    def _ends(self, condition: Condition) -> tuple[float, float]:
        mean, sd = self._log
        below = float(ndtr((math.log(condition.above) - mean) / sd)) if condition.above > 0.0 else 0.0
        above = float(ndtr((math.log(condition.most) - mean) / sd)) if math.isfinite(condition.most) else 1.0
        return max(below, self.start), min(above, self.end)


@dataclass(frozen=True)
class CaseMix:
    """The covariates of the patients of an arm."""

    place: str
    """`STUDY:ARM`, for messages."""
    marginals: tuple[LevelShares | Lognormal, ...] = ()
    """Of baseline tables, independent of each other."""
    known: tuple[str, ...] = ()
    """Covariates of which the patients themselves are known; a marginal of one of them does not count."""
    rows: tuple[tuple[float | str, ...], ...] = ()
    """The values of `known`, a row a patient, sorted, so that the order of patients in a table does not matter."""

    @property
    def names(self) -> frozenset[str]:
        """Covariates it tells."""
        return frozenset({*self.known, *(item.covariate for item in self.marginals)})

    def require(self, names: Sequence[str]) -> None:
        """Raise a `DataError` where it does not tell a covariate."""
        for name in names:
            if name not in self.names:
                raise DataError(_lacking(self.place, name))

    def draw(self, names: Sequence[str], uniforms: Array) -> CovariateValues:
        """Return the covariates of virtual patients.

        Patients who are known are drawn whole, with what they have in common: patient floor(u m) of m, u the number of the first
        covariate that is known of them.

        Parameters
        ----------
        names
            covariates
        uniforms
            numbers between 0 and 1, a row a covariate, shape (len(names), n)
        """
        self.require(names)
        tables = {item.covariate: item for item in self.marginals}
        first = next((place for place, name in enumerate(names) if name in self.known), None)
        who = None if first is None else np.minimum((uniforms[first] * len(self.rows)).astype(np.int64), len(self.rows) - 1)
        return {
            name: self.column(name)[who] if name in self.known else tables[name].draw(uniforms[place])
            for place, name in enumerate(names)
        }

    def column(self, name: str) -> Array | Texts:
        """Return the values of a covariate that is known of the patients, in the order of `rows`."""
        place = self.known.index(name)
        return np.array([row[place] for row in self.rows])

    def share(self, subgroup: Subgroup) -> float:
        """Return the share of patients who belong to a subgroup; raises as `require` does."""
        self.require([item.covariate for item in subgroup.conditions])
        tables = {item.covariate: item for item in self.marginals}
        others = [tables[item.covariate].share(item) for item in subgroup.conditions if item.covariate not in self.known]
        inside = len(self._rows_within(subgroup)) / len(self.rows) if self.rows else 1.0
        return math.prod([inside, *others])

    def within(self, subgroup: Subgroup) -> "CaseMix":
        """Return the case mix of those who belong to a subgroup.

        Raises
        ------
        DataError
            where nobody does
        """
        if not self.share(subgroup) > 0.0:
            raise DataError(f"nobody in {self.place} belongs to subgroup '{subgroup.label}'; correct it, or the case mix")
        conditions: Mapping[str, Condition] = {item.covariate: item for item in subgroup.conditions}
        kept = [
            item.within(conditions[item.covariate]) if item.covariate in conditions and item.covariate not in self.known else item
            for item in self.marginals
        ]
        return replace(self, marginals=tuple(kept), rows=self._rows_within(subgroup))

    def _rows_within(self, subgroup: Subgroup) -> tuple[tuple[float | str, ...], ...]:
        inside = np.ones(len(self.rows), dtype=bool)
        for item in subgroup.conditions:
            if item.covariate in self.known:
                inside &= item.holds(self.column(item.covariate))
        return tuple(row for row, kept in zip(self.rows, inside, strict=True) if kept)


def _lacking(place: str, name: str) -> str:
    what = f"{place} tells nothing of covariate '{name}', on which a parameter depends"
    return f"{what}; add a row to case_mix.csv, or a column to patients.csv"
