"""Regimens against the textbook: infusions, repeated doses, cycles, and what goes on after treatment has stopped."""

import math
from dataclasses import replace

import numpy as np
import pytest
from compartment import COMPARTMENT, RATE, SURFACE, VALUES, VOLUME, WEIGHT
from hypothesis import given, settings
from hypothesis import strategies as st
from straight_trial import DEATH, LIVER, RELIEF, enrol, make_simulator, make_straight_model, make_trial

from kinimmune.models.errors import DataError
from kinimmune.models.kernel.kernel import load_kernel
from kinimmune.models.solvers.ensemble import integrate
from kinimmune.models.solvers.individual import simulate
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.trial.design import StopRule
from kinimmune.models.trial.microsimulation import simulate_patients
from kinimmune.models.trial.regimens import Administration, plan_dosing
from kinimmune.models.trial.virtual_trial import run_arms

TIGHT = Tolerances(1e-11, 1e-13)


@pytest.fixture(scope="module")
def compartment():
    return compile_model(COMPARTMENT)


def course(compartment, time, *administrations):
    dosing = plan_dosing(compartment.model, administrations, VALUES, float(time[-1]))
    found = simulate(compartment, VALUES, time, dosing.on, tolerances=TIGHT)
    return found.states[0]


def rise(time, rate):
    """Return the concentration under a constant rate [mg/d] from time 0 on, 0 before."""
    return np.where(time > 0.0, rate / (VOLUME * RATE) * -np.expm1(-RATE * np.maximum(time, 0.0)), 0.0)


def fall(time, dose):
    """Return the concentration after one dose [mg] at time 0, that moment included; 0 before."""
    return np.where(time >= 0.0, dose / VOLUME * np.exp(-RATE * np.maximum(time, 0.0)), 0.0)


TIME = np.linspace(0.0, 60.0, 241)


def test_a_constant_rate_rises_as_the_textbook_says(compartment):
    found = course(compartment, TIME, Administration("drug", 100.0, "mg/d"))

    np.testing.assert_allclose(found, rise(TIME, 100.0), rtol=1e-8, atol=1e-10)


def test_an_infusion_rises_and_then_falls(compartment):
    found = course(compartment, TIME, Administration("drug", 300.0, "mg", every=21.0, duration=0.5))

    expected = sum(rise(TIME - day, 600.0) - rise(TIME - day - 0.5, 600.0) for day in (0.0, 21.0, 42.0))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


@given(st.sampled_from([0.5, 1.0, 7.0]), st.floats(1.0, 500.0), st.integers(0, 5))
@settings(max_examples=12, deadline=None)
def test_repeated_doses_are_the_sum_of_single_ones(every, dose, first):
    compartment = compile_model(COMPARTMENT)
    found = course(compartment, TIME, Administration("drug", dose, "mg", first_day=float(first), every=every))

    days = np.arange(first, 60.0 + 1e-9, every)
    expected = sum(fall(TIME - day, dose) for day in days)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_a_loading_dose_and_maintenance_add(compartment):
    loading, maintenance = Administration("drug", 800.0, "mg", every=1.0, last_day=0.0), Administration("drug", 100.0, "mg/d")
    both = course(compartment, TIME, loading, maintenance)

    np.testing.assert_allclose(both, fall(TIME, 800.0) + rise(TIME, 100.0), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(("on", "off"), [(21.0, 7.0), (7.0, 7.0), (3.5, 0.5)])
def test_cycles_are_the_sum_of_their_pieces(compartment, on, off):
    found = course(compartment, TIME, Administration("drug", 160.0, "mg/d", on_days=on, off_days=off))

    starts = np.arange(0.0, 60.0, on + off)
    expected = sum(rise(TIME - start, 160.0) - rise(TIME - start - on, 160.0) for start in starts)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


def test_doses_of_a_cycle_are_given_on_its_first_days_alone():
    weekly = Administration("drug", 1.0, "mg", every=1.0, on_days=5.0, off_days=23.0)

    np.testing.assert_array_equal(weekly.moments(60.0), [0, 1, 2, 3, 4, 28, 29, 30, 31, 32, 56, 57, 58, 59])


@pytest.mark.parametrize(
    ("amount", "unit", "milligrams"),
    [
        (2.0, "mg/kg", 2.0 * WEIGHT),
        (150.0, "mg/m^2", 150.0 * SURFACE),
        (0.2, "g", 200.0),
        (200.0, "mg", 200.0),
        (2000.0, "ug/kg", 2.0 * WEIGHT),
    ],
)
def test_doses_by_weight_and_surface_are_converted(compartment, amount, unit, milligrams):
    found = course(compartment, TIME, Administration("drug", amount, unit, every=100.0))

    np.testing.assert_allclose(found, fall(TIME, milligrams), rtol=1e-9)


def test_a_rate_by_weight_is_converted(compartment):
    found = course(compartment, TIME, Administration("drug", 1.0, "mg/kg/d"))

    np.testing.assert_allclose(found, rise(TIME, WEIGHT), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"amount": 1.0, "unit": "mL/d"}, "does not measure the same as mg/d"),
        ({"amount": 1.0, "unit": "mg"}, "unit 'mg' does not measure the same as mg/d"),
        ({"amount": 1.0, "unit": "mg/d", "every": 1.0}, r"unit 'mg/d' does not measure the same as mg/L\*L"),
    ],
)
def test_an_amount_of_something_else_is_refused(compartment, given, message):
    with pytest.raises(DataError, match=message):
        course(compartment, TIME, Administration("drug", **given))


def test_a_second_drug_needs_a_role_of_its_own(compartment):
    two = (Administration("drug", 1.0, "mg/d"), Administration("other", 1.0, "mg/d"))
    with pytest.raises(DataError, match="model 'compartment' takes no 'other' beside drug: it has roles for any"):
        plan_dosing(compartment.model, two, VALUES, 10.0)


def test_an_amount_by_weight_needs_a_weight(compartment):
    with pytest.raises(DataError, match="has no parameter 'body_weight' to convert by; give the amount in"):
        plan_dosing(compartment.model, [Administration("drug", 1.0, "mg/kg/d")], {"volume": 1.0}, 10.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"amount": -1.0}, "an amount is 0 or more"),
        ({"amount": math.nan}, "an amount is 0 or more"),
        ({"first_day": 3.0, "last_day": 2.0}, "from day 3 to 2 is no period"),
        ({"first_day": math.inf}, "is no period"),
        ({"every": 0.0}, "a dose every 0 d"),
        ({"duration": 1.0}, "needs 'every'"),
        ({"every": 1.0, "duration": 2.0}, "never ends"),
        ({"off_days": 7.0}, "off_days without on_days"),
        ({"on_days": 0.0, "off_days": 7.0}, "a cycle of 0 days on"),
    ],
)
def test_what_nobody_can_give_is_refused(changes, message):
    with pytest.raises(DataError, match=message):
        Administration(**{"drug": "drug", "amount": 1.0, "unit": "mg/d"} | changes)


def test_the_kernel_gives_what_scipy_gives_under_twice_daily_doses(compartment):
    dosing = plan_dosing(compartment.model, [Administration("drug", 400.0, "mg", every=0.5)], VALUES, 60.0)
    parameters = np.array(list(VALUES.values()))[:, None]
    time = np.arange(0.0, 61.0)

    found = integrate(
        load_kernel(compartment.model),
        initial=compartment.initial(np.vstack([parameters, [[0.0]]])),
        parameters=parameters,
        time=time,
        schedule=dosing.on,
        tolerances=Tolerances(1e-9, 1e-11),
    )

    expected = sum(fall(time - day, 400.0) for day in np.arange(0.0, 60.25, 0.5))
    np.testing.assert_allclose(found["concentration"][:, 0], expected, rtol=1e-7)


@pytest.fixture(scope="module")
def straight():
    model = make_straight_model()
    return model, make_simulator(model)


def give(trial, *regimen):
    """Return a trial whose treated arm has a regimen in place of its constant dose."""
    arms = tuple(
        replace(arm, dose=0.0, doses_per_day=0.0, drug=None, regimen=regimen) if arm.name == "drug" else arm for arm in trial.arms
    )
    return replace(trial, arms=arms)


def run(straight, trial, rule):
    model, simulator = straight
    values = np.array([[item.value] for item in model.parameters])
    return run_arms(simulator, [enrol(model, trial, "drug", rule, values)], 1)[0]


def test_a_regimen_of_the_constant_dose_is_the_constant_dose(straight):
    trial = make_trial()
    short = run(straight, trial, StopRule.RADIOLOGICAL)
    long = run(straight, give(trial, Administration("relief", 800.0, "mg/d")), StopRule.RADIOLOGICAL)

    for name in ("survival", "on_treatment", "at_risk", "detected"):
        np.testing.assert_array_equal(getattr(short, name), getattr(long, name))


def test_a_drug_that_does_not_stop_is_the_drug_that_never_stops(straight):
    trial = make_trial()
    on = Administration("relief", 800.0, "mg/d", stops=False)
    found = run(straight, give(trial, on), StopRule.RADIOLOGICAL)

    np.testing.assert_allclose(found.survival, np.exp(-(DEATH - RELIEF + LIVER) * found.grid), rtol=1e-7)


def test_cycles_ease_death_while_they_last(straight):
    """On drug 21 days of 42 the hazard is eased half of the time: at every whole cycle S is that of the mean hazard."""
    found = run(
        straight, give(make_trial(), Administration("relief", 800.0, "mg/d", on_days=21.0, off_days=21.0)), StopRule.NEVER
    )

    whole = np.isclose(found.grid % 42.0, 0.0)
    expected = np.exp(-(DEATH + LIVER - RELIEF / 2.0) * found.grid)
    np.testing.assert_allclose(found.survival[whole], expected[whole], rtol=1e-7)
    half = np.isclose(found.grid % 42.0, 21.0)
    assert np.all(found.survival[half] > expected[half] * (1.0 + RELIEF * 10.0))


@pytest.mark.slow
def test_the_regimen_of_expected_paths_is_that_of_drawn_patients(straight):
    """Cycles that stop at progression and a second drug level that goes on: 20,000 drawn patients against the expectation."""
    model = straight[0]
    simulator = make_simulator(model, "kernel")
    trial = give(
        make_trial(),
        Administration("relief", 400.0, "mg/d", on_days=28.0, off_days=14.0),
        Administration("relief", 300.0, "mg/d", first_day=42.0, stops=False),
    )
    values = np.repeat(np.array([[item.value] for item in model.parameters]), 20_000, axis=1)
    patients = simulate_patients(simulator, enrol(model, trial, "drug", StopRule.RADIOLOGICAL, values), 3)
    expected = run(straight, trial, StopRule.RADIOLOGICAL)

    for months in (6, 24, 48):
        day, at = expected.grid[months], expected.survival[months]
        drawn = float(np.mean(patients.death > day))
        assert drawn == pytest.approx(at, abs=4.0 * math.sqrt(at * (1.0 - at) / 20_000))
