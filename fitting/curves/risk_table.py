"""The numbers at risk that are printed under a survival curve.

Start with `read_risk_table`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinimmune.fitting.curves.delimited import Delimited, Line, read_delimited
from kinimmune.fitting.curves.time_units import find_time_unit
from kinimmune.models.arrays import Array, Integers
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.units import convert
from kinimmune.models.tables.patient_rows import TimeUnit

_RISK_NAMES = re.compile(r"risk|\bn\b|number|patients", re.IGNORECASE)


@dataclass(frozen=True)
class RiskTable:
    """How many patients are still followed without the event just before each of some times."""

    file: str
    time: Array
    """[unit of the curve], from 0 on, increasing, shape (j,)."""
    at_risk: Integers
    """Never rising, shape (j,)."""
    row: Integers
    """Where each stands in the file, shape (j,)."""
    written_in: TimeUnit | None
    """Unit of the times in the file by its header; None where that names none, and they are taken as those of the curve."""

    def __post_init__(self) -> None:
        """Refuse what is no risk table."""
        if self.time.size < 2:
            raise DataError(f"{self.file} has {self.time.size} times; give at least two of the numbers at risk")
        if self.time[0] != 0.0 or self.at_risk[0] < 1:
            raise DataError(
                f"the numbers at risk begin with {self.at_risk[0]} at time {self.time[0]:.4g} ({self.place(0)}); "
                "give the number of patients at time 0"
            )
        for index in range(1, self.time.size):
            if self.time[index] == self.time[index - 1]:
                raise DataError(f"time {self.time[index]:.4g} stands twice ({self.place(index)}); keep one row")
            if self.at_risk[index] > self.at_risk[index - 1]:
                raise DataError(
                    f"the number at risk rises from {self.at_risk[index - 1]} to {self.at_risk[index]} "
                    f"({self.place(index)}); correct it"
                )

    def place(self, index: int) -> str:
        """Return file and row of one of the times, for messages."""
        return f"{self.file} row {self.row[index]}"

    @property
    def last(self) -> int:
        """Index of the last time at which somebody is at risk."""
        return int(np.flatnonzero(self.at_risk)[-1])


def read_risk_table(path: Path, unit: TimeUnit) -> RiskTable:
    """Read times and numbers at risk, in two columns and any order of rows.

    Parameters
    ----------
    path
        a table with or without a header
    unit
        that of the curve; times are in it unless the header says otherwise, and are converted to it

    Raises
    ------
    UsageError
        when the file is not there
    DataError
        when it is no risk table; the message names the row
    """
    table = read_delimited(path, numbers=True)
    columns = len(table.header or table.lines[0].cells)
    if columns != 2:
        raise DataError(f"{table.file} has {columns} columns; give two, time and number at risk")
    of_time, of_number = (1, 0) if [bool(_RISK_NAMES.search(name)) for name in table.header] == [True, False] else (0, 1)
    own = find_time_unit(table.header[of_time]) if table.header else None
    time = np.array([convert(_read_time(table, line, of_time), own or unit, unit) for line in table.lines])
    at_risk = np.array([_read_count(table, line, of_number) for line in table.lines], dtype=np.int64)
    order = np.argsort(time, kind="stable")
    row = np.array([line.row for line in table.lines], dtype=np.int64)
    return RiskTable(table.file, time[order], at_risk[order], row[order], own)


def _read_time(table: Delimited, line: Line, column: int) -> float:
    time = table.number(line, column, "time")
    if time < 0.0:
        raise DataError(f"time {time:.4g} is negative ({table.place(line)}); numbers at risk begin at time 0")
    return time


def _read_count(table: Delimited, line: Line, column: int) -> int:
    number = table.number(line, column, "number at risk")
    if number < 0.0 or number != int(number):
        raise DataError(f"number at risk '{line.cells[column]}' is no whole number from 0 on ({table.place(line)}); correct it")
    return int(number)
