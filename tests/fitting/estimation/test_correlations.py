"""How numbers of one trial correlate over drawn trials, beside closed forms, and what a fit makes of it."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from memory_store import Memory
from weibull_trial import add_target, write_patients, write_project

from kinimmune.fitting.estimation.correlations import find_correlations, measure_condition, shrink_correlations
from kinimmune.fitting.estimation.fit import fit, plan_fit
from kinimmune.fitting.estimation.printed_numbers import make_reader
from kinimmune.fitting.problem.objective import TrialObjective
from kinimmune.fitting.problem.problem import build_problem, predict, widen
from kinimmune.fitting.problem.residuals import residuals, target_residuals
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.runs.kept_model import gather_model
from kinimmune.fitting.settings import FitOptions, Settings
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.errors import DataError, NumericalError
from kinimmune.models.tables.rows import Tables

SHAPE, SCALE, RATE, PATIENTS, MONTH = 1.3, 400.0, 0.004, 200, 30.4375
START = {"shape": SHAPE, "scale": SCALE, "rate": RATE}
ERROR = 4.0 / math.sqrt(1000.0)
"""Four standard errors of a correlation over the drawn trials."""


def alive(months):
    return math.exp(-((months * MONTH / SCALE) ** SHAPE))


def open_fit(folder, *targets):
    """Return a problem of one arm with death by Weibull's hazard and, independent of it, progression at a constant rate."""
    model = write_project(folder, PATIENTS, list(START), START)
    for endpoint, statistic, value, month in targets:
        add_target(folder, endpoint, statistic, PATIENTS, value, month)
    with gather_model(str(model), folder) as (name, data):
        return build_problem(name, Tables(data), patients=2, seed=1)


def find(problem, draws=1000):
    (found,) = find_correlations(problem, np.zeros(3), 1, draws)
    return found


def test_numbers_that_share_nothing_are_fitted_as_they_are(tmp_path):
    """Death and progression are independent here, and death censors progression without telling of it."""
    problem = open_fit(tmp_path / "own", ("os", "survival", "0.54", "9"), ("ttp", "survival", "0.51", "6"))
    found = find(problem)

    factor = found.block.factor([0, 1])
    np.testing.assert_allclose(factor, np.eye(2), atol=ERROR)
    np.testing.assert_allclose(found.scatter, 1.0, atol=0.1)
    data = [target_residuals(problem, predict(problem, [np.zeros(3)])[0], item) for item in problem.targets]
    informed = replace(problem, correlations=(found.block,))
    whitened = residuals(informed, predict(informed, [np.zeros(3)])[0], np.zeros(3))[:2]
    np.testing.assert_allclose(whitened, np.concatenate(data), atol=4.0 * ERROR)


def test_survival_at_two_months_correlates_as_greenwood_s_variances_say(tmp_path):
    """Without censoring the hazard up to s and t > s correlates by sqrt(v(s)/v(t)), v(t) = (1 - S(t))/S(t)."""
    found = find(open_fit(tmp_path / "own", ("os", "survival", "0.7", "6"), ("os", "survival", "0.4", "12")))

    variances = [(1.0 - alive(month)) / alive(month) for month in (6.0, 12.0)]
    shrunk = math.sqrt(variances[0] / variances[1]) * (1.0 - found.shrinkage)
    assert abs(found.block.below[0]) == pytest.approx(shrunk, abs=ERROR)


def test_a_median_and_the_survival_at_its_month_tell_nearly_the_same(tmp_path):
    month = SCALE * math.log(2.0) ** (1.0 / SHAPE) / MONTH
    median = f"{month:.1f}"
    found = find(open_fit(tmp_path / "own", ("os", "median", median, ""), ("os", "survival", "0.5", median)))
    assert found.block.below[0] > 0.85
    assert found.condition_number == pytest.approx(measure_condition(found.block.matrix), rel=1e-3)


def test_two_numbers_that_are_one_are_refused_with_their_names(tmp_path):
    problem = open_fit(
        tmp_path / "own", ("os", "survival", "0.5", "9"), ("os", "survival", "0.5", "9.01"), ("ttp", "survival", "0.4", "6")
    )
    with pytest.raises(DataError) as told:
        find(problem, 300)
    said = str(told.value)
    assert "survival:alone:all:os:9.01 tell nearly the same" in said
    assert "survival:alone:all:os:9 and" in said
    assert said.endswith("give one of them the role unfitted in targets.csv, or leave correlations out: --no-correlations")


def test_a_median_that_drawn_trials_seldom_reach_is_named(tmp_path):
    """At ten times the published median half of the patients never die within the follow-up."""
    problem = open_fit(tmp_path / "own", ("os", "median", "10", ""), ("os", "survival", "0.5", "9"))
    slow = tuple(item.at(20.0 * SCALE) if item.name == "scale" else item for item in problem.parameters)
    held = replace(problem, parameters=slow, estimated=tuple(item for item in problem.estimated if item.name != "scale"))
    with pytest.raises(NumericalError, match=r"median:alone:all:os most often lacks"):
        find_correlations(held, np.zeros(2), 1, 100)


TARGETS = (
    ("os", "median", "9.7", ""),
    ("os", "survival", "0.4", "12"),
    ("pfs", "survival", "0.3", "6"),
    ("", "control_rate", "0.8", ""),
    ("os", "deaths", "190", ""),
)


def test_whitened_residuals_of_other_trials_have_unit_covariance(tmp_path):
    """Drawn with another seed from other individuals; numbers of several kinds."""
    problem = open_fit(tmp_path / "own", *TARGETS)
    first, other = find(problem), find_rows(problem, 99)

    scaled = (other - other.mean(axis=0)) / other.std(axis=0)
    whitened = np.linalg.solve(first.block.factor(range(len(TARGETS))), scaled.T)
    np.testing.assert_allclose(np.cov(whitened), np.eye(len(TARGETS)), atol=2.0 * ERROR)
    assert np.abs(np.corrcoef(scaled.T) - np.eye(len(TARGETS))).max() > 0.4


def find_rows(problem, seed):
    """Return signed residuals of drawn trials in the order of labels."""
    from kinimmune.fitting.estimation.drawn_trials import draw_trial, simulate_pools

    wide, point, generator = widen(problem), np.zeros(3), np.random.default_rng(seed)
    pools = simulate_pools(wide, point, "alone", [seed])
    outcomes = predict(wide, [point])[0]
    targets = sorted(problem.targets, key=lambda item: item.label)
    readers = [make_reader(wide, outcomes, item) for item in targets]
    trials = (draw_trial(wide.trials[0], pools, generator) for _ in range(1000))
    return np.array([np.concatenate([item.read(drawn, generator) for item in readers]) for drawn in trials])


def test_drawn_correlations_leave_the_sum_of_squares_of_independent_numbers_what_it_is():
    """Of 40 independent columns in 50 rows a column, the mean of r' R^-1 r is 40 within 2 %; a strong pair stays one."""
    rng = np.random.default_rng(4)
    rows = rng.standard_normal((2000, 40))
    rows[:, 1] = 0.9 * rows[:, 0] + math.sqrt(1.0 - 0.81) * rows[:, 1]
    matrix, share = shrink_correlations(rows)

    values = np.linalg.inv(matrix[2:, 2:])
    assert share == 0.02
    assert np.trace(values) == pytest.approx(38.0, rel=0.025)
    assert matrix[0, 1] == pytest.approx(0.9 * 0.98, abs=0.02)


def test_a_column_that_never_changes_correlates_with_nothing():
    matrix, _ = shrink_correlations(np.column_stack([np.arange(50.0), np.ones(50)]))
    np.testing.assert_array_equal(matrix, np.eye(2))


def run(folder, store=None, **options):
    with gather_model(str(folder / "weibull.py"), folder) as (name, data):
        settings = Settings(model=name, data=data, seed=1, jobs=1, fit=FitOptions(patients=2, starts=1, **options))
        plan = plan_fit(name, settings, Tables(data))
        result, _ = fit(plan, Runtime(store or Memory()))
        opened = open_problem(plan.problem, plan.settings.folder)
        return plan, result, opened


def test_a_fit_takes_correlations_into_account_and_tells_them(tmp_path):
    """The sum of squares is that of r' R^-1 r; tables keep the residuals as they are; the optimum is one of the new sum."""
    open_fit(tmp_path / "own", *TARGETS)
    store = Memory()
    plan, result, problem = run(tmp_path / "own", store)

    assert plan.tasks == len(store.kept) == 3
    whitening = result.whitening
    raw = {}
    for row in result.targets:
        place = ":".join(part for part in ("alone", "all", row.statistic != "deaths" and row.endpoint) if part)
        month = f":{row.month:g}" if row.month else ""
        raw[f"{row.statistic}:{place}{month}"] = row.residual
    signed = np.array([raw[label] for label, _ in whitening.blocks[0].block.rows])
    inverse = np.linalg.inv(whitening.blocks[0].block.matrix)
    assert result.chi_square_data == pytest.approx(signed @ inverse @ signed, rel=1e-3)
    informed = plan.problem.with_correlations(whitening.correlations)
    back = ProblemSettings(**json.loads(json.dumps(informed.plain)))
    assert back == informed
    assert hash(back) == hash(informed)
    again = replace(problem, correlations=whitening.correlations)
    point = np.array([item.prior.to_z(row.value) for item, row in zip(again.estimated, result.parameters, strict=True)])
    objective = TrialObjective(again)
    slope = objective.jacobian(point).T @ objective.residuals(point)
    assert np.abs(slope * [row.contraction**2 for row in result.parameters]).max() < 0.02


def test_correlations_left_out_are_told(tmp_path):
    open_fit(tmp_path / "own", *TARGETS)
    store = Memory()
    plan, result, _ = run(tmp_path / "own", store, correlations=False)

    assert result.whitening is None
    assert plan.tasks == len(store.kept) == 1
    assert result.warnings == plan.warnings
    assert plan.warnings[-1].startswith("numbers of study 'alone' share patients and are fitted as if they did not")


def test_a_model_tried_in_no_trial_has_no_numbers_that_share_patients():
    """Whatever trials stand in the tables, which the package's model of them is fitted to."""
    plans = {model: plan_fit(model, Settings(), Tables()) for model in ("hcc_trial", "hcc_mouse", "breast", "hcc_cells")}

    assert {model: plan.correlated for model, plan in plans.items() if plan.correlated} == {
        "hcc_trial": ("sharp", "asia_pacific")
    }
    assert {model: plan.takes_correlations for model, plan in plans.items()} == {model: model == "hcc_trial" for model in plans}


def test_beside_patients_a_number_that_they_tell_adds_little(tmp_path):
    """The share controlled at the first scan is seen in the patients' own progressions.

    Fitted as if it were new it narrows the rate's error, with its correlation hardly at all.
    """
    rng = np.random.default_rng(2)
    seen = rng.geometric(1.0 - math.exp(-42.0 * RATE), PATIENTS)
    times, events = [42.0 * min(int(scan), 12) for scan in seen], [bool(scan <= 12) for scan in seen]
    errors = {}
    for name, options in (("alone", None), ("apart", {"correlations": False}), ("together", {})):
        folder = tmp_path / name
        write_project(folder, PATIENTS, ["rate"], {"shape": 4.0, "scale": 3000.0, "rate": RATE})
        write_patients(folder, "ttp", times, events, [None] * PATIENTS)
        add_target(folder, "ttp", "patients", PATIENTS)
        if options is not None:
            add_target(folder, "", "control_rate", PATIENTS, f"{np.mean(seen > 1):.3f}")
        _, result, _ = run(folder, **(options or {}))
        errors[name] = result.parameters[0].standard_error
    assert errors["apart"] < 0.93 * errors["alone"]
    assert errors["together"] == pytest.approx(errors["alone"], rel=0.03)
    assert result.whitening.blocks[0].block.carried > 1
