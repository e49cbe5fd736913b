"""Power, assurance, mixtures and calendars against closed forms and numbers drawn."""

import math

import numpy as np
import pytest
from exponential_trial import ACCRUAL, RATE, SHORTEST
from scipy.special import ndtr, ndtri

from kinimmune.fitting.prediction.analyses import DrawnRatio
from kinimmune.fitting.prediction.calendar import TimedEvents, count_by, count_entered
from kinimmune.fitting.prediction.mixtures import binomial_quantiles, normal_quantiles, step_quantiles
from kinimmune.fitting.prediction.ratios import assume_ratio, find_chances
from kinimmune.fitting.prediction.request import PredictionRequest, read_sizes
from kinimmune.fitting.prediction.shares import share_variance
from kinimmune.fitting.prediction.spending import Spending, find_crossing, plan_analyses
from kinimmune.fitting.prediction.success import find_assurance, find_below
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.trial.follow_up import FollowUp

ONCE = plan_analyses(0.05, (), Spending.OBRIEN_FLEMING)


def find_power(log_ratio, error):
    """Return the power of one analysis at a ratio whose ln has that error."""
    return float(find_crossing(ONCE, np.array([[-log_ratio / error]]))[0, 0])


def test_the_power_is_that_of_schoenfelds_number_of_events():
    """D = (z_a + z_b)^2 / (p (1 - p) ln^2 HR) events of arms in shares p and 1 - p have power 1 - b."""
    for ratio, share, power in ((0.7, 0.5, 0.8), (0.8, 2.0 / 3.0, 0.9), (0.5, 0.5, 0.95)):
        events = (ndtri(0.975) + ndtri(power)) ** 2 / (share * (1.0 - share) * math.log(ratio) ** 2)
        error = 1.0 / math.sqrt(events * share * (1.0 - share))
        assert find_power(math.log(ratio), error) == pytest.approx(power, abs=1e-12)


def test_without_an_effect_a_success_is_half_of_alpha():
    assert find_power(0.0, 0.1) == pytest.approx(0.025, abs=1e-15)


@pytest.mark.parametrize(("mean", "sd", "error"), [(-0.3, 0.2, 0.15), (-0.05, 0.1, 0.1), (-0.5, 0.3, 0.2)])
def test_the_assurance_of_a_normal_posterior_has_its_closed_form(mean, sd, error):
    """The sample mean is normal about m with variance s^2 + se^2: Phi((-m/se - z)/sqrt(1 + s^2/se^2))."""
    draws = np.random.default_rng(3).normal(mean, sd, 20_000)
    (found,) = find_assurance(-draws[:, None] / error, ONCE, draws.size)
    exact = float(ndtr((-mean / error - ndtri(0.975)) / math.sqrt(1.0 + (sd / error) ** 2)))

    assert abs(found.probability - exact) < 4.0 * found.error
    assert found.error < 0.004


def test_a_ratio_below_a_bound_is_as_probable_as_the_share_of_draws_and_as_a_trial_reports_it():
    draws = np.log(np.array([0.5, 0.7, 0.9, 1.2]))
    known, reported = find_below(draws, np.full(4, 0.2), 0.8, 4.0)

    assert known.probability == 0.5
    assert reported.probability == pytest.approx(float(ndtr((math.log(0.8) - draws) / 0.2).mean()), abs=1e-15)
    assert find_below(draws[:1], np.full(1, 0.2), 0.8, 1.0)[0].error is None


def test_more_patients_never_lower_the_power_below_a_ratio_of_one_and_never_raise_it_above():
    """Along sizes, of every draw and so of their mean."""
    sizes = np.arange(10.0, 2000.0, 10.0)
    for log_ratio in (-1.0, -0.2, -0.01):
        assert np.all(np.diff([find_power(log_ratio, 2.0 / math.sqrt(size)) for size in sizes]) >= 0.0)
    assert np.all(np.diff([find_power(0.1, 2.0 / math.sqrt(size)) for size in sizes]) <= 0.0)


def test_the_power_at_an_assumed_ratio_takes_the_median_information():
    draws = [DrawnRatio(math.log(ratio), 0.2, error, 100.0) for ratio, error in ((0.6, 0.1), (0.7, 0.2), (0.8, 0.4))]
    once = PredictionRequest().plan_analyses()
    assert (assume_ratio(draws, None), assume_ratio(draws, 0.9)) == (pytest.approx(0.7), 0.9)
    (success,) = find_chances(draws, once, 0.9, 3.0)
    assert success.power == find_power(math.log(0.9), 0.2)


def test_quantiles_of_a_mixture_of_normals_are_those_of_numbers_drawn_from_it():
    means, errors = np.array([-1.0, 0.0, 2.0]), np.array([0.5, 0.1, 1.0])
    drawn = np.random.default_rng(1).normal(means, errors, (200_000, 3)).ravel()
    low, high = normal_quantiles(means, errors)

    assert (drawn <= low).mean() == pytest.approx(0.025, abs=4.0 * math.sqrt(0.025 * 0.975 / drawn.size))
    assert (drawn <= high).mean() == pytest.approx(0.975, abs=4.0 * math.sqrt(0.025 * 0.975 / drawn.size))


def test_an_end_of_a_mixture_that_lies_at_infinity_is_none():
    assert normal_quantiles(np.array([0.0, np.inf]), np.ones(2))[1] is None
    assert normal_quantiles(np.array([0.0, 1.0]), np.array([1.0, np.inf])) == (None, None)
    assert normal_quantiles(np.array([np.inf]), np.ones(1)) == (None, None)
    assert normal_quantiles(np.array([3.0, 4.0]), np.zeros(2)) == (3.0, 4.0)


def test_counts_of_one_trial_are_those_of_numbers_drawn():
    shares = np.array([0.2, 0.5])
    drawn = np.random.default_rng(2).binomial(40, shares, (100_000, 2)).ravel()
    expected = tuple(np.quantile(drawn, (0.025, 0.975), method="inverted_cdf").astype(int).tolist())
    assert binomial_quantiles(shares, 40) == expected
    assert binomial_quantiles(np.array([0.0]), 10) == (0, 0)
    assert binomial_quantiles(np.array([1.0]), 10) == (10, 10)


def test_a_median_of_steps_lies_where_the_sample_curve_passes_one_half():
    months = np.array([0.0, 2.0, 4.0, 6.0])
    survival = np.array([[1.0, 0.6, 0.49, 0.2]])
    certain, loose, blind = (np.array([[0.0, *[error] * 3]]) for error in (1e-9, 0.06, np.inf))
    assert step_quantiles(months, survival, certain) == (4.0, 4.0)
    assert step_quantiles(months, survival, loose) == (2.0, 6.0)
    assert step_quantiles(months, survival, blind) == (None, None)


def test_events_by_calendar_time_are_those_of_patients_who_enter_one_by_one():
    """Of 200,000 drawn patients, at two dates before the last entry and at two after it, for early and for late entry."""
    generator, n = np.random.default_rng(4), 200_000
    edges = np.linspace(0.0, 4000.0, 8001)
    expected = TimedEvents((edges[1:] + edges[:-1]) / 2.0, -np.diff(np.exp(-RATE * edges)))
    moments = np.array([100.0, 300.0, 700.0, 1461.0])
    for shape in (1.0, 2.0):
        follow_up = FollowUp(SHORTEST, SHORTEST + ACCRUAL, shape)
        entry = ACCRUAL * generator.uniform(size=n) ** (1.0 / shape)
        died = entry + generator.exponential(1.0 / RATE, n)
        found = count_by([expected], follow_up, moments)
        shares = (died[:, None] <= moments).mean(axis=0)
        assert np.all(np.abs(found - shares) < 4.0 * np.sqrt(shares * (1.0 - shares) / n))
        entered = count_entered(1, follow_up, moments)
        assert np.all(np.abs(entered - (entry[:, None] <= moments).mean(axis=0)) < 4.0 * 0.5 / math.sqrt(n))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("many", "--size many: no sizes; write TOTAL, FIRST:LAST or FIRST:LAST:STEP"),
        ("800:100", "--size 800:100: sizes must rise"),
        ("100:800:0", "--size 100:800:0: sizes must rise"),
        ("0:10", "--size 0:10: sizes must rise"),
        ("1:2:3:4", "--size 1:2:3:4: no sizes; write TOTAL"),
        ("-5", "--size -5: no sizes; write TOTAL"),
    ],
)
def test_sizes_of_another_form_are_refused(text, message):
    with pytest.raises(UsageError, match=message):
        read_sizes(text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"alpha": 0.0}, "--alpha 0: must lie between 0 and 1"),
        ({"alpha": math.nan}, "--alpha nan: must lie between 0 and 1"),
        ({"assume_ratio": 0.0}, "--assume-ratio 0: a hazard ratio must be positive"),
        ({"below": (1.0, -2.0)}, "--ratio-below -2: a hazard ratio must be positive"),
        ({"draws": 3}, "--draws 3 are too few"),
    ],
)
def test_levels_and_ratios_that_are_none_are_refused(given, message):
    with pytest.raises(UsageError, match=message):
        PredictionRequest(**given)


def test_shares_of_the_variance_on_a_linear_gaussian_toy_are_exact():
    """G'C J'J C g and g'C P C g over g'C g with C = (J'J + P)^-1, computed from J."""
    generator = np.random.default_rng(8)
    for rows, size in ((3, 3), (2, 5), (9, 4)):
        jacobian, gradient = generator.normal(size=(rows, size)), generator.normal(size=size)
        covariance = np.linalg.inv(jacobian.T @ jacobian + np.eye(size))
        variance = gradient @ covariance @ gradient
        data = gradient @ covariance @ jacobian.T @ jacobian @ covariance @ gradient / variance
        found = share_variance(gradient, covariance)
        assert (found.sd, found.data) == (pytest.approx(math.sqrt(variance)), pytest.approx(data))
        assert found.data + found.priors == pytest.approx(1.0, abs=1e-15)


def test_what_nothing_moves_has_no_shares():
    with pytest.raises(DataError, match="no parameter moves the prediction"):
        share_variance(np.zeros(2), np.eye(2))
