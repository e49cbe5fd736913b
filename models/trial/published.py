"""What a trial published of an arm beyond single numbers: a survival curve read off a figure, or its patients one by one.

Start with `PublishedCurve` and `PatientTimes`; they are read from `curves.csv` and `patients.csv`
(`kinimmune.models.tables.published`).
"""

from dataclasses import dataclass, field

import numpy as np

from kinimmune.models.arrays import Array, Bools
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.covariates import CovariateValues
from kinimmune.models.trial.design import Endpoint


@dataclass(frozen=True, eq=False)
class PublishedCurve:
    """A Kaplan-Meier curve at the times of its risk table."""

    study: str
    arm: str
    endpoint: Endpoint
    time: Array
    """[d], increasing from 0, shape (k,)."""
    survival: Array
    """Read at `time`, 1 at the start, never rising, shape (k,)."""
    at_risk: Array
    """Patients at risk at `time` as printed, never rising, shape (k,)."""
    reading_error: Array
    """Standard deviation of `survival` as it was read, shape (k,); 0 at the start."""

    def __post_init__(self) -> None:
        """Refuse what is no survival curve."""
        where = f"curve of {self.study}:{self.arm}:{self.endpoint}"
        if self.time.size < 2 or self.time[0] != 0.0 or self.survival[0] != 1.0:
            raise DataError(f"{where}: it must begin at month 0 with survival 1 and go on; add the first row")
        if np.any(np.diff(self.time) <= 0.0):
            raise DataError(f"{where}: two rows of one month; keep one")
        for name, column in (("survival", self.survival), ("at_risk", self.at_risk)):
            rises = np.flatnonzero(np.diff(column) > 0.0)
            if rises.size:
                before, after = column[rises[0]], column[rises[0] + 1]
                raise DataError(f"{where}: {name} rises from {before:g} to {after:g}; correct it")
        if np.any(self.at_risk[self.survival == 0.0] > 0.0):
            raise DataError(f"{where}: patients at risk where survival is 0; correct one of the two")
        if np.any(self.reading_error[1:][self.survival[1:] > 0.0] <= 0.0):
            raise DataError(f"{where}: reading_error must be above 0 but at the start; fill it in")
        if self.survival[-1] == 1.0:
            raise DataError(f"{where}: nobody has an event; leave it out")


@dataclass(frozen=True, eq=False)
class PatientTimes:
    """The patients of an arm, each with the time of an event or of the end of its follow-up; shape (n,) each."""

    study: str
    arm: str
    endpoint: Endpoint
    time: Array
    """[d], of the event or of censoring."""
    event: Bools
    last_without: Array
    """[d], last visit without the event where it was seen at a later one; not a number where the event has a time of its own."""
    covariates: CovariateValues = field(default_factory=dict)
    """What is known of all of them before treatment."""

    def __post_init__(self) -> None:
        """Refuse events that come before the visit without them, and arms without events."""
        where = f"patients of {self.study}:{self.arm}:{self.endpoint}"
        if not self.event.any():
            raise DataError(f"{where}: nobody has an event; leave them out")
        if self.endpoint is Endpoint.OS and np.any(np.isfinite(self.last_without)):
            raise DataError(f"{where}: last_without of a death, which has a day of its own; leave it empty")
        if np.any(~self.event & np.isfinite(self.last_without)):
            raise DataError(f"{where}: last_without of a patient without an event; leave it empty, 'time' is the last visit")
        if np.any(self.last_without >= self.time):
            raise DataError(f"{where}: last_without is not before the event; correct one of the two")
