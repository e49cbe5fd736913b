"""Published numbers beside their predictions, as rows of a result.

Start with `compare`; `score` condenses hazard ratios into Q.
"""

import math
from collections.abc import Sequence
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
from kinimmune.fitting.problem.problem import FitProblem, Outcomes, target_residuals
from kinimmune.fitting.problem.targets import Statistic, Target
from kinimmune.models.arrays import NORMAL_95, Array
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
    predicted = predictions(evidence.problem, evidence.outcomes)
    return tuple(_row(evidence, target, predicted[target.label], with_null) for target in targets)


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
        if target.log_error is None:
            continue
        if value is None:
            return None
        total += ((math.log(value) - math.log(target.value)) / target.log_error) ** 2
        count += 1
    return total if count else None


def _row(evidence: Evidence, target: Target, predicted: float | None, with_null: bool) -> ComparisonRow:
    problem = evidence.problem
    trial = problem.trial(target.study)
    observed_scan, predicted_scan = scans_of(target, predicted, trial)
    null = null_prediction(target, evidence.published, problem.trials) if with_null else None
    fixed, drawn, repeated = _intervals(evidence, target)
    ratio = target.statistic is Statistic.HAZARD_RATIO
    arm, reference = (item.name for item in trial.contrast(target.arm)) if ratio else (target.arm, None)
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
        residual=_residual(evidence, target, predicted),
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
        reason=_find_reason(evidence, target) if predicted is None else "",
        reference_arm=reference,
    )


def _find_reason(evidence: Evidence, target: Target) -> str:
    """Return why a virtual trial does not have a number."""
    output = target.output
    if isinstance(output, HazardRatioOutput):
        return predict_ratio(evidence.problem, evidence.outcomes, output).reason
    months = evidence.problem.simulator.horizon / DAYS_PER_MONTH
    return f"the curve stays above one half to month {months:g}"


def _inside(target: Target, predicted: float | None) -> bool:
    """Return whether a prediction lies in the published interval, with its ends read at the precision they are printed."""
    if predicted is None or target.lower is None or target.upper is None:
        return False
    return target.lower <= round(predicted, 2) <= target.upper


def _residual(evidence: Evidence, target: Target, predicted: float | None) -> float | None:
    if target.statistic is Statistic.MEDIAN:
        if target.endpoint is not Endpoint.OS and target.value * DAYS_PER_MONTH >= evidence.problem.simulator.horizon:
            return None  # the curve ends before the published median
        return float(target_residuals(evidence.problem, evidence.outcomes, target)[0])
    if predicted is None or target.log_error is None:
        return None
    return (math.log(predicted) - math.log(target.value)) / target.log_error


def _intervals(evidence: Evidence, target: Target) -> tuple[Interval, Interval, Interval]:
    """Return 95 % intervals of a prediction: for parameters, for constants too, and for one trial of that size."""
    approximation = evidence.approximation
    if approximation is None or target.label not in approximation.gradients:
        return (None, None), (None, None), (None, None)
    centre = predictions(evidence.problem, evidence.outcomes)[target.label]
    by_steps = target.statistic is Statistic.MEDIAN and target.endpoint is not Endpoint.OS
    if centre is None and not by_steps:
        return (None, None), (None, None), (None, None)
    fixed = approximation.standard_error(target.label, constants_drawn=False)
    drawn = approximation.standard_error(target.label, constants_drawn=True)
    noise = _trial_noise(evidence, target)
    errors = (fixed, drawn, np.hypot(fixed, noise))
    if centre is None or by_steps:
        time, survival = stepped_curve(evidence.outcomes[target.study, target.arm or ""], target.endpoint)
        steps = tuple(_step_interval(survival, error, time / DAYS_PER_MONTH) for error in errors)
        return steps[0], steps[1], steps[2]
    ends = tuple(_log_interval(centre, float(error[0])) for error in errors)
    return ends[0], ends[1], ends[2]


def _trial_noise(evidence: Evidence, target: Target) -> Array:
    if target.statistic is Statistic.MEDIAN and target.endpoint is Endpoint.OS:
        follow_up = evidence.problem.trial(target.study).follow_up[Endpoint.OS]
        return np.array([log_error(target, follow_up)])
    return sampling_error(evidence.problem, evidence.outcomes, target.label)


def _log_interval(centre: float, error: float) -> Interval:
    if not math.isfinite(error):  # next to the point there is no such number
        return None, None
    width = NORMAL_95 * error
    return centre * math.exp(-width), centre * math.exp(width)


def _step_interval(survival: Array, error: Array, months: Array) -> Interval:
    """Return the times [month] of a curve between which the median falls with 95 % probability, from errors of the curve."""
    finite = np.isfinite(error) & (error > 0.0)
    by_then = np.asarray(ndtr((0.5 - survival[finite]) / error[finite]))
    first, last = np.argmax(by_then >= 0.025), np.argmax(by_then >= 0.975)
    lower = float(months[finite][first]) if by_then.size and by_then.max() >= 0.025 else None
    upper = float(months[finite][last]) if by_then.size and by_then.max() >= 0.975 else None
    return lower, upper
