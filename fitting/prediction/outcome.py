"""What one draw predicts: numbers of arms with the error of one trial, curves, hazard ratios, events by calendar time.

Start with `describe_outcomes`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.prediction.analyses import DrawnRatio, compare_arms, compare_by
from kinimmune.fitting.prediction.calendar import count_by, time_events
from kinimmune.fitting.prediction.trials import Contrast
from kinimmune.fitting.problem.horizon import REPORT_MONTHS
from kinimmune.fitting.problem.predictions import median_months
from kinimmune.fitting.problem.problem import FitProblem, Outcomes, curve
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint, Trial
from kinimmune.models.trial.progression_free import progression_free_survival
from kinimmune.models.trial.responses import disease_control
from kinimmune.models.trial.survival import (
    TrialCurves,
    expected_events,
    greenwood,
    progression_free,
    survival_at,
)
from kinimmune.models.trial.virtual_trial import ArmOutcome

LANDMARK, LATER, QUARTER = 6.0, 12.0, 3.0
"""Between months at which survival is told, to 24 months and beyond, and between those of numbers at risk and of events."""


@dataclass(frozen=True, order=True)
class NumberPlace:
    """Which number of an arm."""

    study: str
    arm: str
    endpoint: str
    """Empty for responses."""
    statistic: str
    month: float = math.nan
    """Of survival; not a number for others."""


@dataclass(frozen=True)
class DrawnNumber:
    """A number at one draw."""

    value: float
    """Infinite for a median that is not reached."""
    error: float
    """Standard error of one trial on the scale of its statistic; not a number where one trial scatters otherwise."""


@dataclass(frozen=True)
class DrawnCurve:
    """A curve at one draw, shape (k,) each."""

    months: Array
    survival: Array
    error: Array
    """Greenwood's of one trial; of OS empty."""


@dataclass(frozen=True)
class Comparisons:
    """Which arms are compared, and when."""

    contrasts: tuple[Contrast, ...]
    looks: tuple[float, ...] = ()
    """Shares of the events by the cut-off, at which a trial is looked at before."""
    cut_offs: tuple[float, ...] = ()
    """Months after the first entry at which data are cut off, besides the design's."""


@dataclass(frozen=True)
class DrawnTrial:
    """Everything one draw predicts."""

    numbers: Mapping[NumberPlace, DrawnNumber]
    curves: Mapping[tuple[str, str, str], DrawnCurve]
    at_risk: Mapping[tuple[str, str, str], Array]
    """(study, arm, endpoint) -> patients at risk at the months of `risk_months`."""
    ratios: Mapping[tuple[Contrast, str], DrawnRatio | str]
    """(pair, endpoint) -> its ratio, or why there is none."""
    later: Mapping[tuple[Contrast, str], tuple[DrawnRatio | str, ...]]
    """(pair, endpoint) -> the same with the data cut off at the months that were asked for."""
    calendar: Mapping[tuple[str, str], Array]
    """(study, endpoint) -> expected events of all arms at the months of `calendar_months`."""


def list_endpoints_of(problem: FitProblem, trial: Trial) -> tuple[Endpoint, ...]:
    """Return the endpoints that a trial of a problem follows."""
    return tuple(item for item in problem.endpoints if item in trial.follow_up)


def risk_months(trial: Trial, endpoint: Endpoint) -> Array:
    """Return the months at which numbers at risk are told, up to the end of the follow-up, shape (k,)."""
    return np.arange(0.0, trial.follow_up[endpoint].longest / DAYS_PER_MONTH, QUARTER)


def calendar_months(trial: Trial, endpoint: Endpoint) -> Array:
    """Return months since the first patient entered, every quarter and at the cut-off, shape (k,)."""
    last = trial.follow_up[endpoint].longest / DAYS_PER_MONTH
    return np.append(np.arange(QUARTER, last - 1e-9, QUARTER), last)


def describe_outcomes(problem: FitProblem, outcomes: Outcomes, asked: Comparisons) -> DrawnTrial:
    """Return what the virtual trials at one draw predict.

    Parameters
    ----------
    problem
        whose trials they are
    outcomes
        of all their arms
    asked
        pairs of arms that are compared, and when
    """
    numbers: dict[NumberPlace, DrawnNumber] = {}
    curves, at_risk, calendar = {}, {}, {}
    for trial in problem.trials:
        for arm in trial.arms:
            outcome = outcomes[trial.study, arm.name]
            numbers |= _describe_responses(problem, outcome)
            for endpoint in list_endpoints_of(problem, trial):
                place = (trial.study, arm.name, str(endpoint))
                numbers |= _describe_numbers(problem, outcomes, trial, outcome, endpoint)
                curves[place] = _draw_curve(problem, outcomes, outcome, endpoint)
                at_risk[place] = _count_at_risk(trial, outcome, endpoint)
        for endpoint in list_endpoints_of(problem, trial):
            timed = [time_events(outcomes[trial.study, arm.name], endpoint) for arm in trial.arms]
            months = calendar_months(trial, endpoint)
            calendar[trial.study, str(endpoint)] = count_by(timed, trial.follow_up[endpoint], months * DAYS_PER_MONTH)
    ratios: dict[tuple[Contrast, str], DrawnRatio | str] = {}
    later: dict[tuple[Contrast, str], tuple[DrawnRatio | str, ...]] = {}
    for pair in asked.contrasts:
        trial, arms = problem.trial(pair.study), (outcomes[pair.study, pair.arm], outcomes[pair.study, pair.reference])
        for endpoint in list_endpoints_of(problem, trial):
            tested, follow_up = (pair, str(endpoint)), trial.follow_up[endpoint]
            ratios[tested] = compare_arms(arms, endpoint, follow_up, asked.looks)
            days = [month * DAYS_PER_MONTH for month in asked.cut_offs]
            later[tested] = tuple(compare_by(arms, endpoint, follow_up, day, asked.looks) for day in days)
    return DrawnTrial(numbers, curves, at_risk, ratios, later, calendar)


def _describe_responses(problem: FitProblem, outcome: ArmOutcome) -> dict[NumberPlace, DrawnNumber]:
    """Return shares with a response and with disease control, which need a diameter and scans."""
    roles, study, arm = problem.simulator.model.trial, outcome.arm.study, outcome.arm.name
    found = {}
    if roles is not None and roles.log_diameter is not None:
        found[Statistic.RESPONSE_RATE] = float(outcome.responded)
    if roles is not None and roles.has_progression:
        found[Statistic.CONTROL_RATE] = disease_control(outcome)
    return {NumberPlace(study, arm, "", str(of)): DrawnNumber(value, math.nan) for of, value in found.items()}


def _describe_numbers(
    problem: FitProblem, outcomes: Outcomes, trial: Trial, outcome: ArmOutcome, endpoint: Endpoint
) -> dict[NumberPlace, DrawnNumber]:
    """Return median, survival at months, and the expected events of an arm by the cut-off."""
    study, arm = trial.study, outcome.arm.name
    observed = curve(problem, outcomes, study, arm, endpoint)
    median = median_months(outcomes, study, arm, endpoint)
    errors = greenwood(observed)
    error = _find_median_error(observed, errors) if endpoint is Endpoint.OS else math.nan
    counted = Statistic.DEATHS if endpoint is Endpoint.OS else Statistic.EVENTS
    found = {
        NumberPlace(study, arm, str(endpoint), str(Statistic.MEDIAN)): DrawnNumber(math.inf if median is None else median, error),
        NumberPlace(study, arm, str(endpoint), str(counted)): DrawnNumber(expected_events(observed), math.nan),
    }
    months = _list_landmarks(problem.simulator.horizon / DAYS_PER_MONTH)
    for month, share in zip(months.tolist(), _survival_at(outcome, endpoint, months).tolist(), strict=True):
        row = int(np.searchsorted(observed.time, month * DAYS_PER_MONTH, side="right")) - 1
        spread = float(errors[row]) if row >= 0 else 0.0
        scale = share * abs(math.log(share)) if 0.0 < share < 1.0 else math.inf
        place = NumberPlace(study, arm, str(endpoint), str(Statistic.SURVIVAL), month)
        found[place] = DrawnNumber(share, spread / scale if math.isfinite(spread) else math.inf)
    return found


def _find_median_error(observed: TrialCurves, errors: Array) -> float:
    """Return the standard error of ln median of one trial: Greenwood's over S times the hazard times the time, at the median.

    Not a number where the curve does not come to one half, or falls there at once.
    """
    time, survival = np.append(0.0, observed.time), np.append(1.0, observed.survival)
    place = int(np.argmax(survival <= 0.5))
    if place == 0 or not survival[place] > 0.0:
        return math.nan
    fall = math.log(survival[place - 1] / survival[place]) / (time[place] - time[place - 1])
    return float(errors[place - 1] / (survival[place] * fall * time[place]))


def _list_landmarks(last: float) -> Array:
    """Return the months at which survival is told, up to the end of the curves."""
    early = np.arange(LANDMARK, REPORT_MONTHS, LANDMARK)
    return np.append(early, np.arange(REPORT_MONTHS, last + 1e-9, LATER))


def _survival_at(outcome: ArmOutcome, endpoint: Endpoint, months: Array) -> Array:
    days = months * DAYS_PER_MONTH
    if endpoint is Endpoint.OS:
        return survival_at(outcome.grid, outcome.survival, days)
    if endpoint is Endpoint.PFS:
        return progression_free_survival(outcome).at(days)
    seen = np.searchsorted(outcome.scans, days, side="right")
    return np.append(1.0, progression_free(outcome))[seen]


def _draw_curve(problem: FitProblem, outcomes: Outcomes, outcome: ArmOutcome, endpoint: Endpoint) -> DrawnCurve:
    """Return OS monthly, TTP at the scans, and PFS before and after the scans and between them."""
    if endpoint is Endpoint.OS:
        months = np.arange(math.floor(problem.simulator.horizon / DAYS_PER_MONTH + 1e-9) + 1.0)
        return DrawnCurve(months, _survival_at(outcome, endpoint, months), np.zeros(0))
    observed = curve(problem, outcomes, outcome.arm.study, outcome.arm.name, endpoint)
    error = np.append(0.0, greenwood(observed))
    return DrawnCurve(np.append(0.0, observed.time / DAYS_PER_MONTH), np.append(1.0, observed.survival), error)


def _count_at_risk(trial: Trial, outcome: ArmOutcome, endpoint: Endpoint) -> Array:
    """Return the expected patients of the arm at risk: alive, for progression without one seen, and still followed."""
    days = risk_months(trial, endpoint) * DAYS_PER_MONTH
    if endpoint is Endpoint.OS:
        present = survival_at(outcome.grid, outcome.survival, days)
    else:
        present = outcome.unprogressed[np.searchsorted(outcome.grid, days, side="right") - 1]
    return np.asarray(outcome.arm.n * present * trial.follow_up[endpoint].uncensored(days), dtype=float)


def list_ratio_draws(draws: Sequence[DrawnTrial], pair: Contrast, endpoint: str) -> Iterator[DrawnRatio]:
    """Yield the ratios of the draws that have one."""
    for draw in draws:
        found = draw.ratios[pair, endpoint]
        if isinstance(found, DrawnRatio):
            yield found
