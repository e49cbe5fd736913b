"""Tables of earlier versions rewritten in today's form.

Start with `migrate`; nothing is written here.  What a table of before does not say is not made up: it is left empty and told.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kinimmune.models.errors import DataError
from kinimmune.models.tables.administrations import REGIMEN_COLUMNS
from kinimmune.models.tables.files import TABLES, load_table, require_folder
from kinimmune.models.tables.findings import Finding
from kinimmune.models.tables.former import ADDED_COLUMNS, FORMER_COLUMNS, MIGRATE, VERSION
from kinimmune.models.tables.treatments import AMOUNT
from kinimmune.models.tables.version import DESCRIPTOR, KEY, find_older_version, find_version_faults, write_version

Cells = Mapping[str, str]


@dataclass(frozen=True)
class Migrated:
    """One file in today's form."""

    name: str
    """File name."""
    text: str
    """Content of the file."""
    notes: tuple[str, ...]
    """What was filled in, and what could not be."""


def migrate(folder: Path, drugs: Sequence[str]) -> tuple[Migrated, ...]:
    """Return the tables of a folder that are of an earlier form, rewritten, and the descriptor that tells today's version.

    Nothing is returned where all are of today's form, unless a descriptor tells an earlier version.

    Parameters
    ----------
    folder
        with tables of one's own
    drugs
        names of drugs that may be found in the words of a treatment; the first is the one that tables of before know

    Raises
    ------
    UsageError
        when the folder does not exist or holds no table
    DataError
        when a table to be rewritten cannot be read, or is of a version that is not known yet
    """
    require_folder(folder)
    for fault in find_version_faults(folder):
        raise DataError(fault.message)
    found: list[Migrated] = [_migrate_table(folder, name, header, drugs) for name, header in _list_former(folder)]
    if found or any(True for _ in find_older_version(folder)):
        present = tuple(name for name in TABLES if (folder / name).is_file())
        told = f"{DESCRIPTOR}: '{KEY}' is {VERSION}, the version of the form of the tables"
        found.append(Migrated(DESCRIPTOR, write_version(folder, present), (told,)))
    return tuple(found)


def find_former(folder: Path | None) -> tuple[Finding, ...]:
    """Return the tables of a folder that are read although they are of an earlier form, and a descriptor that tells one."""
    if folder is None or any(True for _ in find_version_faults(folder)):
        return ()
    return (
        *(
            Finding(name, 1, column, f"column '{column}' is of tables of before ({name} row 1); {MIGRATE} rewrites them")
            for name, header in _list_former(folder)
            for column in header
            if column == FORMER_COLUMNS.get(name)
        ),
        *find_older_version(folder),
    )


def _list_former(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the names and headers of tables of an earlier form."""
    for name in (*ADDED_COLUMNS, *FORMER_COLUMNS):
        path = folder / name
        if not path.is_file():
            continue
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                header = [cell.strip() for cell in next(csv.reader(file), [])]
        except (OSError, UnicodeDecodeError, csv.Error):
            continue  # whoever reads that table says so
        added = ADDED_COLUMNS.get(name)
        if (added is not None and added not in header) or FORMER_COLUMNS.get(name) in header:
            yield name, header


def _migrate_table(folder: Path, name: str, header: Sequence[str], drugs: Sequence[str]) -> Migrated:
    if name in FORMER_COLUMNS:
        return _rewrite_experiments(folder, name, header)
    column = ADDED_COLUMNS[name]
    place = header.index("treatment") if "treatment" in header else 0
    rows, notes = [], []
    for row in load_table(name, folder, header).require():
        value = _find_drug(row.cells, drugs) if name == "arms.csv" else drugs[0]
        rows.append({**row.cells, column: value})
        label = ":".join(row.cells[item] for item in ("study", "arm", "kinase") if item in row.cells)
        if value:
            notes.append(f"{name}: {column} of {label} is {value}")
        elif AMOUNT.search(row.cells.get("treatment", "")):
            notes.append(f"{name}: {column} of {label} is not known from '{row.cells['treatment']}'; fill it in")
    return Migrated(name, _write([*header[:place], column, *header[place:]], rows), tuple(notes))


def _rewrite_experiments(folder: Path, name: str, header: Sequence[str]) -> Migrated:
    """Return a table whose rows were put into today's columns when they were read."""
    rest = [column for column in header if column not in (FORMER_COLUMNS[name], *REGIMEN_COLUMNS)]
    place = rest.index("unit") if "unit" in rest else len(rest)
    drug, amount, *others = REGIMEN_COLUMNS
    where = rest.index("target") if "target" in rest else 0
    today = [*rest[:where], drug, *rest[where:place], amount, *rest[place : place + 1], *others, *rest[place + 1 :]]
    rows = [row.cells for row in load_table(name, folder, rest, [*REGIMEN_COLUMNS]).require()]
    given = sum(row.get("kind") == "give" for row in rows)
    return Migrated(name, _write(today, rows), (f"{name}: {given} rows give what kinds input and dose gave",))


def _write(header: Sequence[str], rows: Sequence[Cells]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([row.get(column, "") for column in header] for row in rows)
    return text.getvalue()


def _find_drug(row: Cells, drugs: Sequence[str]) -> str:
    words = row.get("treatment", "").lower()
    named = [drug for drug in drugs if drug in words]
    return named[0] if len(named) == 1 else ""
