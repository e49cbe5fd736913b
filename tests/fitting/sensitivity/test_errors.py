"""What is said of the error of an output holds: none is farther than that from the same output at a much smaller tolerance."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.outputs import parse_output
from kinimmune.fitting.problem.settings import ProblemSettings
from kinimmune.fitting.sensitivity import responses, trial_responses
from kinimmune.fitting.sensitivity.designs import Design, Method, draw_rows
from kinimmune.fitting.sensitivity.inputs import choose_inputs
from kinimmune.fitting.sensitivity.responses import ResponseSettings, digest_output, open_response
from kinimmune.fitting.sensitivity.trial_errors import HazardError
from kinimmune.fitting.sensitivity.values import read_catalogue, select_parameters
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.survival import median_time

DRAWS = 6
FINE = Tolerances(1e-7, 1e-9)
FINEST = Tolerances(1e-10, 1e-12)


def compare(model, name, monkeypatch):
    """Return an output at draws from the priors with what is said of its error, and the output at a much smaller tolerance."""
    tables = Tables()
    catalogue = read_catalogue(model, tables)
    output = parse_output(name, catalogue)
    inputs = choose_inputs(select_parameters(catalogue, output), (), {})
    drawn = draw_rows(Design(Method.PRCC, inputs, 1, tuple(item.key for item in inputs)), 0, DRAWS)[:, 0]
    values = np.array([[item.value(at) for item, at in zip(inputs, row, strict=True)] for row in drawn.tolist()])
    problem = ProblemSettings(model=model, tables=digest_inputs(model, tables), patients=4, seed=1).plain
    asked = ResponseSettings(
        problem, name, tuple(item.key for item in inputs), {}, experiment=digest_output(catalogue, output, tables)
    )
    found = open_response(asked, None)(values)
    monkeypatch.setattr(trial_responses, "STUDY_TOLERANCES", FINE)
    monkeypatch.setattr(responses, "PATIENT_TOLERANCES", FINEST)
    return found, open_response(asked, None)(values)


@pytest.mark.parametrize(
    ("model", "name", "share"),
    [
        ("hcc_trial", "hazard_ratio:sharp:os", 2.1e-3),
        ("hcc_trial", "hazard_ratio:sharp:ttp", 2.1e-3),
        ("hcc_trial", "median:asia_pacific:sorafenib:os", 2e-2),
        ("hcc_trial", "survival:asia_pacific:placebo:os:9", None),
        ("hcc_trial", "survival:sharp:sorafenib:ttp:9", None),
        ("hcc_trial", "state:log_diameter:90:sharp:sorafenib", None),
        ("hcc_mouse", "state:tumour_volume:21:sorafenib_30", 1e-5),
        ("hcc_cells", "state:cells_hep3b:3:hle_low", 1e-5),
    ],
)
def test_no_output_errs_by_more_than_is_said_and_what_is_said_is_small(model, name, share, monkeypatch):
    """One draw of `hcc_trial` kills everybody at once: a mean over the living and a ratio are then none at either tolerance."""
    found, true = compare(model, name, monkeypatch)
    known = [reason is None for reason in found.reasons]

    assert true.reasons == found.reasons
    assert sum(known) >= DRAWS - (model == "hcc_trial")
    values, errors = found.values[known], found.errors[known]
    assert values.shape == errors.shape
    assert (np.abs(values - true.values[known]) <= errors).all()
    assert (errors > 0.0).all()
    assert share is None or (errors <= share * np.abs(values)).all()


@given(st.floats(1e-5, 1e-3), st.lists(st.floats(1e-3, 20.0), min_size=1, max_size=20), st.floats(-1.0, 1.0))
def test_a_mean_of_survivals_errs_by_no_more_than_is_said_when_every_hazard_does(relative, hazards, way):
    hazards = np.array(hazards)
    right, wrong = (np.exp(-hazards * factor).mean() for factor in (1.0, 1.0 + way * relative))

    allowed = HazardError(relative, 0.0).of_survival(np.array([right]))[0]

    assert abs(wrong - right) <= allowed * (1.0 + 20.0 * relative) + 1e-15


@given(st.floats(1e-5, 1e-3), st.floats(1e-3, 1.0), st.floats(0.2, 5.0))
def test_the_median_errs_as_its_hazard_does(relative, rate, shape):
    time = np.linspace(0.0, 3.0 * math.log(2.0) ** (1.0 / shape) / rate, 400)
    right, wrong = (np.exp(-((rate * time) ** shape) * factor) for factor in (1.0, 1.0 + relative))
    median = median_time(time, right)

    allowed = HazardError(relative, 0.0).of_median(time, right, median)

    assert abs(median_time(time, wrong) - median) == pytest.approx(allowed, rel=0.05)


def test_a_survival_curve_without_events_or_survivors_is_known():
    error = HazardError(1e-3, 1e-8)

    assert error.of_survival(np.array([1.0, 0.0])) == pytest.approx([1e-8, 0.0], abs=1e-12)
    assert error.of_progression_free(np.array([1.0, 0.5, 0.0])) == pytest.approx(
        [1e-8, 2e-3 / math.sqrt(2 * math.pi), 0.0], abs=1e-8
    )
