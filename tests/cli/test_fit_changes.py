"""Parameters held, freed or given another prior at the call: refused in a line, or kept by the run and all that follows."""

import json
import tomllib
from pathlib import Path

import pytest
from paths import OWN_TRIAL

from kinimmune.fitting.estimation.fitted import read_fitted
from kinimmune.fitting.problem.settings import open_problem
from kinimmune.fitting.runs.run import open_run
from kinimmune.models.errors import DataError

FIT = ("fit", "hcc_trial", "--data", str(OWN_TRIAL), "--patients", "8", "--starts", "1", "--jobs", "1")
TOLD = (
    *("--fix", "immune_kill=0.003", "--fix", "growth_spread", "--free", "erk_rate"),
    *("--prior", "kinase_shift=lognormal(1, 0.3)", "--start", "growth=0.006"),
)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit", "gompertz"), "model 'gompertz' cannot be fitted: "),
        ((*FIT, "--fix", "growht"), "--fix growht: no such parameter in this fit; did you mean 'growth'?"),
        ((*FIT, "--fix", "growth=big"), "--fix 'growth=big': write NAME=VALUE with a number"),
        ((*FIT, "--fix", "=2"), "--fix '=2': no name"),
        ((*FIT, "--fix", "growth", "--fix", "growth=0.01"), "--fix growth: given twice; give it once"),
        ((*FIT, "--fix", "growth=2"), "--fix growth:example: value 2 lies outside [1e-05, 1] 1/d"),
        ((*FIT, "--free", "erk_rate=2"), "--free 'erk_rate=2': --free takes a name alone"),
        ((*FIT, "--prior", "growth"), "--prior 'growth': '' is no prior; write SCALE(MEDIAN, SD)"),
        ((*FIT, "--prior", "growth=open('x','w')(1,2)"), "is no prior; write SCALE(MEDIAN, SD)"),
        ((*FIT, "--start", "growth"), "--start 'growth': write NAME=VALUE with a number"),
        ((*FIT, "--start", "growth=inf"), "--start 'growth=inf': write NAME=VALUE with a number"),
        ((*FIT, "--start", "erk_rate=20"), "--start erk_rate: it is not estimated; free it"),
    ],
)
def test_what_cannot_be_fitted_or_changed_leaves_with_2_and_no_folder(kinimmune, arguments, message):
    code, out, err = kinimmune(*arguments)

    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_a_warning_about_tables_stops_neither_check_nor_a_plan(kinimmune, tmp_path):
    folder = tmp_path / "narrow"
    folder.mkdir()
    header, *rows = (OWN_TRIAL / "parameters.csv").read_text(encoding="utf-8").splitlines()
    place = header.split(",").index("prior_sd")
    cells = [row.split(",") for row in rows]
    changed = [[*row[:place], "0.2", *row[place + 1 :]] if row[1] == "immune_kill" else row for row in cells]
    (folder / "parameters.csv").write_text("\n".join([header, *map(",".join, changed)]) + "\n", encoding="utf-8")
    for table in ("trials", "arms", "design", "follow_up", "targets", "observations"):
        (folder / f"{table}.csv").write_bytes((OWN_TRIAL / f"{table}.csv").read_bytes())

    code, out, _ = kinimmune("check", str(folder))
    content = json.loads(kinimmune("check", str(folder), "--json")[1])

    assert code == 0
    assert out.startswith("nothing wrong\nwarning: assumed prior of parameter 'immune_kill' has sd 0.2 (parameters.csv row ")
    assert content["findings"] == []
    assert [(item["file"], item["column"]) for item in content["warnings"]] == [("parameters.csv", "prior_sd")]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Return the run of a fit that was told to change parameters, and its result."""
    from kinimmune.cli.main import main

    run = tmp_path_factory.mktemp("told") / "run"
    assert main((*FIT, *TOLD, "-o", str(run), "--quiet")) == 0
    return run, json.loads((run / "results" / "fit.json").read_text())


@pytest.mark.slow
def test_the_result_tells_what_was_changed_and_what_is_doubtful(told):
    _, fit = told
    changes = {row["name"]: row["changed"] for row in fit["changes"]}
    estimated = {row["name"]: row["changed"] for row in fit["parameters"]}
    constants = {row["name"]: row for row in fit["constants"]}

    assert changes == {
        "growth:example": "start 0.006",
        "growth_spread": "held at its value",
        "kinase_shift": "prior lognormal(1, 0.3)",
        "immune_kill": "held at 0.003",
        "erk_rate": "freed",
    }
    assert {name: text for name, text in estimated.items() if text} == {
        name: changes[name] for name in ("growth:example", "kinase_shift", "erk_rate")
    }
    assert (constants["immune_kill"]["value"], constants["immune_kill"]["changed"]) == (0.003, "held at 0.003")
    assert [text.partition(" (")[0] for text in fit["warnings"]] == ["assumed prior of parameter 'kinase_shift' has sd 0.3"]


@pytest.mark.slow
def test_the_run_keeps_the_changes_for_what_follows(told):
    run, fit = told
    kept = tomllib.loads((run / "config.toml").read_text())["fit"]
    fitted = read_fitted(open_run(run))
    problem = open_problem(fitted.settings, fitted.folder)

    assert (kept["fix"], kept["free"]) == ({"immune_kill": 0.003, "growth_spread": True}, ["erk_rate"])
    assert [item.key for item in problem.estimated] == [row["name"] for row in fit["parameters"]]
    assert next(item for item in problem.parameters if item.key == "kinase_shift").prior.sd == 0.3
    task = json.loads((run / "results" / "tasks" / "start-000.json").read_text())
    assert task["inputs"]["problem"] == fitted.settings.plain
    assert "changes" in fitted.settings.plain


@pytest.mark.slow
def test_a_study_of_the_run_varies_a_parameter_over_the_prior_it_was_given(told, kinimmune):
    run, _ = told
    asked = ("--method", "local", "--output", "median:example:sorafenib:os", "--parameters", "kinase_shift,immune_kill")
    code, out, err = kinimmune("sensitivity", str(run), *asked, "--json", "--quiet", "--jobs", "1")

    assert code == 0, err
    inputs = {row["name"]: row["distribution"] for row in json.loads(out)["inputs"]}
    assert "0.3" in inputs["kinase_shift"]


@pytest.mark.slow
def test_another_change_on_resume_is_computed_again_and_results_of_before_are_gone(told, kinimmune):
    run, fit = told
    code, out, err = kinimmune(*FIT, "-o", str(run), "--resume", "--free", "immune_kill", "--json")

    assert code == 0, err
    assert "1 finished tasks were of other settings, tables or equations; computed again" in err
    again = json.loads(out)
    assert {row["name"] for row in again["parameters"]} == {row["name"] for row in fit["parameters"]} | {"immune_kill"}
    assert "immune_kill" not in {row["name"] for row in again["changes"]}


@pytest.mark.slow
def test_changes_of_a_configuration_that_the_result_does_not_have_are_refused(told):
    run, _ = told
    file = run / "config.toml"
    before = file.read_text()
    file.write_text(before.replace("lognormal(1, 0.3)", "lognormal(1, 0.4)"))

    with pytest.raises(DataError, match="are not of one fit; fit again with --resume"):
        read_fitted(open_run(run))
    file.write_text(before)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["profile", "sample"])
def test_a_run_of_a_model_that_cannot_be_fitted_says_so(kinimmune, command):
    study = ("sensitivity", "gompertz", "--method", "local", "--output", "state:volume:20", "--range", "capacity=500:2000")
    assert kinimmune(*study, "-o", "study", "--quiet")[0] == 0

    code, _, err = kinimmune(command, "study")

    assert code == 2
    assert err.startswith("error: model 'gompertz' cannot be fitted: ")
