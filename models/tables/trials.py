"""Rows and checks of `trials.csv` and `follow_up.csv`, and the trials they make with arms, designs and regimens.

Start with `examine_trials`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.parameters import Status
from kinimmune.models.tables.criteria import CriterionRow, examine_criteria, find_unknown_criteria
from kinimmune.models.tables.design import QUANTITIES, DesignNumber, examine_design
from kinimmune.models.tables.drugs import examine_drugs
from kinimmune.models.tables.evidence import Reference, examine_sources, find_bad_origins
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.next_lines import build_next_line, find_bad_next_lines, leave_out_lines
from kinimmune.models.tables.rows import Day, Name, NotNegative, Positive, SourcedRow, TableRow, Tables, dangling
from kinimmune.models.tables.treatments import ArmRow, PlannedAdministration, examine_regimens, find_odd_drugs, list_regimens
from kinimmune.models.trial.design import Arm, Endpoint, ErrorRule, StopRule, Trial
from kinimmune.models.trial.follow_up import FollowUp


class FollowUpRow(TableRow):
    """A row of `follow_up.csv`: the three dates, or the shortest and longest follow-up, of one endpoint of a study."""

    table: ClassVar[str] = "follow_up.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("study", "endpoint")

    study: Name
    endpoint: Endpoint
    accrual_start: Day | None = None
    accrual_end: Day | None = None
    accrual_source: Name | None = None
    accrual_locator: str = ""
    accrual_status: Status | None = None
    cutoff: Day | None = None
    cutoff_source: Name
    cutoff_locator: str
    cutoff_status: Status
    shortest: NotNegative | None = None
    longest: Positive | None = None
    shape: Positive
    shape_source: Name
    shape_locator: str
    shape_status: Status
    note: str = ""

    def follow_up(self) -> FollowUp:
        """Return the follow-up in days.

        Raises
        ------
        DataError
            when neither or both of dates and days are given, or they do not make a period
        """
        days = [self.shortest, self.longest]
        dates = [self.accrual_start, self.accrual_end, self.cutoff]
        if self.accrual_start is not None and self.accrual_end is not None and self.cutoff is not None and days == [None, None]:
            shortest, longest = ((self.cutoff - entry).days for entry in (self.accrual_end, self.accrual_start))
            return FollowUp(float(shortest), float(longest), self.shape)
        if self.shortest is not None and self.longest is not None and dates == [None, None, None]:
            return FollowUp(self.shortest, self.longest, self.shape)
        raise DataError(
            f"follow-up of study '{self.study}', endpoint '{self.endpoint}', is given by halves or twice; "
            "fill in accrual_start, accrual_end and cutoff, or shortest and longest, and not both"
        )


class TrialRow(SourcedRow):
    """A row of `trials.csv`; source, locator and status are those of the stop rule."""

    table: ClassVar[str] = "trials.csv"
    optional_columns: ClassVar[frozenset[str]] = frozenset({"model", "standard_errors"})
    key_columns: ClassVar[tuple[str, ...]] = ("study",)

    study: Name
    title: str
    registration: str = ""
    criterion: str
    """As in `criteria.csv`."""
    stop_rule: StopRule
    model: str = ""
    """Models its patients are of, separated by spaces; empty for those that no study names."""
    standard_errors: ErrorRule | None = None
    """Where those of its targets come from; empty: from an interval where one was read, else from n and follow-up."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models the study names."""
        return tuple(self.model.split())


def examine_trials(tables: Tables) -> Examined[Trial]:
    """Return the trials and what is wrong with their four tables."""
    trials, arms, follow_up = (tables.rows(TrialRow), tables.rows(ArmRow), tables.rows(FollowUpRow))
    design, sources, regimens = examine_design(tables), examine_sources(tables), examine_regimens(tables)
    findings = [*trials.findings, *arms.findings, *follow_up.findings, *design.findings, *regimens.findings]
    findings += examine_drugs(tables).findings
    findings += [*find_bad_origins(trials.entries, sources), *find_bad_follow_up_origins(follow_up.entries, sources)]
    findings += find_bad_periods(follow_up.entries)
    criteria = examine_criteria(tables)
    findings += [*criteria.findings, *(() if criteria.findings else find_unknown_criteria(trials.entries, criteria.entries))]
    rows = [number.row for number in design.entries]
    if not trials.findings:
        studies = {row.study for row in trials.entries}
        findings += [
            finding
            for table in (arms.entries, follow_up.entries, rows, list_regimens(tables))
            for finding in dangling(table, "study", studies, "trials.csv")
        ]
    if not arms.findings:
        findings += find_unknown_arms([*rows, *leave_out_lines(list_regimens(tables))], arms.entries)
        findings += find_odd_drugs(tables, _daily_doses(design.entries))
        findings += [] if regimens.findings else _find_bad_lines(tables, design.entries)
    findings += sources.findings
    if findings:
        return Examined((), tuple(dict.fromkeys(findings)))
    known = {row.criterion: row for row in criteria.entries}
    return _build(tables, design.entries, regimens.entries, known)


def _daily_doses(design: Iterable[DesignNumber]) -> dict[tuple[str, str], float]:
    """Return (study, arm) -> dose times doses a day [mg/d], of the arms that have both."""
    numbers = {(item.row.study, item.row.arm or "", item.row.quantity): item.value for item in design}
    return {
        (study, arm): value * numbers[study, arm, "doses_per_day"]
        for (study, arm, quantity), value in numbers.items()
        if quantity == "dose" and (study, arm, "doses_per_day") in numbers
    }


def _find_bad_lines(tables: Tables, design: Sequence[DesignNumber]) -> list[Finding]:
    rules = {row.study: row.stop_rule for row in tables.rows(TrialRow).entries}
    places = [(row.study, row.arm) for row in tables.rows(ArmRow).entries]
    daily = dict.fromkeys(places, 0.0) | _daily_doses(design)
    stopped = (item.row for item in design if item.row.quantity == "discontinuation_fraction" and item.value > 0.0)
    tolerated = set(places) - {(row.study, row.arm or "") for row in stopped}
    return find_bad_next_lines(list_regimens(tables), rules, daily, tolerated)


def find_unknown_arms(rows: Iterable[TableRow], arms: Iterable[ArmRow]) -> list[Finding]:
    """Return a finding for each row whose arm is not an arm of its study; rows of unknown studies are left out."""
    known: dict[str, list[str]] = {}
    for arm in arms:
        known.setdefault(arm.study, []).append(arm.arm)
    findings = []
    for row in rows:
        study, name = getattr(row, "study", None), getattr(row, "arm", None)
        if name is not None and study in known and name not in known[study]:
            problem = f"study '{study}' has no arm '{name}' in column 'arm'"
            findings.append(row.finding("arm", problem, f"arms.csv has: {', '.join(known[study])}"))
    return findings


def _build(
    tables: Tables,
    design: Sequence[DesignNumber],
    regimens: Sequence[PlannedAdministration],
    criteria: Mapping[str, CriterionRow],
) -> Examined[Trial]:
    built: list[Trial] = []
    findings: list[Finding] = []
    arms, follow_up = tables.rows(ArmRow).entries, tables.rows(FollowUpRow).entries
    for trial in tables.rows(TrialRow).entries:
        numbers = [number for number in design if number.row.study == trial.study]
        given = [item for item in regimens if item.study == trial.study]
        try:
            own = {arm.arm: _arm(arm, numbers, given) for arm in arms if arm.study == trial.study}
            all_lines = [replace(arm, next_line=build_next_line(arm, given, own)) for arm in own.values()]
            built.append(_trial(trial, all_lines, _periods(trial, follow_up), numbers, criteria[trial.criterion]))
        except DataError as error:
            findings.append(trial.refused(None, error))
    return Examined(tuple(built), tuple(findings))


def _periods(trial: TrialRow, rows: Sequence[FollowUpRow]) -> Mapping[Endpoint, FollowUp]:
    periods: dict[Endpoint, FollowUp] = {}
    for row in rows:
        if row.study == trial.study:
            periods[row.endpoint] = row.follow_up()
    if Endpoint.TTP in periods:
        periods.setdefault(Endpoint.PFS, periods[Endpoint.TTP])  # read at the same scans
    for endpoint in Endpoint:
        if endpoint not in periods:
            raise DataError(f"study '{trial.study}' has no follow-up for endpoint '{endpoint}'; add a row to follow_up.csv")
    return periods


def _trial(
    row: TrialRow,
    arms: Sequence[Arm],
    periods: Mapping[Endpoint, FollowUp],
    design: Sequence[DesignNumber],
    criterion: CriterionRow,
) -> Trial:
    values = _values(f"study '{row.study}'", design, None)
    return Trial(
        study=row.study,
        title=row.title,
        arms=tuple(arms),
        scan_interval=values["scan_interval"],
        scan_jitter=values["scan_jitter"],
        reading_error=values["reading_error"],
        progression_ratio=values.get("progression_ratio", criterion.progression_ratio),
        response_ratio=values.get("response_ratio", criterion.response_ratio),
        follow_up=periods,
        stop_rule=row.stop_rule,
        later_scan_interval=values.get("later_scan_interval"),
        later_scans_from=values.get("later_scans_from"),
        criterion=criterion.criterion,
        progression_increase=criterion.progression_increase,
        baseline_diameter=values.get("baseline_diameter"),
    )


def _values(owner: str, design: Sequence[DesignNumber], arm: str | None) -> Mapping[str, float]:
    values = {number.row.quantity: number.value for number in design if number.row.arm == arm}
    for name, quantity in QUANTITIES.items():
        if quantity.required and quantity.of_arm == (arm is not None) and name not in values:
            raise DataError(f"{owner} has no '{name}'; add a row to design.csv")
    return values


def _arm(row: ArmRow, design: Sequence[DesignNumber], regimens: Sequence[PlannedAdministration]) -> Arm:
    values = _values(f"arm '{row.arm}' of study '{row.study}'", design, row.arm)
    return Arm(
        study=row.study,
        name=row.arm,
        n=int(values["n"]),
        control=row.control,
        dose=values["dose"],
        doses_per_day=values["doses_per_day"],
        discontinuation_rate=_discontinuation_rate(row, values),
        symptomatic_median=values.get("symptomatic_median", math.inf),
        drug=row.drug,
        regimen=tuple(item.administration for item in regimens if item.arm == row.arm and item.administration is not None),
    )


def _discontinuation_rate(row: ArmRow, values: Mapping[str, float]) -> float:
    """Return the rate [1/d] of stopping for adverse events.

    Treatment is taken to end at one constant rate, ln 2 over the median time on treatment, a crude fraction of which is the
    published fraction of patients who stopped for adverse events.  Where the median is not known the median time to
    symptomatic progression stands in for it.
    """
    fraction = values.get("discontinuation_fraction", 0.0)
    median = values.get("treatment_median", values.get("symptomatic_median"))
    if fraction == 0.0:
        return 0.0
    if median is None:
        raise DataError(
            f"arm '{row.arm}' of study '{row.study}' has a discontinuation_fraction but neither treatment_median nor "
            "symptomatic_median; add one of them to design.csv"
        )
    return fraction * math.log(2.0) / median


def find_bad_follow_up_origins(rows: Sequence[FollowUpRow], sources: Examined[Reference]) -> list[Finding]:
    """Return findings about the origins of accrual dates, cut-off and shape."""
    findings = []
    for of in ("accrual", "cutoff", "shape"):
        findings += find_bad_origins(rows, sources, f"{of}_source", f"{of}_status")
    for row in rows:
        if row.accrual_start is not None and (row.accrual_source is None or row.accrual_status is None):
            problem = "accrual dates without their origin in columns 'accrual_source' and 'accrual_status'"
            findings.append(row.finding("accrual_source", problem, "fill them in"))
    return findings


def find_bad_periods(rows: Iterable[FollowUpRow]) -> Iterable[Finding]:
    """Find rows that do not say, or say twice, how long patients were followed, or whose period is none."""
    for row in rows:
        try:
            row.follow_up()
        except DataError as error:
            yield row.refused("cutoff" if row.longest is None else "longest", error)
