"""Published numbers beside predictions as rows for a page: what was fitted, what was not, and an arm left out.

Start with `list_targets`.
"""

from collections.abc import Sequence
from itertools import compress

from kinimmune.fitting.estimation.results import ComparisonRow, FitResult
from kinimmune.fitting.estimation.whitening import BlockSummary
from kinimmune.fitting.problem.targets import DATA, Role
from kinimmune.reports.typesetting.blocks import Cell, Strong, Table, Tag
from kinimmune.reports.typesetting.formats import MISSING, print_endpoint, print_fixed, print_interval, print_number, print_words
from kinimmune.reports.typesetting.labels import PLAIN, Labels, lower_first
from kinimmune.reports.typesetting.statistics import (
    are_medians,
    count_decimals,
    is_range,
    name_arms,
    name_row,
    name_unit,
    print_predicted,
    print_reported,
)


def list_targets(fit: FitResult, labels: Labels = PLAIN) -> Table:
    """Return reported beside predicted for everything that was fitted; of curves and patients their intervals and deviance.

    A column in which nothing stands is left out, of measurements alone that of studies.
    """
    medians = are_medians(fit.targets)
    measured = all(row.read_out is not None for row in fit.targets)
    rows = tuple(
        (
            _name(row, labels, medians),
            "" if measured else labels.study(row.study) if row.read_out is None else "Experiment",
            print_words(row.arm) if medians else _print_arms(row),
            print_reported(row),
            _print_interval(row),
            Tag(row.value_status),
            Strong(print_predicted(row)),
            _print_scans(row),
            print_fixed(row.residual, 2),
        )
        for row in fit.targets
    )
    place = "Experiment" if measured else "Arm"
    names = ("", "Study", place, "Reported", "95 % interval", "Status", "Predicted", "Scan", "Residual")
    widths = () if medians else (1.7, 0.0, 1.3, *[0.0] * (len(names) - 3))
    return _drop_empty(Table(names, rows, "lllrrlrcr", widths, group=0))


def _drop_empty(table: Table) -> Table:
    """Return a table without the columns in which nothing stands."""
    full = [any(row[place] not in ("", MISSING) for row in table.rows) or not table.rows for place in range(len(table.columns))]
    return Table(
        tuple(compress(table.columns, full)),
        tuple(tuple(compress(row, full)) for row in table.rows),
        "".join(compress(table.align, full)),
        tuple(compress(table.widths, full)),
        table.group,
    )


def _name(row: ComparisonRow, labels: Labels, medians: bool) -> str:
    """Return what a row is about; its unit stands in the caption where all rows are medians."""
    name = f"{name_row(row, labels.quantity)}{'' if medians else name_unit(row, 'months')}"
    return f"{name[:1].upper()}{name[1:]}{_mark(row)}"


def _mark(row: ComparisonRow) -> str:
    return ", held out" if row.role == Role.HELD_OUT else ""


def _print_arms(row: ComparisonRow) -> str:
    return " : ".join(print_words(arm) for arm in (row.arm, row.reference_arm) if arm) or print_words(name_arms(row))


def _print_interval(row: ComparisonRow, decimals: int | None = None) -> Cell:
    """Return the reported interval, with its status where that differs from the status of the value."""
    interval = MISSING if is_range(row) else print_interval(row.lower, row.upper, decimals)
    if row.interval_status is None or row.interval_status == row.value_status:
        return interval
    return (interval, " ", Tag(row.interval_status))


def _print_scans(row: ComparisonRow) -> str:
    if row.scan_observed is None:
        return ""
    predicted = MISSING if row.scan_predicted is None else str(row.scan_predicted)
    return f"{row.scan_observed} | {predicted}"


def list_ratios(rows: Sequence[ComparisonRow], labels: Labels = PLAIN) -> Table:
    """Return unfitted hazard ratios, each beside its null, with the intervals there are; no column in which nothing stands."""
    printed = tuple(
        (
            f"{print_endpoint(row.endpoint)}{_mark(row)}",
            labels.comparison(row.study, row.arm),
            print_number(row.observed),
            _print_interval(row, 2),
            Strong(print_predicted(row)),
            print_interval(row.predicted_lower, row.predicted_upper, 2),
            print_interval(row.drawn_lower, row.drawn_upper, 2),
            print_interval(row.trial_lower, row.trial_upper, 2),
            print_fixed(row.trial_place, 3),
            print_fixed(row.null_prediction, 2),
            _print_inside(row),
        )
        for row in rows
    )
    names = (
        "",
        "Study",
        "Reported",
        "95 %",
        "Predicted",
        "Parameters",
        "+ constants",
        "One trial",
        "Report at",
        "Null",
        "Inside",
    )
    return _drop_empty(Table(names, printed, "llrrrrrrrrc", group=0))


def list_predicted(rows: Sequence[ComparisonRow], labels: Labels = PLAIN) -> Table:
    """Return predictions of numbers that were not fitted, or of an arm that was left out; no column in which nothing stands."""
    medians = are_medians(rows)
    printed = tuple(
        (
            _name(row, labels, medians),
            name_place(row, labels),
            print_reported(row),
            _print_interval(row),
            Strong(print_predicted(row)),
            _print_scans(row),
            print_fixed(row.null_prediction, count_decimals(row) or 0),
            print_fixed(row.residual, 2),
            _print_inside(row),
        )
        for row in rows
    )
    names = ("", "Arm", "Reported", "95 %", "Predicted", "Scan", "Null", "Residual", "Inside")
    return _drop_empty(Table(names, printed, "llrrrcrrc", group=0))


def list_intervals(rows: Sequence[ComparisonRow], labels: Labels = PLAIN) -> Table:
    """Return the intervals of predictions and where the reports fall, of every row that has any."""
    medians = are_medians(rows)
    printed = tuple(
        (
            _name(row, labels, medians),
            name_place(row, labels),
            print_reported(row),
            Strong(print_predicted(row)),
            print_interval(row.predicted_lower, row.predicted_upper, count_decimals(row)),
            print_interval(row.drawn_lower, row.drawn_upper, count_decimals(row)),
            print_interval(row.trial_lower, row.trial_upper, count_decimals(row)),
            print_fixed(row.trial_place, 3),
        )
        for row in rows
        if _has_interval(row)
    )
    names = ("", "Arm", "Reported", "Predicted", "Parameters", "+ constants", "One trial", "Report at")
    return _drop_empty(Table(names, printed, "llrrrrrr", group=0))


def _has_interval(row: ComparisonRow) -> bool:
    ends = (row.predicted_lower, row.predicted_upper, row.drawn_lower, row.drawn_upper, row.trial_lower, row.trial_upper)
    return any(end is not None for end in ends)


def name_place(row: ComparisonRow, labels: Labels = PLAIN) -> str:
    """Return the study and arms a number is of, or the experiment."""
    return name_arms(row) if row.read_out is not None else f"{labels.study(row.study)} {name_arms(row)}"


def _print_inside(row: ComparisonRow) -> str:
    return MISSING if row.inside is None else "yes" if row.inside else "no"


def list_correlations(blocks: Sequence[BlockSummary], labels: Labels = PLAIN) -> Table:
    """Return the correlations a fit took into account, a row a study, with the two residuals that correlate most."""
    rows = []
    for item in blocks:
        *pair, value = item.strongest
        one, other = (_name_residual(row, labels) for row in pair)
        numbers = (str(len(item.block.rows)), str(item.draws), print_number(item.condition_number))
        rows.append((labels.study(item.block.study), *numbers, f"{one} and {other}", print_fixed(value, 2)))
    names = ("Study", "Residuals", "Trials drawn", "Condition number", "Most correlated", "Correlation")
    return Table(names, tuple(rows), "lrrrlr", widths=(0, 0, 0, 0, 1, 0))


def _name_residual(row: tuple[str, int], labels: Labels) -> str:
    label, place = row
    words = labels.output(label)
    return f"interval {place + 1} of {words}" if label.split(":")[0] in DATA else lower_first(words)
