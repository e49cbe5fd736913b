"""Published numbers beside their predictions, as rows of a result.

Start with `compare`; `score` condenses hazard ratios into Q.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from kinimmune.fitting.estimation.laplace import LaplaceApproximation
from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.problem.likelihood import log_error
from kinimmune.fitting.problem.outputs import HazardRatioOutput
from kinimmune.fitting.problem.predictions import (
    null_prediction,
    predict_ratio,
    predictions,
    sampling_error,
    scans_of,
    stepped_curve,
)
from kinimmune.fitting.problem.problem import FitProblem, Outcomes
from kinimmune.fitting.problem.residuals import target_residuals
from kinimmune.fitting.problem.statistics import from_scale, is_number, predict_number, to_scale, trial_error
from kinimmune.fitting.problem.targets import DATA, SHARES, Statistic, Target, can_predict
from kinimmune.models.arrays import NORMAL_95, Array
from kinimmune.models.errors import NumericalError
from kinimmune.models.experiments.measurement import Measurement
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint

Interval = tuple[float | None, float | None]


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
    """Return one row per target; with the null prediction where the target was not fitted."""
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


def score(rows: Sequence[ComparisonRow], targets: Sequence[Target], null: bool) -> float | None:
    """Return Q, the sum over hazard ratios of ((ln predicted - ln reported) / se)^2, of the model or of the null.

    None when a prediction is missing or no hazard ratio was published with an interval.

    Parameters
    ----------
    rows
        from `compare`; those of medians do not count
    targets
        of the rows, in their order
    null
        whether it is that of the null
    """
    total, count = 0.0, 0
    for row, target in zip(rows, targets, strict=True):
        if target.statistic is not Statistic.HAZARD_RATIO:
            continue
        value = row.null_prediction if null else row.predicted
        if target.printed_log_error is None:
            continue
        if value is None:
            return None
        total += ((math.log(value) - math.log(target.number)) / target.printed_log_error) ** 2
        count += 1
    return total if count else None


def _row(evidence: Evidence, target: Target, predicted: float | None, with_null: bool) -> ComparisonRow:
    problem = evidence.problem
    observed_scan, predicted_scan = scans_of(target, predicted, problem.trials)
    null = null_prediction(target, evidence.published, problem.trials) if with_null else None
    found = _residuals(evidence, target)
    fixed, drawn, repeated = _intervals(evidence, target, predicted)
    ratio = target.statistic is Statistic.HAZARD_RATIO
    arm, reference = (item.name for item in problem.trial(target.study).contrast(target.arm)) if ratio else (target.arm, None)
    measured = target.published if isinstance(target.published, Measurement) else None
    known = predicted is not None and target.lower is not None and target.upper is not None
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
        inside=_inside(target, predicted) if known else None,
        predicted_lower=fixed[0],
        predicted_upper=fixed[1],
        drawn_lower=drawn[0],
        drawn_upper=drawn[1],
        trial_lower=repeated[0],
        trial_upper=repeated[1],
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
    )


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


def _intervals(evidence: Evidence, target: Target, centre: float | None) -> tuple[Interval, Interval, Interval]:
    """Return 95 % intervals of a prediction: for parameters, for constants too, and for one trial of that size."""
    approximation = evidence.approximation
    if approximation is None or target.label not in approximation.gradients:
        return (None, None), (None, None), (None, None)
    by_steps = target.statistic is Statistic.MEDIAN and target.endpoint is not Endpoint.OS
    if centre is None and not by_steps:
        return (None, None), (None, None), (None, None)
    fixed = approximation.standard_error(target.label, constants_drawn=False)
    drawn = approximation.standard_error(target.label, constants_drawn=True)
    noise = _trial_noise(evidence, target)
    errors = (fixed, drawn, np.hypot(fixed, noise))
    if centre is None or by_steps:
        time, survival = stepped_curve(evidence.outcomes[target.study, target.arm or ""], target.place)
        steps = tuple(_step_interval(survival, error, time / DAYS_PER_MONTH) for error in errors)
        return steps[0], steps[1], steps[2]
    if is_number(target):
        ends = tuple(_scaled_interval(target, centre, float(error[0])) for error in errors)
    else:
        ends = tuple(_log_interval(centre, float(error[0])) for error in errors)
    return ends[0], ends[1], ends[2]


def _trial_noise(evidence: Evidence, target: Target) -> Array:
    if target.statistic is Statistic.MEDIAN and target.endpoint is Endpoint.OS:
        follow_up = evidence.problem.trial(target.study).follow_up[Endpoint.OS]
        return np.array([log_error(target, follow_up)])
    if is_number(target):
        centre = predict_number(evidence.problem, evidence.outcomes, target)
        return np.array([trial_error(evidence.problem, evidence.outcomes, target, centre)])
    return sampling_error(evidence.problem, evidence.outcomes, target.label)


def _log_interval(centre: float, error: float) -> Interval:
    if not math.isfinite(error):  # next to the point there is no such number
        return None, None
    width = NORMAL_95 * error
    return centre * math.exp(-width), centre * math.exp(width)


def _scaled_interval(target: Target, centre: float, error: float) -> Interval:
    if not math.isfinite(error):
        return None, None
    score, width = to_scale(target, centre), NORMAL_95 * error
    return from_scale(target, score - width), from_scale(target, score + width)


def _step_interval(survival: Array, error: Array, months: Array) -> Interval:
    """Return the times [month] of a curve between which the median falls with 95 % probability, from errors of the curve."""
    finite = np.isfinite(error) & (error > 0.0)
    by_then = np.asarray(ndtr((0.5 - survival[finite]) / error[finite]))
    first, last = np.argmax(by_then >= 0.025), np.argmax(by_then >= 0.975)
    lower = float(months[finite][first]) if by_then.size and by_then.max() >= 0.025 else None
    upper = float(months[finite][last]) if by_then.size and by_then.max() >= 0.975 else None
    return lower, upper
