"""The score Q of a fit, from a fit to medians alone, with what stands beside it: the naive rule's, and that of a true model.

Start with `summarise_score`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.estimation.companion_fit import Companion, fits_medians_alone
from kinimmune.fitting.estimation.comparisons import Evidence, compare
from kinimmune.fitting.estimation.laplace import approximate
from kinimmune.fitting.estimation.outcome_rows import ScoreReference
from kinimmune.fitting.estimation.reference_distribution import ReferenceDistribution, draw_reference
from kinimmune.fitting.estimation.results import CompanionResult, ComparisonRow
from kinimmune.fitting.estimation.scores import list_scored, score
from kinimmune.fitting.problem.problem import FitProblem, predict, widen
from kinimmune.fitting.problem.residuals import count_data_residuals, residuals
from kinimmune.fitting.problem.targets import Target
from kinimmune.models.arrays import Array


@dataclass(frozen=True)
class RatioScore:
    """Q with what stands beside it; fields as those of `FitResult`."""

    model: float | None = None
    null: float | None = None
    basis: str | None = None
    reason: str = ""
    reference: ScoreReference | None = None
    companion: CompanionResult | None = None


def summarise_score(
    evidence: Evidence, z: Array, seed: int, companion: Companion | None, progress: Callable[[str], None]
) -> RatioScore:
    """Return Q of the published hazard ratios as a fit to medians alone predicts them: this one, or its companion.

    Parameters
    ----------
    evidence
        of the fit, over the whole follow-up of its trials
    z
        where the fit ended, shape (n_estimated,)
    seed
        of drawn trials
    companion
        the refit to medians alone, None where the fit has none
    progress
        takes a word on what is being done
    """
    problem, published = evidence.problem, evidence.published
    scored = _list_scored(problem, published)
    if not scored:
        return RatioScore(reason="no hazard ratio of a study that is tried has an interval that was read")
    progress("score of hazard ratios: drawing trials")
    if fits_medians_alone(problem.targets):
        return _score_rows(_Scored(evidence, z, scored, compare(evidence, scored, with_null=True)), "medians", seed)
    if companion is None:
        return RatioScore(reason="no median was fitted, and Q is of a fit to medians alone")
    return _score_companion(companion, evidence, scored, seed)


def _list_scored(problem: FitProblem, published: Sequence[Target]) -> tuple[Target, ...]:
    return list_scored(published, [trial.study for trial in problem.trials], problem.endpoints)


def _score_companion(companion: Companion, evidence: Evidence, scored: Sequence[Target], seed: int) -> RatioScore:
    found = companion.found
    status = "converged" if found.converged else found.message
    if not companion.exists:
        told = CompanionResult(status, found.evaluations, None, None, {}, (), ())
        return RatioScore(reason=f"the refit to medians alone came to nothing: {status}", companion=told)
    problem, z = widen(companion.problem, scored), companion.z
    outcomes = predict(problem, [z])[0]
    own = Evidence(problem, outcomes, approximate(problem, z, scored), evidence.published)
    ratios = compare(own, scored, with_null=True)
    values, n_data = residuals(problem, outcomes, z), count_data_residuals(problem)
    told = CompanionResult(
        status=status,
        evaluations=found.evaluations,
        chi_square_data=float(np.sum(values[:n_data] ** 2)),
        chi_square_prior=float(np.sum(values[n_data:] ** 2)),
        estimates=problem.values(z),
        medians=compare(own, problem.targets, with_null=False),
        ratios=ratios,
    )
    return replace(_score_rows(_Scored(own, z, scored, ratios), "companion", seed), companion=told)


@dataclass(frozen=True)
class _Scored:
    """Hazard ratios as a fit to medians alone predicts them."""

    evidence: Evidence
    """Of that fit."""
    z: Array
    ratios: Sequence[Target]
    rows: Sequence[ComparisonRow]
    """Of `ratios`, in their order."""


def _score_rows(found: _Scored, basis: str, seed: int) -> RatioScore:
    model, null = (score(found.rows, found.ratios, null=null) for null in (False, True))
    if model is None:
        label, why = next((item.label, row.reason) for item, row in zip(found.ratios, found.rows, strict=True) if row.reason)
        return RatioScore(reason=f"no {label} is predicted: {why}")
    reference = draw_reference(found.evidence.problem, found.z, found.ratios, seed)
    return RatioScore(model, null, basis, reference=None if reference is None else _describe(reference, model))


def _describe(reference: ReferenceDistribution, model: float) -> ScoreReference:
    """Return the distribution of Q were the model true, and where the model's own lies in it."""
    low, middle, high = reference.quantiles((0.025, 0.5, 0.975))
    return ScoreReference(reference.mean, low, middle, high, reference.probability_below(model), len(reference.scores))
