"""Statistics of patients one by one beside lifelines, an independent program for survival data."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from weibull_trial import read_survival_data

from kinimmune.models.trial.observed import cox_ratio, estimate_curve


def read(name, treated):
    times, events = read_survival_data(name, treated)
    return np.array(times), np.array(events)


@pytest.mark.parametrize("name", ["freireich1963", "edmunson1979"])
@pytest.mark.parametrize("treated", [0, 1])
def test_curve_median_and_errors_are_those_of_lifelines(name, treated):
    from lifelines import KaplanMeierFitter

    time, event = read(name, treated)
    found, fitted = estimate_curve(time, event), KaplanMeierFitter().fit(time, event)

    moments = np.linspace(0.0, time.max(), 40)
    np.testing.assert_allclose(found.at(moments), fitted.survival_function_at_times(moments), atol=1e-12)
    assert found.median() == fitted.median_survival_time_
    upper = fitted.confidence_interval_.iloc[:, 1].loc[found.time].to_numpy()
    inside = (found.survival > 0.0) & (found.survival < 1.0)
    ours = found.survival ** np.exp(-1.959963984540054 * found.errors())
    np.testing.assert_allclose(ours[inside], upper[inside], atol=1e-9)


@pytest.mark.parametrize("name", ["freireich1963", "edmunson1979"])
def test_cox_s_ratio_and_its_error_are_those_of_lifelines_with_ties_by_efron(name):
    from lifelines import CoxPHFitter

    groups = [read(name, treated) for treated in (1, 0)]
    table = pd.DataFrame(
        {
            "time": np.concatenate([time for time, _ in groups]),
            "event": np.concatenate([event for _, event in groups]),
            "treated": np.repeat([1.0, 0.0], [groups[0][0].size, groups[1][0].size]),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = CoxPHFitter().fit(table, "time", "event", fit_options={"precision": 1e-12})

    found = cox_ratio(*groups)

    assert found.log_ratio == pytest.approx(fitted.params_["treated"], rel=1e-6)
    assert found.error == pytest.approx(fitted.standard_errors_["treated"], rel=1e-5)


def test_without_events_in_a_group_there_is_no_ratio_and_without_any_no_median():
    some, none = (np.array([1.0, 2.0]), np.array([True, True])), (np.array([3.0, 4.0]), np.array([False, False]))
    assert math.isnan(cox_ratio(some, none).log_ratio)
    assert estimate_curve(*none).median() == math.inf
    np.testing.assert_array_equal(estimate_curve(*none).at(np.array([0.0, 5.0])), [1.0, 1.0])


@given(st.integers(1, 500))
def test_half_of_the_patients_are_dead_at_the_median(half):
    """Of 2 k patients who die one after the other at the k-th death, whatever the product of shares rounds to."""
    time = np.arange(1.0, 2 * half + 1)
    assert estimate_curve(time, np.ones(time.size, dtype=bool)).median() == half


def test_groups_apart_in_time_have_no_finite_ratio():
    early, late = (np.array([1.0, 2.0]), np.array([True, True])), (np.array([3.0, 4.0]), np.array([True, True]))
    assert math.isnan(cox_ratio(early, late).log_ratio)
