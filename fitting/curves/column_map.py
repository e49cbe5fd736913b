"""Which column of a table of patients is what: `time=AVAL,event=CNSR:0`, and values that are called otherwise.

Start with `ColumnMap.parse` and `parse_values`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kinimmune.fitting.curves.delimited import parse_number
from kinimmune.models.errors import UsageError, nearest

TAKEN = ("time", "event", "patient", "study", "arm", "endpoint", "unit", "last_without")
"""What a column can be taken as."""
_NEEDED = ("time", "event")
_EXAMPLE = "NAME=COLUMN, such as time=AVAL,event=CNSR:0,patient=USUBJID"
_MARKS = ',:="'
QUOTING = "a text with a comma, a colon or = stands between double quotes"
"""How columns and values are written whose marks would mean something else."""


@dataclass(frozen=True)
class ColumnMap:
    """Columns of a table of patients by what they mean."""

    columns: Mapping[str, str]
    """One of `TAKEN` -> name of a column."""
    event: str
    """What stands in the column of `event` where the time is that of an event."""
    censored: tuple[str, ...]
    """What may stand there else; empty: any one other value."""

    @classmethod
    def parse(cls, text: str) -> "ColumnMap":
        """Return the columns that a text names.

        The column of events is followed by the value that means an event, and may be followed by those that mean none, between
        colons: `event=CNSR:0:1:2`.  Without values 1 is an event and 0 is none.  What has a comma, a colon or = in it stands
        between double quotes.

        Raises
        ------
        UsageError
            for a text of another form, an unknown meaning, or one that is given twice or lacks

        Examples
        --------
        >>> ColumnMap.parse("time=AVAL, event=CNSR:0")
        ColumnMap(columns={'time': 'AVAL', 'event': 'CNSR'}, event='0', censored=())
        >>> ColumnMap.parse('time="Time, days",event="Death: yes":1').columns
        {'time': 'Time, days', 'event': 'Death: yes'}
        """
        columns: dict[str, str] = {}
        event, censored = "1", ["0"]
        for name, column in _split_pairs("--map", text):
            if name not in TAKEN:
                raise UsageError(f"--map: nothing is called '{name}'; {nearest(name, TAKEN)}")
            if name in columns:
                raise UsageError(f"--map: '{name}' is given twice; give it once")
            columns[name], *values = map(_unquote, _split(":", column) if name == "event" else [column])
            if not all(values):
                raise UsageError(f"--map 'event={column.strip()}': nothing stands beside a colon; write it as event=CNSR:0:1")
            if values:
                event, *censored = values
        for name in _NEEDED:
            if not columns.get(name):
                raise UsageError(f"--map has no column for '{name}'; write {_EXAMPLE}")
        return cls(columns, event, tuple(censored))


def parse_values(option: str, text: str | None) -> dict[str, str]:
    """Return value -> name from a text such as `Drug A=treated,Placebo=control`, nothing for None.

    >>> parse_values("--arms", "Drug A=treated, Placebo=control")
    {'Drug A': 'treated', 'Placebo': 'control'}
    >>> parse_values("--arms", '"Drug A, 5 mg"=treated')
    {'Drug A, 5 mg': 'treated'}
    """
    found: dict[str, str] = {}
    for value, name in _split_pairs(option, text or ""):
        if value in found:
            raise UsageError(f"{option}: '{value}' is given twice; give it once")
        found[value] = _unquote(name)
    return found


def parse_columns(option: str, text: str | None) -> dict[str, str]:
    """Return name -> column from a text such as `ecog=ECOGBL,age`, where a column alone is its own name; nothing for None.

    >>> parse_columns("--covariates", 'ecog=ECOGBL, age,weight="Weight, kg"')
    {'ecog': 'ECOGBL', 'age': 'age', 'weight': 'Weight, kg'}
    """
    found: dict[str, str] = {}
    for part in filter(str.strip, _split(",", text or "")):
        name, column = map(_unquote, (*_split("=", part, 1), part)[:2])
        if not name or not column:
            raise UsageError(f"{option} '{part.strip()}': write NAME=COLUMN or COLUMN, such as ecog=ECOGBL,age; {QUOTING}")
        if name in found:
            raise UsageError(f"{option}: '{name}' is given twice; give it once")
        found[name] = column
    return found


def same_value(one: str, other: str) -> bool:
    """Return whether two cells hold the same text or number.

    >>> same_value("0", "0.0"), same_value("dead", "Dead")
    (True, False)
    """
    if one == other:
        return True
    first, second = (parse_number(text, comma_is_decimal=False) for text in (one, other))
    return first is not None and first == second


def quote(text: str) -> str:
    """Return a column or a value as the options take it: between double quotes where one of its marks means something to them.

    >>> print(quote("Drug A"), quote("Drug A, 5 mg"), quote('2" tape'))
    Drug A "Drug A, 5 mg" "2"" tape"
    """
    doubled = text.replace('"', '""')
    return f'"{doubled}"' if any(mark in text for mark in _MARKS) else text


def _unquote(text: str) -> str:
    bare = text.strip()
    is_quoted = len(bare) > 1 and bare[0] == bare[-1] == '"'
    return bare[1:-1].replace('""', '"').strip() if is_quoted else bare


def _split(mark: str, text: str, most: int = 0) -> list[str]:
    """Return what stands between marks that do not stand between double quotes; `most` of the marks count, all for 0."""
    return re.split(rf'{mark}(?=(?:[^"]*"[^"]*")*[^"]*$)', text, maxsplit=most)


def _split_pairs(option: str, text: str) -> list[tuple[str, str]]:
    """Return each name with what follows it; quotes of the latter are left for the caller, as marks in it may mean something."""
    if text.count('"') % 2:
        raise UsageError(f"{option} {text}: one double quote is without another; {QUOTING}, and a double quote in it is doubled")
    pairs = []
    for part in filter(str.strip, _split(",", text)):
        name, value = (*_split("=", part, 1), "")[:2]
        if not (_unquote(name) and _unquote(value)):
            form = _EXAMPLE if option == "--map" else "VALUE=NAME, such as 'Drug A=treated,Placebo=control'"
            raise UsageError(f"{option} '{part.strip()}': write {form}; {QUOTING}")
        pairs.append((_unquote(name), value))
    return pairs
