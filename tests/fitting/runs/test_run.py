"""Run folders: whole files or none, tasks that are only reused where they belong, and one clear line for what is wrong."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinimmune.fitting.runs.atomic_files import write_text
from kinimmune.fitting.runs.lock import lock_run
from kinimmune.fitting.runs.provenance import address, current_environment, hash_tables
from kinimmune.fitting.runs.run import Run, RunRecord, RunStatus, begin_run, create_run, free_path, is_run, open_run
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.fitting.workflow.task import Task, TaskFunction
from kinimmune.models.errors import DataError, UsageError


@pytest.fixture
def record():
    return RunRecord(
        command=("kinimmune", "fit", "hcc_trial"),
        model="hcc_trial",
        seed=1,
        started="2026-01-31T12:00:00+00:00",
        environment=current_environment(),
        inputs=hash_tables(None),
    )


def test_a_run_reads_back_as_it_was_written(tmp_path, record):
    run = create_run(tmp_path / "run", record).update(RunStatus.DONE, 1.5, "a note")

    assert open_run(tmp_path / "run") == run
    assert run.record == replace(record, status=RunStatus.DONE, wall_seconds=1.5, notes=("a note",))


def test_wall_time_adds_up_and_notes_stand_once(tmp_path, record):
    run = create_run(tmp_path / "run", record).update(RunStatus.INTERRUPTED, 2.0, "cpu: a -> b")

    run = run.update(RunStatus.DONE, 3.0, "cpu: a -> b")

    assert (run.record.wall_seconds, run.record.notes) == (5.0, ("cpu: a -> b",))


def test_a_run_says_it_is_running_until_it_is_told_otherwise(tmp_path, record):
    create_run(tmp_path / "run", record)

    assert json.loads((tmp_path / "run" / "run.json").read_text())["status"] == "running"


def test_an_existing_run_is_kept_without_force(tmp_path, record):
    create_run(tmp_path / "run", record).write("results/fit.json", "{}")

    with pytest.raises(UsageError, match=r"run '.*run' exists; --resume goes on with it, --force overwrites it"):
        create_run(tmp_path / "run", record)

    assert (tmp_path / "run" / "results" / "fit.json").exists()


def test_force_removes_the_run_and_nothing_else(tmp_path, record):
    run = create_run(tmp_path / "run", record)
    run.write("results/fit.json", "{}")
    run.write("notes.txt", "mine")

    create_run(tmp_path / "run", record, force=True)

    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["notes.txt", "run.json"]


def test_a_folder_in_which_a_command_was_killed_before_it_had_a_run_can_be_used(tmp_path, record):
    (tmp_path / ".run.json-x3kd.tmp").write_text("{")

    create_run(tmp_path, record)

    with lock_run(tmp_path):
        assert open_run(tmp_path).record == record


def test_a_run_nobody_works_in_is_not_running(tmp_path, record):
    create_run(tmp_path / "run", record)

    assert record.status is RunStatus.RUNNING
    assert open_run(tmp_path / "run").record == replace(record, status=RunStatus.INTERRUPTED)


def test_a_run_in_a_folder_whose_name_is_no_text_reads_back(tmp_path):
    path = tmp_path / "r\udcff"
    begun = {"model": "toy", "seed": 1, "data": None, "digest": "", "force": False}
    run = begin_run(path, command=("kinimmune", "fit", "-o", str(path)), **begun)

    assert run.record.command[-1] == str(tmp_path / "r\\xff")
    assert open_run(path).record.command == run.record.command


@pytest.mark.parametrize("place", ["results", "figures/own", "tables"])
def test_a_run_does_not_begin_anew_over_the_tables_it_is_to_read(tmp_path, record, place):
    create_run(tmp_path / "run", record)
    data = tmp_path / "run" / place
    data.mkdir(parents=True)
    for name in ("trials.csv", "model.json"):  # with the model, `tables` is what a run of a model from outside keeps
        (data / name).write_text("mine")
    (tmp_path / "link").symlink_to(data)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    for tables in (data, tmp_path / "link"):
        with pytest.raises(UsageError, match="--force would remove the tables in"):
            begin_run(tmp_path / "run", command=(), model="toy", seed=1, data=tables, digest="", force=True)

    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize("place", ["own", "tables"])
def test_tables_elsewhere_in_a_run_stay_when_it_begins_anew(tmp_path, record, place):
    create_run(tmp_path / "run", record)
    data = tmp_path / "run" / place
    data.mkdir()
    (data / "trials.csv").write_text("mine")

    begin_run(tmp_path / "run", command=(), model="toy", seed=1, data=data, digest="", force=True)

    assert (data / "trials.csv").read_text() == "mine"


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_that_is_no_run_is_never_touched(tmp_path, record, force):
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(UsageError, match="is not empty and no run; give another folder with -o"):
        create_run(tmp_path, record, force=force)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_empty_folder_becomes_a_run(tmp_path, record):
    create_run(tmp_path, record)

    assert is_run(tmp_path)


def test_a_place_that_cannot_be_written_is_refused(tmp_path, record):
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match="is a file; give a folder"):
        create_run(tmp_path / "file", record)
    with pytest.raises(UsageError, match=r"cannot write run '.*': Not a directory"):
        create_run(tmp_path / "file" / "run", record)


def test_a_missing_run_is_a_mistake_of_usage(tmp_path):
    with pytest.raises(UsageError, match=r"no run '.*absent': no run.json there"):
        open_run(tmp_path / "absent")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 is no JSON"),
        ('{"seed": 1', "line 1 is no JSON"),
        ("[]", "holds no JSON object"),
        ("{}", "is no run record: command: Field required"),
        ("\0\0\0\0", "is no JSON"),
    ],
)
def test_a_record_that_cannot_be_read_is_named(tmp_path, text, message):
    (tmp_path / "run.json").write_text(text)

    with pytest.raises(DataError, match=f"run.json.*{message}.*--force"):
        open_run(tmp_path)


def test_a_record_of_another_schema_is_refused(tmp_path, record):
    run = create_run(tmp_path / "run", record)
    content = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**content, "schema": "kinimmune.run/2"}))

    with pytest.raises(DataError, match=r"schema: Input should be 'kinimmune.run/1'"):
        open_run(run.path)


def test_a_missing_result_says_how_far_the_run_got(tmp_path, record):
    with pytest.raises(DataError, match=r"fit.json is missing; the run is 'running'"):
        create_run(tmp_path / "run", record).read("results/fit.json")


def test_runs_are_numbered_above_the_highest(tmp_path):
    assert free_path(tmp_path, "hcc_trial") == tmp_path / "hcc_trial-1"
    for name in ("hcc_trial-2", "hcc_trial-10", "hcc_trial-old", "gompertz-40"):
        (tmp_path / name).mkdir()
    assert free_path(tmp_path, "hcc_trial") == tmp_path / "hcc_trial-11"


def test_a_write_that_fails_leaves_the_old_file_whole(tmp_path):
    target = tmp_path / "fit.json"
    write_text(target, "old")

    with pytest.raises(DataError, match=r"cannot write .*fit.json: half a character at position 30000"):
        write_text(target, "new" * 10_000 + "\ud800")

    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["fit.json"]


numbers = st.floats(allow_nan=False)


WORK = TaskFunction("toy.same", lambda inputs: inputs)


@given(outcome=st.dictionaries(st.text(), st.one_of(numbers, st.text(), st.booleans(), st.lists(numbers))))
def test_a_task_comes_back_to_the_last_bit(tmp_path_factory, outcome):
    store = TaskStore(tmp_path_factory.mktemp("starts"))

    store.save(Task(WORK, "start-000", {}), outcome)

    assert store.load(Task(WORK, "start-000", {})) == outcome


def test_an_infinite_cost_is_kept(tmp_path):
    TaskStore(tmp_path).save(Task(WORK, "start-000", {}), {"cost": math.inf})

    assert TaskStore(tmp_path).load(Task(WORK, "start-000", {})) == {"cost": math.inf}


def test_a_task_is_not_taken_for_one_of_other_settings(tmp_path):
    TaskStore(tmp_path).save(Task(WORK, "start-000", {"seed": 1}), {"cost": 1.0})

    assert TaskStore(tmp_path).load(Task(WORK, "start-000", {"seed": 1}, {"jobs": 2})) == {"cost": 1.0}
    assert TaskStore(tmp_path).load(Task(WORK, "start-000", {"seed": 2})) is None
    assert TaskStore(tmp_path).load(Task(WORK, "start-001", {"seed": 1})) is None


def test_a_task_that_was_cut_off_is_named(tmp_path):
    TaskStore(tmp_path).save(Task(WORK, "start-000", {}), {"cost": 1.0})
    path = tmp_path / "start-000.json"
    path.write_text(path.read_text()[:20])

    with pytest.raises(DataError, match=r"start-000.json line \d+ is no JSON: .*; delete it and resume"):
        TaskStore(tmp_path).load(Task(WORK, "start-000", {}))


def test_an_address_depends_on_content_not_on_order():
    assert address({"a": 1, "b": 2.0}) == address({"b": 2.0, "a": 1})
    assert address({"a": 1}) != address({"a": 2})


def test_hashes_are_those_of_the_tables_that_apply(tmp_path):
    (tmp_path / "targets.csv").write_text("study\n")
    (tmp_path / "unrelated.csv").write_text("x\n")
    package, own = hash_tables(None), hash_tables(tmp_path)

    assert {name for name in package if package[name] != own[name]} == {"targets.csv"}
    assert package.keys() == own.keys()
    # printf 'study\n' | sha256sum
    assert own["targets.csv"] == "9eb0b1297f9d96044a3d97f0d9b96a050af93bf6942ffdbd82c9585c57502000"


def test_environments_tell_what_differs():
    here = current_environment()
    there = replace(here, cpu="another", libraries={**here.libraries, "numpy": "1.0"})

    assert here.differences(here) == ()
    assert there.differences(here) == (f"cpu: {here.cpu} -> another", f"numpy: {here.libraries['numpy']} -> 1.0")


def test_a_run_is_its_folder(tmp_path, record):
    assert Run(tmp_path, record).settings_file == tmp_path / "config.toml"
