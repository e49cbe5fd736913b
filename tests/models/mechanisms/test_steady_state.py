"""A resting population solves its balance to the last digits, wherever gain and loss stand to each other."""

from fractions import Fraction

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from kinimmune.models.mechanisms.steady_state import steady_state

SOURCE, GAIN, LOSS, CROWDING = sp.symbols("source gain loss crowding", real=True)
rest = sp.lambdify([SOURCE, GAIN, LOSS, CROWDING], steady_state(SOURCE, GAIN, LOSS, CROWDING), "numpy")
rates = st.floats(1e-6, 1e6)


@given(source=st.floats(1e-9, 1e9), gain=rates, loss=rates, crowding=st.floats(1e-9, 1e3))
def test_the_balance_is_met_to_the_last_digits(source, gain, loss, crowding):
    number = rest(source, gain, loss, crowding)

    n, s, g, d, c = map(Fraction, (float(number), source, gain, loss, crowding))
    slope = g - 2 * c * g * n - d
    newton = (s + g * n * (1 - c * n) - d * n) / slope
    assert number > 0.0
    assert abs(newton / n) < 1e-13


@pytest.mark.parametrize(
    ("source", "gain", "loss", "number"),
    [(0.0, 2.0, 1.0, 50.0), (0.0, 1.0, 2.0, 0.0), (3.0, 0.0, 2.0, 1.5), (4.0, 1.0, 1.0, 20.0)],
)
def test_it_exists_without_source_without_division_and_at_balance(source, gain, loss, number):
    assert rest(source, gain, loss, 0.01) == pytest.approx(number, rel=1e-15)
