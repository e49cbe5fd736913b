"""Tables of earlier versions rewritten in today's form.

Start with `migrate`; nothing is written here.  What a table of before does not say is not made up: it is left empty and told.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kinimmune.models.tables.files import ADDED_COLUMNS, load_table
from kinimmune.models.tables.treatments import AMOUNT

Cells = Mapping[str, str]


@dataclass(frozen=True)
class Migrated:
    """One table in today's form."""

    name: str
    """File name."""
    text: str
    """Content of the file."""
    notes: tuple[str, ...]
    """What was filled in, and what could not be."""


def migrate(folder: Path, drugs: Sequence[str]) -> tuple[Migrated, ...]:
    """Return the tables of a folder that are of an earlier form, rewritten; none where all are of today's.

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
        when a table to be rewritten cannot be read
    """
    fill: dict[str, Callable[[Cells], str]] = {"arms.csv": lambda row: _find_drug(row, drugs), "kinases.csv": lambda _: drugs[0]}
    found = []
    for name, column in ADDED_COLUMNS.items():
        path = folder / name
        if not path.is_file():
            continue
        header = next(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))), [])
        if column not in (cell.strip() for cell in header):
            found.append(_add_column(folder, name, [cell.strip() for cell in header], column, fill[name]))
    return tuple(found)


def _add_column(folder: Path, name: str, header: Sequence[str], column: str, fill: Callable[[Cells], str]) -> Migrated:
    rows = load_table(name, folder, header).require()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    place = header.index("treatment") if "treatment" in header else 0
    writer.writerow([*header[:place], column, *header[place:]])
    notes = []
    for row in rows:
        value = fill(row.cells)
        cells = [row.cells.get(item, "") for item in header]
        writer.writerow([*cells[:place], value, *cells[place:]])
        label = ":".join(row.cells[item] for item in ("study", "arm", "kinase") if item in row.cells)
        if value:
            notes.append(f"{name}: {column} of {label} is {value}")
        elif AMOUNT.search(row.cells.get("treatment", "")):
            notes.append(f"{name}: {column} of {label} is not known from '{row.cells['treatment']}'; fill it in")
    return Migrated(name, text.getvalue(), tuple(notes))


def _find_drug(row: Cells, drugs: Sequence[str]) -> str:
    words = row.get("treatment", "").lower()
    named = [drug for drug in drugs if drug in words]
    return named[0] if len(named) == 1 else ""
