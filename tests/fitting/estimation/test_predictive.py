"""Where a report falls among trials of its size: what drawn trials print is the truth, for numbers of every kind."""

import math
from dataclasses import replace

import numpy as np
import pytest
from weibull_trial import add_target, write_patients, write_project

from kinimmune.fitting.estimation.comparisons import Evidence, compare
from kinimmune.fitting.estimation.counted import CountForecast
from kinimmune.fitting.estimation.drawn_trials import draw_trial, simulate_pools
from kinimmune.fitting.estimation.laplace import LaplaceApproximation
from kinimmune.fitting.estimation.printed_numbers import print_number
from kinimmune.fitting.problem.predictions import smooth_predictions
from kinimmune.fitting.problem.problem import build_problem, predict, widen
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.problem.statistics import smooth_numbers
from kinimmune.fitting.runs.kept_model import gather_model
from kinimmune.models.tables.rows import Tables

START = {"shape": 1.3, "scale": 400.0, "rate": 0.004}
N, DRAWS = 200, 3000
NUMBERS = (
    ("os", "median", "9.2", ""),
    ("ttp", "median", "5.5", ""),
    ("pfs", "median", "4.1", ""),
    ("os", "survival", "0.45", "12"),
    ("pfs", "survival", "0.33", "6"),
    ("", "control_rate", "0.82", ""),
    ("os", "deaths", "193", ""),
    ("ttp", "events", "118", ""),
)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Return the problem, its virtual trial, every published number, and what drawn trials print of each."""
    folder = tmp_path_factory.mktemp("predictive") / "own"
    model = write_project(folder, N, ["scale"], START)
    write_patients(folder, "pfs", [100.0] * N, [True] * N, [None] * N)
    add_target(folder, "ttp", "survival", N, "0.5", "6")
    for endpoint, statistic, value, month in (*NUMBERS, ("pfs", "patients", "", "")):
        add_target(folder, endpoint, statistic, N, value, month, role="held_out")
    with gather_model(str(model), folder) as (name, data):
        problem = widen(build_problem(name, Tables(data), patients=2, seed=1))
        published = read_targets(Tables(data))
        point, generator = np.zeros(1), np.random.default_rng(5)
        outcomes = predict(problem, [point])[0]
        pools = simulate_pools(problem, point, "alone", [5])
        trials = [draw_trial(problem.trials[0], pools, generator) for _ in range(DRAWS)]
        targets = [item for item in published if item.value is not None]
        printed = {item.label: np.array([print_number(item, trial) for trial in trials]) for item in targets}
        return problem, outcomes, published, printed


def certain(problem, outcomes, targets, error=0.0):
    """Return predictions of which parameters move each by a standard error on its scale."""
    smooth = smooth_predictions(problem, outcomes) | smooth_numbers(problem, outcomes, targets)
    gradients = {name: np.full((value.size, 1), error) for name, value in smooth.items()}
    return LaplaceApproximation(("scale",), 1, np.zeros((1, 1)), gradients)


def test_the_interval_for_one_trial_holds_95_percent_of_drawn_trials_and_the_place_is_theirs(drawn):
    """Parameters known: every kind within what rounding and the 8,192 individuals that trials are drawn from leave."""
    problem, outcomes, published, printed = drawn
    targets = [item for item in published if item.value is not None and item.role != "fit"]
    assert [(item.endpoint or "", item.statistic) for item in targets] == [row[:2] for row in NUMBERS]
    rows = compare(Evidence(problem, outcomes, certain(problem, outcomes, targets), published), targets, with_null=True)
    for row, target in zip(rows, targets, strict=True):
        found = printed[target.label]
        if row.endpoint in ("ttp", "pfs") and row.statistic == "median":
            found = np.where(np.abs(found - target.value) < 0.3, target.value, found)  # a scan's date is one number
        share = np.mean((found >= row.trial_lower - 0.06) & (found <= row.trial_upper + 0.06))
        assert share >= 0.92, target.label
        place = np.mean(found < target.value) + 0.5 * np.mean(found == target.value)
        assert row.trial_place == pytest.approx(place, abs=0.1), target.label
        assert row.interval_reason == ""
        assert row.predicted_lower == pytest.approx(row.predicted_upper, abs=2.0)


def test_what_is_not_known_of_parameters_widens_the_trial_and_draws_the_place_to_the_middle(drawn):
    problem, outcomes, published, _ = drawn
    targets = [item for item in published if item.value is not None and item.role != "fit"]
    sure, vague = (
        compare(Evidence(problem, outcomes, certain(problem, outcomes, targets, error), published), targets, with_null=True)
        for error in (0.0, 0.1)
    )
    for one, other in zip(sure, vague, strict=True):
        assert other.trial_lower <= one.trial_lower <= one.trial_upper <= other.trial_upper
        assert abs(other.trial_place - 0.5) <= abs(one.trial_place - 0.5) + 0.01


def test_patients_have_no_interval_and_say_why_and_fitted_numbers_have_no_place(drawn):
    problem, outcomes, published, _ = drawn
    evidence = Evidence(problem, outcomes, certain(problem, outcomes, published), published)
    (row,) = compare(evidence, [item for item in published if item.statistic == "patients"], with_null=True)
    assert (row.trial_place, row.predicted_lower, row.trial_upper) == (None, None, None)
    assert row.interval_reason == "it is no single number, and stands by its deviance over intervals"
    assert row.deviance is not None
    (fitted,) = compare(evidence, problem.targets, with_null=False)
    assert (fitted.trial_place, fitted.interval_reason) == (None, "")
    assert fitted.trial_lower < fitted.predicted < fitted.trial_upper


def test_a_report_beyond_the_curve_has_no_place_and_says_why(drawn):
    problem, outcomes, published, _ = drawn
    evidence = Evidence(problem, outcomes, certain(problem, outcomes, published), published)
    for endpoint in ("ttp", "pfs"):
        target = next(item for item in published if (item.endpoint, item.statistic) == (endpoint, "median"))
        (row,) = compare(evidence, (replace(target, value=90.0),), with_null=True)
        assert row.trial_place is None
        assert "before the report" in row.interval_reason
        assert row.trial_lower is not None


def test_a_date_of_more_events_than_there_ever_are_ends_nothing(drawn):
    """The share with an event by the horizon is what it is; a cut-off that waits for all of them is never."""
    problem, outcomes, published, _ = drawn
    deaths = next(item for item in published if item.statistic == "deaths")
    never = replace(deaths, statistic="cutoff", arm=None, value=30.0, unit="month", n=N)
    named = smooth_numbers(problem, outcomes, (never,))
    (row,) = compare(Evidence(problem, outcomes, certain(problem, outcomes, (never,)), published), (never,), with_null=True)
    assert math.isnan(named[never.label][0]) is (row.predicted is None)
    assert row.reason or row.trial_place is not None or row.interval_reason


def test_a_count_of_a_known_share_is_binomial():
    """Of 150 patients with a share of .02: P(K <= 0) = .98^150, and a trial finds 0 to 7 with 95 %."""
    forecast = CountForecast(150, math.log(0.02 / 0.98), 0.0)
    assert forecast.probability(0) == pytest.approx(0.98**150, rel=1e-9)
    assert (forecast.quantile(0.025), forecast.quantile(0.975)) == (0, 7)
    assert forecast.place(0) == pytest.approx(0.5 * 0.98**150, rel=1e-9)
    assert CountForecast(150, -20.0, 0.0).quantile(0.975) == 0
    vague = CountForecast(150, math.log(0.02 / 0.98), 1.0)
    assert vague.quantile(0.975) > forecast.quantile(0.975)
    assert vague.probability(0) > forecast.probability(0)


@pytest.mark.parametrize(("n", "logit", "error"), [(0, 0.0, 0.1), (5, math.inf, 0.1), (5, 0.0, -0.1), (5, 0.0, math.nan)])
def test_what_is_no_forecast_is_refused(n, logit, error):
    with pytest.raises(ValueError, match=f"no forecast of {n} patients"):
        CountForecast(n, logit, error)
