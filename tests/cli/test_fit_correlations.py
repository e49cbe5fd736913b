"""Correlations of a run: found once, kept in its results, and taken by whatever is built on it, wherever the run lies."""

import json
import tomllib
from pathlib import Path

import pytest
from weibull_trial import add_target, write_project

from kinimmune.fitting.estimation.fitted import read_fitted
from kinimmune.fitting.runs.run import open_run
from kinimmune.models.errors import DataError


@pytest.fixture
def fitted(kinimmune, tmp_path):
    """Return the command and the result of a fit of a median with survival at a month, which share patients."""
    model = write_project(tmp_path / "own", 200, ["shape", "scale"], {"shape": 1.3, "scale": 400.0})
    add_target(model.parent, "os", "median", 200, "9.7")
    add_target(model.parent, "os", "survival", 200, "0.4", "12")
    command = (
        "fit",
        str(model),
        "--data",
        str(model.parent),
        "--patients",
        "2",
        "--starts",
        "1",
        "-o",
        "run",
        "--json",
        "--quiet",
    )
    code, out, err = kinimmune(*command)
    assert (code, err) == (0, "")
    return command, json.loads(out)


def tasks_of(run):
    return sorted(path.stem for path in (run / "results" / "tasks").glob("*.json"))


def test_a_fit_keeps_its_correlations_and_finds_them_again(kinimmune, fitted):
    command, result = fitted
    whitening = result["whitening"]
    assert tasks_of(Path("run")) == ["start-000", "start-correlated", "start-correlations"]
    assert whitening["condition_number"] == whitening["blocks"][0]["condition_number"]
    assert tomllib.loads(Path("run/config.toml").read_text())["fit"]["correlations"] is True
    rows = Path("run/results/correlations.csv").read_text().splitlines()
    assert rows[0] == "study,target,interval,other,other_interval,correlation"
    assert rows[1].startswith("alone,survival:alone:all:os:12,1,median:alone:all:os,1,0.")

    code, out, _ = kinimmune(*command, "--resume")

    assert code == 0
    assert {**json.loads(out), "wall_seconds": 0} == {**result, "wall_seconds": 0}


def test_what_is_built_on_a_moved_run_takes_the_same(kinimmune, fitted):
    """And asks for the digest: correlations that were changed since are of another fit."""
    result = fitted[1]
    run = Path("run").rename("elsewhere")
    found = read_fitted(open_run(run))
    assert [block.study for block in found.settings.correlations] == ["alone"]

    code, _, err = kinimmune("profile", str(run), "--parameters", "scale", "--refits", "--draws", "0", "--quiet")
    assert (code, err) == (0, "")
    kept = json.loads((run / "results" / "tasks" / "profile-refit-all.json").read_text())
    assert kept["inputs"]["problem"]["correlations"][0]["below"] == result["whitening"]["blocks"][0]["block"]["below"]

    content = json.loads((run / "results" / "fit.json").read_text())
    content["whitening"]["blocks"][0]["block"]["below"] = [0.1]
    open_run(run).write("results/fit.json", json.dumps(content))
    with pytest.raises(DataError, match=r"fit.json are not of one fit; fit again with --resume"):
        read_fitted(open_run(run))


def test_leaving_correlations_out_is_another_fit_and_told(kinimmune, fitted):
    command, result = fitted
    command = tuple(word for word in command if word not in ("--json", "--quiet"))

    code, out, err = kinimmune(*command, "--resume", "--no-correlations")

    assert code == 0
    assert "warning: numbers of study 'alone' share patients and are fitted as if they did not" in err
    assert "Numbers that share patients" not in out
    assert not Path("run/results/correlations.csv").exists()
    assert json.loads(Path("run/results/fit.json").read_text())["whitening"] is None
    assert result["whitening"] is not None

    code, out, _ = kinimmune(*command, "--resume", "--correlations")
    assert code == 0
    assert "Numbers that share patients, fitted with their correlations" in out
    assert json.loads(Path("run/results/fit.json").read_text())["whitening"] == result["whitening"]


def test_two_numbers_that_are_one_leave_with_3_and_one_line(kinimmune, tmp_path):
    model = write_project(tmp_path / "own", 200, ["shape", "scale"], {"shape": 1.3, "scale": 400.0})
    add_target(model.parent, "os", "survival", 200, "0.4", "12")
    add_target(model.parent, "os", "survival", 200, "0.4", "12.01")
    code, out, err = kinimmune("fit", str(model), "--data", str(model.parent), "--patients", "2", "-o", "run", "--quiet")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "tell nearly the same" in err
    assert json.loads(Path("run/run.json").read_text())["status"] == "failed"
