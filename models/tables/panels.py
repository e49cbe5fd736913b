"""Rows and checks of `panels.csv`: what the picture of a model shows, one panel a row, in reading order.

Start with `examine_panels`.  Kinds of row: `courses` (a quantity in time), `bars` (a quantity at a read-out day), `series`
(quantities at a read-out day against a parameter that is stepped).
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import ClassVar

from kinimmune.models.experiments.panels import BarPanel, CoursePanel, Panel, SeriesPanel
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.rows import Name, Number, TableRow, Tables, YesNo


class PanelKind(StrEnum):
    """How a panel shows its quantities."""

    COURSES = "courses"
    BARS = "bars"
    SERIES = "series"


class PanelRow(TableRow):
    """A row of `panels.csv`."""

    table: ClassVar[str] = "panels.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("model", "kind", "title")
    may_be_empty: ClassVar[bool] = True

    model: Name
    kind: PanelKind
    title: str
    quantities: str
    experiments: str
    day: Name | None = None
    parameter: Name | None = None
    level: Number | None = None
    relative: YesNo = False

    @property
    def quantity_names(self) -> tuple[str, ...]:
        """States and outputs of the row."""
        return tuple(self.quantities.split())

    @property
    def experiment_names(self) -> tuple[str, ...]:
        """Experiments of the row."""
        return tuple(self.experiments.split())


_NEEDED: dict[PanelKind, tuple[str, ...]] = {
    PanelKind.COURSES: (),
    PanelKind.BARS: ("day",),
    PanelKind.SERIES: ("day", "parameter", "level"),
}
"""Kind -> columns it needs; those named here that it does not need must be empty."""


def examine_panels(tables: Tables) -> Examined[tuple[PanelRow, Panel]]:
    """Return the panels of all models with their rows, and what is wrong with their table."""
    table = tables.rows(PanelRow)
    findings = (*table.findings, *_find_odd_cells(table.entries))
    entries = () if findings else tuple((row, _panel(row)) for row in table.entries)
    return Examined(entries, findings)


def _find_odd_cells(rows: Sequence[PanelRow]) -> Iterable[Finding]:
    for row in rows:
        for column in _NEEDED[PanelKind.SERIES]:
            given = getattr(row, column) is not None
            if given and column not in _NEEDED[row.kind]:
                yield row.finding(column, f"a panel of kind '{row.kind}' has no use for column '{column}'", "leave it empty")
            elif not given and column in _NEEDED[row.kind]:
                yield row.finding(column, f"a panel of kind '{row.kind}' has no value in column '{column}'", "fill it in")
        column, names = _sole(row)
        if len(names) != 1:
            problem = f"a panel of kind '{row.kind}' has {len(names)} names in column '{column}'"
            yield row.finding(column, problem, "give it one, and each other one a row of its own")


def _sole(row: PanelRow) -> tuple[str, tuple[str, ...]]:
    """Return the column of which a kind of panel shows one name, and the names given."""
    if row.kind is PanelKind.SERIES:
        return "experiments", row.experiment_names
    return "quantities", row.quantity_names


def _panel(row: PanelRow) -> Panel:
    if row.kind is PanelKind.COURSES:
        return CoursePanel(row.title, row.quantities, row.experiment_names)
    day = row.day or ""
    if row.kind is PanelKind.BARS:
        return BarPanel(row.title, row.quantities, row.experiment_names, day)
    level = 0.0 if row.level is None else row.level
    return SeriesPanel(row.title, row.quantity_names, row.experiments, row.parameter or "", day, level, row.relative)
