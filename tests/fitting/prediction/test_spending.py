"""Bounds of interim analyses and chances of crossing them, against published bounds, another integral and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from kinimmune.fitting.prediction.request import read_cut_offs, read_looks
from kinimmune.fitting.prediction.spending import Spending, find_crossing, plan_analyses, spend
from kinimmune.models.errors import UsageError

OBRIEN_FLEMING, POCOCK = Spending.OBRIEN_FLEMING, Spending.POCOCK
interims = st.lists(st.floats(0.1, 0.9), min_size=1, max_size=4).map(lambda values: [*np.unique(np.round(values, 1)).tolist()])
halves = st.integers(1, 200).map(lambda count: count / 2.0)
kinds = st.sampled_from(list(Spending))


@pytest.mark.parametrize(
    ("kind", "bounds"),
    [  # two-sided .05, five equal steps of information, as programs for Lan and DeMets' method print them
        (OBRIEN_FLEMING, (4.8769, 3.3569, 2.6803, 2.2898, 2.0310)),
        (POCOCK, (2.4380, 2.4268, 2.4101, 2.3966, 2.3859)),
    ],
)
def test_bounds_are_the_published_ones(kind, bounds):
    np.testing.assert_allclose(plan_analyses(0.05, (0.2, 0.4, 0.6, 0.8), kind).bounds, bounds, atol=2e-4)


@settings(max_examples=25)
@given(interim=interims, kind=kinds, alpha=st.floats(0.001, 0.3))
def test_without_an_effect_what_is_spent_is_crossed_and_at_the_end_all_of_it(interim, kind, alpha):
    plan = plan_analyses(alpha, interim, kind)
    crossed = find_crossing(plan, np.zeros((1, len(plan.bounds))))[0]
    np.testing.assert_allclose(crossed, spend(kind, alpha / 2.0, np.array(plan.fractions)), atol=1e-8)
    assert plan.levels[-1] == pytest.approx(alpha, rel=1e-12)


@pytest.mark.parametrize("kind", list(Spending))
def test_chances_are_those_of_the_joint_normal_distribution(kind):
    """By scipy's integral over all analyses together; means that do not rise with the information too."""
    plan = plan_analyses(0.05, (0.3, 0.6, 0.9), kind)
    fractions = np.array(plan.fractions)
    correlation = np.sqrt(np.minimum.outer(fractions, fractions) / np.maximum.outer(fractions, fractions))
    for means in (3.0 * np.sqrt(fractions), np.array([-0.5, 0.2, 1.7, 3.2]), np.array([2.0, 1.0, 0.0, -1.0])):
        found = find_crossing(plan, means[None, :])[0]
        for last in range(1, 5):
            inside = multivariate_normal(np.zeros(last), correlation[:last, :last])
            assert found[last - 1] == pytest.approx(1.0 - inside.cdf(np.array(plan.bounds[:last]) - means[:last]), abs=5e-5)


@settings(max_examples=25)
@given(interim=interims, kind=kinds, drift=st.floats(0.0, 6.0))
def test_looking_more_often_costs_power_and_a_larger_effect_never_does(interim, kind, drift):
    plan, once = plan_analyses(0.05, interim, kind), plan_analyses(0.05, (), kind)
    roots = np.sqrt(np.array(plan.fractions))
    small, large = (find_crossing(plan, roots[None, :] * value)[0] for value in (drift, drift + 0.5))
    assert small[-1] <= find_crossing(once, np.array([[drift]]))[0, 0] + 1e-8
    assert np.all(large >= small - 1e-9)
    assert np.all(np.diff(small) >= -1e-12)


def test_a_trial_that_is_looked_at_once_has_the_usual_bound():
    assert plan_analyses(0.05, (), POCOCK).bounds == (pytest.approx(float(ndtri(0.975))),)


def test_an_effect_without_bounds_is_always_found_and_a_harm_never():
    plan = plan_analyses(0.05, (0.5,), OBRIEN_FLEMING)
    assert find_crossing(plan, np.array([[60.0, 80.0]])).tolist() == [[1.0, 1.0]]
    assert find_crossing(plan, np.array([[-60.0, -80.0]]))[0, 1] == pytest.approx(0.0, abs=1e-300)


def test_a_look_so_early_that_nothing_can_be_spent_cannot_be_crossed():
    plan = plan_analyses(0.001, (0.02,), OBRIEN_FLEMING)
    assert find_crossing(plan, np.zeros((1, 2)))[0, 0] < 1e-15
    assert find_crossing(plan, np.zeros((1, 2)))[0, 1] == pytest.approx(0.0005, rel=1e-6)


@pytest.mark.parametrize("looks", ["0.5,0.4", "0", "1", "-0.5", "1.2", "0.5,0.51", "nan", "inf", "half", ""])
def test_looks_that_are_none_are_refused(looks):
    with pytest.raises(UsageError, match="--looks"):
        plan_analyses(0.05, read_looks(looks), OBRIEN_FLEMING)


@pytest.mark.parametrize(
    "text", ["", "a", "0", "-3", "36:12", "12:36:0", "12:36:-1", "nan", "12:inf", "1:2:3:4", "12:241", "1:240:0.5"]
)
def test_cut_offs_that_are_none_are_refused(text):
    with pytest.raises(UsageError, match="--cut-off"):
        read_cut_offs(text)


@given(first=halves, more=halves, step=halves.filter(lambda value: value >= 1.0))
def test_cut_offs_rise_by_the_step_and_end_where_they_were_asked_to(first, more, step):
    found = read_cut_offs(f"{first!r}:{first + more!r}:{step!r}")
    assert (found[0], found[-1]) == (first, first + more)
    assert np.all(np.diff(found) > 0.0)
    assert np.all(np.diff(found) <= step * (1.0 + 1e-6))
