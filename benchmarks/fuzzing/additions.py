"""What nothing reads, added to a folder of tables: columns, rows about what does not exist, files with names of near misses.

Start with `add_column`, `add_row` and `add_file`.
"""

import random
from pathlib import Path

from fuzzing.cells import Rows

STRANGERS: dict[str, tuple[str, ...]] = {
    "parameters.csv": ("model", "study", "name"),
    "experiments.csv": ("model", "target"),
    "claims.csv": ("model", "readout", "quantity", "experiment", "baseline", "day", "document"),
    "panels.csv": ("model", "experiments", "quantities", "day", "parameter"),
    "limitations.csv": ("model", "mechanism", "about"),
    "targets.csv": ("study", "arm", "endpoint", "value_source"),
    "design.csv": ("study", "arm", "quantity", "source"),
    "follow_up.csv": ("study", "endpoint", "cutoff_source"),
    "arms.csv": ("study",),
    "observations.csv": ("study", "arm", "source"),
    "kinases.csv": ("drives", "source"),
    "cell_lines.csv": ("source",),
    "trials.csv": ("study", "source"),
}
"""Table -> columns that name something which must exist."""
KEYS = ("id", "kinase", "cell_line", "title", "experiment", "quantity", "month", "first_day")
"""Columns that are given a new name, so that an added row is not refused as a double."""
STRANGER = "nobody_knows"
NEAR_FILES = (
    *(
        "{stem}.CSV",
        "{Stem}.csv",
        "{stem}2.csv",
        "{stem} (1).csv",
        "{stem}_old.csv",
        "my_{stem}.csv",
        "{stem}s.csv",
        "{short}.csv",
        "notes.csv",
    ),
    *("Copy of {stem}.csv", "{stem}-new.csv", "{stem}.csv.csv"),
)


def add_column(rng: random.Random, rows: Rows) -> str | None:
    """Add a column, filled or empty, somewhere."""
    near = rng.choice(rows[0])
    name = rng.choice(("comment", "", "x", near + "2", near.upper(), f"{near} ", near[:-1], "Unnamed: 0", "index", "unit2"))
    if name.strip() in rows[0]:
        return None
    at, text = rng.randint(0, len(rows[0])), rng.choice(("", "1", "text"))
    for number, row in enumerate(rows):
        row.insert(at, text if number else name)
    return f"column '{name}' full of '{text}'"


def add_row(rng: random.Random, rows: Rows, table: str) -> str | None:
    """Add a copy of a row that names something which does not exist."""
    if table not in STRANGERS or len(rows) < 2:
        return None
    header, column = rows[0], rng.choice(STRANGERS[table])
    at = header.index(column)
    models = [
        row
        for row in rows[1:]
        if row[at] and (column != "target" or row[header.index("kind")] in ("set", "scale", "input", "dose"))
    ]
    if not models:
        return None
    row = list(rng.choice(models))
    for key in KEYS:
        if key in header and key != column and row[header.index(key)]:
            row[header.index(key)] = _renamed(table, key, row[header.index(key)])
    row[at] = STRANGER
    rows.insert(rng.randint(1, len(rows)), row)
    return f"a row whose {column} is '{STRANGER}': {','.join(row)[:80]}"


def _renamed(table: str, key: str, text: str) -> str:
    """Return a key that no other row has, where the table lets one choose it."""
    free = {"claims.csv": ("id",), "kinases.csv": ("kinase",), "cell_lines.csv": ("cell_line",), "panels.csv": ("title",)}
    return f"{text}X" if key in free.get(table, ()) else text


def add_file(rng: random.Random, path: Path) -> str | None:
    """Put a copy of a table beside it under a name that is nearly its own."""
    stem = path.stem
    name = rng.choice(NEAR_FILES).format(stem=stem, Stem=stem.capitalize(), short=stem[:-1])
    if (path.parent / name).exists():
        return None
    (path.parent / name).write_bytes(path.read_bytes())
    return f"beside it a file '{name}'"


def rename_file(rng: random.Random, path: Path) -> str | None:
    """Give the table a name that is nearly its own."""
    stem = path.stem
    endings = ("{stem}.txt", "{stem}.csv.txt", "{stem}.tsv", "{stem}.xlsx", "{stem}", ".{stem}.csv ")
    name = rng.choice((*NEAR_FILES[:3], *endings[:5])).format(stem=stem, Stem=stem.capitalize(), short=stem[:-1])
    path.rename(path.parent / name)
    return f"its name is '{name}'"
