"""Rows and checks of `limitations.csv`: what a reader must not read into the report of a model, in plain words.

Start with `examine_limitations`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.rows import Name, TableRow, Tables


class Outcome(StrEnum):
    """A result of a trial that a limitation can be about: it is told wherever that result is shown."""

    RESPONSE = "response"
    """Objective response, and the change of diameters behind it."""


class LimitationRow(TableRow):
    """A row of `limitations.csv`."""

    table: ClassVar[str] = "limitations.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("model", "mechanism", "title")
    may_be_empty: ClassVar[bool] = True

    model: str = ""
    mechanism: Name | None = None
    about: Outcome | None = None
    title: str
    text: str

    @property
    def models(self) -> tuple[str, ...]:
        """Models of the row, none for every model with the mechanism."""
        return tuple(self.model.split())


@dataclass(frozen=True)
class Limitation:
    """What a reader must not read into results of some models."""

    models: tuple[str, ...]
    """Models it belongs to; empty for every model with the mechanism."""
    mechanism: str | None
    """Mechanism a model must have for it, None where it needs none."""
    about: Outcome | None
    """Result it is about, None where it is about all of them."""
    title: str
    """A sentence without its full stop."""
    text: str

    def concerns(self, model: OdeModel) -> bool:
        """Return whether it belongs to a model."""
        named = not self.models or model.name in self.models
        return named and (self.mechanism is None or any(item.name == self.mechanism for item in model.mechanisms))


def examine_limitations(tables: Tables) -> Examined[Limitation]:
    """Return the limitations of all models and what is wrong with their table."""
    table = tables.rows(LimitationRow)
    entries = tuple(Limitation(row.models, row.mechanism, row.about, row.title, row.text) for row in table.entries)
    return Examined(entries, (*table.findings, *_find_homeless(table.entries)))


def _find_homeless(rows: Sequence[LimitationRow]) -> Iterable[Finding]:
    for row in rows:
        if not row.models and row.mechanism is None:
            problem = f"limitation '{row.title}' names neither a model nor a mechanism"
            yield row.finding("mechanism", problem, "name the models it belongs to, or the mechanism")
