"""A run that is explored: its estimates, bands over its posterior, and patients one by one."""

import json

import numpy as np
import pytest
from own_runs import fit_own_model

from kinimmune.fitting.estimation.fitted import read_fitted
from kinimmune.fitting.exploration.bands import BAND_DRAWS, compute_bands
from kinimmune.fitting.exploration.patients import compute_courses, compute_patients
from kinimmune.fitting.exploration.session import explore_run
from kinimmune.fitting.exploration.views import KnownArms, compute_view
from kinimmune.fitting.runs.run import open_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fit_own_model(tmp_path_factory.mktemp("runs") / "own")


@pytest.fixture(scope="module")
def session(folder):
    words = ("kinimmune", "predict", str(folder), "--estimates")
    return explore_run(read_fitted(open_run(folder)), words, str(folder), 1)


def test_a_run_begins_at_its_estimates_and_its_command_predicts_them(session, kinimmune):
    view = compute_view(session, session.start, KnownArms())
    code, out, _ = kinimmune(*view.command.split()[1:], "--json")
    told = json.loads(out)

    assert (code, told["basis"], told["draws"]) == (0, "estimates", 1)
    assert [row.value for row in view.ratios] == [row["predicted"] for row in told["ratios"]]
    assert [list(row.survival) for row in view.curves] == [row["median"] for row in told["curves"]]


def test_bands_hold_the_curves_of_the_estimates_and_have_a_width(session):
    found = compute_bands(session, session.start, lambda: True)
    curves = {(row.study, row.arm, row.endpoint): row for row in compute_view(session, session.start, KnownArms()).curves}

    assert found.draws == BAND_DRAWS
    for row in found.bands:
        middle = np.array(curves[row.study, row.arm, row.endpoint].survival)
        lower, upper = np.array(row.lower), np.array(row.upper)
        assert np.all(lower <= upper)
        assert np.mean((middle >= lower - 1e-9) & (middle <= upper + 1e-9)) > 0.9
    assert max(max(np.subtract(row.upper, row.lower)) for row in found.bands) > 0.01


def test_bands_that_nobody_waits_for_are_not_finished(session):
    answers = iter([True, False])

    assert compute_bands(session, session.start, lambda: next(answers)) is None


def test_drawn_patients_and_mean_courses_are_of_every_arm(session):
    arms = [(row.study, row.arm) for row in compute_courses(session, session.start)]

    assert arms == [(row.study, row.arm) for row in compute_patients(session, session.start)]
    for row in compute_courses(session, session.start):
        assert all(len(values) == len(row.months) for values in row.courses.values())
        assert set(row.courses) == set(session.model.reported_courses)
    for row in compute_patients(session, session.start):
        assert list(row.best_change) == sorted(row.best_change, reverse=True)
