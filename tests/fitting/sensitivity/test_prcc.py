"""Partial rank correlation: that of the residuals of ranks, with the p-value of a slope, whatever the scale."""

import numpy as np
import pytest
import sensitivity_toys as toys
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, t

from kinimmune.fitting.sensitivity.prcc import correlate_partially

residual_correlation = toys.residual_correlation


def test_prcc_is_the_correlation_of_the_residuals_of_ranks():
    generator = np.random.default_rng(5)
    x = generator.standard_normal((60, 4)) @ generator.standard_normal((4, 4))
    y = x @ [1.0, -2.0, 0.0, 0.3] + 2.0 * generator.standard_normal(60)

    found = correlate_partially(x, y[:, None])

    ranks, of_y = rankdata(x, axis=0), rankdata(y)
    assert found.coefficient[0] == pytest.approx([residual_correlation(ranks, of_y, place) for place in range(4)], abs=1e-12)


def test_the_p_value_of_prcc_is_that_of_the_slope_in_the_regression_of_ranks():
    generator = np.random.default_rng(6)
    x = generator.standard_normal((40, 3))
    y = x @ [0.5, -0.2, 0.0] + generator.standard_normal(40)
    ranks, of_y = np.column_stack([np.ones(40), rankdata(x, axis=0)]), rankdata(y)
    slope, left, *_ = np.linalg.lstsq(ranks, of_y, rcond=None)
    error = np.sqrt(left[0] / 36.0 * np.diag(np.linalg.inv(ranks.T @ ranks)))

    found = correlate_partially(x, y[:, None])

    assert found.p_value[0] == pytest.approx(2.0 * t.sf(np.abs(slope / error)[1:], 36), rel=1e-9)


@given(st.integers(0, 2**31), st.floats(0.2, 3.0))
def test_prcc_does_not_change_under_monotone_maps(seed, power):
    generator = np.random.default_rng(seed)
    x = generator.random((30, 3)) + 0.1
    y = x[:, 0] + x[:, 1] ** 2 + 0.1 * generator.random(30)

    found = correlate_partially(np.column_stack([x[:, 0] ** power, np.log(x[:, 1]), np.exp(x[:, 2])]), np.exp(3.0 * y)[:, None])

    assert found.coefficient == pytest.approx(correlate_partially(x, y[:, None]).coefficient, abs=1e-10)


def test_prcc_of_an_output_that_does_not_vary_at_first_begins_when_it_does():
    x = np.random.default_rng(1).random((20, 2))

    found = correlate_partially(x, np.column_stack([np.zeros(20), x[:, 0]]))

    assert np.isnan(found.coefficient[0]).all()
    assert found.coefficient[1] == pytest.approx([1.0, 0.0], abs=1e-6)
