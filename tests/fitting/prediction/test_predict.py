"""Predictions of a trial with constant hazards, which has closed forms: curves, ratios, events, power, draws."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from exponential_predictions import plan, run
from exponential_trial import ACCRUAL, RATE, RATIO, SHORTEST, SPREAD, find_share, write_project
from scipy.special import ndtr, ndtri

from kinimmune.fitting.prediction.plan import Virtual, plan_prediction
from kinimmune.fitting.prediction.predict import predict_plan, run_draws
from kinimmune.fitting.prediction.request import PredictionRequest
from kinimmune.fitting.prediction.results import PREDICTION_JSON
from kinimmune.fitting.prediction.source import take_model
from kinimmune.fitting.prediction.table import to_csv
from kinimmune.fitting.settings import ProblemOptions
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import NumericalError, UsageError
from kinimmune.models.model_file import open_model
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.rows import Tables

DRAWS = 200


@pytest.fixture(scope="module")
def point(opened):
    return run(plan(opened, sizes=(100, 200, 400)))


@pytest.fixture(scope="module")
def spread(opened):
    return run(plan(opened, from_prior=True, draws=DRAWS))


def number(result, arm, statistic, month=None):
    return next(row for row in result.numbers if (row.arm, row.statistic, row.month) == (arm, statistic, month))


def test_with_one_point_the_band_is_the_expected_curve(point):
    for arm, rate in (("drug", RATE * RATIO), ("control", RATE)):
        curve = next(row for row in point.curves if row.arm == arm)
        expected = np.exp(-rate * np.array(curve.months) * DAYS_PER_MONTH)
        for band in (curve.lower, curve.median, curve.upper):
            np.testing.assert_allclose(band, expected, atol=1e-4)
        median = number(point, arm, "median")
        assert median.predicted == pytest.approx(math.log(2.0) / rate / DAYS_PER_MONTH, rel=2e-4)
        assert median.lower == median.upper == median.predicted
        assert number(point, arm, "survival", 12.0).predicted == pytest.approx(math.exp(-rate * 12.0 * DAYS_PER_MONTH), rel=1e-3)


def test_deaths_by_the_cut_off_and_at_its_calendar_time_have_their_closed_form(point):
    expected = {arm: 100.0 * find_share(rate) for arm, rate in (("drug", RATE * RATIO), ("control", RATE))}
    for arm, deaths in expected.items():
        assert number(point, arm, "deaths").predicted == pytest.approx(deaths, rel=2e-3)
    calendar = next(row for row in point.calendar if row.endpoint == "os")
    assert calendar.months[-1] == pytest.approx((SHORTEST + ACCRUAL) / DAYS_PER_MONTH)
    total = number(point, "drug", "deaths").predicted + number(point, "control", "deaths").predicted
    assert calendar.events[-1] == pytest.approx(total, rel=1e-12)
    assert (calendar.entered[0], calendar.entered[-1]) == (pytest.approx(200.0 * 3.0 * DAYS_PER_MONTH / ACCRUAL), 200.0)
    assert list(calendar.events) == sorted(calendar.events)


def test_numbers_at_risk_are_those_alive_and_followed(point):
    for row in point.at_risk:
        rate = RATE * (RATIO if row.arm == "drug" else 1.0)
        days = np.array(row.months) * DAYS_PER_MONTH
        followed = np.clip((SHORTEST + ACCRUAL - days) / ACCRUAL, 0.0, 1.0)
        np.testing.assert_allclose(row.at_risk, 100.0 * np.exp(-rate * days) * followed, atol=0.02)


def test_one_trial_scatters_about_a_point_as_its_numbers_are_known_to(point):
    """Ln of the median of an exponential sample without censoring has variance 1/(n S^2 H^2) at H = ln 2, S = 1/2."""
    row = number(point, "control", "median")
    error = 1.0 / (math.sqrt(100.0) * math.log(2.0))
    assert math.log(row.trial_upper / row.trial_lower) == pytest.approx(2.0 * 1.959964 * error, rel=0.05)


def test_with_one_point_success_is_schoenfelds_power(point):
    """With score and information integrated; with 2/sqrt(d) in place of the error it is nearly the same."""
    (row,) = point.ratios
    time = np.linspace(0.0, SHORTEST + ACCRUAL, 20_001)
    followed = np.clip((SHORTEST + ACCRUAL - time) / ACCRUAL, 0.0, 1.0)
    treated, control = (100.0 * np.exp(-rate * time) * followed for rate in (RATE * RATIO, RATE))
    share = np.divide(treated, treated + control, out=np.zeros_like(time), where=control > 0.0)
    died = RATE * (RATIO * treated + control)
    score = np.trapezoid(RATE * RATIO * treated - died * share, time)
    mean = score / math.sqrt(np.trapezoid(died * share * (1.0 - share), time))
    events = 100.0 * (find_share(RATE * RATIO) + find_share(RATE))

    assert (row.predicted, row.lower, row.upper) == (pytest.approx(RATIO, rel=1e-4),) * 3
    assert row.assurance == pytest.approx(row.power, rel=1e-12)
    assert row.assurance_error is None
    assert row.assurance == pytest.approx(float(ndtr(-mean - ndtri(0.975))), abs=1e-3)
    assert row.assurance == pytest.approx(float(ndtr(-math.log(RATIO) * math.sqrt(events) / 2.0 - ndtri(0.975))), abs=5e-3)
    assert row.events == pytest.approx(events, rel=2e-3)


def test_sizes_keep_the_design_and_scale_its_events(point):
    """The trial of the design's own size is the design; information is proportional to patients."""
    small, own, large = point.sizes
    (row,) = point.ratios
    assert (own.total, own.assurance, own.power, own.events) == (200, row.assurance, row.power, row.events)
    assert small.assurance < own.assurance < large.assurance
    assert large.events == pytest.approx(2.0 * own.events, rel=1e-12)
    needed = ndtri(row.assurance) + ndtri(0.975)
    assert float(ndtr(math.sqrt(2.0) * needed - ndtri(0.975))) == pytest.approx(large.assurance, abs=1e-12)


def test_the_interval_of_a_ratio_is_quantiles_of_its_draws(opened, spread):
    """Hazards are proportional, so the ratio a trial expects is the parameter itself, drawn from its prior."""
    planned = plan(opened, from_prior=True, draws=DRAWS)
    place = [item.key for item in planned.problem.estimated].index("ratio")
    drawn = RATIO * np.exp(SPREAD * planned.matched.points[:, place])
    (row,) = spread.ratios

    expected = np.quantile(drawn, (0.5, 0.025, 0.975), method="inverted_cdf")
    np.testing.assert_allclose((row.predicted, row.lower, row.upper), expected, rtol=1e-3)
    assert row.below[0].population == pytest.approx((drawn < 1.0).mean(), abs=0.01)
    assert row.trial_lower < row.lower < row.upper < row.trial_upper


def test_the_assurance_of_the_prior_is_that_of_a_normal_ln_ratio(opened):
    """With the rate held the information differs little between draws, so the closed form for a held error is near."""
    name, tables = opened
    parameters = tuple(_fix(item) if item.name == "rate" else item for item in tables.model.parameters)
    held = replace(tables.model, parameters=parameters)
    result = run(plan((name, replace(tables, model=held)), from_prior=True, draws=400))
    (row,) = result.ratios
    error = 2.0 / math.sqrt(row.events)
    exact = float(ndtr((-math.log(RATIO) / error - ndtri(0.975)) / math.sqrt(1.0 + (SPREAD / error) ** 2)))

    assert abs(row.assurance - exact) < 4.0 * row.assurance_error + 0.01
    assert row.assurance < row.power


def _fix(item):
    prior = replace(item.prior, scale=type(item.prior.scale)("fixed"), sd=0.0)
    return replace(item, prior=prior, estimated=False)


def test_results_do_not_depend_on_the_number_of_threads(opened, spread):
    assert PREDICTION_JSON.dump(run(plan(opened, from_prior=True, draws=DRAWS, jobs=3))) == PREDICTION_JSON.dump(spread)


def test_a_prediction_goes_to_json_and_back_and_into_a_table(spread, tmp_path):
    text = PREDICTION_JSON.dump(spread)
    assert PREDICTION_JSON.load(text, tmp_path) == spread
    (tmp_path / "all.csv").write_text(to_csv(spread), encoding="utf-8")
    table = pd.read_csv(tmp_path / "all.csv")
    assert set(table["section"]) == {"number", "ratio", "at_risk", "calendar", "curve"}
    assert table.query("quantity == 'assurance'")["value"].tolist() == [spread.ratios[0].assurance]


def test_a_draw_that_fails_is_counted_and_told(opened):
    """At a hazard beyond the largest number nobody can be integrated; the others are as without it."""
    planned = plan(opened, from_prior=True, draws=16)
    rate = [item.key for item in planned.problem.estimated].index("rate")
    points = planned.matched.points.copy()
    points[3, rate] = 800.0
    with np.errstate(all="ignore"):
        broken = predict_plan(replace(planned, matched=replace(planned.matched, points=points)), 1, lambda _: None)
    kept = replace(planned.matched, points=np.delete(planned.matched.points, 3, axis=0))
    whole = run(replace(planned, matched=kept))

    assert (broken.draws, broken.failed_draws, len(broken.failures)) == (16, 1, 1)
    assert broken.ratios == whole.ratios
    assert broken.effective_draws == 15.0


def test_draws_far_apart_leave_numbers_that_go_to_json(opened):
    """Hazards from one under which nobody dies to one under which all do within a day."""
    planned = plan(opened, from_prior=True, draws=16)
    points = planned.matched.points.copy()
    points[:, [item.key for item in planned.problem.estimated].index("rate")] = np.linspace(-12.0, 8.0, 16)
    result = run(replace(planned, matched=replace(planned.matched, points=points)))
    assert result.failed_draws == 0
    assert number(result, "control", "survival", 12.0).lower < 1e-12 < 0.999 < number(result, "control", "survival", 12.0).upper
    assert PREDICTION_JSON.load(PREDICTION_JSON.dump(result), Path("result.json")) == result


def test_a_prediction_without_any_draw_is_an_error(opened):
    planned = plan(opened)
    model = replace(planned.matched, moved=(), points=np.zeros((1, 0)))
    bad = tuple(item.at(math.inf) if item.name == "rate" else item for item in _unbounded(planned.problem.parameters))
    planned = replace(planned, matched=model, problem=replace(planned.problem, parameters=bad))
    with np.errstate(all="ignore"), pytest.raises(NumericalError, match="at none of 1 draws"):
        run(planned)


def _unbounded(parameters):
    return tuple(replace(item, upper=math.inf) for item in parameters)


def test_any_two_arms_of_a_study_are_compared(tmp_path):
    folder = write_project(tmp_path / "three", arms={"drug": 50, "other": 50, "control": 50})
    given = open_model(str(folder / "exponential.py"), Tables(folder))
    result = run(plan(given, ratios=("drug/other", "two_arms:control/drug")))
    found = {(row.arm, row.reference_arm): row.predicted for row in result.ratios}
    expected = {
        ("drug", "control"): RATIO,
        ("other", "control"): RATIO,
        ("drug", "other"): 1.0,
        ("control", "drug"): 1.0 / RATIO,
    }
    assert found == pytest.approx(expected, rel=1e-4)


def test_arms_that_are_named_are_predicted_alone(opened):
    result = run(plan(opened, arms=("drug",)))
    assert ({row.arm for row in result.numbers}, result.ratios) == ({"drug"}, ())


def test_another_trial_of_the_same_model_is_predicted_with_its_own_design(opened, tmp_path):
    """A study that others do not know of, twice the size: the same ratio, a smaller error."""
    folder = write_project(tmp_path / "later", study="later", arms={"drug": 200, "control": 200})
    planned = plan(opened, trial=folder)
    result = run(planned)
    (row,), (own,) = result.ratios, run(plan(opened)).ratios
    assert (row.study, row.predicted) == ("later", pytest.approx(own.predicted, rel=1e-12))
    assert row.log_error == pytest.approx(own.log_error / math.sqrt(2.0), rel=1e-9)


def test_a_study_gets_the_values_of_another_one_where_that_is_asked_for(tmp_path):
    """The rate belongs to one study: another has none, or that one's."""
    first = write_project(tmp_path / "first", own="two_arms")
    later = write_project(tmp_path / "later", study="later")
    (later / "parameters.csv").unlink()
    given = open_model(str(first / "exponential.py"), Tables(first))
    with pytest.raises(UsageError, match=r"study 'later' is not predicted: parameters\.csv has no value of rate for it"):
        plan(given, trial=later)
    planned = plan(given, trial=later, borrowed="two_arms", from_prior=True)
    assert [(item.name, item.origin, item.of) for item in planned.matched.origins if item.name.startswith("rate")] == [
        ("rate:later", "prior", "rate:later")
    ]
    result = run(plan(given, trial=later, borrowed="two_arms"))
    assert number(result, "control", "median").predicted == pytest.approx(math.log(2.0) / RATE / DAYS_PER_MONTH, rel=2e-4)
    assert next(row for row in result.parameters if row.name == "rate:later").of == "rate:two_arms"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"arms": ("drugs",)}, "--arm drugs: no such arm; allowed: two_arms:drug, two_arms:control"),
        ({"arms": ("nobody:drug",)}, "--arm nobody:drug: no such arm; allowed: two_arms:drug, two_arms:control"),
        ({"ratios": ("drug",)}, "--ratio drug: write STUDY:ARM/ARM"),
        ({"ratios": ("drug/drug",)}, "--ratio drug/drug: an arm has no ratio to itself"),
        ({"ratios": ("drug/placebo",)}, "--ratio placebo: no such arm"),
        ({"sizes": (3,)}, "--size 3: arm 'two_arms:drug' would have fewer than 2 patients; give at least 4"),
        ({"borrowed": "elsewhere"}, "--as elsewhere: no parameter of model 'exponential' belongs to one study"),
    ],
)
def test_what_cannot_be_predicted_is_refused_with_the_reason(opened, asked, message):
    with pytest.raises(UsageError) as found:
        plan(opened, **asked)
    assert message in str(found.value)


def test_blocks_are_told_of(opened):
    said = []
    run_draws(plan(opened, from_prior=True, draws=30), said.append)
    assert said == ["virtual trials 1 to 20 of 30", "virtual trials 21 to 30 of 30"]


@pytest.fixture(scope="module")
def posterior(opened):
    """Return an invented posterior of both parameters, correlated and sharper than the priors."""
    name, tables = opened
    source = take_model(load_model(name, tables), tables, None)
    covariance = np.array([[0.04, 0.06], [0.06, 0.25]])
    scores = np.random.default_rng(5).multivariate_normal([0.0, 0.0], covariance, size=32)
    draws = np.column_stack([RATE * np.exp(scores[:, 0]), RATIO * np.exp(SPREAD * scores[:, 1])])
    names = ("rate", "ratio")
    return replace(source, basis="gaussian", names=names, draws=draws, covariance=covariance, studies=frozenset({"two_arms"}))


def test_a_ratio_rests_on_what_its_own_parameter_rests_on(posterior):
    """Hazards are proportional, so ln HR is ln of the parameter: g = (0, prior sd)."""
    virtual = Virtual(ProblemOptions(patients=2), 1, 1)
    (row,) = run(plan_prediction(posterior, PredictionRequest(), virtual, None, 1)).ratios
    own = posterior.covariance[:, 1]
    assert row.log_sd == pytest.approx(SPREAD * math.sqrt(own[1]), rel=1e-3)
    assert row.prior_share == pytest.approx(own @ own / own[1], rel=1e-3)
    assert row.data_share == pytest.approx(1.0 - row.prior_share, rel=1e-12)


def test_a_ratio_of_a_parameter_that_is_drawn_from_its_prior_rests_on_the_prior(posterior):
    """As where the ratio belongs to a study the run did not fit."""
    only = replace(posterior, names=("rate",), draws=posterior.draws[:, :1], covariance=posterior.covariance[:1, :1])
    foreign = tuple(replace(item, study="two_arms") if item.name == "ratio" else item for item in only.parameters)
    source = replace(only, parameters=foreign, studies=frozenset({"elsewhere"}))
    result = run(plan_prediction(source, PredictionRequest(), Virtual(ProblemOptions(patients=2), 1, 1), None, 1))
    assert {row.name: row.origin for row in result.parameters}["ratio:two_arms"] == "prior"
    assert result.ratios[0].prior_share == pytest.approx(1.0, abs=1e-9)
    assert result.ratios[0].log_sd == pytest.approx(SPREAD, rel=1e-3)


def test_without_a_run_nothing_is_said_of_what_a_prediction_rests_on(spread):
    assert (spread.ratios[0].log_sd, spread.ratios[0].data_share, spread.ratios[0].prior_share) == (None, None, None)
