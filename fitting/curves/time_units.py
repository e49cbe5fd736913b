"""Units of the time axes of figures and tables: found in a header, named by an option, never assumed.

Start with `choose_unit`.
"""

import re

from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.tables.patient_rows import TimeUnit

_SPELLINGS = {
    TimeUnit.DAY: ("d", "day", "days"),
    TimeUnit.WEEK: ("w", "wk", "wks", "week", "weeks"),
    TimeUnit.MONTH: ("mo", "mos", "month", "months"),
    TimeUnit.YEAR: ("y", "yr", "yrs", "year", "years"),
}
_UNITS = {spelling: unit for unit, spellings in _SPELLINGS.items() for spelling in spellings}
_IN_BRACKETS = re.compile(r"[\[(]\s*([a-z]+)\s*[\])]")
_SHORTEST_WORD = 3
"""Letters of a unit that may stand in a header without brackets: `days` says the unit, `d` may be anything."""


def parse_time_unit(text: str) -> TimeUnit | None:
    """Return the unit a word names, None for another word.

    >>> parse_time_unit("Weeks"), parse_time_unit("fortnight")
    (<TimeUnit.WEEK: 'week'>, None)
    """
    return _UNITS.get(text.strip().lower())


def require_time_unit(option: str, text: str) -> TimeUnit:
    """Return the unit an option names; raise a `UsageError` for another word."""
    unit = parse_time_unit(text)
    if unit is None:
        raise UsageError(f"{option} '{text}' is no unit of time; {nearest(text, [item.word for item in TimeUnit])}")
    return unit


def find_time_unit(header: str) -> TimeUnit | None:
    """Return the unit that the header of a column tells, None where it tells none.

    >>> find_time_unit("time [d]"), find_time_unit("Months since randomisation"), find_time_unit("time")
    (<TimeUnit.DAY: 'd'>, <TimeUnit.MONTH: 'month'>, None)
    """
    lower = header.lower()
    bracketed = [_UNITS[word] for word in _IN_BRACKETS.findall(lower) if word in _UNITS]
    words = [_UNITS[word] for word in re.findall(r"[a-z]+", lower) if word in _UNITS and len(word) >= _SHORTEST_WORD]
    return next(iter((*bracketed, *words)), None)


def choose_unit(file: str, header: str, given: TimeUnit | None) -> TimeUnit:
    """Return the unit of a column of times: the one its header tells, or the one that was given.

    Parameters
    ----------
    file
        as messages name it
    header
        of the column, empty where the file has none
    given
        by the option `--unit`, None where it was not

    Raises
    ------
    UsageError
        when there is none, or the two differ
    """
    told = find_time_unit(header)
    if told is not None and given is not None and told is not given:
        raise UsageError(f"--unit {given.word}, but the header '{header}' of {file} says {told.word}; leave one of them out")
    chosen = told or given
    if chosen is None:
        raise UsageError(
            f"the unit of time of {file} is not known; give --unit day, week, month or year, or a header such as 'time [months]'"
        )
    return chosen
