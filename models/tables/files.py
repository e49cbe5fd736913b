"""CSV tables on disk: the package's, or a user's folder that replaces them one by one.

Start with `load_table`.  A table the folder lacks is the package's.  Nothing is raised for bad content: whatever is wrong
becomes a `Finding`, so that all findings of a folder can be shown at once; `Examined.require` raises the first of them.
"""

import csv
import io
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path

from kinimmune.models.errors import UsageError
from kinimmune.models.tables.findings import Examined, Finding, capped
from kinimmune.models.tables.former import ADDED_COLUMNS, FORMER_COLUMNS, MIGRATE, rewrite_row
from kinimmune.models.tables.version import find_version_faults

TABLES = (
    "sources.csv",
    "drugs.csv",
    "kinases.csv",
    "cell_lines.csv",
    "trials.csv",
    "arms.csv",
    "regimens.csv",
    "design.csv",
    "follow_up.csv",
    "criteria.csv",
    "observations.csv",
    "targets.csv",
    "curves.csv",
    "patients.csv",
    "covariates.csv",
    "case_mix.csv",
    "covariate_effects.csv",
    "measurements.csv",
    "parameters.csv",
    "experiments.csv",
    "claims.csv",
    "panels.csv",
    "limitations.csv",
)
"""File names of all tables."""
MODEL_FILE = "model.json"
"""A model as data, which may lie beside tables; `kinimmune.models.catalogue` reads it."""
PROJECT_FILE = "kinimmune.toml"
"""What makes a folder of tables a project: its model and settings; `kinimmune.fitting.projects` reads it."""
LARGEST_TABLE = 256 * 2**20
"""Largest size of a table [byte]; a larger file is another file."""
OTHER_ENDINGS = ("", ".tsv", ".txt", ".xls", ".xlsx", ".ods", ".numbers")
"""Endings of files that were meant to be tables and are none."""


@dataclass(frozen=True)
class Row:
    """One line of a table, as text."""

    file: str
    number: int
    cells: Mapping[str, str]
    """Column -> text without surrounding blanks; empty cells are absent."""


def load_table(
    name: str, folder: Path | None, required: Iterable[str], optional: Iterable[str] = (), *, shipped: Path | None = None
) -> Examined[Row]:
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
    shipped
        folder of the tables of a plug-in, which stand in for those `folder` lacks and go before the package's

    Raises
    ------
    UsageError
        when the folder does not exist or holds no table at all
    """
    location, shown = _locate(name, folder, shipped)
    faults = () if folder is None else tuple(find_version_faults(folder))
    if faults:
        return Examined((), faults)
    if folder is not None and isinstance(location, Path):
        problem = find_misnamed(name, folder) or _find_unreadable(location, shown)
        if problem:
            return Examined((), (Finding(shown, None, None, problem),))
    try:
        content = location.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Examined((), (Finding(shown, None, None, f"cannot read {shown}: {reason}; make it a readable file"),))
    problem, text = _decode(content)
    if problem:
        return Examined((), (Finding(shown, None, None, f"{shown} {problem}"),))
    return _rows(shown, text, tuple(required), tuple(optional))


def _locate(name: str, folder: Path | None, shipped: Path | None) -> tuple[Traversable, str]:
    if folder is None:
        shown = name if shipped is None else f"the package's {name}"
        return _locate_other(name, shipped) or (files("kinimmune.data").joinpath(name), shown)
    require_folder(folder)
    own = folder / name
    if own.exists() or find_misnamed(name, folder):
        return own, name
    return _locate_other(name, shipped) or (files("kinimmune.data").joinpath(name), f"the package's {name}")


def _locate_other(name: str, shipped: Path | None) -> tuple[Traversable, str] | None:
    """Return the table of a plug-in, where it has one."""
    return None if shipped is None or not (shipped / name).is_file() else (shipped / name, f"the plug-in's {name}")


def require_folder(folder: Path) -> None:
    """Raise a `UsageError` when a folder does not exist or holds no table."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise UsageError(f"folder '{folder}' {what}; give a folder with tables such as targets.csv")
    if not any((folder / table).exists() or find_misnamed(table, folder) for table in (*TABLES, MODEL_FILE, PROJECT_FILE)):
        raise UsageError(f"folder '{folder}' holds no table; put at least one of {', '.join(TABLES)} there")


def find_misnamed(name: str, folder: Path) -> str:
    """Return what is wrong where a folder has a file that was meant to be a table and is not read; empty where nothing is.

    Without this the package's table would be read in the place of one that is missing, or one of two tables that both look like
    it, and nobody would learn of it.  Beside the table itself, files that no program takes for a CSV table are let be.
    """
    own = folder / name
    if own.is_symlink() and not own.exists():
        return f"{name} links to a file that is not there; restore it, or remove the link to use the package's"
    for path in sorted(path for path in folder.iterdir() if _is_meant_as(path.name, name)):
        if not own.exists():
            return f"{path.name} is not a table that is read; did you mean {name}?"
        same = path.exists() and path.samefile(own)  # where case makes no difference
        if path.suffix.lower() == ".csv" and not same:
            return f"{path.name} beside {name} is not read; keep one of the two, or move it elsewhere"
    return ""


@cache
def _is_meant_as(given: str, name: str) -> bool:
    """Return whether a file was meant to be a table: other case, other ending, or a slip of the pen."""
    if given in TABLES or given.startswith("."):
        return False
    lower, stem = given.lower(), name.removesuffix(".csv")
    if lower.startswith(name) or lower in {f"{stem}{ending}" for ending in OTHER_ENDINGS}:
        return True
    return lower.endswith(".csv") and _find_closest(lower) == name


@cache
def _find_closest(given: str) -> str | None:
    """Return the table whose name is nearly a file's, None where there is none."""
    return next(iter(get_close_matches(given, TABLES, 1)), None)


def _find_unreadable(path: Path, shown: str) -> str:
    """Return why a file is no table, before it is opened: a pipe or a device would be waited for, or never end."""
    try:
        status = path.stat()
    except OSError as error:
        return f"cannot read {shown}: {error.strerror}; make it a readable file"
    if stat.S_ISDIR(status.st_mode):
        return f"cannot read {shown}: Is a directory; make it a readable file"
    if not stat.S_ISREG(status.st_mode):
        return f"{shown} is no plain file; write it as comma-separated UTF-8 text"
    if status.st_size > LARGEST_TABLE:
        return f"{shown} has {status.st_size} bytes, more than the {LARGEST_TABLE} of the largest table; is it another file?"
    return ""


def _decode(content: bytes) -> tuple[str, str]:
    """Return (problem, text): a problem when the bytes are not a text table."""
    if not content.strip():
        return _EMPTY, ""
    if b"\0" in content:
        return "holds zero bytes and is not a text table; write it as comma-separated UTF-8 text", ""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return f"is not UTF-8 text (byte {error.start}); write it as comma-separated UTF-8 text", ""
    return ("", text) if text.strip() else (_EMPTY, "")


_EMPTY = "is empty; write a header line and rows, or remove the file to use the package's"


def _find_other_separator(file: str, text: str) -> Finding | None:
    """Return a finding when a spreadsheet wrote the table with another separator, or told one in a line of its own."""
    first = text.lstrip("\r\n").splitlines()[0]
    if first.lower().lstrip('"').startswith("sep="):
        problem = f"{file} row 1 is '{first}', a line for spreadsheets; remove it and separate cells by commas"
        return Finding(file, 1, None, problem)
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if separator in first and "," not in first:
            problem = f"{file} separates cells by {name}; save it with commas between cells and points in numbers"
            return Finding(file, 1, None, problem)
    return None


def _rows(file: str, text: str, required: tuple[str, ...], optional: tuple[str, ...]) -> Examined[Row]:
    odd = _find_other_separator(file, text)
    if odd is not None:
        return Examined((), (odd,))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader)]
        found = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        place = f"{file} row {reader.line_num}"
        return Examined(
            (), (Finding(file, reader.line_num, None, f"{place} cannot be split into cells: {error}; quote texts with commas"),)
        )
    former = FORMER_COLUMNS.get(file)
    allowed = (*optional, former) if former in header else optional
    comma = _find_decimal_comma(file, header, found)
    ragged = capped(_find_ragged(file, header, found)) if comma is None else [comma]
    findings = [*_check_header(file, header, required, allowed), *ragged]
    if findings:
        return Examined((), tuple(findings))
    rows = [
        Row(file, number, {column: cell for column, cell in zip(header, cells, strict=True) if cell})
        for number, cells in found
        if any(cells)
    ]
    return _rewrite(rows) if former in header else Examined(tuple(rows), ())


def _rewrite(rows: Iterable[Row]) -> Examined[Row]:
    """Return rows of a table of before in today's columns."""
    rewritten = [(row, rewrite_row(row.cells)) for row in rows]
    gaps = capped(_tell_missing(row, now.missing) for row, now in rewritten if now.missing)
    return Examined(tuple(Row(row.file, row.number, now.cells) for row, now in rewritten if not now.missing), tuple(gaps))


def _tell_missing(row: Row, column: str) -> Finding:
    problem = f"a row of kind '{row.cells['kind']}' has no value in column '{column}' ({row.file} row {row.number}); fill it in"
    return Finding(row.file, row.number, column, problem)


def _find_ragged(file: str, header: list[str], rows: Iterable[tuple[int, list[str]]]) -> Iterable[Finding]:
    for number, cells in rows:
        if any(cells) and len(cells) != len(header):
            message = f"{file} row {number} has {len(cells)} cells where the header has {len(header)}; quote texts with commas"
            yield Finding(file, number, None, message)


def _find_decimal_comma(file: str, header: list[str], rows: Iterable[tuple[int, list[str]]]) -> Finding | None:
    """Return one finding for a table in which decimal commas split numbers into two cells, as its first such row tells."""
    for number, cells in rows:
        halves = [(a, b) for a, b in pairwise(cells) if a.lstrip("+-").isdigit() and b.isdigit()]
        if len(cells) > len(header) and halves:
            problem = f"{file} row {number} has {len(cells)} cells where the header has {len(header)}"
            advice = f"save it with points in numbers, not '{','.join(halves[0])}', and quote texts with commas"
            return Finding(file, number, None, f"{problem}; {advice}")
    return None


def _check_header(file: str, header: list[str], required: tuple[str, ...], optional: tuple[str, ...]) -> Iterable[Finding]:
    for column in required:
        if column not in header:
            older = ADDED_COLUMNS.get(file) == column
            advice = f"tables of before are rewritten by {MIGRATE}" if older else f"it has: {', '.join(header)}"
            yield Finding(file, 1, column, f"column '{column}' is missing ({file} row 1); {advice}")
    for index, column in enumerate(header):
        if column in header[:index]:
            yield Finding(file, 1, column, f"column '{column}' stands twice ({file} row 1); remove one")
        elif column not in required and column not in optional:
            close = get_close_matches(column, [*required, *optional], 1)
            advice = f"did you mean '{close[0]}'?" if close else f"allowed: {', '.join([*required, *optional])}"
            yield Finding(file, 1, column, f"unknown column '{column}' ({file} row 1); {advice}")
