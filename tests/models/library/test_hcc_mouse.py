"""Mice under sorafenib: measured exposure, laws of the equations, and what the experiments of document000 must give."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.fitting.claims.check import set_up
from kinimmune.fitting.claims.evidence import satisfies
from kinimmune.fitting.claims.general import GENERAL
from kinimmune.fitting.claims.parameter_sets import draw_parameters, nominal
from kinimmune.fitting.claims.table import read_claims
from kinimmune.models.catalogue import load_model
from kinimmune.models.experiments.run import apply_experiment, run_experiment
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.solvers.dosing import Dose, Schedule
from kinimmune.models.solvers.individual import simulate
from kinimmune.models.solvers.integrators import by_scipy
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.parameters import values_for
from kinimmune.models.tables.rows import Tables

DRAWS = 64
HOURS_PER_DAY = 24.0
MICROMOLAR_PER_MG_PER_LITRE = 1.0 / 0.4648
RESTING = ("treg_number", "treg_function", "ki67_fraction", "conventional_cells", "effector_cells", "pd1_cells")


@pytest.fixture(scope="module")
def mouse():
    return compile_model(load_model("hcc_mouse"))


@pytest.fixture(scope="module")
def setup():
    return set_up(load_model("hcc_mouse"), read_claims(Tables(), "hcc_mouse"), Tables(), 1)


@pytest.fixture(scope="module")
def typical(setup):
    return ExperimentBatch(setup, nominal(setup.compiled.model.parameters))


@pytest.fixture(scope="module")
def mice(setup):
    return ExperimentBatch(setup, draw_parameters(setup.compiled.model.parameters, DRAWS, 1.0, 11))


def follow(mouse, time, doses, **changes):
    values = values_for(mouse.model.parameters, None) | changes
    found = simulate(mouse, values, np.asarray(time, dtype=float), Schedule(doses=tuple(doses)))
    assert found.completion is Completion.COMPLETE
    return {state.name: course for state, course in zip(mouse.model.states, found.states, strict=True)}


def random_states(mouse, n):
    """Return positive states around 1 and parameters with inputs 0, both with n columns."""
    drawn = draw_parameters(mouse.model.parameters, n, 1.0, 3)
    states = np.exp(np.random.default_rng(4).normal(0.0, 1.0, (len(mouse.model.states), n)))
    return states, np.vstack([drawn, np.zeros((len(mouse.model.inputs), n))])


def rate(mouse, states, parameters, name):
    return mouse.rhs(0.0, states, parameters)[[state.name for state in mouse.model.states].index(name)]


def test_ten_mg_per_kg_gives_the_measured_exposure(mouse):
    """Cmax 6.9 +- 1.3 mg/L and AUC(0-6 h) 24.0 +- 4.8 mg h/L (lagas2010)."""
    time = np.linspace(0.0, 0.25, 601)
    course = follow(mouse, time, [Dose(0.0, "gut_drug", 10.0)])["concentration"]
    assert course.max() == pytest.approx(6.9, abs=1.3)
    assert np.trapezoid(course, time) * HOURS_PER_DAY == pytest.approx(24.0, abs=4.8)


def test_sixty_mg_per_kg_a_day_give_ten_micromolar_on_average_and_less_than_six_times_ten(mouse):
    time = np.linspace(0.0, 7.0, 2801)
    last = time >= 6.0
    averages = {}
    for amount in (10.0, 60.0):
        doses = [Dose(float(day), "gut_drug", amount) for day in range(7)]
        course = follow(mouse, time, doses)["concentration"]
        averages[amount] = np.trapezoid(course[last], time[last])
    assert averages[60.0] * MICROMOLAR_PER_MG_PER_LITRE == pytest.approx(10.0, rel=0.1)
    assert averages[60.0] < 4.0 * averages[10.0]


def test_what_is_dosed_is_absorbed_or_leaves_the_gut_and_what_is_absorbed_is_eliminated(mouse):
    values = values_for(mouse.model.parameters, None)
    time = np.linspace(0.0, 6.0, 12001)
    course = follow(mouse, time, [Dose(0.0, "gut_drug", 30.0)])
    cleared = values["elimination_rate"] * values["distribution_volume"] * np.trapezoid(course["concentration"], time)
    passed = values["gut_transit"] * np.trapezoid(course["gut_drug"], time)
    assert cleared + passed == pytest.approx(30.0, rel=1e-3)


def test_the_antibody_decays_exponentially_between_doses(typical):
    lost = values_for(typical.setup.compiled.model.parameters, None)["antibody_elimination"]
    end = typical.day("end")
    expected = sum(66.7 * np.exp(-lost * (end - day)) for day in range(7, 29, 3))
    assert typical.read("anti_pd1", "antibody", "end")[0] == pytest.approx(expected, rel=1e-3)


def test_no_tumour_stays_no_tumour_and_t_cells_rest(mice):
    start = mice.setup.compiled.initial(np.vstack([mice.changed("tumour_free"), np.zeros((1, DRAWS))]))
    names = [state.name for state in mice.setup.compiled.model.states]
    for day in ("end", "washout"):
        assert np.all(mice.read("tumour_free", "tumour_volume", day) == 0.0)
        assert np.all(mice.read("tumour_free_30", "tumour_volume", day) == 0.0)
        for name in RESTING:
            np.testing.assert_allclose(mice.read("tumour_free", name, day), start[names.index(name)], rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("experiment", ["vehicle", "sorafenib_60", "anti_pd1_30", "depleted_30", "tumour_free_30"])
def test_states_stay_non_negative(mice, experiment):
    for state in mice.setup.compiled.model.states:
        course = np.concatenate([mice.read(experiment, state.name, day) for day in ("end", "washout")])
        assert np.all(np.isfinite(course))
        if state.nonnegative:
            assert np.all(course >= -1e-6 * np.maximum(1.0, course.max()))


def test_dose_zero_equals_vehicle(mouse):
    days = np.array([0.0, 14.0, 28.0])
    nothing = follow(mouse, days, [Dose(float(day), "gut_drug", 0.0) for day in range(7, 29)])
    vehicle = follow(mouse, days, [])
    for name, course in vehicle.items():
        np.testing.assert_allclose(nothing[name], course, rtol=1e-5, atol=1e-9)


def test_blocking_division_never_slows_regression(mouse):
    states, parameters = random_states(mouse, 500)
    names = [state.name for state in mouse.model.states]
    blocked = states.copy()
    blocked[names.index("cyclin_d1")] = 0.0
    states[names.index("cyclin_d1")] = 1.0
    assert np.all(rate(mouse, blocked, parameters, "log_volume") <= rate(mouse, states, parameters, "log_volume"))


def test_pd1_traffic_conserves_cells():
    gains_and_losses = ("priming", "effector_division", "effector_death", "exhausted_death", "cd8_depleted")
    closed = compile_model(load_model("hcc_mouse").without(*gains_and_losses))
    states, parameters = random_states(closed, 200)
    functional, exhausted = (rate(closed, states, parameters, name) for name in ("effector_cells", "pd1_cells"))
    assert np.any(functional != 0.0)
    np.testing.assert_allclose(functional + exhausted, 0.0, atol=1e-12 * np.abs(functional).max())


def test_each_arm_alone_gives_an_intermediate_fall(mice):
    both, neither = (mice.read(name, "treg_number", "end") for name in ("tumour_free_30", "tumour_free_neither"))
    for arm in ("tumour_free_proliferation_only", "tumour_free_apoptosis_only"):
        one = mice.read(arm, "treg_number", "end")
        assert np.all((both < one) & (one < neither))


@pytest.mark.parametrize(
    ("marker", "moving", "resting"),
    [
        ("ki67_fraction", "tumour_free_proliferation_only", "tumour_free_apoptosis_only"),
        ("annexin_fraction", "tumour_free_apoptosis_only", "tumour_free_proliferation_only"),
    ],
)
def test_each_marker_moves_with_its_own_arm_alone(mice, marker, moving, resting):
    untreated = mice.read("tumour_free", marker, "end")
    np.testing.assert_allclose(mice.read(resting, marker, "end"), untreated, rtol=1e-3)
    np.testing.assert_allclose(mice.read(moving, marker, "end"), mice.read("tumour_free_30", marker, "end"), rtol=1e-3)
    assert np.all(np.abs(np.log(mice.read(moving, marker, "end") / untreated)) > 1e-3)


def test_the_suppression_assay_sees_function_and_not_number(mice):
    fewer, as_many = (mice.read(name, "suppression_assay", "end") for name in ("tumour_free_30", "tumour_free_neither"))
    np.testing.assert_allclose(fewer, as_many, rtol=1e-3)
    assert np.all(fewer < mice.read("tumour_free", "suppression_assay", "end"))


def test_tregs_fall_without_a_tumour_by_a_factor_within_two_of_that_with_one(typical):
    folds = [
        typical.read(treated, "treg_fraction", "end")[0] / typical.read(control, "treg_fraction", "end")[0]
        for treated, control in (("sorafenib_30", "vehicle"), ("tumour_free_30", "tumour_free"))
    ]
    assert max(folds) < 0.95
    assert 0.5 < folds[0] / folds[1] < 2.0


def test_benefit_is_lost_in_part_blind_to_t_cells_and_kept_in_part_without_cd8_cells(typical):
    volume = {
        name: typical.read(name, "tumour_volume", "end")[0]
        for name in ("vehicle", "sorafenib_30", "blind_to_t_cells", "depleted", "depleted_30")
    }
    assert volume["sorafenib_30"] < 0.95 * volume["blind_to_t_cells"] < 0.95**2 * volume["vehicle"]
    assert volume["depleted_30"] < 0.95 * volume["depleted"]


def test_a_clamped_tumour_grows_alike_with_and_without_drug(mice):
    treated, control = (mice.read(name, "tumour_volume", "end") for name in ("clamped_30", "clamped"))
    np.testing.assert_allclose(treated, control, rtol=1e-3)


def test_kernel_and_scipy_agree_on_prior_draws(setup):
    tolerances = Tolerances(1e-6, 1e-8)
    experiment = setup.experiments["anti_pd1_30"]
    drawn = draw_parameters(setup.compiled.model.parameters, 20, 1.0, 21)
    run = partial(run_experiment, setup.compiled, experiment=experiment, days=(8.0, 14.0), tolerances=tolerances)
    parameters = apply_experiment(setup.compiled, experiment, drawn)
    fast, slow = (run(integrate=how, parameters=parameters).values for how in (setup.integrate, by_scipy(setup.compiled)))
    for state in setup.compiled.model.states:
        expected = slow[state.name]
        scale = np.maximum(np.abs(expected), 1.0)
        np.testing.assert_array_less(np.abs(fast[state.name] - expected) / scale, 10.0 * tolerances.relative)


def test_a_change_to_nothing_is_infinite_and_no_warning(typical):
    """A mouse without a tumour has none of the volume of the other; no claim holds by that."""
    claim = next(item for item in read_claims(Tables(), "hcc_mouse") if item.id == "A11")
    volume = replace(claim, readout="log_ratio", quantity="tumour_volume", experiment="tumour_free", baseline="vehicle")
    found = GENERAL["log_ratio"](typical, volume)
    assert found.tolist() == [np.inf]
    assert not satisfies(volume, found).any()
