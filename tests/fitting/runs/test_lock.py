"""Two commands never work in one run: the lock is the operating system's, so it ends with its process and not before."""

import errno
import json
import signal
import subprocess
import sys

import pytest

from kinimmune.fitting.runs.lock import LOCK, is_in_use, lock_run, refuse_folder
from kinimmune.models.errors import MachineError, UsageError

HOLD = (
    "import sys; from pathlib import Path; from kinimmune.fitting.runs.lock import lock_run\n"
    "with lock_run(Path(sys.argv[1])):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


@pytest.fixture
def other(tmp_path):
    """Return a process that holds the lock of a run."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "run")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_run_another_process_works_in_is_refused_with_its_number(tmp_path, other):
    assert is_in_use(tmp_path / "run")
    with (
        pytest.raises(
            UsageError, match=rf"is in use by process {other.pid} on .* since .*; wait for it, or name another with -o"
        ),
        lock_run(tmp_path / "run"),
    ):
        pytest.fail("the lock was given twice")
    with pytest.raises(UsageError, match="is in use"), lock_run(tmp_path / "run", force=True):
        pytest.fail("the lock was given twice")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_lock_of_a_process_that_is_gone_is_free(tmp_path, other, end):
    other.send_signal(end)
    other.wait()

    assert not is_in_use(tmp_path / "run")
    with lock_run(tmp_path / "run"):
        assert is_in_use(tmp_path / "run")


def test_nothing_is_left_when_a_lock_ends_in_order(tmp_path):
    with lock_run(tmp_path / "runs" / "first"):
        assert (tmp_path / "runs" / "first" / LOCK).is_file()
    assert list(tmp_path.iterdir()) == []
    assert not is_in_use(tmp_path / "runs" / "first")


def test_what_was_written_under_a_lock_stays(tmp_path):
    with lock_run(tmp_path / "run"):
        (tmp_path / "run" / "run.json").write_text("{}")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.json"]


def test_a_lock_ends_with_an_error_inside(tmp_path):
    with pytest.raises(ZeroDivisionError), lock_run(tmp_path / "run"):
        raise ZeroDivisionError
    with lock_run(tmp_path / "run"):
        pass


def test_a_lock_of_another_host_is_broken_by_force_alone(tmp_path):
    (tmp_path / LOCK).write_text(json.dumps({"host": "elsewhere", "process": 7, "since": "2026-01-31T12:00:00+00:00"}))

    with (
        pytest.raises(UsageError, match=r"was in use by process 7 on elsewhere .*, whose lock cannot be seen from here"),
        lock_run(tmp_path),
    ):
        pytest.fail("the lock of another host was broken")
    with lock_run(tmp_path, force=True):
        assert is_in_use(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"host": 1}', "\x00\x01", '{"host": "a", "process": "b", "since": 1}'])
def test_the_text_of_a_lock_decides_nothing(tmp_path, text):
    (tmp_path / LOCK).write_text(text)

    with lock_run(tmp_path):
        assert is_in_use(tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(UsageError, match=r"cannot write run '.*file/run': .*; give a folder you may write with -o"),
        lock_run(tmp_path / "file" / "run"),
    ):
        pytest.fail("a folder was made in a file")


def test_the_lock_of_who_came_after_is_left_alone(tmp_path):
    path = tmp_path / "run"
    with lock_run(path):
        (path / LOCK).unlink()
        (path / LOCK).write_text("of another process")
    assert (path / LOCK).read_text() == "of another process"


def test_a_folder_without_room_is_the_machine_s_fault(tmp_path):
    full = OSError(errno.ENOSPC, "No space left on device")

    assert isinstance(refuse_folder(tmp_path, full), MachineError)
    assert "make room and repeat the command, or give another folder with -o" in str(refuse_folder(tmp_path, full))
    assert isinstance(refuse_folder(tmp_path, OSError(errno.EROFS, "Read-only file system")), UsageError)
