"""Rewritings of a table that say the same: order, quoting, line ends, blanks, other spellings of numbers, other units.

Start with `REWRITINGS` and `rewrite_unit`; what they do to a table is as in `cells.py`, what they do to bytes as in `files.py`.
"""

import random
import re
from collections.abc import Callable
from fractions import Fraction

from fuzzing.cells import Rows, read_rows, write_rows
from kinimmune.models.symbolic.units import DAYS_PER_MONTH

Rewriting = Callable[[random.Random, bytes], tuple[bytes, str] | None]

UNITS: dict[str, tuple[tuple[str, Fraction], ...]] = {
    "nmol": (("umol", Fraction(1, 1000)), ("mmol", Fraction(1, 10**6)), ("pmol", Fraction(1000))),
    "umol": (("nmol", Fraction(1000)), ("mmol", Fraction(1, 1000))),
    "mg": (("g", Fraction(1, 1000)), ("ug", Fraction(1000))),
    "g": (("mg", Fraction(1000)),),
    "d": (("h", Fraction(24)), ("min", Fraction(1440)), ("week", Fraction(1, 7))),
    "h": (("d", Fraction(1, 24)), ("min", Fraction(60))),
    "month": (("d", Fraction(DAYS_PER_MONTH)),),
    "L": (("mL", Fraction(1000)), ("dL", Fraction(10))),
    "mL": (("L", Fraction(1, 1000)),),
    "mm": (("cm", Fraction(1, 10)), ("m", Fraction(1, 1000))),
    "cm": (("mm", Fraction(10)),),
}
"""Unit -> others of the same kind, and how many of them it is."""
NUMBERS: dict[str, tuple[str, ...]] = {
    "design.csv": ("value",),
    "observations.csv": ("value",),
    "kinases.csv": ("ic50",),
    "parameters.csv": ("value", "lower", "upper", "prior_median"),
    "experiments.csv": ("value", "amount"),
    "regimens.csv": ("amount",),
    "targets.csv": ("value", "lower", "upper"),
}
"""Table -> columns whose numbers are in the unit of column `unit`."""
_TOKEN = re.compile(r"([*/]?)([A-Za-z]+)(?:(?:\*\*|\^)(-?\d))?")


def convert(unit: str, rng: random.Random) -> tuple[str, Fraction] | None:
    """Return another unit of the same kind, and how many of it the given one is."""
    places = [match for match in _TOKEN.finditer(unit) if match[2] in UNITS]
    if not places:
        return None
    place = rng.choice(places)
    name, factor = rng.choice(UNITS[place[2]])
    power = int(place[3] or 1) * (-1 if place[1] == "/" else 1) * (-1 if "/(" in unit[: place.start()] else 1)
    return unit[: place.start(2)] + name + unit[place.end(2) :], factor**power


def rewrite_unit(rng: random.Random, rows: Rows, table: str) -> str | None:
    """Give the numbers of one row, or of all, in another unit."""
    if table not in NUMBERS or len(rows) < 2:
        return None
    header = rows[0]
    at = header.index("unit")
    chosen = rows[1:] if rng.random() < 0.1 else [rng.choice(rows[1:])]
    done = []
    for row in chosen:
        found = convert(row[at], rng)
        if found is None:
            continue
        done.append(f"row {rows.index(row) + 1} '{row[at]}' -> '{found[0]}'")
        row[at] = found[0]
        _multiply(row, header, NUMBERS[table], found[1])
        if table == "parameters.csv":
            _multiply_spreads(row, header, found[1])
    return "; ".join(done[:3]) or None


def _multiply(row: list[str], header: list[str], columns: tuple[str, ...], factor: Fraction) -> None:
    for column in columns:
        if column in header and row[header.index(column)]:
            at = header.index(column)
            row[at] = repr(float(Fraction(row[at]) * factor))


def _multiply_spreads(row: list[str], header: list[str], factor: Fraction) -> None:
    """Convert standard deviations that are on a linear scale, and so have the unit."""
    for scale, column in (("prior", "prior_sd"), ("spread_scale", "spread_sd")):
        if row[header.index(scale)] == "normal" and re.fullmatch(r"[\d.e+-]+", row[header.index(column)]):
            _multiply(row, header, (column,), factor)


def shuffle_rows(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Put the rows into another order."""
    rows = read_rows(content)
    below = rows[1:]
    rng.shuffle(below)
    return write_rows([rows[0], *below]), "rows in another order"


def shuffle_columns(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Put the columns into another order."""
    rows = read_rows(content)
    order = list(range(len(rows[0])))
    rng.shuffle(order)
    return write_rows([[row[at] for at in order] for row in rows]), "columns in another order"


def quote(_: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Quote every cell."""
    return write_rows(read_rows(content), quote_all=True), "all cells quoted"


def change_line_ends(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """End lines as other systems do, or the last not at all."""
    end = rng.choice((b"\r\n", b"\r", b""))
    if not end:
        return content.rstrip(b"\r\n"), "no end of the last line"
    return content.replace(b"\r\n", b"\n").replace(b"\n", end), f"lines end in {end!r}"


def add_mark(_: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Put a byte-order mark before the text."""
    return b"\xef\xbb\xbf" + content, "byte-order mark"


def add_blank_lines(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Put blank lines, or lines of empty cells, between the lines and at the end."""
    rows = read_rows(content)
    empty = rng.choice(([], [""] * len(rows[0])))
    for _ in range(rng.randint(1, 3)):
        rows.insert(rng.randint(1, len(rows)), list(empty))
    return write_rows(rows), f"lines of {len(empty)} empty cells"


def add_blanks(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Put blanks around cells."""
    rows = read_rows(content)
    blanks = ("", " ", "  ", "\t", "\u00a0")
    return write_rows([[rng.choice(blanks) + cell + rng.choice(blanks) for cell in row] for row in rows]), "blanks around cells"


def respell_numbers(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Write numbers with more digits or as powers of ten."""
    rows = read_rows(content)
    header, done = rows[0], 0
    columns = [
        at
        for at, name in enumerate(header)
        if name in ("value", "lower", "upper", "prior_median", "prior_sd", "reference", "ic50")
    ]
    for row in rows[1:]:
        for at in columns:
            if re.fullmatch(r"-?\d+(\.\d+)?", row[at]):
                forms = (f"{row[at]}{'0' if '.' in row[at] else '.0'}", f"{row[at]}e0", f"{row[at]}E+00")
                row[at] = rng.choice((*forms, row[at]))
                done += 1
    return (write_rows(rows), f"{done} numbers spelt otherwise") if done else None


REWRITINGS: dict[str, Rewriting] = {
    "rows shuffled": shuffle_rows,
    "columns shuffled": shuffle_columns,
    "all quoted": quote,
    "line ends": change_line_ends,
    "byte-order mark": add_mark,
    "blank lines": add_blank_lines,
    "blanks around cells": add_blanks,
    "numbers respelt": respell_numbers,
}
