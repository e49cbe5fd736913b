"""Published numbers of other kinds beside closed forms: survival, counts by the cut-off, cut-offs, responses, curves."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from weibull_trial import SCAN, add_target, write_project

from kinimmune.fitting.problem.fittable import examine_fit
from kinimmune.fitting.problem.problem import build_problem, predict, widen
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.problem.residuals import count_data_residuals, data_information, residuals, target_residuals
from kinimmune.fitting.problem.statistics import from_scale, predict_number, to_scale, trial_error
from kinimmune.fitting.problem.targets import Role
from kinimmune.fitting.runs.kept_model import gather_model
from kinimmune.models.catalogue import load_model
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.hazards import (
    hazard_of_death,
    hazard_of_death_before_progression,
    hazard_of_progression,
    read_survival,
)

SHAPE, SCALE, RATE, PATIENTS = 1.3, 400.0, 0.004, 200
MONTH = 30.44


def alive(day):
    return math.exp(-((day / SCALE) ** SHAPE))


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """Return a trial of one arm with constant progression and Weibull's deaths, and one target of every kind."""
    folder = tmp_path_factory.mktemp("weibull") / "own"
    write_project(folder, PATIENTS, ["shape", "scale", "rate"], {"shape": SHAPE, "scale": SCALE, "rate": RATE})
    add_target(folder, "os", "survival", PATIENTS, "0.5", "9")
    add_target(folder, "ttp", "survival", PATIENTS, "0.4", "6")
    add_target(folder, "pfs", "survival", PATIENTS, "0.4", "6", "held_out")
    add_target(folder, "", "control_rate", PATIENTS, "0.8")
    add_target(folder, "os", "deaths", PATIENTS, "190")
    with gather_model(str(folder / "weibull.py"), folder) as (name, data):
        tables = Tables(data)
        return widen(build_problem(name, tables, patients=2, seed=1)), read_targets(tables)


@pytest.fixture(scope="module")
def outcomes(problem):
    return predict(problem[0], [np.zeros(3)])[0]


def find(targets, label):
    return next(target for target in targets if target.label == label)


def test_survival_at_a_month_is_that_of_the_curve(problem, outcomes):
    """Of death Weibull's; of progression that after the last scan; of both their product, for independent hazards."""
    read = {target.label: predict_number(problem[0], outcomes, target) for target in problem[1]}
    seen = SCAN * math.floor(6.0 * MONTH / SCAN)
    assert read["survival:alone:all:os:9"] == pytest.approx(alive(9.0 * MONTH), abs=2e-4)
    assert read["survival:alone:all:ttp:6"] == pytest.approx(math.exp(-RATE * seen), abs=2e-4)
    assert read["survival:alone:all:pfs:6"] == pytest.approx(math.exp(-RATE * seen) * alive(6.0 * MONTH), abs=2e-4)


def test_disease_control_is_being_alive_and_unprogressed_at_the_first_scan(problem, outcomes):
    found = predict_number(problem[0], outcomes, find(problem[1], "control_rate:alone:all"))
    assert found == pytest.approx(math.exp(-RATE * SCAN) * alive(SCAN), abs=2e-4)


def test_deaths_by_the_cut_off_are_the_mean_over_staggered_entry(problem, outcomes):
    """With uniform entry, n times the mean of 1 - S over follow-up from the shortest to the longest."""
    found = predict_number(problem[0], outcomes, find(problem[1], "deaths:alone:all"))
    follow_up = problem[0].trials[0].follow_up[Endpoint.OS]
    dead = quad(lambda day: 1.0 - alive(day), follow_up.shortest, follow_up.longest)[0]
    assert found == pytest.approx(PATIENTS * dead / (follow_up.longest - follow_up.shortest), rel=2e-3)


def test_deaths_of_some_patients_are_their_share_of_those_of_all(problem, outcomes):
    target = find(problem[1], "deaths:alone:all")
    whole, half = (predict_number(problem[0], outcomes, replace(target, value=9.0, n=n)) for n in (PATIENTS, PATIENTS // 2))
    assert half / (PATIENTS // 2) == pytest.approx(whole / PATIENTS)


@pytest.mark.parametrize("deaths", [120, 150, 185])
def test_a_cut_off_that_waits_for_deaths_comes_when_there_are_so_many(tmp_path, deaths):
    """The day on which the expected deaths of patients who enter evenly over a year reach the number."""
    folder = tmp_path / "own"
    write_project(folder, PATIENTS, ["scale"], {"shape": SHAPE, "scale": SCALE})
    add_target(folder, "os", "cutoff", deaths, "30")
    text = (folder / "targets.csv").read_text(encoding="utf-8").replace("alone,all,os,cutoff", "alone,,os,cutoff")
    (folder / "targets.csv").write_text(text, encoding="utf-8")
    with gather_model(str(folder / "weibull.py"), folder) as (name, data):
        one = build_problem(name, Tables(data), patients=2, seed=1)
    (target,) = one.targets
    found = predict_number(one, predict(one, [np.zeros(1)])[0], target) * MONTH

    entry = one.trials[0].follow_up[Endpoint.OS].longest - one.trials[0].follow_up[Endpoint.OS].shortest
    first = max(found - entry, 0.0)
    dead = quad(lambda day: 1.0 - alive(day), first, found)[0] / entry
    assert target.label == "cutoff:alone:os"
    assert PATIENTS * dead == pytest.approx(deaths, rel=5e-3)


def test_residuals_are_differences_in_standard_errors(problem, outcomes):
    """Survival: on -ln(-ln S), with Greenwood's error at the published value; nobody is censored by month 9."""
    target = find(problem[1], "survival:alone:all:os:9")
    (found,) = target_residuals(problem[0], outcomes, target)
    error = math.sqrt(0.5 / (PATIENTS * 0.5)) / math.log(2.0)
    away = -math.log((9.0 * MONTH / SCALE) ** SHAPE) + math.log(math.log(2.0))
    assert found == pytest.approx(away / error, rel=2e-2)


def test_counts_have_the_signed_root_of_the_binomial_deviance(problem, outcomes):
    target = find(problem[1], "control_rate:alone:all")
    predicted = predict_number(problem[0], outcomes, target)
    (found,) = target_residuals(problem[0], outcomes, target)
    deviance = 2.0 * PATIENTS * (0.8 * math.log(0.8 / predicted) + 0.2 * math.log(0.2 / (1.0 - predicted)))
    assert found == pytest.approx(math.copysign(math.sqrt(deviance), predicted - 0.8), rel=1e-9)


def test_scales_go_there_and_back(problem, outcomes):
    """And rise with the number, so that intervals keep their order."""
    for target in problem[1]:
        value = predict_number(problem[0], outcomes, target)
        assert from_scale(target, to_scale(target, value)) == pytest.approx(value, rel=1e-9)
        assert to_scale(target, 0.9 * value) < to_scale(target, value)
        assert trial_error(problem[0], outcomes, target, value) > 0.0


def test_there_are_always_as_many_residuals_as_counted(problem, outcomes):
    """And as many numbers that tell their information."""
    assert len(residuals(problem[0], outcomes, np.zeros(3))) == count_data_residuals(problem[0]) + 3
    assert len(data_information(problem[0], outcomes)) == count_data_residuals(problem[0]) == 4


def test_what_is_held_out_is_in_no_objective(problem):
    assert {target.role for target in problem[0].targets} == {Role.FIT}
    assert [target.label for target in problem[1] if target.role is Role.HELD_OUT] == ["survival:alone:all:pfs:6"]


def test_hazards_are_those_of_the_model_at_any_time(outcomes):
    """Weibull's of death, progressed or not, before the first week and beyond the last; constant of progression."""
    outcome = outcomes["alone", "all"]
    days = np.array([0.0, 0.5, 3.0, 100.0, 500.0, 1800.0])
    assert hazard_of_death(outcome, days) == pytest.approx((days / SCALE) ** SHAPE, rel=2e-3, abs=1e-5)
    assert hazard_of_progression(outcome, days) == pytest.approx(RATE * days, rel=1e-3)
    apart = hazard_of_death_before_progression(outcome, np.array([100.0, 500.0]))
    assert apart == pytest.approx((np.array([100.0, 500.0]) / SCALE) ** SHAPE, rel=5e-3)


def test_a_step_is_spread_over_the_visits_that_show_it(outcomes):
    """On the day of a scan half of its visits have been: the curve is read at half its step of ln S."""
    outcome = outcomes["alone", "all"]
    read = read_survival(outcome, Endpoint.TTP, np.array([SCAN / 2.0, SCAN, 1.5 * SCAN]), 3.0)
    assert read == pytest.approx(np.exp(-RATE * SCAN * np.array([0.0, 0.5, 1.0])), rel=1e-4)
    both = read_survival(outcome, Endpoint.PFS, np.array([1.5 * SCAN]), 3.0)
    assert both == pytest.approx(np.exp(-RATE * SCAN) * alive(1.5 * SCAN), rel=2e-3)


def test_what_needs_progression_is_told_before_a_fit(tmp_path):
    """A control rate of a model without progression is refused with its row."""
    folder = tmp_path / "own"
    model = write_project(folder, PATIENTS, ["scale"])
    text = model.read_text(encoding="utf-8").replace(', new_lesions="lesions"', "")
    model.write_text(text, encoding="utf-8")
    add_target(folder, "", "control_rate", PATIENTS, "0.8")
    with gather_model(str(model), folder) as (name, data):
        tables = Tables(data)
        obstacle = examine_fit(load_model(name, tables), tables).obstacle
    assert "it has no progression, and control_rate:alone:all (targets.csv row 2) has role 'fit'" in obstacle
