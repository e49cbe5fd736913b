"""Published numbers of several fits in one order: by the union of their names.

Start with `list_numbers` and `list_transport`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kinimmune.fitting.comparison.reading import FittedRun
from kinimmune.fitting.comparison.results import NumberCell, NumberRow, subtract
from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.problem.targets import Statistic

Role = Literal["fitted", "unfitted", "transport"]


@dataclass(frozen=True)
class Place:
    """What a published number is of."""

    statistic: str
    study: str
    arm: str | None
    """Of a ratio the treated arm; None where the result does not name it, as in results of schema 1."""
    endpoint: str | None
    month: float | None = None
    """Of a survival."""
    read_out: str | None = None
    """Of a measurement; `arm` is its experiment and `study` its model."""
    day: float | None = None
    reference: str | None = None
    """Experiment of a measured ratio."""
    reference_day: float | None = None

    def __str__(self) -> str:
        """Return it as outputs are named."""
        numbers = [None if number is None else f"{number:g}" for number in (self.month, self.day)]
        if self.read_out is not None:
            since = None if self.reference_day in (None, self.day) else f"{self.reference_day:g}"
            parts = [self.statistic, self.read_out, numbers[1], self.arm, self.reference, since]
        else:
            endpoint = None if self.statistic == Statistic.DEATHS else self.endpoint
            parts = [self.statistic, self.study, self.arm, endpoint, numbers[0]]
        return ":".join(part for part in parts if part is not None)


def name_rows(rows: Iterable[ComparisonRow]) -> dict[Place, ComparisonRow]:
    """Return rows by what they are of."""
    return {_place(row): row for row in rows}


def _place(row: ComparisonRow) -> Place:
    reference = None if row.read_out is None else row.reference_arm
    return Place(row.statistic, row.study, row.arm, row.endpoint, row.month, row.read_out, row.day, reference, row.reference_day)


def report(number: ComparisonRow | NumberCell) -> str:
    """Return a published number with its interval, the range in which it lies, or of a curve and patients their intervals."""
    ends = number.lower, number.upper
    if number.observed is not None:
        return f"{number.observed:g}" if None in ends else f"{number.observed:g} ({ends[0]:g} to {ends[1]:g})"
    if ends == (None, None):
        return "-" if number.n_residuals is None else f"intervals: {number.n_residuals}"
    if None in ends:
        return f"below {ends[1]:g}" if ends[0] is None else f"above {ends[0]:g}"
    return f"{ends[0]:g} to {ends[1]:g}"


def list_numbers(runs: Sequence[FittedRun]) -> tuple[NumberRow, ...]:
    """Return published numbers beside the predictions of every run; those that one of them was fitted to come first."""
    cells = []
    for run in runs:
        unfitted = {place: _cell("unfitted", row) for place, row in name_rows(run.fit.unfitted).items()}
        cells.append(unfitted | {place: _cell("fitted", row) for place, row in name_rows(run.fit.targets).items()})
    fitted = dict.fromkeys(place for run in runs for place in name_rows(run.fit.targets))
    rest = dict.fromkeys(place for own in cells for place in own)
    return tuple(_row(place, cells) for place in {**fitted, **rest})


def list_transport(runs: Sequence[FittedRun]) -> tuple[NumberRow, ...]:
    """Return the predictions for an arm that was left out of the fit."""
    cells = [{place: _cell("transport", row) for place, row in name_rows(run.fit.transport).items()} for run in runs]
    return tuple(_row(place, cells) for place in dict.fromkeys(place for own in cells for place in own))


def _cell(role: Role, row: ComparisonRow) -> NumberCell:
    return NumberCell(
        role,
        row.observed,
        row.lower,
        row.upper,
        row.predicted,
        row.residual,
        row.null_prediction,
        row.deviance,
        row.n_residuals,
    )


def _row(place: Place, cells: Sequence[Mapping[Place, NumberCell]]) -> NumberRow:
    own = tuple(cell.get(place) for cell in cells)
    return NumberRow(str(place), own, subtract(tuple(None if cell is None else cell.predicted for cell in own)))
