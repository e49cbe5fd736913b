"""The residuals of a point: how far its virtual trial lies from every target, and the point from its priors.

Start with `residuals`; `target_residuals` are those of one target: their squares add to a deviance, their number never changes.
"""

import math
from itertools import pairwise

import numpy as np

from kinimmune.fitting.problem.curve_likelihood import (
    curve_information,
    curve_residuals,
    patient_information,
    patient_residuals,
    prepare_curve,
)
from kinimmune.fitting.problem.likelihood import (
    HALF_PRINTED,
    JITTERS,
    interval_residuals,
    log_error,
    os_residual,
    scan_of,
    scan_residuals,
)
from kinimmune.fitting.problem.measurement_likelihood import (
    binomial_root,
    measurement_information,
    measurement_residual,
    stable_share,
)
from kinimmune.fitting.problem.patient_groups import PatientGroups, Process, group_patients, join_sizes
from kinimmune.fitting.problem.problem import FitProblem, Outcomes, curve
from kinimmune.fitting.problem.statistics import predict_number, to_scale, trial_error
from kinimmune.fitting.problem.targets import COUNTS, OF_READINGS, Statistic, Target
from kinimmune.models.arrays import NORMAL_95, Array, real
from kinimmune.models.errors import DataError, NumericalError
from kinimmune.models.experiments.measurement import Measurement
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.hazards import (
    hazard_of_death,
    hazard_of_death_before_progression,
    hazard_of_progression,
    read_survival,
)
from kinimmune.models.trial.progression_free import progression_free_survival
from kinimmune.models.trial.published import PatientTimes, PublishedCurve
from kinimmune.models.trial.survival import greenwood, hazard_ratio, log_ratio_error, median_time
from kinimmune.models.trial.virtual_trial import ArmOutcome


def residuals(problem: FitProblem, outcomes: Outcomes, z: Array) -> Array:
    """Return the residuals of every target in their order, then the priors' (the point itself).

    Shape (n_data + n_estimated,), always the same: `count_data_residuals` tells n_data.
    """
    return np.concatenate([*(target_residuals(problem, outcomes, target) for target in problem.targets), z])


def data_information(problem: FitProblem, outcomes: Outcomes) -> Array:
    """Return numbers whose derivatives by parameters give the information of the data as J'J, shape (n_data,).

    They are the residuals where those are differences in standard errors; of counts, whose signed roots of the deviance bend,
    shares transformed so that their spread does not depend on the point.
    """
    return np.concatenate([[], *(target_information(problem, outcomes, target) for target in problem.targets)])


def count_data_residuals(problem: FitProblem) -> int:
    """Return the number of residuals of all targets."""
    return sum(count_residuals(problem, target) for target in problem.targets)


def slice_targets(problem: FitProblem) -> tuple[slice, ...]:
    """Return the places of the residuals of each target among those of the data."""
    ends = np.cumsum([0, *(count_residuals(problem, target) for target in problem.targets)])
    return tuple(slice(int(first), int(last)) for first, last in pairwise(ends))


def count_residuals(problem: FitProblem, target: Target) -> int:
    """Return the number of residuals of a target: two of a median (the second zero for OS), one of any other number."""
    if isinstance(target.published, PublishedCurve):
        return prepare_curve(target.published).exposed.size
    if isinstance(target.published, PatientTimes):
        return join_sizes(_group(problem, target.published))
    return 2 if target.statistic is Statistic.MEDIAN else 1


def target_residuals(problem: FitProblem, outcomes: Outcomes, target: Target) -> Array:
    """Return the residuals of a target, shape (k,), k always the same; positive where more is predicted than was published.

    Raises
    ------
    NumericalError
        where the virtual trial has no such number
    """
    if isinstance(target.published, Measurement):
        return np.array([measurement_residual(target.published, outcomes.measured[target.label])])
    if target.statistic is Statistic.MEDIAN:
        return real(_median_residuals(problem, outcomes, target))
    if target.statistic is Statistic.HAZARD_RATIO:
        return np.array([_ratio_residual(problem, outcomes, target)])
    if isinstance(target.published, PublishedCurve):
        prepared = prepare_curve(target.published)
        return curve_residuals(prepared, _read(problem, outcomes, target.published, prepared.time))
    if isinstance(target.published, PatientTimes):
        outcome = outcomes[target.study, target.published.arm]
        groups = _group(problem, target.published)
        return np.concatenate([patient_residuals(item, _hazard(outcome, item)) for item in groups])
    predicted = predict_number(problem, outcomes, target)
    if target.statistic in COUNTS or target.statistic in OF_READINGS:
        events = target.number if target.statistic in COUNTS else target.number * target.n
        expected = predicted if target.statistic in COUNTS else predicted * target.n
        return np.array([binomial_root(events, expected, target.n)])
    away = to_scale(target, predicted) - to_scale(target, target.number)
    return np.array([away / _scale_error(problem, outcomes, target)])


def target_information(problem: FitProblem, outcomes: Outcomes, target: Target) -> Array:
    """Return a target's part of `data_information`, as many numbers as it has residuals."""
    if isinstance(target.published, Measurement):
        return np.array([measurement_information(target.published, outcomes.measured[target.label])])
    if isinstance(target.published, PublishedCurve):
        prepared = prepare_curve(target.published)
        return curve_information(prepared, _read(problem, outcomes, target.published, prepared.time))
    if isinstance(target.published, PatientTimes):
        outcome = outcomes[target.study, target.published.arm]
        groups = _group(problem, target.published)
        return np.concatenate([patient_information(item, _hazard(outcome, item)) for item in groups])
    if target.statistic in COUNTS or target.statistic in OF_READINGS:
        predicted = predict_number(problem, outcomes, target)
        share = predicted / target.n if target.statistic in COUNTS else predicted
        return np.array([stable_share(share, target.n)])
    return target_residuals(problem, outcomes, target)


def _median_residuals(problem: FitProblem, outcomes: Outcomes, target: Target) -> tuple[float, float]:
    trial = problem.trial(target.study)
    outcome = outcomes[target.study, target.arm or ""]
    if target.endpoint is Endpoint.OS:
        error = log_error(target, trial.follow_up[Endpoint.OS])
        return os_residual(median_time(outcome.grid, outcome.survival), target, error), 0.0
    observed = curve(problem, outcomes, target.study, target.arm or "", target.place)
    if target.endpoint is Endpoint.PFS:
        near = JITTERS * trial.scan_jitter + HALF_PRINTED
        return interval_residuals(progression_free_survival(outcome), greenwood(observed), target.number * DAYS_PER_MONTH, near)
    return scan_residuals(observed, scan_of(target, trial.plan))


def _ratio_residual(problem: FitProblem, outcomes: Outcomes, target: Target) -> float:
    """Return (ln predicted - ln published)/se, se from the interval where it was read, else Cox's at the published ratio."""
    arms = problem.trial(target.study).contrast(target.arm)
    treated, control = (curve(problem, outcomes, target.study, arm.name, target.place) for arm in arms)
    try:
        value = hazard_ratio(treated, control)
    except DataError as error:
        raise NumericalError(f"no {target.label} here: {error}") from error
    scatter = target.log_error or log_ratio_error(treated, control, target.number)
    return (math.log(value) - math.log(target.number)) / scatter


def _scale_error(problem: FitProblem, outcomes: Outcomes, target: Target) -> float:
    """Return the standard error of a published number on its scale: from its interval where that was read, else from n."""
    ends = target.read_interval
    if ends is not None:
        return (to_scale(target, ends[1]) - to_scale(target, ends[0])) / (2.0 * NORMAL_95)
    return trial_error(problem, outcomes, target, target.number)


def _read(problem: FitProblem, outcomes: Outcomes, published: PublishedCurve, time: Array) -> Array:
    jitter = problem.trial(published.study).scan_jitter
    return read_survival(outcomes[published.study, published.arm], published.endpoint, time, jitter)


def _group(problem: FitProblem, patients: PatientTimes) -> tuple[PatientGroups, ...]:
    return group_patients(patients, problem.trial(patients.study).plan)


def _hazard(outcome: ArmOutcome, groups: PatientGroups) -> Array:
    """Return the cumulative hazard of a process at the edges of its intervals."""
    match groups.process:
        case Process.DEATH:
            return hazard_of_death(outcome, groups.edges)
        case Process.PROGRESSION:
            return hazard_of_progression(outcome, groups.edges)
        case Process.DEATH_BEFORE_PROGRESSION:
            return hazard_of_death_before_progression(outcome, groups.edges)
    both = (hazard_of_progression, hazard_of_death_before_progression)
    return real(sum(hazard(outcome, groups.edges) for hazard in both))
