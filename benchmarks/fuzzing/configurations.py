"""Changes to a configuration file: odd values, unknown keys, other spellings of the same.

Start with `ODD_SETTINGS`, `UNKNOWN_SETTINGS` and `SAME_SETTINGS`; they are used as the mutators of `files.py`.
"""

import random

from fuzzing.commands import OUTPUT
from fuzzing.files import ByteMutator

CONFIGURATION = f"""model = "hcc_trial"
data = "."
seed = 1
jobs = 1

[fit]
patients = 4
starts = 1
integrator = "kernel"

[simulate]
arm = "example:sorafenib"
days = 20

[simulate.set]
growth = 0.01

[sensitivity]
output = "{OUTPUT}"
method = "local"
patients = 4
parameters = ["growth"]
"""
ODD_VALUES = (
    *(
        "0",
        "-1",
        "1",
        "2",
        "3",
        "4.0",
        "4.5",
        "1e400",
        "-1e308",
        "nan",
        "inf",
        "true",
        "false",
        '""',
        '"x"',
        "[]",
        "{}",
        "[[1]]",
        '"nan"',
        '"4"',
        "1979-05-27",
    ),
    *(
        "9223372036854775808",
        "1" + "0" * 30,
        "0x10",
        "0b1",
        "1_000",
        '"../.."',
        '"/dev/zero"',
        '"/nowhere"',
        '"~"',
        '"kernel\\u0000"',
        '"\\U0010FFFF"',
    ),
    *(
        "07:32:00",
        "{a = 1}",
        '["growth", 1]',
        '["nobody"]',
        '"' + "a" * 5000 + '"',
        "'''a\nb'''",
        "1e-300",
        "36525",
        "36526",
        "8388608",
        "18446744073709551616",
    ),
)
UNKNOWN = ("patient = 4", "Seed = 2", "comment = 1", '"" = 1', '"a b" = 2', "draws = 16", "fit2 = {}", "growth = 0.1")
UNKNOWN_TABLES = ("[fits]", "[Fit]", "[claims]", "[simulate.sett]", "[profile]", "[[fitting]]", "[sample]")


def put_odd_value(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Put an odd value in place of the value of a key."""
    lines = content.decode().splitlines()
    at = rng.choice([number for number, line in enumerate(lines) if "=" in line])
    key, odd = lines[at].partition("=")[0].strip(), rng.choice(ODD_VALUES)
    lines[at] = f"{key} = {odd}"
    return "\n".join(lines).encode(), f"{key} = {odd[:40]}"


def drop_or_double_line(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Leave a line out, or write it twice."""
    lines = content.decode().splitlines()
    at = rng.randrange(len(lines))
    twice = rng.random() < 0.5
    new = [*lines[:at], *([lines[at]] * (2 if twice else 0)), *lines[at + 1 :]]
    return "\n".join(new).encode(), f"line {lines[at]!r} {'twice' if twice else 'left out'}"


def add_unknown_key(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Add a key that is none."""
    lines, key = content.decode().splitlines(), rng.choice(UNKNOWN)
    places = [
        number
        for number, line in enumerate(lines)
        if line and not (key.startswith("growth") and number > lines.index("[simulate.set]"))
    ]
    at = rng.choice(places)
    if lines[at] == "[simulate.set]":
        at = 0
    lines.insert(at, key)
    return "\n".join(lines).encode(), f"{key} in line {at + 1}"


def add_unknown_table(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Add a table that is none."""
    table = rng.choice(UNKNOWN_TABLES)
    return content + f"\n{table}\nstarts = 2\n".encode(), table


def respell(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """Write the same otherwise: comments, blanks, quotes, order of keys within a table."""
    tables = [table.splitlines() for table in content.decode().split("\n\n")]
    for lines in tables:
        head = [line for line in lines if line.startswith("[")]
        keys = [line for line in lines if "=" in line]
        rng.shuffle(keys)
        lines[:] = [*head, *(_respell_line(rng, line) for line in keys)]
    return "\n\n".join("\n".join(lines) for lines in tables).encode() + b"\n", "written otherwise"


def _respell_line(rng: random.Random, line: str) -> str:
    key, _, value = (part.strip() for part in line.partition("="))
    if value.startswith('"') and rng.random() < 0.5:
        value = f"'{value.strip(chr(34))}'"
    if rng.random() < 0.3:
        key = f'"{key}"'
    before, left, right = (" " * rng.randint(0, most) for most in (3, 2, 2))
    return f"{before}{key}{left}={right}{value}{rng.choice(('', '  # why', ' '))}"


def change_ends(rng: random.Random, content: bytes) -> tuple[bytes, str] | None:
    """End lines as other systems do, put a byte-order mark before them."""
    if rng.random() < 0.5:
        return b"\xef\xbb\xbf" + content, "byte-order mark"
    return content.replace(b"\n", b"\r\n"), "lines end in CR LF"


ODD_SETTINGS: dict[str, ByteMutator] = {"TOML: odd value": put_odd_value, "TOML: line left out or doubled": drop_or_double_line}
UNKNOWN_SETTINGS: dict[str, ByteMutator] = {"TOML: unknown key": add_unknown_key, "TOML: unknown table": add_unknown_table}
SAME_SETTINGS: dict[str, ByteMutator] = {"TOML: respelt": respell, "TOML: line ends": change_ends}
