"""The README keeps its promises: its program runs, and what it names is there."""

import importlib
import re
import subprocess
import sys

import pytest
from paths import ROOT

from kinimmune.cli.exits import Exit
from kinimmune.cli.main import app

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = ("docs/architecture.md", "docs/extending.md", "docs/glossary.md")
PAGES = ("README.md", "CONTRIBUTING.md", "examples/own_trial/README.md", *DOCS)


def test_the_program_runs_and_sorafenib_slows_growth():
    program = re.search(r"```python\n(.*?)```", README, re.DOTALL).group(1)

    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    changes = [int(re.search(r": ([+-]\d+) %", line).group(1)) for line in done.stdout.splitlines()]
    untreated, treated, without_tregs = changes
    assert untreated > treated > without_tregs


@pytest.mark.parametrize(("path", "names"), re.findall(r"\| `([\w/]+\.py)` \| (.*?) \|", README))
def test_stages_are_where_the_table_says(path, names):
    module = importlib.import_module(f"kinimmune.{path.removesuffix('.py').replace('/', '.')}")

    assert all(hasattr(module, name) for name in re.findall(r"`(\w+)`", names))


def test_the_table_of_commands_is_complete_and_in_order():
    listed = re.findall(r"^\| `kinimmune (\w+)", README, re.MULTILINE)

    assert listed == [command.name for command in (*app.registered_commands, *app.registered_groups)]


def test_the_table_of_exit_codes_is_complete():
    assert [int(code) for code in re.findall(r"^\| (\d) \|", README, re.MULTILINE)] == list(Exit)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8"))

    missing = [name for name in targets if "://" not in name and not ((ROOT / page).parent / name).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_exist(page):
    named = set(re.findall(r"^make (\w+)|`make (\w+)`", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert all(f"\n{name}:" in makefile for pair in named for name in pair if name)


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/extending.md"])
def test_files_a_page_names_are_there(page):
    text = re.sub(r"```(?:python|csv).*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    named = set(re.findall(r"`((?:api|models|fitting|reports|cli|data|tests)/[\w/]+\.\w+)`", text))

    assert named
    assert [name for name in sorted(named) if "NAME" not in name and not (ROOT / name).exists()] == []
