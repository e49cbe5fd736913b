"""Rows of `curves.csv`, `patients.csv` and `targets.csv` that an ingestion writes, and their place in a table that is there.

Start with `list_curve_rows`, `list_rebuilt_rows` and `merge`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kinimmune.fitting.curves.acceptance import require_curves, require_patients
from kinimmune.fitting.curves.delimited import Delimited, read_delimited, write_csv
from kinimmune.fitting.curves.printed_times import PrintedTime
from kinimmune.fitting.curves.rebuild import RebuiltPatients
from kinimmune.fitting.problem.target_rows import TargetRow
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.symbolic.parameters import Status
from kinimmune.models.tables.patient_rows import TimeUnit
from kinimmune.models.trial.design import Endpoint

CURVE_COLUMNS = (
    "study", "arm", "endpoint", "month", "survival", "at_risk", "reading_error", "source", "locator", "status", "note",
)  # fmt: skip
PATIENT_COLUMNS = (
    "study", "arm", "patient", "endpoint", "time", "unit", "event", "last_without", "source", "locator", "status", "note",
)  # fmt: skip
REBUILT = "rebuilt from the read curve and its numbers at risk (Guyot 2012); nobody's own data"
"""Note of rebuilt patients."""
KEY = ("study", "arm", "endpoint")
"""Columns that name a curve, or a group of patients."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_DIGITS = 9
"""Significant digits of numbers that were computed."""

Cells = Mapping[str, str]
"""Column -> text."""


@dataclass(frozen=True)
class Origin:
    """Whose numbers they are and where they stand."""

    study: str
    arm: str
    endpoint: str
    source: str
    """Key of a row of `sources.csv`."""
    locator: str
    """Where in it, such as a figure."""
    status: str = Status.DERIVED.value

    def __post_init__(self) -> None:
        """Refuse names that no table takes."""
        for option, name in (("--study", self.study), ("--arm", self.arm), ("--source", self.source)):
            require_name(option, name)
        require_choice("--endpoint", self.endpoint, [item.value for item in Endpoint])
        require_choice("--status", self.status, [item.value for item in Status])

    @property
    def key(self) -> tuple[str, ...]:
        """The cells of `KEY`."""
        return (self.study, self.arm, self.endpoint)

    def cells(self, note: str) -> dict[str, str]:
        """Return the columns that every row has."""
        named = dict(zip(KEY, self.key, strict=True))
        return {**named, "source": self.source, "locator": self.locator, "status": self.status, "note": note}


def require_name(what: str, name: str) -> str:
    """Return a name that tables take; raise a `UsageError` for another."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{what} '{name}' is no name of the tables; use letters, digits and underscores, a letter first")
    return name


def require_choice(what: str, given: str, allowed: Sequence[str]) -> str:
    """Return one of some words; raise a `UsageError` for another."""
    if given not in allowed:
        raise UsageError(f"unknown {what} '{given}'; {nearest(given, allowed)}")
    return given


def list_curve_rows(times: Iterable[PrintedTime], origin: Origin, note: str) -> list[dict[str, str]]:
    """Return rows of `curves.csv` of what was read at the times of a risk table.

    Raises a `DataError` where the table would refuse them.
    """
    times = tuple(times)
    dead = next((time for time in times if time.survival == 0.0 and time.at_risk > 0), None)
    if dead is not None:
        what = f"survival falls to 0 at month {dead.month:.4g}, where {dead.at_risk} are at risk just before"
        raise DataError(f"{what}; write 0 into the risk table there, or end it before: at 0 nobody is left")
    rows = [
        {
            **origin.cells(note),
            "month": _write(time.month),
            "survival": _write(round(time.survival, 5)),
            "at_risk": str(time.at_risk),
            "reading_error": _write(time.reading_error, 3),
        }
        for time in times
    ]
    require_curves(rows)
    return rows


def list_rebuilt_rows(patients: RebuiltPatients, unit: TimeUnit, origin: Origin, note: str) -> list[dict[str, str]]:
    """Return rows of `patients.csv` of rebuilt patients, whose names say that they are nobody's.

    Raises a `DataError` where the table would refuse them.
    """
    width = len(str(patients.time.size))
    rows = [
        {
            **origin.cells(note),
            "patient": f"rebuilt_{origin.endpoint}_{number:0{width}d}",
            "time": _write(float(time)),
            "unit": unit.value,
            "event": str(int(event)),
        }
        for number, (time, event) in enumerate(zip(patients.time, patients.event, strict=True), 1)
    ]
    require_patients(rows)
    return rows


def list_target_row(statistic: str, key: Sequence[str], n: int, source: Mapping[str, str]) -> dict[str, str]:
    """Return the row of `targets.csv` that makes a curve, or patients, a target."""
    named = dict(zip(KEY, key, strict=True))
    origin = {f"value_{column}": source[column] for column in ("source", "locator", "status")}
    return {**named, "statistic": statistic, "n": str(n), "unit": "1", "role": "fit", **origin}


def write_targets(rows: Sequence[Cells]) -> str:
    """Return rows of `targets.csv` with its header, as text."""
    columns = TargetRow.columns()
    return write_csv(columns, ([row.get(column, "") for column in columns] for row in rows))


@dataclass(frozen=True)
class Merged:
    """A table with new rows in it."""

    text: str
    replaced: int
    """Rows of before that the new ones took the place of."""
    kept: int
    """Rows of before that are still there."""


def merge(path: Path | None, columns: Sequence[str], rows: Sequence[Cells], *, replace: bool, more: Sequence[str] = ()) -> Merged:
    """Return a table with rows added at its end.

    Parameters
    ----------
    path
        the table that may be there, None where there is none
    columns
        of the new rows; those a table of before has besides are kept
    rows
        new ones
    replace
        whether rows of before of the same study, arm and endpoint give way
    more
        further columns of the new rows, such as covariates, which a table of before need not have

    Raises
    ------
    UsageError
        when there are such rows and they are to stay, or others of the same arm that do not tell the same covariates
    DataError
        when the table of before lacks a column
    """
    before = read_delimited(path, numbers=False) if path is not None and path.is_file() and path.stat().st_size else None
    if before is None:
        all_columns = (*columns, *more)
        return Merged(write_csv(all_columns, ([row.get(column, "") for column in all_columns] for row in rows)), 0, 0)
    old = _list_cells(before, columns)
    new = {_key(row) for row in rows}
    there = Counter(key for key in map(_key, old) if key in new)
    if there and not replace:
        key, count = there.most_common(1)[0]
        raise UsageError(f"'{path}' has {count} rows of {':'.join(key)} already; --force puts the new ones in their place")
    kept = [row for row in old if _key(row) not in new]
    further = [column for column in dict.fromkeys((*before.header, *more)) if column not in columns]
    _require_alike(path, kept, rows, further)
    header = tuple(dict.fromkeys((*before.header, *more)))
    text = write_csv(header, ([row.get(column, "") for column in header] for row in (*kept, *rows)))
    return Merged(text, there.total(), len(kept))


def _require_alike(path: Path | None, kept: Sequence[Cells], rows: Sequence[Cells], further: Sequence[str]) -> None:
    """Raise a `UsageError` where patients of one arm would have a value of a further column, and others of it none."""
    arms = {(row["study"], row["arm"]) for row in rows}
    for column in further:
        for arm in arms:
            own = [bool(row.get(column)) for row in (*kept, *rows) if (row["study"], row["arm"]) == arm]
            if any(own) and not all(own):
                problem = f"'{path}' and the new rows of {':'.join(arm)} would differ in telling '{column}'"
                raise UsageError(f"{problem}; take all endpoints of the arm with the same --covariates, or write another file")


def _key(row: Cells) -> tuple[str, ...]:
    return tuple(row[column] for column in KEY)


def _list_cells(table: Delimited, columns: Iterable[str]) -> list[Cells]:
    if table.separator != ",":
        raise DataError(f"{table.file} does not separate cells by commas, as tables do; save it so, or write another file")
    for column in columns:
        if column not in table.header:
            raise DataError(f"column '{column}' is missing in {table.file}; {nearest(column, table.header)} Write another file")
    return [dict(zip(table.header, line.cells, strict=True)) for line in table.lines]


def _write(value: float, digits: int = _DIGITS) -> str:
    """Return a number as tables write it.

    >>> _write(2.5), _write(0.0), _write(1.2345678, 3)
    ('2.5', '0', '1.23')
    """
    return f"{value:.{digits}g}"
