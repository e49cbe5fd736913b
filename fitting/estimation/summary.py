"""From the best point of a fit to everything it found.

Start with `summarise`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.estimation.companion_fit import Companion
from kinimmune.fitting.estimation.comparisons import Evidence, compare
from kinimmune.fitting.estimation.laplace import LaplaceApproximation, approximate
from kinimmune.fitting.estimation.observed_curves import describe_observed
from kinimmune.fitting.estimation.optimise import Optimiser, Solution
from kinimmune.fitting.estimation.outcome_rows import CurveRow, EventRow, PredictedRow
from kinimmune.fitting.estimation.progression_summary import describe_response
from kinimmune.fitting.estimation.results import ChangeRow, ComparisonRow, ConstantRow, EstimateRow, FitResult, StartRow
from kinimmune.fitting.estimation.score_summary import RatioScore, summarise_score
from kinimmune.fitting.estimation.trial_results import TrialResult
from kinimmune.fitting.estimation.trial_summary import describe_trial
from kinimmune.fitting.problem.changes import ParameterChange
from kinimmune.fitting.problem.horizon import REPORT_MONTHS
from kinimmune.fitting.problem.outputs import MedianOutput, read_published_output
from kinimmune.fitting.problem.predictions import predictions, stepped_curve
from kinimmune.fitting.problem.problem import FitProblem, Outcomes, curve, predict, widen
from kinimmune.fitting.problem.residuals import count_data_residuals, count_residuals, residuals
from kinimmune.fitting.problem.targets import DATA, Role, Statistic, Target, can_predict
from kinimmune.models.arrays import NORMAL_95, Array
from kinimmune.models.symbolic.parameters import Parameter, Scale
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint, Trial
from kinimmune.models.trial.survival import expected_deaths, expected_events, progression_free, survival_at

_SCALES = {Scale.LOGNORMAL: "ln", Scale.LOGITNORMAL: "logit", Scale.NORMAL: "value", Scale.FIXED: ""}
"""Scale of a prior -> of what the standard error of an estimate is."""
AT_BOUND = 1e-3
"""Distance from a bound, in prior standard deviations, at which an estimate counts as being on it."""


@dataclass(frozen=True)
class _Found:
    """The best point with its virtual trial to the horizon of the report."""

    evidence: Evidence
    approximation: LaplaceApproximation
    score: RatioScore


def summarise(
    problem: FitProblem,
    solution: Solution,
    published: Sequence[Target],
    optimise: Optimiser,
    progress: Callable[[str], None],
    companion: Companion | None = None,
) -> tuple[FitResult, TrialResult]:
    """Return the result of a fit (without its wall time) and its virtual trial.

    Parameters
    ----------
    problem
        what was fitted
    solution
        the best of the starts
    published
        every published number, fitted or not
    optimise
        used once more, to fit without the arm that is then predicted (transport)
    progress
        takes a word on what is being done
    companion
        the refit to medians alone that hazard ratios are scored by, None where the fit has none
    """
    studies = {trial.study for trial in problem.trials}
    unseen = [item for item in published if item.role is not Role.FIT and (item.study in studies or not item.of_trial)]
    wide = widen(problem, unseen)
    progress("uncertainty by the curvature at the optimum")
    approximation = approximate(wide, solution.z, [item for item in unseen if can_predict(item, problem.endpoints)])
    evidence = Evidence(wide, predict(wide, [solution.z])[0], approximation, published)
    score = summarise_score(evidence, solution.z, solution.seed, companion, progress)
    progress("transport: fitting without the arm to be predicted")
    transported, evaluations = transport(problem, solution.z, published, optimise)
    progress("virtual trial at the estimates")
    trial = describe_trial(wide, solution.z, evidence.outcomes, solution.seed)
    observed = describe_observed((*problem.targets, *unseen), trial.arms[0].risk_months if trial.arms else ())
    result = _fit_result(_Found(evidence, approximation, score), solution, tuple(unseen), transported)
    refitted = 0 if companion is None else companion.found.evaluations
    return replace(result, evaluations=result.evaluations + evaluations + refitted), replace(trial, observed=observed)


def transport(
    problem: FitProblem, z: Array, published: Sequence[Target], optimise: Optimiser
) -> tuple[tuple[ComparisonRow, ...], int]:
    """Fit without the treated arms of one study, predict them; return their rows and the evaluations.

    It is the study of `choose_transported`; nothing to do, and no rows, where there is none.
    """
    trial = choose_transported(problem.trials)
    if trial is None:
        return (), 0
    held = {(trial.study, arm.name) for arm in trial.compared}
    ours = [item for item in problem.targets if item.of_trial]
    about = {item.label: {(item.study, arm) for arm in item.arms(problem.trial(item.study))} for item in ours}
    kept = tuple(item for item in problem.targets if not about.get(item.label, set()) & held)
    smaller = replace(problem, targets=kept, arms=tuple(arm for arm in problem.arms if arm not in held))
    found = optimise(smaller, z, lambda _: None)
    wide = widen(problem)
    outcomes = predict(wide, [np.array(found.z)])[0]
    approximation = _approximate_predictions(replace(smaller, simulator=wide.simulator), wide, np.array(found.z))
    targets = tuple(item for item in ours if about[item.label] & held)
    return compare(Evidence(wide, outcomes, approximation, published), targets, with_null=True), found.evaluations


def choose_transported(trials: Sequence[Trial]) -> Trial | None:
    """Return the study whose treated arms are predicted from the others: the smallest that has a control.

    Of two of one size it is the first by name, so that the order of the tables does not matter; None where there are no others.
    """
    compared = [trial for trial in trials if trial.compared]
    if len(trials) < 2 or not compared:
        return None
    return min(compared, key=lambda trial: (sum(arm.n for arm in trial.arms), trial.study))


def _approximate_predictions(fitted: FitProblem, predicted: FitProblem, z: Array) -> LaplaceApproximation:
    """Return predictions of every arm, with the covariance of a fit that did not see one of them."""
    return approximate(predicted, z, seen=fitted)


def _fit_result(found: _Found, solution: Solution, unseen: Sequence[Target], transported: tuple[ComparisonRow, ...]) -> FitResult:
    problem, outcomes, z = found.evidence.problem, found.evidence.outcomes, solution.z
    approximation, score = found.approximation, found.score
    values = residuals(problem, outcomes, z)
    n_data = count_data_residuals(problem)
    covariance = approximation.covariance(constants_drawn=False)
    errors = np.sqrt(np.diag(covariance))
    effective = approximation.effective_parameters
    changed = {change.key: str(change) for change in problem.changes}
    return FitResult(
        model=problem.simulator.model.name,
        seed=solution.seed,
        patients=problem.population.patients,
        status="converged" if solution.best.converged else solution.best.message,
        wall_seconds=0.0,
        evaluations=solution.evaluations,
        failed_patients=sum(item.failed for item in outcomes.values()),
        retried_courses=sum(item.retried for item in outcomes.values()),
        stop_rules={study: str(rule) for study, rule in problem.rules.items()},
        chi_square_data=float(np.sum(values[:n_data] ** 2)),
        chi_square_prior=float(np.sum(values[n_data:] ** 2)),
        effective_parameters=effective,
        degrees_of_freedom=_count_numbers(problem) - effective,
        q_model=score.model,
        q_null=score.null,
        q_basis=score.basis,
        q_reason=score.reason,
        q_reference=score.reference,
        companion=score.companion,
        parameters=tuple(
            replace(_estimate(item, at, error), changed=changed.get(item.key, ""))
            for item, at, error in zip(problem.estimated, z, errors, strict=True)
        ),
        targets=compare(found.evidence, problem.targets, with_null=False),
        unfitted=compare(found.evidence, unseen, with_null=True),
        transport=transported,
        responses=tuple(
            describe_response(study, arm, outcome, progresses=Endpoint.PFS in problem.endpoints)
            for (study, arm), outcome in outcomes.items()
        ),
        events=tuple(_events(problem, outcomes)),
        deaths_by_cause={trial.study: _count_deaths(trial, outcomes) for trial in problem.trials},
        n_data_residuals=n_data,
        reference_arms={trial.study: None if trial.control is None else trial.control.name for trial in problem.trials},
        curves=tuple(_curves(outcomes, problem.endpoints)),
        predicted=tuple(_predicted(problem, outcomes)),
        starts=tuple(
            StartRow(index, item.chi_square, item.converged, item.evaluations, item.message)
            for index, item in enumerate(solution.starts)
        ),
        constants=tuple(
            replace(_constant(item), changed=changed.get(item.key, "")) for item in problem.parameters if not item.estimated
        ),
        correlation=tuple(tuple(map(float, row)) for row in covariance / np.outer(errors, errors)),
    )


def _count_numbers(problem: FitProblem) -> int:
    """Return how many numbers were fitted: every interval of a curve and of patients is one."""
    return sum(count_residuals(problem, item) if item.statistic in DATA else 1 for item in problem.targets)


def _estimate(parameter: Parameter, score: float, error: float) -> EstimateRow:
    prior = parameter.prior
    lowest, highest = prior.to_z(parameter.lower), prior.to_z(parameter.upper)
    return EstimateRow(
        name=parameter.key,
        symbol=parameter.symbol,
        value=prior.from_z(score),
        unit=parameter.unit,
        standard_error=float(error) * prior.sd,
        lower=prior.from_z(score - NORMAL_95 * error),
        upper=prior.from_z(score + NORMAL_95 * error),
        at_bound=bool(min(score - lowest, highest - score) < AT_BOUND),
        prior=str(prior),
        prior_median=prior.median,
        prior_lower=prior.from_z(-NORMAL_95),
        prior_upper=prior.from_z(NORMAL_95),
        contraction=float(error),
        status=parameter.source.status,
        source=parameter.source.key,
        standard_error_scale=_SCALES[prior.scale],
    )


def _constant(parameter: Parameter) -> ConstantRow:
    return ConstantRow(
        name=parameter.key,
        symbol=parameter.symbol,
        value=parameter.value,
        unit=parameter.unit,
        prior=str(parameter.prior),
        status=parameter.source.status,
        source=parameter.source.key,
        meaning=parameter.meaning,
    )


def describe_change(original: Parameter, change: ParameterChange) -> ChangeRow:
    """Return what was told of a parameter beside what the tables say of it."""
    moved = "estimated" if original.estimated else "constant"
    return ChangeRow(
        name=change.key,
        changed=str(change),
        tables=f"{moved}, {original.value:g}, {original.prior}",
        estimated=original.estimated if change.estimated is None else change.estimated,
        value=change.value,
        prior=None if change.prior is None else str(change.prior),
        start=change.start,
    )


def _events(problem: FitProblem, outcomes: Outcomes) -> list[EventRow]:
    return [
        EventRow(study, arm, endpoint, expected_events(curve(problem, outcomes, study, arm, endpoint)))
        for study, arm in problem.arms
        for endpoint in problem.endpoints
    ]


def _count_deaths(trial: Trial, outcomes: Outcomes) -> dict[str, dict[str, float]]:
    """Return arm -> cause -> expected deaths by the cut-off."""
    follow_up = trial.follow_up[Endpoint.OS]
    return {arm.name: expected_deaths(outcomes[trial.study, arm.name], follow_up) for arm in trial.arms}


def _predicted(problem: FitProblem, outcomes: Outcomes) -> list[PredictedRow]:
    rows = []
    for name, value in predictions(problem, outcomes).items():
        output = read_published_output(name)
        finite = value if value is not None and math.isfinite(value) else None
        if isinstance(output, MedianOutput):
            rows.append(PredictedRow(output.study, output.arm, output.endpoint, Statistic.MEDIAN, finite))
            continue
        treated, control = (arm.name for arm in problem.trial(output.study).contrast(output.arm))
        rows.append(PredictedRow(output.study, treated, output.endpoint, Statistic.HAZARD_RATIO, finite, control))
    return rows


def _curves(outcomes: Outcomes, endpoints: Sequence[Endpoint]) -> list[CurveRow]:
    rows = []
    for (study, arm), outcome in outcomes.items():
        months = np.arange(REPORT_MONTHS + 1.0)
        survival = survival_at(outcome.grid, outcome.survival, months * DAYS_PER_MONTH)
        rows.append(CurveRow(study, arm, Endpoint.OS, tuple(map(float, months)), tuple(map(float, survival))))
        if Endpoint.TTP in endpoints:
            scans = tuple(map(float, outcome.scans / DAYS_PER_MONTH))
            rows.append(CurveRow(study, arm, Endpoint.TTP, scans, tuple(map(float, progression_free(outcome)))))
        if Endpoint.PFS in endpoints:
            time, alive = stepped_curve(outcome, Endpoint.PFS)
            rows.append(CurveRow(study, arm, Endpoint.PFS, tuple(map(float, time / DAYS_PER_MONTH)), tuple(map(float, alive))))
    return rows
