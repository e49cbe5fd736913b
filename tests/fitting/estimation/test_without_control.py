"""A trial without a control: everything but a ratio, and a word that says why there is none."""

import numpy as np
import pytest
from three_arms import change_rows, write_three_arms, write_without_control

from kinimmune.fitting.estimation.fit import fit, plan_fit
from kinimmune.fitting.estimation.results import FIT_JSON
from kinimmune.fitting.lint import check
from kinimmune.fitting.problem.outputs import parse_output
from kinimmune.fitting.problem.predictions import predictions
from kinimmune.fitting.problem.problem import build_problem, predict
from kinimmune.fitting.profile.predictions import choose_predictions, default_predictions
from kinimmune.fitting.sensitivity.values import read_catalogue
from kinimmune.fitting.settings import Settings
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import UsageError
from kinimmune.models.tables.readers import read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.reports.content import Content
from kinimmune.reports.figures.catalogue import list_figures
from kinimmune.reports.pages.run import compose_report

ARMS = ("lowdose", "sorafenib")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_without_control(tmp_path_factory.mktemp("arms") / "two")


@pytest.fixture(scope="module")
def fitted(folder):
    settings = Settings(data=folder, model="hcc_trial", fit={"patients": 8, "starts": 1})
    return fit(plan_fit("hcc_trial", settings, Tables(folder)), Runtime())


def test_it_is_right_and_its_arms_are_compared_with_nothing(folder):
    assert check(Tables(folder)) == ()
    (trial,) = read_trials(Tables(folder))
    assert trial.control is None
    assert trial.compared == ()
    assert tuple(arm.name for arm in trial.treated) == ARMS


def test_its_medians_are_those_of_the_same_arms_beside_a_control(tmp_path, folder):
    beside = write_three_arms(tmp_path / "three")
    change_rows(beside, "parameters.csv", lambda row: row | {"estimated": "yes" if row["name"] == "growth" else "no"})
    found = []
    for tables in (folder, beside):
        problem = build_problem("hcc_trial", Tables(tables), patients=16, seed=1)
        found.append(predictions(problem, predict(problem, [np.zeros(len(problem.estimated))])[0]))
    alone, both = found
    assert alone
    assert alone == {name: value for name, value in both.items() if name in alone}


def test_a_fit_of_it_has_no_ratio_and_says_why(fitted):
    result, trial = fitted
    assert {row.statistic for row in (*result.predicted, *result.targets, *result.unfitted)} == {"median"}
    assert trial.contrasts == ()
    assert result.reference_arms == {"example": None}
    assert (result.q_model, result.q_null, result.q_basis) == (None, None, None)
    assert "NaN" not in FIT_JSON.dump(result)


def test_its_report_draws_no_ratio_and_says_why(folder, fitted):
    tables = Tables(folder)
    content = Content(load_model("hcc_trial", tables), *fitted, {}, trials=read_trials(tables))
    recipes = list_figures(content)
    assert not {"forest", "hazard_ratios"} & {recipe.name for recipe in recipes}
    told = str(compose_report(content, {}))
    assert "Invented two-arm trial has no control arm: none of its arms has a hazard ratio" in told
    assert "Hazard ratios are marginal" not in told


def test_a_ratio_of_it_is_refused_by_every_command_that_takes_an_output(folder):
    tables = Tables(folder)
    catalogue, problem = read_catalogue("hcc_trial", tables), build_problem("hcc_trial", tables, patients=8, seed=1)
    for name in ("hazard_ratio:example:os", "hazard_ratio:example:sorafenib:os"):
        told = f"{name}.*: study 'example' has no control arm, so none of its arms has a hazard ratio"
        with pytest.raises(UsageError, match=told):
            parse_output(name, catalogue)
        with pytest.raises(UsageError, match=told):
            choose_predictions(problem, [name])
    assert default_predictions(problem) == tuple(f"median:example:{arm}:os" for arm in ARMS)


def test_a_published_ratio_of_it_is_a_finding(tmp_path):
    folder = write_without_control(tmp_path / "two")
    text = (folder / "targets.csv").read_text()
    origin = "assumption,invented,assumed,assumption,invented,assumed,"
    (folder / "targets.csv").write_text(f"{text}example,sorafenib,os,hazard_ratio,0.7,0.5,0.9,120,1,unfitted,{origin}\n")
    (finding,) = check(Tables(folder))
    assert (
        "hazard_ratio in column 'statistic' of study 'example', which has no control arm (targets.csv row 4)" in finding.message
    )


def test_a_control_alone_is_refused_and_one_arm_without_a_control_is_not(tmp_path):
    folder = write_without_control(tmp_path / "two")
    for name in ("arms.csv", "design.csv"):
        change_rows(folder, name, lambda row: None if "lowdose" in row.values() else row)
    assert check(Tables(folder)) == ()
    change_rows(folder, "arms.csv", lambda row: row | {"control": "yes"})
    (finding,) = check(Tables(folder))
    assert "study 'example' has its control arm alone in arms.csv" in finding.message
