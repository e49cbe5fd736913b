"""Laws of rebuilt patients: what was printed comes back, and a curve that was read exactly is followed step by step."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from printed_curves import Arm, draw_arm

from kinimmune.fitting.curves.consistency import require_consistent, require_possible_events
from kinimmune.fitting.curves.reading import ReadCurve, ReadingError
from kinimmune.fitting.curves.rebuild import RebuiltPatients, rebuild
from kinimmune.fitting.curves.replicates import read_again
from kinimmune.fitting.curves.risk_table import RiskTable
from kinimmune.models.errors import DataError
from kinimmune.models.tables.patient_rows import TimeUnit

EXACT = 1e-6
BESIDE = 1e-4
"""A moment before or after [month]."""


def read_exactly(arm, error=EXACT):
    """Return the Kaplan-Meier estimate of an arm as a read curve."""
    times, values = arm.steps()
    steps = np.repeat(times, 2)[1:], np.repeat(values, 2)[:-1]
    return ReadCurve(TimeUnit.MONTH, *steps, ReadingError(error, "exact"), EXACT)


def table(arm, times):
    return RiskTable("risk.csv", np.array(times), np.array(arm.at_risk(times)), np.arange(len(times)), TimeUnit.MONTH)


@st.composite
def arms(draw):
    """Draw an arm with ties and any pattern of censoring, and the times of its risk table."""
    patients = draw(st.lists(st.tuples(st.integers(1, 120), st.booleans()), min_size=3, max_size=40))
    arm = Arm(np.array([time / 4.0 for time, _ in patients]), np.array([event for _, event in patients]))
    assume(arm.event.any())
    inner = draw(st.sets(st.integers(1, int(4.0 * arm.time.max())), min_size=1, max_size=6))
    return arm, [0.0, *(time / 4.0 for time in sorted(inner))]


@settings(max_examples=60, deadline=None)
@given(arms(), st.booleans())
def test_a_curve_read_exactly_gives_the_numbers_at_risk_and_survival_within_one_step(drawn, events_are_printed):
    arm, times = drawn
    curve, risk = read_exactly(arm), table(arm, times)
    events = int(arm.event.sum()) if events_are_printed else None

    require_consistent(curve, risk)
    if events is not None:
        require_possible_events(curve, risk, events)
    rebuilt = rebuild(curve, risk, events)

    assert rebuilt.time.size == arm.time.size
    assert rebuilt.at_risk(risk.time).tolist() == risk.at_risk.tolist()
    moments = np.concatenate([curve.time, np.maximum(curve.time - BESIDE, 0.0)])
    before = np.maximum(moments - BESIDE, 0.0)
    largest_step = np.maximum(
        curve.just_before(before) / np.maximum(arm.at_risk(before), 1),
        rebuilt.survival(before) / np.maximum(rebuilt.at_risk(before), 1),
    )
    assert (np.abs(rebuilt.survival(moments) - curve.at(moments)) <= largest_step + 1e-9).all()


def test_without_censoring_the_patients_themselves_come_back():
    arm = Arm(np.array([1.0, 2.0, 2.0, 3.5, 4.0, 6.0]), np.ones(6, dtype=bool))

    rebuilt = rebuild(read_exactly(arm), table(arm, [0.0, 2.5, 5.0]), 6)

    assert rebuilt.time.tolist() == arm.time.tolist()
    assert rebuilt.event.all()


def test_who_leaves_without_a_fall_was_censored_evenly_and_the_last_at_the_end():
    arm = Arm(np.array([4.0, 4.0, 4.0, 4.0, 8.0, 12.0, 12.0, 12.0]), np.array([0, 0, 0, 0, 1, 0, 0, 0], dtype=bool))

    rebuilt = rebuild(read_exactly(arm), table(arm, [0.0, 5.0]), 1)

    assert rebuilt.time[~rebuilt.event].tolist() == pytest.approx([1.0, 2.0, 3.0, 4.0, 12.0, 12.0, 12.0])
    assert rebuilt.time[rebuilt.event].tolist() == [8.0]


@pytest.mark.parametrize("fewer", [0, 1, 2])
def test_the_printed_number_of_events_decides_how_many_are_censored_in_the_end(fewer):
    arm = draw_arm(np.random.default_rng(5), 200, 12.0)
    curve, risk = read_exactly(arm), table(arm, [0.0, 4.0, 8.0])
    most = rebuild(curve, risk, int(arm.event.sum())).events

    assert rebuild(curve, risk, most - fewer).events == most - fewer


def test_nobody_is_at_risk_from_the_time_at_which_the_table_says_so():
    arm = draw_arm(np.random.default_rng(6), 60, 8.0)
    times = [0.0, 6.0, 12.0, float(np.ceil(arm.time.max())) + 1.0]

    rebuilt = rebuild(read_exactly(arm), table(arm, times))

    assert rebuilt.at_risk(np.array(times)).tolist() == arm.at_risk(times).tolist()
    assert rebuilt.time.max() < times[-1]


def test_survival_of_rebuilt_patients_is_the_product_of_kaplan_and_meier():
    patients = RebuiltPatients(np.array([1.0, 2.0, 2.0, 3.0, 5.0]), np.array([1, 1, 0, 1, 0], dtype=bool))

    assert patients.survival(np.array([0.5, 1.0, 2.0, 3.0, 9.0])) == pytest.approx([1.0, 0.8, 0.6, 0.3, 0.3])
    assert RebuiltPatients(np.array([1.0]), np.array([False])).survival(np.array([2.0])).tolist() == [1.0]


def test_patients_have_times_above_zero():
    with pytest.raises(DataError, match="need a time above 0"):
        RebuiltPatients(np.array([0.0, 1.0]), np.array([True, True]))


KEY = ("my_trial", "treated", "os")


def errors_of_reading_again(curve, risk, key=KEY, seed=3):
    """Return what 400 replicates add to survival at the times of the risk table, shape (400, j)."""
    return np.array([read_again(curve, risk, key, seed, number).at(risk.time) - curve.at(risk.time) for number in range(1, 401)])


@pytest.fixture(scope="module")
def read_arm():
    """Return the curve of an arm with its numbers at risk."""
    arm = draw_arm(np.random.default_rng(7), 300, 12.0)
    return read_exactly(arm, error=0.01), table(arm, [0.0, 5.0, 10.0, 15.0])


def test_a_curve_read_again_has_the_errors_told_and_its_number_tells_which(read_arm):
    curve, risk = read_arm

    again = errors_of_reading_again(curve, risk)

    assert (again[:, 0] == 0.0).all()
    assert np.std(again[:, 1:], axis=0) == pytest.approx(curve.errors_at(risk.time, risk.at_risk)[1:], rel=0.15)
    assert np.abs(again.mean(axis=0)).max() < 0.003
    assert again[4].tolist() == (read_again(curve, risk, KEY, 3, 5).at(risk.time) - curve.at(risk.time)).tolist()
    assert all((one != other).any() for one, other in pairwise(again))


@pytest.mark.parametrize(
    "other", [("my_trial", "control", "os"), ("my_trial", "treated", "pfs"), ("your_trial", "treated", "os")]
)
def test_curves_are_misread_independently_with_one_seed(read_arm, other):
    one, two = (errors_of_reading_again(*read_arm, key)[:, 1:] for key in (KEY, other))

    for column in range(one.shape[1]):  # 0.2 is four standard errors of 400 pairs
        assert abs(np.corrcoef(one[:, column], two[:, column])[0, 1]) < 0.2
