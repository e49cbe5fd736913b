"""Rows and checks of `measurements.csv`: what was measured in an experiment, to be fitted or compared with.

Start with `examine_measurements`; that experiments and read-outs are the model's is checked where the model is built
(`kinimmune.fitting.problem.measurements`).
"""

import math
from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import PositiveInt

from kinimmune.models.arrays import NORMAL_95
from kinimmune.models.experiments.measurement import ErrorModel, Measurement, MeasurementKind
from kinimmune.models.tables.evidence import examine_sources, find_bad_origins, find_upside_down
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.rows import Name, Number, Positive, SourcedRow, Tables, UnitText


class MeasurementRow(SourcedRow):
    """A row of `measurements.csv`."""

    table: ClassVar[str] = "measurements.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("model", "experiment", "read_out", "day", "kind", "reference", "reference_day")
    may_be_empty: ClassVar[bool] = True

    model: Name
    experiment: Name
    read_out: Name
    day: Positive
    kind: MeasurementKind
    reference: Name | None = None
    reference_day: Positive | None = None
    value: Number | None = None
    lower: Number | None = None
    upper: Number | None = None
    sd: Positive | None = None
    sem: Positive | None = None
    n: PositiveInt | None = None
    unit: UnitText
    errors: ErrorModel
    role: Literal["fit", "unfitted", "held_out"]


def examine_measurements(tables: Tables) -> Examined[MeasurementRow]:
    """Return the rows and what is wrong with their table."""
    table = tables.rows(MeasurementRow)
    findings = [
        *table.findings,
        *find_upside_down(table.entries, "lower", "upper"),
        *find_bad_origins(table.entries, examine_sources(tables)),
        *(finding for row in table.entries for finding in _find_odd_cells(row)),
    ]
    return Examined(table.entries, tuple(findings))


def _find_odd_cells(row: MeasurementRow) -> Iterable[Finding]:
    yield from _find_odd_references(row)
    if (row.kind is MeasurementKind.SHARE) != (row.errors is ErrorModel.BINOMIAL):
        yield row.finding("errors", f"{row.errors} errors of a {row.kind} in column 'errors'", "a share has binomial ones")
    if row.errors is ErrorModel.BINOMIAL:
        yield from _find_odd_share(row)
        return
    if row.value is None and row.lower is None and row.upper is None:
        yield row.finding("value", "neither value nor range in column 'value'", "fill in value, or lower, upper or both")
    if row.errors is ErrorModel.LOGNORMAL and any(end is not None and end <= 0.0 for end in (row.value, row.lower, row.upper)):
        yield row.finding("value", "lognormal errors of a number that is not positive in column 'value'", "use normal ones")
    yield from _find_odd_errors(row)


def _find_odd_references(row: MeasurementRow) -> Iterable[Finding]:
    if (row.kind is MeasurementKind.RATIO) != (row.reference is not None):
        yield row.finding(
            "reference", f"{row.kind} in column 'kind'", "a ratio names its reference experiment, nothing else does"
        )
    if row.reference is None and row.reference_day is not None:
        yield row.finding("reference_day", "reference_day without a reference in column 'reference_day'", "fill in reference")
    if row.reference == row.experiment and row.reference_day in (None, row.day):
        yield row.finding("reference", "ratio of a read-out to itself in column 'reference'", "give another reference_day")


def _find_odd_share(row: MeasurementRow) -> Iterable[Finding]:
    if row.value is None or not 0.0 <= row.value <= 1.0 or row.n is None:
        yield row.finding("value", "a share needs a value from 0 to 1 and n in column 'value'", "fill them in")
    if not (row.lower is row.upper is row.sd is row.sem is None):
        yield row.finding("sem", "a share with an error of its own in column 'sem'", "leave it empty: n tells it")


def _find_odd_errors(row: MeasurementRow) -> Iterable[Finding]:
    """Find a number without an error or with two, and a range without the width of its ends."""
    interval = row.value is not None and row.lower is not None and row.upper is not None
    given = sum([row.sem is not None, row.sd is not None, interval])
    if given != 1:
        what = f"{given} errors in columns 'sd', 'sem', 'lower' and 'upper'"
        advice = (
            "give sem, or sd with n, or the 95 % interval of a value; a range without a value needs sem, how sharp its ends are"
        )
        yield row.finding("sem", what, advice)
    elif row.value is not None and (row.lower is None) != (row.upper is None):
        yield row.finding("lower", "half an interval in column 'lower'", "give both ends, or none")
    elif row.sd is not None and row.n is None:
        yield row.finding("n", "sd without n in column 'n'", "fill it in: the error of a mean is sd/sqrt(n)")
    elif interval and not (row.lower or 0.0) < (row.value or 0.0) < (row.upper or 0.0):
        yield row.finding("lower", f"interval that does not hold the value {row.value:g} in column 'lower'", "correct the ends")


def make_measurement(row: MeasurementRow, factor: float) -> Measurement:
    """Return the measurement of a row whose numbers are `factor` times larger in the model's unit.

    The standard error of a mean is that given, sd/sqrt(n), or the width of the 95 % interval over twice its normal quantile; on
    ln it is that over the value, or the width of the interval of ln.
    """

    def scaled(number: float | None) -> float | None:
        return None if number is None else number * factor

    return Measurement(
        row.experiment,
        row.read_out,
        row.day,
        row.kind,
        row.reference,
        row.day if row.reference_day is None else row.reference_day,
        scaled(row.value),
        scaled(row.lower),
        scaled(row.upper),
        _find_error(row, factor),
        row.errors,
        row.n,
    )


def _find_error(row: MeasurementRow, factor: float) -> float | None:
    if row.errors is ErrorModel.BINOMIAL:
        return None
    logarithmic = row.errors is ErrorModel.LOGNORMAL
    if row.value is not None and row.lower is not None and row.upper is not None:
        width = math.log(row.upper / row.lower) if logarithmic else (row.upper - row.lower) * factor
        return width / (2.0 * NORMAL_95)
    given = row.sem if row.sem is not None else (row.sd or 0.0) / math.sqrt(row.n or 1)
    if not logarithmic:
        return given * factor
    return given if row.value is None else given / row.value  # the sharpness of a range is one of ln already
