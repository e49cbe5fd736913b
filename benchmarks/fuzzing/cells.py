"""Damage to the cells of a table: odd numbers, odd texts, cells and rows that moved, were doubled or left out.

Start with `CELL_MUTATORS`.  A table is a list of rows of texts, the header first; a mutator changes it in place and returns words
that tell what it did, None where it does not apply.
"""

import csv
import io
import random
from collections.abc import Callable

Rows = list[list[str]]
CellMutator = Callable[[random.Random, Rows], str | None]

ODD_NUMBERS = (
    *(
        "0",
        "-0",
        "-1",
        "+1",
        "1.",
        ".5",
        "1e300",
        "1e-300",
        "-1e300",
        "1e400",
        "nan",
        "NaN",
        "inf",
        "-Infinity",
        "1_000",
        "0x10",
        "1,5",
    ),
    *("１２", "1 2", "1e", "--1", "5" * 400, "0." + "0" * 400 + "1", "1e-5000", "٣", "½", "1/3", "1d0", "TRUE", "12:30", "3;4"),
    *("4.9406564584124654e-324", "1.7976931348623157e308", "9007199254740993", "18446744073709551616", "0.30000000000000004"),
)
ODD_TEXTS = (
    *("", " ", "-", "none", "None", "null", "NULL", "yes", "no", "é", "Ω", "日本", "a" * 5000, "a b", "a  b", "A", "__class__"),
    *(
        "=1+1",
        "@x",
        "<b>x</b>",
        "&amp;",
        "#let x = 1",
        "$x",
        "$",
        "\\",
        "\\\\",
        "{",
        "}",
        "{}",
        "{0}",
        "%s",
        "%",
        "`",
        "*",
        "_",
        "#",
    ),
    *(
        "\u202eabc",
        "\u200b",
        "\x1b[31mred",
        "\x07",
        "\x7f",
        "a\nb",
        "a\r\nb",
        "\t",
        '"',
        "'",
        '""',
        "a,b",
        ";",
        "../../etc/passwd",
        "/dev/zero",
    ),
    *(
        "__import__('os').system('true')",
        "lambda: 0",
        "x" * 200 + "!",
        "(" * 60,
        "[" * 60 + "]" * 60,
        "1" * 60,
        "https://x.y/z",
        "*b",
        "^",
        "~",
    ),
    *(
        "d**9",
        "d^-1",
        "1/d/d/d",
        "nmol/L*(",
        "degC",
        "month",
        "mg*mg",
        "hPa",
        "%",
        "2 d",
        "1e3 d",
        "kg",
        "$a_b^c$",
        "alpha_",
        "g_",
        "a/",
        "hat()",
    ),
    *(
        "2005-02-30",
        "0001-01-01",
        "9999-12-31",
        "2005-3-10",
        "10/03/2005",
        "2005-03-10T00:00",
        "lognormal",
        "fixed",
        "normal",
        "logitnormal",
    ),
    *("\ufeff", "\ufffd", "e\u0301", "İ", "ß", "x\u00a0y", "CON", "-1", "0", "1e300"),
)


def read_rows(content: bytes) -> Rows:
    """Return the rows of a table."""
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def write_rows(rows: Rows, *, end: str = "\n", quote_all: bool = False) -> bytes:
    """Return the bytes of a table."""
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator=end, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL).writerows(rows)
    return stream.getvalue().encode()


def _pick(rng: random.Random, rows: Rows) -> tuple[int, int] | None:
    """Return row and column of a cell below the header."""
    return (rng.randrange(1, len(rows)), rng.randrange(len(rows[0]))) if len(rows) > 1 else None


def _place(rows: Rows, row: int, column: int) -> str:
    return f"row {row + 1}, column '{rows[0][column]}'"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def put_odd_number(rng: random.Random, rows: Rows) -> str | None:
    """Put an odd number in place of a number."""
    places = [(i, j) for i, row in enumerate(rows) for j, cell in enumerate(row) if i and _is_number(cell)]
    if not places:
        return None
    row, column = rng.choice(places)
    odd = rng.choice(ODD_NUMBERS)
    before, rows[row][column] = rows[row][column], odd
    return f"{_place(rows, row, column)}: {before!r} -> {odd[:40]!r}"


def scale_number(rng: random.Random, rows: Rows) -> str | None:
    """Multiply a number by a power of ten, or turn its sign."""
    places = [(i, j) for i, row in enumerate(rows) for j, cell in enumerate(row) if i and _is_number(cell)]
    if not places:
        return None
    row, column = rng.choice(places)
    factor = rng.choice((-1.0, 1e-12, 1e-6, 1e-3, 0.1, 0.5, 2.0, 10.0, 1e3, 1e6, 1e12))
    before = rows[row][column]
    rows[row][column] = repr(float(before) * factor)
    return f"{_place(rows, row, column)}: {before!r} -> {rows[row][column]!r}"


def put_odd_text(rng: random.Random, rows: Rows) -> str | None:
    """Put an odd text into any cell, of the header too."""
    row, column = rng.randrange(len(rows)), rng.randrange(len(rows[0]))
    odd = rng.choice(ODD_TEXTS)
    where = _place(rows, row, column)
    before, rows[row][column] = rows[row][column], odd
    return f"{where}: {before[:40]!r} -> {odd[:40]!r}"


def take_from_elsewhere(rng: random.Random, rows: Rows) -> str | None:
    """Put the cell of another row, or of another column, in place of a cell."""
    here, there = _pick(rng, rows), _pick(rng, rows)
    if here is None or there is None:
        return None
    (row, column), (other, other_column) = here, there
    if rng.random() < 0.7:
        other_column = column
    before, rows[row][column] = rows[row][column], rows[other][other_column]
    return f"{_place(rows, row, column)}: {before[:40]!r} -> {rows[row][column][:40]!r}"


def shift_cells(rng: random.Random, rows: Rows) -> str | None:
    """Leave a cell of a row out, or add one."""
    place = _pick(rng, rows)
    if place is None:
        return None
    row, column = place
    if rng.random() < 0.5:
        del rows[row][column]
        return f"row {row + 1} without cell {column + 1}"
    rows[row].insert(column, rng.choice(("", "x", "1")))
    return f"row {row + 1} with one more cell {column + 1}"


def change_column(rng: random.Random, rows: Rows) -> str | None:
    """Leave a column out, double it, or exchange the names of two."""
    width = len(rows[0])
    one, other = rng.randrange(width), rng.randrange(width)
    name = rows[0][one]
    how = rng.choice(("without", "twice", "names exchanged"))
    if how == "names exchanged":
        rows[0][one], rows[0][other] = rows[0][other], rows[0][one]
        return f"names of columns '{name}' and '{rows[0][one]}' exchanged"
    for row in rows:
        if how == "without":
            del row[one]
        else:
            row.append(row[one])
    return f"column '{name}' {how}"


def change_rows(rng: random.Random, rows: Rows) -> str | None:
    """Leave rows out, or double one."""
    if len(rows) < 2:
        return None
    row = rng.randrange(1, len(rows))
    how = rng.choice(("without", "without", "twice", "many times", "header alone"))
    if how == "without":
        del rows[row]
    elif how == "header alone":
        del rows[1:]
    else:
        rows.extend(list(rows[row]) for _ in range(1 if how == "twice" else 5000))
    return f"row {row + 1} {how}"


CELL_MUTATORS: dict[str, CellMutator] = {
    "odd number": put_odd_number,
    "number scaled": scale_number,
    "odd text": put_odd_text,
    "cell of elsewhere": take_from_elsewhere,
    "cell left out or added": shift_cells,
    "column left out or doubled": change_column,
    "rows left out or doubled": change_rows,
}
