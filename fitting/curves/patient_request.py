"""What of a table of patients is to be taken, held against the columns and values it has.

Start with `PatientRequest`; `kinimmune.fitting.curves.patient_table` reads the table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kinimmune.fitting.curves.column_map import ColumnMap, quote
from kinimmune.fitting.curves.delimited import Delimited
from kinimmune.fitting.curves.rows import KEY, require_choice, require_name
from kinimmune.fitting.curves.time_units import choose_unit
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.symbolic.parameters import Status
from kinimmune.models.tables.patient_rows import TimeUnit
from kinimmune.models.trial.design import Endpoint

ENDPOINTS = tuple(item.value for item in Endpoint)


@dataclass(frozen=True)
class PatientRequest:
    """A file, what its columns are, and what holds for all of it."""

    file: Path
    columns: ColumnMap
    constants: Mapping[str, str]
    """`source`, `locator` and `status`, and those of `study`, `arm` and `endpoint` that hold for every row."""
    unit: TimeUnit | None = None
    """Of every time; None where a column, or the header of the times, tells it."""
    arms: Mapping[str, str] = field(default_factory=dict)
    """Value of the column -> arm; rows of others are left out. Empty: values are arms as they stand."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """The same of endpoints."""

    def __post_init__(self) -> None:
        """Refuse names that no table takes, and what is said twice."""
        names = [(f"--{name}", self.constants[name]) for name in ("study", "arm", "source") if name in self.constants]
        for option, name in (*names, *(("--arms", name) for name in self.arms.values())):
            require_name(option, name)
        for name in (*self.endpoints.values(), self.constants.get("endpoint", ENDPOINTS[0])):
            require_choice("endpoint", name, ENDPOINTS)
        require_choice("status", self.constants["status"], [item.value for item in Status])
        for name, mapping in (("arm", self.arms), ("endpoint", self.endpoints)):
            if mapping and name not in self.columns.columns:
                raise UsageError(f"--{name}s needs the column of the {name}; give it with --map {name}=COLUMN")
        for name in KEY:
            given, column = self.constants.get(name), self.columns.columns.get(name)
            if given and column:
                raise UsageError(f"--{name} {given} and --map {name}={column} say the same; leave one of them out")
            if not given and not column:
                raise UsageError(f"the {name} of {self.file} is not known; give --{name}, or --map {name}=COLUMN")

    def find_unit(self) -> TimeUnit | None:
        """Return the unit of all times, None where a column tells it; raises as `choose_unit` does."""
        column = self.columns.columns.get("unit")
        if column is None:
            return choose_unit(str(self.file), self.columns.columns["time"], self.unit)
        if self.unit is not None:
            raise UsageError(f"--unit {self.unit.word} and --map unit={column} say the same; leave one of them out")
        return None


def require_columns(table: Delimited, request: PatientRequest) -> None:
    """Raise an error when the table lacks a column that is asked for, or one of a value that is named."""
    for name, column in request.columns.columns.items():
        if column not in table.header:
            raise UsageError(f"--map {name}={column}: {table.file} has no such column; {_suggest(column, table.header)}")
        if table.header.count(column) > 1:
            raise DataError(f"column '{column}' stands twice in {table.file}; remove or rename one")
    for name, mapping in (("arm", request.arms), ("endpoint", request.endpoints)):
        if mapping:
            _require_values(table, name, request.columns.columns[name], mapping)


def _require_values(table: Delimited, name: str, column: str, mapping: Mapping[str, str]) -> None:
    place = table.header.index(column)
    there = {line.cells[place] for line in table.lines}
    for value in mapping:
        if value not in there:
            raise UsageError(f"--{name}s '{value}': no row of {table.file} has it; {_suggest(value, sorted(there))}")


def _suggest(given: str, there: Iterable[str]) -> str:
    """Return what was meant, as the options take it."""
    return nearest(quote(given), map(quote, there))
