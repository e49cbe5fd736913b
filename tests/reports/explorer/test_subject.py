"""What the page says that does not move: every parameter once, sliders that hold the value, arrows that a cut turns grey."""

import json

import pytest

from kinimmune.fitting.exploration.session import explore_model
from kinimmune.fitting.settings import ProblemOptions
from kinimmune.models.tables.rows import Tables
from kinimmune.reports.explorer.answers import to_plain
from kinimmune.reports.explorer.drawing import draw_whole, find_dead, set_equations
from kinimmune.reports.explorer.subject import describe_subject


@pytest.fixture(scope="module")
def session():
    return explore_model("hcc_trial", Tables(), words=(), options=ProblemOptions(patients=4), seed=1, jobs=1)


@pytest.fixture(scope="module")
def subject(session):
    return describe_subject(session, "")


def test_every_parameter_and_arrow_is_shown_once(session, subject):
    parameters = [item.key for mechanism in subject.mechanisms for item in mechanism.parameters]
    arrows = [item.name for mechanism in subject.mechanisms for item in mechanism.arrows]

    assert sorted(parameters) == sorted(item.key for item in session.plain.problem.parameters)
    assert sorted(arrows) == sorted(session.model.interactions)


def test_sliders_hold_the_value_and_stay_in_the_range_of_the_table(subject):
    for item in (item for mechanism in subject.mechanisms for item in mechanism.parameters):
        assert item.range.lower <= item.range.low <= item.value <= item.range.high <= item.range.upper, item.key
        assert item.range.scale != "log" or item.range.low > 0.0, item.key


def test_the_subject_is_json(subject):
    assert json.loads(json.dumps(to_plain(subject), allow_nan=False))["name"] == "hcc_trial"


def test_a_cut_leaves_dead_what_carried_nothing_else(session):
    whole = draw_whole(session.model)

    assert find_dead(session.model, whole, ()) == ()
    assert find_dead(session.model.without("treg_suppression"), whole, ("treg_suppression",)) == (
        ("tregs", "effectors"),
        ("tregs", "tumour"),
    )
    assert find_dead(session.model.without("pd1_block"), whole, ("pd1_block",)) == (("kinases", "effectors"),)


def test_equations_are_a_picture_whose_colours_the_page_sets(session):
    drawn = set_equations(session.model)

    assert drawn.startswith("<svg")
    assert 'fill="#123456"' in drawn
    assert "script" not in drawn
