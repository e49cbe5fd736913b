"""The numbers of a result, whatever their order, and whether those of two results are equal.

Start with `read_numbers` and `find_difference`.
"""

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RELATIVE = 1e-9
ABSOLUTE = 1e-12
NOT_RESULTS = frozenset(
    {
        "row",
        "wall_seconds",
        "seconds",
        "evaluations",
        "origin",
        "place",
        "folder",
        "run",
        "report",
        "figures",
        "message",
        "cache",
        "note",
        "kernels",
    }
)
"""Keys of what may differ between equal results."""

Numbers = Mapping[str, float]


def read_numbers(text: str) -> dict[str, float] | None:
    """Return name -> number of a JSON text, None where it is none; items of lists are named by the texts they hold."""
    try:
        content = json.loads(text)
    except ValueError:
        return None
    found: dict[str, float] = {}
    _gather(content, "", found)
    return found


def read_written(path: Path) -> dict[str, float]:
    """Return the numbers of a CSV table, or of all in a folder, their rows in any order; of another file a hash."""
    if path.is_dir():
        return {key: value for item in sorted(path.glob("*.csv")) for key, value in read_written(item).items()}
    if not path.is_file():
        return {}
    if path.suffix != ".csv":
        return {path.name: float(hash(path.read_bytes()))}
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    found: dict[str, float] = {}
    for row in rows[1:]:
        names = "|".join(cell for cell in row if _number(cell) is None)
        for column, cell in zip(rows[0], row, strict=False):
            if (number := _number(cell)) is not None:
                _add(found, f"{path.name}/{names}/{column}", number)
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _gather(value: Any, way: str, found: dict[str, float]) -> None:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return
    if isinstance(value, int | float):
        _add(found, way, float(value))
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in NOT_RESULTS:
                _gather(item, f"{way}/{key}", found)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _gather(item, f"{way}/{_name(item) if isinstance(item, dict) else number}", found)


def _name(item: Mapping[str, Any]) -> str:
    """Return the texts of an object, which tell what it is about."""
    return "|".join(text for key, text in item.items() if isinstance(text, str) and key not in NOT_RESULTS)


def _add(found: dict[str, float], name: str, number: float) -> None:
    again = 1
    while (key := name if again == 1 else f"{name}#{again}") in found:
        again += 1
    found[key] = number


def find_difference(expected: Numbers, given: Numbers, relative: float = RELATIVE) -> str:
    """Return the first number that differs, empty where none does."""
    for name in sorted({*expected, *given}):
        if name not in expected or name not in given:
            return f"{name[-120:]} is {'not there' if name in expected else 'new'}"
        one, other = expected[name], given[name]
        if not (math.isclose(one, other, rel_tol=relative, abs_tol=ABSOLUTE) or (math.isnan(one) and math.isnan(other))):
            return f"{name[-120:]}: {one!r} -> {other!r}"
    return ""
