"""Deviations of trials from the value of all: what a trial sees, what they are called, and what a model refuses."""

import math
from dataclasses import replace

import pytest
from plain_models import make_model, make_parameter

from kinimmune.models.errors import DataError, ModelError
from kinimmune.models.symbolic.deviations import make_deviation
from kinimmune.models.symbolic.model_data import read_model, write_model
from kinimmune.models.symbolic.parameters import Prior, Scale, Shift, shift_values, values_for
from kinimmune.models.symbolic.scope import own_studies, parameters_of


def make_shared(value=2.0, scale=Scale.LOGNORMAL, **changes):
    given = {"prior": Prior(scale, value, 1.0), "estimated": True, "lower": 0.1, "upper": 10.0, "trial_spread": 0.3}
    return replace(make_parameter("a", value), **(given | changes))


def deviate(item, study, by):
    return make_deviation(item, study).at(by)


@pytest.mark.parametrize(
    ("scale", "value", "unit", "expected"),
    [
        (Scale.LOGNORMAL, 2.0, "1", 2.0 * math.exp(0.4)),
        (Scale.LOGITNORMAL, 0.5, "1", 1.0 / (1.0 + math.exp(-0.4))),
        (Scale.NORMAL, 2.0, "d", 2.4),
    ],
)
def test_a_trial_sees_the_value_of_all_moved_on_its_scale(scale, value, unit, expected):
    shared = make_shared(value, scale, lower=0.2, upper=0.9 if scale is Scale.LOGITNORMAL else 9.0, unit=unit)
    moved = deviate(shared, "s", 0.4)
    rows = (shared, moved, deviate(shared, "u", -1.0), make_parameter("b", 7.0))

    assert values_for(rows, "s") == {"a": pytest.approx(expected), "b": 7.0}
    assert [item.value for item in parameters_of(rows, "s")] == [pytest.approx(expected), 7.0]
    assert values_for(rows, None) == values_for(rows, "v") == {"a": value, "b": 7.0}
    assert moved.unit == unit


def test_a_deviation_is_named_after_its_parameter_and_its_trial_and_has_the_spread_as_its_prior():
    """Its range is as wide as that of the parameter on its scale: ln of 10 over .1."""
    found = make_deviation(make_shared(), "sharp")

    assert found.key == "a_deviation:sharp"
    assert found.prior == Prior(Scale.NORMAL, 0.0, 0.3)
    assert found.shift == Shift("a", Scale.LOGNORMAL)
    assert (found.value, found.estimated, found.trial_spread) == (0.0, True, None)
    assert found.upper == -found.lower == pytest.approx(math.log(100.0))


@pytest.mark.parametrize(("lower", "upper"), [(-math.inf, math.inf), (0.0, 1.0), (0.1, math.inf)])
def test_a_range_to_the_end_of_the_scale_bounds_no_deviation(lower, upper):
    found = make_deviation(make_shared(0.5, lower=lower, upper=upper), "s")
    assert (found.lower, found.upper) == (-math.inf, math.inf)


def test_at_no_deviation_a_trial_has_the_value_of_all_bit_for_bit():
    """The value is not taken to its scale and back."""
    shared = make_shared(0.1 + 0.2)
    assert shift_values((shared, deviate(shared, "s", 0.0)), "s") == (shared,)


def test_the_value_of_a_trial_may_lie_beyond_the_range_of_that_of_all():
    shared = make_shared()
    (found,) = shift_values((shared, deviate(shared, "s", 2.0)), "s")
    assert (found.value, found.upper) == (pytest.approx(2.0 * math.exp(2.0)),) * 2


def test_the_value_of_a_drug_or_an_arm_has_no_deviation_but_its_own():
    shared = make_shared()
    of_drug = replace(shared, drug="d", value=4.0)
    of_arm = replace(shared, study="s", arm="t", value=5.0, trial_spread=None)
    rows = (shared, of_drug, of_arm, deviate(shared, "s", 0.4), deviate(of_drug, "s", 0.2))

    def seen(arm, *drugs):
        (found,) = parameters_of(rows, "s", arm, drugs)
        return found.value

    assert seen("v") == pytest.approx(2.0 * math.exp(0.4))
    assert seen("v", "d") == pytest.approx(4.0 * math.exp(0.2))
    assert seen("t", "d") == 5.0
    assert make_deviation(of_drug, "s").key == "a_deviation:s@d"


def test_a_study_with_deviations_alone_has_no_values_of_its_own():
    shared = make_shared()
    assert own_studies((shared, make_deviation(shared, "s"))) == ()
    assert own_studies((replace(shared, study="u"), make_deviation(shared, "s"))) == ("u",)


def test_a_parameter_that_trials_share_has_no_deviation():
    with pytest.raises(DataError, match="parameter 'a' is the same in all trials"):
        make_deviation(make_shared(trial_spread=None), "s")


def make_small(*more):
    model = make_model("small", {"x": "a"}, {"x": 0.0}, {"a": 1.0})
    parameters = tuple(make_shared() if item.name == "a" else item for item in model.parameters)
    return replace(model, parameters=(*parameters, *more))


def test_a_deviation_is_no_parameter_of_the_equations():
    """Compiled models, and the patients drawn for them, are what they are without."""
    with_one = make_small(make_deviation(make_shared(), "s"))
    assert with_one.parameter_names == make_small().parameter_names == ("per_day", "a")


def test_a_model_as_data_keeps_deviations(tmp_path):
    model = make_small(make_deviation(make_shared(), "s"))
    assert read_model(write_model(model), tmp_path / "model.json") == model
    assert "shift" not in write_model(make_model("small", {"x": "a"}, {"x": 0.0}, {"a": 1.0}))


@pytest.mark.parametrize("changes", [{"study": None}, {"drug": "d"}, {"shift": Shift("b", Scale.NORMAL)}])
def test_a_deviation_of_nothing_is_refused(changes):
    with pytest.raises(ModelError, match="and there is no such parameter or study"):
        make_small(replace(make_deviation(make_shared(), "s"), **changes))
