"""Published numbers beside their predictions, as rows of a result.

Start with `compare`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kinimmune.fitting.estimation.laplace import LaplaceApproximation
from kinimmune.fitting.estimation.predictive import Prediction, find_predictive
from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.problem.outputs import HazardRatioOutput
from kinimmune.fitting.problem.patient_strata import describe_strata
from kinimmune.fitting.problem.predictions import (
    null_prediction,
    predict_ratio,
    predictions,
    scans_of,
)
from kinimmune.fitting.problem.problem import FitProblem, Outcomes
from kinimmune.fitting.problem.residuals import target_residuals
from kinimmune.fitting.problem.statistics import is_number, predict_number
from kinimmune.fitting.problem.subgroups import stratify
from kinimmune.fitting.problem.targets import DATA, SHARES, Statistic, Target, can_predict
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError
from kinimmune.models.experiments.measurement import Measurement
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.population import list_covariates
from kinimmune.models.trial.published import PatientTimes


@dataclass(frozen=True)
class Evidence:
    """What predictions are compared with and how uncertain they are."""

    problem: FitProblem
    """With every arm that is predicted."""
    outcomes: Outcomes
    approximation: LaplaceApproximation | None
    published: Sequence[Target]
    """Every published number, for the null predictions."""


def compare(evidence: Evidence, targets: Sequence[Target], with_null: bool) -> tuple[ComparisonRow, ...]:
    """Return one row per target; where it was not fitted, with its null and where the report falls among trials of its size."""
    named = predictions(evidence.problem, evidence.outcomes)
    return tuple(_row(evidence, target, _predict(evidence, target, named), with_null) for target in targets)


def _predict(evidence: Evidence, target: Target, named: Mapping[str, float | None]) -> float | None:
    """Return what is predicted in a target's place; None of a curve or patients, and where there is no such number."""
    if target.statistic in DATA or not can_predict(target, evidence.problem.endpoints):
        return None
    if not is_number(target):
        return named[target.label]
    try:
        return predict_number(evidence.problem, evidence.outcomes, target)
    except NumericalError:
        return None


def _row(evidence: Evidence, target: Target, predicted: float | None, with_null: bool) -> ComparisonRow:
    problem = evidence.problem
    observed_scan, predicted_scan = scans_of(target, predicted, problem.trials)
    null = null_prediction(target, evidence.published, problem.trials) if with_null else None
    found = _residuals(evidence, target)
    known = find_predictive(Prediction(problem, evidence.outcomes, target, predicted), evidence.approximation)
    ratio = target.statistic is Statistic.HAZARD_RATIO
    arm, reference = (item.name for item in problem.trial(target.study).contrast(target.arm)) if ratio else (target.arm, None)
    measured = target.published if isinstance(target.published, Measurement) else None
    bounded = predicted is not None and target.lower is not None and target.upper is not None
    return ComparisonRow(
        study=target.study,
        arm=arm,
        endpoint=target.endpoint,
        statistic=target.statistic,
        observed=target.value,
        lower=target.lower,
        upper=target.upper,
        value_status=target.value_source.status,
        interval_status=None if target.interval_source is None else target.interval_source.status,
        predicted=predicted,
        residual=None if found is None or target.statistic in DATA else float(found[0]),
        scan_observed=observed_scan,
        scan_predicted=predicted_scan,
        null_prediction=null,
        inside=_inside(target, predicted) if bounded else None,
        predicted_lower=known.parameters[0],
        predicted_upper=known.parameters[1],
        drawn_lower=known.constants[0],
        drawn_upper=known.constants[1],
        trial_lower=known.trial[0],
        trial_upper=known.trial[1],
        trial_place=known.place if with_null else None,
        interval_reason=known.reason if with_null else "",
        reason=_find_reason(evidence, target) if predicted is None and target.statistic not in DATA else "",
        reference_arm=reference if measured is None else measured.reference,
        read_out=None if measured is None else measured.read_out,
        day=None if measured is None else measured.day,
        reference_day=None if measured is None or measured.reference is None else measured.reference_day,
        unit=target.unit,
        role=target.role,
        month=target.month,
        deviance=None if found is None else float(found @ found),
        n_residuals=None if found is None else found.size,
        n=target.n,
        error_rule=None if target.errors is None else str(target.errors),
        measured_error=None if measured is None else measured.error,
        strata=_tell_strata(problem, target),
    )


def _tell_strata(problem: FitProblem, target: Target) -> str | None:
    """Return the strata patients are fitted by, None where they are fitted together, and of all else."""
    if not isinstance(target.published, PatientTimes) or not can_predict(target, problem.endpoints):
        return None
    told = describe_strata(stratify(target.published, problem.trial(target.study), list_covariates(problem.parameters)))
    return "; ".join(told) or None


def _find_reason(evidence: Evidence, target: Target) -> str:
    """Return why a virtual trial does not have a number."""
    if not can_predict(target, evidence.problem.endpoints):
        return "the model has no progression"
    if target.statistic is Statistic.HAZARD_RATIO:
        return predict_ratio(
            evidence.problem, evidence.outcomes, HazardRatioOutput(target.study, target.place, target.arm)
        ).reason
    if target.statistic is Statistic.CUTOFF:
        return f"there are never {target.n} events"
    months = evidence.problem.simulator.horizon / DAYS_PER_MONTH
    return f"the curve stays above one half to month {months:g}"


def _inside(target: Target, predicted: float | None) -> bool:
    """Return whether a prediction lies in the published interval, with its ends read at the precision they are printed."""
    if predicted is None or target.lower is None or target.upper is None:
        return False
    return target.lower <= round(predicted, 3 if target.statistic in SHARES else 2) <= target.upper


def _residuals(evidence: Evidence, target: Target) -> Array | None:
    """Return the residuals of a target, None where the virtual trial has nothing to compare with."""
    problem = evidence.problem
    if not can_predict(target, problem.endpoints):
        return None
    stepped = target.statistic is Statistic.MEDIAN and target.endpoint is not Endpoint.OS
    if stepped and target.number * DAYS_PER_MONTH >= problem.simulator.horizon:
        return None  # the curve ends before the published median
    try:
        return target_residuals(problem, evidence.outcomes, target)
    except NumericalError:
        return None
