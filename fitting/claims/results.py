"""What became of claims, as plain values that go to JSON and back (schema `kinimmune.claims/1`).

Start with `ClaimRecord`; `kinimmune.fitting.claims.check` makes them.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from kinimmune.models.errors import DataError

SCHEMA = "kinimmune.claims/1"
VERDICTS = ("supported", "vacuous", "failed", "disputed")


@dataclass(frozen=True)
class Ablation:
    """A claim with one arrow cut."""

    arrow: str
    holds: bool
    """At nominal values."""
    fraction: float
    """Of prior draws."""


@dataclass(frozen=True)
class ClaimRecord:
    """One claim and what became of it."""

    id: str
    model: str
    text: str
    source: str | None
    """Key of the document that states it; None when none does."""
    kind: str
    holds: bool
    """At nominal values."""
    value: float | None
    """Read-out at nominal values; None when it is not finite."""
    comparison: str
    bound: float
    """What the value must lie beyond, margin included."""
    draws: int
    fraction: float
    """Of prior draws that satisfy it."""
    fraction_lower: float
    """Wilson interval, 95 %."""
    fraction_upper: float
    fraction_halved: float | None
    """The same with every prior's sd halved; None for a disputed claim."""
    fraction_halved_lower: float | None
    fraction_halved_upper: float | None
    sign_fixed_by_prior: bool
    verdict: str
    """One of `VERDICTS`."""
    explanation: str | None
    ablations: tuple[Ablation, ...]
    """With each mechanism it names cut."""
    holds_without: dict[str, bool]
    """Any mechanism that a claim about the model names -> whether this one holds without it, at nominal values."""


def to_plain(records: Iterable[ClaimRecord]) -> dict[str, object]:
    """Return claims ready for JSON."""
    return {"schema": SCHEMA, "claims": TypeAdapter(tuple[ClaimRecord, ...]).dump_python(tuple(records), mode="json")}


def records_from_json(text: str, path: Path) -> tuple[ClaimRecord, ...]:
    """Return the claims of a file; inverse of `to_plain`.

    Raises
    ------
    DataError
        naming `path` and the first field that is missing or wrong
    """
    advice = "test the claims again with `kinimmune report RUN --draws N`"
    try:
        content = json.loads(text)
        return TypeAdapter(tuple[ClaimRecord, ...]).validate_python(content["claims"])
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path} holds no tested claims: {place}: {first['msg']}; {advice}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} holds no tested claims; {advice}") from error
