"""What drawn trials print, beside lifelines, closed forms, and counting by hand."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from weibull_trial import SCAN, add_target, write_project

from kinimmune.fitting.estimation.drawn_trials import DrawnArm, draw_trial, simulate_pools, simulate_trial
from kinimmune.fitting.estimation.printed_numbers import print_number, read_figure
from kinimmune.fitting.problem.problem import build_problem
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.problem.targets import Role, Statistic, Target
from kinimmune.fitting.runs.kept_model import gather_model
from kinimmune.models.tables.readers import read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.published import PublishedCurve

SHAPE, SCALE, RATE, PATIENTS, MONTH = 1.3, 400.0, 0.004, 200, 30.4375
INF = math.inf


def make_target(statistic, endpoint=None, arm=None, **changes):
    origin = next(iter(read_targets(model="hcc_trial"))).value_source
    number = {"value": 1.0, "lower": None, "upper": None, "n": 4, "unit": "1", "role": Role.FIT} | changes
    return Target("sharp", arm, endpoint, statistic, value_source=origin, interval_source=None, **number)


@pytest.fixture(scope="module")
def sharp():
    return next(trial for trial in read_trials(Tables()) if trial.study == "sharp")


@pytest.fixture(scope="module")
def four(sharp):
    """Return four patients: one dies, one progresses and dies, one responds, one leaves no event before the last entry."""
    return DrawnArm(
        trial=sharp,
        death=np.array([30.0, 300.0, INF, INF]),
        progression=np.array([INF, 84.0, 252.0, INF]),
        visit=np.array([INF, 80.0, 250.0, INF]),
        responded=np.array([False, False, True, False]),
        entry=np.array([0.0, 0.0, 0.0, 1.0]),
    )


def test_death_censors_progression_and_both_end_what_is_free_of_both(four, sharp):
    longest, shortest = sharp.follow_up[Endpoint.TTP].longest, sharp.follow_up[Endpoint.TTP].shortest
    time, event = four.observe(Endpoint.TTP)
    np.testing.assert_array_equal(time, [30.0, 84.0, 252.0, shortest])
    np.testing.assert_array_equal(event, [False, True, True, False])
    assert longest > 252.0
    np.testing.assert_array_equal(four.observe(Endpoint.PFS)[0], [30.0, 84.0, 252.0, shortest])
    np.testing.assert_array_equal(four.observe(Endpoint.PFS)[1], [True, True, True, False])
    np.testing.assert_array_equal(four.observe(Endpoint.TTP, at_visits=True)[0], [30.0, 80.0, 250.0, shortest])


def test_shares_and_counts_are_counted(four, sharp):
    drawn = {"sorafenib": four, "placebo": four}
    assert print_number(make_target(Statistic.RESPONSE_RATE, arm="sorafenib"), drawn) == 0.25
    assert print_number(make_target(Statistic.RESPONSE_RATE, arm="sorafenib", n=2), drawn) == 0.0
    assert print_number(make_target(Statistic.CONTROL_RATE, arm="sorafenib"), drawn) == 0.75
    assert print_number(make_target(Statistic.DEATHS, Endpoint.OS, "placebo", n=303), drawn) == 2.0
    assert print_number(make_target(Statistic.DEATHS, Endpoint.OS, n=602), drawn) == 4.0
    assert print_number(make_target(Statistic.EVENTS, Endpoint.PFS, n=602), drawn) == 6.0
    accrual = sharp.follow_up[Endpoint.OS].longest - sharp.follow_up[Endpoint.OS].shortest
    assert accrual > 300.0
    for events, day in ((1, 30.0), (3, 300.0)):
        target = make_target(Statistic.CUTOFF, Endpoint.OS, n=events, unit="month")
        assert print_number(target, drawn) == pytest.approx(day / MONTH, rel=1e-3)


def test_a_median_that_is_not_reached_is_none(four):
    target = make_target(Statistic.MEDIAN, Endpoint.OS, "sorafenib", unit="month")
    assert print_number(target, {"sorafenib": four}) == pytest.approx(round(300.0 / MONTH, 1), abs=0.051)
    alive = replace(four, death=np.full(4, INF))
    assert math.isnan(print_number(target, {"sorafenib": alive}))


def test_a_hazard_ratio_is_cox_s_of_the_arms_it_is_about(sharp):
    from lifelines import CoxPHFitter

    rng = np.random.default_rng(3)
    arms, frames = {}, []
    for treated, scale in ((1.0, 300.0), (0.0, 200.0)):
        death, entry = rng.exponential(scale, 150), rng.random(150)
        never = np.full(150, INF)
        arm = DrawnArm(sharp, death, never, never, np.zeros(150, dtype=bool), entry)
        arms["sorafenib" if treated else "placebo"] = arm
        time, event = arm.observe(Endpoint.OS)
        frames.append(pd.DataFrame({"time": time, "event": event, "treated": treated}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = CoxPHFitter().fit(pd.concat(frames), "time", "event", fit_options={"precision": 1e-12})

    found = print_number(make_target(Statistic.HAZARD_RATIO, Endpoint.OS, n=300), arms)

    assert math.log(found) == pytest.approx(fitted.params_["treated"], rel=1e-6)


@pytest.fixture(scope="module")
def weibull(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weibull") / "own"
    model = write_project(folder, PATIENTS, ["scale"], {"shape": SHAPE, "scale": SCALE, "rate": RATE})
    add_target(folder, "os", "survival", PATIENTS, "0.5", "9")
    with gather_model(str(model), folder) as (name, data):
        return build_problem(name, Tables(data), patients=2, seed=1)


@pytest.mark.parametrize("resampled", [True, False])
def test_drawn_trials_scatter_about_the_model_as_trials_of_their_size_do(weibull, resampled):
    """Survival by Weibull's law with the binomial error of n patients, progression by the constant rate, at planned dates."""
    z, rng, months = np.zeros(1), np.random.default_rng(1), np.array([9.0 * MONTH])
    pools = simulate_pools(weibull, z, "alone", [5])
    shares, seen = [], []
    for number in range(400):
        drawn = draw_trial(weibull.trials[0], pools, rng) if resampled else simulate_trial(weibull, z, "alone", [7, number])
        assert drawn["all"].n == PATIENTS
        shares.append(drawn["all"].estimate(Endpoint.OS).at(months)[0])
        seen.append(drawn["all"].estimate(Endpoint.TTP).at(np.array([2.0 * SCAN]))[0])
        if number >= 99 and not resampled:
            break
    expected = math.exp(-((9.0 * MONTH / SCALE) ** SHAPE))
    error = math.sqrt(expected * (1.0 - expected) / PATIENTS)
    assert np.mean(shares) == pytest.approx(expected, abs=4.0 * error / math.sqrt(len(shares)) + (0.02 if resampled else 0.002))
    assert np.std(shares) == pytest.approx(error, rel=4.0 / math.sqrt(2.0 * len(shares)))
    assert np.mean(seen) == pytest.approx(math.exp(-RATE * 2.0 * SCAN), abs=0.02)


def test_a_figure_is_read_with_the_error_of_its_readings_and_never_rises():
    times = np.array([0.0, 90.0, 180.0, 270.0])
    curve = PublishedCurve(
        "s",
        "a",
        Endpoint.OS,
        times,
        np.array([1.0, 0.8, 0.5, 0.3]),
        np.array([100.0, 80, 50, 20]),
        np.array([0.0, 0.01, 0.01, 0.01]),
    )
    rng = np.random.default_rng(1)
    death = rng.exponential(200.0, 100)
    time, event = np.minimum(death, 300.0), death <= 300.0
    read = np.array([read_figure(time, event, curve, rng)[0] for _ in range(500)])

    exact = np.array([(time > day).mean() for day in times])
    np.testing.assert_allclose(read.mean(axis=0), exact, atol=0.003)
    np.testing.assert_allclose(read[:, 1:].std(axis=0), 0.01, rtol=0.2)
    assert np.all(np.diff(read, axis=1) <= 0.0)
    np.testing.assert_array_equal(read_figure(time, event, curve, rng)[1], [(time >= day).sum() for day in times])
