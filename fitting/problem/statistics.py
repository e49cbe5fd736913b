"""Published numbers other than medians and hazard ratios as they are predicted: survival, responses, events, measurements.

Start with `predict_number`; `to_scale` is the scale on which trials scatter nearly normally, `trial_error` tells how far.
"""

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from kinimmune.fitting.problem.problem import FitProblem, Outcomes, curve
from kinimmune.fitting.problem.targets import COUNTS, OF_READINGS, SHARES, Statistic, Target
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError
from kinimmune.models.experiments.measurement import ErrorModel, Measurement, find_score
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint, Trial
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.progression_free import progression_free_survival
from kinimmune.models.trial.responses import disease_control
from kinimmune.models.trial.survival import expected_curve, expected_events, greenwood, progression_free, survival_at

CERTAIN = 1e-9
"""Shares nearer to 0 or 1 count as that near where a logarithm is taken."""
NUMBERS = SHARES | COUNTS | {Statistic.CUTOFF}
"""The statistics of this module."""
FARTHEST = 700.0
"""Score whose exponential is near the largest number."""
LATEST = 20.0
"""Factor of the longest follow-up up to which a cut-off is looked for."""


def predict_number(problem: FitProblem, outcomes: Outcomes, target: Target) -> float:
    """Return what the virtual trial has in place of a published share, count or cut-off, in the target's unit.

    Raises
    ------
    NumericalError
        where there are never as many events as a cut-off waits for
    """
    if isinstance(target.published, Measurement):
        return outcomes.measured[target.label]
    trial = problem.trial(target.study)
    match target.statistic:
        case Statistic.SURVIVAL:
            return _survival(outcomes, target)
        case Statistic.RESPONSE_RATE:
            return float(outcomes[target.study, target.arm or ""].responded)
        case Statistic.CONTROL_RATE:
            return disease_control(outcomes[target.study, target.arm or ""])
        case Statistic.CUTOFF:
            return (trial.follow_up[target.place].longest + _find_delay(trial, outcomes, target)) / DAYS_PER_MONTH
        case _:
            return _count_events(problem, outcomes, target, trial)


def _count_events(problem: FitProblem, outcomes: Outcomes, target: Target, trial: Trial) -> float:
    """Return the expected events of as many patients as a count was published of, which may be fewer than were randomised."""
    names = target.arms(trial)
    randomised = sum(trial.arm(name).n for name in names)
    return (
        sum(expected_events(curve(problem, outcomes, target.study, name, target.place)) for name in names) * target.n / randomised
    )


def _survival(outcomes: Outcomes, target: Target) -> float:
    outcome, day = outcomes[target.study, target.arm or ""], (target.month or 0.0) * DAYS_PER_MONTH
    if target.place is Endpoint.OS:
        return float(survival_at(outcome.grid, outcome.survival, np.array([day]))[0])
    if target.place is Endpoint.PFS:
        return float(progression_free_survival(outcome).at(np.array([day]))[0])
    seen = int(np.searchsorted(outcome.scans, day, side="right"))
    return float(progression_free(outcome)[seen - 1]) if seen else 1.0


def _count_by(trial: Trial, outcomes: Outcomes, target: Target, delay: float) -> tuple[float, float]:
    """Return expected events of all arms, and their variance, were the cut-off so much later [d]."""
    follow_up = trial.follow_up[target.place]
    later = FollowUp(max(follow_up.shortest + delay, 0.0), follow_up.longest + delay, follow_up.shape)
    counts = [expected_events(expected_curve(outcomes[trial.study, arm.name], target.place, later)) for arm in trial.arms]
    shares = [count * (1.0 - count / arm.n) for count, arm in zip(counts, trial.arms, strict=True)]
    return sum(counts), sum(shares)


def _find_delay(trial: Trial, outcomes: Outcomes, target: Target) -> float:
    """Return by how much [d] later than in the tables an analysis would be cut off that waits for `n` events of all arms."""
    follow_up = trial.follow_up[target.place]
    early, late = -follow_up.shortest, LATEST * follow_up.longest - follow_up.longest
    grid = next(iter(outcomes.values())).grid
    late = min(late, float(grid[-1]) - follow_up.longest)

    def missing(delay: float) -> float:
        return _count_by(trial, outcomes, target, delay)[0] - target.n

    if missing(early) >= 0.0:
        return early
    if missing(late) > 0.0:
        return float(brentq(missing, early, late, xtol=1e-9))
    rate = (missing(late) - missing(late - 7.0)) / 7.0
    if not rate > 0.0:
        raise NumericalError(f"{target.label}: the virtual trial never has {target.n} events")
    return late - missing(late) / rate


def to_scale(target: Target, value: float) -> float:
    """Return a number of a target's statistic on the scale on which trials scatter about it nearly normally.

    -ln(-ln S) of survival, the logit of rates and of the share of patients with an event, ln of a cut-off; of a measurement ln,
    itself or the logit, as its errors are.  All rise with the number.
    """
    if isinstance(target.published, Measurement) and target.published.errors is not ErrorModel.BINOMIAL:
        return find_score(target.published, value)
    if target.statistic is Statistic.CUTOFF:
        return math.log(value)
    share = value / target.n if target.statistic in COUNTS else value
    kept = min(max(share, CERTAIN), 1.0 - CERTAIN)
    if target.statistic is Statistic.SURVIVAL:
        return -math.log(-math.log(kept))
    return math.log(kept / (1.0 - kept))


def is_number(target: Target) -> bool:
    """Return whether a target is one of the numbers of this module: not a median or a ratio, and not data."""
    return target.statistic in NUMBERS or isinstance(target.published, Measurement)


def is_counted(target: Target) -> bool:
    """Return whether a number of this module counts patients, or is the share of those counted."""
    if isinstance(target.published, Measurement):
        return target.published.errors is ErrorModel.BINOMIAL
    return target.statistic in COUNTS | OF_READINGS


def smooth_numbers(problem: FitProblem, outcomes: Outcomes, targets: Iterable[Target]) -> dict[str, Array]:
    """Return label -> prediction on the scale of `to_scale`, shape (1,), of the targets that are shares, counts or cut-offs.

    Not a number where there is none, such as the date of more events than there ever are.
    """
    return {target.label: np.array([_find_smooth(problem, outcomes, target)]) for target in targets if is_number(target)}


def _find_smooth(problem: FitProblem, outcomes: Outcomes, target: Target) -> float:
    try:
        return to_scale(target, predict_number(problem, outcomes, target))
    except NumericalError:
        return math.nan


def from_scale(target: Target, score: float) -> float:
    """Return the number that `to_scale` takes to a score."""
    if isinstance(target.published, Measurement) and target.published.errors is ErrorModel.NORMAL:
        return score
    if target.statistic is Statistic.CUTOFF or (
        isinstance(target.published, Measurement) and target.published.errors is ErrorModel.LOGNORMAL
    ):
        return math.exp(score)
    if target.statistic is Statistic.SURVIVAL:
        return math.exp(-math.exp(min(-score, FARTHEST)))
    share = 1.0 / (1.0 + math.exp(min(-score, FARTHEST)))
    return share * target.n if target.statistic in COUNTS else share


def trial_error(problem: FitProblem, outcomes: Outcomes, target: Target, value: float) -> float:
    """Return the standard error on the scale of `to_scale` by which one trial of this size scatters about a number.

    Of a measurement that of its table, 0 of a range.

    Of survival Greenwood's: with n' = S(1 - S)/se^2 the patients that the risk sets of the virtual trial amount to,
    sqrt((1 - value)/(n' value))/|ln value|.  Of shares 1/sqrt(n p (1 - p)).  Of a cut-off the error of the count over the rate of
    events, infinite where none come any more.
    """
    if isinstance(target.published, Measurement) and target.published.error is not None:
        return target.published.error if target.published.value is not None else 0.0
    if target.statistic is Statistic.CUTOFF:
        trial = problem.trial(target.study)
        delay = value * DAYS_PER_MONTH - trial.follow_up[target.place].longest
        rate = (_count_by(trial, outcomes, target, delay + 1.0)[0] - _count_by(trial, outcomes, target, delay - 1.0)[0]) / 2.0
        if not rate > CERTAIN:
            return math.inf
        return math.sqrt(_count_by(trial, outcomes, target, delay)[1]) / rate / (value * DAYS_PER_MONTH)
    if target.statistic is Statistic.SURVIVAL:
        kept = min(max(value, CERTAIN), 1.0 - CERTAIN)
        return math.sqrt((1.0 - kept) / (_patients_behind(problem, outcomes, target) * kept)) / abs(math.log(kept))
    share = value / target.n if target.statistic in COUNTS else value
    kept = min(max(share, CERTAIN), 1.0 - CERTAIN)
    return 1.0 / math.sqrt(target.n * kept * (1.0 - kept))


def _patients_behind(problem: FitProblem, outcomes: Outcomes, target: Target) -> float:
    """Return how many patients without censoring would know the survival at the month as well as those at risk do."""
    observed = curve(problem, outcomes, target.study, target.arm or "", target.place)
    arm = problem.trial(target.study).arm(target.arm or "")
    sized = replace(observed, at_risk=observed.at_risk * target.n / arm.n, failures=observed.failures * target.n / arm.n)
    place = int(np.searchsorted(observed.time, (target.month or 0.0) * DAYS_PER_MONTH, side="right")) - 1
    error, kept = float(greenwood(sized)[max(place, 0)]), float(observed.survival[max(place, 0)])
    if not (math.isfinite(error) and error > 0.0):
        return 1.0 if math.isinf(error) else float(target.n)
    return kept * (1.0 - kept) / error**2
