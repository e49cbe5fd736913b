"""Damage to files as bytes, and to the places where they lie; for tables, runs, configurations and the kernel cache alike.

Start with `BYTE_MUTATORS` and `PLACE_MUTATORS`.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path

ByteMutator = Callable[[random.Random, bytes], tuple[bytes, str] | None]
PlaceMutator = Callable[[random.Random, Path], str | None]


def flip_bits(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Turn one bit of a few bytes."""
    changed = bytearray(content)
    places = [rng.randrange(len(content)) for _ in range(rng.choice((1, 1, 3, 20)))] if content else []
    for at in places:
        changed[at] ^= 1 << rng.randrange(8)
    return (bytes(changed), f"bits turned at {places[:3]}") if places else None


def replace_character(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Put another printable character in place of one."""
    if not content:
        return None
    at, letter = rng.randrange(len(content)), rng.choice(b"0123456789.,-+eE\"'{}[]()=:#/ \n\tabcxyz")
    return content[:at] + bytes([letter]) + content[at + 1 :], f"byte {at} is {bytes([letter])!r}"


def replace_digit(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Put another digit in place of one."""
    places = [at for at, byte in enumerate(content) if byte in b"0123456789"]
    if not places:
        return None
    at = rng.choice(places)
    digit = str((content[at] - 48 + rng.randint(1, 9)) % 10).encode()
    return content[:at] + digit + content[at + 1 :], f"digit at byte {at} is {digit.decode()}, it was {chr(content[at])}"


def cut(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Leave out the end, the begin, or a piece in the middle."""
    if len(content) < 2:
        return None
    begin, end = sorted((rng.randrange(len(content)), rng.randrange(len(content))))
    how = rng.choice(("end", "begin", "middle"))
    left = {"end": content[:begin], "begin": content[begin:], "middle": content[:begin] + content[end:]}[how]
    return left, f"{how} cut, {len(left)} bytes left"


def repeat(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Write a piece twice, or all of it."""
    if not content:
        return None
    begin, end = sorted((rng.randrange(len(content)), rng.randrange(len(content) + 1)))
    return (content * 2, "twice") if rng.random() < 0.3 else (content[:end] + content[begin:], f"bytes {begin} to {end} twice")


def replace_all(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Put something else in place of the whole content."""
    noise = rng.randbytes(200)
    odd = {
        "nothing": b"",
        "blanks": b" \n\n ",
        "byte-order mark alone": b"\xef\xbb\xbf",
        "zero bytes": b"\0" * 1000,
        "noise": noise,
        "zip": b"PK\x03\x04" + noise,
        "many brackets": b"[" * 100_000,
        "many braces": b'{"a":' * 50_000,
        "a long number": b"9" * 10_000,
        "null": b"null",
        "an empty object": b"{}",
        "a text": b'"text"',
        "a list": b"[1, 2]",
        "NaN": b"NaN",
        "a page": b"<!DOCTYPE html><html><body>404</body></html>\n",
        "UTF-16": content.decode("utf-8", "replace").encode("utf-16"),
        "Latin-1": content.decode("utf-8", "replace").replace("e", "é").encode("latin-1", "replace"),
        "a line of a million letters": b"a" * 1_000_000,
    }
    name = rng.choice(sorted(odd))
    return odd[name], f"replaced by {name}"


def insert_bytes(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Put bytes that text does not hold anywhere."""
    odd = rng.choice(
        (
            b"\0",
            b"\xff",
            b"\xc3",
            b"\xed\xa0\x80",
            b"\x1b[2J",
            b"\xef\xbb\xbf",
            b"\xe2\x80\xae",
            b'"',
            b"\r",
            b"\x0c",
            b"\x1a",
            b"\xc2\x85",
        )
    )
    at = rng.randint(0, len(content))
    return content[:at] + odd + content[at:], f"{odd!r} at byte {at}"


BYTE_MUTATORS: dict[str, ByteMutator] = {
    "bits turned": flip_bits,
    "character replaced": replace_character,
    "digit replaced": replace_digit,
    "cut": cut,
    "repeated": repeat,
    "replaced as a whole": replace_all,
    "odd bytes": insert_bytes,
}


def remove(_: random.Random, path: Path) -> str | None:
    """Remove the file."""
    path.unlink()
    return "removed"


def make_folder(_: random.Random, path: Path) -> str | None:
    """Put a folder in its place."""
    path.unlink()
    path.mkdir()
    return "a folder in its place"


def make_link(rng: random.Random, path: Path) -> str | None:
    """Put a link to something else in its place."""
    others = sorted(item for item in path.parent.iterdir() if item != path and item.is_file())
    targets = [
        "/nowhere/at/all",
        path.name,
        "/dev/null",
        "/dev/zero",
        "/dev/urandom",
        "/etc/hostname",
        "/proc/self/mem",
        *map(str, others[:2]),
    ]
    target = rng.choice(targets)
    path.unlink()
    path.symlink_to(target)
    return f"a link to {Path(target).name}"


def make_pipe(_: random.Random, path: Path) -> str | None:
    """Put a pipe nobody writes to in its place."""
    path.unlink()
    os.mkfifo(path)
    return "a pipe in its place"


def make_large(_: random.Random, path: Path) -> str | None:
    """Make it one gibibyte, all of it zero bytes that take no room."""
    os.truncate(path, 2**30)
    return "one gibibyte"


def exchange(rng: random.Random, path: Path) -> str | None:
    """Exchange it with another file of its ending."""
    others = sorted(item for item in path.parent.iterdir() if item != path and item.is_file() and item.suffix == path.suffix)
    if not others:
        return None
    other = rng.choice(others)
    ours, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(ours)
    return f"exchanged with {other.name}"


PLACE_MUTATORS: dict[str, PlaceMutator] = {
    "removed": remove,
    "folder in its place": make_folder,
    "link in its place": make_link,
    "pipe in its place": make_pipe,
    "a gibibyte": make_large,
    "exchanged with another": exchange,
}
