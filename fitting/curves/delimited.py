"""Tables of other programs: cells between commas, semicolons or tabs, numbers with points or decimal commas.

Start with `read_delimited`; `Delimited.number` reads a cell.  Tables of this package are read by `kinimmune.models.tables`.
"""

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kinimmune.fitting.runs.atomic_files import read_text
from kinimmune.models.errors import DataError, UsageError

_SEPARATORS = (";", "\t", ",")
"""In the order in which they are looked for: beside the first two a comma is part of a number."""
FARTHEST = 1e100
"""Numbers beyond it, or below one over it, are slips: what is computed from them need not be finite."""


@dataclass(frozen=True)
class Line:
    """A row of a file."""

    row: int
    """Number of the row in the file, the first being 1."""
    cells: tuple[str, ...]
    """Without surrounding blanks."""


@dataclass(frozen=True)
class Delimited:
    """The cells of a file."""

    file: str
    """As messages name it."""
    separator: str
    header: tuple[str, ...]
    """Names of columns, empty where the file has none."""
    lines: tuple[Line, ...]
    """Rows below the header that are not empty."""

    def place(self, line: Line) -> str:
        """Return file and row, for messages."""
        return f"{self.file} row {line.row}"

    def number(self, line: Line, column: int, what: str) -> float:
        """Return the number in a cell; raise a `DataError` where there is none."""
        text = line.cells[column]
        value = parse_number(text, comma_is_decimal=self.separator != ",")
        if value is None:
            shown = f"'{text}' is no number" if text else "there is no number"
            raise DataError(f"{what}: {shown} ({self.place(line)}); write it as 0.25 and remove what is no row of the table")
        return value


def parse_number(text: str, *, comma_is_decimal: bool) -> float | None:
    """Return the number a text writes, None where it writes none, or one so large or small that it measures nothing.

    >>> parse_number("0,25", comma_is_decimal=True), parse_number("1e-3", comma_is_decimal=False)
    (0.25, 0.001)
    >>> parse_number("nan", comma_is_decimal=False) is None
    True
    >>> parse_number("1e308", comma_is_decimal=False) is None  # of years it is no finite number of days
    True
    """
    written = text.replace(",", ".") if comma_is_decimal and text.count(",") == 1 and "." not in text else text
    try:
        value = float(written.replace("−", "-"))  # as typesetters write it
    except ValueError:
        return None
    measures = value == 0.0 or (math.isfinite(value) and 1.0 / FARTHEST < abs(value) < FARTHEST)
    return value if measures and "_" not in text else None


def read_delimited(path: Path, *, numbers: bool) -> Delimited:
    """Read a table.

    Parameters
    ----------
    path
        a plain text file
    numbers
        whether it holds numbers alone, so that a first row is a header only where none of its cells is a number, and a row
        above it with one text is the name of a curve; else the first row always is the header

    Raises
    ------
    UsageError
        when the file is not there
    DataError
        when it is no text table, its rows differ in length, or its first is neither header nor numbers
    """
    if not path.exists():
        raise UsageError(f"no file '{path}'; give the path of a table")
    text = read_text(path, "give a text table with cells between commas, semicolons or tabs").removeprefix("\ufeff")
    separator = _find_separator(text)
    lines = _split(path, text, separator)
    if not lines:
        raise DataError(f"{path} is empty; write a row for each point or patient")
    if numbers and len(lines) > 1 and sum(map(bool, lines[0].cells)) == 1 and not any(_are_numbers(lines[0], separator)):
        lines = lines[1:]  # the name of a curve, above its columns
    has_header = not numbers or _is_header(path, lines[0], separator)
    header = lines[0].cells if has_header else ()
    table = Delimited(str(path), separator, header, tuple(lines[1:] if has_header else lines))
    _require_one_length(table, len(lines[0].cells), numbers=numbers)
    return table


def _are_numbers(line: Line, separator: str) -> list[bool]:
    return [parse_number(cell, comma_is_decimal=separator != ",") is not None for cell in line.cells]


def _is_header(path: Path, line: Line, separator: str) -> bool:
    """Return whether the first row of a table of numbers is its header; raise a `DataError` for a row that is half of one."""
    are_numbers = _are_numbers(line, separator)
    if any(are_numbers) and not all(are_numbers):
        text = line.cells[are_numbers.index(False)]
        shown = f"'{text}' is no number" if text else "there is no number in one of its cells"
        raise DataError(
            f"{path} row {line.row} is neither header nor numbers: {shown}; write it as 0.25, or a header without numbers"
        )
    return not any(are_numbers)


def _find_separator(text: str) -> str:
    for line in text.splitlines():
        for separator in _SEPARATORS:
            if separator in line:
                return separator
    return ","


def _split(path: Path, text: str, separator: str) -> list[Line]:
    """Return the rows that are not empty."""
    if "\0" in text:
        raise DataError(f"{path} holds zero bytes and is no text table; save it as UTF-8 text")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        rows = [Line(reader.line_num, tuple(cell.strip() for cell in cells)) for cells in reader]
    except csv.Error as error:
        raise DataError(f"{path} row {reader.line_num} cannot be split into cells: {error}; quote texts") from error
    return [line for line in rows if any(line.cells)]


def _require_one_length(table: Delimited, columns: int, *, numbers: bool) -> None:
    advice = "separate cells by semicolons where numbers have decimal commas" if numbers else "quote texts with separators"
    for line in table.lines:
        if len(line.cells) != columns:
            raise DataError(f"{table.place(line)} has {len(line.cells)} cells where others have {columns}; {advice}")


def write_csv(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table as text of comma-separated cells.

    >>> write_csv(["time", "note"], [["1", "a, b"]]).splitlines()
    ['time,note', '1,"a, b"']
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue()
