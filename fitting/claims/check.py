"""Claims put to the test: at nominal values, over draws from the priors, and with the named mechanism knocked out.

Start with `check_claims`.  A claim that also holds without its mechanism is vacuous, and is reported so.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.stats import binomtest

from kinimmune.fitting.claims.batch import ExperimentBatch, ExperimentSetup, draw_parameters, nominal
from kinimmune.fitting.claims.readout import Named, Readout
from kinimmune.fitting.claims.registry import readouts_of
from kinimmune.fitting.claims.results import Ablation, ClaimRecord
from kinimmune.fitting.claims.table import Claim, ClaimKind, Comparison, read_claims
from kinimmune.models.arrays import Array
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.kernel.kernel import load_kernel
from kinimmune.models.solvers.ensemble import integrate
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.scope import own_values, parameters_of
from kinimmune.models.tables.drugs import KnownDrugs, find_drug_values
from kinimmune.models.tables.readers import read_days, read_drugs, read_experiments, read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Trial, supports_trials

ENOUGH = 0.8
"""Lower Wilson bound of the fraction of prior draws above which a claim stands without explanation."""
ABLATION_DRAWS = 200
"""Prior draws with an interaction knocked out."""
BOUNDARY_DRAWS = 8
"""Prior draws over which the boundary of a disputed claim is searched."""
HALF = 0.5
"""Factor on the priors' standard deviations in the second set of draws."""


@dataclass(frozen=True)
class ClaimResult:
    """What became of one claim."""

    claim: Claim
    holds: bool
    """Whether the claim holds at nominal values."""
    value: float
    """Read-out at nominal values."""
    draws: int
    """Number of prior draws."""
    fraction: float
    """Fraction of prior draws that satisfy the claim; a draw that cannot be integrated counts against it."""
    fraction_lower: float
    """Lower end of the 95 % Wilson interval of the fraction, Monte Carlo error only."""
    fraction_upper: float
    """Upper end of that interval."""
    fraction_halved: float | None
    """Fraction of draws that satisfy the claim with every prior's standard deviation halved; None for a disputed claim."""
    sign_fixed_by_prior: bool
    """Whether no draw at all violates it."""
    verdict: str
    """`supported`, `vacuous`, `failed` or `disputed`."""
    ablations: tuple[Ablation, ...]
    holds_without: Mapping[str, bool]
    """Any mechanism that a claim about the model names -> whether this one holds without it, at nominal values."""


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return the lower and upper end of the 95 % Wilson score interval of a fraction.

    >>> tuple(round(end, 4) for end in wilson(8, 10))
    (0.4902, 0.9433)
    """
    interval = binomtest(successes, n).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def check_claims(
    models: Sequence[str], tables: Tables, *, draws: int, seed: int, jobs: int, progress: Callable[[str], None]
) -> tuple[ClaimResult, ...]:
    """Put every claim about some models to the test.

    Parameters
    ----------
    models
        names of models
    tables
        of claims, parameters, experiments and trials
    draws
        from the priors, at declared and at halved width
    seed
        of the draws
    jobs
        threads
    progress
        takes the name of the model at hand
    """
    results: list[ClaimResult] = []
    for name in models:
        claims = read_claims(tables, name)
        if claims:
            progress(name)
            results += _test_model(name, claims, tables, draws=draws, seed=seed, jobs=jobs)
    return tuple(results)


def _test_model(name: str, claims: Sequence[Claim], tables: Tables, *, draws: int, seed: int, jobs: int) -> list[ClaimResult]:
    setup = set_up(load_model(name, tables), claims, tables, jobs)
    make = partial(ExperimentBatch, setup, seed=seed)
    table = setup.compiled.model.parameters
    batches = _Batches(
        nominal=make(nominal(table)),
        declared=make(draw_parameters(table, draws, 1.0, seed)),
        halved=make(draw_parameters(table, draws, HALF, seed)),
        few=make(draw_parameters(table, min(draws, ABLATION_DRAWS), 1.0, seed)),
        boundary=make(draw_parameters(table, min(draws, BOUNDARY_DRAWS), 1.0, seed)),
        mechanisms=tuple(dict.fromkeys(mechanism for claim in claims for mechanism in claim.knock_outs)),
    )
    return [_test_claim(claim, readouts_of(name), batches) for claim in claims]


def set_up(model: OdeModel, claims: Sequence[Claim], tables: Tables, jobs: int) -> ExperimentSetup:
    """Return a model ready for experiments, with a switch on every interaction the claims knock out.

    Raises
    ------
    DataError
        when a claim names an interaction the model does not have, or a table cannot be used
    """
    interactions = dict.fromkeys(name for claim in claims for mechanism in claim.knock_outs for name in mechanism.split("+"))
    try:
        switched = model.with_switches(*interactions)
    except UsageError as error:
        raise DataError(f"column 'arrows' of claims.csv: {error}") from error
    experiments = {item.name: item for item in read_experiments(model, tables)}
    trials = _gather_trials(model, claims, tables, experiments)
    return ExperimentSetup(
        compiled=compile_model(switched),
        integrate=partial(integrate, load_kernel(switched), checked=False),  # signs and ratios, far from the tolerance
        experiments=experiments,
        days=read_days(model.name, tables),
        trials=trials,
        arm_values=_gather_values(model, claims, tables, trials),
        jobs=jobs,
    )


def _gather_trials(model: OdeModel, claims: Sequence[Claim], tables: Tables, others: Collection[str]) -> dict[str, Trial]:
    """Return study -> its trial; a study that claims name and the tables lack is the package's, as the claim mostly is too."""
    if not supports_trials(model):
        return {}
    trials = {trial.study: trial for trial in read_trials(tables, model.name)}
    named = _list_named(model, claims)
    missing = named - set(trials) - {*others, *model.state_names, *(item.name for item in model.outputs)}
    return trials | ({trial.study: trial for trial in read_trials() if trial.study in missing} if missing else {})


def _list_named(model: OdeModel, claims: Iterable[Claim]) -> set[str]:
    """Return what rows of claims name as experiment or baseline, studies among them, and the studies their read-outs read."""
    named: set[str] = set()
    for claim in claims:
        readout = readouts_of(model.name).get(claim.readout)
        named |= {(name or "").partition(":")[0] for name in (claim.experiment, claim.baseline)}
        named |= set(() if readout is None else readout.uses.get(Named.STUDY, ()))
    return named


def _gather_values(
    model: OdeModel, claims: Sequence[Claim], tables: Tables, trials: Mapping[str, Trial]
) -> dict[str, dict[str, float]]:
    """Return `STUDY:ARM` -> what parameters are in that arm alone, of the trials that claims name; arms without are left out."""
    named = [trials[study] for study in trials if study in _list_named(model, claims)]
    drugs = read_drugs(tables) if named else KnownDrugs()
    found: dict[str, dict[str, float]] = {}
    for arm in (arm for trial in named for arm in trial.arms):
        own = find_drug_values(model, arm.administrations, drugs)
        own |= own_values(parameters_of(model.parameters, arm.study, arm.name, arm.drugs))
        found |= {f"{arm.study}:{arm.name}": own} if own else {}
    return found


def _test_claim(claim: Claim, readouts: Mapping[str, Readout], batches: "_Batches") -> ClaimResult:
    """Return what becomes of a claim; what it names and nobody knows is a fault of its row, not of the command."""
    try:
        return _test(claim, _find(readouts, claim), batches)
    except UsageError as error:
        raise DataError(f"claim '{claim.id}' in claims.csv: {error}") from error


def _find(readouts: Mapping[str, Readout], claim: Claim) -> Readout:
    if claim.readout not in readouts:
        raise UsageError(f"unknown read-out '{claim.readout}'; {nearest(claim.readout, readouts)}")
    return readouts[claim.readout]


@dataclass(frozen=True)
class _Batches:
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


def _test(claim: Claim, readout: Readout, batches: _Batches) -> ClaimResult:
    disputed = claim.kind is ClaimKind.CONFLICT
    value = float(readout(batches.nominal, claim)[0])
    satisfied = satisfies(claim, readout(batches.boundary if disputed else batches.declared, claim))
    count = int(satisfied.sum())
    lower, upper = wilson(count, satisfied.size)
    without = {
        mechanism: bool(satisfies(claim, readout(batches.nominal.without(mechanism), claim))[0])
        for mechanism in (claim.knock_outs if disputed else batches.mechanisms)
    }
    ablations = tuple(
        Ablation(name, without[name], float(satisfies(claim, readout(batches.few.without(name), claim)).mean()))
        for name in claim.knock_outs
    )
    holds = bool(satisfies(claim, np.array([value]))[0])
    return ClaimResult(
        claim=claim,
        holds=holds,
        value=value,
        draws=int(satisfied.size),
        fraction=count / satisfied.size,
        fraction_lower=lower,
        fraction_upper=upper,
        fraction_halved=None if disputed else float(satisfies(claim, readout(batches.halved, claim)).mean()),
        sign_fixed_by_prior=count == satisfied.size,
        verdict=_verdict(claim, holds, lower, ablations),
        ablations=ablations,
        holds_without=without,
    )


def record(result: ClaimResult) -> ClaimRecord:
    """Return a result as plain values."""
    claim, halved = result.claim, result.fraction_halved
    lower, upper = (None, None) if halved is None else wilson(round(halved * result.draws), result.draws)
    return ClaimRecord(
        id=claim.id,
        model=claim.model,
        text=claim.text,
        source=claim.document or None,
        kind=str(claim.kind),
        holds=result.holds,
        value=result.value if math.isfinite(result.value) else None,
        comparison=str(claim.comparison),
        bound=claim.bound,
        draws=result.draws,
        fraction=result.fraction,
        fraction_lower=result.fraction_lower,
        fraction_upper=result.fraction_upper,
        fraction_halved=halved,
        fraction_halved_lower=lower,
        fraction_halved_upper=upper,
        sign_fixed_by_prior=result.sign_fixed_by_prior,
        verdict=result.verdict,
        explanation=claim.explanation or None,
        ablations=result.ablations,
        holds_without=dict(result.holds_without),
    )


def satisfies(claim: Claim, values: Array) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
    """Return which values lie beyond the claim's bound; one that is not a number does not."""
    with np.errstate(invalid="ignore"):
        beyond = values > claim.bound if claim.comparison is Comparison.ABOVE else values < claim.bound
    return beyond & np.isfinite(values)


def _verdict(claim: Claim, holds: bool, lower: float, ablations: Sequence[Ablation]) -> str:
    if claim.kind is ClaimKind.CONFLICT:
        return "disputed"
    if not holds or (lower < ENOUGH and not claim.explanation):
        return "failed"
    return "vacuous" if not ablations or any(item.holds for item in ablations) else "supported"
