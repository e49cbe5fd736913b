"""The data behind each figure, as rows that are written as CSV beside it.

Start with `FigureData`; one function per figure, in the order of the report.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.fitting.estimation.outcome_rows import ContrastResult, ObservedRow, StopRuleRow
from kinimmune.fitting.estimation.results import ComparisonRow, EstimateRow, StartRow
from kinimmune.fitting.estimation.trial_results import ArmResult

Value = str | float | int | bool | None


@dataclass(frozen=True)
class FigureData:
    """A table of plain values."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    def as_csv(self) -> str:
        """Return the table as CSV text; a missing value is an empty cell."""
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(["" if value is None else value for value in row] for row in self.rows)
        return buffer.getvalue()


def list_rows(rows: Sequence[ComparisonRow] | Sequence[EstimateRow] | Sequence[StartRow]) -> FigureData:
    """Return result rows with all their fields."""
    if not rows:
        return FigureData((), ())
    names = tuple(item.name for item in fields(rows[0]))
    return FigureData(names, tuple(tuple(getattr(row, name) for name in names) for row in rows))


def _stack(columns: Sequence[str], parts: Iterable[tuple[Sequence[Value], Sequence[Sequence[float]]]]) -> FigureData:
    """Return long rows: the fixed cells of a part before each row of its parallel series."""
    rows = [(*fixed, *values) for fixed, series in parts for values in zip(*series, strict=True)]
    return FigureData(tuple(columns), tuple(rows))


def list_survival(arms: Sequence[ArmResult], observed: Sequence[ObservedRow] = ()) -> FigureData:
    """Return overall survival [1] at months, with what was observed of it."""
    own = _stack(("study", "arm", "month", "survival"), (((arm.study, arm.arm), (arm.months, arm.survival)) for arm in arms))
    return _add_observed(own, observed)


def list_progression(arms: Sequence[ArmResult], observed: Sequence[ObservedRow] = ()) -> FigureData:
    """Return the probability of no detected progression [1] after each scan, months, with what was observed of it."""
    series = (((arm.study, arm.arm), (arm.scan_months, arm.ttp_survival)) for arm in arms)
    return _add_observed(_stack(("study", "arm", "month", "without_progression"), series), observed)


def list_progression_free(arms: Sequence[ArmResult], observed: Sequence[ObservedRow] = ()) -> FigureData:
    """Return progression-free survival [1] at months, before and after each scan, with what was observed of it."""
    series = (((arm.study, arm.arm), (arm.pfs_months, arm.pfs_survival)) for arm in arms)
    return _add_observed(_stack(("study", "arm", "month", "progression_free"), series), observed)


def _add_observed(own: FigureData, observed: Sequence[ObservedRow]) -> FigureData:
    """Return curves of the virtual trial, and after them, where anything was observed, published curves and patients.

    Columns are added then: `of` (`virtual trial`, `curve`, `patients`), `role`, and `at_risk`, patients at the times of the risk
    table, at which a curve of patients need not have a step.
    """
    if not observed:
        return own
    rows: list[tuple[Value, ...]] = [(*row, "virtual trial", None, None) for row in own.rows]
    for item in observed:
        shares = dict(zip(item.months, item.survival, strict=True))
        counts = dict(zip(item.risk_months, item.at_risk, strict=True))
        rows += [
            (item.study, item.arm, month, shares.get(month), item.statistic, item.role, counts.get(month))
            for month in sorted({*shares, *counts})
        ]
    return FigureData((*own.columns, "of", "role", "at_risk"), tuple(rows))


def list_incidence(arms: Sequence[ArmResult]) -> FigureData:
    """Return cumulative incidences [1] after each scan, months."""
    names = ("study", "arm", "month", "progression", "death_without_progression")
    return _stack(
        names, (((arm.study, arm.arm), (arm.scan_months, arm.progression_incidence, arm.death_incidence)) for arm in arms)
    )


def list_hazard_ratios(contrasts: Sequence[ContrastResult]) -> FigureData:
    """Return the ratio of hazards [1] at months."""
    series = (((row.study, row.arm or "", row.endpoint), (row.months, row.hazard_ratio_course)) for row in contrasts)
    return _stack(("study", "arm", "endpoint", "month", "hazard_ratio"), series)


def list_treatment(arms: Sequence[ArmResult]) -> FigureData:
    """Return who is alive, and alive on treatment [1], at months."""
    series = (((arm.study, arm.arm), (arm.months, arm.survival, arm.on_treatment)) for arm in arms)
    return _stack(("study", "arm", "month", "alive", "on_treatment"), series)


def list_waterfall(arms: Sequence[ArmResult]) -> FigureData:
    """Return the best change of the sum of diameters [%] per virtual patient."""
    rows = tuple((arm.study, arm.arm, place, value) for arm in arms for place, value in enumerate(arm.best_change, 1))
    return FigureData(("study", "arm", "place", "best_change_percent"), rows)


def list_spiders(arms: Sequence[ArmResult]) -> FigureData:
    """Return the change of the sum of diameters [%] of each drawn patient at months."""
    series = (((arm.study, arm.arm, patient), course) for arm in arms for patient, course in enumerate(arm.spiders, 1))
    return _stack(("study", "arm", "patient", "month", "change_percent"), series)


def list_courses(arms: Sequence[ArmResult]) -> FigureData:
    """Return mean courses of states over surviving patients at months."""
    series = (((arm.study, arm.arm, name), (arm.months, values)) for arm in arms for name, values in arm.courses.items())
    return _stack(("study", "arm", "quantity", "month", "mean"), series)


@dataclass(frozen=True)
class Line:
    """The course of some quantities in one arm or experiment."""

    label: str
    """Name of the arm or experiment; the legend writes it as words."""
    x: Sequence[float]
    """Times, shape (k,)."""
    courses: Mapping[str, Sequence[float]]
    """Quantity -> its values at the times, shape (k,)."""


def list_lines(lines: Sequence[Line]) -> FigureData:
    """Return courses of one patient at days."""
    series = (((line.label, name), (line.x, values)) for line in lines for name, values in line.courses.items())
    return _stack(("arm", "quantity", "day", "value"), series)


def list_correlation(estimates: Sequence[EstimateRow], correlation: Sequence[Sequence[float]]) -> FigureData:
    """Return the matrix of correlations with names on both sides."""
    names = tuple(row.name for row in estimates)
    return FigureData(("parameter", *names), tuple((name, *row) for name, row in zip(names, correlation, strict=True)))


def list_stop_rules(rules: Sequence[StopRuleRow]) -> FigureData:
    """Return each prediction under each rule."""
    rows = tuple((rule.rule, label, value, rule.refitted) for rule in rules for label, value in rule.predictions.items())
    return FigureData(("rule", "prediction", "value", "refitted"), rows)


def list_claims(claims: Sequence[ClaimRecord]) -> FigureData:
    """Return each claim once per mechanism removed; the share of draws [1] without it where the claim names it."""
    names = ("claim", "kind", "verdict", "value", "comparison", "bound", "share", "lower", "upper")
    halved = ("share_halved", "lower_halved", "upper_halved")
    rows: list[tuple[Value, ...]] = []
    for item in claims:
        own = {one.arrow: one.fraction for one in item.ablations}
        fixed = (item.id, item.kind, item.verdict, item.value, item.comparison, item.bound)
        shares = (item.fraction, item.fraction_lower, item.fraction_upper)
        shares_halved = (item.fraction_halved, item.fraction_halved_lower, item.fraction_halved_upper)
        cut = item.holds_without.items() or ((None, None),)
        rows += [(*fixed, *shares, *shares_halved, arrow, holds, own.get(arrow or "")) for arrow, holds in cut]
    return FigureData((*names, *halved, "without", "holds_without", "share_without"), tuple(rows))
