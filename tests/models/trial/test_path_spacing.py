"""Laws of the paths after treatment that stand for others, and how far a trial with them is from one with all."""

import math
from dataclasses import replace

import numpy as np
import pytest

from kinimmune.fitting.problem.predictions import predictions
from kinimmune.fitting.problem.problem import predict
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.path_spacing import choose_scans, share_out
from kinimmune.models.trial.scan_plan import ScanPlan

PLANS = (ScanPlan(42.0), ScanPlan(42.0, 84.0, 252.0))


@pytest.mark.parametrize("plan", PLANS, ids=["even", "later apart"])
@pytest.mark.parametrize("scans", [1, 3, 4, 5, 6, 11, 12])
def test_sums_of_a_cubic_in_the_day_of_leaving_are_exact(plan, scans):
    days = plan.interval * plan.first(scans)
    mass = np.random.default_rng(scans).random((2, scans, 3))
    kept = choose_scans(np.ones((scans, 3), dtype=bool))
    shared = share_out(mass, kept, days)
    assert np.all(shared[:, ~kept] == 0.0)
    # the last scan that is left out may have one neighbour after it alone: three days, exact to the square
    for power in range(4 if scans in (1, 3, 4) else 3):
        size = (days / days[-1])[:, None] ** power
        assert (size * shared).sum(axis=1) == pytest.approx((size * mass).sum(axis=1), rel=1e-12)


def test_a_cubic_is_exact_where_two_paths_stand_on_either_side():
    days = 42.0 * np.arange(1.0, 8.0)
    mass = np.zeros((7, 1))
    mass[3] = 0.4
    shared = share_out(mass, choose_scans(np.ones((7, 1), dtype=bool)), days)
    for power in range(4):
        assert (shared[:, 0] * days**power).sum() == pytest.approx(0.4 * days[3] ** power, rel=1e-12)


def test_every_second_scan_from_the_fourth_on_is_left_out_but_the_last():
    kept = choose_scans(np.ones((8, 1), dtype=bool))[:, 0]
    assert kept.tolist() == [True, True, True, False, True, False, True, True]


def test_a_scan_without_a_path_beside_it_keeps_its_own():
    begins = np.ones((8, 2), dtype=bool)
    begins[4, 1] = False
    kept = choose_scans(begins)
    assert kept[:, 0].tolist() == [True, True, True, False, True, False, True, True]
    assert kept[:, 1].tolist() == [True, True, True, True, False, True, True, True]


def test_nobody_leaves_and_nothing_is_shared_out():
    none = np.zeros((8, 3), dtype=bool)
    assert not choose_scans(none).any()
    assert not share_out(np.zeros((8, 3)), choose_scans(none), np.arange(8.0)).any()


@pytest.mark.slow
def test_a_trial_with_some_paths_is_near_that_with_all(hcc_problem):
    """Medians of OS within .1 month, hazard ratios within .003, at points drawn from the priors."""
    exact = replace(hcc_problem, simulator=replace(hcc_problem.simulator, every_scan=True))
    assert not hcc_problem.simulator.every_scan
    points = list(np.random.default_rng(5).standard_normal((8, len(hcc_problem.estimated))))
    for some, every in zip(predict(hcc_problem, points), predict(exact, points), strict=True):
        near, true = predictions(hcc_problem, some), predictions(exact, every)
        for name, value in true.items():
            if name.startswith("hazard_ratio"):
                assert near[name] == pytest.approx(value, abs=0.003), name
            elif name.endswith(":os") and (value or math.inf) < exact.simulator.horizon / DAYS_PER_MONTH:
                assert near[name] == pytest.approx(value, abs=0.1), name
