"""A comparison as long rows, for every other program.

Start with `to_csv`.
"""

import csv
import io
from collections.abc import Iterator

from kinimmune.fitting.comparison.results import Comparison, NumberRow, ParameterRow

COLUMNS = ("section", "name", "quantity", "run", "value", "difference")
_NUMBER = ("role", "observed", "lower", "upper", "predicted", "residual", "null_prediction", "deviance", "n_residuals")
_PARAMETER = ("value", "lower", "upper", "prior", "estimated", "at_bound", "changed")

Cells = tuple[object, ...]


def to_csv(comparison: Comparison) -> str:
    """Return every value of a comparison as a row: what it is, of which run, and its difference from the first.

    The difference of a prediction is in its unit, that of an estimate in standard errors of the first run's.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_list_rows(comparison))
    return text.getvalue()


def _list_rows(comparison: Comparison) -> Iterator[Cells]:
    labels = [run.label for run in comparison.runs]
    for item in comparison.differences:
        yield from (("setting", item.what, "", label, value, None) for label, value in zip(labels, item.values, strict=True))
    for measure in comparison.measures:
        cells = zip(labels, measure.values, measure.differences, strict=True)
        yield from (("measure", measure.name, "", *cell) for cell in cells)
    for section, rows in (("number", comparison.numbers), ("transport", comparison.transport)):
        for row in rows:
            yield from ((section, row.name, *cells) for cells in _list_number(row, labels))
    for parameter in comparison.parameters:
        yield from (("parameter", parameter.name, *cells) for cells in _list_parameter(parameter, labels))


def _list_number(row: NumberRow, labels: list[str]) -> Iterator[Cells]:
    for label, cell, change in zip(labels, row.cells, row.differences, strict=True):
        for quantity in () if cell is None else _NUMBER:
            yield quantity, label, getattr(cell, quantity), change if quantity == "predicted" else None


def _list_parameter(row: ParameterRow, labels: list[str]) -> Iterator[Cells]:
    for label, cell, change in zip(labels, row.cells, row.in_errors, strict=True):
        for quantity in () if cell is None else _PARAMETER:
            yield quantity, label, getattr(cell, quantity), change if quantity == "value" else None
