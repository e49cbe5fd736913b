"""The page on extending, followed literally in a copy of the package: a model is known everywhere by its files alone."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from paths import ROOT

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(?:python|csv)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Return a folder with a copy of the package to which the blocks of the page were added."""
    home = tmp_path_factory.mktemp("extended")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "api", home / "kinimmune", ignore=ignored)
    for folder in ("models", "fitting", "reports", "cli", "data", "examples"):
        shutil.copytree(ROOT / folder, home / "kinimmune" / folder, ignore=ignored)
    for path, text in BLOCKS:
        with (home / "kinimmune" / path).open("a", encoding="utf-8") as file:
            file.write(text)
    return home


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return where commands run."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def command(package, folder):
    """Return a function that runs a command of the extended package and returns what it prints."""

    def run(*arguments):
        program = "import sys; from kinimmune.cli.main import main; sys.exit(main())"
        environment = os.environ | {"PYTHONPATH": str(package)}
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_page_names_new_files_and_tables_that_are_there():
    new = [path for path, _ in BLOCKS if path.endswith(".py")]

    assert len(BLOCKS) == 7
    assert [path for path in new if (ROOT / path).exists()] == []
    assert all((ROOT / path).exists() for path, _ in BLOCKS if path.endswith(".csv"))


def test_nothing_is_wrong_with_the_tables_of_the_page(command):
    first, *doubts = command("check").splitlines()  # of the package's trials, which the page leaves as they are
    assert first == "nothing wrong"
    assert all("'asia_pacific' takes standard errors by two rules" in line for line in doubts)


def test_the_model_is_listed_and_shown(command):
    listed = {item["name"]: item for item in json.loads(command("list", "--json"))["models"]}

    assert listed["logistic"]["states"] == 1
    assert listed["logistic"]["parameters"] == 4
    assert "removal" in command("show", "logistic")


def test_the_model_follows_its_closed_form(command):
    told = json.loads(command("simulate", "logistic", "--arm", "operated", "--days", "30", "--json"))

    rate, ceiling = 0.1 - 0.05, 1000.0 * (0.1 - 0.05) / 0.1
    (volume,) = [item["values"] for item in told["columns"] if item["name"] == "logistic_volume"]
    exact = ceiling / (1.0 + (ceiling / 10.0 - 1.0) * 2.718281828459045 ** (-rate * 30.0))
    assert volume[-1] == pytest.approx(exact, rel=1e-4)


def test_its_claims_are_tried_with_the_read_out_of_its_own(command):
    claims = {item["id"]: item for item in json.loads(command("claims", "logistic", "--draws", "16", "--json"))["claims"]}

    assert claims.keys() == {"Z1", "Z2"}
    assert all(item["holds"] for item in claims.values())
    assert claims["Z1"]["ablations"][0]["arrow"] == "removal_by_surgery"


def test_it_is_studied_in_worker_processes(command):
    asked = ("sensitivity", "logistic", "--method", "morris", "--samples", "4", "--output", "state:logistic_volume:30:operated")
    told = json.loads(command(*asked, "-o", "study", "--jobs", "2", "--json", "-q"))

    assert set(told["names"]) == {"rate", "ceiling", "removal"}


def test_it_is_reported(command, folder):
    command("report", "logistic", "-o", "logistic.pdf", "--draws", "16", "-q")

    assert (folder / "logistic.pdf").read_bytes().startswith(b"%PDF-")
