"""Rows and checks of `curves.csv` and `patients.csv`: survival curves read off figures, and patients one by one.

Start with `examine_curves` and `examine_patients`.  Each curve, and the patients of each arm and endpoint, become a target by a
row of `targets.csv` with the statistic `curve` or `patients`.
"""

import math
from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
from pydantic import NonNegativeInt

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.covariates import Covariate
from kinimmune.models.symbolic.units import DAYS_PER_MONTH, convert
from kinimmune.models.tables.covariates import examine_covariates
from kinimmune.models.tables.evidence import examine_sources, find_bad_origins
from kinimmune.models.tables.findings import Examined, Finding, capped
from kinimmune.models.tables.patient_covariates import find_odd_covariates, read_covariates
from kinimmune.models.tables.patient_rows import PatientRow
from kinimmune.models.tables.rows import Name, NotNegative, Share, SourcedRow, Tables, dangling
from kinimmune.models.tables.treatments import ArmRow
from kinimmune.models.tables.trials import TrialRow, find_unknown_arms
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.published import PatientTimes, PublishedCurve

Place = tuple[str, str, Endpoint]
"""(study, arm, endpoint)"""


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
    table, covariates = tables.rows(PatientRow), examine_covariates(tables)
    findings = [*table.findings, *_find_unknown(tables, table.entries), *_find_odd_events(table.entries)]
    findings += [*covariates.findings, *find_odd_covariates(table.entries, covariates.entries)]
    places: dict[Place, list[PatientRow]] = {}
    for row in () if findings else table.entries:
        places.setdefault((row.study, row.arm, row.endpoint), []).append(row)
    found = []
    for place, rows in places.items():
        try:
            found.append(build_patients(place, rows, covariates.entries))
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


def build_patients(place: Place, rows: Sequence[PatientRow], covariates: Sequence[Covariate] = ()) -> PatientTimes:
    """Return the patients of one arm and endpoint in the order of their times, so that the order of the rows does not matter.

    With the covariates that are told of all of them.  Raises a `DataError` where they can be no target.
    """
    known = {item.name: item for item in covariates}
    ordered = sorted(rows, key=_read_order)
    time, _, last, _ = zip(*map(_read_order, ordered), strict=True)
    event = np.array([row.event == 1.0 for row in ordered], dtype=bool)
    without = np.array([math.nan if day < 0.0 else day for day in last])
    return PatientTimes(*place, np.array(time), event, without, read_covariates(ordered, known))


def _read_order(row: PatientRow) -> tuple[float, bool, float, list[tuple[str, str]]]:
    """Return what patients are sorted by: time [d], event, last visit without it [d], -1 where none is told, and covariates."""
    last = -1.0 if row.last_without is None else convert(row.last_without, str(row.unit), "d")
    return convert(row.time, str(row.unit), "d"), row.event == 1.0, last, sorted(row.covariates.items())
