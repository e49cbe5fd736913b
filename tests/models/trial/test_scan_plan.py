"""Plans of scans: every scan on an even grid, constant plans as they were, and a trial whose interval changes against draws."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from straight_trial import (
    make_cohort,
    make_simulator,
    make_straight_model,
    make_trial,
    unprogressed,
)

from kinimmune.models.errors import DataError
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.design import Endpoint, StopRule
from kinimmune.models.trial.microsimulation import simulate_patients
from kinimmune.models.trial.progression_free import progression_free_survival
from kinimmune.models.trial.scan_plan import STEPS_PER_SCAN, ScanPlan
from kinimmune.models.trial.simulator import TrialSimulator
from kinimmune.models.trial.virtual_trial import run_arms

SPARSE = np.array([42.0, 84.0, 126.0, 168.0, 252.0, 336.0, 420.0, 504.0])
"""Every six weeks, and every twelve after week 24."""


@given(st.floats(7.0, 120.0), st.integers(1, 40))
def test_a_plan_of_one_interval_has_its_multiples_bit_for_bit(interval, count):
    plan = ScanPlan(interval)
    dates = plan.dates(interval * count)
    assert np.array_equal(dates, interval * np.arange(1.0, count + 1.0))
    assert np.array_equal(plan.places(count), STEPS_PER_SCAN * np.arange(1, count + 1))
    assert plan.step == interval / STEPS_PER_SCAN
    assert [plan.nearest(day) for day in dates] == list(range(1, count + 1))
    assert np.array_equal(plan.count_before(np.array([0.3, 1.7, 12.2])), [0, 1, 12])


@pytest.mark.parametrize(
    ("first", "later", "start"),
    [(42.0, 84.0, 168.0), (56.0, 84.0, 112.0), (56.0, 63.0, 170.0), (84.0, 42.0, 84.0), (21.0, 91.0, 63.0)],
)
def test_every_scan_of_a_plan_that_changes_lies_on_its_grid_and_no_two_are_nearer_than_six_steps(first, later, start):
    plan = ScanPlan(first, later, start)
    dates = plan.dates(1000.0)
    places = plan.places(dates.size)
    assert plan.step * places == pytest.approx(dates, rel=1e-6)
    assert np.diff(places, prepend=0).min() >= STEPS_PER_SCAN
    assert np.diff(dates)[dates[1:] <= start] == pytest.approx(first)
    assert np.diff(dates)[dates[:-1] >= start - first * (1 - 1e-9)][1:] == pytest.approx(later)
    assert [plan.nearest(day) for day in dates] == list(range(1, dates.size + 1))
    between = (dates[1:] + dates[:-1]) / 2.0 / first
    assert plan.count_before(between).tolist() == list(range(1, dates.size))


def test_a_trial_gives_the_dates_of_its_plan():
    trial = make_trial(later_scan_interval=84.0, later_scans_from=168.0)
    assert trial.scans(504.0).tolist() == SPARSE.tolist()
    assert trial.scans(100.0).tolist() == [42.0, 84.0]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"later_scan_interval": 84.0}, "later_scan_interval without later_scans_from; give both in design.csv, or none"),
        ({"later_scans_from": 84.0}, "later_scans_from without later_scan_interval; give both in design.csv, or none"),
        ({"later_scan_interval": 84.0, "later_scans_from": 20.0}, "20 d lies before the first scan, on day 42"),
        (
            {"later_scan_interval": 61.37, "later_scans_from": 84.0},
            "every 61.37 d have no common step .* as 63 d, which has one",
        ),
        (
            {"later_scan_interval": 21.0, "later_scans_from": 84.0, "scan_jitter": 30.0},
            "scan_jitter 30 d is not below later_scan_interval 21 d",
        ),
    ],
)
def test_a_plan_that_cannot_be_is_refused(changes, told):
    with pytest.raises(DataError, match=f"study 'straight': .*{told}"):
        make_trial(**changes)


@pytest.fixture(scope="module")
def simulator() -> TrialSimulator:
    """Return the straight model integrated by the kernel."""
    return make_simulator(make_straight_model(), "kernel")


def enrol(simulator: TrialSimulator, rule: StopRule, patients: int) -> ArmCohort:
    trial = make_trial(later_scan_interval=84.0, later_scans_from=168.0)
    return replace(make_cohort(simulator.model, rule, "drug", patients), trial=trial)


def test_progression_free_survival_under_a_plan_that_changes_is_its_closed_form(simulator):
    found = run_arms(simulator, [enrol(simulator, StopRule.RADIOLOGICAL, 3)], 1)[0]
    assert found.scans.tolist() == SPARSE.tolist()
    assert found.unprogressed == pytest.approx(unprogressed(found.grid, SPARSE), abs=1e-6)


def test_drawn_patients_are_seen_at_the_scans_of_the_plan_as_often_as_expected(simulator):
    expected = run_arms(simulator, [enrol(simulator, StopRule.RADIOLOGICAL, 3)], 1)[0]
    drawn = simulate_patients(simulator, enrol(simulator, StopRule.RADIOLOGICAL, 20_000), 3)
    assert set(np.unique(drawn.progression)) <= {*SPARSE.tolist(), math.inf}
    assert set(np.unique(drawn.stop)) <= {*SPARSE.tolist(), math.inf}
    drawn.followed[Endpoint.PFS][:] = 504.0
    days = np.array([42.0, 147.0, 168.0, 231.0, 252.0, 315.0, 336.0])
    found = KaplanMeierFitter().fit(*drawn.observed(Endpoint.PFS)).survival_function_at_times(days).to_numpy()
    ours = progression_free_survival(expected).at(days)
    assert np.all(np.abs(ours - found) <= 4.0 * np.sqrt(found * (1.0 - found) / 20_000)), (ours, found)
