"""Rows and checks of `curves.csv` and `patients.csv`: survival curves read off figures, and patients one by one.

Start with `examine_curves` and `examine_patients`.  Each curve, and the patients of each arm and endpoint, become a target by a
row of `targets.csv` with the statistic `curve` or `patients`.
"""

import math
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import ClassVar

import numpy as np
from pydantic import NonNegativeInt

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.units import DAYS_PER_MONTH, convert
from kinimmune.models.tables.evidence import examine_sources, find_bad_origins
from kinimmune.models.tables.findings import Examined, Finding, capped
from kinimmune.models.tables.rows import Name, NotNegative, Positive, Share, SourcedRow, Tables, dangling
from kinimmune.models.tables.treatments import ArmRow
from kinimmune.models.tables.trials import TrialRow, find_unknown_arms
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.published import PatientTimes, PublishedCurve

Place = tuple[str, str, Endpoint]
"""(study, arm, endpoint)"""


class TimeUnit(StrEnum):
    """A unit of the times of patients, as `patients.csv` writes it."""

    DAY = "d"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"

    def in_months(self, time: float) -> float:
        """Return a time of this unit in months of 30.44 days.

        >>> TimeUnit.WEEK.in_months(43.4857142857142857), TimeUnit.MONTH.in_months(2.5)
        (10.0, 2.5)
        """
        return convert(time, self.value, TimeUnit.MONTH.value)

    @property
    def word(self) -> str:
        """The unit in words."""
        return "day" if self is TimeUnit.DAY else self.value


class CurveRow(SourcedRow):
    """A row of `curves.csv`."""

    table: ClassVar[str] = "curves.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("study", "arm", "endpoint", "month")
    may_be_empty: ClassVar[bool] = True

    study: Name
    arm: Name
    endpoint: Endpoint
    month: NotNegative
    survival: Share
    at_risk: NonNegativeInt
    reading_error: NotNegative


class PatientRow(SourcedRow):
    """A row of `patients.csv`."""

    table: ClassVar[str] = "patients.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("study", "arm", "patient", "endpoint")
    may_be_empty: ClassVar[bool] = True

    study: Name
    arm: Name
    patient: str
    endpoint: Endpoint
    time: Positive
    unit: TimeUnit
    event: Share
    last_without: NotNegative | None = None


def examine_curves(tables: Tables) -> Examined[PublishedCurve]:
    """Return the curves and what is wrong with their table."""
    table = tables.rows(CurveRow)
    findings = [*table.findings, *_find_unknown(tables, table.entries)]
    places: dict[Place, list[CurveRow]] = {}
    for row in () if findings else table.entries:
        places.setdefault((row.study, row.arm, row.endpoint), []).append(row)
    found = []
    for place, rows in places.items():
        try:
            found.append(build_curve(place, rows))
        except DataError as error:
            findings.append(rows[0].refused(None, error))
    return Examined(tuple(found), tuple(findings))


def examine_patients(tables: Tables) -> Examined[PatientTimes]:
    """Return the patients of each arm and endpoint, and what is wrong with their table."""
    table = tables.rows(PatientRow)
    findings = [*table.findings, *_find_unknown(tables, table.entries), *_find_odd_events(table.entries)]
    places: dict[Place, list[PatientRow]] = {}
    for row in () if findings else table.entries:
        places.setdefault((row.study, row.arm, row.endpoint), []).append(row)
    found = []
    for place, rows in places.items():
        try:
            found.append(build_patients(place, rows))
        except DataError as error:
            findings.append(rows[0].refused(None, error))
    return Examined(tuple(found), tuple(findings))


def _find_unknown(tables: Tables, rows: Sequence[SourcedRow]) -> list[Finding]:
    """Find rows about studies, arms and sources that no table has; nothing where those tables cannot be used themselves."""
    trials, arms = tables.rows(TrialRow), tables.rows(ArmRow)
    findings = find_bad_origins(rows, examine_sources(tables))
    if rows and not trials.findings:
        findings += dangling(rows, "study", {trial.study for trial in trials.entries}, "trials.csv")
    if rows and not arms.findings:
        findings += find_unknown_arms(rows, arms.entries)
    return findings


def _find_odd_events(rows: Iterable[PatientRow]) -> list[Finding]:
    return capped(
        row.finding("event", f"'{row.event:g}' in column 'event' is neither 1 nor 0", "write 1 for an event, 0 for censoring")
        for row in rows
        if row.event not in (0.0, 1.0)
    )


def build_curve(place: Place, rows: Sequence[CurveRow]) -> PublishedCurve:
    """Return the curve of rows of one arm and endpoint in any order; raise a `DataError` where they are none."""
    ordered = sorted(rows, key=lambda row: row.month)
    time = np.array([row.month * DAYS_PER_MONTH for row in ordered])
    columns = ([float(getattr(row, name)) for row in ordered] for name in ("survival", "at_risk", "reading_error"))
    return PublishedCurve(*place, time, *map(np.array, columns))


def build_patients(place: Place, rows: Sequence[PatientRow]) -> PatientTimes:
    """Return the patients of one arm and endpoint in the order of their times, so that the order of the rows does not matter.

    Raises a `DataError` where they can be no target.
    """
    times = [
        (
            convert(row.time, str(row.unit), "d"),
            row.event == 1.0,
            math.nan if row.last_without is None else convert(row.last_without, str(row.unit), "d"),
        )
        for row in rows
    ]
    times.sort(key=lambda item: (item[0], item[1], -1.0 if math.isnan(item[2]) else item[2]))
    time, event, last = zip(*times, strict=True)
    return PatientTimes(*place, np.array(time), np.array(event, dtype=bool), np.array(last))
