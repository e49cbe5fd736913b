"""What is installed is what is there: packages, tables, templates and type markers, in wheel and source distribution."""

import subprocess
import sys
import tarfile
import tomllib
import zipfile

import pytest
from paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = ("api", "models", "fitting", "reports", "cli", "data", "examples")


def shipped(folder):
    """Return the files of a package folder that belong into a distribution."""
    kinds = {".py", ".csv", ".json", ".md", ".typ", ".typed", ".toml", ".css", ".js"}
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.suffix in kinds and "__pycache__" not in path.parts
    }


def in_package(name):
    """Return where a file of the repository lies in the package; the folder `api` is the package itself."""
    return f"kinimmune/{name}" if name.partition("/")[0] != "api" else f"kinimmune/{name.partition('/')[2]}"


EXPECTED = {name for folder in FOLDERS for name in shipped(folder)}


def test_every_folder_with_code_is_a_package():
    code = (path for name in EXPECTED if (path := ROOT / name).suffix == ".py")
    folders = {folder for path in code if not (folder := path.parent.relative_to(ROOT).as_posix()).startswith("examples/")}

    assert {in_package(name).rstrip("/").replace("/", ".") for name in folders} == set(PROJECT["tool"]["setuptools"]["packages"])


def test_every_package_says_that_it_is_typed():
    assert {f"{folder}/py.typed" for folder in ("models", "fitting", "reports", "cli")} <= EXPECTED


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """Return the names in wheel and source distribution, built offline from a copy of the sources."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in (*EXPECTED, "pyproject.toml", "README.md", "LICENSE"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--sdist", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel, tarfile.open(next(out.glob("*.tar.gz"))) as archive:
        return set(wheel.namelist()), {name.partition("/")[2] for name in archive.getnames()}


@pytest.mark.slow
def test_the_wheel_holds_every_file_under_the_name_of_the_package(distributions):
    wheel, _ = distributions

    assert {name for name in wheel if name.startswith("kinimmune/")} == {in_package(name) for name in EXPECTED}
    assert {name.split("/")[0] for name in wheel} == {"kinimmune", f"kinimmune-{PROJECT['project']['version']}.dist-info"}
    assert any(name.endswith("LICENSE") for name in wheel)


@pytest.mark.slow
def test_the_source_distribution_holds_every_file(distributions):
    _, archive = distributions

    assert EXPECTED | {"pyproject.toml", "README.md", "LICENSE"} <= archive


def test_constraints_pin_versions_without_addresses():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

    assert all(line.count("==") == 1 and not set(line) & set("@/: ") for line in lines)


def test_every_dependency_is_pinned_above_its_lower_bound():
    pinned = dict(line.lower().replace("_", "-").split("==") for line in (ROOT / "constraints.txt").read_text().splitlines())
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["dev"]]

    for requirement in wanted:
        name, _, bound = requirement.partition(">=")
        name = name.partition("<")[0]
        assert name in pinned, name
        if bound:
            assert as_numbers(pinned[name]) >= as_numbers(bound.partition(",")[0]), requirement


def as_numbers(version):
    return [int(part) for part in version.split(".")]


def test_version_and_licence_are_told_once():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")

    assert f"\nversion: {PROJECT['project']['version']}\n" in citation
    assert f"\nlicense: {PROJECT['project']['license']}\n" in citation
    assert f"## {PROJECT['project']['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
