"""Laws of named predictions, their nulls, their intervals and the score Q."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from kinimmune.fitting.estimation.comparisons import Evidence, compare
from kinimmune.fitting.estimation.laplace import LaplaceApproximation
from kinimmune.fitting.estimation.scores import score
from kinimmune.fitting.problem.predictions import (
    median_months,
    null_prediction,
    predictions,
    sampling_error,
    scans_of,
    smooth_predictions,
)
from kinimmune.fitting.problem.problem import Outcomes, predict, to_horizon
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.problem.residuals import residuals
from kinimmune.fitting.problem.statistics import is_number, predict_number
from kinimmune.fitting.problem.targets import Role, Statistic
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.survival import progression_free


@pytest.fixture(scope="module")
def wide(hcc_problem):
    return to_horizon(hcc_problem, 24.0)


@pytest.fixture(scope="module")
def outcomes(wide, hcc_point):
    return predict(wide, [hcc_point])[0]


def test_every_published_number_has_a_prediction_of_its_name(wide, outcomes):
    """Medians and ratios those that are named for all trials; shares and counts, which are of a target, their own."""
    named = set(predictions(wide, outcomes))
    published = read_targets(model="hcc_trial")
    counted = [target for target in published if is_number(target)]
    assert {item.label for item in published if item not in counted} == {name for name in named if not name.endswith(":pfs")}
    assert {target.statistic for target in counted} == {Statistic.CONTROL_RATE, Statistic.RESPONSE_RATE, Statistic.DEATHS}
    for target in counted:
        found = predict_number(wide, outcomes, target)
        assert 0.0 < found < (target.n if target.statistic is Statistic.DEATHS else 1.0)
    rows = compare(Evidence(wide, outcomes, None, published), published, with_null=False)
    assert all(row.predicted is not None for row in rows)
    assert {name.removesuffix("pfs") for name in named if name.endswith(":pfs")} == {
        name.removesuffix("ttp") for name in named if name.endswith(":ttp")
    }


def test_null_predictions_are_those_worked_out_by_hand(wide):
    """Ratios of medians 7.9/10.7, 4.2/6.5, 2.8/5.5, 1.4/2.8; placebo median times the ratio of SHARP: 4.2 x 10.7/7.9."""
    published = read_targets(model="hcc_trial")
    nulls = {item.label: null_prediction(item, published, wide.trials) for item in published}
    assert nulls["hazard_ratio:sharp:os"] == pytest.approx(0.738, abs=5e-4)
    assert nulls["hazard_ratio:asia_pacific:os"] == pytest.approx(0.646, abs=5e-4)
    assert nulls["hazard_ratio:sharp:ttp"] == pytest.approx(0.509, abs=5e-4)
    assert nulls["hazard_ratio:asia_pacific:ttp"] == pytest.approx(0.5, abs=5e-4)
    assert nulls["median:asia_pacific:sorafenib:os"] == pytest.approx(5.69, abs=5e-3)
    assert nulls["median:asia_pacific:sorafenib:ttp"] == pytest.approx(2.75, abs=5e-3)


def test_a_null_of_a_study_without_medians_is_none(wide):
    ratio = next(item for item in read_targets(model="hcc_trial") if item.statistic is Statistic.HAZARD_RATIO)
    assert null_prediction(ratio, (ratio,), wide.trials) is None


def test_score_of_the_nulls_is_the_sum_worked_out_by_hand(wide, outcomes):
    """((ln .738 - ln .69)/.117)^2 + ... over the four ratios is 2.16."""
    published = read_targets(model="hcc_trial")
    ratios = tuple(item for item in published if item.statistic is Statistic.HAZARD_RATIO)
    rows = compare(Evidence(wide, outcomes, None, published), ratios, with_null=True)
    found = score(rows, ratios, null=True)
    assert found == pytest.approx(2.16, abs=0.01)
    moved = tuple(replace(row, null_prediction=row.observed) for row in rows)
    assert score(moved, ratios, null=True) == 0.0


def test_a_score_without_a_prediction_or_without_intervals_is_none(wide, outcomes):
    published = read_targets(model="hcc_trial")
    ratios = tuple(item for item in published if item.statistic is Statistic.HAZARD_RATIO)
    rows = compare(Evidence(wide, outcomes, None, published), ratios, with_null=True)
    assert score((replace(rows[0], predicted=None), *rows[1:]), ratios, null=False) is None
    bare = [replace(item, lower=None, upper=None, interval_source=None) for item in ratios]
    assert score(rows, bare, null=False) is None


def test_a_median_of_progression_is_the_first_scan_at_which_the_curve_stands_at_one_half_or_below(outcomes):
    for (study, arm), outcome in outcomes.items():
        months = median_months(outcomes, study, arm, Endpoint.TTP)
        curve = progression_free(outcome)
        scan = round(months * 30.44 / 42.0)
        assert curve[scan - 1] <= 0.5
        assert scan == 1 or curve[scan - 2] > 0.5


def test_a_curve_above_one_half_to_the_horizon_has_no_median_of_progression(wide, outcomes):
    arm = ("sharp", "sorafenib")
    slow = Outcomes({**outcomes.arms, arm: replace(outcomes[arm], detected=0.01 * outcomes[arm].detected)})
    assert median_months(slow, *arm, Endpoint.TTP) is None
    assert predictions(wide, slow)["median:sharp:sorafenib:ttp"] is None
    target = next(item for item in wide.targets if item.label == "median:sharp:sorafenib:ttp")
    assert scans_of(target, None, wide.trials) == (4, None)
    (row,) = compare(Evidence(wide, slow, None, read_targets(model="hcc_trial")), (target,), with_null=False)
    assert (row.predicted, row.scan_predicted, row.inside) == (None, None, None)


def test_the_residual_of_a_row_is_that_of_the_fit(wide, outcomes, hcc_point):
    rows = compare(Evidence(wide, outcomes, None, read_targets(model="hcc_trial")), wide.targets, with_null=False)
    found = residuals(wide, outcomes, hcc_point)
    assert [row.residual for row in rows] == [*found[:16:2], *found[16:20]]  # of a median there are two
    assert all(row.null_prediction is None for row in rows)


def test_smooth_predictions_are_logarithms_and_curves(wide, outcomes):
    named, smooth = predictions(wide, outcomes), smooth_predictions(wide, outcomes)
    assert smooth.keys() == named.keys()
    assert math.exp(smooth["hazard_ratio:sharp:os"][0]) == pytest.approx(named["hazard_ratio:sharp:os"], rel=1e-12)
    assert np.array_equal(smooth["median:sharp:placebo:ttp"], progression_free(outcomes["sharp", "placebo"]))


def test_sampling_errors_are_near_those_published(wide, outcomes):
    """The printed intervals give .117 and .158 for the ratios of OS, .127 and .161 of TTP; .0885 and .0743 for medians."""
    expected = {
        "hazard_ratio:sharp:os": 0.117,
        "hazard_ratio:asia_pacific:os": 0.158,
        "hazard_ratio:sharp:ttp": 0.127,
        "hazard_ratio:asia_pacific:ttp": 0.161,
        "median:sharp:sorafenib:os": 0.0885,
        "median:sharp:placebo:os": 0.0743,
    }
    for name, value in expected.items():
        assert sampling_error(wide, outcomes, name)[0] == pytest.approx(value, rel=0.3), name


def make_linearisation(wide, outcomes, slope: float) -> LaplaceApproximation:
    """Return predictions that move by `slope` per prior sd of the first estimated parameter alone, data saying nothing."""
    size = len(wide.estimated)
    gradients = {name: np.zeros((value.size, size + 1)) for name, value in smooth_predictions(wide, outcomes).items()}
    for gradient in gradients.values():
        gradient[:, 0] = slope
        gradient[:, size] = 2.0 * slope
    return LaplaceApproximation((*(item.key for item in wide.estimated), "constant"), size, np.zeros((16, size + 1)), gradients)


def test_intervals_are_the_delta_method_on_the_logarithm_and_widen_with_constants_and_sampling(wide, outcomes):
    published = read_targets(model="hcc_trial")
    linear = make_linearisation(wide, outcomes, 0.05)
    ratio = next(item for item in published if item.label == "hazard_ratio:sharp:os")
    (row,) = compare(Evidence(wide, outcomes, linear, published), (ratio,), with_null=True)
    z = 1.959963984540054
    assert math.log(row.predicted_upper / row.predicted) == pytest.approx(z * 0.05, rel=1e-9)
    assert math.log(row.predicted / row.predicted_lower) == pytest.approx(z * 0.05, rel=1e-9)
    assert math.log(row.drawn_upper / row.predicted) == pytest.approx(z * 0.05 * math.sqrt(5.0), rel=1e-9)
    noise = sampling_error(wide, outcomes, ratio.label)[0]
    assert math.log(row.trial_upper / row.predicted) == pytest.approx(z * math.hypot(0.05, noise), rel=1e-9)


def test_an_interval_of_a_scan_holds_the_scans_the_median_falls_on_with_95_percent(wide, outcomes):
    linear = make_linearisation(wide, outcomes, 0.05)
    target = next(item for item in wide.targets if item.label == "median:sharp:placebo:ttp")
    (row,) = compare(Evidence(wide, outcomes, linear, read_targets(model="hcc_trial")), (target,), with_null=False)
    by_then = ndtr((0.5 - progression_free(outcomes["sharp", "placebo"])) / 0.05)
    lower, upper = (round(end * 30.44 / 42.0) for end in (row.predicted_lower, row.predicted_upper))
    assert lower <= row.scan_predicted <= upper
    assert by_then[lower - 1] >= 0.025 > (by_then[lower - 2] if lower > 1 else 0.0)
    assert by_then[upper - 1] >= 0.975 > by_then[upper - 2]


def test_a_covariance_without_data_is_that_of_the_prior_and_data_shrink_it():
    silent = LaplaceApproximation(("a", "b"), 2, np.zeros((3, 2)), {"x": np.array([[3.0, 4.0]])})
    assert silent.covariance(constants_drawn=False) == pytest.approx(np.eye(2), rel=1e-12)
    assert silent.standard_error("x", constants_drawn=False) == pytest.approx([5.0], rel=1e-12)
    assert silent.effective_parameters == 0.0
    # one residual of slope 2 in the first parameter: variance 1 / (1 + 4), information 4/5 of a parameter
    told = replace(silent, data_jacobian=np.array([[2.0, 0.0]]))
    assert told.covariance(constants_drawn=False) == pytest.approx(np.diag([0.2, 1.0]), rel=1e-12)
    assert told.effective_parameters == pytest.approx(0.8, rel=1e-12)


def test_medians_and_disease_control_are_fitted_and_ratios_responses_and_deaths_compared():
    published = read_targets(model="hcc_trial")
    fitted = [item.statistic for item in published if item.role is Role.FIT]
    others = [item.statistic for item in published if item.role is Role.UNFITTED]
    assert Counter(fitted) == {Statistic.MEDIAN: 8, Statistic.CONTROL_RATE: 4}
    assert Counter(others) == {Statistic.HAZARD_RATIO: 4, Statistic.RESPONSE_RATE: 4, Statistic.DEATHS: 2}
    assert len(published) == len(fitted) + len(others)
