"""Cell lines in culture: binding in medium, growth, IC50s as a reader measures them, and what they say of the kinase shift."""

import math

import numpy as np
import pytest

from kinimmune.fitting.cell_lines.fit import compare_shifts, fit_cells
from kinimmune.fitting.cell_lines.response import find_response
from kinimmune.fitting.claims.batch import draw_parameters
from kinimmune.fitting.claims.check import check_claims, set_up
from kinimmune.fitting.claims.table import read_claims
from kinimmune.fitting.estimation.results import EstimateRow
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.experiments.dose_response import concentrations, crossing_concentration, log_halving
from kinimmune.models.library.hcc_cells import KINASES, LINES
from kinimmune.models.solvers.individual import simulate
from kinimmune.models.solvers.scipy_ensemble import integrate_by_scipy
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.parameters import values_for
from kinimmune.models.tables.readers import read_cell_lines, read_kinases, read_parameters
from kinimmune.models.tables.rows import Tables

THREE_DAYS = np.array([0.0, 3.0])


@pytest.fixture(scope="module")
def cells():
    return compile_model(load_model("hcc_cells"))


@pytest.fixture(scope="module")
def values(cells):
    return values_for(cells.model.parameters, None)


@pytest.fixture(scope="module")
def found():
    return fit_cells(Tables())


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
    assert sorted(values[f"ic50_{kinase}"] for kinase in KINASES) == sorted(item.ic50 for item in read_kinases())


def test_serum_as_rich_as_plasma_binds_as_plasma_does_and_none_binds_nothing(cells, values):
    half = values["kinase_shift"] * values["ic50_raf"]
    plasma = end(cells, values, half / values["unbound_fraction"], serum_protein_share=1.0)
    bare = end(cells, values, half, serum_protein_share=0.0)
    assert plasma["held_raf"] == pytest.approx(0.5, rel=1e-9)
    assert bare["held_raf"] == pytest.approx(0.5, rel=1e-9)


@pytest.fixture(scope="module")
def bench():
    return set_up(load_model("hcc_cells"), read_claims(Tables(), "hcc_cells"), Tables(), 1)


def test_more_drug_never_leaves_more_cells_on_prior_draws(bench):
    drawn = draw_parameters(bench.compiled.model.parameters, 20, 1.0, 2)
    series = np.array([0.0, 10.0, 100.0, 1e3, 1e4, 1e5])
    sets = np.tile(drawn, series.size)
    sets[bench.compiled.parameter_names.index("medium_concentration")] = np.repeat(series, 20)
    course = bench.integrate(initial=bench.compiled.initial(sets), parameters=sets, time=THREE_DAYS)
    for line in LINES:
        numbers = course[f"log_{line}"][1].reshape(series.size, 20)
        assert np.all(np.diff(numbers, axis=0) < 1e-5)


def test_kernel_and_scipy_agree_on_prior_draws(bench):
    drawn = draw_parameters(bench.compiled.model.parameters, 20, 1.0, 3)
    drawn[bench.compiled.parameter_names.index("medium_concentration")] = np.geomspace(10.0, 1e5, 20)
    common = {"initial": bench.compiled.initial(drawn), "parameters": drawn, "time": THREE_DAYS}
    fast = bench.integrate(**common, tolerances=Tolerances(1e-6, 1e-8))
    slow = integrate_by_scipy(bench.compiled, **common, tolerances=Tolerances(1e-10, 1e-12))
    assert fast.failures == slow.failures == {}
    assert np.max(np.abs(fast.states - slow.states) / np.maximum(np.abs(slow.states), 1.0)) < 1e-5


def test_shift_and_cascade_are_the_rows_of_the_trial_model():
    """One drug variable: the same row of the table serves both models."""
    trial = {item.name: item for item in read_parameters("hcc_trial")}
    shared = [item for item in read_parameters("hcc_cells") if item.name in trial]
    assert {"kinase_shift", "unbound_fraction", "ic50_raf", "erk_feedback", "cyclin_floor"} <= {item.name for item in shared}
    for item in shared:
        assert item == trial[item.name]


def test_concentration_that_crosses_half_of_a_hill_curve_is_its_half_concentration():
    series = concentrations()
    halves = np.array([3.0, 400.0, 7e4])
    response = 1.0 / (1.0 + series[:, None] / halves)
    np.testing.assert_allclose(crossing_concentration(series, response, 0.5), halves, rtol=2e-3)


def test_a_response_that_never_halves_has_no_ic50_and_a_fit_still_sees_how_far_it_is():
    series = concentrations()
    shallow = -np.array([0.2, 0.6]) * (series / (series + 100.0))[:, None]
    assert np.all(np.isinf(crossing_concentration(series, np.exp(shallow), 0.5)))
    beyond = log_halving(series, shallow)
    assert np.all(beyond > math.log(series[-1]))
    assert beyond[0] > beyond[1]


def test_linear_response_gives_the_ic50_that_the_model_shows(cells, values):
    response = find_response(Tables())
    ic50 = math.exp(float(response.log_ic50("huh7", np.zeros((len(response.free), 1)))[0]))
    treated, untreated = end(cells, values, ic50), end(cells, values)
    assert treated["cells_huh7"] / untreated["cells_huh7"] == pytest.approx(0.5, rel=0.01)


def test_shift_moves_every_ic50_in_proportion():
    """Free drug enters over shift times IC50 only, so ln IC50 moves by the ln of the shift."""
    response = find_response(Tables())
    points = np.zeros((len(response.free), 2))
    place = [item.name for item in response.free].index("kinase_shift")
    points[place, 1] = 1.0
    for line in LINES:
        low, high = response.log_ic50(line, points)
        assert high - low == pytest.approx(response.free[place].prior.sd, rel=1e-9)


def test_fitted_lines_meet_their_published_ranges_and_the_others_have_none(found):
    published = {line.name: line.ic50_lower is not None for line in read_cell_lines()}
    for line in found.lines:
        assert (line.published is not None) == published[line.line]
        if line.published is not None:
            assert line.published[0] < line.median < line.published[1]


def test_lines_ask_for_a_larger_shift_than_the_prior_and_together_narrow_it(found):
    prior, *_, both = found.estimates
    assert (prior.log_mean, prior.log_sd) == (0.0, 1.0)
    assert both.lines == ("HepG2", "Huh7")
    assert both.log_mean > 1.0
    assert 0.5 < both.log_sd < 0.95
    assert both.effective_draws > 100.0


def estimate(mean, sd, prior_sd=1.0):
    ends = math.exp(-1.959963984540054 * prior_sd), math.exp(1.959963984540054 * prior_sd)
    return EstimateRow(
        "kinase_shift", "κ", math.exp(mean), "1", sd, 0.0, 0.0, False, "", 1.0, ends[0], ends[1], sd / prior_sd, "assumed", ""
    )


def test_prior_is_taken_out_of_a_normal_posterior_exactly(found):
    """Data with mean 2 and sd .5 and a prior N(0, 1) give N(1.6, 1/sqrt(5)); without the prior it is N(2, .5) again."""
    compared = compare_shifts(found, estimate(1.6, 5.0**-0.5))
    assert compared.trials == pytest.approx((2.0, 0.5), rel=1e-6)


def test_an_estimate_as_wide_as_its_prior_cannot_be_compared(found):
    with pytest.raises(DataError, match="no narrower than its prior"):
        compare_shifts(found, estimate(0.0, 1.0))


@pytest.mark.slow
def test_every_claim_holds_at_the_tables_values_and_breaks_without_its_mechanism():
    results = check_claims(["hcc_cells"], Tables(), draws=16, seed=1, jobs=2, progress=lambda _: None)
    assert len(results) == 19
    assert [item.claim.id for item in results if not item.holds] == []
    assert [item.claim.id for item in results if any(cut.holds for cut in item.ablations)] == []
