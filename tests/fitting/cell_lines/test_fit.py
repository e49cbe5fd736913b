"""The fit of the kinase shift to IC50s of cell lines: response, objective, optimum, posterior and the comparison with trials."""

import math

import numpy as np
import pytest

from kinimmune.fitting.cell_lines.fit import compare_shifts, fit_cells
from kinimmune.fitting.cell_lines.objective import CellLineObjective, Range
from kinimmune.fitting.cell_lines.response import find_response
from kinimmune.fitting.estimation.results import EstimateRow
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.library.hcc_cells import LINES
from kinimmune.models.solvers.individual import simulate
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.parameters import values_for
from kinimmune.models.tables.readers import read_cell_lines
from kinimmune.models.tables.rows import Tables

THREE_DAYS = np.array([0.0, 3.0])


@pytest.fixture(scope="module")
def response():
    return find_response(Tables())


@pytest.fixture(scope="module")
def found():
    return fit_cells(Tables())


def test_linear_response_gives_the_ic50_that_the_model_shows(response):
    compiled = compile_model(load_model("hcc_cells"))
    values = values_for(compiled.model.parameters, None)
    ic50 = math.exp(float(response.log_ic50("huh7", np.zeros((len(response.estimated), 1)))[0]))
    courses = [simulate(compiled, values | {"medium_concentration": total}, THREE_DAYS) for total in (ic50, 0.0)]
    treated, untreated = (course.states[compiled.model.state_names.index("log_huh7"), 1] for course in courses)
    assert math.exp(treated - untreated) == pytest.approx(0.5, rel=0.01)


def test_shift_moves_every_ic50_in_proportion(response):
    """Free drug enters over shift times IC50 only, so ln IC50 moves by the ln of the shift."""
    points = np.zeros((len(response.estimated), 2))
    place = [item.name for item in response.estimated].index("kinase_shift")
    points[place, 1] = 1.0
    for line in LINES:
        low, high = response.log_ic50(line, points)
        assert high - low == pytest.approx(response.estimated[place].prior.sd, rel=1e-9)


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


def test_objective_has_one_residual_a_line_and_the_priors_and_their_derivative(response):
    objective = CellLineObjective(response, {"hepg2": Range(5.0, 9.0), "huh7": Range(7.0, 17.0)})
    size = len(response.estimated)
    point = np.linspace(-0.4, 0.5, size)
    residuals, slopes = objective.residuals(point), objective.jacobian(point)
    assert residuals.shape == (2 + size,)
    assert residuals[2:].tolist() == point.tolist()
    shifts = 1e-4 * np.eye(size)
    central = np.column_stack([objective.residuals(point + h) - objective.residuals(point - h) for h in shifts]) / 2e-4
    np.testing.assert_allclose(slopes, central, rtol=1e-4, atol=1e-5)


def test_residual_of_a_line_is_its_distance_from_the_middle_of_the_range_in_its_standard_deviations(response):
    """A range is uniform over ln IC50: its sd is the width over the root of 12, so each end lies sqrt(3) from the middle."""
    point = np.zeros(len(response.estimated))
    ic50 = math.exp(float(response.log_ic50("huh7", point[:, None])[0])) / 1000.0
    residual = CellLineObjective(response, {"huh7": Range(ic50, 3.0 * ic50)}).residuals(point)[0]
    assert residual == pytest.approx(-math.sqrt(3.0), rel=1e-9)
