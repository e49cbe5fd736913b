"""The published numbers a fit aims at or a prediction is compared with.

Start with `Target`; `kinimmune.fitting.problem.target_rows` reads them from `targets.csv`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from kinimmune.fitting.problem.outputs import HazardRatioOutput, MedianOutput, SurvivalOutput
from kinimmune.models.arrays import NORMAL_95
from kinimmune.models.errors import DataError
from kinimmune.models.experiments.measurement import Measurement, MeasurementKind
from kinimmune.models.symbolic.parameters import Source, Status
from kinimmune.models.trial.design import Endpoint, ErrorRule, Trial
from kinimmune.models.trial.published import PatientTimes, PublishedCurve


class Role(StrEnum):
    """What a published number is for."""

    FIT = "fit"
    """It is in the objective."""
    UNFITTED = "unfitted"
    """It is only compared with; the code path of a fit does not accept it."""
    HELD_OUT = "held_out"
    """As `unfitted`, and nobody has looked at it while the model was chosen."""


class Statistic(StrEnum):
    """What was published."""

    MEDIAN = "median"
    """Median time [month] of one arm."""
    HAZARD_RATIO = "hazard_ratio"
    """Cox hazard ratio of the treated arm over the control arm."""
    SURVIVAL = "survival"
    """Share of one arm without the event at a month."""
    RESPONSE_RATE = "response_rate"
    """Share of one arm with a confirmed response."""
    CONTROL_RATE = "control_rate"
    """Share of one arm with disease control: no progression at the first scan, and alive."""
    DEATHS = "deaths"
    """Deaths by the cut-off, of one arm or of all."""
    EVENTS = "events"
    """Events of progression, or of progression or death, by the cut-off, of one arm or of all."""
    CUTOFF = "cutoff"
    """Time [month] from the first entry to the cut-off of an analysis that waited for `n` events of all arms."""
    CURVE = "curve"
    """A survival curve of one arm read off a figure, in `curves.csv`."""
    PATIENTS = "patients"
    """The patients of one arm one by one, in `patients.csv`."""


UNITS = {Statistic.MEDIAN: "month", Statistic.CUTOFF: "month"}
"""Unit of the numbers of a statistic; 1 for every other."""
SHARES = frozenset({Statistic.SURVIVAL, Statistic.RESPONSE_RATE, Statistic.CONTROL_RATE})
"""Statistics between 0 and 1."""
COUNTS = frozenset({Statistic.DEATHS, Statistic.EVENTS})
"""Statistics that count patients."""
DATA = frozenset({Statistic.CURVE, Statistic.PATIENTS})
"""Statistics without a number of their own: their data stand in another table."""
OF_READINGS = frozenset({Statistic.RESPONSE_RATE, Statistic.CONTROL_RATE})
"""Statistics without an endpoint: what scans show."""
OF_ALL_ARMS = frozenset({Statistic.DEATHS, Statistic.EVENTS, Statistic.CUTOFF})
"""Statistics that may be about all arms of a study together."""

Published = PublishedCurve | PatientTimes | Measurement


@dataclass(frozen=True)
class Target:
    """One published number with its interval, a curve or patients in place of a number, or a measurement in an experiment."""

    study: str
    """Of a measurement the model."""
    arm: str | None
    """Of a ratio the treated arm, None for the only one of its study; of events None for all arms; of a measurement the
    experiment."""
    endpoint: Endpoint | None
    """None for what scans show, responses and disease control, and for measurements."""
    statistic: Statistic | MeasurementKind
    value: float | None
    """In `unit`; None where `published` holds a curve, patients, or a measurement of which only a range is known."""
    lower: float | None
    """Lower end of the 95 % interval, None when none is known."""
    upper: float | None
    n: int
    """Patients behind the number; of a cut-off the events it waited for."""
    unit: str
    role: Role
    value_source: Source
    interval_source: Source | None
    """None when no interval is known."""
    origin: str = ""
    """File and row, for messages."""
    month: float | None = None
    """Of a survival, else None."""
    published: Published | None = None
    """The curve, the patients or the measurement, else None."""
    errors: ErrorRule | None = None
    """Rule of its study about standard errors; None: from the interval where that was read, else from n and follow-up."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be what they are said to be, and intervals that do not hold the value."""
        where = f" ({self.origin})" if self.origin else ""
        if isinstance(self.published, Measurement):
            return  # its table has been checked
        self._require_shape(where)
        if self.value is None:
            return
        self._require_value(where)
        if (self.lower is None) != (self.upper is None):
            raise DataError(f"target {self.label}{where}: give both ends of the interval or none")
        if self.lower is not None and self.lower == self.upper:
            message = f"interval {self.lower:g} to {self.upper:g} has no width"
            raise DataError(f"target {self.label}: {message}{where}; give the ends of the 95 % interval, or leave both empty")
        if self.lower is not None and self.upper is not None and not self._least < self.lower <= self.value <= self.upper:
            message = f"interval {self.lower:g} to {self.upper:g} does not hold the value {self.value:g}"
            raise DataError(f"target {self.label}: {message}{where}; correct the ends")

    @property
    def _least(self) -> float:
        """What the lower end of an interval lies above."""
        return -math.inf if self.statistic in SHARES else 0.0

    def _require_shape(self, where: str) -> None:
        """Refuse a number where data belong, data where a number belongs, and a month of anything but a survival."""
        if (self.statistic in DATA) != (self.value is None) or (self.value is None) != (self.published is not None):
            raise DataError(
                f"target {self.label}{where}: a number, or data of the statistic {' or '.join(sorted(DATA))}; give one"
            )
        if (self.statistic is Statistic.SURVIVAL) != (self.month is not None):
            raise DataError(
                f"target {self.label}{where}: a month belongs to a survival and to nothing else; correct column 'month'"
            )
        if (self.statistic in OF_READINGS) != (self.endpoint is None):
            allowed = ", ".join(sorted(OF_READINGS))
            raise DataError(f"target {self.label}{where}: an endpoint belongs to all but {allowed}; correct column 'endpoint'")

    def _require_value(self, where: str) -> None:
        value = self.number
        if self.statistic in SHARES:
            if not 0.0 <= value <= 1.0 or (self.statistic is Statistic.SURVIVAL and value in (0.0, 1.0)):
                raise DataError(f"target {self.label} = {value:g}{where}: must be a share between 0 and 1; correct the value")
        elif self.statistic in COUNTS:
            if not 0.0 <= value <= self.n or value != round(value):
                raise DataError(
                    f"target {self.label} = {value:g}{where}: must be a whole number from 0 to n = {self.n}; correct it"
                )
        elif not (value > 0.0 and math.isfinite(value)):
            raise DataError(f"target {self.label} = {value:g}{where}: must be positive; correct the value")

    @property
    def number(self) -> float:
        """The value of a target that has one."""
        assert self.value is not None  # a curve or patients have other code paths
        return self.value

    @property
    def place(self) -> Endpoint:
        """The endpoint of a target that has one."""
        assert self.endpoint is not None  # what scans show has other code paths
        return self.endpoint

    @property
    def label(self) -> str:
        """Name as on the command line, as `median:STUDY:ARM:ENDPOINT`, `hazard_ratio:STUDY[:ARM]:ENDPOINT` or `deaths:STUDY`."""
        if isinstance(self.published, Measurement):
            return self.published.label
        if self.statistic is Statistic.MEDIAN and self.arm is not None:
            return MedianOutput(self.study, self.arm, self.place).name
        if self.statistic is Statistic.HAZARD_RATIO:
            return HazardRatioOutput(self.study, self.place, self.arm).name
        if self.statistic is Statistic.SURVIVAL and self.arm is not None:
            return SurvivalOutput(self.study, self.arm, self.place, self.month or 0.0).name
        endpoint = None if self.statistic is Statistic.DEATHS else self.endpoint
        return ":".join(str(part) for part in (self.statistic, self.study, self.arm, endpoint) if part is not None)

    @property
    def of_trial(self) -> bool:
        """Whether it is about a trial, not about an experiment."""
        return not isinstance(self.published, Measurement)

    @property
    def read_interval(self) -> tuple[float, float] | None:
        """The ends of the interval where it was read in a source.

        An interval that is only recalled does not count: a fit derives the error from n and the follow-up instead.
        """
        if self.lower is None or self.upper is None or self.interval_source is None:
            return None
        return (self.lower, self.upper) if self.interval_source.status is Status.REPORTED else None

    @property
    def error_interval(self) -> tuple[float, float] | None:
        """The interval its standard error comes from; None where that comes from n and the follow-up."""
        return None if self.errors is ErrorRule.PATIENTS else self.read_interval

    @property
    def log_error(self) -> float | None:
        """Standard error of ln(value) by the study's rule, ln(upper/lower)/(2 x 1.96); None where n and follow-up tell it."""
        return _log_error(self.error_interval)

    @property
    def printed_log_error(self) -> float | None:
        """Standard error of ln(value) as it was printed, whatever the rule; None unless the interval was read in a source."""
        return _log_error(self.read_interval)

    def arms(self, trial: Trial) -> tuple[str, ...]:
        """Return the arms of its trial that a number is about."""
        if self.statistic is Statistic.HAZARD_RATIO:
            return tuple(arm.name for arm in trial.contrast(self.arm))
        return (self.arm,) if self.arm is not None else tuple(arm.name for arm in trial.arms)


def _log_error(ends: tuple[float, float] | None) -> float | None:
    return None if ends is None or not ends[0] > 0.0 else math.log(ends[1] / ends[0]) / (2.0 * NORMAL_95)


def has_interval_error(target: Target) -> bool:
    """Return whether an interval may tell a target's standard error: TTP, PFS, shares of patients and counts have n alone."""
    if target.statistic is Statistic.MEDIAN:
        return target.endpoint is Endpoint.OS
    return target.statistic in (Statistic.HAZARD_RATIO, Statistic.SURVIVAL, Statistic.CUTOFF)


def can_predict(target: Target, endpoints: Sequence[Endpoint]) -> bool:
    """Return whether a virtual trial with these endpoints has such a number: responses are of models with progression."""
    if not target.of_trial:
        return True
    return Endpoint.TTP in endpoints if target.statistic in OF_READINGS else target.endpoint in endpoints
