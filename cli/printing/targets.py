"""Published numbers of every kind beside their predictions, as `kinimmune fit` prints them.

Start with `print_fitted`, `print_unfitted` and `print_intervals`.  A fit to medians alone has tables of its own in
`kinimmune.cli.printing.fit`; shares stand as they do in the tables, between 0 and 1.
"""

from collections.abc import Sequence

from kinimmune.cli.terminal import format_number, print_table
from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.problem.targets import COUNTS
from kinimmune.reports.typesetting.statistics import has_number, is_range, name_arms, name_row, name_unit, print_range

NOTHING = 0.0005
"""Residual below which three decimals are 0."""


def print_fitted(rows: Sequence[ComparisonRow]) -> None:
    """Print every fitted number, curve and set of patients with its raw residual."""
    columns: tuple[str, ...] = ("study", "arm", "what", "reported", "interval", "predicted", "residual")
    cells: list[tuple[str, ...]] = [(*_describe(row, _name(row)), _residual(row)) for row in rows]
    if any(row.scan_observed is not None for row in rows):
        columns += ("scan reported", "scan predicted")
        cells = [(*cell, *_scans(row)) for cell, row in zip(cells, rows, strict=True)]
    print_table("Fitted numbers", columns, cells, columns[3:])
    divided = [row for row in rows if row.strata is not None]
    for row in divided:
        print(f"{row.study} {name_arms(row)} {row.endpoint} is fitted by stratum: {row.strata}")
    if divided:
        print()


def print_unfitted(unseen: Sequence[ComparisonRow], transported: Sequence[ComparisonRow]) -> None:
    """Print what was not fitted, and what was predicted by a fit without an arm, each beside what a naive rule says."""
    columns = ("study", "arm", "what", "reported", "interval", "predicted", "residual", "naive rule", "in interval")
    named = _name_unfitted(unseen, transported)
    cells = [
        (*_describe(row, name), _residual(row), format_number(row.null_prediction, 3), print_inside(row)) for row, name in named
    ]
    print_table("Not fitted", columns, cells, columns[3:8])


def print_intervals(title: str, unseen: Sequence[ComparisonRow], transported: Sequence[ComparisonRow] = ()) -> None:
    """Print the intervals of predictions and where the report falls in that of a trial, then why any of them is missing.

    Nothing of results from before the place was told.
    """
    named = _name_unfitted(unseen, transported)
    columns = ("study", "arm", "what", "reported", "predicted", "parameters", "+ constants", "one trial", "report at")
    cells = [
        (
            row.study,
            name_arms(row),
            name,
            print_range(row) if is_range(row) else format_number(row.observed),
            _predicted(row),
            print_interval(row.predicted_lower, row.predicted_upper),
            print_interval(row.drawn_lower, row.drawn_upper),
            print_interval(row.trial_lower, row.trial_upper),
            format_number(row.trial_place, 2),
        )
        for row, name in named
        if has_number(row) and (row.trial_place is not None or row.interval_reason)
    ]
    if cells:
        print_table(title, columns, cells, columns[3:])
        print(_PLACE)
    for reason in dict.fromkeys(row.interval_reason for row, _ in named if row.interval_reason):
        rows = [f"{row.study} {name_arms(row)} {name}" for row, name in named if row.interval_reason == reason]
        print(f"not all intervals of {', '.join(rows)}: {reason}")
    if cells:
        print()


_PLACE = "report at: probability that one trial of that size reports less than was reported"


def _name_unfitted(unseen: Sequence[ComparisonRow], transported: Sequence[ComparisonRow]) -> list[tuple[ComparisonRow, str]]:
    named = [(row, f"{_name(row)}{', held out' if row.role == 'held_out' else ''}") for row in unseen]
    return [*named, *((row, f"{_name(row)}, arm left out") for row in transported)]


def print_inside(row: ComparisonRow) -> str:
    """Return whether a prediction lies in the published interval, a dash where there is none."""
    return {True: "yes", False: "no", None: "-"}[row.inside]


def print_interval(lower: float | None, upper: float | None) -> str:
    """Return both ends, a dash when one is missing."""
    return "-" if lower is None or upper is None else f"{format_number(lower, 3)} to {format_number(upper, 3)}"


def _name(row: ComparisonRow) -> str:
    return f"{name_row(row, str)}{name_unit(row)}"


def _describe(row: ComparisonRow, name: str) -> tuple[str, ...]:
    """Return the cells from the study to the prediction; of a curve and of patients their intervals and their deviance."""
    if is_range(row):
        values: tuple[str, ...] = (print_range(row), "-", _predicted(row))
    elif has_number(row):
        values = (format_number(row.observed), print_interval(row.lower, row.upper), _predicted(row))
    else:
        intervals = "-" if row.n_residuals is None else f"{row.n_residuals} interval{'' if row.n_residuals == 1 else 's'}"
        deviance = "-" if row.deviance is None else f"deviance {format_number(row.deviance, 3)}"
        values = (intervals, "-", deviance)
    return (row.study, name_arms(row), name, *values)


def _residual(row: ComparisonRow) -> str:
    """Return the residual; one that no digit of a table shows is 0, as that of a range far within."""
    return format_number(0.0 if row.residual is not None and abs(row.residual) < NOTHING else row.residual, 2)


def _predicted(row: ComparisonRow) -> str:
    return f"{row.predicted:.1f}" if row.statistic in COUNTS and row.predicted is not None else format_number(row.predicted, 3)


def _scans(row: ComparisonRow) -> tuple[str, ...]:
    return tuple("-" if scan is None else str(scan) for scan in (row.scan_observed, row.scan_predicted))
