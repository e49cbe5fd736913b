"""A hazard ratio as a trial analyses it: at its cut-off, at a cut-off of another day, and at interim looks before it.

Start with `compare_arms`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from kinimmune.fitting.prediction.calendar import TimedEvents, count_by, time_events
from kinimmune.models.errors import DataError
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.survival import (
    expected_curve,
    expected_events,
    expected_log_rank,
    hazard_ratio,
    log_ratio_error,
)
from kinimmune.models.trial.virtual_trial import ArmOutcome

NO_EFFECT = 1e-6
"""ln ratio nearer to 0 than that: ln ratio over the statistic of the test is then its limit, 1/sqrt of the information."""
Pair = tuple[ArmOutcome, ArmOutcome]
"""The treated arm and its reference."""


@dataclass(frozen=True)
class DrawnLook:
    """An interim analysis at one draw."""

    day: float
    """Since the first patient entered."""
    events: float
    """Expected events of both arms by then."""
    mean: float
    """Mean of the standardised log-rank statistic, below 0 where the treated arm does better."""


@dataclass(frozen=True)
class DrawnRatio:
    """A hazard ratio at one draw."""

    log_ratio: float
    error: float
    """Standard error of ln ratio that one trial reports, from Cox's expected information at the ratio."""
    test_error: float
    """The error under which the log-rank test is expected to come out as it does: ln ratio over the mean of its statistic."""
    events: float
    """Expected events of both arms by the cut-off."""
    looks: tuple[DrawnLook, ...] = ()
    """Before the cut-off."""


@dataclass(frozen=True)
class CutOff:
    """Data cut off on a day of the calendar, as those see it who have entered by then."""

    follow_up: FollowUp
    entered: float
    """Share of the patients of the whole trial."""


def cut_off(follow_up: FollowUp, day: float) -> CutOff:
    """Return what is known `day` days after the first patient entered; accrual is as of the whole trial.

    Patients enter at a share u of the accrual period A with distribution u^shape.  Of those who enter by a day c < A, which are
    (c/A)^shape of all, entry within c has the same form.

    Raises
    ------
    DataError
        for a day that is not after the first entry, or is too far away
    """
    accrual = follow_up.longest - follow_up.shortest
    if day >= accrual:
        return CutOff(FollowUp(day - accrual, day, follow_up.shape), 1.0)
    return CutOff(FollowUp(0.0, day, follow_up.shape), (day / accrual) ** follow_up.shape)


def compare_arms(pair: Pair, endpoint: Endpoint, follow_up: FollowUp, looks: Sequence[float] = ()) -> DrawnRatio | str:
    """Return the ratio a trial reports in expectation, or why there is none.

    Parameters
    ----------
    pair
        the treated arm and its reference
    endpoint
        what is compared
    follow_up
        to the cut-off
    looks
        shares of the expected events of both arms by the cut-off, at which the trial is looked at before
    """
    arm, reference = (expected_curve(outcome, endpoint, follow_up) for outcome in pair)
    try:
        value = hazard_ratio(arm, reference)
    except DataError as error:
        return str(error)
    test, log_ratio = expected_log_rank(arm, reference), math.log(value)
    known = abs(log_ratio) > NO_EFFECT
    events = expected_events(arm) + expected_events(reference)
    timed = [time_events(outcome, endpoint) for outcome in pair] if looks else []
    return DrawnRatio(
        log_ratio=log_ratio,
        error=log_ratio_error(arm, reference, value),
        test_error=log_ratio / test.mean if known else 1.0 / math.sqrt(test.information),
        events=events,
        looks=tuple(_look(pair, timed, endpoint, follow_up, share * events) for share in looks),
    )


def compare_by(pair: Pair, endpoint: Endpoint, follow_up: FollowUp, day: float, looks: Sequence[float]) -> DrawnRatio | str:
    """Return the same with the data cut off on another day since the first entry, patients who have entered by then alone."""
    known = cut_off(follow_up, day)
    found = compare_arms(pair, endpoint, known.follow_up, looks)
    return found if isinstance(found, str) else scale_ratio(found, known.entered)


def _look(pair: Pair, timed: Sequence[TimedEvents], endpoint: Endpoint, follow_up: FollowUp, events: float) -> DrawnLook:
    """Return the analysis on the day by which so many events of both arms are expected."""

    def lacking(day: float) -> float:
        return float(count_by(timed, follow_up, np.array([day]))[0]) - events

    day = float(brentq(lacking, 0.0, follow_up.longest, xtol=1e-6))
    known = cut_off(follow_up, day)
    test = expected_log_rank(*(expected_curve(outcome, endpoint, known.follow_up) for outcome in pair))
    return DrawnLook(day, events, test.mean * math.sqrt(known.entered) if test.information > 0.0 else 0.0)


def scale_ratio(ratio: DrawnRatio, factor: float) -> DrawnRatio:
    """Return what a trial of so many times the patients has, randomised, accrued and followed alike."""
    root = math.sqrt(factor)
    looks = tuple(replace(look, events=look.events * factor, mean=look.mean * root) for look in ratio.looks)
    return replace(ratio, error=ratio.error / root, test_error=ratio.test_error / root, events=ratio.events * factor, looks=looks)
