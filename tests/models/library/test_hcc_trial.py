"""The trial model as a whole: rest before treatment, what the drug does and does not reach, and its equations as text."""

import numpy as np
import pytest
import sympy as sp

from kinimmune.models.catalogue import load_model
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.solvers.dosing import constant
from kinimmune.models.solvers.individual import simulate
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.parameters import Scale, values_for
from kinimmune.models.tables.readers import read_kinases

IMMUNE = ("treg_number", "treg_function", "effector_cells", "pd1_cells")
RELATIVE = ("phospho_mek", "phospho_erk", "cyclin_d1", "vascular_support")


@pytest.fixture(scope="module")
def trial():
    return compile_model(load_model("hcc_trial"))


@pytest.fixture(scope="module")
def values(trial):
    return values_for(trial.model.parameters, "sharp")


@pytest.fixture(scope="module")
def draws(trial):
    """Draw 500 patients from the priors, shape (n_parameters + n_inputs, 500), untreated."""
    rng, rows = np.random.default_rng(5), []
    for name in trial.model.parameter_names:
        item = next(item for item in trial.model.parameters if item.name == name)
        drawn = [item.prior.from_z(score) for score in rng.standard_normal(500)]
        rows.append(np.clip(drawn, item.lower, item.upper))
    return np.vstack([*rows, np.zeros((len(trial.model.inputs), 500))])


def row(trial, name):
    return [state.name for state in trial.model.states].index(name)


def follow(trial, values, time, dose_rate, **changes):
    return simulate(trial, values | changes, np.asarray(time, dtype=float), constant(dose_rate=dose_rate))


def test_before_treatment_immune_cells_and_signals_rest(trial, draws):
    start = trial.initial(draws)
    rates = trial.rhs(0.0, start, draws)
    turnover = np.abs(trial.jacobian(0.0, start, draws))
    for name in (*IMMUNE, *RELATIVE, "concentration", "induction", "resistance"):
        i = row(trial, name)
        np.testing.assert_array_less(np.abs(rates[i]), 1e-9 * (turnover[i, i] * start[i] + 1e-6))
        assert np.all(start[i] >= 0.0)
    assert np.all(start[[row(trial, name) for name in IMMUNE]] > 0.0)


@pytest.mark.parametrize("end", ["lower", "upper"])
def test_every_parameter_may_stand_at_either_end_of_its_range(trial, values, end):
    moved = [item for item in trial.model.parameters if item.prior.scale is not Scale.FIXED and item.study in (None, "sharp")]
    p = np.stack([trial.vector(values | {"dose_rate": 800.0, item.name: getattr(item, end)}) for item in moved], axis=1)
    start = trial.initial(p)
    bad = ~np.all(np.isfinite(start) & np.isfinite(trial.rhs(0.0, start, p)), axis=0) | np.any(start < 0.0, axis=0)
    assert [item.name for item, wrong in zip(moved, bad, strict=True) if wrong] == []


def test_rates_point_inward_where_a_state_is_zero(trial, draws):
    """Non-negative states stay so: at zero, with the others anywhere, no rate is negative."""
    rng = np.random.default_rng(6)
    treated = draws.copy()
    treated[-1] = 800.0
    for i, state in enumerate(trial.model.states):
        if not state.nonnegative:
            continue
        y = trial.initial(treated) * rng.uniform(0.2, 2.0, (len(trial.model.states), 500))
        y[[row(trial, name) for name in ("resistance", "induction", "phospho_erk")]] = rng.uniform(0.0, 1.0, (3, 500))
        y[i] = 0.0
        assert np.all(trial.rhs(0.0, y, treated)[i] >= -1e-15), state.name


def test_dose_zero_is_the_control_bit_for_bit(trial, values):
    days = np.arange(0.0, 400.0, 50.0)
    untreated = simulate(trial, values, days)
    zero = follow(trial, values, days, 0.0)
    assert zero.states.tobytes() == untreated.states.tobytes()
    assert zero.outputs.tobytes() == untreated.outputs.tobytes()


def test_a_patient_in_whom_no_kinase_is_reached_has_the_course_of_the_control(trial, values):
    blind = compile_model(trial.model.without(*(arrow for arrow in trial.model.interactions if arrow.startswith("occupancy_"))))
    days = np.arange(0.0, 700.0, 100.0)
    tight = Tolerances(1e-10, 1e-13)
    treated = simulate(blind, values, days, constant(dose_rate=800.0), tolerances=tight)
    control = simulate(trial, values, days, tolerances=tight)
    assert treated.states[row(trial, "concentration"), -1] > 1.0
    np.testing.assert_allclose(treated.outputs, control.outputs, rtol=1e-7, atol=1e-8)


def test_untreated_burden_seen_on_scans_grows_with_the_net_rate(trial, values):
    """At the reference volume killing is its reference value, so d ln d / dt = g / 3 less what the capacity takes."""
    at = values | {"initial_volume": values["reference_volume"]}
    growth, kill = at["growth"], at["immune_kill"] * at["growth"] / at["reference_growth"]
    necrosis = kill / (at["necrosis_clearance"] + growth)
    for capacity in (6000.0, 1e6):
        found = follow(trial, at, [0.0, 1e-3], 0.0, volume_capacity=capacity).outputs[0]
        crowding = (growth + kill) * at["reference_volume"] / capacity / (1.0 + necrosis)
        assert found[1] / 1e-3 == pytest.approx((growth - crowding) / 3.0, rel=1e-4)
    assert found[1] / 1e-3 == pytest.approx(growth / 3.0, rel=1e-3)


def at_six_weeks(trial, values, dose_rate):
    found = follow(trial, values, [0.0, 42.0], dose_rate)
    names = [item.name for item in (*trial.model.states, *trial.model.outputs)]
    return dict(zip(names, [*found.states[:, 1], *found.outputs[:, 1]], strict=True))


def test_six_weeks_of_drug_leave_a_smaller_tumour_fewer_tregs_and_more_effector_activity(trial, values):
    treated, control = at_six_weeks(trial, values, 800.0), at_six_weeks(trial, values, 0.0)
    lower = ("tumour_volume", "treg_number", "treg_function", "phospho_erk", "cyclin_d1", "vascular_support", "pd1_fraction")
    assert [name for name in lower if treated[name] > 0.99 * control[name]] == []
    assert treated["effector_activity"] > 1.05 * control["effector_activity"]
    assert treated["death_hazard"] < control["death_hazard"]


def test_tumour_at_six_weeks_falls_with_dose(trial, values):
    volumes = [at_six_weeks(trial, values, dose)["tumour_volume"] for dose in (0.0, 100.0, 400.0, 800.0, 1600.0)]
    assert np.all(np.diff(volumes) < -1.0)


def test_kinases_that_drive_the_model_are_those_of_the_table_and_have_its_ic50(trial, values):
    (role,) = trial.model.drugs
    kinases = [kinase for kinase in read_kinases() if kinase.drug == role.drug]
    drives = {kinase.drives: kinase for kinase in kinases if kinase.drives}
    assert set(drives) == {item.name for item in trial.model.definitions if item.name.startswith("occupancy_")}
    rates = sp.Matrix([trial.model.expand(rate) for rate in trial.model.rates.values()])
    reached = {str(used) for used in rates.free_symbols if str(used).startswith("ic50_")}
    assert reached == {name.replace("occupancy_", "ic50_") for name in drives}
    for name, kinase in drives.items():
        assert values[name.replace("occupancy_", "ic50_")] == kinase.ic50
    # document002, Table 1 has ten; the others reach nothing
    assert sum(not kinase.drives for kinase in kinases) == 10 - len(drives) == 6


def test_without_any_one_arrow_a_patient_can_still_be_followed(trial, values):
    switched = compile_model(trial.model.with_switches(*trial.model.interactions))
    on = values | {f"keep_{name}": 1.0 for name in trial.model.interactions}
    days = np.array([0.0, 180.0])
    whole = simulate(switched, on, days, constant(dose_rate=800.0), tolerances=Tolerances(1e-6, 1e-8))
    np.testing.assert_allclose(whole.outputs, follow(trial, values, days, 800.0).outputs, rtol=1e-4, atol=1e-6)
    for arrow in trial.model.interactions:
        found = simulate(
            switched, on | {f"keep_{arrow}": 0.0}, days, constant(dose_rate=800.0), tolerances=Tolerances(1e-6, 1e-8)
        )
        assert found.completion is Completion.COMPLETE, arrow
        assert np.abs(found.states - whole.states).max() > 1e-6, arrow


def formulas(model):
    """Return (name, formula) of everything that has one."""
    named = [(item.name, item.expression) for item in (*model.definitions, *model.outputs, *model.terms)]
    named += [(item.name, item.neutral) for item in model.definitions if item.neutral is not None]
    return [*named, *((state.name, state.initial) for state in model.states)]


@pytest.mark.parametrize("name", ["hcc_trial", "gompertz"])
def test_no_formula_holds_a_number_but_small_integers_and_simple_fractions(name):
    for label, formula in formulas(load_model(name)):
        for number in formula.atoms(sp.Number, sp.NumberSymbol):
            assert number.is_Rational, (label, number)
            assert abs(number.p) <= 4, (label, number)
            assert number.q <= 3, (label, number)


@pytest.mark.parametrize("name", ["hcc_trial", "gompertz"])
def test_every_parameter_is_used_and_every_symbol_declared(name):
    model = load_model(name)
    used = {str(used) for _, formula in formulas(model) for used in formula.free_symbols}
    used |= {item.spread.sd for item in model.parameters if item.spread is not None and isinstance(item.spread.sd, str)}
    read_by_trials = set() if model.trial is None else {model.trial.reading_error} - {None}
    assert set(model.parameter_names) - used == read_by_trials
    known = {item.name for item in (*model.states, *model.definitions, *model.inputs)} | {*model.parameter_names, "t"}
    assert used - known == set()


def test_every_definition_reaches_a_rate_a_start_or_an_output(trial):
    model = trial.model
    ends = [*model.rates.values(), *(item.expression for item in model.outputs), *(state.initial for state in model.states)]
    reached = {str(used) for formula in ends for used in formula.free_symbols}
    for item in reversed(model.definitions):
        if item.name in reached:
            reached |= {str(used) for used in item.expression.free_symbols}
    assert {item.name for item in model.definitions} - reached == set()


@pytest.mark.parametrize("name", ["hcc_trial", "gompertz"])
def test_everything_has_a_reason_a_unit_and_a_symbol_to_print(name):
    model = load_model(name)
    texts = [(item.name, item.reason) for item in (*model.mechanisms, *model.definitions, *model.terms, *model.outputs)]
    texts += [(item.name, item.meaning) for item in (*model.states, *model.inputs, *model.parameters)]
    printed = (*model.states, *model.inputs, *model.parameters, *model.definitions, *model.outputs)
    texts += [(item.name, item.symbol) for item in printed] + [(item.name, item.unit) for item in printed]
    assert [label for label, text in texts if not text.strip()] == []


def test_printed_symbols_of_states_parameters_and_inputs_differ(trial):
    model = trial.model
    symbols = {item.name: item.symbol for item in (*model.states, *model.inputs, *model.parameters, *model.definitions)}
    shared = {name: printed for name, printed in symbols.items() if list(symbols.values()).count(printed) > 1}
    assert shared == {}


def test_the_volume_stays_positive_however_long_the_drug_acts(trial, values):
    found = follow(trial, values, [0.0, 2000.0], 800.0, apoptosis_rate=0.5)
    assert found.completion is Completion.COMPLETE
    names = [item.name for item in trial.model.outputs]
    assert 0.0 < found.outputs[names.index("tumour_volume"), 1] < 1e-30
