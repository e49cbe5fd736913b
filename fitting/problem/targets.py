"""The published numbers a fit aims at or a prediction is compared with.

Start with `Target`; `read_targets` makes them from `targets.csv`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from pydantic import PositiveInt

from kinimmune.fitting.problem.outputs import HazardRatioOutput, MedianOutput, PublishedOutput
from kinimmune.models.arrays import NORMAL_95
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.parameters import Source, Status
from kinimmune.models.tables.evidence import examine_sources, find_bad_origins, find_upside_down
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.readers import read_trials
from kinimmune.models.tables.rows import Name, Positive, TableRow, Tables, UnitText, dangling
from kinimmune.models.tables.studies import list_named_studies, list_studies
from kinimmune.models.tables.treatments import ArmRow
from kinimmune.models.tables.trials import TrialRow, find_unknown_arms
from kinimmune.models.trial.design import Endpoint, Trial


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
    """Of a ratio the treated arm, None for the only one of its study."""
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
        if self.lower is not None and self.lower == self.upper:
            message = f"interval {self.lower:g} to {self.upper:g} has no width"
            raise DataError(f"target {self.label}: {message}{where}; give the ends of the 95 % interval, or leave both empty")
        if self.lower is not None and self.upper is not None and not 0.0 < self.lower <= self.value <= self.upper:
            message = f"interval {self.lower:g} to {self.upper:g} does not hold the value {self.value:g}"
            raise DataError(f"target {self.label}: {message}{where}; correct the ends")

    @property
    def output(self) -> PublishedOutput:
        """What of a virtual trial the number is compared with."""
        if self.statistic is Statistic.MEDIAN and self.arm is not None:
            return MedianOutput(self.study, self.arm, self.endpoint)
        return HazardRatioOutput(self.study, self.endpoint, self.arm)

    @property
    def label(self) -> str:
        """Name of the output, as on the command line: `median:STUDY:ARM:ENDPOINT` or `hazard_ratio:STUDY[:ARM]:ENDPOINT`."""
        return self.output.name

    @property
    def log_error(self) -> float | None:
        """Standard error of ln(value), ln(upper/lower)/(2 x 1.96); None unless the interval was read in a source.

        An interval that is only recalled does not count: a fit derives the error from n and the follow-up instead.
        """
        if self.lower is None or self.upper is None or self.interval_source is None:
            return None
        if self.interval_source.status is not Status.REPORTED:
            return None
        return math.log(self.upper / self.lower) / (2.0 * NORMAL_95)


class TargetRow(TableRow):
    """A row of `targets.csv`."""

    table: ClassVar[str] = "targets.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("study", "arm", "endpoint", "statistic")

    study: Name
    arm: Name | None = None
    endpoint: Endpoint
    statistic: Statistic
    value: Positive
    lower: Positive | None = None
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


_UNITS = {Statistic.MEDIAN: "month", Statistic.HAZARD_RATIO: "1"}


def read_targets(tables: Tables | None = None, model: str | None = None) -> tuple[Target, ...]:
    """Return the targets of `targets.csv`, the user's or the package's; of one model those of the studies it is tried in.

    Raises
    ------
    DataError
        when targets.csv, or a table it points to, is wrong; the first finding of `examine_targets`
    UsageError
        when the folder does not exist
    """
    given = tables or Tables()
    targets = examine_targets(given).require()
    studies = None if model is None else list_studies(model, given)
    return targets if studies is None else tuple(target for target in targets if target.study in studies)


def read_fitted_targets(model: str, tables: Tables) -> tuple[Target, ...]:
    """Return the targets with role `fit` of the studies a model is tried in; raises as `read_targets` does."""
    return tuple(target for target in read_targets(tables, model) if target.role is Role.FIT)


def list_tried_studies(model: str, tables: Tables) -> tuple[str, ...]:
    """Return the studies whose virtual trials a model's outputs are of: those it is fitted to, else those that name it."""
    fitted = tuple(dict.fromkeys(target.study for target in read_fitted_targets(model, tables)))
    return fitted or list_named_studies(model, tables)


def read_tried_trials(model: str, tables: Tables) -> tuple[Trial, ...]:
    """Return the trials of the studies of `list_tried_studies`; raises as `read_targets` and `read_trials` do."""
    studies = list_tried_studies(model, tables)
    return tuple(trial for trial in read_trials(tables) if trial.study in studies)


def describe_left_out(model: str, tables: Tables) -> tuple[str, ...]:
    """Return a line about studies with medians to be fitted that are left out: they name no model, where others name this one."""
    named = list_named_studies(model, tables)
    unnamed = {row.study for row in tables.rows(TrialRow).entries if not row.models}
    left = dict.fromkeys(item.study for item in read_targets(tables) if item.role is Role.FIT and item.study in unnamed)
    if not named or not left:
        return ()
    why = f"they name no model in trials.csv, and {', '.join(named)} name '{model}'"
    return (f"medians of {', '.join(left)} are not fitted: {why}; name it in column 'model' of those that are meant too",)


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
    targets = []
    for row in table.entries:
        if row.row in refused:
            continue
        try:
            targets.append(_target(row, compared.get(row.study, ())))
        except DataError as error:
            findings.append(row.refused("value", error))
    return Examined(tuple(targets), (*findings, *sources.findings))


def _find_odd_shapes(rows: Sequence[TargetRow]) -> Iterable[Finding]:
    for row in rows:
        if row.arm is None and row.statistic is not Statistic.HAZARD_RATIO:
            yield row.finding("arm", f"{row.statistic} without an arm in column 'arm'", "fill it in")
        if row.unit != _UNITS[row.statistic]:
            problem = f"unit '{row.unit}' of a {row.statistic} in column 'unit'"
            yield row.finding("unit", problem, f"give the numbers in {_UNITS[row.statistic]}")
        if (row.lower is None) != (row.interval_source is None) or (row.interval_source is None) != (row.interval_status is None):
            problem = "interval without its origin, or an origin without interval, in column 'interval_source'"
            yield row.finding("interval_source", problem, "fill in interval_source and interval_status, or leave all empty")


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
    first: dict[tuple[str, str, Endpoint], TargetRow] = {}
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


def _target(row: TargetRow, compared: Sequence[str]) -> Target:
    only = row.statistic is Statistic.HAZARD_RATIO and len(compared) == 1
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
    )
