"""What became of claims, as plain values that go to JSON and back (schema `kinimmune.claims/1`).

Start with `ClaimRecord`; `kinimmune.fitting.claims.evidence` makes them.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from kinimmune.fitting.runs.codec import refuse_file
from kinimmune.models.errors import DataError

SCHEMA = "kinimmune.claims/1"
SUPPORTED, VACUOUS, UNDECIDED, FAILED, DISPUTED = "supported", "vacuous", "undecided", "failed", "disputed"
VERDICTS = (SUPPORTED, VACUOUS, UNDECIDED, FAILED, DISPUTED)


@dataclass(frozen=True)
class Ablation:
    """A claim tested with one mechanism knocked out."""

    arrow: str
    """The mechanism: an interaction, or several joined by `+`."""
    holds: bool
    """Whether the claim still holds at nominal values."""
    fraction: float
    """Fraction of prior draws that still satisfy it."""


@dataclass(frozen=True)
class ClaimRecord:
    """One claim and what became of it."""

    id: str
    model: str
    text: str
    source: str | None
    """Key of the document that states it; None when none does."""
    kind: str
    """One of `ClaimKind`."""
    holds: bool
    """Whether the claim holds at nominal values."""
    value: float | None
    """Read-out at nominal values; None when it is not finite."""
    comparison: str
    """`<` or `>`."""
    bound: float
    """What the value must lie beyond, margin included."""
    draws: int
    """Number of prior draws."""
    fraction: float
    """Fraction of prior draws that satisfy the claim."""
    fraction_lower: float
    """Lower end of the 95 % Wilson interval of `fraction`."""
    fraction_upper: float
    """Upper end of the 95 % Wilson interval of `fraction`."""
    fraction_halved: float | None
    """Fraction of draws that satisfy the claim with every prior's sd halved; None where prior draws do not judge the claim."""
    fraction_halved_lower: float | None
    """Lower end of the 95 % Wilson interval of `fraction_halved`."""
    fraction_halved_upper: float | None
    """Upper end of the 95 % Wilson interval of `fraction_halved`."""
    sign_fixed_by_prior: bool
    """Whether no prior draw violates the claim."""
    verdict: str
    """One of `VERDICTS`."""
    explanation: str | None
    """Why the claim is kept although it fails a rule, or what would decide an undecided one; None for most."""
    ablations: tuple[Ablation, ...]
    """The claim with each mechanism it names knocked out, at nominal values and over prior draws; of kind `fitted` in a run
    at the estimates and over draws about them."""
    holds_without: dict[str, bool]
    """Any mechanism that a claim about the model names -> whether this one holds without it, at nominal values."""
    basis: str | None = None
    """What draws from the posterior of a run are, a key of `posterior_draws.BASES`; None without a run, as posterior shares."""
    fitted_value: float | None = None
    """Read-out at the estimates, constants at the tables' values; None when it is not finite."""
    posterior_draws: int | None = None
    """Number of draws from the posterior."""
    posterior_fraction: float | None = None
    """Fraction of draws of the estimates, constants drawn from their priors, that satisfy the claim."""
    posterior_fraction_lower: float | None = None
    """Lower end of the 95 % Wilson interval of `posterior_fraction`, draws counted as the independent ones they amount to."""
    posterior_fraction_upper: float | None = None
    """Upper end of that interval."""
    posterior_fraction_held: float | None = None
    """Fraction of the same draws with constants held at the tables' values, as in the fit; None for a disputed claim."""
    posterior_fraction_held_lower: float | None = None
    """Lower end of its interval."""
    posterior_fraction_held_upper: float | None = None
    """Upper end of its interval."""
    unit: str = "1"
    """Of the values and the bound."""
    fitted_itself: bool = False
    """Whether the run fitted the comparison that the claim makes, on whatever day: at the fit it holds because it was fitted."""

    @property
    def survives_less(self) -> bool:
        """Whether it is supported on prior draws and survives less often, beyond Monte Carlo error, where the fit leaves it."""
        ends = [end for end in (self.posterior_fraction_upper, self.posterior_fraction_held_upper) if end is not None]
        return self.verdict == SUPPORTED and self.kind != "fitted" and min(ends, default=1.0) < self.fraction_lower

    @property
    def explained(self) -> bool:
        """Whether its row says why it is kept although it fails a rule."""
        return self.explanation is not None and self.verdict != UNDECIDED


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
    remedy = "test the claims again with `kinimmune claims RUN`"
    try:
        content = json.loads(text)
        return TypeAdapter(tuple[ClaimRecord, ...]).validate_python(content["claims"])
    except ValidationError as error:
        raise refuse_file(path, "holds no tested claims", error, remedy) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} holds no tested claims; {remedy}") from error
