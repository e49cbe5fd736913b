"""The published numbers a fit aims at or a prediction is compared with.

Start with `Target`; `read_targets` makes them from `targets.csv`.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from kinimmune.models.errors import DataError
from kinimmune.models.parameters import Source, Status
from kinimmune.models.trials import Endpoint


class Role(StrEnum):
    """What a published number is for."""

    FIT = "fit"
    """It is in the objective."""
    UNFITTED = "unfitted"
    """It is only compared with; the code path of a fit does not accept it."""


class Statistic(StrEnum):
    """What was published."""

    MEDIAN = "median"
    """Median time [month] of one arm."""
    HAZARD_RATIO = "hazard_ratio"
    """Cox hazard ratio of the treated arm over the control arm."""


@dataclass(frozen=True)
class Target:
    """One published number with its interval."""

    study: str
    arm: str | None
    """None for a ratio of two arms."""
    endpoint: Endpoint
    statistic: Statistic
    value: float
    """In `unit`."""
    lower: float | None
    """Lower end of the 95 % interval, None when none is known."""
    upper: float | None
    n: int
    """Patients behind the number."""
    unit: str
    role: Role
    value_source: Source
    interval_source: Source | None
    """None when no interval is known."""
    origin: str = ""
    """File and row, for messages."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be a time or ratio, and intervals that do not hold the value."""
        where = f" ({self.origin})" if self.origin else ""
        if not (self.value > 0.0 and math.isfinite(self.value)):
            raise DataError(f"target {self.label} = {self.value:g}{where}: must be positive; correct the value")
        if (self.lower is None) != (self.upper is None):
            raise DataError(f"target {self.label}{where}: give both ends of the interval or none")
        if self.lower is not None and self.upper is not None and not 0.0 < self.lower <= self.value <= self.upper:
            message = f"interval {self.lower:g} to {self.upper:g} does not hold the value {self.value:g}"
            raise DataError(f"target {self.label}: {message}{where}; correct the ends")

    @property
    def label(self) -> str:
        """Name as on the command line: `median:STUDY:ARM:ENDPOINT` or `hazard_ratio:STUDY:ENDPOINT`."""
        return ":".join(part for part in (self.statistic, self.study, self.arm, self.endpoint) if part)

    @property
    def log_error(self) -> float | None:
        """Standard error of ln(value), ln(upper/lower)/(2 x 1.96); None unless the interval was read in a source.

        An interval that is only recalled does not count: a fit derives the error from n and the follow-up instead.
        """
        if self.lower is None or self.upper is None or self.interval_source is None:
            return None
        if self.interval_source.status is not Status.REPORTED:
            return None
        return math.log(self.upper / self.lower) / (2.0 * 1.959963984540054)
