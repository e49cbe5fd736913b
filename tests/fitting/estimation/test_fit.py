"""Laws of the fit: two starts end at one cost, a finished start is kept, and what is held out is not used."""

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from kinimmune.fitting.estimation.fit import fit, plan_fit
from kinimmune.fitting.estimation.optimise import StartOutcome, optimise
from kinimmune.fitting.estimation.summary import choose_transported, transport
from kinimmune.fitting.problem.objective import TrialObjective
from kinimmune.fitting.problem.problem import FitProblem, build_problem, predict
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.problem.residuals import residuals
from kinimmune.fitting.settings import FitOptions, Settings
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.parameters import Prior, Scale
from kinimmune.models.tables.readers import read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.population import draw_population


def test_two_starts_converge_to_the_same_cost(hcc_fit):
    first, second = hcc_fit.result.starts
    assert first.converged
    assert second.converged
    assert first.cost == pytest.approx(second.cost, rel=2e-3)


def test_a_start_that_was_stored_is_not_run_again(hcc_fit, hcc_start):
    cost = f"{hcc_start.chi_square:.4g}"
    assert f"start-000 was kept; best cost {cost}" in hcc_fit.said
    assert any(line.startswith("start-001 has ended; best cost ") for line in hcc_fit.said)
    assert hcc_fit.result.starts[0].cost == hcc_start.chi_square
    assert hcc_fit.starts.kept["start-001"]["cost"] == hcc_fit.result.starts[1].cost


def test_the_fit_ends_at_a_minimum_no_small_step_improves(hcc_problem, hcc_point, hcc_start):
    """The gradient of the cost 2 J'r vanishes to the tolerance, and cost + step rises by the curvature."""
    found = residuals(hcc_problem, predict(hcc_problem, [hcc_point])[0], hcc_point)
    assert float(found @ found) == pytest.approx(hcc_start.chi_square, rel=1e-9)
    slopes = TrialObjective(hcc_problem).jacobian(hcc_point)
    newton = np.linalg.solve(slopes.T @ slopes, -slopes.T @ found)
    assert np.all(np.abs(newton) < 0.1)
    shifts = [hcc_point + sign * 0.2 * axis for axis in np.eye(hcc_point.size) for sign in (-1.0, 1.0)]
    costs = [residuals(hcc_problem, outcomes, at) for outcomes, at in zip(predict(hcc_problem, shifts), shifts, strict=True)]
    assert all(float(item @ item) > hcc_start.chi_square for item in costs)


def test_what_is_fitted_comes_out_within_a_standard_error_and_shares_within_their_interval(hcc_fit):
    for row in hcc_fit.result.targets:
        if row.statistic == "control_rate":
            assert abs(row.residual) < 1.96
        elif row.endpoint == "os":
            assert abs(row.residual) < 1.0
        else:
            assert row.scan_predicted == row.scan_observed


def test_costs_effective_parameters_and_degrees_of_freedom_add_up(hcc_fit, medians_fit):
    """The fit ends where the last minimisation did: that with correlations, or the best of the starts where there are none."""
    assert (hcc_fit.result.whitening is None, medians_fit.result.whitening) == (False, None)
    ends = (hcc_fit.starts.kept["start-correlated"]["cost"], min(row.cost for row in medians_fit.result.starts))
    for found, cost, numbers in zip((hcc_fit.result, medians_fit.result), ends, (12.0, 8.0), strict=True):
        assert found.chi_square_data + found.chi_square_prior == pytest.approx(cost, rel=1e-3)
        assert 0.0 < found.effective_parameters < len(found.parameters)
        assert found.degrees_of_freedom == pytest.approx(numbers - found.effective_parameters, rel=1e-12)
        assert found.effective_parameters == pytest.approx(sum(1.0 - value for value in eigen_shares(found)), rel=0.15)
        assert found.q_null == pytest.approx(2.16, abs=0.01)


def test_the_fit_with_correlations_ends_below_where_it_began_and_is_what_is_told(hcc_fit, hcc_problem):
    """It begins at the best start; under the correlations found the sum of squares falls from there."""
    whitening, kept = hcc_fit.result.whitening, hcc_fit.starts.kept
    assert [(item.block.study, len(item.block.rows)) for item in whitening.blocks] == [("sharp", 6), ("asia_pacific", 6)]
    informed = replace(hcc_problem, correlations=whitening.correlations)
    best = min((kept[name] for name in ("start-000", "start-001")), key=lambda start: start["cost"])
    points = [np.array(start["point"]) for start in (best, kept["start-correlated"])]
    before, after = (residuals(informed, predict(informed, [at])[0], at) for at in points)
    assert float(after @ after) == pytest.approx(kept["start-correlated"]["cost"], rel=1e-6)
    assert float(after @ after) < float(before @ before)
    told = [row.value for row in hcc_fit.result.parameters]
    assert told == pytest.approx(list(informed.values(points[1]).values()), rel=1e-12)


def eigen_shares(found) -> list[float]:
    """Return posterior over prior variance in every direction of the posterior correlation and contraction."""
    errors = np.array([row.contraction for row in found.parameters])
    return np.linalg.eigvalsh(np.array(found.correlation) * np.outer(errors, errors)).tolist()


def test_estimates_are_narrower_than_their_priors_and_inside_their_own_interval(hcc_fit):
    for row in hcc_fit.result.parameters:
        assert 0.0 < row.contraction <= 1.0 + 1e-9
        assert row.lower < row.value < row.upper
        assert math.log(row.upper / row.lower) == pytest.approx(2.0 * 1.959963984540054 * row.standard_error, rel=1e-9)
        assert not row.at_bound


def take_one_step(problem: FitProblem, start: Array, on_cost: Callable[[float], None]) -> StartOutcome:
    """Return one Gauss-Newton step: it uses every residual of the problem it is given."""
    found = residuals(problem, predict(problem, [start])[0], start)
    on_cost(float(found @ found))
    slopes = TrialObjective(problem).jacobian(start)
    point = start + np.linalg.solve(slopes.T @ slopes, -slopes.T @ found)
    return StartOutcome(tuple(map(float, point)), float(found @ found), converged=True, evaluations=11, message="one step")


def make_small(problem: FitProblem) -> FitProblem:
    """Return the problem with few patients and constants taken as certain."""
    parameters = tuple(
        item if item.estimated else replace(item, prior=Prior(Scale.FIXED, item.value, 0.0)) for item in problem.parameters
    )
    return replace(problem, parameters=parameters, population=draw_population(parameters, 16, 1))


def test_the_arm_that_is_predicted_is_not_used(hcc_problem, hcc_point):
    """Other published values for the held-out arm change its residuals and nothing of its prediction, to the bit."""
    small = make_small(hcc_problem)
    held = ("asia_pacific", "sorafenib")
    factor = {True: 1.1, False: 1.0}
    published = {
        moved: tuple(
            replace(item, value=item.value * factor[moved and (item.study, item.arm) == held])
            for item in read_targets(model="hcc_trial")
        )
        for moved in (False, True)
    }
    rows = {}
    for moved, targets in published.items():
        fitted = {item.label for item in small.targets}
        problem = replace(small, targets=tuple(item for item in targets if item.label in fitted))
        rows[moved] = transport(problem, hcc_point, targets, take_one_step)[0]
    assert [(row.study, row.arm) for row in rows[False]] == [held] * 3
    assert [row.statistic for row in rows[False]] == ["median", "median", "control_rate"]
    for before, after in zip(rows[False], rows[True], strict=True):
        assert after.observed == before.observed * 1.1
        for name in ("predicted", "predicted_lower", "predicted_upper", "drawn_lower", "drawn_upper", "null_prediction"):
            assert getattr(after, name) == getattr(before, name), name
        assert (before.residual != after.residual) == (before.endpoint != "ttp")  # a tenth later is the same scan


def test_the_arms_that_are_not_predicted_are_used(hcc_problem, hcc_point):
    small = make_small(hcc_problem)
    moved = tuple(replace(item, value=item.value * 1.05) if item.study == "sharp" else item for item in small.targets)
    first, second = (
        transport(replace(small, targets=targets), hcc_point, read_targets(model="hcc_trial"), take_one_step)[0][0].predicted
        for targets in (small.targets, moved)
    )
    assert first != second


def test_the_study_that_is_predicted_is_the_smallest_in_any_order():
    sharp, asia = (trial for trial in read_trials() if trial.study in ("sharp", "asia_pacific"))
    third = replace(asia, study="another", arms=tuple(replace(arm, study="another") for arm in asia.arms))
    alone = replace(asia, arms=asia.treated)

    for trials in itertools.permutations((sharp, asia)):
        assert choose_transported(trials) == asia
    for trials in itertools.permutations((sharp, asia, third)):
        assert choose_transported(trials) == third  # of one size, by name
    assert choose_transported((sharp, alone)) == sharp  # the other has no control
    assert choose_transported((alone, replace(alone, study="other"))) is None


def test_a_single_study_has_nothing_to_transport_to(hcc_problem, hcc_point):
    alone = replace(
        hcc_problem,
        trials=hcc_problem.trials[:1],
        arms=hcc_problem.arms[:2],
        targets=tuple(item for item in hcc_problem.targets if item.study == "sharp"),
    )
    assert transport(alone, hcc_point, read_targets(model="hcc_trial"), take_one_step) == ((), 0)


def test_a_start_where_nobody_can_be_integrated_is_infinitely_bad_and_no_exception(hcc_problem):
    broken = replace(hcc_problem, simulator=replace(hcc_problem.simulator, integrate=fail_everyone(hcc_problem)))
    found = optimise(broken, np.zeros(len(broken.estimated)), lambda _: None)
    assert found.chi_square == math.inf
    assert not found.converged


def fail_everyone(problem: FitProblem):
    """Return an integrator whose step limit nobody meets."""

    def integrate(**given):
        return problem.simulator.integrate(**given, most_steps=1)

    return integrate


@pytest.mark.parametrize("point", ["text", [0.0, 1.0], [0.0] * 8 + ["a"], None])
def test_a_stored_start_that_cannot_be_read_is_refused(point, hcc_fit):
    kept = {"start-000": {"point": point, "cost": 1.0, "evaluations": 3, "converged": True, "message": ""}}
    starts = replace(hcc_fit.starts, kept=kept)
    with pytest.raises(DataError, match="a start in results/tasks of this run cannot be read"):
        fit(plan_fit("hcc_trial", Settings(jobs=1, fit=FitOptions(patients=64, starts=1)), Tables()), Runtime(starts))


def test_costs_are_told_as_they_are_met(hcc_problem):
    small = replace(hcc_problem, population=draw_population(hcc_problem.parameters, 8, 1), targets=hcc_problem.targets[:2])
    costs: list[float] = []
    found = optimise(small, np.zeros(len(small.estimated)), costs.append)
    assert min(costs) == pytest.approx(found.chi_square, rel=1e-9)
    assert costs[0] > found.chi_square
    assert build_problem("hcc_trial", Tables(), patients=8, seed=1).population.patients == 8
