"""The package in fresh environments: with the newest versions of its libraries, and with the lowest it declares.

`python benchmarks/versions.py newest lowest --python python3.13 python3.11 -o FOLDER` builds the wheel, makes an environment for
each, installs the wheel there, and carries out what a first-time user does and a few tests, against what is installed.  It prints
a table and leaves with 1 where something failed; what was printed lies in FOLDER.  It needs a package index.
"""

import argparse
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from release import export_sources

ROOT = Path(__file__).resolve().parents[1]
TESTS = (
    "tests/models/symbolic/test_model.py",
    "tests/models/tables/test_bad_cells.py",
    "tests/fitting/sampling/test_diagnostics.py",
    "tests/cli/test_bad_input.py",
)
OF_TESTS = ("pytest", "hypothesis", "psutil")
COMMANDS = (
    ("--version",),
    ("doctor",),
    ("init", "mine", "--from", "dose_finding"),
    ("check", "mine"),
    ("fit", "mine", "-o", "run", "--patients", "8", "--starts", "1", "--quiet"),
    ("report", "run", "--quiet"),
    ("sensitivity", "gompertz", "--method", "morris", "--output", "state:volume:28", "--samples", "8", "--quiet"),
)


@dataclass(frozen=True)
class Trial:
    """An environment in which the package is tried."""

    name: str
    """`newest` or `lowest`."""
    python: str
    """Program that makes it."""
    folder: Path

    @property
    def program(self) -> Path:
        """Its Python."""
        scripts = "Scripts" if sys.platform == "win32" else "bin"
        return self.folder / "environment" / scripts / "python"


def list_lowest(requirements: list[str]) -> list[str]:
    """Return requirements at their lower bounds.

    >>> list_lowest(["numpy>=2.0", "arviz>=0.20"])
    ['numpy==2.0', 'arviz==0.20']
    """
    return [re.sub(r">=", "==", requirement, count=1) for requirement in requirements]


def carry_out(trial: Trial, label: str, *words: str) -> tuple[str, bool, float]:
    """Run a program in the folder of a trial; return its label, whether it ended well, and how long it took [s]."""
    began = time.monotonic()
    done = subprocess.run(words, cwd=trial.folder, capture_output=True, text=True, check=False)
    with (trial.folder / "log").open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(words)}\n{done.stdout}{done.stderr}\n")
    return label, done.returncode == 0, time.monotonic() - began


def try_versions(trial: Trial, wheel: Path) -> list[tuple[str, bool, float]]:
    """Return what was tried in an environment; nothing more once the installation failed."""
    shutil.rmtree(trial.folder, ignore_errors=True)
    trial.folder.mkdir(parents=True)
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    bounds = list_lowest(declared) if trial.name == "lowest" else []
    carry_out(trial, "environment", trial.python, "-m", "venv", str(trial.folder / "environment"))
    python = str(trial.program)
    results = [carry_out(trial, "install", python, "-m", "pip", "install", "--quiet", str(wheel), *bounds, *OF_TESTS)]
    if not results[0][1]:
        return results
    carry_out(trial, "versions", python, "-m", "pip", "freeze")
    results += [carry_out(trial, " ".join(command), python, "-m", "kinimmune", *command) for command in COMMANDS]
    tests = [str(ROOT / name) for name in TESTS]
    plain = ("-p", "no:cacheprovider", "-W", "default", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT))
    results.append(carry_out(trial, "tests", python, "-m", "pytest", "-q", *plain, *tests))
    return results


def build_wheel(folder: Path) -> Path:
    """Return the wheel of what is committed, built in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "sources", ignore_errors=True)
    sources = export_sources(folder / "sources")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder), str(sources)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def main() -> int:
    """Try what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+", choices=("newest", "lowest"))
    parser.add_argument("--python", nargs="+", required=True, help="programs, one for each name")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder, outside the repository")
    given = parser.parse_args()
    folder = given.output.resolve()
    wheel, failed = build_wheel(folder), False
    for name, python in zip(given.names, given.python, strict=True):
        for label, well, seconds in try_versions(Trial(name, python, folder / name), wheel):
            failed = failed or not well
            print(f"{name:8} {'passed' if well else 'FAILED':8} {seconds:7.1f} s  {label}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
