"""Elementary effects and derivatives: a linear function has its coefficients, a power law its exponents."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sensitivity_toys import COEFFICIENTS, EXPONENTS, design, normal, run, uniform

from kinimmune.fitting.sensitivity.designs import Method


def test_morris_of_a_linear_function_has_its_coefficients_and_no_spread():
    _, found = run(design(Method.MORRIS, uniform(4, 0.0, 1.0)), "linear", 16)

    assert found["mu"] == pytest.approx(COEFFICIENTS, abs=1e-12)
    assert found["mu_star"] == pytest.approx(np.abs(COEFFICIENTS), abs=1e-12)
    assert found["sigma"] == pytest.approx(np.zeros(4), abs=1e-12)


def test_a_group_of_morris_has_a_size_but_no_direction():
    _, found = run(design(Method.MORRIS, uniform(4, 0.0, 1.0), groups=("a", "b", "a", "a")), "linear", 16)

    assert found["mu_star"][1] == pytest.approx(1.0, abs=1e-12)
    assert found["mu"][0] is found["sigma"][0] is None
    assert found["mu"][1] == pytest.approx(-1.0, abs=1e-12)


def test_the_elasticity_of_a_power_law_is_its_exponent():
    inputs = tuple(replace(normal(key, sd), centre=0.3) for key, sd in (("a", 0.5), ("b", 1.0), ("c", 0.2)))

    sample, found = run(design(Method.LOCAL, inputs), "power", 3)

    assert found["elasticity"] == pytest.approx(EXPONENTS, abs=1e-10)
    assert found["value"] == pytest.approx(5.0 * math.exp(0.3 * EXPONENTS.sum()), rel=1e-12)
    assert found["effect"] == pytest.approx(found["value"] * EXPONENTS * [0.5, 1.0, 0.2], rel=1e-3)
    assert found["high"] == pytest.approx(found["value"] * np.exp(EXPONENTS * [0.5, 1.0, 0.2]), rel=1e-12)
    assert sample.lost == 0


def test_an_elasticity_that_does_not_exist_is_none():
    """The output changes its sign between the two sides of 0, where the parameter itself is 0."""
    inputs = tuple(replace(item, centre=0.0) for item in uniform(4, -1.0, 1.0))

    found = run(design(Method.LOCAL, inputs), "linear", 4)[1]

    assert found["elasticity"][0] is None
    assert found["low"] == pytest.approx(7.0 - COEFFICIENTS, abs=1e-12)
