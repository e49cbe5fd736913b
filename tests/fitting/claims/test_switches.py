"""Switches on interactions: at nought the compiled equations are those of the model without them, at one those of the model."""

import numpy as np
import pytest

from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.parameters import values_for


@pytest.fixture(scope="module")
def trial_model():
    return load_model("hcc_trial")


def random_states(model, seed):
    generator = np.random.default_rng(seed)
    return generator.uniform(0.2, 3.0, (len(model.states), 5))


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * np.max(np.abs(expected)))


ARROWS = ("raf_inhibition", "vegfr2_block", "drug_apoptosis", "vessel_growth", "clearance_induction", "treg_suppression")


@pytest.fixture(scope="module")
def switched(trial_model):
    return compile_model(trial_model.with_switches(*ARROWS))


@pytest.mark.parametrize("arrow", ARROWS)
def test_a_switch_at_nought_is_the_model_without_the_arrow(trial_model, switched, arrow):
    cut = compile_model(trial_model.without(arrow))
    values = values_for(trial_model.parameters, "sharp") | {"dose_rate": 800.0}
    y = random_states(trial_model, 2)
    p = cut.vector(values)[:, None]
    off = switched.vector(values | {f"keep_{name}": float(name != arrow) for name in ARROWS})[:, None]
    assert_close(switched.rhs(1.0, y, off), cut.rhs(1.0, y, p))
    assert_close(switched.outputs(1.0, y, off), cut.outputs(1.0, y, p))
    assert_close(switched.initial(off), cut.initial(p))


def test_switches_that_are_on_leave_the_model_as_it_is(trial_model, switched):
    whole = compile_model(trial_model)
    values = values_for(trial_model.parameters, "sharp") | {"dose_rate": 800.0}
    y, p = random_states(trial_model, 2), whole.vector(values)[:, None]
    on = switched.vector(values | dict.fromkeys((f"keep_{name}" for name in ARROWS), 1.0))[:, None]
    assert_close(switched.rhs(1.0, y, on), whole.rhs(1.0, y, p))
    assert_close(switched.jacobian(1.0, y, on), whole.jacobian(1.0, y, p))
    assert_close(switched.initial(on), whole.initial(p))


def test_arrows_cut_do_change_the_equations(trial_model):
    values = values_for(trial_model.parameters, "sharp") | {"dose_rate": 800.0}
    y, whole = random_states(trial_model, 2), compile_model(trial_model)
    rates = whole.rhs(1.0, y, whole.vector(values)[:, None])
    for arrow in ARROWS[:2]:
        cut = compile_model(trial_model.without(arrow))
        assert not np.allclose(cut.rhs(1.0, y, cut.vector(values)[:, None]), rates, rtol=1e-6)


def test_a_switch_on_no_arrow_is_refused(trial_model):
    with pytest.raises(UsageError, match="has no arrow 'growth'"):
        trial_model.with_switches("growth")
