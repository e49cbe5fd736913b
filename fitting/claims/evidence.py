"""What speaks for a claim: its read-out over parameter sets, and with the mechanism it is about knocked out.

Start with `try_claims`; `draw_batches` makes the parameter sets.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch, ExperimentSetup, draw_parameters, nominal
from kinimmune.fitting.claims.readout import Readout
from kinimmune.fitting.claims.registry import readouts_of
from kinimmune.fitting.claims.results import UNDECIDED, Ablation, ClaimRecord
from kinimmune.fitting.claims.table import Claim, ClaimKind, Comparison
from kinimmune.fitting.claims.verdict import Evidence, Share, count_share, explain_undecided, judge
from kinimmune.models.arrays import Array, Bools
from kinimmune.models.errors import DataError, UsageError, nearest

ABLATION_DRAWS = 200
"""Prior draws with an interaction knocked out."""
BOUNDARY_DRAWS = 8
"""Prior draws over which the boundary of a disputed claim is searched."""
HALF = 0.5
"""Factor on the priors' standard deviations in the second set of draws."""


@dataclass(frozen=True)
class Batches:
    """Parameter sets that every claim about a model is tested with."""

    nominal: ExperimentBatch
    """The table's values."""
    declared: ExperimentBatch
    """Draws from the priors."""
    halved: ExperimentBatch
    """Draws from the priors with half their standard deviations."""
    few: ExperimentBatch
    """Draws with which mechanisms are knocked out."""
    boundary: ExperimentBatch
    """Draws for disputed claims, whose read-outs search for a boundary."""
    mechanisms: tuple[str, ...]
    """Every mechanism a claim about the model names."""


def draw_batches(setup: ExperimentSetup, claims: Sequence[Claim], draws: int, seed: int) -> Batches:
    """Return the parameter sets with which claims about a model are tested.

    Parameters
    ----------
    setup
        of the model, with a switch on every interaction the claims knock out
    claims
        about it
    draws
        from the priors, at declared and at halved width
    seed
        of the draws
    """
    make, table = partial(ExperimentBatch, setup, seed=seed), setup.compiled.model.parameters
    return Batches(
        nominal=make(nominal(table)),
        declared=make(draw_parameters(table, draws, 1.0, seed)),
        halved=make(draw_parameters(table, draws, HALF, seed)),
        few=make(draw_parameters(table, min(draws, ABLATION_DRAWS), 1.0, seed)),
        boundary=make(draw_parameters(table, min(draws, BOUNDARY_DRAWS), 1.0, seed)),
        mechanisms=tuple(dict.fromkeys(mechanism for claim in claims for mechanism in claim.knock_outs)),
    )


def try_claims(claims: Sequence[Claim], batches: Batches) -> list[ClaimRecord]:
    """Return what becomes of claims about one model.

    Raises
    ------
    DataError
        when a claim names what nobody knows: a fault of its row, not of the command
    """
    return [_try_named(claim, batches) for claim in claims]


def _try_named(claim: Claim, batches: Batches) -> ClaimRecord:
    try:
        return _try(claim, _find(readouts_of(claim.model), claim), batches)
    except UsageError as error:
        raise DataError(f"claim '{claim.id}' in claims.csv: {error}") from error


def _find(readouts: Mapping[str, Readout], claim: Claim) -> Readout:
    if claim.readout not in readouts:
        raise UsageError(f"unknown read-out '{claim.readout}'; {nearest(claim.readout, readouts)}")
    return readouts[claim.readout]


def _try(claim: Claim, readout: Readout, batches: Batches) -> ClaimRecord:
    disputed = claim.kind is ClaimKind.CONFLICT
    value = float(readout(batches.nominal, claim)[0])
    share = _count(claim, readout, batches.boundary if disputed else batches.declared)
    halved = None if disputed else _count(claim, readout, batches.halved)
    without = {
        mechanism: bool(satisfies(claim, readout(batches.nominal.without(mechanism), claim))[0])
        for mechanism in (claim.knock_outs if disputed else batches.mechanisms)
    }
    ablations = tuple(
        Ablation(name, without[name], _count(claim, readout, batches.few.without(name)).value) for name in claim.knock_outs
    )
    evidence = Evidence(bool(satisfies(claim, np.array([value]))[0]), share, ablations)
    verdict = judge(evidence, disputed=disputed, explained=bool(claim.explanation))
    return ClaimRecord(
        id=claim.id,
        model=claim.model,
        text=claim.text,
        source=claim.document or None,
        kind=str(claim.kind),
        holds=evidence.holds,
        value=value if math.isfinite(value) else None,
        comparison=str(claim.comparison),
        bound=claim.bound,
        draws=share.draws,
        fraction=share.value,
        fraction_lower=share.lower,
        fraction_upper=share.upper,
        fraction_halved=None if halved is None else halved.value,
        fraction_halved_lower=None if halved is None else halved.lower,
        fraction_halved_upper=None if halved is None else halved.upper,
        sign_fixed_by_prior=share.value == 1.0,
        verdict=verdict,
        explanation=explain_undecided(share) if verdict == UNDECIDED else claim.explanation or None,
        ablations=ablations,
        holds_without=without,
    )


def _count(claim: Claim, readout: Readout, batch: ExperimentBatch) -> Share:
    """Return the share of a batch that satisfies a claim; a set that cannot be integrated counts against it."""
    return count_share(int(satisfies(claim, readout(batch, claim)).sum()), batch.size)


def satisfies(claim: Claim, values: Array) -> Bools:
    """Return which values lie beyond the claim's bound; one that is not a number does not."""
    with np.errstate(invalid="ignore"):
        beyond = values > claim.bound if claim.comparison is Comparison.ABOVE else values < claim.bound
    return np.asarray(beyond & np.isfinite(values))
