"""A model says what it is for in its own names, and is refused when it names what it does not have."""

from dataclasses import replace

import pytest
import sympy as sp
from plain_models import make_parameter

from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import ModelError
from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.roles import TrialRoles


def make(roles: TrialRoles | None, unit: str = "1", start: int = 0, dose: str = "mg/d", **changes) -> OdeModel:
    """Return a model with two hazards, one output and one input."""
    states = (State("ruin", "R", unit, "hazard", start * symbol("one")), State("spread", "S", "1", "hazard", sp.Integer(0)))
    mechanism = Mechanism("all", "all", states=states, inputs=(Input("pills", "P", dose, "given"),))
    outputs = (Definition("size", "z", unit, symbol("ruin"), "read"),)
    return OdeModel("toy", "Toy", (mechanism,), (make_parameter("one", 1.0, unit),), outputs, trial=roles, **changes)


WHOLE = TrialRoles({"ruin": "ruin"}, new_lesions="spread", log_diameter="size")


def test_a_model_may_have_every_role_any_or_none():
    for roles in (None, TrialRoles({"ruin": "ruin"}), TrialRoles({"a": "ruin", "b": "spread"}), WHOLE):
        assert make(roles).trial == roles


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({"causes_of_death": {"ruin": "run"}}, r"model 'toy', trial roles: no state 'run'; did you mean 'ruin'\?"),
        ({"new_lesions": "sprad"}, r"trial roles: no state 'sprad'; did you mean 'spread'\?"),
        ({"log_diameter": "sizes"}, r"trial roles: no output 'sizes'; did you mean 'size'\?"),
        ({"log_diameter": "ruin"}, r"trial roles: no output 'ruin'"),
        ({"reading_error": "on"}, r"trial roles: no parameter 'on'; did you mean 'one'\?"),
        ({"reading_error": "one"}, r"the range of parameter 'one', \[-inf, inf\], is not within \[0\.0005, 1\]; narrow it"),
    ],
)
def test_a_role_for_what_a_model_does_not_have_is_refused_with_the_nearest_name(roles, message):
    with pytest.raises(ModelError, match=message):
        make(replace(WHOLE, **roles))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unit": "mL"}, r"state 'ruin' is in mL, expected 1; correct the role or the unit"),
        ({"start": 1}, r"cumulative hazard 'ruin' starts at one; let it start at 0"),
    ],
)
def test_a_part_of_another_kind_than_its_role_is_refused(changes, message):
    with pytest.raises(ModelError, match=message):
        make(WHOLE, **changes)


def test_a_reading_error_of_no_diameter_is_refused():
    with pytest.raises(ModelError, match="'one' is the reading error of no diameter; name one or leave it out"):
        replace(WHOLE, log_diameter=None, reading_error="one")


def test_a_diameter_with_a_unit_is_refused():
    roles = TrialRoles({"spread": "spread"}, log_diameter="size")
    with pytest.raises(ModelError, match=r"output 'size' is in mL, expected 1"):
        make(roles, unit="mL")


def test_roles_without_a_death_or_with_one_hazard_twice_are_refused():
    with pytest.raises(ModelError, match="without a cause of death; name at least one"):
        TrialRoles({})
    with pytest.raises(ModelError, match="count a hazard twice: ruin, ruin; give each role a state of its own"):
        TrialRoles({"a": "ruin", "b": "ruin"})
    with pytest.raises(ModelError, match="count a hazard twice: ruin, ruin"):
        TrialRoles({"a": "ruin"}, new_lesions="ruin")


def test_progression_needs_a_diameter_or_new_lesions():
    assert WHOLE.has_progression
    assert replace(WHOLE, new_lesions=None).has_progression
    assert replace(WHOLE, log_diameter=None).has_progression
    assert not replace(WHOLE, new_lesions=None, log_diameter=None).has_progression


def test_a_course_to_report_is_a_state_or_an_output():
    assert make(None, reported_courses=("size", "ruin")).reported_courses == ("size", "ruin")
    with pytest.raises(ModelError, match=r"reported course 'pills' is no state or output"):
        make(None, reported_courses=("pills",))


def test_interactions_that_are_knocked_out_or_switched_leave_a_model_for_what_it_is():
    model = load_model("hcc_trial")
    name = model.interactions[0]
    for changed in (model.without(name), model.with_switches(name)):
        assert changed.trial == model.trial
        assert changed.reported_courses == model.reported_courses


def test_models_of_the_library_that_carry_a_hazard_of_death_say_so():
    tried = {name: load_model(name).trial for name in model_names()}
    assert {name for name, roles in tried.items() if roles is not None} == {"hcc_trial", "melanoma"}
    assert list(tried["hcc_trial"].causes_of_death) == ["tumour", "liver failure"]
    assert tried["melanoma"].has_progression
