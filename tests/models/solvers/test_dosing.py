"""Schedules: which inputs hold when, and where an integrator must restart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinimmune.models.errors import UsageError
from kinimmune.models.solvers.dosing import Dose, Schedule, constant

STARTS = st.lists(st.integers(0, 100), min_size=1, max_size=6, unique=True).map(sorted)


def stairs(starts, doses=()):
    """Return the schedule whose input `rate` counts the segments."""
    return Schedule(
        tuple(float(start) for start in starts),
        tuple({"rate": float(number)} for number in range(len(starts))),
        tuple(Dose(float(time), "x", 1.0) for time in doses),
    )


def test_a_constant_schedule_never_changes():
    plan = constant(dose_rate=800.0)
    assert [plan.at(time) for time in (-1.0, 0.0, 1e9)] == [{"dose_rate": 800.0}] * 3
    assert plan.breakpoints(-10.0, 10.0) == (0.0,)
    assert constant().at(3.0) == {}


@given(STARTS, st.floats(-10.0, 110.0))
def test_the_last_segment_that_has_begun_holds_and_before_the_first_one_the_first(starts, time):
    assert stairs(starts).at(time)["rate"] == max(sum(start <= time for start in starts) - 1, 0)


@given(STARTS, st.lists(st.integers(0, 100), max_size=5), st.integers(0, 50), st.integers(51, 100))
def test_breakpoints_are_all_changes_strictly_inside_each_once_in_order(starts, doses, begin, end):
    points = stairs(starts, doses).breakpoints(float(begin), float(end))
    assert list(points) == sorted(set(points))
    assert set(points) == {float(time) for time in {*starts, *doses} if begin < time < end}


@given(STARTS, st.floats(0.0, 100.0))
def test_inputs_change_nowhere_but_at_breakpoints(starts, time):
    plan = stairs(starts)
    edges = (-1.0, *plan.breakpoints(-1.0, 101.0), 101.0)
    begin = max(edge for edge in edges if edge <= time)
    assert plan.at(time) == plan.at(begin)


@pytest.mark.parametrize(
    ("starts", "inputs", "message"),
    [
        ((), (), r"one set of inputs per segment: 0 and 0 given"),
        ((0.0, 1.0), ({},), r"one set of inputs per segment: 2 and 1 given"),
        ((1.0, 0.0), ({}, {}), r"increasing times, given \(1.0, 0.0\)"),
        ((1.0, 1.0), ({}, {}), r"increasing times"),
    ],
)
def test_segments_that_cannot_be_are_refused(starts, inputs, message):
    with pytest.raises(UsageError, match=message):
        Schedule(starts, inputs)
