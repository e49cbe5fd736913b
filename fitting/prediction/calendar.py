"""Events of a trial by calendar time: how many are expected so long after the first patient entered.

Start with `time_events` and `count_by`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.progression_free import risk_sets
from kinimmune.models.trial.virtual_trial import ArmOutcome


@dataclass(frozen=True)
class TimedEvents:
    """When the patients of an arm have their events, were all followed for ever, shape (k,) each."""

    days: Array
    """Since their own entry [d]."""
    expected: Array
    """Number of patients."""


def time_events(outcome: ArmOutcome, endpoint: Endpoint) -> TimedEvents:
    """Return the expected events of an arm over the time since entry, at the times `expected_curve` takes for them."""
    n = outcome.arm.n
    if endpoint is Endpoint.OS:
        return TimedEvents((outcome.grid[1:] + outcome.grid[:-1]) / 2.0, -np.diff(outcome.survival) * n)
    if endpoint is Endpoint.PFS:
        sets = risk_sets(outcome)
        return TimedEvents(sets.middle, sets.failures * n)
    return TimedEvents(outcome.scans, outcome.detected * n)


def count_by(arms: Sequence[TimedEvents], follow_up: FollowUp, moments: Array) -> Array:
    """Return the expected events of some arms by calendar times, shape of `moments`.

    A patient who enters at a share u of the accrual period A (distribution u^shape) has an event at time t since entry counted
    by day c if u A + t <= c: sum over t of events times min(max((c - t)/A, 0), 1)^shape.  At c the longest follow-up these are
    the events by the cut-off.

    Parameters
    ----------
    arms
        their events
    follow_up
        accrual: its length is the difference of longest and shortest follow-up
    moments
        days since the first patient entered, up to the longest follow-up, shape (k,)
    """
    accrual = follow_up.longest - follow_up.shortest
    total = np.zeros(moments.shape)
    for arm in arms:
        entered = np.clip((moments[:, None] - arm.days) / accrual, 0.0, 1.0) ** follow_up.shape
        total += entered @ arm.expected
    return total


def count_entered(n: int, follow_up: FollowUp, moments: Array) -> Array:
    """Return the expected number of patients of n who have entered by calendar times [d], shape of `moments`."""
    share: Array = np.clip(moments / (follow_up.longest - follow_up.shortest), 0.0, 1.0) ** follow_up.shape
    return n * share
