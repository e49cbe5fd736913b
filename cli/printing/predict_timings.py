"""What `kinimmune predict` prints of when a trial is analysed: interim looks, and cut-offs on other days.

Start with `print_looks` and `print_cut_offs`.
"""

from kinimmune.cli.terminal import format_number, print_table
from kinimmune.fitting.prediction.results import PredictionResult

_PLACE = ("study", "arm", "over", "endpoint")


def print_looks(result: PredictionResult) -> None:
    """Print the analyses of a trial that is looked at before its cut-off, with what each must come to."""
    columns = (*_PLACE, "share", "month", "95 %", "events", "z", "p <", "ratio <", "assurance", "power")
    cells = [
        (
            row.study,
            row.arm,
            row.reference_arm,
            row.endpoint,
            f"{row.share:.0%}",
            format_number(row.month, 3),
            "-" if result.draws == 1 else format_interval(row.month_lower, row.month_upper),
            format_number(row.events, 3),
            f"{row.z:.3f}",
            format_number(row.p, 2),
            format_number(row.ratio, 3),
            format_chance(row.assurance, row.assurance_error),
            format_chance(row.power, None),
        )
        for row in result.looks
    ]
    if cells:
        spent = f"the level spent as by {result.spending}, for benefit alone"
        print_table(f"Analyses, {spent}; chances are those up to each", columns, cells, columns[4:])


def print_cut_offs(result: PredictionResult) -> None:
    """Print the test with the data cut off on other days."""
    columns = (*_PLACE, "month", "entered", "events", "95 %", "hazard ratio", "population 95 %", "assurance", "power")
    cells = [
        (
            row.study,
            row.arm,
            row.reference_arm,
            row.endpoint,
            f"{row.month:g}",
            f"{row.entered:.0f}",
            format_number(row.events, 3),
            "-" if result.draws == 1 else format_interval(row.events_lower, row.events_upper),
            format_number(row.predicted, 3),
            "-" if result.draws == 1 else format_interval(row.lower, row.upper),
            format_chance(row.assurance, row.assurance_error),
            format_chance(row.power, None),
        )
        for row in result.cut_offs
    ]
    if cells:
        print_table("Cut-offs by months since the first entry, accrual as designed", columns, cells, columns[4:])
    for row in result.cut_offs:
        if row.without:
            place = f"{row.study}:{row.arm} over {row.reference_arm}, {row.endpoint}"
            print(f"{row.without} draws have no ratio of {place} by month {row.month:g} and are left out of it")


def format_interval(lower: float | None, upper: float | None, beyond: str = "any") -> str:
    """Return an interval; an end that is not known is `beyond` where the other one is."""
    if lower is None and upper is None:
        return "-"
    return f"{format_number(lower, 3)}-{beyond if upper is None else format_number(upper, 3)}"


def format_chance(value: float | None, error: float | None) -> str:
    """Return a probability with its Monte Carlo error, a dash for none."""
    if value is None:
        return "-"
    return f"{value:.3f}" + ("" if error is None else f" ± {error:.3f}")
