"""Points that were clicked on a printed survival curve: read from the file of any digitiser, and refused where they are no curve.

Start with `read_clicks`.  What is made of them is in `kinimmune.fitting.curves.reading`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinimmune.fitting.curves.delimited import Delimited, read_delimited
from kinimmune.fitting.curves.time_units import choose_unit
from kinimmune.models.arrays import Array, Integers
from kinimmune.models.errors import DataError
from kinimmune.models.tables.patient_rows import TimeUnit

FEWEST_POINTS = 3
PERCENT_FROM = 1.5
"""A curve whose first point is higher is printed in percent."""
LOWEST_START = 0.95
"""Lowest survival [1] of a point at time 0 that can be a click beside 1."""
LOWEST_FIRST = 0.9
"""Lowest survival [1] of a first point after time 0: from 1 to there the curve falls unseen."""
SLIP = 0.02
"""How far outside 0..1 a click may lie [1]."""
TIME_SLIP = 0.0025
"""How far a click may lie beside its time [share of the last time]: a pixel of axes 400 pixels wide."""
_TIME_NAMES = re.compile(r"\b(time|day|week|month|year|x)", re.IGNORECASE)


@dataclass(frozen=True)
class Clicks:
    """Points of a survival curve as they were read off a figure, in the order of time."""

    file: str
    unit: TimeUnit
    time: Array
    """[unit], 0 or later, never decreasing, shape (k,)."""
    survival: Array
    """[1], within 0..1, shape (k,); at equal times the highest first."""
    row: Integers
    """Where each stands in the file, shape (k,)."""
    decimals: int
    """Decimals of the share of which the file writes most."""
    notes: tuple[str, ...]
    """What was taken how, for the reader."""

    def __post_init__(self) -> None:
        """Refuse what is no curve from 1 at time 0."""
        if self.time.size < FEWEST_POINTS:
            raise DataError(f"{self.file} has {self.time.size} points; give at least {FEWEST_POINTS} of the curve")
        if self.time[-1] <= 0.0:
            raise DataError(f"{self.file}: all times are 0; give points of the whole curve")
        at_start = self.survival[self.time <= self.time_error]
        index = int(np.argmin(at_start)) if at_start.size else 0
        first = float(self.survival[index])
        if first < (LOWEST_START if at_start.size else LOWEST_FIRST):
            raise DataError(
                f"survival is {first:.3g} at {self.unit.word} {self.time[index]:.3g} ({self.file} row {self.row[index]}); "
                "a survival curve starts with 1 at time 0: add its first points or correct the axes"
            )

    @property
    def time_error(self) -> float:
        """How far a point may lie beside its time [unit]."""
        return float(TIME_SLIP * self.time[-1])


def read_clicks(path: Path, unit: TimeUnit | None) -> Clicks:
    """Read the points of a curve, time and survival in two columns, in any order of rows.

    Parameters
    ----------
    path
        a table with or without a header; survival as a share or in percent
    unit
        of the times, None where the header tells it

    Raises
    ------
    UsageError
        when the file is not there, or its unit of time is not known
    DataError
        when it is no survival curve; the message names the row
    """
    table = read_delimited(path, numbers=True)
    of_time, of_survival = _find_columns(table)
    chosen = choose_unit(table.file, table.header[of_time] if table.header else "", unit)
    time = np.array([table.number(line, of_time, "time") for line in table.lines])
    value = np.array([table.number(line, of_survival, "survival") for line in table.lines])
    row = np.array([line.row for line in table.lines], dtype=np.int64)
    if not time.size:
        raise DataError(f"{table.file} has 0 points; give at least {FEWEST_POINTS} of the curve")
    order = np.lexsort((-value, time))
    time, value, row = time[order], value[order], row[order]
    is_percent = value[0] > PERCENT_FROM
    _require_scale(table, of_survival, is_percent=bool(is_percent), first=float(value[0]))
    time, moved = _require_times(table.file, time, row)
    survival, clipped = _require_shares(table.file, value, row, 100.0 if is_percent else 1.0)
    scale = "percent" if is_percent else "a share"
    notes = (f"{table.file}: survival is taken as {scale}, since the curve starts with {value[0]:.4g}", *moved, *clipped)
    decimals = _count_decimals(table, of_survival) + (2 if is_percent else 0)
    resorted = np.lexsort((-survival, time))  # times just below 0 are 0 now
    return Clicks(table.file, chosen, time[resorted], survival[resorted], row[resorted], decimals, notes)


def _find_columns(table: Delimited) -> tuple[int, int]:
    """Return the columns of time and survival: by their names where the second alone is a time, else in this order."""
    columns = len(table.header or table.lines[0].cells)
    if columns != 2:
        shown = f"has {columns} columns" if columns > 1 else "has one column"
        raise DataError(f"{table.file} {shown}; give two, time and survival, separated by commas, semicolons or tabs")
    is_time = [bool(_TIME_NAMES.search(name)) for name in table.header]
    return (1, 0) if is_time == [False, True] else (0, 1)


def _require_scale(table: Delimited, column: int, *, is_percent: bool, first: float) -> None:
    """Raise a `DataError` when the header says percent and the numbers do not."""
    header = table.header[column] if table.header else ""
    if not is_percent and ("%" in header or "percent" in header.lower()):
        raise DataError(f"{table.file}: column '{header}' starts with {first:.4g}, which is not 100 percent; correct one of them")


def _require_times(file: str, time: Array, row: Integers) -> tuple[Array, tuple[str, ...]]:
    """Return times from 0 on with a note on those that lay just below."""
    slip = TIME_SLIP * 2.0 * abs(time[-1])
    if time[0] < -slip:
        raise DataError(f"time {time[0]:.4g} is negative ({file} row {row[0]}); correct the point or the axis")
    below = int((time < 0.0).sum())
    return np.maximum(time, 0.0), (f"{file}: times just below 0 are taken as 0 (points: {below})",) if below else ()


def _require_shares(file: str, value: Array, row: Integers, whole: float) -> tuple[Array, tuple[str, ...]]:
    """Return survival as a share within 0..1 with a note on what lay just outside."""
    share = value / whole
    outside = np.flatnonzero((share < -SLIP) | (share > 1.0 + SLIP))
    if outside.size:
        worst = outside[np.argmin(row[outside])]
        raise DataError(
            f"survival {value[worst]:.4g} lies outside 0..{whole:g} ({file} row {row[worst]}); correct the point or the axis"
        )
    beside = int(((share < 0.0) | (share > 1.0)).sum())
    note = f"{file}: survival just outside 0..{whole:g} is taken as the nearer end (points: {beside})"
    return np.clip(share, 0.0, 1.0), (note,) if beside else ()


def _count_decimals(table: Delimited, column: int) -> int:
    """Return the most decimals that a column of numbers writes."""
    texts = [line.cells[column].replace(",", ".").lower() for line in table.lines]
    return max(len(text.partition("e")[0].partition(".")[2]) - int(text.partition("e")[2] or 0) for text in texts)
