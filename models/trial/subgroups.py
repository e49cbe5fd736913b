"""Patients of an arm who share something known of them before treatment.

Start with `Subgroup`; `parse_subgroup` reads one as `targets.csv` writes it.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array, Bools, real
from kinimmune.models.errors import DataError, nearest
from kinimmune.models.symbolic.covariates import Covariate, CovariateKind, Texts


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
        """The condition in the words of `targets.csv`.

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


_FORMS = "write ecog=1, age<=65, age>65 or 50<age<=65, several joined by &"
_LEVEL = re.compile(r"(?P<name>\w+)\s*=\s*(?P<level>\S+)")
_RANGE = re.compile(r"(?:(?P<above>[^<>=\s]+)\s*<\s*)?(?P<name>[A-Za-z]\w*)\s*<=\s*(?P<most>[^<>=\s]+)")
_ABOVE = re.compile(r"(?P<name>[A-Za-z]\w*)\s*>\s*(?P<above>[^<>=\s]+)")


def parse_subgroup(text: str, covariates: Iterable[Covariate]) -> Subgroup:
    """Return the subgroup a text is, conditions in the order of their covariates' names.

    Raises
    ------
    DataError
        for a text of another form, a covariate nobody declared, or what is no value of one
    """
    known = {item.name: item for item in covariates}
    found = [_parse_condition(part.strip(), known) for part in text.split("&")]
    return Subgroup(tuple(sorted(found, key=lambda item: item.covariate)))


def _parse_condition(text: str, known: dict[str, Covariate]) -> Condition:
    match = _RANGE.fullmatch(text) or _ABOVE.fullmatch(text) or _LEVEL.fullmatch(text)
    if match is None:
        raise DataError(f"'{text}' is no condition of a subgroup; {_FORMS}")
    cells = match.groupdict()
    if cells["name"] not in known:
        raise DataError(f"subgroup '{text}' is of no covariate of covariates.csv; {nearest(cells['name'], known)}")
    covariate = known[cells["name"]]
    if ("level" in cells) != (covariate.kind is CovariateKind.CATEGORY):
        kind = "a category" if covariate.kind is CovariateKind.CATEGORY else "continuous"
        raise DataError(f"subgroup '{text}': covariate '{covariate.name}' is {kind}; {_FORMS}")
    if "level" in cells:
        return Condition(covariate.name, str(covariate.read(cells["level"])))
    ends = {name: float(covariate.read(cells[name])) for name in ("above", "most") if cells.get(name) is not None}
    condition = Condition(covariate.name, None, ends.get("above", 0.0), ends.get("most", math.inf))
    if not condition.above < condition.most:
        raise DataError(f"subgroup '{text}' holds nobody; {_FORMS}")
    return condition
