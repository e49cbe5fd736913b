"""A table of patients in other words, such as ADTTE of CDISC, as rows of `patients.csv`.

Start with `read_patients`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kinimmune.fitting.curves.acceptance import require_patients
from kinimmune.fitting.curves.column_map import quote, same_value
from kinimmune.fitting.curves.delimited import Delimited, Line, read_delimited
from kinimmune.fitting.curves.patient_request import ENDPOINTS, PatientRequest, require_columns
from kinimmune.fitting.curves.rows import KEY, Cells, require_name
from kinimmune.fitting.curves.time_units import parse_time_unit
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.tables.patient_rows import TimeUnit
from kinimmune.models.trial.design import Endpoint


@dataclass(frozen=True)
class PatientTable:
    """Rows of `patients.csv`."""

    rows: tuple[Cells, ...]
    notes: tuple[str, ...]
    """What was left out and what was taken how, for the reader."""

    def groups(self) -> dict[tuple[str, ...], tuple[int, int]]:
        """Return (study, arm, endpoint) -> patients and events."""
        keys = [tuple(row[column] for column in KEY) for row in self.rows]
        events = Counter(key for key, row in zip(keys, self.rows, strict=True) if row["event"] == "1")
        return {key: (count, events[key]) for key, count in Counter(keys).items()}


def read_patients(request: PatientRequest) -> PatientTable:
    """Return the patients of a table, in the words of this package.

    Raises
    ------
    UsageError
        for a file that is not there, a column it does not have, or a value that no row has
    DataError
        for a cell that cannot be used, or a patient who stands twice, and the message names the row; for an arm in which nobody
        has an event
    """
    unit = request.find_unit()
    table = read_delimited(request.file, numbers=False)
    require_columns(table, request)
    source = _Source(table, request)
    chosen = [line for line in table.lines if source.wants(line)]
    if not chosen:
        raise DataError(f"{table.file}: no row is left; map an arm and an endpoint that it has with --arms and --endpoints")
    censored = _find_censored(source, chosen)
    rows = tuple(_read_row(source, line, unit) for line in chosen)
    _require_single(table, chosen, rows)
    _require_one_value(table, chosen, rows, tuple(request.covariates))
    require_patients(rows, tuple((request.declared or {}).values()))
    notes = (*_tell_left_out(source), *_tell_columns(source), *_tell_taken(source, chosen, rows, censored))
    return PatientTable(rows, notes)


@dataclass(frozen=True)
class _Source:
    """A table with what is wanted of it."""

    table: Delimited
    request: PatientRequest

    def column(self, name: str) -> str | None:
        """Return the column of what is called so, None where there is none."""
        return self.request.columns.columns.get(name)

    def cell(self, line: Line, name: str) -> str:
        """Return what a row says, or what is said for all rows; empty for nothing."""
        column = self.column(name)
        return self.request.constants.get(name, "") if column is None else line.cells[self.table.header.index(column)]

    def filled(self, line: Line, name: str) -> str:
        """Return the same; raise a `DataError` for nothing."""
        text = self.cell(line, name)
        if not text:
            raise DataError(f"{name}: column '{self.column(name)}' is empty ({self.table.place(line)}); fill it in")
        return text

    def wants(self, line: Line) -> bool:
        """Return whether arm and endpoint of a row are among those that are mapped."""
        wanted = (("arm", self.request.arms), ("endpoint", self.request.endpoints))
        return all(not mapping or self.cell(line, name) in mapping for name, mapping in wanted)

    def number(self, line: Line, name: str) -> float:
        """Return a number that a row has."""
        column = self.column(name) or name
        return self.table.number(line, self.table.header.index(column), f"{name} in column '{column}'")


def _read_row(source: _Source, line: Line, unit: TimeUnit | None) -> dict[str, str]:
    """Return a row of `patients.csv`."""
    request = source.request
    time, event = _read_time(source, line), same_value(source.cell(line, "event"), request.columns.event)
    endpoint = request.endpoints.get(source.cell(line, "endpoint")) or _read_endpoint(source, line)
    return {
        "study": _read_name(source, line, "study"),
        "arm": request.arms.get(source.cell(line, "arm")) or _read_name(source, line, "arm"),
        "endpoint": endpoint,
        "patient": f"row_{line.row}" if source.column("patient") is None else source.filled(line, "patient"),
        "time": f"{time:.9g}",
        "unit": (unit or _read_unit(source, line)).value,
        "event": str(int(event)),
        "last_without": _read_last_without(source, line, time) if event and endpoint != Endpoint.OS else "",
        **{column: request.constants[column] for column in ("source", "locator", "status")},
        **{name: _read_covariate(source, line, name) for name in request.covariates},
    }


def _read_name(source: _Source, line: Line, what: str) -> str:
    value = source.filled(line, what)
    try:
        return require_name(what, value)
    except UsageError as error:
        place = source.table.place(line)
        more = f", or name it with --arms '{quote(value)}=treated' ({place})" if what == "arm" else f" ({place})"
        raise DataError(f"{error}{more}") from error


def _read_endpoint(source: _Source, line: Line) -> str:
    value = source.filled(line, "endpoint")
    if value.lower() not in ENDPOINTS:
        raise DataError(
            f"'{value}' is no endpoint ({source.table.place(line)}); allowed: {', '.join(ENDPOINTS)}; map others with "
            f"--endpoints '{quote(value)}=os'"
        )
    return value.lower()


def _read_unit(source: _Source, line: Line) -> TimeUnit:
    text = source.filled(line, "unit")
    unit = parse_time_unit(text)
    if unit is None:
        allowed = ", ".join(item.word for item in TimeUnit)
        raise DataError(f"'{text}' is no unit of time ({source.table.place(line)}); allowed: {allowed}")
    return unit


def _read_time(source: _Source, line: Line) -> float:
    time = source.number(line, "time")
    if time <= 0.0:
        place = source.table.place(line)
        raise DataError(f"time {time:g} is not above 0 ({place}); correct it, or write half a day for what happened at the start")
    return time


def _read_covariate(source: _Source, line: Line, name: str) -> str:
    """Return the cell of a covariate; raise a `DataError` for an empty one, or what is no value of it."""
    column, place = source.request.covariates[name], source.table.place(line)
    text = line.cells[source.table.header.index(column)]
    if not text:
        raise DataError(f"{name}: column '{column}' is empty ({place}); fill it in, or leave the covariate or the patient out")
    declared = (source.request.declared or {}).get(name)
    try:
        if declared is not None:
            declared.read(text)
    except DataError as error:
        problem, _, advice = str(error).partition("; ")
        raise DataError(f"{problem} ({place}); {advice}") from error
    return text


def _read_last_without(source: _Source, line: Line, time: float) -> str:
    if not source.cell(line, "last_without"):
        return ""
    last = source.number(line, "last_without")
    if not 0.0 <= last < time:
        place = source.table.place(line)
        raise DataError(f"last_without {last:g} is not before the event at {time:g} ({place}); correct one of them")
    return f"{last:.9g}"


def _find_censored(source: _Source, lines: Sequence[Line]) -> tuple[str, ...]:
    """Return the values that mean no event; raise a `DataError` for a value of neither kind, or where nobody has an event."""
    columns, column = source.request.columns, source.column("event")
    censored = list(columns.censored)
    happened = False
    for line in lines:
        value = source.filled(line, "event")
        is_event = same_value(value, columns.event)
        happened = happened or is_event
        if is_event or any(same_value(value, other) for other in censored):
            continue
        if columns.censored or censored:
            known = ", ".join(f"'{item}'" for item in (columns.event, *censored))
            named = f"--map event={':'.join(map(quote, (column or '', columns.event, *censored, value)))}"
            place = source.table.place(line)
            raise DataError(f"'{value}' in column '{column}' is none of {known} ({place}); correct it, or name it as in {named}")
        censored.append(value)
    if not happened:
        found = ", ".join(f"'{value}'" for value in censored)
        raise DataError(
            f"no row of {source.table.file} has an event, '{columns.event}' in column '{column}'; it has {found}: give another"
        )
    return tuple(censored)


def _require_single(table: Delimited, lines: Sequence[Line], rows: Sequence[Cells]) -> None:
    """Raise a `DataError` when a patient stands twice in an arm with one endpoint."""
    first: dict[tuple[str, ...], Line] = {}
    for line, row in zip(lines, rows, strict=True):
        key = tuple(row[column] for column in (*KEY, "patient"))
        if key in first:
            where = f"{table.file} rows {first[key].row} and {line.row}"
            raise DataError(f"patient '{row['patient']}' of {':'.join(key[:-1])} stands twice ({where}); keep one row")
        first[key] = line


def _require_one_value(table: Delimited, lines: Sequence[Line], rows: Sequence[Cells], names: Sequence[str]) -> None:
    """Raise a `DataError` when a patient has two values of a covariate."""
    first: dict[tuple[str, ...], tuple[Line, Cells]] = {}
    for line, row in zip(lines, rows, strict=True):
        other, before = first.setdefault((row["study"], row["arm"], row["patient"]), (line, row))
        for name in names:
            if row[name] != before[name]:
                given = f"{name} '{before[name]}' and '{row[name]}' ({table.file} rows {other.row} and {line.row})"
                what = "a covariate is what was so before treatment"
                raise DataError(f"patient '{row['patient']}' of {row['study']}:{row['arm']} has {given}; correct one: {what}")


def _tell_left_out(source: _Source) -> Iterator[str]:
    left_out = Counter(
        ", ".join(f"{source.column(name)} '{source.cell(line, name)}'" for name in ("arm", "endpoint") if source.column(name))
        for line in source.table.lines
        if not source.wants(line)
    )
    for what, count in left_out.items():
        yield f"{source.table.file}: left out, {what} (rows: {count})"


def _tell_columns(source: _Source) -> Iterator[str]:
    used = {*source.request.columns.columns.values(), *source.request.covariates.values()}
    unused = [column for column in source.table.header if column and column not in used]
    if unused:
        yield f"{source.table.file}: columns not taken: {', '.join(unused)}"


def _tell_taken(source: _Source, lines: Sequence[Line], rows: Sequence[Cells], censored: Sequence[str]) -> Iterator[str]:
    file, columns = source.table.file, source.request.columns
    others = ", ".join(f"'{value}'" for value in censored)
    yield f"{file}: '{columns.event}' in column '{source.column('event')}' is an event, {others or 'nothing else'} is none"
    if source.column("patient") is None:
        yield f"{file}: patients are named by their rows; give their column with --map patient=COLUMN"
    events = [same_value(source.cell(line, "event"), columns.event) for line in lines]
    emptied = sum(not event and bool(source.cell(line, "last_without")) for line, event in zip(lines, events, strict=True))
    if emptied:
        yield f"{file}: last_without of {emptied} censored patients is left empty"
    deaths = sum(
        event and bool(source.cell(line, "last_without")) and not row["last_without"]
        for line, event, row in zip(lines, events, rows, strict=True)
    )
    if deaths:
        yield f"{file}: last_without of {deaths} deaths is left empty: a death has a day of its own"
