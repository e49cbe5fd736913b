"""Rows and checks of `targets.csv`, and the targets they make with the data of `curves.csv` and `patients.csv`.

Start with `examine_targets`; `kinimmune.fitting.problem.read_targets` is for those who only need what is right.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import PositiveInt

from kinimmune.fitting.problem.double_use import find_double_targets
from kinimmune.fitting.problem.error_rules import find_missing_intervals
from kinimmune.fitting.problem.targets import (
    DATA,
    OF_ALL_ARMS,
    OF_READINGS,
    UNITS,
    Role,
    Statistic,
    Target,
)
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.parameters import Source, Status
from kinimmune.models.tables.evidence import examine_sources, find_bad_origins, find_upside_down
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.published import examine_curves, examine_patients
from kinimmune.models.tables.rows import Name, NotNegative, Positive, TableRow, Tables, UnitText, dangling
from kinimmune.models.tables.treatments import ArmRow
from kinimmune.models.tables.trials import TrialRow, find_unknown_arms
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.published import PatientTimes, PublishedCurve


class TargetRow(TableRow):
    """A row of `targets.csv`."""

    table: ClassVar[str] = "targets.csv"
    optional_columns: ClassVar[frozenset[str]] = frozenset({"month"})
    key_columns: ClassVar[tuple[str, ...]] = ("study", "arm", "endpoint", "statistic", "month")

    study: Name
    arm: Name | None = None
    endpoint: Endpoint | None = None
    statistic: Statistic
    month: Positive | None = None
    value: NotNegative | None = None
    lower: NotNegative | None = None
    upper: Positive | None = None
    n: PositiveInt
    unit: UnitText
    role: Role
    value_source: Name
    value_locator: str
    value_status: Status
    interval_source: Name | None = None
    interval_locator: str = ""
    interval_status: Status | None = None
    note: str = ""


def examine_targets(tables: Tables) -> Examined[Target]:
    """Return the targets and what is wrong with their table."""
    table, sources = tables.rows(TargetRow), examine_sources(tables)
    trials, arms = tables.rows(TrialRow), tables.rows(ArmRow)
    compared = _list_compared(arms.entries)
    findings = [*table.findings, *find_upside_down(table.entries, "lower", "upper"), *_find_odd_shapes(table.entries)]
    if not trials.findings:
        findings += dangling(table.entries, "study", {trial.study for trial in trials.entries}, "trials.csv")
    if not arms.findings:
        findings += [*find_unknown_arms(table.entries, arms.entries), *_find_unnamed_ratios(table.entries, compared)]
    for of in ("value", "interval"):
        findings += find_bad_origins(table.entries, sources, f"{of}_source", f"{of}_status")
    refused = {finding.row for finding in findings}
    data, unusable = _read_data(tables)
    rules = {trial.study: trial.standard_errors for trial in trials.entries}
    pairs = []
    for row in table.entries:
        if row.row in refused or (row.statistic in DATA and unusable):
            continue
        try:
            pairs.append((row, replace(_target(row, compared.get(row.study, ()), data), errors=rules.get(row.study))))
        except DataError as error:
            findings.append(row.refused("value", error))
    of_study: dict[str, list[str]] = {}
    for arm in arms.entries:
        of_study.setdefault(arm.study, []).append(arm.arm)
    controls = {arm.study: arm.arm for arm in arms.entries if arm.control}
    findings += [*find_double_targets(pairs, of_study, controls), *find_missing_intervals(pairs)]
    return Examined(tuple(target for _, target in pairs), (*findings, *unusable, *sources.findings))


Key = tuple[Statistic, str, str, Endpoint]
Data = PublishedCurve | PatientTimes


def _read_data(tables: Tables) -> tuple[dict[Key, Data], tuple[Finding, ...]]:
    """Return the curves and patients by their places, with what is wrong with their tables."""
    curves, patients = examine_curves(tables), examine_patients(tables)
    found: dict[Key, Data] = {}
    for statistic, entries in ((Statistic.CURVE, curves.entries), (Statistic.PATIENTS, patients.entries)):
        found |= {(statistic, item.study, item.arm, item.endpoint): item for item in entries}
    return found, (*curves.findings, *patients.findings)


def find_unused_data(tables: Tables) -> tuple[Finding, ...]:
    """Return a finding for each curve, and the patients of each arm, that no row of `targets.csv` makes a target."""
    named = {(row.statistic, row.study, row.arm, row.endpoint) for row in tables.rows(TargetRow).entries}
    findings = []
    for key in _read_data(tables)[0]:
        statistic, study, arm, endpoint = key
        if key not in named:
            file = "curves.csv" if statistic is Statistic.CURVE else "patients.csv"
            problem = f"{statistic} of {study}:{arm}:{endpoint} in {file} is no target, so nothing is compared with it"
            advice = f"add a row with the statistic {statistic} to targets.csv"
            findings.append(Finding(file, None, "study", f"{problem}; {advice}"))
    return tuple(findings)


def _find_odd_shapes(rows: Sequence[TargetRow]) -> Iterable[Finding]:
    for row in rows:
        unit = UNITS.get(row.statistic, "1")
        if row.arm is None and row.statistic not in {*OF_ALL_ARMS, Statistic.HAZARD_RATIO}:
            yield row.finding("arm", f"{row.statistic} without an arm in column 'arm'", "fill it in")
        if row.arm is not None and row.statistic is Statistic.CUTOFF:
            yield row.finding(
                "arm", "cutoff of one arm in column 'arm'", "leave it empty: an analysis waits for the events of all"
            )
        if row.unit != unit:
            yield row.finding("unit", f"unit '{row.unit}' of a {row.statistic} in column 'unit'", f"give the numbers in {unit}")
        if (row.lower is None) != (row.interval_source is None) or (row.interval_source is None) != (row.interval_status is None):
            problem = "interval without its origin, or an origin without interval, in column 'interval_source'"
            yield row.finding("interval_source", problem, "fill in interval_source and interval_status, or leave all empty")
        yield from _find_odd_cells(row)


def _find_odd_cells(row: TargetRow) -> Iterable[Finding]:
    """Find cells that a statistic needs, and those it does not have."""
    needed = {
        "endpoint": row.statistic not in OF_READINGS,
        "month": row.statistic is Statistic.SURVIVAL,
        "value": row.statistic not in DATA,
    }
    for column, wanted in needed.items():
        if wanted and getattr(row, column) is None:
            yield row.finding(column, f"{row.statistic} without a value in column '{column}'", "fill it in")
        elif not wanted and getattr(row, column) is not None:
            what = "its data stand in curves.csv or patients.csv" if column == "value" else f"a {row.statistic} has none"
            yield row.finding(column, f"{row.statistic} with a value in column '{column}'", f"leave it empty: {what}")
    if row.statistic is Statistic.DEATHS and row.endpoint not in (None, Endpoint.OS):
        yield row.finding("endpoint", f"deaths of {row.endpoint} in column 'endpoint'", "write os, or the statistic events")
    if row.statistic is Statistic.EVENTS and row.endpoint is Endpoint.OS:
        yield row.finding("statistic", "events of os in column 'statistic'", "write deaths")
    if row.statistic in DATA and row.lower is not None:
        yield row.finding(
            "lower", f"interval of a {row.statistic} in column 'lower'", "leave it empty: a curve has numbers at risk"
        )


def _list_compared(arms: Sequence[ArmRow]) -> dict[str, tuple[str, ...]]:
    """Return study -> the arms that are compared with its control, none where it has none; a control alone is left out."""
    controlled = {arm.study for arm in arms if arm.control}
    compared: dict[str, tuple[str, ...]] = {arm.study: () for arm in arms if arm.study not in controlled}
    for arm in arms:
        if not arm.control and arm.study in controlled:
            compared[arm.study] = (*compared.get(arm.study, ()), arm.arm)
    return compared


def _find_unnamed_ratios(rows: Sequence[TargetRow], compared: Mapping[str, Sequence[str]]) -> Iterable[Finding]:
    """Find ratios of studies without a control, that do not say of which of several arms, of the control, or given twice."""
    first: dict[tuple[str, str, Endpoint | None], TargetRow] = {}
    for row in rows:
        if row.statistic is not Statistic.HAZARD_RATIO or row.study not in compared:
            continue
        names = compared[row.study]
        if not names:
            problem = f"hazard_ratio in column 'statistic' of study '{row.study}', which has no control arm"
            advice = "leave the row out, or write yes in column 'control' of arms.csv for the arm it is relative to"
            yield row.finding("statistic", problem, advice)
            continue
        if row.arm is None and len(names) > 1:
            problem = f"hazard_ratio without an arm in column 'arm', and '{row.study}' compares {len(names)} with its control"
            yield row.finding("arm", problem, f"name one of {', '.join(names)}")
        elif row.arm is not None and row.arm not in names:
            problem = f"hazard_ratio of arm '{row.arm}' in column 'arm', which is not compared with the control"
            yield row.finding("arm", problem, f"name one of {', '.join(names)}")
        other = first.setdefault((row.study, row.arm or names[0], row.endpoint), row)
        if other is not row and other.arm != row.arm:  # rows with the same cells are told as such
            yield row.finding("arm", f"hazard ratio of {row.study} in {row.endpoint} given twice", f"row {other.row}; keep one")


def _target(row: TargetRow, compared: Sequence[str], data: Mapping[Key, Data]) -> Target:
    only = row.statistic is Statistic.HAZARD_RATIO and len(compared) == 1
    published = _find_data(row, data) if row.statistic in DATA else None
    interval = None
    if row.interval_source is not None and row.interval_status is not None:
        interval = Source(row.interval_source, row.interval_locator, row.interval_status, row.note)
    return Target(
        study=row.study,
        arm=None if only else row.arm,
        endpoint=row.endpoint,
        statistic=row.statistic,
        value=row.value,
        lower=row.lower,
        upper=row.upper,
        n=row.n,
        unit=row.unit,
        role=row.role,
        value_source=Source(row.value_source, row.value_locator, row.value_status, row.note),
        interval_source=interval,
        origin=row.place,
        month=row.month,
        published=published,
    )


def _find_data(row: TargetRow, data: Mapping[Key, Data]) -> Data:
    """Return the curve or the patients of a row; raise a `DataError` where there are none, or not as many as it says."""
    assert row.arm is not None
    assert row.endpoint is not None  # both refused before
    place = f"{row.study}:{row.arm}:{row.endpoint}"
    file = "curves.csv" if row.statistic is Statistic.CURVE else "patients.csv"
    found = data.get((row.statistic, row.study, row.arm, row.endpoint))
    if found is None:
        raise DataError(f"no {row.statistic} of {place} in {file}; add its rows, or leave this one out")
    count = int(found.at_risk[0]) if isinstance(found, PublishedCurve) else found.time.size
    if count != row.n:
        raise DataError(f"n = {row.n} where {file} has {count} patients of {place} at the start; correct one of the two")
    return found
