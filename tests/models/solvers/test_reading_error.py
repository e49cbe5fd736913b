"""An output is known as well as the states it is read from let it be."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_models import make_model

from kinimmune.models.solvers.reading_error import UNKNOWN, read_error
from kinimmune.models.symbolic.compile import compile_model


@pytest.fixture(scope="module")
def compiled():
    outputs = {"gap": "u - v", "product": "u*v", "log_u": "log(u)", "twice": "2*c"}
    return compile_model(make_model("pair", {"u": "0", "v": "0"}, {"u": 1.0, "v": 1.0}, {"c": 3.0}, outputs=outputs))


def read(compiled, name, states, errors):
    states = np.array(states)[:, None]
    parameters = np.array([[item.value] for item in compiled.model.parameters])
    return read_error(compiled, name, 0.0, states, parameters, np.array(errors)[:, None])[0]


def test_a_state_has_its_own_error_and_a_number_of_parameters_none(compiled):
    assert read(compiled, "v", (1e6, 2.0), (1.0, 0.25)) == 0.25
    assert read(compiled, "twice", (1e6, 2.0), (1.0, 0.25)) == 0.0


@given(st.floats(1.0, 1e6), st.floats(1.0, 1e6), st.floats(1e-9, 1e-3))
def test_a_difference_has_the_errors_of_both_and_a_product_the_sum_of_their_shares(compiled, u, v, share):
    errors = (share * u, share * v)

    assert read(compiled, "gap", (u, v), errors) == pytest.approx(share * (u + v), rel=1e-3)
    assert read(compiled, "product", (u, v), errors) == pytest.approx(2.0 * share * u * v, rel=1e-3)
    assert read(compiled, "log_u", (u, v), errors) == pytest.approx(share, rel=2e-3)


def test_an_output_whose_states_may_lie_out_of_its_domain_is_known_by_the_other_side_or_not_at_all(compiled):
    assert read(compiled, "log_u", (1e-9, 1.0), (1e-6, 0.0)) == pytest.approx(math.log(1001.0), rel=1e-6)
    assert read(compiled, "log_u", (0.0, 1.0), (1e-6, 0.0)) == UNKNOWN
    assert read(compiled, "log_u", (math.nan, 1.0), (1e-6, 0.0)) == UNKNOWN
