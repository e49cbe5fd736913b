"""Patients as counts: the likelihood of counts is that of the times, and comes nearer with finer intervals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from kinimmune.fitting.problem.curve_likelihood import patient_information, patient_residuals
from kinimmune.fitting.problem.patient_groups import Process, group_patients, join_sizes
from kinimmune.models.errors import DataError
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.published import PatientTimes
from kinimmune.models.trial.scan_plan import ScanPlan

PLAN = ScanPlan(42.0)


def make_patients(time, event, last=None, endpoint=Endpoint.OS):
    before = np.full(len(time), math.nan) if last is None else np.array(last, dtype=float)
    return PatientTimes("study", "arm", endpoint, np.array(time, dtype=float), np.array(event, dtype=bool), before)


def draw_weibull(n, seed=3):
    rng = np.random.default_rng(seed)
    time, end = 300.0 * rng.weibull(1.4, n), rng.uniform(100.0, 500.0, n)
    return np.minimum(time, end), time <= end


def best(time, event, refinement):
    """Return ln shape and ln scale of the fit to counts, less those of the fit to times."""
    group, *_ = group_patients(make_patients(time, event), PLAN, refinement)

    def by_counts(point):
        row = patient_residuals(group, (group.edges / np.exp(point[1])) ** np.exp(point[0]))
        return 0.5 * float(row @ row)

    def by_times(point):
        shape, scale = np.exp(point)
        density = np.log(shape / scale * (time / scale) ** (shape - 1.0))[event].sum()
        return -float(density - ((time / scale) ** shape).sum())

    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
    found = [minimize(f, [0.3, 5.7], method="Nelder-Mead", options=options).x for f in (by_counts, by_times)]
    return found[0] - found[1]


@pytest.mark.parametrize("patients", [30, 300])
def test_the_fit_to_counts_comes_nearer_to_that_to_times_as_intervals_narrow(patients):
    """The gap falls at least by half as the intervals about events do."""
    time, event = draw_weibull(patients)
    gaps = [np.abs(best(time, event, refinement)).max() for refinement in (1.0, 2.0, 4.0)]
    assert gaps[1] < 0.5 * gaps[0]
    assert gaps[2] < 0.5 * gaps[1]
    assert gaps[1] < 1e-3


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=2, max_size=60))
def test_nobody_is_lost(rows):
    """Every event lies in one interval, and the days lived without it are those of the patients, but for half intervals."""
    time, event = (np.array(column) for column in zip(*rows, strict=True))
    if not event.any():
        return
    group, *_ = group_patients(make_patients(time, event), PLAN)
    assert group.events.sum() == event.sum()
    lived = float(group.survived @ np.diff(group.edges))
    widths = np.diff(group.edges)[np.searchsorted(group.edges, time[event], side="left") - 1]
    assert lived == pytest.approx(time.sum() - 0.5 * widths.sum(), rel=1e-9, abs=0.51 * widths.max())


def test_the_sum_of_squares_is_the_deviance_of_intervals_seen_at_visits():
    """Differences of the sum of squares between two rates are those of -2 ln of the products of P(L < T <= R) and P(T > R)."""
    last, time, event = [0.0, 30.0, 41.0, math.nan], [40.0, 75.0, 90.0, 80.0], [True, True, True, False]
    group, *_ = group_patients(make_patients(time, event, last, Endpoint.TTP), PLAN)

    def deviance(rate):
        row = patient_residuals(group, rate * group.edges)
        return float(row @ row)

    def direct(rate):
        inside = [math.log(math.exp(-rate * a) - math.exp(-rate * b)) for a, b in ((0, 40), (30, 75), (41, 90))]
        return -2.0 * (sum(inside) - rate * 80.0)

    assert deviance(0.02) - deviance(0.005) == pytest.approx(direct(0.02) - direct(0.005), rel=1e-10)


def test_the_information_of_intervals_is_the_curvature_of_the_deviance():
    """Squared derivatives add to the second derivative of half the deviance at the best rate."""
    rng = np.random.default_rng(4)
    visits = np.cumsum(rng.uniform(20.0, 60.0, (300, 15)), axis=1)
    place = (visits < rng.exponential(120.0, 300)[:, None]).sum(axis=1)
    time = visits[np.arange(300), np.minimum(place, 14)]
    last = np.where(place > 0, visits[np.arange(300), np.maximum(place - 1, 0)], 0.0)
    event = place < 15
    group, *_ = group_patients(make_patients(time, event, np.where(event, last, math.nan), Endpoint.TTP), PLAN)

    def half(score):
        row = patient_residuals(group, group.edges * math.exp(score))
        return 0.5 * float(row @ row)

    centre = float(minimize(lambda point: half(point[0]), [-4.8], method="Nelder-Mead", options={"xatol": 1e-8}).x[0])
    step = 1e-3
    curvature = (half(centre + step) - 2.0 * half(centre) + half(centre - step)) / step**2
    above, below = (patient_information(group, group.edges * math.exp(centre + sign * step)) for sign in (1, -1))
    slope = (above - below) / (2.0 * step)
    assert slope @ slope == pytest.approx(curvature, rel=0.01)


def test_progression_free_survival_is_two_processes_where_visits_tell_them_apart():
    """Who died ends the wait for progression, who progressed the wait for death."""
    patients = make_patients([40.0, 60.0, 90.0], [True, True, False], [10.0, math.nan, math.nan], Endpoint.PFS)
    progression, death = group_patients(patients, PLAN)
    assert (progression.process, death.process) == (Process.PROGRESSION, Process.DEATH_BEFORE_PROGRESSION)
    assert progression.events.sum() + progression.counts.sum() == death.events.sum() == 1.0
    assert join_sizes((progression, death)) == progression.size + death.size


def test_without_visits_a_progression_lies_since_the_planned_scan_before():
    """Seen two days after the second scan it began after the first."""
    group, *_ = group_patients(make_patients([86.0, 200.0], [True, False], endpoint=Endpoint.TTP), PLAN)
    place = int(np.argmax(group.events))
    assert tuple(group.edges[place : place + 2]) == (42.0, 86.0)


@pytest.mark.parametrize(
    ("time", "event", "last", "endpoint", "message"),
    [
        ([3.0], [False], None, Endpoint.OS, "nobody has an event; leave them out"),
        ([3.0, 4.0], [True, False], [math.nan, 1.0], Endpoint.TTP, "last_without of a patient without an event; leave it empty"),
        ([3.0], [True], [3.0], Endpoint.PFS, "last_without is not before the event; correct one of the two"),
        ([3.0], [True], [1.0], Endpoint.OS, "last_without of a death, which has a day of its own; leave it empty"),
    ],
)
def test_patients_that_cannot_be_are_refused(time, event, last, endpoint, message):
    with pytest.raises(DataError, match=message):
        make_patients(time, event, last, endpoint)
