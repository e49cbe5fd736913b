"""Files are there as a whole or not at all, and what cannot be one is told in one line with its name."""

import json
import os
import re
import resource
import stat
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinimmune.fitting.runs.atomic_files import read_object, write_text
from kinimmune.models.errors import DataError, MachineError

FILL = (
    "import resource, signal, sys; from pathlib import Path\n"
    "from kinimmune.fitting.runs.atomic_files import write_text\n"
    "from kinimmune.models.errors import MachineError\n"
    "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    "try:\n"
    "    write_text(Path(sys.argv[1]), 'x' * 5000)\n"
    "except MachineError as error:\n"
    "    print(error)\n"
)


@given(text=st.text(st.characters(codec="utf-8")))
def test_a_text_comes_back(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("files") / "a.txt"

    write_text(path, text)

    assert path.read_bytes().decode() == text
    assert [item.name for item in path.parent.iterdir()] == ["a.txt"]


def test_a_file_for_which_there_is_no_room_is_named_and_the_one_of_before_stays(tmp_path):
    path = tmp_path / "good.csv"
    write_text(path, "before")

    told = subprocess.run([sys.executable, "-c", FILL, str(path)], capture_output=True, text=True, check=True).stdout

    assert told == f"cannot write {path}: File too large; make room or give a folder you may write, what was finished is kept\n"
    assert path.read_text() == "before"
    assert [item.name for item in tmp_path.iterdir()] == ["good.csv"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE) != (1000, 1000)


def test_a_folder_that_is_gone_is_named(tmp_path):
    with pytest.raises(MachineError, match=r"cannot write .*gone/a.json: No such file or directory; make room or give a folder"):
        write_text(tmp_path / "gone" / "a.json", "{}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000, "holds no JSON of this package: .*recursion"),
        ('{"a":' * 100_000, "holds no JSON of this package: .*recursion"),
        ('{"n": ' + "9" * 5000 + "}", "holds no JSON of this package: .*digits"),
        ('{"a": "\\ud800"}', "holds half a character"),
        ('{"a": ["\\udfff"]}', "holds half a character"),
        ("[1]", "holds no JSON object"),
        ("", "line 1 is no JSON"),
        ("\ufeff{}", "no JSON"),
    ],
)
def test_what_is_no_object_of_ours_is_told_in_one_line(tmp_path, content, message):
    path = tmp_path / "run.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match=message) as caught:
        read_object(path, "restore it")
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("; restore it")


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "run.json")

    with pytest.raises(DataError, match=r"run.json is no plain file; restore it"):
        read_object(tmp_path / "run.json", "restore it")


def test_characters_beyond_the_first_plane_are_text(tmp_path):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"note": "\U0001f400 mouse"}))

    assert read_object(path, "") == {"note": "\U0001f400 mouse"}


def test_a_file_keeps_its_permissions_and_a_new_one_follows_the_umask(tmp_path):
    before = tmp_path / "before"
    before.touch(0o600)
    before.chmod(0o604)
    mask = os.umask(0o077)
    try:
        write_text(before, "now")
        write_text(tmp_path / "new", "now")
    finally:
        os.umask(mask)

    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("before", "new")] == [0o604, 0o600]


def test_a_link_leads_to_what_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there/file")

    for text in ("first", "second"):
        write_text(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "there" / "file").read_text() == text


def test_whoever_read_a_pipe_and_has_gone_is_no_fault_of_the_machine(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    thread = threading.Timer(0.2, os.close, (reader,))
    thread.start()

    with pytest.raises(BrokenPipeError):
        write_text(tmp_path / "pipe", "x" * 2**20)
    thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="a file of Linux that gives an input/output error")
def test_a_disk_that_does_not_give_a_file_is_the_machine_s_fault(tmp_path):
    (tmp_path / "step.json").symlink_to("/proc/self/mem")

    with pytest.raises(
        MachineError, match=r"step.json cannot be read: Input/output error; mend the disk, then delete it and resume"
    ):
        read_object(tmp_path / "step.json", "delete it and resume")


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path):
    (tmp_path / "step.json").mkdir()

    with pytest.raises(DataError, match=r"step.json is no plain file; delete it and resume"):
        read_object(tmp_path / "step.json", "delete it and resume")


def test_a_folder_where_a_file_is_to_be_written_stays_and_is_told(tmp_path):
    path = tmp_path / "failures.csv"
    path.mkdir()

    with pytest.raises(DataError, match=f"^cannot write {re.escape(str(path))}: a folder stands in its place; move it elsewhere"):
        write_text(path, "text")

    assert [item.name for item in tmp_path.rglob("*")] == ["failures.csv"]
