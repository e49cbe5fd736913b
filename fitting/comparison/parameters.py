"""Parameters of several fits in one order: by the union of what they estimate.

Start with `list_parameters`.
"""

import math
from collections.abc import Mapping, Sequence

from kinimmune.fitting.comparison.reading import FittedRun
from kinimmune.fitting.comparison.results import ParameterCell, ParameterRow, Values, subtract
from kinimmune.fitting.estimation.results import FitResult
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.parameters import Prior


def list_parameters(runs: Sequence[FittedRun]) -> tuple[ParameterRow, ...]:
    """Return every parameter that one of the runs estimates, with its value also where another holds it."""
    cells = [_list_cells(run.fit) for run in runs]
    units = {row.name: row.unit for run in reversed(runs) for row in run.fit.parameters}
    errors = {row.name: row.standard_error for row in runs[0].fit.parameters}
    names = dict.fromkeys(row.name for run in runs for row in run.fit.parameters)
    return tuple(_row(name, units[name], [own.get(name) for own in cells], errors.get(name)) for name in names)


def _list_cells(fit: FitResult) -> Mapping[str, ParameterCell]:
    held = {
        row.name: ParameterCell(row.value, None, None, row.prior, estimated=False, at_bound=False, changed=row.changed)
        for row in fit.constants
    }
    estimated = {
        row.name: ParameterCell(
            row.value, row.lower, row.upper, row.prior, estimated=True, at_bound=row.at_bound, changed=row.changed
        )
        for row in fit.parameters
    }
    return held | estimated


def _row(name: str, unit: str, cells: Sequence[ParameterCell | None], error: float | None) -> ParameterRow:
    differences = subtract(_transform(cells))
    in_errors = tuple(None if error is None or change is None else change / error for change in differences)
    return ParameterRow(name, unit, tuple(cells), differences, in_errors)


def _transform(cells: Sequence[ParameterCell | None]) -> Values:
    """Return values on the scale of the prior they have in the first run, in which differences are counted."""
    if cells[0] is None:
        return (None,) * len(cells)
    scale = Prior.parse(cells[0].prior).scale
    found: list[float | None] = []
    for cell in cells:
        try:
            coordinate = math.nan if cell is None else scale.transform(cell.value)
        except DataError:  # held at a value that has no place on that scale
            coordinate = math.nan
        found.append(coordinate if math.isfinite(coordinate) else None)
    return tuple(found)
