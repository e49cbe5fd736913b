"""Mechanisms: steady states, half points and sums worked out by hand, for the equations of single files."""

import math

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from kinimmune.models.catalogue import load_model
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.mechanisms.kinases import occupancy
from kinimmune.models.mechanisms.mapk import raf_mek_erk
from kinimmune.models.solvers.dosing import Schedule, constant
from kinimmune.models.solvers.individual import simulate
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.components import symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Source, Status, values_for

SOURCE = Source("assumption", "here", Status.ASSUMED)
SHARE = st.floats(0.01, 0.99)


def parameter(name, unit="1"):
    return Parameter(name, name, 1.0, unit, -1e9, 1e9, Prior(Scale.FIXED, 1.0, 0.0), False, None, None, name, SOURCE)


@pytest.fixture(scope="module")
def cascade():
    """RAF to cyclin with occupancy and resistance as constants."""
    rates = [parameter(name, "1/d") for name in ("mek_rate", "erk_rate", "cyclin_rate")]
    numbers = [parameter(name) for name in ("occupancy_raf", "resistance", "erk_feedback", "cyclin_floor")]
    return compile_model(OdeModel("cascade", "Cascade", (raf_mek_erk(),), (*rates, *numbers)))


@pytest.fixture(scope="module")
def trial():
    return compile_model(load_model("hcc_trial"))


@pytest.fixture(scope="module")
def values(trial):
    return values_for(trial.model.parameters, "sharp")


def course(trial, values, time, dose_rate=800.0, **changes):
    found = simulate(trial, values | changes, np.asarray(time), constant(dose_rate=dose_rate), tolerances=Tolerances(1e-9, 1e-11))
    assert found.completion is Completion.COMPLETE
    names = [state.name for state in trial.model.states] + [item.name for item in trial.model.outputs]
    return dict(zip(names, [*found.states, *found.outputs], strict=True))


def evaluate(trial, expression, values, **symbols):
    """Return a formula of the model at parameters and given symbols."""
    numbers = {symbol(name): value for name, value in (values | symbols).items()}
    return float(trial.model.expand(expression).xreplace(numbers))


@settings(max_examples=8, deadline=None)
@given(SHARE, st.floats(0.0, 0.9), st.floats(0.0, 20.0), SHARE)
def test_the_cascade_rests_where_algebra_puts_it(cascade, occupied, resistant, feedback, floor):
    numbers = {"occupancy_raf": occupied, "resistance": resistant, "erk_feedback": feedback, "cyclin_floor": floor}
    rates = {"mek_rate": 24.0, "erk_rate": 24.0, "cyclin_rate": 3.0}
    found = simulate(cascade, rates | numbers, np.array([0.0, 30.0]), tolerances=Tolerances(1e-9, 1e-12))
    i = occupied * (1.0 - resistant)
    erk = (1.0 - i) * (1.0 + feedback) / (1.0 + feedback * (1.0 - i))
    np.testing.assert_allclose(found.states[:, -1], [erk, erk, floor + (1.0 - floor) * erk], rtol=1e-6)


def test_feedback_softens_the_loss_of_perk_and_no_drug_leaves_it_alone(cascade):
    rates = {"mek_rate": 24.0, "erk_rate": 24.0, "cyclin_rate": 3.0, "resistance": 0.0, "cyclin_floor": 0.3}

    def rest(occupied, feedback):
        numbers = rates | {"occupancy_raf": occupied, "erk_feedback": feedback}
        return simulate(cascade, numbers, np.array([0.0, 30.0])).states[1, -1]

    assert rest(0.0, 5.0) == 1.0
    assert rest(0.5, 0.0) == pytest.approx(0.5, rel=1e-6)
    assert rest(0.5, 0.0) < rest(0.5, 1.0) < rest(0.5, 10.0) < 1.0


@given(st.floats(0.01, 1e4), st.floats(0.01, 1e3), st.floats(0.001, 1e3))
def test_half_a_kinase_is_occupied_at_its_shifted_ic50(ic50, shift, ratio):
    (definition,) = occupancy(("raf",), {"raf": "RAF"}).definitions
    at = {symbol("ic50_raf"): ic50, symbol("kinase_shift"): shift}
    half = definition.expression.xreplace(at | {symbol("free_concentration"): shift * ic50})
    assert float(half) == pytest.approx(0.5, rel=1e-12)
    other = definition.expression.xreplace(at | {symbol("free_concentration"): ratio * shift * ic50})
    assert float(other) == pytest.approx(ratio / (1.0 + ratio), rel=1e-9)


def test_exposure_falls_through_the_published_areas(trial, values):
    months = np.array([0.0, 1.0, 3.0, 6.0]) * 30.44
    concentration = course(trial, values, months)["concentration"]
    # arrondeau2012: area over the 12 h between doses
    np.testing.assert_allclose(12.0 * concentration[1:], [60.3, 43.0, 33.2], rtol=0.01)


def test_exposure_without_induction_is_dose_over_clearance(trial, values):
    cut = compile_model(trial.model.without("clearance_induction"))
    steady = course(cut, values, [0.0, 365.0])["concentration"][-1]
    assert steady == pytest.approx(800.0 / values["clearance"], rel=1e-8)


def test_exposure_washes_out_exponentially_once_induction_is_cut(trial, values):
    cut = compile_model(trial.model.without("clearance_induction"))
    plan = Schedule((0.0, 100.0), ({"dose_rate": 800.0}, {}))
    found = simulate(cut, values, np.array([0.0, 100.0, 101.0, 102.5]), plan, tolerances=Tolerances(1e-10, 1e-12)).states[0]
    rate = values["clearance"] / values["distribution_volume"]
    np.testing.assert_allclose(found[2:], found[1] * np.exp(-rate * np.array([1.0, 2.5])), rtol=1e-7)


def test_free_drug_is_what_hand_calculation_gives(trial, values):
    # 4.09 mg/L are 8.8 umol/L of 464.8 g/mol; .3 % of it is 26.4 nmol/L
    free = evaluate(trial, symbol("free_concentration"), values, concentration=4.09)
    assert free == pytest.approx(26.4, abs=0.05)


def test_molar_mass_is_the_sum_of_atomic_masses(values):
    masses = {"C": 12.011, "H": 1.008, "Cl": 35.45, "F": 18.998, "N": 14.007, "O": 15.999}
    formula = {"C": 21, "H": 16, "Cl": 1, "F": 3, "N": 4, "O": 3}
    assert values["molar_mass"] == pytest.approx(sum(masses[atom] * n for atom, n in formula.items()) * 1e-6, rel=1e-4)


def test_half_the_antigen_is_seen_at_its_volume_and_half_the_suppression_at_its_density(trial, values):
    half = {"initial_volume": values["antigen_volume"]}
    assert evaluate(trial, symbol("antigen_signal"), values | half, log_volume=0.0) == pytest.approx(0.5)
    at = {"treg_number": values["treg_half_suppression"], "treg_function": 1.0}
    assert evaluate(trial, symbol("treg_suppression"), values, **at) == pytest.approx(0.5)


def test_vessels_rest_at_what_the_two_blocks_leave(trial, values):
    found = course(trial, values, [0.0, 120.0], dose_rate=800.0, induction_strength=0.0)
    free = values["unbound_fraction"] * 800.0 / values["clearance"] / values["molar_mass"]
    left = 1.0
    for kinase, effect in (("vegfr2", "vegfr2_effect"), ("pdgfrb", "pdgfrb_effect")):
        left *= 1.0 - values[effect] * free / (free + values["kinase_shift"] * values[f"ic50_{kinase}"])
    assert found["vascular_support"][-1] == pytest.approx(left, rel=1e-4)


def test_resistance_rises_as_one_minus_an_exponential_under_full_occupancy(trial, values):
    days = np.array([0.0, 100.0, 300.0])
    found = course(trial, values, days, ic50_raf=0.01, kinase_shift=0.001)["resistance"]
    np.testing.assert_allclose(found, 1.0 - np.exp(-values["resistance_rate"] * days), atol=1e-3)


def test_cut_hazards_of_death_are_their_integrals(trial, values):
    # without growth, killing and loss of reserve burden stays where it is and both hazards are constant
    cut = ("proliferation_of_tumour", "immune_killing", "apoptosis", "liver_loss")
    still = compile_model(trial.model.without(*cut, "lesion_factor"))
    found = course(still, values, [0.0, 50.0, 200.0], initial_volume=600.0, liver_start=0.8)
    h, w = values["baseline_hazard"], values["liver_death_share"]
    by_tumour = h * (1.0 - w) * (600.0 / values["reference_volume"]) ** values["burden_exponent"]
    by_liver = h * w * math.exp(values["liver_hazard_slope"] * 0.2)
    days = np.array([0.0, 50.0, 200.0])
    np.testing.assert_allclose(found["tumour_hazard"], by_tumour * days, rtol=1e-8)
    np.testing.assert_allclose(found["liver_hazard"], by_liver * days, rtol=1e-8)
    np.testing.assert_allclose(found["death_hazard"], (by_tumour + by_liver) * days, rtol=1e-8)
    # with lesions at a constant rate l the factor is 1 + v (1 - exp(-l t)), whose integral is (1 + v) t - v (1 - exp(-l t)) / l
    found = course(
        compile_model(trial.model.without(*cut, "lesion_drug_action")), values, days, initial_volume=600.0, liver_start=0.8
    )
    rate = values["new_lesion_rate"] * values["growth"] / values["reference_growth"]
    np.testing.assert_allclose(found["lesion_hazard"], rate * days, rtol=1e-6)
    burden = values["lesion_burden"]
    seen = by_tumour * ((1.0 + burden) * days - burden * (1.0 - np.exp(-rate * days)) / rate)
    np.testing.assert_allclose(found["tumour_hazard"], seen, rtol=1e-6)


def test_traffic_between_functional_and_pd1_cells_makes_and_loses_none(trial):
    rates = trial.model.rates
    total = trial.model.expand(rates["effector_cells"] + rates["pd1_cells"])
    for name in ("exhaustion_rate", "recovery_rate"):
        assert sp.simplify(sp.diff(total, symbol(name))) == 0


def test_dead_tumour_is_cleared_and_stays_in_the_sum_of_diameters_until_then(trial, values):
    quiet = compile_model(
        trial.model.without("proliferation_of_tumour", "immune_killing", "killing", "apoptosis", "drug_apoptosis")
    )
    days = np.array([0.0, 30.0, 200.0])
    found = course(quiet, values, days)
    np.testing.assert_allclose(found["necrosis"], found["necrosis"][0] * np.exp(-values["necrosis_clearance"] * days), rtol=1e-6)
    seen = (1.0 + found["necrosis"]) / (1.0 + found["necrosis"][0])
    np.testing.assert_allclose(found["log_diameter"], np.log(seen) / 3.0, atol=1e-9)
