"""Tasks are kept in a run as long as it is there, and nothing is made anew where somebody deleted it."""

import shutil

import pytest
from toy_steps import WALK

from kinimmune.fitting.runs.lock import lock_run
from kinimmune.fitting.runs.provenance import current_environment
from kinimmune.fitting.runs.run import RunRecord, RunStatus, create_run, is_run, open_run
from kinimmune.fitting.workflow.run_store import RunStore
from kinimmune.fitting.workflow.task import Task
from kinimmune.models.errors import MachineError, UsageError

TASK = Task(WALK, "toy-0-000", {"seed": 0, "block": 0, "point": [0.0, 0.0]})
RECORD = RunRecord(("toy",), "toy", 1, "2026-01-31T12:00:00+00:00", current_environment(), {})


@pytest.fixture
def store(tmp_path):
    """Return the store of a run that is held."""
    with lock_run(tmp_path / "run"):
        opened = RunStore(create_run(tmp_path / "run", RECORD))
        opened.prepare()
        yield opened


def refuse_to_save(store, message):
    with pytest.raises(MachineError, match=message):
        store.save(TASK, {})
    with pytest.raises(MachineError, match=message):
        store.require_place()


def test_what_was_saved_is_loaded(store):
    store.save(TASK, {"point": [0.1, 0.2]})

    assert store.load(TASK) == {"point": [0.1, 0.2]}


def test_a_run_that_was_deleted_or_moved_is_not_made_anew(store):
    path = store.run.path
    path.rename(path.with_name("elsewhere"))

    refuse_to_save(store, r"run '.*run' is gone: .*; go on with --resume where it lies now, or begin anew")
    for write in (lambda: store.run.write("results/toy.json", ""), lambda: store.run.update(RunStatus.DONE, 0.0)):
        with pytest.raises(MachineError, match="is gone"):
            write()
    assert not path.exists()
    assert is_run(path.with_name("elsewhere"))


@pytest.mark.parametrize("again", ["the same", "another"])
def test_a_run_that_was_replaced_is_not_touched(store, again):
    path = store.run.path
    shutil.rmtree(path)
    with lock_run(path):
        if again == "another":
            create_run(path, RECORD)
        before = sorted(path.rglob("*"))
        refuse_to_save(store, "is gone")
        assert sorted(path.rglob("*")) == before


@pytest.mark.parametrize("name", ["results", "results/tasks"])
def test_tasks_that_were_deleted_are_told(store, name):
    shutil.rmtree(store.run.path / name)

    refuse_to_save(store, r"results/tasks is gone: finished tasks were deleted or moved .*; put them back, or .*--resume")
    assert not (store.run.path / name).exists()


def test_a_record_that_was_deleted_is_written_again(store):
    (store.run.path / "run.json").unlink()
    store.save(TASK, {})

    assert open_run(store.run.path).record == RECORD


@pytest.mark.parametrize("name", ["results", "results/tasks"])
def test_a_file_in_the_place_of_a_folder_is_told_before_work_begins(store, name):
    shutil.rmtree(store.run.path / name)
    (store.run.path / name).write_text("x")

    with pytest.raises(UsageError, match=r"cannot write run '.*results/tasks': .*; give a folder you may write with -o"):
        store.prepare()
