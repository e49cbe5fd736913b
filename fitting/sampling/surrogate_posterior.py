"""A posterior by a learned surrogate: few evaluations of the target, weighted so that the surrogate leaves no trace.

Start with `draw_by_surrogate`.  The numbers of the target are learned as Gaussian processes from points about the normal
approximation, then from more where the surrogate has its mass.  Ensembles walk on the surrogate, its log density divided by a
temperature so that it is wider than the target; at draws of them the target itself is computed, and weights make them draws from
the target.  Where that is not to be trusted, the points at which the surrogate is worst teach it too, and it is tried again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.sampling.chains import Chains, ThinnedDraws, thin
from kinimmune.fitting.sampling.diagnostics import choose_burn_in, describe, diagnose, find_faults
from kinimmune.fitting.sampling.emulator import Emulator, SurrogateTarget
from kinimmune.fitting.sampling.importance import Weights, smooth_weights, weighted_quantiles
from kinimmune.fitting.sampling.surrogate import NormalApproximation
from kinimmune.fitting.sampling.surrogate_checks import SurrogateReport, TriedDraws, check_surrogate, find_unreached, name_tail
from kinimmune.fitting.sampling.surrogate_stages import SECOND, TEMPER, Measured, Optima, Stages, SurrogateSettings
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.slots import one_blas_thread
from kinimmune.models.arrays import Array

FIRST_STEPS = 250
"""Steps of the walk that finds the points of the second round."""
ATTEMPTS = 3
"""How often the surrogate is tried."""
LEVELS = (0.025, 0.5, 0.975)


@dataclass(frozen=True)
class SurrogateDraws:
    """Draws from a target with their weights; k draws of n coordinates."""

    emulator: Emulator
    chains: Chains
    """Of the walk on the surrogate; `evaluations` and `failed` are the target's."""
    burn_in: int
    """Steps of it that are left out."""
    places: ThinnedDraws
    """Where the draws lie in the chains."""
    points: Array
    """Shape (k, n)."""
    log_probability: Array
    """Of the target, shape (k,)."""
    weights: Weights
    report: SurrogateReport
    faults: tuple[str, ...]
    """What speaks against the sample, in words; empty where nothing does."""


def draw_by_surrogate(
    target: SurrogateTarget,
    normal: NormalApproximation,
    names: Sequence[str],
    settings: SurrogateSettings,
    runtime: Runtime,
) -> SurrogateDraws:
    """Return weighted draws from a target, with what its own diagnostics say of them.

    Parameters
    ----------
    target
        whose residuals are linear in numbers that are learned
    normal
        normal approximation of the target
    names
        of its coordinates
    settings
        how much is learned and drawn
    runtime
        where tasks are kept and computed

    Raises
    ------
    NumericalError
        when too few points can be computed
    """
    settings.require(normal.mean.size)
    with one_blas_thread():  # as in every task, so that sums come out the same
        return _draw(Stages(target, normal, tuple(names), settings, runtime))


def _draw(work: Stages) -> SurrogateDraws:
    settings, normal, runtime = work.settings, work.normal, work.runtime
    measured, columns = work.survey()
    first = replace(settings.ensembles, steps=FIRST_STEPS, block=FIRST_STEPS)
    found = work.walk(work.learn(measured, columns, 0), first, 0)
    share = int(SECOND * settings.points) // first.ensembles
    drawn = found.positions[thin(found, first.steps // 2, share).indices].reshape(-1, normal.mean.size)
    measured = measured.join(work.measure(drawn, "second"))
    optima = work.search()
    size = settings.ensembles
    for attempt in range(1, ATTEMPTS + 1):
        emulator = work.learn(measured, columns, attempt)
        tried, at = _try_out(work, emulator, work.walk(emulator, size, attempt), measured, optima)
        tried = replace(tried, report=replace(tried.report, attempts=attempt))
        if not tried.faults or attempt == ATTEMPTS or tried.report.unreached is not None:
            break
        runtime.tell(f"surrogate: {'; '.join(tried.faults[:2])}; it learns more")
        measured = measured.join(work.choose_worst(at, emulator))
        size = replace(size, steps=2 * size.steps, block=2 * size.block)
    return tried


def _try_out(
    work: Stages, emulator: Emulator, chains: Chains, measured: Measured, optima: Optima
) -> tuple[SurrogateDraws, Measured]:
    """Return draws from a surrogate with the target's weights, and every point at which the target was computed for them."""
    burn_in = choose_burn_in(chains.positions, chains.log_probability)
    places = thin(chains, burn_in, work.settings.draws // len(chains.positions))
    points = chains.positions[places.indices].reshape(-1, work.normal.mean.size)
    kept = chains.positions[:, burn_in:]
    beyond = np.concatenate([_find_outermost(kept), work.draw_probes()])
    at = work.measure(np.concatenate([points, beyond]), f"tried-{len(measured.points)}")
    truth, surrogate = work.target.form.log_probability(at.numbers, at.points), emulator.log_probability(at.points)
    split = len(points)
    tried = TriedDraws(points, truth[:split], surrogate[:split], truth[split:], surrogate[split:])
    weights = smooth_weights(tried.truth - tried.surrogate / TEMPER)
    report = _report(work, tried, weights, len(measured.points), optima)
    failed = sum(int(np.sum(~np.isfinite(some.numbers[:, 0]))) for some in (measured, at))
    evaluated = replace(chains, evaluations=len(measured.points) + len(at.points) + optima.evaluations, failed=failed)
    faults = (*check_surrogate(report), *_find_walk_faults(work, kept))
    return SurrogateDraws(emulator, evaluated, burn_in, places, points, tried.truth, weights, report, faults), at


def _report(work: Stages, tried: TriedDraws, weights: Weights, training: int, optima: Optima) -> SurrogateReport:
    error, tail = name_tail(tried.find_tail_errors(), work.names)
    own = smooth_weights(tried.surrogate - tried.surrogate / TEMPER)
    sd = np.sqrt(np.average((tried.points - tried.points.mean(axis=0)) ** 2, axis=0, weights=weights.values))
    moved = [
        np.abs(weighted_quantiles(column, weights.values, LEVELS) - weighted_quantiles(column, own.values, LEVELS)).max()
        for column in tried.points.T
    ]
    return SurrogateReport(
        training=training,
        draws=len(tried.points),
        temper=TEMPER,
        k_hat=weights.k_hat,
        effective=weights.effective,
        tail_error=error,
        tail=tail,
        excess=float(tried.excess.max(initial=0.0)),
        bias=float(np.max(np.array(moved) / sd)),
        attempts=1,
        searches=len(optima.points),
        unreached=find_unreached(tried, weights, optima.points, optima.heights),
    )


def _find_walk_faults(work: Stages, kept: Array) -> tuple[str, ...]:
    """Return what speaks against the convergence of the walk, in words."""
    diagnoses = [(name, diagnose(kept[..., place])) for place, name in enumerate(work.names)]
    found = [fault for name, diagnosis in diagnoses for fault in find_faults(diagnosis, name, kept.shape[1])]
    return tuple(f"on the surrogate {describe(fault)}" for fault in found)


def _find_outermost(kept: Array) -> Array:
    """Return the points of a walk with the lowest and the highest value of every coordinate, shape (2 n, n)."""
    flat = kept.reshape(-1, kept.shape[-1])
    return np.concatenate([flat[flat.argmin(axis=0)], flat[flat.argmax(axis=0)]])
