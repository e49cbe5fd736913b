"""Parameters with their prior, spread between patients and origin, as the tables in `data/` give them.

Start with `Parameter`; `read_parameters` (in `kinimmune.models.tables.readers`) makes them from `parameters.csv`.  A parameter's
`key` is its name, followed by `:study` where the value belongs to one study only, by `:study:arm` where to one arm, by `@drug`
where to one drug that is given in the place of the model's own.
"""

import math
import re
import sys
from dataclasses import dataclass, replace
from enum import StrEnum

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.covariates import CovariateEffect


class Status(StrEnum):
    """Where a number comes from."""

    REPORTED = "reported"
    """It stands in a source that was read."""
    RECALLED = "recalled"
    """It is known from memory and was not checked against its source."""
    DERIVED = "derived"
    """It was computed from other numbers, in the way its note says."""
    ASSUMED = "assumed"
    """Nobody has measured it; it is a choice."""


class Scale(StrEnum):
    """The scale on which a distribution is normal."""

    FIXED = "fixed"
    """No distribution: a constant of nature or of the design."""
    LOGNORMAL = "lognormal"
    """ln(value) is normal; for positive quantities."""
    LOGITNORMAL = "logitnormal"
    """ln(value/(1-value)) is normal; for fractions between 0 and 1."""
    NORMAL = "normal"
    """The value itself is normal; for quantities of either sign."""

    def transform(self, value: float) -> float:
        """Return the coordinate of `value` on the scale where the distribution is normal; infinite at an end of the scale.

        Raises
        ------
        DataError
            for a value that has none
        """
        low, high = _ENDS.get(self, (-math.inf, math.inf))
        if not low <= value <= high:
            raise DataError(f"value {value:g} has no place on the {self} scale, which goes from {low:g} to {high:g}")
        if self in _ENDS and value in (low, high):
            return -math.inf if value == low else math.inf
        if self is Scale.LOGNORMAL:
            return math.log(value)
        if self is Scale.LOGITNORMAL:
            return math.log(value) - math.log1p(-value)
        return value

    def inverse(self, coordinate: float) -> float:
        """Return the value at a coordinate, an end of the scale where it is too far out; the other way of `transform`.

        >>> Scale.LOGITNORMAL.inverse(Scale.LOGITNORMAL.transform(0.25))
        0.25
        """
        if self is Scale.LOGNORMAL:
            return math.exp(coordinate) if coordinate < _LARGEST_EXPONENT else math.inf
        if self is Scale.LOGITNORMAL:
            odds = math.exp(-abs(coordinate))
            return (odds if coordinate < 0.0 else 1.0) / (1.0 + odds)
        return coordinate


_LARGEST_EXPONENT = math.log(sys.float_info.max)
_ENDS = {Scale.LOGNORMAL: (0.0, math.inf), Scale.LOGITNORMAL: (0.0, 1.0)}
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_PRIOR_TEXT = re.compile(
    rf"\s*(?P<scale>lognormal|logitnormal|normal)\s*\(\s*(?P<median>{_NUMBER})\s*,\s*(?P<sd>{_NUMBER})\s*\)\s*"
)


@dataclass(frozen=True)
class Prior:
    """A distribution of a parameter's typical value: normal on `scale` about `median` with standard deviation `sd`."""

    scale: Scale
    median: float
    """Median, in the unit of the parameter."""
    sd: float
    """Standard deviation on `scale` (of ln, logit or the value itself); 0 when `scale` is fixed."""

    def __post_init__(self) -> None:
        """Refuse a distribution that does not exist."""
        if (self.scale is Scale.FIXED) != (self.sd == 0.0) or self.sd < 0.0 or not math.isfinite(self.sd):
            raise DataError(f"prior '{self.scale}' with sd {self.sd}: fixed needs sd 0, every other prior a positive sd")
        if not math.isfinite(self.median):
            raise DataError(f"prior '{self.scale}' with median {self.median}: the median must be finite")
        if self.scale is Scale.LOGNORMAL and not self.median > 0.0:
            raise DataError(f"lognormal prior with median {self.median}: the median must be positive")
        if self.scale is Scale.LOGITNORMAL and not 0.0 < self.median < 1.0:
            raise DataError(f"logitnormal prior with median {self.median}: the median must lie between 0 and 1")

    def __str__(self) -> str:
        """Return it in words, as tables print it.

        >>> str(Prior(Scale.LOGNORMAL, 0.005, 0.5)), str(Prior(Scale.FIXED, 2.0, 0.0))
        ('lognormal(0.005, 0.5)', 'fixed')
        """
        return str(self.scale) if self.scale is Scale.FIXED else f"{self.scale}({self.median:g}, {self.sd:g})"

    @classmethod
    def parse(cls, text: str) -> "Prior":
        """Return the prior a text such as `lognormal(0.005, 0.5)` is: scale, median, sd on that scale; nothing is evaluated.

        The text `fixed` is a prior with median 0: it knows nothing of the value of its parameter.

        Raises
        ------
        DataError
            for a text of another form, or a distribution that does not exist

        Examples
        --------
        >>> Prior.parse(" normal (1.5,2e-1) ")
        Prior(scale=<Scale.NORMAL: 'normal'>, median=1.5, sd=0.2)
        """
        if text.strip() == Scale.FIXED:
            return cls(Scale.FIXED, 0.0, 0.0)
        found = _PRIOR_TEXT.fullmatch(text)
        if found is None:
            scales = ", ".join(scale for scale in Scale if scale is not Scale.FIXED)
            form = f"write SCALE(MEDIAN, SD), such as lognormal(0.005, 0.5), or fixed; scales: {scales}"
            raise DataError(f"'{text}' is no prior; {form}")
        return cls(Scale(found["scale"]), float(found["median"]), float(found["sd"]))

    def to_z(self, value: float) -> float:
        """Return the z-score of a value: prior standard deviations above the median, on `scale`; 0 for a fixed prior."""
        if self.scale is Scale.FIXED:
            return 0.0
        return (self.scale.transform(value) - self.scale.transform(self.median)) / self.sd

    def from_z(self, z: float) -> float:
        """Return the value of a z-score: `z` prior standard deviations above the median on `scale`; inverse of `to_z`."""
        if self.scale is Scale.FIXED:
            return self.median
        return self.scale.inverse(self.scale.transform(self.median) + self.sd * z)


@dataclass(frozen=True)
class Spread:
    """How individuals differ in a parameter: normal on `scale` about the typical value."""

    scale: Scale
    sd: float | str
    """Standard deviation on `scale`, or the name of the parameter that holds it."""


@dataclass(frozen=True)
class Shift:
    """What a parameter does to another one in its own study: it is added to that one's coordinate on a scale."""

    name: str
    """Name of the parameter that is shifted; its drug is that of the one that shifts it."""
    scale: Scale


@dataclass(frozen=True)
class Source:
    """Where a number stands."""

    key: str
    """Key of a row in `sources.csv`."""
    locator: str
    """Page, table or section."""
    status: Status
    note: str = ""


@dataclass(frozen=True)
class ParameterKey:
    """The name of a parameter, and what its value belongs to; in text `name`, `name:study`, `name:study:arm` or `name@drug`."""

    name: str
    study: str | None = None
    """None for a value that all studies share."""
    arm: str | None = None
    """None for a value that all arms share."""
    drug: str | None = None
    """None for a value that is not of one drug alone."""

    def __str__(self) -> str:
        """Return the key as text.

        >>> str(ParameterKey("growth", "sharp")), str(ParameterKey("growth", "sharp", "placebo"))
        ('growth:sharp', 'growth:sharp:placebo')
        >>> str(ParameterKey("clearance")), str(ParameterKey("clearance", drug="regorafenib"))
        ('clearance', 'clearance@regorafenib')
        """
        place = ":".join(part for part in (self.name, self.study, self.arm) if part is not None)
        return place if self.drug is None else f"{place}@{self.drug}"

    @classmethod
    def parse(cls, text: str) -> "ParameterKey":
        """Return the key a text is.

        >>> ParameterKey.parse("growth:sharp")
        ParameterKey(name='growth', study='sharp', arm=None, drug=None)
        """
        rest, _, drug = text.partition("@")
        name, _, place = rest.partition(":")
        study, _, arm = place.partition(":")
        return cls(name, study or None, arm or None, drug or None)


@dataclass(frozen=True)
class Parameter:
    """One number of a model, with everything a reader needs to judge it."""

    name: str
    """Identifier in equations and on the command line."""
    symbol: str
    """The symbol printed in equations, in typst's mathematical notation."""
    value: float
    unit: str
    lower: float
    upper: float
    prior: Prior
    estimated: bool
    """True when a fit moves it; a constant keeps `value`, and its prior says how uncertain that is."""
    spread: Spread | None
    """Variation between individuals; None when all share the value."""
    study: str | None
    """The study the value belongs to; None when all studies share it."""
    meaning: str
    source: Source
    origin: str = ""
    """File and row, for messages."""
    arm: str | None = None
    """The arm of that study the value belongs to, in place of the study's or the shared one; None when all arms share it."""
    drug: str | None = None
    """The drug whose value it is, in place of that of the tables of drugs; None for the model's own drug, or none."""
    trial_spread: float | None = None
    """Standard deviation between trials on the scale of the prior; None where all trials have one value."""
    shift: Shift | None = None
    """What it shifts in its study; None for a parameter that equations, spreads or doses use."""
    effects: tuple[CovariateEffect, ...] = ()
    """How it depends on what is known of a patient before treatment."""

    def __repr__(self) -> str:
        """Return the key, the value and its unit."""
        return f"Parameter({self.key} = {self.value:g} {self.unit}{', estimated' if self.estimated else ''})"

    def __post_init__(self) -> None:
        """Refuse a value outside its range."""
        if not self.lower <= self.value <= self.upper:
            where = f" ({self.origin})" if self.origin else ""
            raise DataError(
                f"parameter '{self.name}' = {self.value:g} {self.unit} lies outside "
                f"[{self.lower:g}, {self.upper:g}]{where}; correct the value or its range"
            )

    @property
    def key(self) -> str:
        """Name, followed by `:study` for a value of one study, `:study:arm` for one of an arm, `@drug` for one of a drug."""
        return str(ParameterKey(self.name, self.study, self.arm, self.drug))

    @property
    def everywhere(self) -> bool:
        """Whether it is seen in every arm of its study, or of every study; not of one arm or drug alone."""
        return self.arm is None and self.drug is None

    @property
    def effect_scale(self) -> Scale:
        """The scale on which covariates act: that on which patients differ, else that of the prior, else ln."""
        if self.spread is not None:
            return self.spread.scale
        return Scale.LOGNORMAL if self.prior.scale is Scale.FIXED else self.prior.scale

    def at(self, value: float) -> "Parameter":
        """Return the same parameter with another value."""
        return replace(self, value=float(value))

    def shifted(self, by: float, scale: Scale) -> "Parameter":
        """Return it as a trial has it whose value lies `by` from that of all trials on a scale.

        The range is that of the value of all: where the trial's lies beyond, it is widened to it.
        """
        if by == 0.0:  # the value itself, not one that has been to the scale and back
            return self
        value = scale.inverse(scale.transform(self.value) + by)
        return replace(self, value=value, lower=min(self.lower, value), upper=max(self.upper, value))


def shift_values(parameters: tuple[Parameter, ...], study: str | None) -> tuple[Parameter, ...]:
    """Return parameters as a study sees them: shared ones moved where trials differ, those that move them left out.

    With `study` None nothing is moved.  The value of an arm or a study has no deviation; that of a drug has one of its own.
    """
    others = tuple(item for item in parameters if item.shift is None)
    if len(others) == len(parameters) or study is None:
        return others
    here = ((item.shift, item) for item in parameters if item.study == study)
    shifts = {(shift.name, item.drug): (item.value, shift.scale) for shift, item in here if shift is not None}
    still = (0.0, Scale.NORMAL)
    return tuple(item.shifted(*(shifts.get((item.name, item.drug), still) if item.study is None else still)) for item in others)


def values_for(parameters: tuple[Parameter, ...], study: str | None) -> dict[str, float]:
    """Return name -> value as one study sees them: shared values and the study's own, not those of single arms or drugs.

    With `study` None the first study's value stands for each study-specific parameter.
    """
    values: dict[str, float] = {}
    for parameter in shift_values(parameters, study):
        if not parameter.everywhere:
            continue
        if parameter.study is None or parameter.study == study:
            values[parameter.name] = parameter.value
        elif study is None:
            values.setdefault(parameter.name, parameter.value)
    return values
