"""Changes to what a JSON file of a run says: a number, a key, a type, an order.

Start with `JSON_MUTATORS`; they are used as those of `files.py`.
"""

import json
import random
from typing import Any

from fuzzing.files import ByteMutator

Place = tuple[Any, Any]
"""A container and the key or index of something in it."""

ODD_VALUES = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        10**30,
        1e308,
        -1e308,
        1e-320,
        float("nan"),
        float("inf"),
        "",
        "x",
        "nan",
        "1e5",
        [],
        {},
        [[]],
        [None],
    ),
    *(
        "\ud800",
        "\x00",
        "a" * 10_000,
        "../../../etc/passwd",
        {"a": {"a": {}}},
        [1] * 10_000,
        2**63,
        0.1 + 0.2,
        "2020-01-01",
        "running",
    ),
)


def _places(value: Any, found: list[Place]) -> list[Place]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found.append((value, key))
        _places(item, found)
    return found


def _path(content: Any, place: Place) -> str:
    """Return the way to a place, as names separated by points."""

    def find(value: Any, way: tuple[str, ...]) -> tuple[str, ...] | None:
        if value is place[0]:
            return (*way, str(place[1]))
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return next((found for key, item in items if (found := find(item, (*way, str(key))))), None)

    return ".".join(find(content, ()) or ("?",))


def _load(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _dump(content: Any) -> bytes:
    return json.dumps(content, indent=1).encode()


def change_number(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Change a number a little, or much."""
    parsed = _load(content)
    places = [
        (box, key) for box, key in _places(parsed, []) if isinstance(box[key], int | float) and not isinstance(box[key], bool)
    ]
    if not places:
        return None
    box, key = rng.choice(places)
    before = box[key]
    new = rng.choice((before * 1.01, before * 2, -before, before + 1, before * 1e6, 0, before + 1e-6))
    box[key] = int(new) if isinstance(before, int) and rng.random() < 0.8 else new
    return _dump(parsed), f"{_path(parsed, (box, key))}: {before!r} -> {box[key]!r}"


def put_odd_value(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Put an odd value in place of another."""
    parsed = _load(content)
    places = _places(parsed, [])
    if not places:
        return None
    box, key = rng.choice(places)
    way, before, odd = _path(parsed, (box, key)), box[key], rng.choice(ODD_VALUES)
    box[key] = odd
    return _dump(parsed), f"{way}: {str(before)[:30]!r} -> {str(odd)[:30]!r}"


def remove_item(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Leave out a key or an item."""
    parsed = _load(content)
    places = _places(parsed, [])
    if not places:
        return None
    box, key = rng.choice(places)
    way = _path(parsed, (box, key))
    del box[key]
    return _dump(parsed), f"without {way}"


def add_key(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Add a key nobody knows, or double an item of a list."""
    parsed = _load(content)
    boxes = [parsed, *(box[key] for box, key in _places(parsed, []))]
    boxes = [box for box in boxes if isinstance(box, dict) or (isinstance(box, list) and box)]
    if not boxes:
        return None
    box = rng.choice(boxes)
    if isinstance(box, dict):
        box["extra"] = rng.choice(ODD_VALUES)
        return _dump(parsed), "a key 'extra'"
    box.append(rng.choice(box))
    return _dump(parsed), f"an item doubled in a list of {len(box) - 1}"


def reverse_list(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Reverse a list."""
    parsed = _load(content)
    lists = [(box, key) for box, key in _places(parsed, []) if isinstance(box[key], list) and len(box[key]) > 1]
    if not lists:
        return None
    box, key = rng.choice(lists)
    box[key].reverse()
    return _dump(parsed), f"{_path(parsed, (box, key))} reversed"


JSON_MUTATORS: dict[str, ByteMutator] = {
    "JSON: number": change_number,
    "JSON: odd value": put_odd_value,
    "JSON: item left out": remove_item,
    "JSON: item added": add_key,
    "JSON: list reversed": reverse_list,
}


def respell(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Write the same JSON otherwise: keys in another order, other white space, escapes."""
    parsed = _load(content)
    if not isinstance(parsed, dict):
        return None
    keys = list(parsed)
    rng.shuffle(keys)
    parsed = {key: parsed[key] for key in keys}
    indent, ascii_only = rng.choice((None, 1, 4)), rng.random() < 0.5
    return json.dumps(parsed, indent=indent, ensure_ascii=ascii_only).encode(), "the same JSON, written otherwise"
