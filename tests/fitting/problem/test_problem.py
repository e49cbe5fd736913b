"""Laws of a fit as data: what it accepts, the shape of its residuals, and that they move smoothly."""

from dataclasses import replace

import numpy as np
import pytest

from kinimmune.fitting.problem.derivatives import central_points, central_slopes
from kinimmune.fitting.problem.objective import TrialObjective
from kinimmune.fitting.problem.problem import FitProblem, arm_cohort, build_problem, predict, to_horizon
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.problem.residuals import residuals
from kinimmune.fitting.problem.start_points import start_points
from kinimmune.fitting.problem.targets import Role, Statistic
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.symbolic.parameters import Prior, Scale
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import StopRule
from kinimmune.models.trial.survival import median_time


def central(problem: FitProblem, point: Array, step: float) -> Array:
    """Return the derivative of the residuals by central differences, shape (n_residuals, n_estimated)."""
    steps = np.full(point.size, step)
    points = central_points(point, steps)
    values = [residuals(problem, outcomes, at) for outcomes, at in zip(predict(problem, points), points, strict=True)]
    return central_slopes(values, steps)


def test_residuals_are_two_per_median_one_per_share_and_the_point_itself(hcc_problem):
    for score in (-0.5, 0.0, 0.7):
        point = np.full(len(hcc_problem.estimated), score)
        found = residuals(hcc_problem, predict(hcc_problem, [point])[0], point)
        assert found.shape == (2 * 8 + 4 + 10,)
        assert np.all(np.isfinite(found))
        assert np.array_equal(found[20:], point)


def test_an_os_residual_of_a_prediction_equal_to_the_target_is_zero(hcc_problem):
    centre = np.zeros(len(hcc_problem.estimated))
    outcomes = predict(hcc_problem, [centre])[0]
    outcome = outcomes["sharp", "placebo"]
    months = median_time(outcome.grid, outcome.survival) / DAYS_PER_MONTH
    place = next(i for i, item in enumerate(hcc_problem.targets) if item.label == "median:sharp:placebo:os")
    targets = list(hcc_problem.targets)
    targets[place] = replace(targets[place], value=months, lower=months * 0.9, upper=months * 1.1)
    found = residuals(replace(hcc_problem, targets=tuple(targets)), outcomes, centre)
    assert found[2 * place] == pytest.approx(0.0, abs=1e-12)
    assert found[2 * place + 1] == 0.0


def test_the_same_problem_gives_the_same_bits_and_another_seed_other_patients(hcc_problem):
    centre = np.zeros(len(hcc_problem.estimated))
    again = build_problem("hcc_trial", Tables(), patients=64, seed=1)
    other = build_problem("hcc_trial", Tables(), patients=64, seed=2)
    first, same, moved = (residuals(item, predict(item, [centre])[0], centre) for item in (hcc_problem, again, other))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, moved)


def test_points_side_by_side_are_those_one_by_one(hcc_problem):
    points = [np.zeros(10), np.full(10, 0.3)]
    both = predict(hcc_problem, points)
    for outcomes, point in zip(both, points, strict=True):
        alone = predict(hcc_problem, [point])[0]
        for arm in hcc_problem.arms:
            assert np.array_equal(outcomes[arm].survival, alone[arm].survival)


def test_arms_of_one_study_treat_the_same_patients_and_studies_differ_in_their_own_parameters_only(hcc_problem):
    point = np.zeros(10)
    point[0] = 0.5
    tasks = {arm: arm_cohort(hcc_problem, point, *arm).parameters for arm in hcc_problem.arms}
    assert np.array_equal(tasks["sharp", "sorafenib"], tasks["sharp", "placebo"])
    rows = np.any(tasks["sharp", "placebo"] != tasks["asia_pacific", "placebo"], axis=1)
    names = hcc_problem.simulator.compiled.model.parameter_names
    assert {name for name, differs in zip(names, rows, strict=True) if differs} == {"growth"}


def test_a_further_horizon_leaves_the_curves_before_it_alone(hcc_problem):
    centre = np.zeros(10)
    near, far = (predict(item, [centre])[0]["sharp", "sorafenib"] for item in (hcc_problem, to_horizon(hcc_problem, 24.0)))
    assert far.grid[-1] >= 24.0 * DAYS_PER_MONTH > near.grid[-1]
    assert far.survival[: near.grid.size] == pytest.approx(near.survival, abs=1e-4)


@pytest.mark.parametrize("place", ["the start", "half a prior sd off the optimum"])
def test_derivatives_by_three_steps_agree_within_2_percent_of_their_column(place, hcc_problem, hcc_point):
    point = np.zeros(10) if place == "the start" else hcc_point + 0.5
    coarse, middle, fine = (central(hcc_problem, point, step) for step in (1e-2, 1e-3, 1e-4))
    largest = np.abs(middle).max(axis=0)
    for other in (coarse, fine):
        assert np.abs(other - middle).max(axis=0) / largest == pytest.approx(np.zeros(10), abs=0.02)


def test_the_jacobian_of_the_fit_is_that_of_central_differences_and_of_the_prior(hcc_problem, hcc_point):
    found, expected = TrialObjective(hcc_problem).jacobian(hcc_point), central(hcc_problem, hcc_point, 1e-3)
    assert np.all(np.abs(found - expected).max(axis=0) <= 0.02 * np.abs(expected).max(axis=0))
    assert found[20:] == pytest.approx(np.eye(10), abs=1e-9)


def test_starts_are_the_prior_medians_then_seeded_points_within_one_standard_deviation(hcc_problem):
    starts = start_points(hcc_problem, 6, 1)
    assert len(starts) == 6
    assert not starts[0].any()
    assert np.all(np.abs(np.array(starts)) <= 1.0)
    assert len({tuple(start) for start in starts}) == 6
    assert np.array_equal(np.array(starts), np.array(start_points(hcc_problem, 6, 1)))
    assert not np.array_equal(starts[1], start_points(hcc_problem, 6, 2)[1])
    assert [len(start_points(hcc_problem, count, 1)) for count in (1, 2, 3)] == [1, 2, 3]


def test_a_point_of_zeros_is_the_prior_medians(hcc_problem):
    values = hcc_problem.values(np.zeros(10))
    assert values == {item.key: pytest.approx(item.prior.median, rel=1e-12) for item in hcc_problem.estimated}


def test_a_fit_refuses_targets_it_must_not_see(hcc_problem):
    unfitted = next(item for item in read_targets(model="hcc_trial") if item.role is Role.UNFITTED)
    with pytest.raises(UsageError, match="a fit accepts role 'fit' only"):
        replace(hcc_problem, targets=(*hcc_problem.targets, unfitted))
    ratio = replace(unfitted, role=Role.FIT)
    assert ratio.statistic is Statistic.HAZARD_RATIO
    with pytest.raises(UsageError, match="belongs to an arm that is not run"):
        replace(hcc_problem, targets=(ratio,), arms=(("sharp", "sorafenib"),))


def test_a_target_of_an_arm_that_is_not_run_is_refused(hcc_problem):
    with pytest.raises(UsageError, match="belongs to an arm that is not run"):
        replace(hcc_problem, arms=hcc_problem.arms[:-1])


def test_an_estimated_parameter_without_a_prior_is_refused(hcc_problem):
    fixed = replace(hcc_problem.estimated[0], prior=Prior(Scale.FIXED, 1.0, 0.0))
    with pytest.raises(DataError, match="estimated but its prior is fixed"):
        replace(hcc_problem, estimated=(fixed,))


def test_one_stop_rule_for_all_studies_replaces_each_studys_own(hcc_problem):
    asked = build_problem("hcc_trial", Tables(), patients=64, seed=1, stop_rule=StopRule.ONE_SCAN_LATER)
    assert set(asked.rules.values()) == {StopRule.ONE_SCAN_LATER}
    assert dict(hcc_problem.rules) == {trial.study: trial.stop_rule for trial in hcc_problem.trials}
