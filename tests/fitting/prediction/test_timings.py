"""When a trial is analysed, in a trial with constant hazards: drawn trials looked at on the same days, and closed forms."""

import math

import numpy as np
import pytest
from exponential_predictions import predict
from exponential_trial import ACCRUAL, RATE, RATIO, SHORTEST
from lifelines.statistics import logrank_test
from log_rank_trials import draw_trials, find_statistics

from kinimmune.fitting.prediction.analyses import cut_off
from kinimmune.fitting.prediction.spending import Spending
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.follow_up import FollowUp

TRIALS = 20_000
LAST = SHORTEST + ACCRUAL


@pytest.fixture(scope="module")
def trials():
    return draw_trials(TRIALS, 100, (RATE * RATIO, RATE), ACCRUAL, seed=6)


def test_statistics_of_drawn_trials_are_those_of_lifelines(trials):
    time, event = trials.by(LAST)
    for place, found in enumerate(find_statistics(time[:20], event[:20])):
        reference = logrank_test(time[place, 0], time[place, 1], event[place, 0], event[place, 1])
        assert found**2 == pytest.approx(reference.test_statistic, rel=1e-9)


def test_the_power_is_that_of_drawn_trials(opened, trials):
    (row,) = predict(opened).ratios
    share = (find_statistics(*trials.by(LAST)) < -1.959964).mean()
    assert abs(row.assurance - share) < 4.0 * math.sqrt(share * (1.0 - share) / TRIALS)


@pytest.mark.parametrize("kind", list(Spending))
def test_chances_up_to_each_look_are_those_of_drawn_trials_looked_at_on_the_same_days(opened, trials, kind):
    result = predict(opened, looks=(0.4, 0.7), spending=kind)
    won = np.zeros(TRIALS, dtype=bool)
    for row in result.looks:
        won |= find_statistics(*trials.by(row.month * DAYS_PER_MONTH)) < -row.z
        share = won.mean()
        assert abs(row.assurance - share) < 4.0 * math.sqrt(share * (1.0 - share) / TRIALS) + 2e-3
    assert result.ratios[0].assurance == result.looks[-1].assurance < predict(opened).ratios[0].assurance


def test_a_look_is_when_its_share_of_the_events_is_expected(opened, trials):
    (early, last) = predict(opened, looks=(0.5,)).looks
    died = [event.sum() / TRIALS for event in (trials.by(row.month * DAYS_PER_MONTH)[1] for row in (early, last))]
    assert (early.events, last.events) == pytest.approx(died, rel=5e-3)
    assert last.month == pytest.approx(LAST / DAYS_PER_MONTH)
    assert early.events == pytest.approx(0.5 * last.events, rel=1e-9)


def test_at_the_designs_cut_off_nothing_changes(opened):
    last = LAST / DAYS_PER_MONTH
    result = predict(opened, from_prior=True, cut_offs=(12.0, last), looks=(0.5,))
    (row,), (early, own) = result.ratios, result.cut_offs
    assert (own.predicted, own.assurance, own.power, own.events) == pytest.approx(
        (row.predicted, row.assurance, row.power, row.events), rel=1e-9
    )
    assert (own.entered, early.entered) == (200.0, pytest.approx(200.0 * 12.0 * DAYS_PER_MONTH / ACCRUAL))
    assert early.events < own.events
    assert early.assurance < own.assurance


def test_chances_before_the_accrual_has_ended_are_those_of_drawn_trials(opened, trials):
    """Half a year: half of the patients have entered."""
    half = 0.5 * ACCRUAL
    (row,) = predict(opened, cut_offs=(half / DAYS_PER_MONTH,)).cut_offs
    time, event = trials.by(half)
    share = (find_statistics(time, event) < -1.959964).mean()
    assert row.entered == pytest.approx(100.0)
    assert row.events == pytest.approx(event.sum() / TRIALS, rel=5e-3)
    assert abs(row.assurance - share) < 4.0 * math.sqrt(share * (1.0 - share) / TRIALS) + 0.01  # 23 events: nearly normal


def test_those_who_enter_by_a_day_are_followed_as_all_are_who_enter_as_they_do():
    """Shares followed beyond t of all patients: by the form of the part, and counted from the whole accrual."""
    whole, day = FollowUp(100.0, 500.0, 2.0), 250.0
    part = cut_off(whole, day)
    entry = 400.0 * np.linspace(0.0, 1.0, 400_001) ** 0.5
    for time in (0.0, 60.0, 180.0, 260.0):
        counted = (entry <= day - time).mean()
        assert part.entered * float(part.follow_up.uncensored(np.array(time))) == pytest.approx(counted, abs=1e-5)


def test_data_cannot_be_cut_off_before_anybody_entered():
    with pytest.raises(DataError, match="follow-up"):
        cut_off(FollowUp(100.0, 500.0), 0.0)
