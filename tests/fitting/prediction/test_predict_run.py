"""Predictions from the posterior of a run: the run's own virtual trial, its draws, and trials it did not fit."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from exponential_trial import write_project as write_exponential
from own_runs import call, fit_own_model
from paths import OWN_MODEL
from three_arms import change_rows

from kinimmune.fitting.estimation.fitted import read_fitted
from kinimmune.fitting.prediction.plan import PlannedPrediction
from kinimmune.fitting.prediction.predict import predict_plan
from kinimmune.fitting.prediction.request import PredictionRequest
from kinimmune.fitting.prediction.run import open_trial, plan_run
from kinimmune.fitting.runs.run import open_run
from kinimmune.fitting.sampling.posterior import read_posterior
from kinimmune.models.errors import UsageError

DRAWS = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a small fit of a model that is not the library's."""
    return fit_own_model(tmp_path_factory.mktemp("runs") / "own")


@pytest.fixture(scope="module")
def fitted(folder):
    return read_fitted(open_run(folder))


@pytest.fixture(scope="module")
def next_trial(tmp_path_factory):
    """Return a trial of the same model under another name, of twice the patients, with rows of parameters of its own."""
    path = tmp_path_factory.mktemp("trials") / "next"
    shutil.copytree(OWN_MODEL, path)
    for name in ("trials.csv", "arms.csv", "design.csv", "follow_up.csv"):
        change_rows(path, name, lambda row: row | {"study": "next_trial"})
    change_rows(path, "design.csv", lambda row: row | ({"value": "200"} if row["quantity"] == "n" else {}))
    for name in (
        "targets.csv",
        "claims.csv",
        "panels.csv",
        "experiments.csv",
        "observations.csv",
        "kinimmune.toml",
        "five_states.py",
    ):
        (path / name).unlink()
    return path


def plan(fitted, trial=None, **asked) -> PlannedPrediction:
    return plan_run(fitted, PredictionRequest(**{"draws": DRAWS, **asked}), trial, 1, 1)


def test_at_the_estimates_a_run_predicts_its_own_virtual_trial(fitted):
    """Every median, ratio, event and response of `fit.json`, to nine digits."""
    planned = plan(fitted)
    point = np.array([item.prior.to_z(item.value) for item in planned.matched.moved])
    result = predict_plan(replace(planned, matched=replace(planned.matched, points=point[None])), 1, lambda _: None)
    ratios = {(row.arm, row.endpoint): row.predicted for row in result.ratios}
    numbers = {(row.arm, row.endpoint, row.statistic): row.predicted for row in result.numbers if row.month is None}
    told = fitted.result

    assert [item.value for item in planned.matched.moved] == [row.value for row in told.parameters]
    for row in told.predicted:
        found = ratios[row.arm, row.endpoint] if row.statistic == "hazard_ratio" else numbers[row.arm, row.endpoint, "median"]
        assert found == pytest.approx(row.value, rel=1e-9)
    for row in told.events:
        statistic = "deaths" if row.endpoint == "os" else "events"
        assert numbers[row.arm, row.endpoint, statistic] == pytest.approx(row.expected, rel=1e-9)
    for row in told.responses:
        assert numbers[row.arm, None, "response_rate"] == pytest.approx(row.fraction, rel=1e-9)
    assert len(told.predicted) >= 6


def test_draws_are_those_claims_are_tested_with(fitted):
    planned = plan(fitted)
    posterior = read_posterior(fitted, DRAWS, 1)
    values = [list(planned.problem.values(point).values()) for point in planned.matched.points]
    columns = [[item.key for item in planned.matched.moved].index(name) for name in posterior.names]

    np.testing.assert_allclose(np.array(values)[:, columns], posterior.draws, rtol=1e-9)
    assert {item.origin for item in planned.matched.origins if item.name in posterior.names} == {"posterior"}
    assert planned.source.note.endswith("as the run holds no sample")


def test_another_trial_shares_the_draws_of_what_all_studies_share(fitted, next_trial):
    """The model has no parameter of one study, so ratios are the run's own; the error of one trial is smaller."""
    own, other = (predict_plan(plan(fitted, trial), 1, lambda _: None) for trial in (None, next_trial))
    assert {row.study for row in other.numbers} == {"next_trial"}
    for mine, theirs in zip(own.ratios, other.ratios, strict=True):
        assert theirs.predicted == pytest.approx(mine.predicted, rel=1e-9)
        assert theirs.log_error == pytest.approx(mine.log_error / np.sqrt(2.0), rel=1e-6)


def test_what_belongs_to_a_study_that_was_not_fitted_is_drawn_from_its_prior_or_taken(fitted, next_trial, tmp_path):
    """A parameter gets a row of the new study: another prior, drawn independently of the posterior."""
    shutil.copytree(next_trial, tmp_path / "trial")
    own = fitted.result.parameters[0].name
    change_rows(tmp_path / "trial", "parameters.csv", lambda row: row | ({"study": "next_trial"} if row["name"] == own else {}))
    planned = plan(fitted, tmp_path / "trial")
    origins = {item.name: item.origin for item in planned.matched.origins}
    place = [item.key for item in planned.matched.moved].index(f"{own}:next_trial")

    assert origins[f"{own}:next_trial"] == "prior"
    assert own not in origins or origins[own] == "posterior"
    assert np.abs(planned.matched.points[:, place]).max() > 0.5
    with pytest.raises(UsageError, match="no parameter of model 'five_states' belongs to one study"):
        plan(fitted, tmp_path / "trial", borrowed="first_trial")


def test_a_trial_of_another_kind_is_refused(folder, tmp_path):
    project = write_exponential(tmp_path / "exponential")
    with pytest.raises(UsageError, match="it is a project of model 'exponential'; give one of model 'five_states'"):
        open_trial(project, "five_states")
    with pytest.raises(UsageError, match="it is a run; give the project or folder of tables"):
        open_trial(folder, "five_states")
    with pytest.raises(UsageError, match="there is no such folder"):
        open_trial(tmp_path / "nowhere", "five_states")


def test_the_command_tells_what_a_prediction_is_from(folder, next_trial, tmp_path):
    arguments = ("predict", folder, "--trial", next_trial, "--draws", DRAWS, "--jobs", "1", "-q")
    code, out, err = call(*arguments, "--size", "100:400:150", "-o", tmp_path / "p.csv", "--plot", tmp_path / "p.svg")
    assert (code, err) == (0, "")
    assert "parameters: draws of the normal approximation at the optimum, as the run holds no sample" in out
    assert "of the posterior: " in out
    for title in ("Arms", "Hazard ratios", "Sizes, randomised, accrued and followed as designed", "At risk of os by month"):
        assert title in out
    assert (tmp_path / "p.csv").read_text(encoding="utf-8").startswith("section,study,arm,")
    assert (tmp_path / "p.svg").read_text(encoding="utf-8").startswith("<?xml")
    content = json.loads(call(*arguments, "--json", "--ratio-below", "0.9", "--alpha", "0.1", "--assume-ratio", "0.7")[1])
    assert (content["schema"], content["basis"], content["draws"]) == ("kinimmune.predict/1", "gaussian", DRAWS)
    assert [item["bound"] for item in content["ratios"][0]["below"]] == [0.9]
    assert (content["alpha"], content["ratios"][0]["assumed_ratio"]) == (0.1, 0.7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--prior",), "has a posterior; leave it out"),
        (("--data", "elsewhere"), "keeps its tables; give a trial of other tables with --trial"),
        (("--arm", "first_trial:nobody"), "--arm first_trial:nobody: no such arm; did you mean "),
        (("--as", "first_trial"), "--as first_trial: no parameter of model 'five_states' belongs to one study; leave it out"),
        (("--patients", "7"), "must be a power of two, such as 4 or 8"),
        (("--stop-rule", "sometimes"), "--stop-rule sometimes: no such rule"),
        (("--size", "4:2"), "--size 4:2: sizes must rise"),
    ],
)
def test_mistakes_of_usage_about_a_run_are_one_line(folder, options, message):
    code, out, err = call("predict", folder, *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_a_run_without_a_finished_fit_has_no_posterior(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "run")
    (tmp_path / "run" / "results" / "fit.json").unlink()
    code, out, err = call("predict", tmp_path / "run")
    assert (code, out) == (3, "")
    assert "holds no finished fit" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gompertz",), "model 'gompertz' has no hazard of death, so it is tried in no trial"),
        (("hcc_trial", "--draws", "50"), "--draws 50: the tables of a model are one point; add --prior, or give a RUN"),
        (("hcc_trial", "--arm", "sorafenib"), "--arm sorafenib: several studies have that arm; write sharp:sorafenib or "),
        (
            ("hcc_trial", "--ratio", "sharp:sorafenib/asia_pacific:placebo"),
            "randomised other patients, so no trial compares them",
        ),
        (("hcc_tria",), "unknown model 'hcc_tria'; did you mean 'hcc_trial'?"),
        (("hcc_trial", "--alpha", "1"), "--alpha 1: must lie between 0 and 1"),
    ],
)
def test_mistakes_of_usage_about_a_model_are_one_line(arguments, message):
    code, out, err = call("predict", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
