"""What commands write outside of runs: whole or not at all, and refused before any work."""

import os
import resource
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from kinimmune.cli.exits import Exit

PROGRAM = Path(sys.executable).with_name("kinimmune")
SIMULATE = ("simulate", "gompertz", "--days", "30")
REPORT = ("report", "gompertz", "--draws", "0")
WRITERS = [
    pytest.param((*SIMULATE, "-o"), "good.csv", id="simulate -o"),
    pytest.param((*SIMULATE, "--plot"), "good.svg", id="simulate --plot"),
    pytest.param((*REPORT, "-o"), "good.pdf", id="report -o"),
]
"""Every command that writes a file its user names, and such a name."""


@contextmanager
def room_for(size):
    """Let no file of this process grow beyond a number of bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("command", "name"), WRITERS)
def test_a_full_disk_leaves_the_earlier_file_as_it_was_and_the_code_of_the_machine(kinimmune, tmp_path, command, name):
    assert kinimmune(*command, name)[0] == Exit.DONE
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    with room_for(100):
        code, out, err = kinimmune(*command, name, "-q")

    assert (code, out) == (Exit.MACHINE, "")
    assert err.startswith("error: cannot write ")
    assert "File too large; make room" in err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(("command", "_name"), [WRITERS[0], WRITERS[1]])
def test_a_device_without_room_has_the_code_of_the_machine_and_is_named(kinimmune, command, _name):
    code, _, err = kinimmune(*command, "/dev/full", "-q")

    assert code == Exit.MACHINE
    assert err.startswith("error: cannot write /dev/full: No space left on device; make room")


@pytest.mark.parametrize("command", [("show", "hcc_trial"), ("list",)])
def test_a_standard_output_without_room_is_named(command):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([PROGRAM, *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert done.returncode == Exit.MACHINE
    assert done.stderr == (
        "error: the standard output: No space left on device; make room and repeat the command, what was finished is kept\n"
    )


@pytest.mark.parametrize(("command", "name"), WRITERS)
def test_a_file_that_was_there_is_replaced_and_that_is_said(kinimmune, command, name):
    first, second, quiet = (kinimmune(*command, name, *more)[2] for more in ((), (), ("-q",)))

    assert f"replaced {name}" not in first
    assert f"replaced {name}\n" in second
    assert quiet == ""


@pytest.mark.parametrize(("command", "name"), WRITERS)
def test_a_replaced_file_keeps_its_permissions_and_a_new_one_follows_the_umask(kinimmune, tmp_path, command, name):
    (tmp_path / name).write_text("before")
    (tmp_path / name).chmod(0o640)
    mask = os.umask(0o027)
    try:
        for target in (name, f"new{Path(name).suffix}"):
            assert kinimmune(*command, target, "-q")[0] == Exit.DONE
    finally:
        os.umask(mask)

    assert [stat.S_IMODE((tmp_path / item).stat().st_mode) for item in (name, f"new{Path(name).suffix}")] == [0o640, 0o640]


@pytest.mark.parametrize(("command", "name"), WRITERS)
def test_a_link_stays_a_link_to_what_is_written(kinimmune, tmp_path, command, name):
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "file"
    (tmp_path / name).symlink_to(target)

    for _ in range(2):  # to nothing, then to a file
        assert kinimmune(*command, name, "-q")[0] == Exit.DONE
        assert (tmp_path / name).is_symlink()
        assert target.stat().st_size > 100
    assert [path.name for path in target.parent.iterdir()] == ["file"]


@pytest.mark.parametrize(("option", "begin"), [("-o", "time [d],"), ("--plot", "<?xml")])
def test_a_dash_is_the_standard_output_which_holds_nothing_else(kinimmune, tmp_path, option, begin):
    code, out, err = kinimmune(*SIMULATE, option, "-")

    assert (code, err) == (Exit.DONE, "gompertz, one patient, untreated, 30 days\n")
    assert out.startswith(begin)
    assert " quantity " not in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "begin", "end"),
    [((*SIMULATE, "-o", "/dev/stdout"), b"time [d],", b"\n"), ((*REPORT, "-o", "-"), b"%PDF", b"%%EOF")],
)
def test_the_standard_output_of_a_program_can_be_the_file(tmp_path, arguments, begin, end):
    done = subprocess.run([PROGRAM, *arguments, "-q"], cwd=tmp_path, capture_output=True, check=True)

    assert done.stdout.startswith(begin)
    assert done.stdout.endswith(end)
    assert b" quantity " not in done.stdout
    assert {path.name for path in tmp_path.iterdir()} <= {"gompertz-report"}


def test_a_pipe_takes_the_table_and_stays_a_pipe(kinimmune, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    taken = []
    reader = threading.Thread(target=lambda: taken.append((tmp_path / "pipe").read_text()))
    reader.start()

    code, out, err = kinimmune(*SIMULATE, "-o", "pipe")
    reader.join()

    assert code == Exit.DONE
    assert " quantity " in out
    assert err.endswith("wrote pipe\n")
    assert taken[0].count("\n") == 32
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_what_goes_nowhere_is_done(kinimmune):
    assert kinimmune(*SIMULATE, "-o", "/dev/null", "-q")[0] == Exit.DONE
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("lines", ["", "head -1"])
def test_a_reader_that_leaves_ends_a_command_in_peace(tmp_path, lines):
    script = f"set -o pipefail; '{PROGRAM}' show hcc_trial | {lines or 'true'}"

    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == (1 if lines else 0)


ENDINGS = [
    ((*SIMULATE, "-o"), ("x.xlsx", "x.json", "x.svg", "x", "x.csv.gz", ".csv"), "-o writes CSV; give a name that ends in .csv"),
    (
        (*SIMULATE, "--plot"),
        ("x.gif", "x.csv", "x"),
        "--plot writes SVG, PNG or PDF; give a name that ends in .svg, .png or",
    ),
    ((*REPORT, "-o"), ("x.docx", "x.svg", "x"), "-o writes PDF or HTML; give a name that ends in .pdf or .html"),
]


@pytest.mark.parametrize(("command", "names", "message"), ENDINGS)
def test_an_ending_that_is_not_the_one_of_the_content_is_refused(refused, command, names, message):
    for name in names:
        assert message in refused(*command, name)


@pytest.mark.parametrize(("command", "name"), WRITERS)
def test_an_ending_may_be_in_capitals(kinimmune, tmp_path, command, name):
    assert kinimmune(*command, name.upper(), "-q")[0] == Exit.DONE
    assert (tmp_path / name.upper()).is_file()


@pytest.mark.parametrize(("command", "name"), WRITERS)
def test_what_cannot_be_written_is_refused_before_any_work(refused, tmp_path, command, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    loop = tmp_path / f"loop-{name}"
    loop.symlink_to(loop)
    for target, message in {
        f"absent/{name}": "there is no folder 'absent'",
        f"file/{name}": "there is no folder 'file'",
        "folder": "it is a folder",
        f"{'a' * 300}{name}": "File name too long",
        loop.name: "Too many levels of symbolic links",
    }.items():
        assert message in refused(*command, target)


def test_a_name_as_long_as_names_can_be_is_written(kinimmune, tmp_path):
    name = "ü" * 125 + ".csv"  # 254 bytes

    assert kinimmune(*SIMULATE, "-o", name, "-q")[0] == Exit.DONE
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_for_figures_that_cannot_be_made_is_refused_before_any_work(refused, tmp_path):
    (tmp_path / "growth").write_text("no folder")

    assert "cannot write to folder 'growth/figures': 'growth' is no folder" in refused(*REPORT, "-o", "growth.pdf")


def test_two_options_do_not_name_one_file(refused, tmp_path):
    (tmp_path / "a.csv").write_text("before")
    (tmp_path / "link.svg").symlink_to(tmp_path / "a.csv")
    (tmp_path / "hard.svg").hardlink_to(tmp_path / "a.csv")
    (tmp_path / "new.svg").symlink_to(tmp_path / "new.csv")
    for table, picture in (("a.csv", "link.svg"), ("a.csv", "hard.svg"), ("new.csv", "new.svg"), ("-", "-")):
        assert "-o and --plot both write to" in refused(*SIMULATE, "-o", table, "--plot", picture)


@pytest.mark.parametrize(("command", "_name"), WRITERS)
def test_json_and_an_output_do_not_share_the_standard_output(refused, command, _name):
    assert "--json both write to the standard output; leave one of them out" in refused(*command, "-", "--json")
