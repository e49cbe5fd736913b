"""Curves read off figures: exposures and events from numbers at risk, and what a reading error adds."""

import math
from itertools import pairwise

import numpy as np
import pytest

from kinimmune.fitting.problem.curve_likelihood import curve_information, curve_residuals, prepare_curve
from kinimmune.models.errors import DataError
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.published import PublishedCurve

MONTH = 30.44


def make_curve(survival, at_risk, error=1e-9, step=3.0):
    time = step * MONTH * np.arange(len(survival))
    errors = np.where(np.arange(len(survival)) > 0, error, 0.0)
    return PublishedCurve("study", "arm", Endpoint.OS, time, np.array(survival), np.array(at_risk, dtype=float), errors)


def test_without_censoring_the_counts_are_those_of_the_patients():
    """100 patients, 20 and then 16 dead: exposures 100 and 80 by n' = (n_j + n_(j+1))/(1 + p_j)."""
    found = prepare_curve(make_curve([1.0, 0.8, 0.64], [100, 80, 64]))
    assert found.exposed == pytest.approx([100.0, 80.0])
    assert found.exposed * (1.0 - found.survived) == pytest.approx([20.0, 16.0])


def test_squares_add_to_the_binomial_deviance():
    """2 [d ln(d/(n q)) + s ln(s/(n (1 - q)))] for each interval, with no reading error to speak of."""
    found = prepare_curve(make_curve([1.0, 0.8, 0.64], [100, 80, 64]))
    row = curve_residuals(found, np.array([1.0, 0.7, 0.7 * 0.9]))
    by_hand = [
        2.0 * (20.0 * math.log(20.0 / 30.0) + 80.0 * math.log(80.0 / 70.0)),
        2.0 * (16.0 * math.log(16.0 / 8.0) + 64.0 * math.log(64.0 / 72.0)),
    ]
    assert row**2 == pytest.approx(by_hand, rel=1e-6)
    assert row[0] < 0.0 < row[1]  # fewer live in the first interval than was read, more in the second


def test_a_reading_error_widens_one_interval_by_the_factor_of_its_variance():
    """It is phi = 1 + n' s^2 (1 + p^2)/(p (1 - p) S^2), which the only interval of a curve has alone."""
    s, curve = 0.02, make_curve([1.0, 0.8], [200, 160])
    exact = curve_residuals(prepare_curve(curve), np.array([1.0, 0.75]))
    read = curve_residuals(prepare_curve(make_curve([1.0, 0.8], [200, 160], s)), np.array([1.0, 0.75]))
    smoothed = (200 * 0.8 + 0.5) / 201.0
    phi = 1.0 + 200.0 * s**2 / (smoothed * (1.0 - smoothed))
    assert (exact / read) ** 2 == pytest.approx([phi], rel=1e-6)


def test_whitened_residuals_of_drawn_readings_are_uncorrelated():
    """With a common reading error neighbours share their S; after whitening variance and covariance are 1 and 0."""
    rng = np.random.default_rng(1)
    truth, n, s = np.array([1.0, 0.8, 0.65, 0.5, 0.4]), 2000, 0.01
    rows = []
    for _ in range(4000):
        alive = [n]
        for before, after in pairwise(truth):
            alive.append(rng.binomial(alive[-1], after / before))
        read = np.minimum.accumulate(np.append(1.0, np.array(alive[1:]) / n + s * rng.standard_normal(4)))
        rows.append(curve_residuals(prepare_curve(make_curve(read, alive, s)), truth))
    covariance = np.cov(np.array(rows).T)
    assert covariance == pytest.approx(np.eye(4), abs=0.1)


def test_information_is_that_of_fisher():
    """It is n q'^2/(q (1 - q)) for each interval; by ln of the hazard, q' = (1 - q) H."""
    found = prepare_curve(make_curve([1.0, 0.8, 0.64], [100, 80, 64]))
    step, hazard = 1e-4, np.array([0.0, 0.3, 0.5])
    above, below = (curve_information(found, np.exp(-hazard * math.exp(sign * step))) for sign in (1.0, -1.0))
    slopes = (above - below) / (2.0 * step)
    rises = np.diff(hazard)
    dead = -np.expm1(-rises)
    assert slopes**2 == pytest.approx(found.exposed * ((1.0 - dead) * rises) ** 2 / (dead * (1.0 - dead)), rel=1e-5)


def test_a_curve_that_ends_at_zero_ends_there():
    """The interval in which the last dies has no survivors, and nothing comes after it."""
    found = prepare_curve(make_curve([1.0, 0.5, 0.0, 0.0], [10, 5, 0, 0]))
    assert found.survived == pytest.approx([0.5, 0.0])
    assert np.all(np.isfinite(curve_residuals(found, np.array([1.0, 0.6, 0.1]))))


@pytest.mark.parametrize(
    ("survival", "at_risk", "message"),
    [
        ([0.9, 0.8], [100, 80], "must begin at month 0 with survival 1"),
        ([1.0, 0.7, 0.8], [100, 70, 60], "survival rises from 0.7 to 0.8; correct it"),
        ([1.0, 0.7, 0.6], [100, 70, 80], "at_risk rises from 70 to 80; correct it"),
        ([1.0, 0.0], [100, 3], "patients at risk where survival is 0; correct one of the two"),
        ([1.0, 1.0], [100, 90], "nobody has an event; leave it out"),
    ],
)
def test_what_is_no_survival_curve_is_refused(survival, at_risk, message):
    with pytest.raises(DataError, match=message):
        make_curve(survival, at_risk)
