"""What a mutation is, and what must hold after it.

Start with `Mutation`.  A mutator is a function of a seeded generator and of what it mutates; it returns the mutated thing and
words that describe what was done, or None where it does not apply.
"""

from dataclasses import dataclass
from enum import StrEnum


class Law(StrEnum):
    """What must hold after a mutation, beside that nothing crashes."""

    DAMAGE = "damage"
    """Nothing more: an error, or a number that was asked for."""
    HARMLESS = "harmless"
    """The same numbers, or a refusal."""
    UNREAD = "unread"
    """Something that nothing reads was added: whatever reads the rest says so."""
    TAMPERED = "tampered"
    """A file of this package was changed: the same numbers, or a word about it."""


@dataclass(frozen=True)
class Mutation:
    """What was done to one file, folder or environment."""

    mutator: str
    """Its name in the table of outcomes."""
    law: Law
    target: str
    """What was mutated, such as the name of a file."""
    words: str
    """What was done."""

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.target}: {self.mutator}: {self.words}"
