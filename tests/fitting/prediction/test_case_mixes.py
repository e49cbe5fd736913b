"""Predictions of trials with other patients: mixtures of constant hazards, which have closed forms."""

import math

import covariate_trial as example
import numpy as np
import pytest
from exponential_trial import RATE, RATIO

from kinimmune.fitting.prediction.predict import predict_plan
from kinimmune.fitting.prediction.request import PredictionRequest
from kinimmune.fitting.prediction.run import plan_model
from kinimmune.fitting.settings import ProblemOptions
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.model_file import open_model
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.rows import Tables

BETA = 0.8
PATIENTS = 256
HALF = ("two_arms,,ecog,0,0.5,,", "two_arms,,ecog,1,0.5,,")


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Return name and tables of the model, half of whose patients have ECOG 1."""
    folder = example.write_project(tmp_path_factory.mktemp("projects") / "two", values={example.ECOG: BETA}, mix=HALF)
    return open_model(str(folder / "exponential.py"), Tables(folder))


def predict(opened, trial=None):
    name, tables = opened
    request, options = PredictionRequest(draws=16), ProblemOptions(patients=PATIENTS)
    planned = plan_model(name, tables, request, trial=trial, from_prior=False, options=options, seed=1, jobs=1)
    return predict_plan(planned, 1, lambda _: None)


def find_survival(time, share, ratio):
    return (1.0 - share) * np.exp(-RATE * ratio * time) + share * np.exp(-RATE * ratio * math.exp(BETA) * time)


def write_trial(folder, share):
    """Write another trial of the same arms, without parameters of its own."""
    mix = [f"two_arms,,ecog,0,{1.0 - share},,", f"two_arms,,ecog,1,{share},,"]
    example.write_project(folder, values={example.ECOG: BETA}, mix=mix)
    for name in ("kinimmune.toml", "exponential.py", "covariate_effects.csv", "parameters.csv"):
        (folder / name).unlink()
    return folder


@pytest.mark.parametrize("share", [None, 0.125, 0.75])
def test_arms_have_the_case_mix_of_their_trial(opened, tmp_path, share):
    """Of the project's own, or of a folder that declares the covariate and has no parameters."""
    result = predict(opened, None if share is None else write_trial(tmp_path / "trial", share))

    for arm, ratio in (("drug", RATIO), ("control", 1.0)):
        curve = next(row for row in result.curves if row.arm == arm)
        expected = find_survival(np.array(curve.months) * DAYS_PER_MONTH, 0.5 if share is None else share, ratio)
        np.testing.assert_allclose(curve.median, expected, atol=1e-3)


def test_a_trial_that_tells_nothing_of_its_patients_is_refused(opened, tmp_path):
    trial = write_trial(tmp_path / "one", 0.5)
    (tmp_path / "one" / "case_mix.csv").unlink()
    with pytest.raises(DataError, match="two_arms:drug tells nothing of covariate 'ecog', on which a parameter depends"):
        predict(opened, trial)
    trial = write_trial(tmp_path / "two", 0.5)
    for name in ("case_mix.csv", "covariates.csv"):
        (tmp_path / "two" / name).unlink()
    with pytest.raises(UsageError, match="covariate 'ecog', which the tables of the trial do not declare"):
        predict(opened, trial)
    trial = write_trial(tmp_path / "three", 0.5)
    path = tmp_path / "three" / "covariates.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("0 1", "0 1 2"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"covariate 'ecog' is category \[1\] 0 1 in the fit and category \[1\] 0 1 2 in the"):
        predict(opened, trial)
