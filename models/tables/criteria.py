"""Rows and checks of `criteria.csv`: the numbers by which a published criterion calls progression and response.

Start with `examine_criteria`.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import ClassVar

from pydantic import Field

from kinimmune.models.tables.evidence import examine_sources, find_bad_origins
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.rows import NotNegative, Positive, SourcedRow, TableRow, Tables


class CriterionRow(SourcedRow):
    """A row of `criteria.csv`."""

    table: ClassVar[str] = "criteria.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("criterion",)

    criterion: str = Field(min_length=1)
    progression_ratio: Positive
    """Sum of diameters over its smallest so far at which it says progression."""
    progression_increase: NotNegative
    """Increase [mm] of the sum over its smallest so far that it asks for besides; 0 where it asks for none."""
    response_ratio: Positive
    """Sum of diameters over its first at which it says partial response."""


def examine_criteria(tables: Tables) -> Examined[CriterionRow]:
    """Return the criteria and what is wrong with their table."""
    table, sources = tables.rows(CriterionRow), examine_sources(tables)
    findings = [*table.findings, *_find_odd_ratios(table.entries)]
    findings += [*find_bad_origins(table.entries, sources), *sources.findings]
    return Examined(table.entries, tuple(dict.fromkeys(findings)))


def _find_odd_ratios(rows: Sequence[CriterionRow]) -> Iterable[Finding]:
    for row in rows:
        if not row.progression_ratio > 1.0:
            problem = f"progression_ratio = {row.progression_ratio:g} in column 'progression_ratio' is not above 1"
            yield row.finding("progression_ratio", problem, "correct the value")
        if not row.response_ratio < 1.0:
            problem = f"response_ratio = {row.response_ratio:g} in column 'response_ratio' is not below 1"
            yield row.finding("response_ratio", problem, "correct the value")


def find_unknown_criteria(rows: Iterable[TableRow], known: Sequence[CriterionRow]) -> Iterable[Finding]:
    """Find trials whose column `criterion` names none of `criteria.csv`; the nearest one is offered."""
    names = {row.criterion.casefold(): row.criterion for row in known}
    for row in rows:
        given = str(getattr(row, "criterion", ""))
        if given in names.values():
            continue
        close = get_close_matches(given.casefold(), names, 1, 0.4)
        advice = f"did you mean '{names[close[0]]}'?" if close else f"criteria.csv has: {', '.join(names.values())}"
        yield row.finding("criterion", f"unknown criterion '{given}' in column 'criterion'", advice)
