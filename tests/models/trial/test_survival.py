"""Laws of the survival statistics; numbers from closed forms, published fits of real data, and lifelines."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import logrank_test

from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError
from kinimmune.models.trial.design import Arm, Endpoint
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.survival import (
    TrialCurves,
    expected_curve,
    expected_events,
    expected_log_rank,
    greenwood,
    hazard_ratio,
    log_ratio_error,
    median_scan,
    median_time,
    progression_free,
    restricted_mean,
    survival_at,
)
from kinimmune.models.trial.virtual_trial import ArmOutcome

ARM = Arm("study", "arm", 200, control=False, dose=0.0, doses_per_day=0.0, discontinuation_rate=0.0, symptomatic_median=math.inf)


def count(patients: Array, times: Array, tied: bool) -> TrialCurves:
    """Return the curve of real patients, rows (time, event, treated), at given event times."""
    time, event = patients[:, 0], patients[:, 1]
    at_risk = np.array([(time >= moment).sum() for moment in times], dtype=float)
    failures = np.array([((time == moment) & (event == 1.0)).sum() for moment in times], dtype=float)
    share = np.divide(failures, at_risk, out=np.zeros_like(failures), where=at_risk > 0.0)
    return TrialCurves("study", "arm", Endpoint.TTP, times, np.cumprod(1.0 - share), at_risk, failures, tied=tied)


def count_arms(patients: Array, tied: bool) -> tuple[TrialCurves, TrialCurves]:
    """Return the curves of the treated and of the control at the event times of both."""
    times = np.unique(patients[patients[:, 1] == 1.0, 0])
    treated, control = (count(patients[patients[:, 2] == arm], times, tied) for arm in (1.0, 0.0))
    return treated, control


def fit_cox(patients: Array) -> tuple[float, float]:
    """Return the coefficient of treatment and its standard error by lifelines (ties by Efron)."""
    frame = pd.DataFrame(patients, columns=["time", "event", "treated"])
    fitted = CoxPHFitter().fit(frame, "time", "event", fit_options={"precision": 1e-10})
    return float(fitted.params_["treated"]), float(fitted.standard_errors_["treated"])


def exponential(rate: float, n: int = 200, survival: float = 1.0) -> ArmOutcome:
    """Return an arm with a constant hazard of death [1/d] and none of progression."""
    grid = 7.0 * np.arange(201.0)
    scans = 42.0 * np.arange(1.0, 34.0)
    nothing = np.zeros(scans.size)
    alive = np.exp(-rate * grid) * survival + (1.0 - survival)
    none = np.zeros((3, grid.size))
    return ArmOutcome(replace(ARM, n=n), grid, alive, alive, {}, scans, alive[6:199:6], nothing, nothing, 0.0, alive, none, n, 0)


def test_median_of_a_constant_hazard_is_ln_2_over_the_rate_within_and_beyond_the_curve():
    time = np.linspace(0.0, 700.0, 101)
    for rate in (1e-4, 5e-4, 2e-3, 0.02):
        assert median_time(time, np.exp(-rate * time)) == pytest.approx(math.log(2.0) / rate, rel=1e-10)


def test_median_of_a_curve_that_no_longer_falls_is_infinite():
    assert median_time(np.array([0.0, 1.0, 2.0]), np.array([1.0, 0.8, 0.8])) == math.inf


def test_median_of_a_weibull_curve_on_a_weekly_grid_is_the_closed_form_to_a_hundredth_of_a_day():
    time = 7.0 * np.arange(101.0)
    for shape in (0.8, 1.5, 2.5):
        curve = np.exp(-((time / 300.0) ** shape))
        assert median_time(time, curve) == pytest.approx(300.0 * math.log(2.0) ** (1.0 / shape), abs=0.01)


def test_survival_between_grid_points_of_a_constant_hazard_is_exponential():
    time = np.linspace(0.0, 700.0, 101)
    moments = np.array([0.0, 3.3, 101.7, 699.0, 900.0])
    assert survival_at(time, np.exp(-0.003 * time), moments) == pytest.approx(np.exp(-0.003 * moments), rel=1e-12)


def test_restricted_mean_of_a_constant_hazard_is_its_closed_form():
    time = np.linspace(0.0, 700.0, 101)
    for rate in (1e-3, 1e-2):
        expected = -math.expm1(-rate * 600.0) / rate
        assert restricted_mean(time, np.exp(-rate * time), 600.0) == pytest.approx(expected, rel=1e-5)


def test_hazard_ratio_of_two_constant_hazards_is_their_ratio_under_any_follow_up_and_allocation():
    for span in (FollowUp(0.0, 400.0), FollowUp(180.0, 600.0, 2.0)):
        for n in (50, 200, 800):
            curves = [expected_curve(exponential(rate, size), Endpoint.OS, span) for rate, size in ((0.002, n), (0.003, 200))]
            assert hazard_ratio(*curves) == pytest.approx(2.0 / 3.0, abs=2e-5)


def test_hazard_ratio_of_two_arms_swapped_is_the_inverse():
    span = FollowUp(100.0, 600.0)
    one, two = (
        expected_curve(exponential(rate, n, cured), Endpoint.OS, span)
        for rate, n, cured in ((0.004, 300, 0.7), (0.003, 100, 1.0))
    )
    assert hazard_ratio(one, two) * hazard_ratio(two, one) == pytest.approx(1.0, rel=1e-10)


def test_deaths_of_a_constant_hazard_under_uniform_entry_are_their_closed_form():
    rate, span = 0.003, FollowUp(180.0, 600.0)
    curve = expected_curve(exponential(rate), Endpoint.OS, span)
    lived = (math.exp(-rate * 180.0) - math.exp(-rate * 600.0)) / (rate * 420.0)
    assert expected_events(curve) == pytest.approx(200.0 * (1.0 - lived), rel=1e-4)


def test_untied_cox_ratio_and_error_of_edmunson_1979_are_those_of_lifelines_and_of_r(load_patients):
    patients = load_patients("edmunson1979")
    treated, control = count_arms(patients, tied=False)
    coefficient, error = fit_cox(patients)
    ratio = hazard_ratio(treated, control)
    assert math.log(ratio) == pytest.approx(coefficient, abs=1e-6)
    assert log_ratio_error(treated, control, ratio) == pytest.approx(error, abs=1e-6)
    # R: coxph(Surv(futime, fustat) ~ rx, ovarian) prints -0.5964 (0.5870)
    assert math.log(ratio) == pytest.approx(-0.5964, abs=5e-5)
    assert log_ratio_error(treated, control, ratio) == pytest.approx(0.5870, abs=5e-5)


def test_the_log_rank_statistic_of_untied_data_is_that_of_lifelines(load_patients):
    """With counts in place of expectations; without ties the variance of the test is Cox's information at a ratio of 1."""
    patients = load_patients("edmunson1979")
    found = expected_log_rank(*count_arms(patients, tied=False))
    treated, control = (patients[patients[:, 2] == arm] for arm in (1.0, 0.0))
    test = logrank_test(treated[:, 0], control[:, 0], treated[:, 1], control[:, 1])
    assert found.mean**2 == pytest.approx(test.test_statistic, rel=1e-9)
    assert found.score < 0.0  # the treated did better


def test_tied_cox_ratio_of_freireich_1963_is_the_limit_of_efrons_for_ever_larger_tie_groups(load_patients):
    """Efron removes a tie group of d events in d steps; in expectation it is removed continuously, the limit d -> infinity."""
    patients = load_patients("freireich1963")
    log_ratio = math.log(hazard_ratio(*count_arms(patients, tied=True)))
    gaps = {copies: abs(fit_cox(np.repeat(patients, copies, axis=0))[0] - log_ratio) for copies in (1, 20, 200)}
    # with single patients Efron's sum is that of R: coef -1.5721
    assert fit_cox(patients)[0] == pytest.approx(-1.5721, abs=5e-5)
    assert gaps[20] == pytest.approx(gaps[1] / 20.0, rel=0.3)
    assert gaps[200] < 1e-3


def test_the_same_counts_without_ties_give_breslows_ratio_which_is_nearer_to_one(load_patients):
    treated, control = count_arms(load_patients("freireich1963"), tied=True)
    breslow = hazard_ratio(replace(treated, tied=False), replace(control, tied=False))
    # R: ties = "breslow" prints coef -1.5092
    assert math.log(breslow) == pytest.approx(-1.5092, abs=5e-5)
    assert math.log(hazard_ratio(treated, control)) < math.log(breslow)


def test_cox_error_of_tied_data_is_that_of_breslows_information(load_patients):
    treated, control = count_arms(load_patients("freireich1963"), tied=True)
    # R: ties = "breslow" prints se 0.4096
    assert log_ratio_error(treated, control, math.exp(-1.5092)) == pytest.approx(0.4096, abs=5e-5)


@pytest.mark.parametrize("name", ["freireich1963", "edmunson1979"])
@pytest.mark.parametrize("arm", [0.0, 1.0])
def test_product_limit_and_greenwood_are_those_of_lifelines(name, arm, load_patients):
    patients = load_patients(name)
    patients = patients[patients[:, 2] == arm]
    fitted = KaplanMeierFitter().fit(patients[:, 0], patients[:, 1])
    curve = count(patients, np.unique(patients[patients[:, 1] == 1.0, 0]), tied=True)
    assert curve.survival == pytest.approx(fitted.survival_function_at_times(curve.time).to_numpy(), rel=1e-12)
    inside = curve.survival > 0.0
    # lifelines prints Brookmeyer and Crowley's interval of ln(-ln S), whose half width is 1.96 se(S) / (S |ln S|)
    ends = fitted.confidence_interval_survival_function_.loc[curve.time[inside]].to_numpy()
    widths = np.abs(np.diff(np.log(-np.log(ends)), axis=1))[:, 0] / (2.0 * 1.959963984540054)
    survival = curve.survival[inside]
    assert greenwood(curve)[inside] == pytest.approx(-widths * survival * np.log(survival), rel=1e-9)


def test_greenwoods_error_of_one_sample_without_censoring_is_binomial():
    n, left = 50.0, np.array([40.0, 25.0, 10.0, 1.0])
    at_risk = np.array([50.0, 40.0, 25.0, 10.0])
    curve = TrialCurves("s", "a", Endpoint.TTP, np.arange(1.0, 5.0), left / n, at_risk, at_risk - left, tied=True)
    assert greenwood(curve) == pytest.approx(np.sqrt(left / n * (1.0 - left / n) / n), rel=1e-12)


def test_greenwoods_error_is_infinite_once_nobody_is_at_risk():
    curve = TrialCurves(
        "s",
        "a",
        Endpoint.TTP,
        np.arange(1.0, 4.0),
        np.array([0.6, 0.6, 0.6]),
        np.array([10.0, 0.0, 0.0]),
        np.array([4.0, 0.0, 0.0]),
        True,
    )
    assert np.isfinite(greenwood(curve)).tolist() == [True, False, False]


def test_median_scan_is_the_median_of_lifelines(load_patients):
    patients = load_patients("freireich1963")
    patients = patients[patients[:, 2] == 0.0]
    times = np.unique(patients[:, 0])
    scan = median_scan(count(patients, times, tied=True).survival)
    assert scan is not None
    assert times[scan - 1] == KaplanMeierFitter().fit(patients[:, 0], patients[:, 1]).median_survival_time_ == 8.0


def test_median_scan_counts_a_curve_that_stands_at_one_half_and_knows_no_median_above_it():
    assert median_scan(np.array([0.8, 0.5, 0.5])) == 2
    assert median_scan(np.array([0.8, 0.51])) is None


def test_product_limit_without_death_or_censoring_is_the_share_not_yet_seen():
    seen = np.array([0.3, 0.2, 0.4])
    at_risk = 1.0 - np.concatenate([[0.0], np.cumsum(seen)[:-1]])
    outcome = replace(exponential(0.001), scans=np.array([42.0, 84.0, 126.0]), at_risk=at_risk, detected=seen)
    assert progression_free(outcome) == pytest.approx([0.7, 0.5, 0.1], rel=1e-12)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1e-4, 5e-3), st.floats(1e-4, 5e-3)), min_size=3, max_size=3),
    st.floats(0.2, 5.0),
)
def test_proportional_hazards_give_back_their_ratio_whatever_the_baseline(steps, ratio):
    grid = 7.0 * np.arange(101.0)
    rates = np.repeat([rate for pair in steps for rate in pair], 17)[:100]
    hazard = np.concatenate([[0.0], np.cumsum(rates * 7.0)])
    base = exponential(0.001)
    arms = [replace(base, grid=grid, survival=np.exp(-factor * hazard)) for factor in (ratio, 1.0)]
    curves = [expected_curve(arm, Endpoint.OS, FollowUp(100.0, 700.0)) for arm in arms]
    assert hazard_ratio(*curves) == pytest.approx(ratio, rel=2e-3)


def test_a_hazard_ratio_without_events_in_an_arm_is_refused():
    none = expected_curve(exponential(0.0), Endpoint.OS, FollowUp(100.0, 600.0))
    some = expected_curve(exponential(0.003), Endpoint.OS, FollowUp(100.0, 600.0))
    with pytest.raises(DataError, match="needs events in both arms"):
        hazard_ratio(none, some)


def test_a_curve_with_columns_of_different_length_is_refused():
    curve = expected_curve(exponential(0.003), Endpoint.OS, FollowUp(100.0, 600.0))
    with pytest.raises(DataError, match="differ in length"):
        replace(curve, failures=curve.failures[1:])
