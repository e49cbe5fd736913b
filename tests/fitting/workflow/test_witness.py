"""A run made at commit 735154f, before tasks had names of their own: reported for ever, and its finished tasks taken up again."""

import json
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from paths import DATA

from kinimmune.fitting.problem.first_format import PACKAGE_TABLES, recognise
from kinimmune.fitting.runs.provenance import address, current_environment
from kinimmune.fitting.runs.run import open_run
from kinimmune.fitting.task_functions import TASK_FUNCTIONS, find_task_function
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.models.errors import DataError
from kinimmune.models.tables.rows import Tables

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


def test_the_witness_is_of_the_package_s_tables_of_that_time(witness):
    run = open_run(witness)
    known = recognise(run, Tables())

    assert address(run.record.inputs) == PACKAGE_TABLES
    assert list(known.record.aliases.items()) == [(PACKAGE_TABLES, known.record.digest)]


def test_the_fit_of_the_witness_is_taken_up_without_computing_a_start_again(witness, tmp_path, kinimmune):
    run = copy(witness, tmp_path)
    before = json.loads((run / "results" / "fit.json").read_text())
    starts = {name: task for name, task in steps_of(run).items() if name.startswith("start")}

    code, out, err = kinimmune("fit", "hcc_trial", "-o", str(run), "--resume", "--json", "--quiet")

    assert code == 0, err
    assert {name: task for name, task in steps_of(run).items() if name.startswith("start")} == starts
    found = json.loads(out)
    assert found["starts"] == before["starts"]
    assert found["chi_square_data"] == pytest.approx(before["chi_square_data"], rel=1e-6)


@pytest.mark.parametrize(
    ("command", "prefix"),
    [
        (("profile", "--parameters", "growth:sharp", "--draws", "0"), "profile"),
        (("sensitivity", "--method", "prcc", "--output", "hazard_ratio:sharp:os", "--samples", "64"), "sensitivity"),
    ],
)
def test_what_the_witness_was_interrupted_in_goes_on_from_its_finished_steps(witness, tmp_path, kinimmune, command, prefix):
    run = copy(witness, tmp_path)
    before = {name: task for name, task in steps_of(run).items() if name.startswith(prefix)}
    code, _, err = kinimmune(command[0], str(run), *command[1:], "--resume", "--quiet", "--jobs", "2")

    after = steps_of(run)
    assert code == 0, err
    kept = [name for name in before if after[name] == before[name]]
    # bits are promised for one type of processor: on another, points that were computed from points round otherwise
    alike = open_run(run).record.environment.cpu == current_environment().cpu
    assert len(kept) >= (len(before) if alike else len(before) / 3)
    assert len([name for name in after if name.startswith(prefix)]) > len(before)
    assert {task["schema"] for name, task in after.items() if name not in before and name.startswith(prefix)} == {
        "kinimmune.task/2"
    }


def test_the_blocks_of_the_sample_of_the_witness_are_found_again(witness):
    run = recognise(open_run(witness), Tables())
    store = TaskStore(run.path / "results" / "tasks", run.record.aliases)
    block = store.read("sample-ensemble-1-block-000")

    assert find_task_function(block.function).name == "sample.block"
    assert run.record.aliases[block.inputs["problem"]["tables"]] == run.record.digest


def test_the_witness_is_reported(witness, tmp_path, kinimmune):
    run = copy(witness, tmp_path)

    code, _, err = kinimmune("report", str(run), "--quiet")

    assert code == 0, err
    assert (run / "report.pdf").read_bytes()[:5] == b"%PDF-"
