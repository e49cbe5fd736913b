"""Laws of what a trial sees: scans with jitter, stopping, response, follow-up."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.trial.assessments import ScanReadings, p_no_progression, treatment_course
from kinimmune.models.trial.design import Arm, Endpoint, StopRule, Trial
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.readings import DiameterReadings

SCANS = 42.0 * np.arange(1.0, 9.0)
YEAR = FollowUp(100.0, 465.0)


def make_arm(**changes) -> Arm:
    given = {
        "n": 100,
        "control": True,
        "dose": 400.0,
        "doses_per_day": 2.0,
        "discontinuation_rate": 0.002,
        "symptomatic_median": 120.0,
        "drug": "pill",
    }
    return Arm("study", "arm", **(given | changes))


def make_trial(arm: Arm, jitter: float = 3.5, reading: float = 1e-3) -> Trial:
    spans = dict.fromkeys(Endpoint, YEAR)
    return Trial("study", "Study", (arm,), 42.0, jitter, reading, 1.2, 0.7, spans, StopRule.RADIOLOGICAL)


crossings = st.one_of(st.just(math.inf), st.floats(1.0, 500.0))
patients = st.lists(st.tuples(crossings, st.floats(0.0, 0.02)), min_size=1, max_size=6)


def see(crossing: np.ndarray, hazard: np.ndarray, **errors: float) -> np.ndarray:
    """Return what scans leave unseen of tumours whose ln diameter grows on a straight line that crosses RECIST's limit."""
    speed, trial = math.log(1.2) / crossing, make_trial(make_arm(), **errors)
    course = SCANS[:, None] * speed[None, :]
    diameter = DiameterReadings(course, np.broadcast_to(speed, course.shape), np.full(speed.size, trial.reading_error))
    return p_no_progression(ScanReadings(hazard, diameter), trial)


def gather(people) -> tuple[np.ndarray, np.ndarray]:
    hazard = SCANS[:, None] * np.array([item[1] for item in people])[None, :]
    return np.array([item[0] for item in people]), hazard


@settings(max_examples=60, deadline=None)
@given(patients, st.floats(1e-3, 0.3))
def test_the_probability_of_no_progression_lies_between_0_and_1_and_falls(people, reading):
    found = see(*gather(people), reading=reading)
    assert np.all((found >= 0.0) & (found <= 1.0))
    assert np.all(np.diff(found, axis=0) <= 0.0)


@settings(max_examples=60, deadline=None)
@given(patients)
def test_nearly_without_errors_a_scan_sees_what_was_there_before_it(people):
    crossing, hazard = gather(people)
    with np.errstate(divide="ignore"):
        clear = np.abs(SCANS[:, None] / crossing - 1.0).min(axis=0) * math.log(1.2) > 0.01
    expected = np.where(crossing[None, :] > SCANS[:, None], np.exp(-hazard), 0.0)
    assert see(crossing, hazard, jitter=1e-6)[:, clear] == pytest.approx(expected[:, clear], abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.floats(20.0, 200.0))
def test_with_next_to_exact_readings_the_time_of_crossing_decides(crossing):
    """Each visit has a deviation of its own; two readings of .001 count as .0014 / speed days."""
    days = math.hypot(3.5, math.sqrt(2.0) * 1e-3 * crossing / math.log(1.2))
    assert see(np.array([crossing]), np.zeros((8, 1)))[:, 0] == pytest.approx(ndtr((crossing - SCANS) / days), abs=2e-6)


def test_half_the_visits_of_a_scan_come_before_a_crossing_on_its_date():
    assert see(np.array([84.0]), np.zeros((8, 1)))[1, 0] == pytest.approx(0.5, abs=1e-6)


def test_new_lesions_alone_leave_the_exponential_of_their_hazard():
    hazard = 0.003 * SCANS[:, None]
    assert see(np.array([math.inf]), hazard) == pytest.approx(np.exp(-hazard), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(patients, st.sampled_from(StopRule), st.floats(0.0, 0.01))
def test_a_patient_is_either_on_drug_or_has_stopped_at_one_scan(people, rule, rate):
    arm = make_arm(discontinuation_rate=rate)
    course = treatment_course(make_trial(arm), arm, rule, SCANS, see(*gather(people)))
    assert course.on_drug + np.cumsum(course.stopped, axis=0) == pytest.approx(np.ones_like(course.on_drug), abs=1e-12)
    assert np.all(course.stopped >= -1e-15)
    assert np.all((course.on_drug >= 0.0) & (course.on_drug <= 1.0))


@settings(max_examples=60, deadline=None)
@given(patients)
def test_radiological_progression_stops_first_and_never_stops_last(people):
    arm = make_arm()
    on_drug = {rule: treatment_course(make_trial(arm), arm, rule, SCANS, see(*gather(people))).on_drug for rule in StopRule}
    for later in (StopRule.ONE_SCAN_LATER, StopRule.RADIOLOGICAL_AND_SYMPTOMATIC, StopRule.NEVER):
        assert np.all(on_drug[StopRule.RADIOLOGICAL] <= on_drug[later] + 1e-15)
        assert np.all(on_drug[later] <= on_drug[StopRule.NEVER])


def test_the_rule_never_keeps_everyone_on_drug_whatever_the_rate_of_adverse_events():
    arm = make_arm(discontinuation_rate=0.01)
    course = treatment_course(make_trial(arm), arm, StopRule.NEVER, SCANS, see(*gather([(60.0, 0.01)])))
    assert np.all(course.on_drug == 1.0)
    assert not course.stopped.any()
    assert not course.discontinued.any()


def test_one_scan_later_is_the_radiological_rule_shifted_by_a_scan():
    arm = make_arm(discontinuation_rate=0.0)
    found = [
        treatment_course(make_trial(arm), arm, rule, SCANS, see(*gather([(100.0, 0.003), (math.inf, 0.01)]))) for rule in StopRule
    ]
    radiological, later = found[0].stopped, found[1].stopped
    assert not later[0].any()
    assert later[1:] == pytest.approx(radiological[:-1], abs=1e-15)


def test_symptoms_that_come_at_once_make_the_symptomatic_rule_radiological_and_late_ones_make_it_never():
    scans = see(*gather([(100.0, 0.003)]))
    arms = {median: make_arm(symptomatic_median=median, discontinuation_rate=0.0) for median in (1e-6, 1e12)}
    courses = {
        median: treatment_course(make_trial(arm), arm, StopRule.RADIOLOGICAL_AND_SYMPTOMATIC, SCANS, scans)
        for median, arm in arms.items()
    }
    assert courses[1e-6].on_drug == pytest.approx(scans, abs=1e-12)
    assert courses[1e12].on_drug == pytest.approx(np.ones_like(scans), abs=1e-8)


def test_adverse_events_alone_stop_at_their_rate():
    arm = make_arm(discontinuation_rate=0.004)
    course = treatment_course(make_trial(arm), arm, StopRule.RADIOLOGICAL, SCANS, np.ones((8, 1)))
    assert course.on_drug[:, 0] == pytest.approx(np.exp(-0.004 * SCANS), rel=1e-12)
    assert np.cumsum(course.discontinued) == pytest.approx(-np.expm1(-0.004 * SCANS), rel=1e-12)


def test_the_symptomatic_rule_without_a_time_of_symptoms_is_refused():
    arm = make_arm(symptomatic_median=math.inf)
    with pytest.raises(UsageError, match=r"symptomatic_median in design\.csv"):
        treatment_course(make_trial(arm), arm, StopRule.RADIOLOGICAL_AND_SYMPTOMATIC, SCANS, np.ones((8, 1)))


def test_follow_up_is_complete_before_its_shortest_and_none_after_its_longest():
    assert YEAR.uncensored(np.array([0.0, 100.0, 465.0, 1e6])).tolist() == [1.0, 1.0, 0.0, 0.0]


@settings(max_examples=60, deadline=None)
@given(st.floats(0.0, 300.0), st.floats(1.0, 500.0), st.floats(0.2, 4.0))
def test_follow_up_falls_from_1_to_0(shortest, width, shape):
    share = FollowUp(shortest, shortest + width, shape).uncensored(np.linspace(0.0, shortest + width, 50))
    assert share[0] == 1.0
    assert share[-1] == 0.0
    assert np.all(np.diff(share) <= 0.0)


def test_mean_follow_up_of_uniform_entry_is_the_middle_of_the_period():
    time = np.linspace(0.0, 465.0, 10001)
    assert np.trapezoid(YEAR.uncensored(time), time) == pytest.approx((100.0 + 465.0) / 2.0, rel=1e-6)


def test_late_entry_shortens_follow_up():
    time = np.linspace(101.0, 464.0, 20)
    assert np.all(FollowUp(100.0, 465.0, 2.0).uncensored(time) < YEAR.uncensored(time))


@pytest.mark.parametrize(
    ("shortest", "longest", "shape"), [(10.0, 10.0, 1.0), (20.0, 10.0, 1.0), (-1.0, 10.0, 1.0), (0.0, 10.0, 0.0)]
)
def test_an_impossible_follow_up_is_refused(shortest, longest, shape):
    with pytest.raises(DataError, match="0 <= shortest < longest"):
        FollowUp(shortest, longest, shape)
