"""Rows and checks of `experiments.csv`: what each experiment sets and gives, one change a row.

Start with `examine_experiments`; `kinimmune.models.tables.model_experiments` makes the experiments of a model from the rows.
Kinds of row: `none` (a control, nothing changed), `as` (everything of the experiment named in `target`), `set` and `scale` (a
parameter), `give` (a drug, or what goes to the input or state in `target`, with the columns of `regimens.csv`), `day` (not an
experiment: the read-out day of that name).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import ClassVar, NamedTuple

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.units import convert
from kinimmune.models.tables.administrations import REGIMEN_COLUMNS, AdministrationRow, find_incomplete
from kinimmune.models.tables.evidence import examine_sources, find_bad_origins
from kinimmune.models.tables.findings import Examined, Finding, capped
from kinimmune.models.tables.rows import Name, Number, Tables


class ChangeKind(StrEnum):
    """What a row of `experiments.csv` does."""

    NONE = "none"
    AS = "as"
    SET = "set"
    SCALE = "scale"
    GIVE = "give"
    DAY = "day"


class ExperimentRow(AdministrationRow):
    """A row of `experiments.csv`."""

    table: ClassVar[str] = "experiments.csv"
    optional_columns: ClassVar[frozenset[str]] = frozenset(REGIMEN_COLUMNS)
    key_columns: ClassVar[tuple[str, ...]] = ("model", "experiment", "kind", "drug", "target", "first_day")

    model: Name
    experiment: Name
    meaning: str = ""
    kind: ChangeKind
    value: Number | None = None


class ReadoutDay(NamedTuple):
    """A named time at which the experiments of a model are read."""

    model: str
    name: str
    day: float
    """Time after the start [d]."""


_NEEDS = {
    ChangeKind.NONE: (),
    ChangeKind.AS: ("target",),
    ChangeKind.SET: ("target", "value", "unit"),
    ChangeKind.SCALE: ("target", "value"),
    ChangeKind.GIVE: (),
    ChangeKind.DAY: ("value", "unit"),
}

_ELSEWHERE = {"value": "; what is given is in 'amount'", "amount": "; the number is in 'value'"}


def examine_experiments(tables: Tables) -> Examined[ExperimentRow]:
    """Return all rows of all models and what is wrong with the table; models are not looked at."""
    table, sources = tables.rows(ExperimentRow), examine_sources(tables)
    rows = table.entries
    findings = [
        *table.findings,
        *capped(_find_gaps(rows)),
        *capped(_find_odd_amounts(rows)),
        *capped(_find_circles(rows)),
        *find_bad_origins(rows, sources),
    ]
    return Examined(rows, tuple(findings))


def examine_days(tables: Tables) -> Examined[ReadoutDay]:
    """Return every read-out day and what is wrong with the table's cells."""
    table = tables.rows(ExperimentRow)
    findings = [*table.findings, *capped(finding for row in table.entries for finding in _find_odd_day(row))]
    if findings:
        return Examined((), tuple(findings))
    days = [row for row in table.entries if row.kind is ChangeKind.DAY]
    return Examined(tuple(ReadoutDay(row.model, row.experiment, _day(row)) for row in days), ())


def _find_gaps(rows: Sequence[ExperimentRow]) -> Iterable[Finding]:
    known = {(row.model, row.experiment) for row in rows if row.kind is not ChangeKind.DAY}
    for row in rows:
        for column in _NEEDS[row.kind]:
            if getattr(row, column) is None:
                yield row.finding(column, f"a row of kind '{row.kind}' has no value in column '{column}'", "fill it in")
        if row.kind is ChangeKind.AS and row.target and (row.model, row.target) not in known:
            yield row.finding("target", f"unknown experiment '{row.target}' in column 'target'", "name one of the same model")
        yield from find_incomplete(row) if row.kind is ChangeKind.GIVE else _find_odd_day(row)


def _find_odd_amounts(rows: Sequence[ExperimentRow]) -> Iterable[Finding]:
    """Find factors that are not positive, and numbers that stand where nobody would read them."""
    for row in rows:
        if row.kind is ChangeKind.SCALE and row.value is not None and not row.value > 0.0:
            yield row.finding("value", f"'{row.target}' is scaled by {row.value:g} in column 'value'", "give a positive factor")
        for column in ("value",) if row.kind is ChangeKind.GIVE else REGIMEN_COLUMNS:
            if getattr(row, column) is not None:
                problem = f"a row of kind '{row.kind}' has a value in column '{column}', which is not read"
                yield row.finding(column, problem, f"leave it empty{_ELSEWHERE.get(column, '')}")


def _find_odd_day(row: ExperimentRow) -> Iterable[Finding]:
    if row.kind is not ChangeKind.DAY or row.value is None or row.unit is None:
        return  # a gap is told as such
    try:
        day = _day(row)
    except DataError:
        yield row.finding("unit", f"unit '{row.unit}' of the read-out day '{row.experiment}' is no time", "write d")
        return
    if day <= 0.0:
        yield row.finding("value", f"read-out day '{row.experiment}' is day {day:g}", "it must be after day 0")


def _day(row: ExperimentRow) -> float:
    """Return the day [d] of a row of kind `day`."""
    return convert(float(row.value or 0.0), row.unit or "d", "d")


def _find_circles(rows: Sequence[ExperimentRow]) -> Iterable[Finding]:
    made_from: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for row in rows:
        if row.kind is ChangeKind.AS and row.target:
            made_from.setdefault((row.model, row.experiment), set()).add((row.model, row.target))
    for row in rows:
        if (
            row.kind is ChangeKind.AS
            and row.target
            and (row.model, row.experiment) in _origins((row.model, row.target), made_from)
        ):
            problem = f"experiment '{row.experiment}' is made from itself through '{row.target}' in column 'target'"
            yield row.finding("target", problem, "leave one of the rows out")


def _origins(start: tuple[str, str], made_from: Mapping[tuple[str, str], Collection[tuple[str, str]]]) -> set[tuple[str, str]]:
    """Return an experiment and all it is made from."""
    found: set[tuple[str, str]] = set()
    waiting = [start]
    while waiting:
        experiment = waiting.pop()
        if experiment not in found:
            found.add(experiment)
            waiting += made_from.get(experiment, ())
    return found
