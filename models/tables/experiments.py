"""Rows and checks of `experiments.csv`: what each experiment sets and gives, one change a row.

Start with `examine_experiments`.  Kinds of row: `none` (a control, nothing changed), `as` (everything of the experiment
named in `target`), `set` and `scale` (a parameter), `input` (held from first to last day), `dose` (added to a state every
`interval` days from first to last day), `day` (not an experiment: the read-out day of that name).
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import ClassVar, NamedTuple

import numpy as np

from kinimmune.models.experiments.design import Experiment, InputSpan
from kinimmune.models.solvers.dosing import Dose
from kinimmune.models.symbolic.units import parse_unit
from kinimmune.models.tables.evidence import examine_sources, find_bad_origins
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.rows import Name, NotNegative, Number, Positive, SourcedRow, Tables, UnitText


class ChangeKind(StrEnum):
    """What a row of `experiments.csv` does."""

    NONE = "none"
    AS = "as"
    SET = "set"
    SCALE = "scale"
    INPUT = "input"
    DOSE = "dose"
    DAY = "day"


class ExperimentRow(SourcedRow):
    """A row of `experiments.csv`."""

    table: ClassVar[str] = "experiments.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("model", "experiment", "kind", "target", "first_day")

    model: Name
    experiment: Name
    meaning: str = ""
    kind: ChangeKind
    target: Name | None = None
    value: Number | None = None
    unit: UnitText | None = None
    first_day: NotNegative | None = None
    last_day: NotNegative | None = None
    interval: Positive | None = None


class ReadoutDay(NamedTuple):
    """A named time at which the experiments of a model are read."""

    model: str
    name: str
    day: float
    """Time after the start [d]."""


MOST_DOSES = 100_000
"""Largest number of doses of one row: an hourly dose for eleven years."""
_NEEDS = {
    ChangeKind.NONE: (),
    ChangeKind.AS: ("target",),
    ChangeKind.SET: ("target", "value", "unit"),
    ChangeKind.SCALE: ("target", "value"),
    ChangeKind.INPUT: ("target", "value", "unit", "first_day", "last_day"),
    ChangeKind.DOSE: ("target", "value", "unit", "first_day", "last_day", "interval"),
    ChangeKind.DAY: ("value", "unit"),
}


def examine_experiments(tables: Tables) -> Examined[Experiment]:
    """Return all experiments of all models and what is wrong with their table."""
    table, sources = tables.rows(ExperimentRow), examine_sources(tables)
    rows = table.entries
    findings = [
        *table.findings,
        *_find_gaps(rows),
        *_find_odd_amounts(rows),
        *_find_circles(rows),
        *find_bad_origins(rows, sources),
    ]
    if findings:
        return Examined((), tuple(findings))
    rows = tuple(row for row in rows if row.kind is not ChangeKind.DAY)
    names = dict.fromkeys((row.model, row.experiment) for row in rows)
    return Examined(tuple(_experiment(rows, model, name) for model, name in names), ())


def examine_days(tables: Tables) -> Examined[ReadoutDay]:
    """Return every read-out day and what is wrong with the table's cells."""
    table = tables.rows(ExperimentRow)
    days = [row for row in table.entries if row.kind is ChangeKind.DAY and row.value is not None]
    return Examined(tuple(ReadoutDay(row.model, row.experiment, float(row.value or 0.0)) for row in days), table.findings)


def _find_gaps(rows: Sequence[ExperimentRow]) -> Iterable[Finding]:
    known = {(row.model, row.experiment) for row in rows if row.kind is not ChangeKind.DAY}
    for row in rows:
        for column in _NEEDS[row.kind]:
            if getattr(row, column) is None:
                yield row.finding(column, f"a row of kind '{row.kind}' has no value in column '{column}'", "fill it in")
        if row.kind is ChangeKind.AS and row.target and (row.model, row.target) not in known:
            yield row.finding("target", f"unknown experiment '{row.target}' in column 'target'", "name one of the same model")
        if row.first_day is not None and row.last_day is not None and row.first_day > row.last_day:
            yield row.finding("last_day", f"first_day {row.first_day:g} is after last_day {row.last_day:g}", "swap them")
        if row.kind is ChangeKind.DAY:
            yield from _find_odd_day(row)


def _find_odd_amounts(rows: Sequence[ExperimentRow]) -> Iterable[Finding]:
    """Find negative inputs and doses, factors that are not positive, and more than `MOST_DOSES` doses."""
    for row in rows:
        value = 0.0 if row.value is None else row.value
        if row.kind in (ChangeKind.INPUT, ChangeKind.DOSE) and value < 0.0:
            yield row.finding("value", f"'{row.target}' is given {value:g} in column 'value'", "give 0 or more")
        if row.kind is ChangeKind.SCALE and row.value is not None and not value > 0.0:
            yield row.finding("value", f"'{row.target}' is scaled by {value:g} in column 'value'", "give a positive factor")
        if row.interval is not None and row.first_day is not None and row.last_day is not None:
            doses = (row.last_day - row.first_day) / row.interval
            if doses > MOST_DOSES:
                problem = f"a dose every {row.interval:g} d from day {row.first_day:g} to {row.last_day:g} is {doses:.3g} doses"
                yield row.finding("interval", problem, f"at most {MOST_DOSES}")


def _find_odd_day(row: ExperimentRow) -> Iterable[Finding]:
    if row.value is not None and row.value <= 0.0:
        yield row.finding("value", f"read-out day '{row.experiment}' is day {row.value:g}", "it must be after day 0")
    if row.unit is not None and not parse_unit(row.unit).equals(parse_unit("d")):
        yield row.finding("unit", f"unit '{row.unit}' of the read-out day '{row.experiment}' is not the day", "write d")


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


def _experiment(rows: Sequence[ExperimentRow], model: str, name: str) -> Experiment:
    own = [row for row in rows if (row.model, row.experiment) == (model, name)]
    spans: list[InputSpan] = []
    doses: list[Dose] = []
    values: dict[str, float] = {}
    factors: dict[str, float] = {}
    for row in own:
        target, value = row.target or "", float(row.value or 0.0)
        if row.kind is ChangeKind.AS:
            other = _experiment(rows, model, target)
            values |= other.values
            factors |= other.factors
            spans += other.spans
            doses += other.doses
        elif row.kind is ChangeKind.SET:
            values[target] = value
        elif row.kind is ChangeKind.SCALE:
            factors[target] = value
        elif row.kind is ChangeKind.INPUT:
            spans.append(InputSpan(target, value, float(row.first_day or 0.0), float(row.last_day or 0.0)))
        elif row.kind is ChangeKind.DOSE:
            doses += _repeated(row, target, value)
    meaning = next((row.meaning for row in own if row.meaning), name)
    return Experiment(model, name, meaning, values, factors, tuple(spans), tuple(doses))


def _repeated(row: ExperimentRow, target: str, value: float) -> list[Dose]:
    first, last, interval = row.first_day or 0.0, row.last_day or 0.0, row.interval or math.inf
    count = math.floor((last - first) / interval + 1e-9) + 1
    return [Dose(float(day), target, value) for day in first + interval * np.arange(count)]
