"""What of a table of patients is to be taken, held against the columns and values it has.

Start with `PatientRequest`; `kinimmune.fitting.curves.patient_table` reads the table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kinimmune.fitting.curves.column_map import ColumnMap, quote
from kinimmune.fitting.curves.delimited import Delimited, parse_number
from kinimmune.fitting.curves.rows import KEY, require_choice, require_name
from kinimmune.fitting.curves.time_units import choose_unit
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.symbolic.covariates import Covariate
from kinimmune.models.symbolic.parameters import Status
from kinimmune.models.tables.covariates import TAKEN
from kinimmune.models.tables.patient_rows import TimeUnit
from kinimmune.models.trial.design import Endpoint

ENDPOINTS = tuple(item.value for item in Endpoint)
MOST_LEVELS = 6
"""Different numbers up to which a column is taken for the levels of a category, where a row for it is proposed."""


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
    covariates: Mapping[str, str] = field(default_factory=dict)
    """Name -> column of what is known of patients before treatment."""
    declared: Mapping[str, Covariate] | None = None
    """Name -> covariate, as the tables that the rows are for declare it; None where no table is written."""

    def __post_init__(self) -> None:
        """Refuse names that no table takes, and what is said twice."""
        names = [(f"--{name}", self.constants[name]) for name in ("study", "arm", "source") if name in self.constants]
        for option, name in (*names, *(("--arms", name) for name in self.arms.values())):
            require_name(option, name)
        for name in (*self.endpoints.values(), self.constants.get("endpoint", ENDPOINTS[0])):
            require_choice("endpoint", name, ENDPOINTS)
        _require_free_names(self.covariates)
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
    _require_covariates(table, request)
    for name, mapping in (("arm", request.arms), ("endpoint", request.endpoints)):
        if mapping:
            _require_values(table, name, request.columns.columns[name], mapping)


def _require_free_names(names: Iterable[str]) -> None:
    """Raise a `UsageError` for covariates that tables do not take, or that have the name of another column."""
    for name in names:
        require_name("--covariates", name)
        if name in TAKEN:
            raise UsageError(f"--covariates {name}: patients.csv has another column of that name; write NAME=COLUMN")


def _require_covariates(table: Delimited, request: PatientRequest) -> None:
    """Raise a `UsageError` for covariates of no column, or that the tables beside the output do not declare."""
    for name, column in request.covariates.items():
        if table.header.count(column) != 1:
            raise UsageError(f"--covariates {name}={column}: {table.file} has no such column; {_suggest(column, table.header)}")
        if request.declared is not None and name not in request.declared:
            raise UsageError(_ask_declaration(table, name, column))


def _ask_declaration(table: Delimited, name: str, column: str) -> str:
    """Return what to write into `covariates.csv`, as the values of a column look: numbers of many sizes, or a few levels."""
    place = table.header.index(column)
    values = sorted({line.cells[place] for line in table.lines if line.cells[place]})
    numbers = [number for text in values if (number := parse_number(text, comma_is_decimal=False)) is not None]
    if len(numbers) == len(values) > MOST_LEVELS:
        row = f"{name},continuous,UNIT,{sorted(numbers)[len(numbers) // 2]:g},,MEANING"
    else:
        row = f"{name},category,1,{values[0] if values else 'LEVEL'},{' '.join(values)},MEANING"
    told = f"--covariates {name}: covariates.csv beside the output does not declare it; add a row there first"
    return f"{told} (name,kind,unit,reference,levels,meaning), such as {row}"


def _require_values(table: Delimited, name: str, column: str, mapping: Mapping[str, str]) -> None:
    place = table.header.index(column)
    there = {line.cells[place] for line in table.lines}
    for value in mapping:
        if value not in there:
            raise UsageError(f"--{name}s '{value}': no row of {table.file} has it; {_suggest(value, sorted(there))}")


def _suggest(given: str, there: Iterable[str]) -> str:
    """Return what was meant, as the options take it."""
    return nearest(quote(given), map(quote, there))
