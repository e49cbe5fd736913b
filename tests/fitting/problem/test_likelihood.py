"""Laws of the likelihood of a published median; numbers from closed forms and 50-digit arithmetic."""

import math
from dataclasses import replace

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinimmune.fitting.problem.likelihood import derived_log_error, log_error, scan_of, scan_residuals
from kinimmune.fitting.problem.targets import Role, Statistic, Target
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.parameters import Source, Status
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.scan_plan import ScanPlan
from kinimmune.models.trial.survival import TrialCurves, greenwood

FOREVER = FollowUp(3.6e4, 3.65e4)
READ = Source("here", "table", Status.REPORTED)


def make_target(**changes) -> Target:
    given = {"study": "s", "arm": "a", "endpoint": Endpoint.OS, "statistic": Statistic.MEDIAN, "value": 10.0, "lower": None}
    given |= {"upper": None, "n": 100, "unit": "month", "role": Role.FIT, "value_source": READ, "interval_source": None}
    return Target(**(given | changes))


def make_curve(survival, n: float = 150.0) -> TrialCurves:
    """Return the product-limit curve of n patients of whom 2 % die or leave between two scans."""
    survival = np.asarray(survival, dtype=float)
    before = np.concatenate([[1.0], survival[:-1]])
    at_risk = n * before * 0.98 ** np.arange(survival.size)
    return TrialCurves(
        "s",
        "a",
        Endpoint.TTP,
        42.0 * np.arange(1.0, survival.size + 1.0),
        survival,
        at_risk,
        at_risk * (1.0 - survival / before),
        True,
    )


def log_mass(curve: TrialCurves, scan: int) -> float:
    """Return ln P(sample median at the scan), as the design defines it, with 50 digits."""
    with mpmath.workdps(50):
        errors = [mpmath.mpf(float(item)) for item in greenwood(curve)]
        after = mpmath.mpf(float(curve.survival[scan - 1])) - 0.5
        if scan == 1:
            return float(mpmath.log(mpmath.ncdf(-after / errors[0])))
        before = mpmath.mpf(float(curve.survival[scan - 2])) - 0.5
        error = (errors[scan - 2] + errors[scan - 1]) / 2
        lower, upper = sorted((before / error, after / error))
        if lower > 0:
            lower, upper = -upper, -lower
        return float(mpmath.log(mpmath.ncdf(upper) - mpmath.ncdf(lower)))


factors = st.lists(st.floats(0.2, 0.97), min_size=5, max_size=5)


@settings(max_examples=200, deadline=None)
@given(factors, st.integers(1, 5), st.floats(20.0, 2000.0))
def test_squares_of_the_residuals_add_to_the_deviance(steps, scan, n):
    curve = make_curve(np.cumprod(steps), n)
    inner, level = scan_residuals(curve, scan)
    assert inner**2 + level**2 == pytest.approx(-2.0 * log_mass(curve, scan), rel=1e-6, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(factors, st.integers(2, 5))
def test_the_residual_is_positive_where_the_curve_stands_above_one_half_between_the_scans(steps, scan):
    curve = make_curve(np.cumprod(steps))
    middle = curve.survival[scan - 2] + curve.survival[scan - 1] - 1.0
    if abs(middle) > 1e-6:
        assert math.copysign(1.0, scan_residuals(curve, scan)[0]) == math.copysign(1.0, middle)


@pytest.mark.parametrize("scan", [2, 3])
def test_the_residual_passes_through_zero_with_one_slope(scan):
    """As the curve moves past the best place, r is zero there and its slopes on either side and across agree."""

    def residual(shift: float) -> float:
        drop = 0.06
        curve = np.array([0.9, 0.8, 0.7])
        curve[scan - 2 : scan] = 0.5 + np.array([drop, -drop]) + shift
        if scan == 2:
            curve[2] = 0.3
        errors_fixed = replace(make_curve(curve), at_risk=np.full(3, 150.0), failures=np.array([15.0, 15.0, 15.0]))
        return scan_residuals(errors_fixed, scan)[0]

    best = mpmath.findroot(lambda shift: residual(float(shift)), (-0.03, 0.03), solver="anderson", tol=1e-12)
    best = float(best)
    assert residual(best) == pytest.approx(0.0, abs=1e-6)
    gaps = []
    for step in (1e-2, 1e-3, 1e-4):
        left, right = ((residual(best + sign * step) - residual(best)) / (sign * step) for sign in (-1.0, 1.0))
        gaps.append(abs(left - right) / (left + right))
        assert left + right > 5.0
    # the two slopes become one as the step shrinks, in proportion to it
    assert gaps[0] < 0.15
    assert gaps[1] == pytest.approx(0.1 * gaps[0], rel=0.2)
    assert gaps[2] == pytest.approx(0.01 * gaps[0], rel=0.2)


def test_the_first_scan_has_the_deviance_of_a_median_before_it_alone():
    low, high = (scan_residuals(make_curve([start, 0.1]), 1) for start in (0.2, 0.8))
    assert low[1] == high[1] == 0.0
    assert 0.0 <= low[0] < 1e-6
    assert high[0] ** 2 == pytest.approx(-2.0 * log_mass(make_curve([0.8, 0.1]), 1), rel=1e-9)


@pytest.mark.parametrize("n", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("survival", [[0.999, 0.998, 0.997], [0.02, 0.01, 0.005], [0.999, 0.998, 0.001]])
def test_far_tails_stay_finite_and_keep_their_sign(n, survival):
    curve = make_curve(survival, n)
    for scan in (1, 2, 3):
        found = scan_residuals(curve, scan)
        assert np.all(np.isfinite(found))
    expected = math.sqrt(-2.0 * log_mass(make_curve([0.999, 0.998, 0.997], n), 1))
    assert scan_residuals(make_curve([0.999, 0.998, 0.997], n), 1)[0] == pytest.approx(expected, rel=1e-9)


def test_the_deviance_grows_as_the_curve_moves_away():
    away = [scan_residuals(make_curve([0.9, level, level - 0.2]), 3)[0] for level in (0.55, 0.65, 0.75, 0.85)]
    assert np.all(np.diff(away) > 0.3)


def test_a_scan_nobody_reached_says_nothing_of_nan():
    curve = replace(make_curve([0.9, 0.8, 0.8]), at_risk=np.array([10.0, 5.0, 0.0]), failures=np.array([1.0, 0.5, 0.0]))
    assert np.all(np.isfinite(scan_residuals(curve, 3)))


@pytest.mark.parametrize("n", [76, 303])
def test_derived_error_without_censoring_is_its_closed_form(n):
    """Of an exponential curve: se(ln median) = 1 / (sqrt(n) ln 2)."""
    assert derived_log_error(make_target(n=n), FOREVER) == pytest.approx(1.0 / (math.sqrt(n) * math.log(2.0)), rel=1e-5)


def test_derived_error_grows_as_follow_up_shortens_and_matches_its_integral():
    target = make_target(value=6.0)
    median = 6.0 * DAYS_PER_MONTH
    full = derived_log_error(target, FOREVER)
    for longest in (400.0, 250.0):
        # uniform entry from 0: C(t) = 1 - t / longest
        rate = math.log(2.0) / median
        variance = mpmath.quad(lambda t, end=longest, r=rate: r * mpmath.exp(r * t) / (100.0 * (1.0 - t / end)), [0.0, median])
        found = derived_log_error(target, FollowUp(0.0, longest))
        assert found == pytest.approx(math.sqrt(float(variance)) / math.log(2.0), rel=1e-4)
        assert found > full


def test_a_published_median_nobody_was_followed_to_is_refused():
    with pytest.raises(DataError, match="longer than anyone was followed"):
        derived_log_error(make_target(value=10.0), FollowUp(0.0, 300.0))


def test_the_error_is_read_from_the_interval_where_there_is_one_and_derived_otherwise():
    read = make_target(lower=8.0, upper=12.5, interval_source=READ)
    assert log_error(read, FOREVER) == pytest.approx(math.log(12.5 / 8.0) / (2.0 * 1.959963984540054), rel=1e-12)
    assert log_error(make_target(), FOREVER) == derived_log_error(make_target(), FOREVER)
    recalled = replace(read, interval_source=replace(READ, status=Status.RECALLED))
    assert log_error(recalled, FOREVER) == derived_log_error(make_target(), FOREVER)


def test_published_medians_of_progression_fall_on_scans_1_2_2_and_4():
    assert [scan_of(make_target(value=months), ScanPlan(42.0)) for months in (1.4, 2.8, 2.8, 5.5)] == [1, 2, 2, 4]
    assert scan_of(make_target(value=0.3), ScanPlan(42.0)) == 1
