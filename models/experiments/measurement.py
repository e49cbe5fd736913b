"""What was measured in an experiment, in the units of the model.

Start with `Measurement`; `find_score` tells where a prediction lies on the scale of its errors.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from kinimmune.models.arrays import NORMAL_95
from kinimmune.models.errors import NumericalError


class MeasurementKind(StrEnum):
    """What was measured."""

    MEAN = "mean"
    """The read-out itself."""
    SHARE = "share"
    """The read-out as a share of 1, counted in `n` individuals or cells."""
    RATIO = "ratio"
    """The read-out over that of the reference."""


class ErrorModel(StrEnum):
    """How a measurement scatters."""

    NORMAL = "normal"
    LOGNORMAL = "lognormal"
    BINOMIAL = "binomial"


@dataclass(frozen=True)
class Measurement:
    """A number read in an experiment, or the range it lay in where no number is known."""

    experiment: str
    read_out: str
    day: float
    """[d]"""
    kind: MeasurementKind
    reference: str | None
    """Experiment a ratio is relative to; its own at an earlier day for a change since then."""
    reference_day: float
    """[d] of the reference."""
    value: float | None
    """None where only a range is known."""
    lower: float | None
    """Lower end: of the 95 % interval of a value, else of the range."""
    upper: float | None
    error: float | None
    """Standard error on the scale of the errors; of a range how sharp its ends are; None of a share, whose error is that of n."""
    errors: ErrorModel
    n: int | None

    @property
    def label(self) -> str:
        """Name as on the command line: `mean:READ_OUT:DAY:EXPERIMENT`; of a ratio with the reference, and its day if another."""
        parts = [str(self.kind), self.read_out, f"{self.day:g}", self.experiment]
        parts += [] if self.reference is None else [self.reference]
        return ":".join(parts if self.reference_day == self.day else [*parts, f"{self.reference_day:g}"])

    @property
    def readings(self) -> tuple[tuple[str, float], ...]:
        """Experiment and day of what it needs: itself, and the reference where it has one."""
        own = (self.experiment, self.day)
        return (own,) if self.reference is None else (own, (self.reference, self.reference_day))


def find_score(measurement: Measurement, number: float) -> float:
    """Return a number on the scale of a measurement's errors: ln of it, or itself.

    Raises
    ------
    NumericalError
        where it has no logarithm
    """
    if measurement.errors is not ErrorModel.LOGNORMAL:
        return number
    if not number > 0.0:
        raise NumericalError(f"{measurement.label} is {number:g} here, which has no logarithm")
    return math.log(number)


def find_interval(measurement: Measurement) -> tuple[float | None, float | None]:
    """Return the ends of a measurement: as they were published, else of a value 1.96 standard errors to either side of it.

    A share, whose error is that of the patients or cells counted, has those published alone.
    """
    published = (measurement.lower, measurement.upper)
    if measurement.value is None or measurement.error is None or published != (None, None):
        return published
    middle, half = find_score(measurement, measurement.value), NORMAL_95 * measurement.error
    if measurement.errors is ErrorModel.LOGNORMAL:
        return math.exp(middle - half), math.exp(middle + half)
    return middle - half, middle + half
