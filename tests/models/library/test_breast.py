"""The breast model as a whole: rest before treatment, conservation, what interventions reach, and its claims."""

import numpy as np
import pytest

from kinimmune.fitting.claims.check import check_claims, set_up
from kinimmune.fitting.claims.parameter_sets import draw_parameters
from kinimmune.fitting.claims.table import read_claims
from kinimmune.models.catalogue import load_model
from kinimmune.models.solvers.dosing import Dose, Schedule, constant
from kinimmune.models.solvers.individual import simulate
from kinimmune.models.solvers.scipy_ensemble import integrate_by_scipy
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.parameters import Scale, values_for
from kinimmune.models.tables.rows import Tables

IMMUNE = ("m1", "m2", "presentation", "m1_factors", "treg_number", "effector_cells", "pd1_cells")
DRUG = 100.0


@pytest.fixture(scope="module")
def breast():
    return compile_model(load_model("breast"))


@pytest.fixture(scope="module")
def values(breast):
    return values_for(breast.model.parameters, None)


@pytest.fixture(scope="module")
def draws(breast):
    """Draw 300 mice from the priors, shape (n_parameters + n_inputs, 300), nothing given."""
    drawn = draw_parameters(breast.model.parameters, 300, 1.0, 5)
    return np.concatenate([drawn, np.zeros((len(breast.model.inputs), 300))])


def row(breast, name):
    return [state.name for state in breast.model.states].index(name)


def place(breast, name):
    return breast.parameter_names.index(name)


def end(breast, values, given=None, days=28.0, **changes):
    """Return states and outputs by name after some days under inputs held from day 0."""
    found = simulate(breast, values | changes, np.array([0.0, days]), constant(**(given or {})))
    names = [item.name for item in (*breast.model.states, *breast.model.outputs)]
    return dict(zip(names, [*found.states[:, 1], *found.outputs[:, 1]], strict=True))


def test_before_treatment_immune_cells_and_signals_rest(breast, draws):
    start = breast.initial(draws)
    rates, turnover = breast.rhs(0.0, start, draws), np.abs(breast.jacobian(0.0, start, draws))
    for name in (*IMMUNE, "mif", "hif", "e2f_activity", "concentration", "antibody"):
        i = row(breast, name)
        np.testing.assert_array_less(np.abs(rates[i]), 1e-9 * (turnover[i, i] * start[i] + 1e-6))
    assert np.all(start[[row(breast, name) for name in IMMUNE]] > 0.0)


def test_immune_cells_rest_in_a_tumour_without_mif_too(breast, draws):
    without = draws.copy()
    without[place(breast, "mif_deletion")] = 1.0
    start = breast.initial(without)
    assert np.all(start[row(breast, "mif")] == 0.0)
    rates, turnover = breast.rhs(0.0, start, without), np.abs(breast.jacobian(0.0, start, without))
    for name in IMMUNE:
        i = row(breast, name)
        np.testing.assert_array_less(np.abs(rates[i]), 1e-9 * (turnover[i, i] * start[i] + 1e-6))


@pytest.mark.parametrize("side", ["lower", "upper"])
def test_every_parameter_may_stand_at_either_end_of_its_range(breast, values, side):
    moved = [item for item in breast.model.parameters if item.prior.scale is not Scale.FIXED]
    p = np.stack([breast.vector(values | {"dose_rate": DRUG, item.name: getattr(item, side)}) for item in moved], axis=1)
    start = breast.initial(p)
    bad = ~np.all(np.isfinite(start) & np.isfinite(breast.rhs(0.0, start, p)), axis=0) | np.any(start < 0.0, axis=0)
    assert [item.name for item, wrong in zip(moved, bad, strict=True) if wrong] == []


def test_rates_point_inward_where_a_state_is_zero(breast, draws):
    rng = np.random.default_rng(6)
    given = draws.copy()
    given[-len(breast.model.inputs) :] = rng.uniform(0.0, 1.0, (len(breast.model.inputs), 300))
    for i, state in enumerate(breast.model.states):
        if state.nonnegative:
            y = breast.initial(given) * rng.uniform(0.2, 2.0, (len(breast.model.states), 300))
            y[row(breast, "e2f_activity")] = rng.uniform(0.0, 1.0, 300)
            y[i] = 0.0
            assert np.all(breast.rhs(0.0, y, given)[i] >= -1e-15), state.name


def test_macrophages_only_die_when_none_are_recruited(breast, draws):
    """With recruitment off, M1 + M2 falls at the death rate: repolarisation moves cells and makes none."""
    closed = draws.copy()
    y = breast.initial(closed)
    closed[place(breast, "macrophage_recruitment")] = 0.0
    rates = breast.rhs(0.0, y, closed)
    first, second = row(breast, "m1"), row(breast, "m2")
    total = y[first] + y[second]
    np.testing.assert_allclose(rates[first] + rates[second], -closed[place(breast, "macrophage_death")] * total, rtol=1e-9)


def test_cd8_cells_only_die_when_none_are_primed_or_divide(breast, draws):
    closed = draws.copy()
    y = breast.initial(closed)
    for name in ("effector_priming", "effector_proliferation"):
        closed[place(breast, name)] = 0.0
    y[row(breast, "antibody")] = 20.0
    rates = breast.rhs(0.0, y, closed)
    functional, exhausted = row(breast, "effector_cells"), row(breast, "pd1_cells")
    lost = closed[place(breast, "effector_death")] * y[functional] + closed[place(breast, "exhausted_death")] * y[exhausted]
    np.testing.assert_allclose((rates[functional] + rates[exhausted]) / lost, -1.0, rtol=1e-6)


def test_no_tumour_stays_no_tumour(breast, values):
    found = end(breast, values, {"dose_rate": DRUG}, initial_volume=0.0)
    assert found["tumour_volume"] == 0.0
    assert found["effector_cells"] == 0.0
    assert [name for name, value in found.items() if not np.isfinite(value)] == ["functional_fraction"]  # a share of no cells


def test_dose_zero_is_the_vehicle_bit_for_bit(breast, values):
    assert end(breast, values, {"dose_rate": 0.0}) == end(breast, values)


def test_arrest_never_slows_the_regression_of_a_tumour_larger_than_its_capacity(breast, draws):
    starved = draws.copy()
    starved[place(breast, "vascular_capacity")] = draws[place(breast, "initial_volume")] / 5.0
    y = breast.initial(starved)
    fast = breast.rhs(0.0, y, starved)[row(breast, "log_volume")]
    y[row(breast, "e2f_activity")] = 0.0
    slow = breast.rhs(0.0, y, starved)[row(breast, "log_volume")]
    assert np.all(fast < 0.0)
    assert np.all(slow <= fast)


def test_without_immune_cells_and_drug_growth_is_gompertz(breast, values):
    """ln(K/T) decays at the rate g: T(t) = K exp(ln(T0/K) exp(-g t)), to the smallest volume."""
    free = values | {"kill_rate": 0.0, "m1_kill_rate": 0.0}
    found = end(breast, free)["tumour_volume"]
    room = np.log(values["initial_volume"] / values["vascular_capacity"]) * np.exp(-28.0 * values["growth"])
    assert found == pytest.approx(values["vascular_capacity"] * np.exp(room), rel=1e-4)


def test_e2f_activity_settles_at_the_free_share_of_cdk46(breast, values):
    found = end(breast, values, {"dose_rate": DRUG})
    total = DRUG / values["clearance"]
    free = values["unbound_fraction"] * total / values["molar_mass"]
    half = values["kinase_shift"] * values["ic50_cdk46"]
    assert found["e2f_activity"] == pytest.approx(half / (half + free), rel=1e-4)
    assert found["hif"] == pytest.approx(np.exp(values["hif_gain"] * free / (half + free)), rel=1e-4)


def test_blocked_receptors_do_what_loss_of_mif_does_while_mif_still_rises(breast, values):
    """The two differ only by where macrophages start; after 28 d of block from day 0 little of that is left."""
    lost = end(breast, values, {"dose_rate": DRUG}, mif_deletion=1.0)
    blocked = end(breast, values, {"dose_rate": DRUG, "receptor_block": 1.0})
    for name in ("m1_fraction", "presentation", "mif_signalling"):
        assert blocked[name] == pytest.approx(lost[name], rel=0.05, abs=1e-9)
    assert lost["mif"] == 0.0
    assert blocked["mif"] > 2.0 * end(breast, values, {"receptor_block": 1.0})["mif"]


def test_depletion_leaves_few_of_the_cells_it_names_and_no_fewer_of_the_others(breast, values):
    whole = end(breast, values)
    without_cd8, without_macrophages = (end(breast, values, {name: 2.0}) for name in ("cd8_depletion", "macrophage_depletion"))
    assert without_cd8["cd8_cells"] < 0.2 * whole["cd8_cells"]
    assert without_cd8["m1"] == pytest.approx(whole["m1"], rel=0.05)
    assert without_macrophages["m1"] + without_macrophages["m2"] < 0.2 * (whole["m1"] + whole["m2"])


def test_kernel_and_scipy_agree_on_prior_draws():
    setup = set_up(load_model("breast"), read_claims(Tables(), "breast"), Tables(), 1)  # the kernel the claims need anyway
    model = setup.compiled.model
    parameters = draw_parameters(model.parameters, 20, 1.0, 3)
    plan = Schedule((0.0, 10.0), ({}, {"dose_rate": DRUG}), (Dose(10.0, "antibody", 5.0), Dose(13.0, "antibody", 5.0)))
    start = setup.compiled.initial(np.concatenate([parameters, np.zeros((len(model.inputs), 20))]))
    common = {"initial": start, "parameters": parameters, "time": np.array([0.0, 12.0, 28.0])}
    tolerance = 1e-6
    fast = setup.integrate(**common, schedule=plan, tolerances=Tolerances(tolerance, tolerance * 1e-2))
    slow = integrate_by_scipy(setup.compiled, **common, schedule=plan, tolerances=Tolerances(1e-10, 1e-12))
    assert fast.failures == slow.failures == {}
    assert np.max(np.abs(fast.states - slow.states) / np.maximum(np.abs(slow.states), 1.0)) < 10.0 * tolerance


@pytest.mark.slow
def test_every_claim_holds_at_the_tables_values_and_breaks_without_each_of_its_mechanisms():
    results = check_claims(["breast"], Tables(), draws=16, seed=1, jobs=2, progress=lambda _: None)
    stated = [item for item in results if item.verdict != "disputed"]
    assert {item.id for item in stated} >= {"D1a", "D5b1", "D5b2", "D5b3", "D5c", "D5d", "D9a", "D9b", "D15", "D18a"}
    assert [item.id for item in stated if not item.holds] == []
    assert [item.id for item in stated if any(cut.holds for cut in item.ablations)] == []
    assert {item.id for item in results} - {item.id for item in stated} == {"D12", "D14", "D19"}
