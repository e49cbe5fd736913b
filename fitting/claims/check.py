"""Claims put to the test: at nominal values, over draws from the priors, and with the named mechanism cut.

Start with `check_claims`.  A claim that also holds without its mechanism is vacuous, and is reported so.
"""

import importlib
import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from kinimmune.fitting.claims.batch import Bench, Laboratory, draw_parameters, nominal
from kinimmune.fitting.claims.readouts.general import GENERAL, Readout
from kinimmune.fitting.claims.results import Ablation, ClaimRecord
from kinimmune.fitting.claims.table import Claim, ClaimKind, Comparison, read_claims
from kinimmune.models.arrays import Array
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.kernel.kernel import load_kernel
from kinimmune.models.solvers.ensemble import integrate
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.readers import read_days, read_experiments
from kinimmune.models.tables.rows import Tables

ENOUGH = 0.8
"""Lower Wilson bound of the fraction of prior draws above which a claim stands without explanation."""
ABLATION_DRAWS = 200
"""Prior draws with an arrow cut."""
BOUNDARY_DRAWS = 8
"""Prior draws over which the boundary of a disputed claim is searched."""
HALF = 0.5


@dataclass(frozen=True)
class ClaimResult:
    """What became of one claim."""

    claim: Claim
    holds: bool
    value: float
    """Read-out at nominal values."""
    draws: int
    fraction: float
    """Of prior draws that satisfy it, declared priors; a draw that cannot be integrated counts against."""
    fraction_lower: float
    """Wilson interval of the fraction, 95 %, Monte Carlo error only."""
    fraction_upper: float
    fraction_halved: float | None
    """The same with every prior's sd halved."""
    sign_fixed_by_prior: bool
    """Whether no draw at all violates it."""
    verdict: str
    """`supported`, `vacuous`, `failed` or `disputed`."""
    ablations: tuple[Ablation, ...]
    holds_without: Mapping[str, bool]
    """Any mechanism that a claim about the model names -> whether this one holds without it, at nominal values."""


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return the Wilson score interval of a fraction, 95 %.

    >>> tuple(round(end, 4) for end in wilson(8, 10))
    (0.4902, 0.9433)
    """
    z = 1.959963984540054
    share, spread = successes / n, z * z / n
    centre = (share + spread / 2.0) / (1.0 + spread)
    half = z / (1.0 + spread) * np.sqrt(share * (1.0 - share) / n + spread / (4.0 * n))
    return float(centre - half), float(centre + half)


def check_claims(
    models: Sequence[str], tables: Tables, *, draws: int, seed: int, jobs: int, progress: Callable[[str], None]
) -> tuple[ClaimResult, ...]:
    """Put every claim about some models to the test.

    Parameters
    ----------
    models
        names of models
    data
        folder of tables, None for the package's
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
            results += _test_model(name, claims, tables, _Effort(draws, seed, jobs))
    return tuple(results)


@dataclass(frozen=True)
class _Effort:
    draws: int
    seed: int
    jobs: int


def _test_model(name: str, claims: Sequence[Claim], tables: Tables, effort: _Effort) -> list[ClaimResult]:
    model = load_model(name, tables)
    bench = set_up(model, claims, tables, effort.jobs)
    make = partial(Laboratory, bench, seed=effort.seed)
    table = bench.compiled.model.parameters
    batches = _Batches(
        nominal=make(nominal(table)),
        declared=make(draw_parameters(table, effort.draws, 1.0, effort.seed)),
        halved=make(draw_parameters(table, effort.draws, HALF, effort.seed)),
        few=make(draw_parameters(table, min(effort.draws, ABLATION_DRAWS), 1.0, effort.seed)),
        boundary=make(draw_parameters(table, min(effort.draws, BOUNDARY_DRAWS), 1.0, effort.seed)),
        arrows=tuple(dict.fromkeys(arrow for claim in claims for arrow in claim.arrows)),
    )
    readouts = readouts_of(name)
    return [_test(claim, _find(readouts, claim), batches) for claim in claims]


def set_up(model: OdeModel, claims: Sequence[Claim], tables: Tables, jobs: int) -> Bench:
    """Return a bench with a switch on every arrow the claims cut."""
    arrows = dict.fromkeys(arrow for claim in claims for group in claim.arrows for arrow in group.split("+"))
    switched = model.with_switches(*arrows)
    return Bench(
        compiled=compile_model(switched),
        integrate=partial(integrate, load_kernel(switched), checked=False),  # signs and ratios, far from the tolerance
        experiments={item.name: item for item in read_experiments(tables) if item.model == model.name},
        days={day: value for owner, day, value in read_days(tables) if owner == model.name},
        jobs=jobs,
    )


def readouts_of(model: str) -> Mapping[str, Readout]:
    """Return the read-outs a model's claims may name: the general ones, and those of its own module where it has one."""
    found = dict(GENERAL)
    if importlib.util.find_spec(f"kinimmune.fitting.claims.readouts.{model}") is not None:
        found |= importlib.import_module(f"kinimmune.fitting.claims.readouts.{model}").READOUTS
    return found


def _find(readouts: Mapping[str, Readout], claim: Claim) -> Readout:
    if claim.readout not in readouts:
        raise UsageError(f"claim '{claim.id}' names unknown read-out '{claim.readout}'; {nearest(claim.readout, readouts)}")
    return readouts[claim.readout]


@dataclass(frozen=True)
class _Batches:
    nominal: Laboratory
    declared: Laboratory
    halved: Laboratory
    few: Laboratory
    boundary: Laboratory
    """For disputed claims, whose read-outs search for a boundary."""
    arrows: tuple[str, ...]
    """Every mechanism a claim about the model names."""


def _test(claim: Claim, readout: Readout, batches: _Batches) -> ClaimResult:
    disputed = claim.kind is ClaimKind.CONFLICT
    value = float(readout(batches.nominal, claim)[0])
    satisfied = satisfies(claim, readout(batches.boundary if disputed else batches.declared, claim))
    count = int(satisfied.sum())
    lower, upper = wilson(count, satisfied.size)
    without = {
        arrow: bool(satisfies(claim, readout(batches.nominal.without(arrow), claim))[0])
        for arrow in (claim.arrows if disputed else batches.arrows)
    }
    ablations = tuple(
        Ablation(arrow, without[arrow], float(satisfies(claim, readout(batches.few.without(arrow), claim)).mean()))
        for arrow in claim.arrows
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
