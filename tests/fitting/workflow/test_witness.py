"""A run made at commit 735154f, before tasks had names of their own: reported for ever, computed again where it is taken up."""

import json
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from paths import DATA

from kinimmune.fitting.task_functions import TASK_FUNCTIONS, find_task_function
from kinimmune.models.errors import DataError

ARCHIVE = DATA / "run-735154f.zip"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def witness(tmp_path_factory):
    """Return the run as it was left: fitted; a profile, a sample and a study interrupted."""
    folder = tmp_path_factory.mktemp("witness")
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(folder)
    return folder / "witness"


def steps_of(run):
    return {path.stem: json.loads(path.read_text()) for path in (run / "results" / "tasks").glob("*.json")}


def copy(witness, tmp_path):
    return Path(shutil.copytree(witness, tmp_path / "run"))


def test_the_names_of_functions_and_their_aliases_are_unique():
    names = Counter(name for function in TASK_FUNCTIONS for name in (function.name, function.alias) if name)

    assert set(names.values()) == {1}


def test_every_step_of_the_witness_was_made_by_a_function_that_is_known(witness):
    made = {find_task_function(task["work"]).name for task in steps_of(witness).values()}

    assert made >= {
        "fit.start",
        "profile.point",
        "identifiability.curvature",
        "sample.survey",
        "sample.block",
        "sensitivity.block",
    }
    with pytest.raises(DataError, match=r"made by 'os:system', which this version does not know; known are fit.start"):
        find_task_function("os:system")


def test_the_fit_of_the_witness_is_computed_again_and_that_is_told(witness, tmp_path, kinimmune):
    """Its starts are of other numerics: readings had one error a patient."""
    run = copy(witness, tmp_path)
    before = json.loads((run / "results" / "fit.json").read_text())

    code, out, err = kinimmune("fit", "hcc_trial", "-o", str(run), "--resume", "--json", "--quiet")

    assert code in (0, 1), err
    assert json.loads(out)["starts"] != before["starts"]
    told = "changed since the run began, so finished work is computed again"
    assert any(told in line for line in json.loads((run / "run.json").read_text())["notes"])
    made = {task["schema"] for name, task in steps_of(run).items() if name.startswith("start")}
    assert made == {"kinimmune.task/2"}


@pytest.mark.parametrize(
    "command",
    [
        ("profile",),
        ("sample",),
        ("sensitivity", "--method", "prcc", "--output", "hazard_ratio:sharp:os", "--samples", "64"),
    ],
)
def test_what_the_witness_was_interrupted_in_does_not_go_on_from_steps_of_other_numerics(witness, tmp_path, kinimmune, command):
    run = copy(witness, tmp_path)
    before = steps_of(run)

    code, _, err = kinimmune(command[0], str(run), *command[1:], "--resume", "--quiet")

    assert code == 3
    assert "changed since run" in err
    assert "fit again with --resume" in err
    assert steps_of(run) == before


def test_the_witness_is_reported(witness, tmp_path, kinimmune):
    run = copy(witness, tmp_path)

    code, _, err = kinimmune("report", str(run), "--quiet")

    assert code == 0, err
    assert (run / "report.pdf").read_bytes()[:5] == b"%PDF-"
