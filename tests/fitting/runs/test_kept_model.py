"""A run of a model from outside keeps it as data: it can be moved, taken up and reported without the file, and runs no code."""

import json
import shutil
from pathlib import Path

import pytest
from own_model import MODEL
from own_model import write_project as write_own
from paths import OWN_MODEL, OWN_TRIAL
from plug_in import install_five_states

from kinimmune.fitting.configuration import read_run_settings
from kinimmune.fitting.estimation.run import plan_run, resume_fit, start_fit
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.settings import open_problem
from kinimmune.fitting.projects.beginning import plan_project, write_project
from kinimmune.fitting.runs.kept_model import find_kept
from kinimmune.fitting.runs.run import open_run
from kinimmune.fitting.settings import FitOptions, Settings
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.tables.rows import Tables

FEW = FitOptions(patients=8, starts=1)
COMMAND = ("kinimmune", "fit")


def begin(model, folder, run, *, force=False):
    with plan_run(str(model), Settings(data=folder, fit=FEW)) as plan:
        return start_fit(plan, run, COMMAND, force=force)


@pytest.fixture
def moved(tmp_path):
    """Return a run that was begun with a model file, moved, its project gone; the file there now tells when it is run."""
    file = write_own(tmp_path / "own")
    begin(file, file.parent, tmp_path / "run")
    shutil.rmtree(tmp_path / "own")
    (tmp_path / "own").mkdir()
    file.write_text(f"open({str(tmp_path / 'was_run')!r}, 'w')\n")
    yield Path(shutil.move(tmp_path / "run", tmp_path / "elsewhere"))
    assert not (tmp_path / "was_run").exists()


def test_a_moved_run_holds_what_its_problem_is_built_from(moved):
    run = open_run(moved)
    tables = Tables(read_run_settings(run).data)
    assert tables.folder == find_kept(moved)
    assert run.record.model == MODEL
    assert len(load_model(MODEL, tables).states) == 5
    assert digest_inputs(MODEL, tables) == run.record.digest


@pytest.mark.parametrize("by_file", [True, False])
def test_a_moved_run_is_taken_up_without_its_file(moved, by_file):
    model = str(moved.parent / "own" / f"{MODEL}.py") if by_file else MODEL
    work = resume_fit(model, moved, None, {})
    assert work.warnings == ()
    problem = open_problem(work.plan.problem, work.plan.settings.folder)
    assert problem.simulator.model == load_model(MODEL, Tables(moved / "tables"))


def test_a_run_begins_with_the_problem_it_would_go_on_with(tmp_path):
    file = write_own(tmp_path / "own")
    begun = begin(file, file.parent, tmp_path / "run")
    again = resume_fit(MODEL, tmp_path / "run", None, {"data": file.parent})
    assert again.plan.problem == begun.plan.problem
    assert again.plan.settings.folder == begun.plan.settings.folder == str(tmp_path / "run" / "tables")


def test_other_tables_than_those_kept_are_refused(moved, tmp_path):
    shutil.copytree(moved / "tables", tmp_path / "changed")
    table = tmp_path / "changed" / "targets.csv"
    table.write_text(table.read_text().replace("9.5,7.9", "9.4,7.9"))
    with pytest.raises(UsageError, match=r"targets\.csv differ from the tables run .* keeps; leave it out, or begin a new run"):
        resume_fit(MODEL, moved, None, {"data": tmp_path / "changed"})


def test_a_hostile_model_in_a_run_is_refused(moved):
    path = moved / "tables" / "model.json"
    content = json.loads(path.read_text())
    content["mechanisms"][0]["terms"][0]["expression"] = ["__import__", "os"]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"model\.json: mechanisms\[0\]\.terms\[0\]\.expression: unknown operator '__import__'"):
        resume_fit(MODEL, moved, None, {})


def test_a_run_of_a_library_model_keeps_neither_model_nor_tables(tmp_path):
    begin("hcc_trial", OWN_TRIAL, tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["config.toml", "run.json"]
    assert read_run_settings(open_run(tmp_path / "run")).data == OWN_TRIAL
    with pytest.raises(UsageError, match="keeps no model of its own"):
        resume_fit("hcc_trial.py", tmp_path / "run", None, {})


def test_a_run_of_a_project_of_the_library_keeps_its_tables(tmp_path):
    folder = tmp_path / "doses"
    write_project(plan_project("dose_finding"), folder)
    begin("hcc_trial", folder, tmp_path / "run")
    shutil.rmtree(folder)
    run = open_run(Path(shutil.move(tmp_path / "run", tmp_path / "elsewhere")))
    kept = find_kept(run.path)
    assert kept == read_run_settings(run).data == tmp_path / "elsewhere" / "tables"
    assert not (kept / "model.json").exists()
    assert digest_inputs("hcc_trial", Tables(kept)) == run.record.digest
    assert resume_fit("hcc_trial", run.path, None, {}).warnings == ()
    with pytest.raises(UsageError, match="keeps no model of its own"):
        resume_fit("hcc_trial.py", run.path, None, {})


def test_a_run_of_a_plug_in_keeps_its_model_and_its_tables(tmp_path, monkeypatch):
    site = install_five_states(tmp_path / "site")
    with monkeypatch.context() as context:
        context.syspath_prepend(str(site))
        begin("five_states", None, tmp_path / "run")
    shutil.rmtree(site)
    kept = find_kept(tmp_path / "run")
    assert (kept / "trials.csv").read_bytes() == (OWN_MODEL / "trials.csv").read_bytes()
    assert resume_fit("five_states", tmp_path / "run", None, {}).warnings == ()


def test_a_run_written_over_keeps_nothing_of_the_model_before(tmp_path):
    file = write_own(tmp_path / "own")
    begin(file, file.parent, tmp_path / "run")
    (tmp_path / "run" / "tables" / "mine.txt").write_text("a note")
    begin("hcc_trial", OWN_TRIAL, tmp_path / "run", force=True)
    assert [path.name for path in (tmp_path / "run" / "tables").iterdir()] == ["mine.txt"]
