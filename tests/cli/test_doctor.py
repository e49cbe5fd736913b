"""What `kinimmune doctor` says of the cache of compiled kernels."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kinimmune.cli.self_test import examine_cache
from kinimmune.models.catalogue import load_model
from kinimmune.models.kernel.cache import load_loop
from kinimmune.models.kernel.kernel import load_kernel

PROGRAM = "import sys; from kinimmune.cli.main import main; sys.exit(main(sys.argv[1:]))"
posix = pytest.mark.skipif(os.name == "nt", reason="modes say nothing there")


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """Return a cache that holds the kernel doctor tests, and the loop; this process has loaded both."""
    sources = [load_kernel(load_model("gompertz")).source, Path(str(load_loop().__file__))]
    folder = tmp_path / "kernels"
    for source in sources:
        shutil.copytree(source.parent, folder / source.parent.name)
    monkeypatch.setenv("KINIMMUNE_CACHE", str(folder))
    return folder


def test_kernels_are_counted(kinimmune, kernels):
    _, printed, _ = kinimmune("doctor", "--quiet")
    facts = json.loads(kinimmune("doctor", "--json")[1])["cache"]

    assert f"{kernels}, 1 kernel\n" in "".join(line.rstrip() + "\n" for line in printed.splitlines())
    expected = {"folder": str(kernels), "writable": True, "kernels": 1, "damaged": 0, "used": True, "reason": None}
    assert facts == {**expected, "cores": os.cpu_count()}


@posix
def test_a_cache_that_is_not_used_is_told_with_the_reason(kinimmune, kernels):
    kernels.chmod(0o777)
    code, printed, _ = kinimmune("doctor")
    facts = json.loads(kinimmune("doctor", "--json")[1])["cache"]

    assert code == 0
    assert f"NOT USED: others can write to {kernels}, mode 0777; chmod go-w {kernels}" in " ".join(printed.split())
    assert (facts["used"], facts["writable"]) == (False, True)
    assert facts["reason"].startswith("others can write to")


@posix
@pytest.mark.parametrize(
    ("given", "writable", "reason"),
    [
        ("new/kernels", True, None),
        ("file", False, "is no folder"),
        ("file/below", False, "is no folder"),
        ("x" * 5000, False, "name too long"),
        ("~nobody_of_this_name", False, "no home folder"),
    ],
)
def test_a_folder_is_examined_without_making_it(tmp_path, monkeypatch, given, writable, reason):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    folder = Path(given) if given.startswith("~") else tmp_path / given
    facts = examine_cache(folder)

    assert (facts.kernels, facts.damaged, facts.writable, facts.used) == (0, 0, writable, reason is None)
    assert facts.reason is None if reason is None else reason in facts.reason.lower()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.slow
def test_a_damaged_kernel_is_built_anew_by_the_command_and_told_in_one_line(kernels):
    for file in kernels.glob("kinimmune_model_*/__pycache__/*advance*.nbc"):
        file.write_bytes(file.read_bytes()[:1000])
    assert examine_cache(kernels).damaged == 1
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    command = [sys.executable, "-c", PROGRAM, "doctor", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    content = json.loads(done.stdout)

    assert done.returncode == 0
    assert content["passed"]
    assert (content["cache"]["kernels"], content["cache"]["damaged"]) == (1, 0)
    told = [line for line in done.stderr.splitlines() if not line.startswith("testing")]
    assert len(told) == 1
    assert told[0].startswith(f"warning: the kernel cache {kernels} held damaged files")
