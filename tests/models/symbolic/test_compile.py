"""Compiled functions: derivatives, shapes, and names that mean nothing to them."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.components import TIME, Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Source, Status, values_for


def predator_prey(rate="rate", prey="prey", predator="predator", feed="feed"):
    """Return a model whose names can be chosen."""
    r, x, y, f = (symbol(name) for name in (rate, prey, predator, feed))
    source = Source("assumption", "here", Status.ASSUMED)
    number = Parameter(rate, "r", 0.5, "1/d", 0.0, 9.0, Prior(Scale.FIXED, 0.5, 0.0), False, None, None, "rate", source)
    eaten = r * x * y * sp.exp(-x * y) + r * sp.pi * sp.sqrt(1 + (x * y) ** 2)
    growth = r * x * (1 + sp.sin(r * TIME)) + f
    mechanism = Mechanism(
        "life",
        "life",
        states=(State(prey, "x", "1", "prey", 2 * r / r + 1), State(predator, "y", "1", "predator", sp.Integer(2))),
        terms=(Term("growth", prey, growth, "r"), Term("eating", prey, -eaten, "r"), Term("eating", predator, eaten, "r")),
        inputs=(Input(feed, "f", "1/d", "feed"),),
    )
    outputs = (Definition("log_ratio", "q", "1", sp.log(x / y), "r"), Definition("one", "1", "1", sp.Integer(1), "r"))
    return OdeModel("life", "Life", (mechanism,), (number,), outputs)


@pytest.fixture(scope="module")
def life():
    return compile_model(predator_prey())


@pytest.fixture(scope="module")
def hcc():
    return compile_model(load_model("hcc_trial"))


def by_hand(t, x, y, r, f):
    eaten = r * x * y * np.exp(-x * y) + r * np.pi * np.sqrt(1 + (x * y) ** 2)
    return np.stack([r * x * (1 + np.sin(r * t)) + f - eaten, eaten])


def test_rates_are_those_written_by_hand(life):
    found = life.rhs(0.7, np.array([1.2, 0.4]), np.array([0.5, 3.0]))
    np.testing.assert_allclose(found, by_hand(0.7, 1.2, 0.4, 0.5, 3.0), rtol=1e-14)


@pytest.mark.parametrize("seed", range(4))
def test_the_jacobian_of_the_trial_model_agrees_with_central_differences(hcc, seed):
    rng = np.random.default_rng(seed)
    values = values_for(hcc.model.parameters, "sharp")
    p = hcc.vector({name: value * np.exp(rng.normal(0.0, 0.3)) for name, value in values.items()} | {"dose_rate": 800.0})
    y = hcc.initial(p) * np.exp(rng.normal(0.0, 0.3, len(hcc.model.states))) + rng.uniform(0.05, 0.3, len(hcc.model.states))

    def central(h):
        steps = h * np.eye(y.size)
        columns = [(hcc.rhs(3.0, y + step, p) - hcc.rhs(3.0, y - step, p)) / (2.0 * h) for step in steps]
        return np.stack(columns, axis=1)

    # extrapolated to step zero, the error is of the fourth order
    numeric = (4.0 * central(1e-4) - central(2e-4)) / 3.0
    exact = hcc.jacobian(3.0, y, p)
    assert np.count_nonzero(exact) >= 40
    scale = np.abs(exact).max(axis=1, keepdims=True)
    np.testing.assert_allclose(exact / scale, numeric / scale, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("t", "y", "p", "trailing"),
    [
        ((), (), (), ()),
        ((), (5,), (5,), (5,)),
        ((), (5,), (), (5,)),
        ((), (), (7,), (7,)),
        ((6,), (), (6,), (6,)),
        ((4, 1), (4, 3), (4, 3), (4, 3)),
        ((2, 1), (1, 3), (2, 3), (2, 3)),
        ((), (0,), (0,), (0,)),
    ],
)
def test_trailing_shapes_broadcast_and_every_element_is_a_scalar_call(life, t, y, p, trailing):
    rng = np.random.default_rng(1)
    time, states, numbers = rng.uniform(0.1, 2.0, t), rng.uniform(0.1, 2.0, (2, *y)), rng.uniform(0.1, 2.0, (2, *p))
    # numpy broadcasts from the right, so states or parameters of one individual get axes of length one
    states = states.reshape((2, *((1,) * (len(trailing) - len(y))), *y))
    numbers = numbers.reshape((2, *((1,) * (len(trailing) - len(p))), *p))
    rates, slopes, outputs = (function(time, states, numbers) for function in (life.rhs, life.jacobian, life.outputs))
    assert rates.shape == (2, *trailing)
    assert slopes.shape == (2, 2, *trailing)
    assert outputs.shape == (2, *trailing)
    assert life.initial(numbers).shape == numbers.shape
    spread_time = np.broadcast_to(time, trailing)
    spread_states, spread_numbers = (np.broadcast_to(array, (2, *trailing)) for array in (states, numbers))
    for place in np.ndindex(*trailing):
        one = (float(spread_time[place]), spread_states[:, *place], spread_numbers[:, *place])
        np.testing.assert_allclose(rates[:, *place], life.rhs(*one), rtol=1e-13)
        np.testing.assert_allclose(slopes[:, :, *place], life.jacobian(*one), rtol=1e-13)
        np.testing.assert_allclose(outputs[:, *place], [np.log(one[1][0] / one[1][1]), 1.0], rtol=1e-13, atol=1e-15)


def test_a_model_without_outputs_has_none():
    compiled = compile_model(load_model("gompertz"))
    assert compiled.outputs(0.0, np.ones((1, 4)), np.ones((3, 4))).shape == (0, 4)


def test_initial_values_are_their_expressions(hcc):
    np.testing.assert_array_equal(compile_model(predator_prey()).initial(np.array([0.5, 0.0])), [3.0, 2.0])
    values = values_for(hcc.model.parameters, "sharp")
    start = dict(zip([state.name for state in hcc.model.states], hcc.initial(hcc.vector(values)), strict=True))
    k = values["immune_kill"] * values["growth"] / values["reference_growth"]
    assert start["necrosis"] == pytest.approx(k / (values["necrosis_clearance"] + values["growth"]), rel=1e-14)
    assert start["liver_reserve"] == values["liver_start"]
    assert start["concentration"] == start["tumour_hazard"] == 0.0


def test_a_vector_holds_parameters_then_inputs_and_inputs_not_given_are_zero(life):
    assert life.parameter_names == ("rate", "feed")
    np.testing.assert_array_equal(life.vector({"rate": 0.3}), [0.3, 0.0])
    np.testing.assert_array_equal(life.vector({"feed": 2.0, "rate": 0.3}), [0.3, 2.0])


def test_an_unknown_or_missing_parameter_is_named(life):
    with pytest.raises(UsageError, match=r"^model 'life' has no parameter 'raet'; did you mean 'rate'\?$"):
        life.vector({"raet": 0.3})
    with pytest.raises(UsageError, match=r"^model 'life': no value for parameter rate; give one in its unit$"):
        life.vector({"feed": 1.0})


# names of numpy's functions and constants, of Python and of sympy's own temporaries must not reach the generated text
NAMES = [
    "exp",
    "sqrt",
    "sin",
    "pi",
    "E",
    "I",
    "lambda",
    "class",
    "numpy",
    "array",
    "x0",
    "x1",
    "x2",
    "y",
    "p",
    "Dummy_1",
    "of_rate",
]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(NAMES), min_size=4, max_size=4, unique=True))
def test_names_change_nothing(names):
    renamed = compile_model(predator_prey(*names))
    state, numbers = np.array([1.2, 0.4]), np.array([0.5, 3.0])
    np.testing.assert_allclose(renamed.rhs(0.7, state, numbers), by_hand(0.7, 1.2, 0.4, 0.5, 3.0), rtol=1e-13)
    np.testing.assert_array_equal(renamed.initial(numbers), [3.0, 2.0])


def test_one_model_compiled_twice_gives_the_same_bits(hcc):
    again = compile_model(load_model("hcc_trial"))
    p = hcc.vector(values_for(hcc.model.parameters, "sharp") | {"dose_rate": 800.0})
    y = hcc.initial(p) + 0.1
    for one, other in ((hcc.rhs, again.rhs), (hcc.jacobian, again.jacobian), (hcc.outputs, again.outputs)):
        assert one(1.0, y, p).tobytes() == other(1.0, y, p).tobytes()


@pytest.mark.parametrize("name", model_names())
def test_a_model_and_its_parts_print_in_a_line(name):
    model = load_model(name)
    for value in (model, compile_model(model), *model.mechanisms, *model.parameters):
        assert len(repr(value)) < 300
        assert "\n" not in repr(value)


def test_a_printed_model_tells_its_name_and_what_it_consists_of(life):
    cut = life.model.without("growth")

    assert repr(life.model) == "OdeModel(life: 2 states, 1 parameters, 1 mechanisms)"
    assert repr(cut) == "OdeModel(life: 2 states, 1 parameters, 1 mechanisms, 1 interactions knocked out)"
    assert repr(life) == f"CompiledModel({life.model!r})"
    assert repr(life.model.mechanisms[0]) == "Mechanism(life: 2 states, 3 terms, 1 inputs)"
    assert repr(life.model.parameters[0]) == "Parameter(rate = 0.5 1/d)"
