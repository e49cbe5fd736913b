"""Cell lines in culture: binding in medium, growth, and IC50s as a reader measures them."""

import math

import numpy as np
import pytest

from kinimmune.fitting.claims.check import check_claims, set_up
from kinimmune.fitting.claims.parameter_sets import draw_parameters
from kinimmune.fitting.claims.table import read_claims
from kinimmune.models.catalogue import load_model
from kinimmune.models.experiments.dose_response import concentrations, crossing_concentration, log_ic50
from kinimmune.models.library.hcc_cells import KINASES, LINES
from kinimmune.models.solvers.individual import simulate
from kinimmune.models.solvers.scipy_ensemble import integrate_by_scipy
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.parameters import values_for
from kinimmune.models.tables.readers import read_kinases, read_parameters
from kinimmune.models.tables.rows import Tables

THREE_DAYS = np.array([0.0, 3.0])


@pytest.fixture(scope="module")
def cells():
    return compile_model(load_model("hcc_cells"))


@pytest.fixture(scope="module")
def values(cells):
    return values_for(cells.model.parameters, None)


def end(cells, values, total=0.0, **changes):
    course = simulate(cells, values | changes | {"medium_concentration": total}, THREE_DAYS)
    names = [item.name for item in (*cells.model.states, *cells.model.outputs)]
    return dict(zip(names, [*course.states[:, 1], *course.outputs[:, 1]], strict=True))


def bound_over_free(values):
    return values["serum_protein_share"] * (1.0 / values["unbound_fraction"] - 1.0)


def test_untreated_cells_grow_exponentially(cells, values):
    grown = end(cells, values)
    for line in LINES:
        assert grown[f"cells_{line}"] == pytest.approx(math.exp(3.0 * values[f"growth_{line}"]), rel=1e-6)
        assert grown[f"dying_{line}"] == 0.0


@pytest.mark.parametrize("kinase", KINASES)
def test_half_of_a_kinase_is_held_at_its_ic50_times_the_shift(cells, values, kinase):
    total = values["kinase_shift"] * values[f"ic50_{kinase}"] * (1.0 + bound_over_free(values))
    assert end(cells, values, total)[f"held_{kinase}"] == pytest.approx(0.5, rel=1e-12)


def test_kinases_are_the_ten_of_the_table(values):
    assert sorted(values[f"ic50_{kinase}"] for kinase in KINASES) == sorted(
        item.ic50 for item in read_kinases() if item.drug == "sorafenib"
    )


def test_serum_as_rich_as_plasma_binds_as_plasma_does_and_none_binds_nothing(cells, values):
    half = values["kinase_shift"] * values["ic50_raf"]
    plasma = end(cells, values, half / values["unbound_fraction"], serum_protein_share=1.0)
    bare = end(cells, values, half, serum_protein_share=0.0)
    assert plasma["held_raf"] == pytest.approx(0.5, rel=1e-9)
    assert bare["held_raf"] == pytest.approx(0.5, rel=1e-9)


@pytest.fixture(scope="module")
def setup():
    return set_up(load_model("hcc_cells"), read_claims(Tables(), "hcc_cells"), Tables(), 1)


def test_more_drug_never_leaves_more_cells_on_prior_draws(setup):
    drawn = draw_parameters(setup.compiled.model.parameters, 20, 1.0, 2)
    series = np.array([0.0, 10.0, 100.0, 1e3, 1e4, 1e5])
    sets = np.tile(drawn, series.size)
    sets[setup.compiled.parameter_names.index("medium_concentration")] = np.repeat(series, 20)
    course = setup.integrate(initial=setup.compiled.initial(sets), parameters=sets, time=THREE_DAYS)
    for line in LINES:
        numbers = course[f"log_{line}"][1].reshape(series.size, 20)
        assert np.all(np.diff(numbers, axis=0) < 1e-5)


def test_kernel_and_scipy_agree_on_prior_draws(setup):
    drawn = draw_parameters(setup.compiled.model.parameters, 20, 1.0, 3)
    drawn[setup.compiled.parameter_names.index("medium_concentration")] = np.geomspace(10.0, 1e5, 20)
    common = {"initial": setup.compiled.initial(drawn), "parameters": drawn, "time": THREE_DAYS}
    fast = setup.integrate(**common, tolerances=Tolerances(1e-6, 1e-8))
    slow = integrate_by_scipy(setup.compiled, **common, tolerances=Tolerances(1e-10, 1e-12))
    assert fast.failures == slow.failures == {}
    assert np.max(np.abs(fast.states - slow.states) / np.maximum(np.abs(slow.states), 1.0)) < 1e-5


def test_shift_and_cascade_are_the_rows_of_the_trial_model():
    """One drug variable: the same row of the table serves both models."""
    trial = {item.name: item for item in read_parameters("hcc_trial")}
    shared = [item for item in read_parameters("hcc_cells") if item.name in trial]
    assert {"kinase_shift", "unbound_fraction", "ic50_raf", "erk_feedback", "cyclin_floor"} <= {item.name for item in shared}
    for item in shared:
        if item.name != "kinase_shift":
            assert item == trial[item.name]
    shift = next(item for item in shared if item.name == "kinase_shift")  # patients differ in it, the cells of a dish do not
    assert (shift.value, shift.prior) == (trial["kinase_shift"].value, trial["kinase_shift"].prior)


def test_concentration_that_crosses_half_of_a_hill_curve_is_its_half_concentration():
    series = concentrations()
    halves = np.array([3.0, 400.0, 7e4])
    response = 1.0 / (1.0 + series[:, None] / halves)
    np.testing.assert_allclose(crossing_concentration(series, response, 0.5), halves, rtol=2e-3)


def test_a_response_that_never_halves_has_no_ic50_and_a_fit_still_sees_how_far_it_is():
    series = concentrations()
    shallow = -np.array([0.2, 0.6]) * (series / (series + 100.0))[:, None]
    assert np.all(np.isinf(crossing_concentration(series, np.exp(shallow), 0.5)))
    beyond = log_ic50(series, shallow)
    assert np.all(beyond > math.log(series[-1]))
    assert beyond[0] > beyond[1]


@pytest.mark.slow
def test_every_claim_holds_at_the_tables_values_and_breaks_without_its_mechanism():
    results = check_claims(["hcc_cells"], Tables(), draws=16, seed=1, jobs=2, progress=lambda _: None)
    assert len(results) == 19
    assert [item.id for item in results if not item.holds] == []
    assert [item.id for item in results if any(cut.holds for cut in item.ablations)] == []
