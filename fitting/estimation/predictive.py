"""How uncertain a prediction is, for the population and for a trial of the published size, and where in that the report falls.

Start with `find_predictive`.  A trial of that size is one with as many patients, animals or cells as the number was published of;
what it reports scatters by sampling and by what is not known of the parameters.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from kinimmune.fitting.estimation.counted import CountForecast
from kinimmune.fitting.estimation.laplace import LaplaceApproximation
from kinimmune.fitting.problem.likelihood import HALF_PRINTED, JITTERS, find_bracket, scan_of
from kinimmune.fitting.problem.predictions import sampling_error, stepped_curve
from kinimmune.fitting.problem.problem import FitProblem, Outcomes
from kinimmune.fitting.problem.statistics import from_scale, is_counted, is_number, to_scale, trial_error
from kinimmune.fitting.problem.targets import COUNTS, DATA, Statistic, Target
from kinimmune.models.arrays import NORMAL_95, Array
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.progression_free import progression_free_survival

Interval = tuple[float | None, float | None]
UNKNOWN: Interval = (None, None)


@dataclass(frozen=True)
class Predictive:
    """95 % intervals of a prediction, in its unit, and where the report falls."""

    parameters: Interval = UNKNOWN
    """For the population, constants fixed."""
    constants: Interval = UNKNOWN
    """For the population, constants drawn too."""
    trial: Interval = UNKNOWN
    """For what one trial of that size reports, constants fixed."""
    place: float | None = None
    """Probability that such a trial reports less than was reported, and half of that of the same."""
    reason: str = ""
    """Why any of them is missing, where something is predicted."""


@dataclass(frozen=True)
class Prediction:
    """A published number with the point it is predicted at."""

    problem: FitProblem
    outcomes: Outcomes
    target: Target
    centre: float | None
    """What is predicted in its place, None where nothing is."""

    @property
    def is_stepped(self) -> bool:
        """Whether it is a median of a curve that falls by steps."""
        return self.target.statistic is Statistic.MEDIAN and self.target.endpoint is not Endpoint.OS


def find_predictive(prediction: Prediction, approximation: LaplaceApproximation | None) -> Predictive:
    """Return the intervals of a prediction and where the report falls in that of a trial; nothing without an approximation."""
    target, centre = prediction.target, prediction.centre
    if target.statistic in DATA:
        return Predictive(reason="it is no single number, and stands by its deviance over intervals")
    if approximation is None or target.label not in approximation.gradients:
        return Predictive()
    fixed, drawn = (approximation.standard_error(target.label, constants_drawn=drawn) for drawn in (False, True))
    if prediction.is_stepped:
        return _predict_steps(prediction, fixed, drawn)
    if centre is None:
        return Predictive()
    if not math.isfinite(fixed[0]):
        return Predictive(reason="next to the estimates there is no such number")
    known = Predictive(_find_ends(target, centre, float(fixed[0])), _find_ends(target, centre, float(drawn[0])))
    if target.value is None:
        return replace(known, reason="only a range was published: no number to place, and no error of one experiment")
    if is_counted(target):
        return _add_counts(known, target, centre, float(fixed[0]))
    return _add_scaled(known, prediction, centre, float(fixed[0]))


def _add_counts(known: Predictive, target: Target, centre: float, error: float) -> Predictive:
    """Add what a trial counts: binomial, of an uncertain share."""
    forecast = CountForecast(target.n, to_scale(target, centre), error)
    unit = 1 if target.statistic in COUNTS else target.n
    observed = round(target.number * target.n) if unit == target.n else round(target.number)
    trial = (forecast.quantile(0.025) / unit, forecast.quantile(0.975) / unit)
    return replace(known, trial=trial, place=forecast.place(observed))


def _add_scaled(known: Predictive, prediction: Prediction, centre: float, error: float) -> Predictive:
    """Add what a trial reports of a number that scatters normally on its scale."""
    target = prediction.target
    total = math.hypot(error, _find_noise(prediction, centre))
    if not (math.isfinite(total) and total > 0.0):
        late = "the date lies where no events come any more"
        return replace(known, reason=late if target.statistic is Statistic.CUTOFF else "the sampling error there is not known")
    away = (_score(target, target.number) - _score(target, centre)) / total
    return replace(known, trial=_find_ends(target, centre, total), place=float(ndtr(away)))


def _find_noise(prediction: Prediction, centre: float) -> float:
    """Return the standard error by which one trial of that size scatters about a number, on its scale."""
    if is_number(prediction.target):
        return trial_error(prediction.problem, prediction.outcomes, prediction.target, centre)
    return float(_find_sampling_error(prediction)[0])


def _find_sampling_error(prediction: Prediction) -> Array:
    """Return the sampling error of a median or a ratio, of as many patients as it was published of, shape (k,)."""
    target, trial = prediction.target, prediction.problem.trial(prediction.target.study)
    randomised = sum(trial.arm(name).n for name in target.arms(trial))
    return sampling_error(prediction.problem, prediction.outcomes, target.label) * math.sqrt(randomised / target.n)


def _score(target: Target, value: float) -> float:
    return to_scale(target, value) if is_number(target) else math.log(value)


def _find_ends(target: Target, centre: float, error: float) -> Interval:
    if not math.isfinite(error):
        return UNKNOWN
    width = NORMAL_95 * error
    if not is_number(target):
        return centre * math.exp(-width), centre * math.exp(width)
    score = to_scale(target, centre)
    return from_scale(target, score - width), from_scale(target, score + width)


def _predict_steps(prediction: Prediction, fixed: Array, drawn: Array) -> Predictive:
    """Return where the median of a stepped curve falls, from the errors of the curve, shape (k,) each."""
    target = prediction.target
    time, survival = stepped_curve(prediction.outcomes[target.study, target.arm or ""], target.place)
    repeated = np.hypot(fixed, _find_sampling_error(prediction))
    months = time / DAYS_PER_MONTH
    ends = tuple(_find_step_ends(survival, error, months) for error in (fixed, drawn, repeated))
    place = _place_median(prediction, repeated)
    reason = ""
    if any(end is None for pair in ends for end in pair):
        reason = f"the curve ends at month {months[-1]:.3g}, and may not have come to one half by then"
    elif place is None:
        reason = f"the curve ends at month {months[-1]:.3g}, before the report or where nobody is followed any more"
    return Predictive(ends[0], ends[1], ends[2], place, reason)


def _find_step_ends(survival: Array, error: Array, months: Array) -> Interval:
    """Return the times [month] of a curve between which the median falls with 95 % probability, from errors of the curve."""
    known = np.isfinite(error)
    by_then = _pass_half(survival[known], error[known])
    first, last = np.flatnonzero(by_then >= 0.025), np.flatnonzero(by_then >= 0.975)
    lower = float(months[known][first[0]]) if first.size else None
    upper = float(months[known][last[0]]) if last.size else None
    return lower, upper


def _place_median(prediction: Prediction, errors: Array) -> float | None:
    """Return the probability of a smaller median and half of that of the same, None beyond the curve.

    The same is the scan that a median of TTP falls on; of PFS that scan, or the tenth of a month it was rounded to.
    """
    target = prediction.target
    trial, outcome = prediction.problem.trial(target.study), prediction.outcomes[target.study, target.arm or ""]
    if target.endpoint is Endpoint.PFS:
        near = JITTERS * trial.scan_jitter + HALF_PRINTED
        try:
            ends = find_bracket(progression_free_survival(outcome), errors, target.number * DAYS_PER_MONTH, near)
        except DataError:  # beyond the curve
            return None
    else:
        scan, survival = scan_of(target, trial.plan), stepped_curve(outcome, target.place)[1]
        if scan > survival.size:
            return None
        before = (1.0, 0.0) if scan == 1 else (float(survival[scan - 2]), float(errors[scan - 2]))
        ends = before, (float(survival[scan - 1]), float(errors[scan - 1]))
    levels, spreads = np.array(ends).T
    return float(_pass_half(levels, spreads).mean()) if np.isfinite(spreads).all() else None


def _pass_half(survival: Array, error: Array) -> Array:
    """Return the probability that a curve stands at one half or below, from S and its error, shape (k,) each."""
    certain = np.where(survival <= 0.5, math.inf, -math.inf)
    away = np.divide(0.5 - survival, error, out=certain, where=error > 0.0)
    return np.asarray(ndtr(away), dtype=float)
