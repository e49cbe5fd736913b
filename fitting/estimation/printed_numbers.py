"""What a drawn trial would print in the place of each target, as the signed residual that number would have.

Start with `make_reader`.  A drawn number is read by the rules of the published one, with the standard error of the published one,
and compared with the same virtual trial.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.estimation.drawn_trials import DrawnArm, DrawnTrial
from kinimmune.fitting.problem.curve_likelihood import curve_residuals, make_intervals, prepare_curve
from kinimmune.fitting.problem.measurement_likelihood import binomial_root
from kinimmune.fitting.problem.patient_summary import choose_ends, summarise_patients
from kinimmune.fitting.problem.problem import FitProblem, Outcomes
from kinimmune.fitting.problem.residuals import find_error, read_published, target_residuals
from kinimmune.fitting.problem.statistics import predict_number, to_scale
from kinimmune.fitting.problem.targets import COUNTS, OF_READINGS, Statistic, Target
from kinimmune.models.arrays import Array, Bools
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.observed import cox_ratio, estimate_curve
from kinimmune.models.trial.published import PatientTimes, PublishedCurve

MONTHS = 0.1
"""Medians are printed to so many months."""
LEAST_READ = 1e-3
"""Survival read off a curve that has not come to 0."""

Reader = Callable[[DrawnTrial, np.random.Generator], Array]
"""The signed residuals of one target in one drawn trial, shape (k,), not a number where that trial has no such number; the
generator draws the errors of whoever reads a figure."""


@dataclass(frozen=True)
class TargetReader:
    """How one target is read off drawn trials."""

    target: Target
    places: int
    """Number of signed residuals: one of a number, those of the intervals of a curve or of the summary of patients."""
    read: Reader


def make_reader(problem: FitProblem, outcomes: Outcomes, target: Target) -> TargetReader:
    """Return how a target is read off drawn trials, against the virtual trial at a point."""
    if isinstance(target.published, PublishedCurve):
        return _read_curves(problem, outcomes, target, target.published)
    if isinstance(target.published, PatientTimes):
        return _read_patients(problem, outcomes, target, target.published)
    if target.statistic in COUNTS or target.statistic in OF_READINGS:
        return TargetReader(target, 1, _count(problem, outcomes, target))
    if target.statistic is Statistic.MEDIAN and target.endpoint is not Endpoint.OS:
        return TargetReader(target, 1, _read_stepped_medians(problem, outcomes, target))
    return TargetReader(target, 1, _read_scaled(problem, outcomes, target))


def print_number(target: Target, drawn: DrawnTrial) -> float:
    """Return the number a drawn trial prints for a target, in its unit; not a number where it has none."""
    arm = _find_arm(target, drawn)
    match target.statistic:
        case Statistic.MEDIAN:
            months = arm.estimate(target.place).median() / DAYS_PER_MONTH
            return max(round(months / MONTHS), 1) * MONTHS if math.isfinite(months) else math.nan
        case Statistic.SURVIVAL:
            share = float(arm.estimate(target.place).at(np.array([(target.month or 0.0) * DAYS_PER_MONTH]))[0])
            return share if 0.0 < share < 1.0 else math.nan
        case Statistic.HAZARD_RATIO:
            pair = (drawn[item.name].observe(target.place) for item in arm.trial.contrast(target.arm))
            return math.exp(cox_ratio(*pair).log_ratio)
        case Statistic.RESPONSE_RATE:
            return float(arm.responded.mean())
        case Statistic.CONTROL_RATE:
            return float((np.minimum(arm.death, arm.progression) > arm.trial.scan_interval).mean())
        case Statistic.CUTOFF:
            days = np.sort(np.concatenate([drawn[name].calendar(target.place) for name in drawn]))
            return float(days[target.n - 1]) / DAYS_PER_MONTH if target.n <= days.size else math.nan
        case _:
            return float(sum(drawn[name].observe(target.place)[1].sum() for name in target.arms(arm.trial)))


def _find_arm(target: Target, drawn: DrawnTrial) -> DrawnArm:
    """Return the patients of an arm that a number was published of; of a number of several arms any of them."""
    if target.arm is None or target.statistic is Statistic.HAZARD_RATIO or target.statistic in COUNTS:
        return next(iter(drawn.values()))
    return drawn[target.arm].first(target.n)


def _read_scaled(problem: FitProblem, outcomes: Outcomes, target: Target) -> Reader:
    """Return a reader of numbers whose residual is a difference on a scale: that from the published number, up to a constant."""
    error = find_error(problem, outcomes, target)

    def scale(value: float) -> float:
        if not math.isfinite(value):
            return math.nan
        return to_scale(target, value) if target.statistic is Statistic.SURVIVAL else math.log(value)

    def read(drawn: DrawnTrial, _: np.random.Generator) -> Array:
        return np.array([(scale(target.number) - scale(print_number(target, drawn))) / error])

    return read


def _count(problem: FitProblem, outcomes: Outcomes, target: Target) -> Reader:
    share = predict_number(problem, outcomes, target)
    expected = share if target.statistic in COUNTS else share * target.n

    def read(drawn: DrawnTrial, _: np.random.Generator) -> Array:
        found = print_number(target, drawn)
        return np.array([binomial_root(found if target.statistic in COUNTS else found * target.n, expected, target.n)])

    return read


def _read_stepped_medians(problem: FitProblem, outcomes: Outcomes, target: Target) -> Reader:
    """Return a reader of medians that fall on scans or between them: there are few, and each is compared once."""
    known: dict[float, float] = {}

    def read(drawn: DrawnTrial, _: np.random.Generator) -> Array:
        months = print_number(target, drawn)
        if math.isfinite(months) and months not in known:
            printed = replace(target, value=months, lower=None, upper=None, interval_source=None)
            try:
                known[months] = float(target_residuals(problem, outcomes, printed)[0])
            except DataError:  # beyond the curve, or beyond anybody's follow-up
                known[months] = math.nan
        return np.array([known.get(months, math.nan)])

    return read


def _read_curves(problem: FitProblem, outcomes: Outcomes, target: Target, curve: PublishedCurve) -> TargetReader:
    size = prepare_curve(curve).exposed.size
    predicted = read_published(problem, outcomes, curve, curve.time)

    def read(drawn: DrawnTrial, generator: np.random.Generator) -> Array:
        time, event = drawn[curve.arm].first(target.n).observe(curve.endpoint, at_visits=True)
        survival, at_risk = read_figure(time, event, curve, generator)
        counts = make_intervals(curve.time, survival, at_risk, curve.reading_error)
        return _pad(curve_residuals(counts, predicted[: counts.time.size]), size)

    return TargetReader(target, size, read)


def read_figure(time: Array, event: Bools, curve: PublishedCurve, generator: np.random.Generator) -> tuple[Array, Array]:
    """Return survival and numbers at risk of patients as they would be read off a figure at the times of a published curve.

    Survival is read with the published curve's errors, and neither rises nor leaves [0, 1].
    """
    exact = estimate_curve(time, event).at(curve.time)
    read = np.clip(exact + curve.reading_error * generator.standard_normal(exact.size), 0.0, 1.0)
    read = np.where(exact > 0.0, np.maximum(read, LEAST_READ), 0.0)
    survival = np.minimum.accumulate(np.where(exact < 1.0, read, 1.0))
    at_risk = np.where(survival > 0.0, (time[None, :] >= curve.time[:, None]).sum(axis=1), 0)
    return survival, at_risk.astype(float)


def _read_patients(problem: FitProblem, outcomes: Outcomes, target: Target, patients: PatientTimes) -> TargetReader:
    ends = np.array(choose_ends(patients, problem.trial(target.study).plan))
    predicted = read_published(problem, outcomes, patients, ends)

    def read(drawn: DrawnTrial, _: np.random.Generator) -> Array:
        time, event = drawn[patients.arm].first(target.n).observe(patients.endpoint, at_visits=True)
        counts = summarise_patients(time, event, ends)
        return _pad(curve_residuals(counts, predicted[: counts.time.size]), ends.size - 1)

    return TargetReader(target, ends.size - 1, read)


def _pad(found: Array, size: int) -> Array:
    """Return residuals with zeros for intervals that nobody lived to, or beyond those of the target left out."""
    return np.append(found, np.zeros(max(size - found.size, 0)))[:size]
