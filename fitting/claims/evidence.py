"""What speaks for a claim: its read-out over parameter sets, and with the mechanism it is about knocked out.

Start with `try_claims`; `draw_batches` makes the parameter sets.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch, ExperimentSetup
from kinimmune.fitting.claims.general import DIRECT
from kinimmune.fitting.claims.parameter_sets import draw_sets, read_sets
from kinimmune.fitting.claims.posterior import PosteriorBatches, draw_posterior
from kinimmune.fitting.claims.readout import Readout
from kinimmune.fitting.claims.registry import readouts_of
from kinimmune.fitting.claims.results import UNDECIDED, Ablation, ClaimRecord
from kinimmune.fitting.claims.table import Claim, ClaimKind, Comparison
from kinimmune.fitting.claims.verdict import Evidence, Share, count_share, explain_undecided, judge
from kinimmune.fitting.problem.posterior_draws import PosteriorDraws
from kinimmune.models.arrays import Array, Bools
from kinimmune.models.errors import DataError, UsageError, nearest

ABLATION_DRAWS = 200
"""Prior draws with an interaction knocked out."""
BOUNDARY_DRAWS = 8
"""Prior draws over which the boundary of a disputed claim is searched."""
HALF = 0.5
"""Factor on the priors' standard deviations in the second set of draws."""
NEEDS_A_RUN = "its numbers are fitted, so that the run of a fit decides it: kinimmune claims RUN"


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
    posterior: PosteriorBatches | None
    """At and about the estimates of a run; None where there is no run."""

    def choose_prior(self, kind: ClaimKind) -> ExperimentBatch:
        """Return the prior draws a kind of claim is tried over: few where they do not decide."""
        return {ClaimKind.CONFLICT: self.boundary, ClaimKind.FITTED: self.few}.get(kind, self.declared)


def draw_batches(
    setup: ExperimentSetup, claims: Sequence[Claim], draws: int, seed: int, posterior: PosteriorDraws | None = None
) -> Batches:
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
    posterior
        of the run whose claims are tested; None for the model alone
    """
    table = setup.compiled.model.parameters

    def draw(number: int, width: float = 1.0) -> ExperimentBatch:
        return draw_sets(table, number, width, seed).to_batch(setup, seed)

    return Batches(
        nominal=read_sets(table).to_batch(setup, seed),
        declared=draw(draws),
        halved=draw(draws, HALF),
        few=draw(min(draws, ABLATION_DRAWS)),
        boundary=draw(min(draws, BOUNDARY_DRAWS)),
        mechanisms=tuple(dict.fromkeys(mechanism for claim in claims for mechanism in claim.knock_outs)),
        posterior=None if posterior is None else draw_posterior(setup, posterior, seed, ABLATION_DRAWS, BOUNDARY_DRAWS),
    )


def try_claims(claims: Sequence[Claim], batches: Batches, tell: Callable[[str], None]) -> list[ClaimRecord]:
    """Return what becomes of claims about one model; `tell` takes how far it got, in words.

    Raises
    ------
    DataError
        when a claim names what nobody knows: a fault of its row, not of the command
    """
    records = []
    for number, claim in enumerate(claims, 1):
        tell(f"{number} of {len(claims)}, {claim.id}")
        records.append(_try_named(claim, batches))
    return records


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
    share = _count(claim, readout, batches.choose_prior(claim.kind))
    judged_by_priors = claim.kind not in (ClaimKind.CONFLICT, ClaimKind.FITTED)
    halved = _count(claim, readout, batches.halved) if judged_by_priors else None
    without = {
        mechanism: bool(satisfies(claim, readout(batches.nominal.without(mechanism), claim))[0])
        for mechanism in (claim.knock_outs if disputed else batches.mechanisms)
    }
    tables = Evidence(_holds(claim, value), share, _ablate(claim, readout, batches.nominal, batches.few))
    fit = None if batches.posterior is None else _read_fit(claim, readout, batches.posterior)
    obstacle = _find_obstacle(claim, readout, batches)
    judged = fit.evidence if fit is not None and claim.kind is ClaimKind.FITTED and not obstacle else tables
    verdict = UNDECIDED if obstacle else judge(judged, disputed=disputed, explained=bool(claim.explanation))
    record = ClaimRecord(
        id=claim.id,
        model=claim.model,
        text=claim.text,
        source=claim.document or None,
        kind=str(claim.kind),
        holds=tables.holds,
        value=_finite(value),
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
        explanation=(obstacle or explain_undecided(judged.share)) if verdict == UNDECIDED else claim.explanation or None,
        ablations=tuple(judged.ablations),
        holds_without=without,
        unit=readout.find_unit(batches.nominal.setup.compiled.model, claim),
    )
    return record if fit is None else _add_fit(record, fit)


def _find_obstacle(claim: Claim, readout: Readout, batches: Batches) -> str:
    """Return why a claim whose numbers are fitted cannot be judged here; empty where it can, and for every other claim."""
    if claim.kind is not ClaimKind.FITTED:
        return ""
    if batches.posterior is None:
        return NEEDS_A_RUN
    setup, fitted = batches.nominal.setup, batches.posterior.source.places
    studies = sorted(readout.list_places(claim) & set(setup.trials) - fitted)
    experiments = {claim.experiment} & set(setup.experiments) - fitted
    missing = [*(f"study {name}" for name in studies), *(f"experiment {name}" for name in experiments)]
    return f"its numbers are fitted, and this run has no fit of {' or '.join(missing)}" if missing else ""


@dataclass(frozen=True)
class _Fit:
    """A claim at and about the estimates of a run."""

    basis: str
    value: float
    """At the estimates, constants at the tables' values."""
    drawn: Share
    """Of draws of the estimates, constants drawn from their priors."""
    held: Share | None
    """Of the same draws with constants held; None for a disputed claim."""
    evidence: Evidence
    """With constants held."""
    fitted_itself: bool
    """Whether what the claim compares was fitted."""


def _read_fit(claim: Claim, readout: Readout, batches: PosteriorBatches) -> _Fit:
    disputed, effective = claim.kind is ClaimKind.CONFLICT, batches.source.effective
    value = float(readout(batches.fitted, claim)[0])
    drawn = _count(claim, readout, batches.boundary if disputed else batches.drawn, effective)
    held = None if disputed else _count(claim, readout, batches.held, effective)
    judged = claim.kind is ClaimKind.FITTED
    ablations = _ablate(claim, readout, batches.fitted, batches.few) if judged else ()
    itself = claim.readout in DIRECT and (claim.quantity, claim.experiment, claim.baseline) in batches.source.comparisons
    return _Fit(batches.source.basis, value, drawn, held, Evidence(_holds(claim, value), held or drawn, ablations), itself)


def _add_fit(record: ClaimRecord, fit: _Fit) -> ClaimRecord:
    return replace(
        record,
        basis=fit.basis,
        fitted_value=_finite(fit.value),
        posterior_draws=fit.drawn.draws,
        posterior_fraction=fit.drawn.value,
        posterior_fraction_lower=fit.drawn.lower,
        posterior_fraction_upper=fit.drawn.upper,
        posterior_fraction_held=None if fit.held is None else fit.held.value,
        posterior_fraction_held_lower=None if fit.held is None else fit.held.lower,
        posterior_fraction_held_upper=None if fit.held is None else fit.held.upper,
        fitted_itself=fit.fitted_itself,
    )


def _ablate(claim: Claim, readout: Readout, point: ExperimentBatch, draws: ExperimentBatch) -> tuple[Ablation, ...]:
    """Return a claim with each mechanism it names knocked out, at one set of values and over draws."""
    return tuple(
        Ablation(
            name,
            _holds(claim, float(readout(point.without(name), claim)[0])),
            _count(claim, readout, draws.without(name)).value,
        )
        for name in claim.knock_outs
    )


def _count(claim: Claim, readout: Readout, batch: ExperimentBatch, effective: float | None = None) -> Share:
    """Return the share of a batch that satisfies a claim; a set that cannot be integrated counts against it."""
    return count_share(int(satisfies(claim, readout(batch, claim)).sum()), batch.size, effective)


def _holds(claim: Claim, value: float) -> bool:
    return bool(satisfies(claim, np.array([value]))[0])


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def satisfies(claim: Claim, values: Array) -> Bools:
    """Return which values lie beyond the claim's bound; one that is not a number does not."""
    with np.errstate(invalid="ignore"):
        beyond = values > claim.bound if claim.comparison is Comparison.ABOVE else values < claim.bound
    return np.asarray(beyond & np.isfinite(values))
