"""What must hold before a version is published: told once, built, complete, and at work in a fresh environment.

`python benchmarks/release.py` builds wheel and source distribution into a temporary folder and prints a line for each check;
`--install` also installs the wheel in a fresh environment and uses it, which needs a package index.  It leaves with 1 where a
check failed.  What to do with the files: docs/releasing.md.
"""

import argparse
import email
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
Check = tuple[str, bool, str]
"""What is checked, whether it holds, and what to do where it does not."""
FIELDS = ("Name", "Version", "Summary", "Keywords", "License-Expression", "Requires-Python", "Classifier", "Author")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def export_sources(folder: Path) -> Path:
    """Return a folder with what is committed: nothing else gets into what is built, and nothing is left in the repository."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def check_texts(version: str) -> Iterator[Check]:
    """Check what the repository says of a version."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+)", changelog, re.MULTILINE)
    yield "CHANGELOG.md begins with this version", headings[0].strip("[]") == version, "rename Unreleased, or raise the version"
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    yield "CITATION.cff tells this version", f"\nversion: {version}\n" in citation, "correct its line `version:`"
    status = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False)
    yield "nothing is uncommitted", status.returncode == 0 and not status.stdout, "commit or remove it"
    tags = subprocess.run(["git", "tag", "--list", f"v{version}"], cwd=ROOT, capture_output=True, text=True, check=False)
    yield f"there is no tag v{version}", not tags.stdout, "raise the version: a published one is never changed"


def check_wheel(path: Path, version: str) -> Iterator[Check]:
    """Check the content and the metadata of a wheel."""
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        about = email.message_from_bytes(wheel.read(f"kinimmune-{version}.dist-info/METADATA"))
    absent = [field for field in FIELDS if field not in about]
    yield "metadata is complete", not absent, f"pyproject.toml lacks {', '.join(absent)}"
    yield "metadata names where the project lives", "Project-URL" in about, "add [project.urls] with its public address"
    yield "libraries are not bounded from above", not _list_bounded(about), f"loosen {', '.join(_list_bounded(about))}"
    yield (
        "the wheel carries tables and examples",
        _hold(names, "data/parameters.csv", "examples/own_trial/targets.csv"),
        "package-data",
    )
    yield "the wheel carries the documentation's pictures", _hold(names, "how-to/predict.svg", "curves.svg"), "data-files"
    yield "the wheel carries no test", not any("tests/" in name for name in names), "packages in pyproject.toml"


def check_sources(path: Path) -> Iterator[Check]:
    """Check the content of a source distribution, and that its pages link to what it has."""
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    yield (
        "sources carry documentation, examples and tests",
        _hold(names, "predict.svg", "five_states.py", "conftest.py"),
        "MANIFEST.in",
    )
    pages = [name for name in names if name.endswith(".md") and name.startswith(("README", "docs/"))]
    dead = sorted({link for page in pages for link in _list_dead(page, names)})
    yield "links of the pages lead somewhere", not dead, f"correct {', '.join(dead[:5])}"


def check_installed(wheel: Path, folder: Path) -> Iterator[Check]:
    """Install a wheel in a fresh environment and use it in an empty folder."""
    venv.create(folder / "fresh", with_pip=True)
    python = folder / "fresh" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    place = folder / "empty"
    place.mkdir()
    steps = {
        "it installs": ("-m", "pip", "install", "--quiet", str(wheel)),
        "it tells its version": ("-m", "kinimmune", "--version"),
        "it works here": ("-m", "kinimmune", "doctor"),
        "it makes a project": ("-m", "kinimmune", "init", "mine"),
        "the project is sound": ("-m", "kinimmune", "check", "mine"),
    }
    for what, words in steps.items():
        done = subprocess.run([str(python), *words], cwd=place, capture_output=True, text=True, check=False)
        yield f"installed: {what}", done.returncode == 0, done.stderr.strip()[-300:]


def _list_bounded(about: Message) -> list[str]:
    needed = [str(item) for item in about.get_all("Requires-Dist", []) if "extra" not in str(item)]
    return [item for item in needed if "<" in item]


def _hold(names: "list[str] | set[str]", *endings: str) -> bool:
    return all(any(name.endswith(ending) for name in names) for ending in endings)


def _list_dead(page: str, names: set[str]) -> Iterator[str]:
    """Yield links of a page to files that are neither in the archive nor a folder of it."""
    for link in LINK.findall((ROOT / page).read_text(encoding="utf-8")):
        target = ((ROOT / page).parent / link).resolve()
        inside = target.is_relative_to(ROOT) and target.relative_to(ROOT).as_posix()
        if not inside or not any(name == inside or name.startswith(f"{inside}/") for name in names):
            yield f"{page}: {link}"


def main() -> int:
    """Check, print a line each, and return 1 where one does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--install", action="store_true", help="use the wheel in a fresh environment; needs a package index")
    given = parser.parse_args()
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", name, str(export_sources(folder / "sources"))]
        subprocess.run(command, check=True, capture_output=True)
        wheel, sources = next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))
        checks = [*check_texts(version), *check_wheel(wheel, version), *check_sources(sources)]
        checks += check_installed(wheel, folder) if given.install else []
    for what, holds, remedy in checks:
        print(f"{'holds ' if holds else 'FAILED'}  {what}{'' if holds else f': {remedy}'}")
    return int(not all(holds for _, holds, _ in checks))


if __name__ == "__main__":
    sys.exit(main())
