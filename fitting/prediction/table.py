"""A prediction as long rows, for every other program.

Start with `to_csv`.
"""

import csv
import io
from collections.abc import Iterator, Sequence

from kinimmune.fitting.prediction.results import CutOffRow, LookRow, PredictionResult, RatioRow, SizeRow

COLUMNS = (
    "section", "study", "arm", "reference_arm", "endpoint", "quantity", "month", "total", "value", "lower", "upper",
    "trial_lower", "trial_upper", "error",
)  # fmt: skip
Cells = tuple[object, ...]


def to_csv(result: PredictionResult) -> str:
    """Return every number of a prediction as a row; an empty cell is what there is not.

    `lower` and `upper` are of the population, `trial_*` of one trial, `error` is a Monte Carlo error.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_list_rows(result))
    return text.getvalue()


def _list_rows(result: PredictionResult) -> Iterator[Cells]:
    for number in result.numbers:
        ends = (number.predicted, number.lower, number.upper, number.trial_lower, number.trial_upper, None)
        yield ("number", number.study, number.arm, None, number.endpoint, number.statistic, number.month, number.n, *ends)
    for ratio in result.ratios:
        yield from _list_ratio(ratio)
    for size in result.sizes:
        yield from _list_size(size)
    for look in result.looks:
        yield from _list_look(look)
    for cut in result.cut_offs:
        yield from _list_cut_off(cut)
    yield from _list_courses(result)


def _list_courses(result: PredictionResult) -> Iterator[Cells]:
    place: Cells
    for risk in result.at_risk:
        place = ("at_risk", risk.study, risk.arm, None, risk.endpoint, "at_risk")
        yield from _list_course(place, risk.months, risk.at_risk)
    for events in result.calendar:
        place = ("calendar", events.study, None, None, events.endpoint)
        yield from _list_course((*place, "entered"), events.months, events.entered)
        yield from _list_course((*place, "events"), events.months, events.events, events.lower, events.upper)
    for curve in result.curves:
        place = ("curve", curve.study, curve.arm, None, curve.endpoint, "survival")
        yield from _list_course(place, curve.months, curve.median, curve.lower, curve.upper)


def _list_ratio(row: RatioRow) -> Iterator[Cells]:
    place = ("ratio", row.study, row.arm, row.reference_arm, row.endpoint)
    ends = (row.predicted, row.lower, row.upper, row.trial_lower, row.trial_upper)
    yield (*place, "hazard_ratio", None, None, *ends, None)
    for item in row.below:
        yield (*place, f"population_below_{item.bound:g}", None, None, item.population, *[None] * 4, item.population_error)
        yield (*place, f"trial_below_{item.bound:g}", None, None, item.trial, *[None] * 4, item.trial_error)
    told = {"log_error": row.log_error, "events": row.events, "assumed_ratio": row.assumed_ratio, "power": row.power}
    told |= {"log_sd": row.log_sd, "data_share": row.data_share, "prior_share": row.prior_share}
    told |= {"constant_share": row.constant_share}
    for quantity, value in told.items():
        yield (*place, quantity, None, None, value, *[None] * 5)
    yield (*place, "assurance", None, None, row.assurance, *[None] * 4, row.assurance_error)


def _list_size(row: SizeRow) -> Iterator[Cells]:
    place = ("size", row.study, row.arm, row.reference_arm, row.endpoint)
    yield (*place, "assurance", None, row.total, row.assurance, *[None] * 4, row.assurance_error)
    yield (*place, "power", None, row.total, row.power, *[None] * 5)
    yield (*place, "events", None, row.total, row.events, row.events_lower, row.events_upper, *[None] * 3)


def _list_look(row: LookRow) -> Iterator[Cells]:
    place = ("look", row.study, row.arm, row.reference_arm, row.endpoint)
    yield (*place, "month", row.month, None, row.month, row.month_lower, row.month_upper, *[None] * 3)
    told = {"share": row.share, "events": row.events, "z": row.z, "p": row.p, "hazard_ratio": row.ratio, "spent": row.spent}
    for quantity, value in (told | {"power": row.power}).items():
        yield (*place, quantity, row.month, None, value, *[None] * 5)
    yield (*place, "assurance", row.month, None, row.assurance, *[None] * 4, row.assurance_error)


def _list_cut_off(row: CutOffRow) -> Iterator[Cells]:
    place = ("cut_off", row.study, row.arm, row.reference_arm, row.endpoint)
    yield (*place, "entered", row.month, None, row.entered, *[None] * 5)
    yield (*place, "hazard_ratio", row.month, None, row.predicted, row.lower, row.upper, *[None] * 3)
    yield (*place, "assurance", row.month, None, row.assurance, *[None] * 4, row.assurance_error)
    yield (*place, "power", row.month, None, row.power, *[None] * 5)
    yield (*place, "events", row.month, None, row.events, row.events_lower, row.events_upper, *[None] * 3)


def _list_course(place: Cells, months: Sequence[float], *columns: Sequence[float]) -> Iterator[Cells]:
    for month, *values in zip(months, *columns, strict=True):
        yield (*place, month, None, *values, *[None] * (6 - len(values)))
