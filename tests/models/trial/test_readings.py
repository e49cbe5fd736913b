"""Laws of readings with errors: closed forms, patients drawn one by one, the rule without errors, smoothness."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr
from straight_trial import make_trial

from kinimmune.models.errors import DataError
from kinimmune.models.trial.design import Trial
from kinimmune.models.trial.reading_rules import FINENESS, correct_mass, share_below
from kinimmune.models.trial.readings import DiameterReadings, DiametersSeen, LaterReadings, p_no_crossing, read_diameters

RISE, FALL = math.log(1.2), math.log(0.7)
SCAN = np.arange(1.0, 9.0)
TRIAL = make_trial()
MILLIMETRES = make_trial(criterion="RECIST 1.1", progression_increase=5.0, baseline_diameter=20.0)
COURSES = {
    "still": 0.0 * SCAN,
    "shrinks to a hover": np.maximum(-0.15 * SCAN, -0.33),
    "shrinks and grows": 0.03 * (SCAN - 4.0) ** 2 - 0.45,
    "grows": 0.05 * SCAN,
    "vanishes": -2.0 * SCAN,
}
PEOPLE = 1_000_000


def diameters(course: np.ndarray, error: float) -> DiameterReadings:
    """Return what is to be read of courses, shape (K,) or (K, n), whose speed is that of their differences."""
    columns = course.reshape(course.shape[0], -1)
    return DiameterReadings(columns, np.gradient(columns, axis=0) / 42.0, np.full(columns.shape[1], error))


def see(course: np.ndarray, error: float, trial: Trial = TRIAL) -> DiametersSeen:
    """Return what is seen of courses nobody leaves."""
    given = diameters(course, error)
    nobody = np.zeros(0, dtype=np.int64)
    return read_diameters(given, LaterReadings(diameters(np.zeros((course.shape[0], 0)), error), nobody, nobody), trial)


def errors_of(course: np.ndarray, error: float, trial: Trial) -> np.ndarray:
    return np.hypot(error, np.gradient(course) / 42.0 * trial.scan_jitter)


def draw(course: np.ndarray, errors: np.ndarray, first: float, trial: Trial) -> tuple[np.ndarray, np.ndarray]:
    """Return whose readings show no progression by each scan, and which scan confirms a response, of drawn people."""
    random = np.random.default_rng(7)
    begun = first * random.standard_normal(PEOPLE)
    lowest, unseen, small = begun.copy(), np.ones(PEOPLE, dtype=bool), np.zeros(PEOPLE, dtype=bool)
    confirmed, history = np.full(PEOPLE, -1), []
    for k, (middle, error) in enumerate(zip(course, errors, strict=True)):
        reading = middle + error * random.standard_normal(PEOPLE)
        unseen &= reading - lowest < trial.progression_limit(lowest)
        now = reading <= begun + FALL
        confirmed[(confirmed < 0) & small & now & unseen] = k
        lowest, small = np.minimum(lowest, reading), now
        history.append(unseen.copy())
    return np.array(history), confirmed


def assert_within_4_errors(found: np.ndarray, drawn: np.ndarray) -> None:
    """Assert that probabilities are shares of drawn people, to Monte Carlo error and at least that of two people."""
    error = np.sqrt(np.maximum(found * (1.0 - found), 2.0 / PEOPLE) / PEOPLE)
    assert np.all(np.abs(found - drawn) <= 4.0 * error), (found, drawn)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "error", "trial"),
    [
        ("still", 0.1, TRIAL),
        ("shrinks to a hover", 0.15, TRIAL),
        ("shrinks to a hover", 0.1, MILLIMETRES),
        ("shrinks and grows", 0.05, TRIAL),
        ("grows", 0.15, TRIAL),
        ("vanishes", 0.1, MILLIMETRES),
    ],
)
def test_a_million_drawn_people_are_seen_as_expected(name, error, trial):
    course = COURSES[name]
    found = see(course, error, trial)
    unseen, confirmed = draw(course, errors_of(course, error, trial), error, trial)
    assert_within_4_errors(found.unseen[:, 0], unseen.mean(axis=1))
    at_scans = confirmed == np.arange(SCAN.size)[:, None]
    assert_within_4_errors(found.confirmed[:, 0], at_scans.mean(axis=1))
    for lasting in found.responses.lasting:
        assert_within_4_errors(lasting, np.array([(unseen & who).mean(axis=1) for who in at_scans]) * np.triu(np.ones((8, 8))))


@pytest.mark.slow
def test_a_million_drawn_people_who_leave_after_a_scan_are_seen_as_expected():
    """Three scans of shrinking, then growth from where they left."""
    course, left, error = -0.16 * SCAN, 2, 0.1
    later = np.where(np.arange(8) <= left, 9.0, course[left] + 0.05 * (SCAN - 3.0))
    given = diameters(course, error)
    apart = LaterReadings(diameters(np.stack([later] * 2, axis=1), error), np.array([6, left]), np.array([0, 0]))
    apart.diameter.speed[:] = 0.05 / 42.0
    found = read_diameters(given, apart, TRIAL)
    joined = np.where(np.arange(8) <= left, course, later)
    errors = np.hypot(error, np.where(np.arange(8) <= left, -0.16, 0.05) / 42.0 * TRIAL.scan_jitter)
    unseen, confirmed = draw(joined, errors, error, TRIAL)
    assert_within_4_errors(found.unseen_after[:, 1], unseen.mean(axis=1))
    path = found.responses.paths.tolist().index(1)
    before = confirmed == np.arange(left)[:, None]
    drawn = np.array([(unseen & who).mean(axis=1) for who in before])
    assert_within_4_errors(found.responses.lasting_after[path, :left, left:], drawn[:, left:])
    assert not found.responses.lasting_after[path, left:].any()


@settings(max_examples=60, deadline=None)
@given(st.floats(-1.0, 1.0), st.floats(0.0, 0.05), st.floats(2e-3, 0.4))
def test_one_scan_is_a_normal_distribution(middle, speed, error):
    given = DiameterReadings(np.array([[middle]]), np.array([[speed]]), np.array([error]))
    spread = math.sqrt(2.0 * error**2 + (3.5 * speed) ** 2)
    assert p_no_crossing(given, TRIAL)[0, 0] == pytest.approx(ndtr((RISE - middle) / spread), abs=2e-6)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.03, 0.4))
def test_two_scans_without_drift_are_an_integral_over_the_first_reading(error):
    """Given y0 the second of y1 < y0 + L either stays below y0 + L, or below y1 + L where y1 is smaller."""

    def density(y: float) -> float:
        return math.exp(-0.5 * (y / error) ** 2) / (error * math.sqrt(2.0 * math.pi))

    def unseen(y0: float) -> float:
        below = quad(lambda y1: density(y1) * ndtr((y1 + RISE) / error), -9.0 * error, y0, epsabs=1e-10)[0]
        within = (ndtr((y0 + RISE) / error) - ndtr(y0 / error)) * ndtr((y0 + RISE) / error)
        return density(y0) * (below + within)

    expected = quad(unseen, -9.0 * error, 9.0 * error, epsabs=1e-9)[0]
    assert see(np.zeros(2), error).unseen[1, 0] == pytest.approx(expected, abs=2e-6)


def test_readings_of_a_steep_line_are_independent_given_the_first():
    """The first reading is smallest, as good as surely: the integral over it of a product."""
    course, error = 0.6 + 0.02 * SCAN, 0.06
    steep = replace(make_trial(), progression_ratio=2.0)
    errors = errors_of(course, error, steep)

    def unseen(y0: float, k: int) -> float:
        chances = ndtr((y0 + math.log(2.0) - course[:k]) / errors[:k])
        return float(np.prod(chances)) * math.exp(-0.5 * (y0 / error) ** 2) / (error * math.sqrt(2.0 * math.pi))

    expected = [quad(unseen, -8.0 * error, 8.0 * error, (k,), epsabs=1e-10)[0] for k in range(1, 9)]
    assert see(course, error, steep).unseen[:, 0] == pytest.approx(expected, abs=5e-6)


courses = st.lists(st.lists(st.floats(-1.5, 1.5), min_size=5, max_size=5), min_size=1, max_size=4)


@settings(max_examples=100, deadline=None)
@given(courses)
def test_nearly_without_errors_the_smallest_and_the_first_sum_decide(people):
    """A fifth above the smallest sum of any scan so far, or of the first; three tenths below the first at two scans in a row."""
    course = np.array(people).T
    still = DiameterReadings(course, np.zeros(course.shape), np.full(course.shape[1], 1e-3))
    nobody = np.zeros(0, dtype=np.int64)
    nothing = DiameterReadings(np.zeros((5, 0)), np.zeros((5, 0)), np.zeros(0))
    found = read_diameters(still, LaterReadings(nothing, nobody, nobody), TRIAL)
    lowest = np.minimum.accumulate(np.vstack([np.zeros(course.shape[1]), course[:-1]]), axis=0)
    rise = course - lowest
    clear = (np.abs(rise - RISE).min(axis=0) > 0.01) & (np.abs(course - FALL).min(axis=0) > 0.01)
    unseen = np.logical_and.accumulate(rise < RISE, axis=0)
    small = course <= FALL
    twice = np.vstack([np.zeros(course.shape[1], dtype=bool), small[1:] & small[:-1] & unseen[1:]])
    first = twice & (np.cumsum(twice, axis=0) == 1)
    assert found.unseen[:, clear] == pytest.approx(unseen[:, clear].astype(float), abs=1e-6)
    assert found.confirmed[:, clear] == pytest.approx(first[:, clear].astype(float), abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(courses, st.floats(0.005, 0.4), st.sampled_from([TRIAL, MILLIMETRES]))
def test_chances_are_chances_and_fall_from_scan_to_scan(people, error, trial):
    course = np.array(people).T
    found = see(course, error, trial)
    assert np.all((found.unseen >= 0.0) & (found.unseen <= 1.0))
    assert np.all(np.diff(found.unseen, axis=0) <= 0.0)
    assert np.all(found.confirmed >= -1e-6)
    assert found.unseen == pytest.approx(p_no_crossing(diameters(course, error), trial), abs=1e-12)
    responders, lasting = found.responses.patients, found.responses.lasting
    assert np.einsum("rcc->cr", lasting) == pytest.approx(found.confirmed[:, responders], abs=1e-15)
    unseen = found.unseen[:, responders]
    assert np.all(unseen + 2e-4 >= lasting.sum(axis=1).T)
    for c in range(course.shape[0]):
        assert np.all(np.diff(lasting[:, c, c:], axis=1) <= 1e-7)


@settings(max_examples=30, deadline=None)
@given(courses, st.permutations(range(4)))
def test_whoever_goes_on_as_before_is_seen_as_before_in_any_order(people, order):
    course = np.array(people).T
    given, patient = diameters(course, 0.1), np.arange(course.shape[1])
    pairs = [(scan, who) for scan in order for who in patient]
    scan, who = np.array(pairs).T
    same = DiameterReadings(course[:, who], given.speed[:, who], given.reading_error[who])
    found = read_diameters(given, LaterReadings(same, scan, who), TRIAL)
    assert found.unseen_after == pytest.approx(found.unseen[:, who], abs=1e-12)
    rows = {patient: row for row, patient in enumerate(found.responses.patients.tolist())}
    for path, lasting in zip(found.responses.paths, found.responses.lasting_after, strict=True):
        left = scan[path]
        assert lasting[:left, left:] == pytest.approx(found.responses.lasting[rows[who[path]], :left, left:], abs=1e-12)


@pytest.mark.parametrize("trial", [TRIAL, MILLIMETRES])
@pytest.mark.parametrize("error", [0.05, 0.1, 0.15])
def test_derivatives_do_not_depend_on_the_step(error, trial):
    course = np.stack([item for name, item in COURSES.items() if name != "vanishes"], axis=1)

    def read(factor: float, pace: float) -> np.ndarray:
        found = see(course * math.exp(pace), error * math.exp(factor), trial)
        return np.concatenate([found.unseen.mean(axis=1), found.confirmed.mean(axis=1)])

    for way in ((1.0, 0.0), (0.0, 1.0)):
        slopes = [
            (read(step * way[0], step * way[1]) - read(-step * way[0], -step * way[1])) / (2.0 * step) for step in (1e-3, 1e-4)
        ]
        assert np.abs(slopes[1]).max() > 0.1
        assert slopes[0] == pytest.approx(slopes[1], abs=1e-4)


@pytest.mark.parametrize("middle", [-2.3, 0.0, 0.4, 7.1])
def test_the_rules_of_quadrature_are_those_of_a_normal_density(middle):
    nodes, spread = np.arange(-60, 61), 1.0 / FINENESS
    density = np.exp(-0.5 * ((nodes - middle) / spread) ** 2) / (spread * math.sqrt(2.0 * math.pi))
    beside = sum(weight * (density[60 + k] - density[60 - k]) for k, weight in enumerate(correct_mass(), 1))
    assert 0.5 * density[60] + density[61:].sum() + beside == pytest.approx(ndtr(middle / spread), abs=2e-6)
    for place in (0.0, 0.37, 0.99):
        share = share_below(np.array([place]))[0]
        reach = share.size // 2
        found = density[: 61 - reach].sum() + share @ density[61 - reach : 61 + reach]
        assert found == pytest.approx(ndtr((place - middle) / spread), abs=1e-7)


@pytest.mark.parametrize("error", [0.0, -0.1, 4e-4, 1.0, math.nan])
def test_an_error_of_readings_that_no_reader_makes_is_refused(error):
    with pytest.raises(DataError, match=r"study 'straight': reading_error .* does not lie between 0\.0005 and 1"):
        make_trial(reading_error=error)
