"""How published numbers are written for a reader: what each is, of whom, and its value in its unit.

Start with `name_statistic`.  Shares are written as they stand in the tables, between 0 and 1.
"""

from collections.abc import Callable, Sequence

from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.problem.targets import DATA, SHARES, UNITS, Statistic
from kinimmune.models.experiments.measurement import MeasurementKind
from kinimmune.models.symbolic.components import derive_label
from kinimmune.reports.typesetting.formats import (
    MISSING,
    list_words,
    print_endpoint,
    print_fixed,
    print_interval,
    print_number,
)

_WORDS = {
    "response_rate": "response rate",
    "control_rate": "disease control rate",
    "cutoff": "cut-off",
    "hazard_ratio": "hazard ratio",
}
_DECIMALS: dict[str, int] = {Statistic.HAZARD_RATIO: 2, **dict.fromkeys(SHARES, 3)}
"""Decimals of a prediction; one of months and of counts."""


def name_statistic(statistic: str, endpoint: str | None, month: float | None = None) -> str:
    """Return what a published number is, as it stands within a sentence.

    >>> name_statistic("median", "os"), name_statistic("survival", "os", 12.0), name_statistic("events", "ttp")
    ('OS median', 'OS at month 12', 'TTP events')
    >>> name_statistic("response_rate", None), name_statistic("deaths", "os"), name_statistic("hazard_ratio", "pfs")
    ('response rate', 'deaths', 'PFS hazard ratio')
    """
    words = _WORDS.get(statistic, statistic.replace("_", " "))
    if statistic == Statistic.SURVIVAL:
        words = f"at month {month:g}" if month is not None else "survival"
    if endpoint is None or statistic == Statistic.DEATHS:
        return words
    return f"{print_endpoint(endpoint)} {words}"


def name_measurement(read_out: str, day: float, kind: str, since: float | None = None) -> str:
    """Return what was measured in an experiment; `since` is the day of the reference where that is another.

    >>> name_measurement("Tregs", 28.1666, "ratio"), name_measurement("Tumour", 7.0, "mean")
    ('Tregs on day 28.17, ratio', 'Tumour on day 7')
    >>> name_measurement("Tumour", 28.0, "ratio", 7.0)
    'Tumour on day 28 over day 7, ratio'
    """
    name = f"{read_out} on day {day:.4g}" if since in (None, day) else f"{read_out} on day {day:.4g} over day {since:.4g}"
    return name if kind == MeasurementKind.MEAN else f"{name}, {kind}"


def name_row(row: ComparisonRow, write: Callable[[str], str] = derive_label) -> str:
    """Return what a row is about; `write` has the words of a state or read-out."""
    if row.read_out is not None and row.day is not None:
        return name_measurement(write(row.read_out), row.day, row.statistic, row.reference_day)
    return name_statistic(row.statistic, row.endpoint, row.month)


def name_unit(row: ComparisonRow, month: str = "month") -> str:
    """Return the unit of a row's numbers in brackets, nothing of plain numbers; `month` is how months are written."""
    unit = month if row.statistic in UNITS else row.unit or "1"
    return "" if unit == "1" else f" [{unit}]"


def name_arms(row: ComparisonRow) -> str:
    """Return the arm or experiment of a row, of a ratio both, and words for all arms of a study together."""
    if row.arm is None:
        return MISSING if row.statistic == Statistic.HAZARD_RATIO else "all arms"
    return row.arm if row.reference_arm is None else f"{row.arm} : {row.reference_arm}"


def has_number(row: ComparisonRow) -> bool:
    """Return whether a row is about one number; a curve and patients have intervals in its place."""
    return row.statistic not in DATA


def print_reported(row: ComparisonRow) -> str:
    """Return the published number or range, or of a curve and of patients the number of their intervals."""
    if not has_number(row):
        return MISSING if row.n_residuals is None else f"{row.n_residuals} {'interval' if row.n_residuals == 1 else 'intervals'}"
    return print_range(row) if is_range(row) else print_number(row.observed)


def is_range(row: ComparisonRow) -> bool:
    """Return whether of a number only a range is known."""
    return has_number(row) and row.observed is None


def lies_in_range(row: ComparisonRow) -> bool:
    """Return whether a prediction lies in the range, ends included."""
    if row.predicted is None:
        return False
    return (row.lower is None or row.lower <= row.predicted) and (row.upper is None or row.predicted <= row.upper)


def print_range(row: ComparisonRow) -> str:
    """Return the range in which a number lies."""
    if row.upper is None:
        return MISSING if row.lower is None else f"above {print_number(row.lower)}"
    return f"below {print_number(row.upper)}" if row.lower is None else print_interval(row.lower, row.upper)


def print_predicted(row: ComparisonRow) -> str:
    """Return the prediction, or of a curve and of patients the deviance."""
    if not has_number(row):
        return MISSING if row.deviance is None else f"deviance {print_fixed(row.deviance, 1)}"
    if row.predicted is None:
        return "not reached" if row.statistic == Statistic.MEDIAN else MISSING
    decimals = count_decimals(row)
    return print_number(row.predicted) if decimals is None else print_fixed(row.predicted, decimals)


def count_decimals(row: ComparisonRow) -> int | None:
    """Return the decimals of a row's predictions; None of measurements, which have three digits in any unit."""
    return None if row.read_out is not None else _DECIMALS.get(row.statistic, 1)


def are_medians(rows: Sequence[ComparisonRow]) -> bool:
    """Return whether rows are medians and nothing else."""
    return all(row.statistic == Statistic.MEDIAN for row in rows)


def count_fitted(rows: Sequence[ComparisonRow]) -> str:
    """Return how many numbers, measurements, curves and arms with patients there are, in words."""
    measured = sum(row.read_out is not None for row in rows)
    numbers = [row for row in rows if has_number(row) and row.read_out is None]
    curves = sum(row.statistic == Statistic.CURVE for row in rows)
    arms = sum(row.statistic == Statistic.PATIENTS for row in rows)
    parts = [_count(len(numbers), f"published {'median' if are_medians(numbers) else 'number'}")] if numbers else []
    parts += [_count(measured, "measurement")] if measured else []
    parts += [_count(curves, "published curve")] if curves else []
    parts += [f"the patients of {_count(arms, 'arm')}"] if arms else []
    return list_words(parts or ["no published numbers"])


def count_data(rows: Sequence[ComparisonRow]) -> str:
    """Return how many numbers there are, with the intervals of curves and patients, which count as one each."""
    data = [row for row in rows if not has_number(row)]
    count = len(rows) - len(data) + sum(row.n_residuals or 0 for row in data)
    return f"{count} numbers and intervals" if data else f"{count} numbers"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
