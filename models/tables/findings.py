"""What is wrong with tables, as values: one line each, and everything about a table at once.

Start with `Finding` and `Examined`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from kinimmune.models.errors import DataError

T = TypeVar("T")


LONGEST_MESSAGE = 600
"""Largest number of characters of a message; of a longer one the middle is left out."""


MOST_FINDINGS = 100
"""Largest number of findings of one rule about one table; further ones are counted."""


@dataclass(frozen=True)
class Finding:
    """One thing wrong with a table."""

    file: str
    """File name; a table the folder does not replace is called the package's."""
    row: int | None
    """Line in the file, the header being line 1; None when the whole file is meant."""
    column: str | None
    """Name of the column; None when the whole row or file is meant."""
    message: str
    """One line: what was given, where, what to do; long texts are shortened, control characters escaped."""

    def __post_init__(self) -> None:
        """Keep the message to one line that a terminal can show."""
        object.__setattr__(self, "message", one_line(self.message))

    def __str__(self) -> str:
        """Return the message."""
        return self.message


@dataclass(frozen=True)
class Examined(Generic[T]):
    """What a table holds and what is wrong with it."""

    entries: tuple[T, ...]
    """Usable entries; incomplete when there are findings."""
    findings: tuple[Finding, ...]

    def require(self) -> tuple[T, ...]:
        """Return the entries, or raise the first finding as a `DataError`."""
        if self.findings:
            raise DataError(self.findings[0].message)
        return self.entries


def one_line(text: str) -> str:
    """Return a text without control characters, the middle left out where it is too long.

    >>> one_line("a" + chr(9) + "b") == "a" + chr(92) + "tb"
    True
    """
    shown = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text)
    if len(shown) <= LONGEST_MESSAGE:
        return shown
    half = LONGEST_MESSAGE // 2
    return f"{shown[:half]} ... ({len(shown) - 2 * half} characters) ... {shown[-half:]}"


def capped(findings: Iterable[Finding]) -> list[Finding]:
    """Return the first findings of one rule about one table, and one more that counts the others."""
    every = iter(findings)
    first = list(islice(every, MOST_FINDINGS))
    more = sum(1 for _ in every)
    if more:
        first.append(
            Finding(first[-1].file, None, None, f"{first[-1].file}: {more} more of this kind; correct the first and check again")
        )
    return first
