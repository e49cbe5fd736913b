"""CSV tables on disk: the package's, or a user's folder that replaces them one by one.

Start with `load_table`.  A table the folder lacks is the package's.  Nothing is raised for bad content: whatever is wrong
becomes a `Finding`, so that all findings of a folder can be shown at once; `Examined.require` raises the first of them.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Generic, TypeVar

from kinimmune.models.errors import DataError, UsageError

T = TypeVar("T")

TABLES = (
    "sources.csv",
    "kinases.csv",
    "cell_lines.csv",
    "trials.csv",
    "arms.csv",
    "design.csv",
    "follow_up.csv",
    "observations.csv",
    "targets.csv",
    "parameters.csv",
    "experiments.csv",
    "claims.csv",
)
"""Every table there is."""


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a table."""

    file: str
    """File name; a table the folder does not replace is called the package's."""
    row: int | None
    """Line in the file, the header being line 1; None when the whole file is meant."""
    column: str | None
    """None when the whole row or file is meant."""
    message: str
    """One line: what was given, where, what to do."""

    def __str__(self) -> str:
        """Return the message."""
        return self.message


@dataclass(frozen=True)
class Examined(Generic[T]):
    """What a table holds and what is wrong with it."""

    entries: tuple[T, ...]
    """Usable entries; incomplete when there are findings."""
    findings: tuple[Finding, ...]

    def require(self) -> tuple[T, ...]:
        """Return the entries, or raise the first finding as a `DataError`."""
        if self.findings:
            raise DataError(self.findings[0].message)
        return self.entries


@dataclass(frozen=True)
class Row:
    """One line of a table, as text."""

    file: str
    number: int
    cells: Mapping[str, str]
    """Column -> text without surrounding blanks; empty cells are absent."""


def load_table(name: str, folder: Path | None, required: Iterable[str], optional: Iterable[str] = ()) -> Examined[Row]:
    """Read one CSV table as text.

    Parameters
    ----------
    name
        file name, such as `arms.csv`
    folder
        a user's folder, or None for the package's tables
    required
        columns that must be there
    optional
        columns that may be there; any other is refused, since it may be a misspelt one of these

    Raises
    ------
    UsageError
        when the folder does not exist or holds no table at all
    """
    location, shown = _locate(name, folder)
    try:
        content = location.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Examined((), (Finding(shown, None, None, f"cannot read {shown}: {reason}; make it a readable file"),))
    problem, text = _decode(content)
    if problem:
        return Examined((), (Finding(shown, None, None, f"{shown} {problem}"),))
    return _rows(shown, text, tuple(required), tuple(optional))


def _locate(name: str, folder: Path | None) -> tuple[Traversable, str]:
    if folder is None:
        return files("kinimmune.data").joinpath(name), name
    if not folder.is_dir():
        raise UsageError(f"folder '{folder}' does not exist; give a folder with tables such as targets.csv")
    if not any((folder / table).exists() for table in TABLES):
        raise UsageError(f"folder '{folder}' holds no table; put at least one of {', '.join(TABLES)} there")
    own = folder / name
    if own.exists():
        return own, name
    return files("kinimmune.data").joinpath(name), f"the package's {name}"


def _decode(content: bytes) -> tuple[str, str]:
    """Return (problem, text): a problem when the bytes are not a text table."""
    if not content.strip():
        return "is empty; write a header line and rows, or remove the file to use the package's", ""
    if b"\0" in content:
        return "holds zero bytes and is not a text table; write it as comma-separated UTF-8 text", ""
    try:
        return "", content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return f"is not UTF-8 text (byte {error.start}); write it as comma-separated UTF-8 text", ""


def _rows(file: str, text: str, required: tuple[str, ...], optional: tuple[str, ...]) -> Examined[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader)]
        found = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        place = f"{file} row {reader.line_num}"
        return Examined(
            (), (Finding(file, reader.line_num, None, f"{place} cannot be split into cells: {error}; quote texts with commas"),)
        )
    findings = [*_check_header(file, header, required, optional)]
    rows: list[Row] = []
    for number, cells in found:
        if not any(cells):
            continue
        if len(cells) == len(header):
            rows.append(Row(file, number, {column: cell for column, cell in zip(header, cells, strict=True) if cell}))
        else:
            message = f"{file} row {number} has {len(cells)} cells where the header has {len(header)}; quote texts with commas"
            findings.append(Finding(file, number, None, message))
    return Examined(() if findings else tuple(rows), tuple(findings))


def _check_header(file: str, header: list[str], required: tuple[str, ...], optional: tuple[str, ...]) -> Iterable[Finding]:
    for column in required:
        if column not in header:
            yield Finding(file, 1, column, f"column '{column}' is missing ({file} row 1); it has: {', '.join(header)}")
    for index, column in enumerate(header):
        if column in header[:index]:
            yield Finding(file, 1, column, f"column '{column}' stands twice ({file} row 1); remove one")
        elif column not in required and column not in optional:
            close = get_close_matches(column, [*required, *optional], 1)
            advice = f"did you mean '{close[0]}'?" if close else f"allowed: {', '.join([*required, *optional])}"
            yield Finding(file, 1, column, f"unknown column '{column}' ({file} row 1); {advice}")
