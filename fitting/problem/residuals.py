"""The residuals of a point: how far its virtual trial lies from every target, and the point from its priors.

Start with `residuals`; `target_residuals` are those of one target: their squares add to a deviance, their number never changes.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from kinimmune.fitting.problem.curve_likelihood import (
    curve_information,
    curve_residuals,
    patient_information,
    patient_residuals,
    prepare_curve,
)
from kinimmune.fitting.problem.decorrelation import decorrelate, decorrelating_matrix
from kinimmune.fitting.problem.likelihood import (
    HALF_PRINTED,
    JITTERS,
    interval_residuals,
    log_error,
    scan_of,
    scan_residuals,
)
from kinimmune.fitting.problem.measurement_likelihood import (
    binomial_root,
    measurement_information,
    measurement_residual,
    stable_share,
)
from kinimmune.fitting.problem.patient_groups import PatientGroups, Process
from kinimmune.fitting.problem.patient_strata import Stratum
from kinimmune.fitting.problem.patient_summary import choose_ends, summarise_patients
from kinimmune.fitting.problem.problem import FitProblem, Outcomes, curve
from kinimmune.fitting.problem.standard_errors import standardise
from kinimmune.fitting.problem.statistics import predict_number, to_scale, trial_error
from kinimmune.fitting.problem.subgroups import stratify
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
from kinimmune.models.trial.population import list_covariates
from kinimmune.models.trial.progression_free import progression_free_survival
from kinimmune.models.trial.published import PatientTimes, PublishedCurve
from kinimmune.models.trial.survival import TrialCurves, greenwood, hazard_ratio, log_ratio_error, median_time
from kinimmune.models.trial.virtual_trial import ArmOutcome


def residuals(problem: FitProblem, outcomes: Outcomes, z: Array) -> Array:
    """Return the residuals of every target in their order, then the priors' (the point itself).

    Shape (n_data + n_estimated,), always the same: `count_data_residuals` tells n_data.  Where the problem knows correlations
    between numbers that share patients, what they have in common is taken out; `target_residuals` are as they were.
    """
    data = [target_residuals(problem, outcomes, target) for target in problem.targets]
    if problem.correlations:
        data = [_decorrelate(problem, outcomes, data, roots=True)]
    return np.concatenate([*data, z])


def data_information(problem: FitProblem, outcomes: Outcomes) -> Array:
    """Return numbers whose derivatives by parameters give the information of the data as J'J, shape (n_data,).

    They are the residuals where those are differences in standard errors; of counts, whose signed roots of the deviance bend,
    shares transformed so that their spread does not depend on the point.
    """
    data = [target_information(problem, outcomes, target) for target in problem.targets]
    return np.concatenate([[], *data]) if not problem.correlations else _decorrelate(problem, outcomes, data, roots=False)


def decorrelation_of(problem: FitProblem) -> Array | None:
    """Return W by which the residuals of a problem come from those of its targets one by one, W r; None where they are those."""
    return decorrelating_matrix(problem.correlations, _places(problem)) if problem.correlations else None


def _places(problem: FitProblem) -> dict[str, slice]:
    return {target.label: own for target, own in zip(problem.targets, slice_targets(problem), strict=True)}


def _decorrelate(problem: FitProblem, outcomes: Outcomes, data: Sequence[Array], *, roots: bool) -> Array:
    by_label = {target.label: target.published for target in problem.targets}

    def carried(label: str) -> Array:
        patients = by_label[label]
        assert isinstance(patients, PatientTimes)  # as when the correlations were found
        return _summarise(problem, outcomes, patients, roots=roots)

    return decorrelate(problem.correlations, _places(problem), np.concatenate([[], *data]), carried)


def _summarise(problem: FitProblem, outcomes: Outcomes, patients: PatientTimes, *, roots: bool) -> Array:
    """Return signed roots of deviances of patients in few intervals, or what tells their information; 0 after the last event."""
    ends = np.array(choose_ends(patients, problem.trial(patients.study).plan))
    counts = summarise_patients(patients.time, patients.event, ends)
    predicted = read_published(problem, outcomes, patients, counts.time)
    found = curve_residuals(counts, predicted) if roots else curve_information(counts, predicted)
    return np.append(found, np.zeros(ends.size - 1 - found.size))


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
        return sum(stratum.size for stratum in _stratify(problem, target.published))
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
        return curve_residuals(prepared, read_published(problem, outcomes, target.published, prepared.time))
    if isinstance(target.published, PatientTimes):
        pairs = _pair_strata(problem, outcomes, target.published)
        return np.concatenate([patient_residuals(item, _hazard(outcome, item)) for item, outcome in pairs])
    predicted = predict_number(problem, outcomes, target)
    if target.statistic in COUNTS or target.statistic in OF_READINGS:
        events = target.number if target.statistic in COUNTS else target.number * target.n
        expected = predicted if target.statistic in COUNTS else predicted * target.n
        return np.array([binomial_root(events, expected, target.n)])
    away = to_scale(target, predicted) - to_scale(target, target.number)
    return np.array([standardise(target, away, find_error(problem, outcomes, target))])


def target_information(problem: FitProblem, outcomes: Outcomes, target: Target) -> Array:
    """Return a target's part of `data_information`, as many numbers as it has residuals."""
    if isinstance(target.published, Measurement):
        return np.array([measurement_information(target.published, outcomes.measured[target.label])])
    if isinstance(target.published, PublishedCurve):
        prepared = prepare_curve(target.published)
        return curve_information(prepared, read_published(problem, outcomes, target.published, prepared.time))
    if isinstance(target.published, PatientTimes):
        pairs = _pair_strata(problem, outcomes, target.published)
        return np.concatenate([patient_information(item, _hazard(outcome, item)) for item, outcome in pairs])
    if target.statistic in COUNTS or target.statistic in OF_READINGS:
        predicted = predict_number(problem, outcomes, target)
        share = predicted / target.n if target.statistic in COUNTS else predicted
        return np.array([stable_share(share, target.n)])
    return target_residuals(problem, outcomes, target)


def find_error(problem: FitProblem, outcomes: Outcomes, target: Target) -> float:
    """Return the standard error of a number whose residual is a difference on a scale, on that scale.

    That is of a median of OS, a hazard ratio, a survival or a cut-off: from its interval where that is read and used, else of a
    median by `log_error`, of a ratio Cox's at the published ratio, and of the others by `trial_error`.
    """
    if target.statistic is Statistic.MEDIAN:
        return log_error(target, problem.trial(target.study).follow_up[target.place])
    if target.statistic is Statistic.HAZARD_RATIO:
        return target.log_error or log_ratio_error(*_contrast(problem, outcomes, target), target.number)
    ends = target.error_interval
    if ends is not None:
        return (to_scale(target, ends[1]) - to_scale(target, ends[0])) / (2.0 * NORMAL_95)
    return trial_error(problem, outcomes, target, target.number)


def _median_residuals(problem: FitProblem, outcomes: Outcomes, target: Target) -> tuple[float, float]:
    trial = problem.trial(target.study)
    outcome = outcomes[target.study, target.arm or ""]
    if target.endpoint is Endpoint.OS:
        median = median_time(outcome.grid, outcome.survival) / DAYS_PER_MONTH
        away = math.log(median) - math.log(target.number)
        return standardise(target, away, find_error(problem, outcomes, target)), 0.0
    observed = curve(problem, outcomes, target.study, target.arm or "", target.place)
    if target.endpoint is Endpoint.PFS:
        near = JITTERS * trial.scan_jitter + HALF_PRINTED
        return interval_residuals(progression_free_survival(outcome), greenwood(observed), target.number * DAYS_PER_MONTH, near)
    return scan_residuals(observed, scan_of(target, trial.plan))


def _ratio_residual(problem: FitProblem, outcomes: Outcomes, target: Target) -> float:
    """Return (ln predicted - ln published)/se."""
    try:
        value = hazard_ratio(*_contrast(problem, outcomes, target))
    except DataError as error:
        raise NumericalError(f"no {target.label} here: {error}") from error
    return standardise(target, math.log(value) - math.log(target.number), find_error(problem, outcomes, target))


def _contrast(problem: FitProblem, outcomes: Outcomes, target: Target) -> tuple[TrialCurves, TrialCurves]:
    arms = problem.trial(target.study).contrast(target.arm)
    treated, control = (curve(problem, outcomes, target.study, arm.name, target.place) for arm in arms)
    return treated, control


def read_published(problem: FitProblem, outcomes: Outcomes, published: PublishedCurve | PatientTimes, time: Array) -> Array:
    """Return the virtual trial's survival at some times [d], of the arm and endpoint of a curve or patients, as in a figure."""
    jitter = problem.trial(published.study).scan_jitter
    return read_survival(outcomes[published.study, published.arm], published.endpoint, time, jitter)


def _stratify(problem: FitProblem, patients: PatientTimes) -> tuple[Stratum, ...]:
    return stratify(patients, problem.trial(patients.study), list_covariates(problem.parameters))


def _pair_strata(problem: FitProblem, outcomes: Outcomes, patients: PatientTimes) -> Iterator[tuple[PatientGroups, ArmOutcome]]:
    """Yield the patients of each stratum in each process with the virtual patients they are held against."""
    for stratum in _stratify(problem, patients):
        outcome = outcomes.among(stratum.subgroup)[patients.study, patients.arm]
        for item in stratum.groups:
            yield item, outcome


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
