"""The documents' claims as data: rows and checks of `claims.csv`.

Start with `Claim`; `read_claims` returns those of one model or of all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import StringConstraints

from kinimmune.models.tables.evidence import examine_sources
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.rows import Name, NotNegative, Number, TableRow, Tables, dangling

Place = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*(:[A-Za-z][A-Za-z0-9_]*)?$")]
"""A name, or STUDY:ARM."""


class ClaimKind(StrEnum):
    """What holding a claim says of a model."""

    BUILT_IN = "built-in"
    """An interaction was put in, so its sign holds."""
    EMERGENT = "emergent"
    """It follows from several interactions together."""
    FITTED = "fitted"
    """Its numbers were fitted."""
    PREDICTION = "prediction"
    """No document states it."""
    CONFLICT = "conflict"
    """The literature disputes it; the row finds where the model turns over."""


class Comparison(StrEnum):
    """Side of the reference on which a claim holds."""

    BELOW = "<"
    ABOVE = ">"


class ClaimRow(TableRow):
    """A row of `claims.csv`."""

    table: ClassVar[str] = "claims.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    model: Name
    text: str
    document: Name | None = None
    kind: ClaimKind
    readout: Name
    quantity: Name | None = None
    experiment: Place | None = None
    baseline: Place | None = None
    day: Name | None = None
    comparison: Comparison
    reference: Number
    margin: NotNegative
    arrows: str = ""
    explanation: str = ""


@dataclass(frozen=True)
class Claim:
    """One sentence a model can contradict, as an inequality on a read-out."""

    id: str
    model: str
    text: str
    """The sentence in our words."""
    document: str
    """Key of the source that states it; empty for a prediction."""
    kind: ClaimKind
    readout: str
    """Name of a registered read-out."""
    quantity: str
    """State or output that is read."""
    experiment: str
    """Experiment or study in which it is read; STUDY:ARM where several arms of a study are compared with its control."""
    baseline: str
    """Experiment it is compared with."""
    day: str
    """Name of the read-out day."""
    comparison: Comparison
    reference: float
    """Value the read-out is compared with."""
    margin: float
    """Distance from the reference the read-out must keep."""
    knock_outs: tuple[str, ...]
    """Mechanisms whose knock-out must break the claim (column `arrows`), each an interaction or, as `a+b`, several."""
    explanation: str
    """Why the claim is kept although it fails a rule; empty for most."""

    @property
    def bound(self) -> float:
        """The value a read-out must lie beyond."""
        sign = 1.0 if self.comparison is Comparison.ABOVE else -1.0
        return self.reference + sign * self.margin


def examine_claims(tables: Tables) -> Examined[Claim]:
    """Return all claims and what is wrong with their table."""
    table, sources = tables.rows(ClaimRow), examine_sources(tables)
    findings = [*table.findings, *_find_undocumented(table.entries)]
    if not sources.findings:
        findings += dangling(table.entries, "document", {item.key for item in sources.entries}, "sources.csv")
    return Examined(tuple(map(_claim, table.entries)), tuple(findings))


def read_claims(tables: Tables | None = None, model: str | None = None) -> tuple[Claim, ...]:
    """Return the claims about a model, or all.

    Raises
    ------
    DataError
        when claims.csv is wrong anywhere
    """
    return tuple(claim for claim in examine_claims(tables or Tables()).require() if model in (None, claim.model))


def _find_undocumented(rows: Sequence[ClaimRow]) -> Iterable[Finding]:
    for row in rows:
        if row.document is None and row.kind not in (ClaimKind.PREDICTION, ClaimKind.CONFLICT):
            yield row.finding(
                "document", f"claim '{row.id}' of kind '{row.kind}' names no document", "name it or call it a prediction"
            )


def _claim(row: ClaimRow) -> Claim:
    return Claim(
        row.id, row.model, row.text, row.document or "", row.kind, row.readout, row.quantity or "", row.experiment or "",
        row.baseline or "", row.day or "", row.comparison, row.reference, row.margin, tuple(row.arrows.split()), row.explanation,
    )  # fmt: skip
