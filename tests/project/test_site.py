"""The documentation makes a site without a warning: every link inside it leads somewhere, and its lists are those of the code."""

import subprocess
import sys
from html import unescape

import pytest
import typer
from paths import ROOT

from kinimmune.cli.main import app
from kinimmune.fitting.json_schemas import SCHEMA_NAMES
from kinimmune.models.tables.files import TABLES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of the site; a warning ends its making."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", str(ROOT / "docs"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def read(site, page):
    return unescape((site / f"{page}.html").read_text(encoding="utf-8"))


def test_every_page_is_on_the_site(site):
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}

    assert {str(page) for page in pages if not (site / f"{page}.html").exists()} == set()


def test_every_command_with_its_options_is_listed(site):
    page = read(site, "reference/commands")

    for name, command in typer.main.get_command(app).commands.items():
        assert f"kinimmune {name}" in page
        options = [item.opts[0] for item in command.params if item.param_type_name == "option" and not item.hidden]
        assert [option for option in options if option not in page] == []


def test_every_table_is_listed_with_units(site):
    page = read(site, "reference/tables")

    assert [name for name in TABLES if f"<h2>{name}" not in page] == []
    assert "umol/L" in page


def test_every_schema_is_listed_with_the_docstrings_of_its_fields(site):
    page = read(site, "reference/schemas")

    assert [name for name in SCHEMA_NAMES if f"<h2>{name}" not in page] == []
    assert "Virtual patients of each arm." in page


def test_functions_have_their_docstrings(site):
    page = read(site, "reference/python")

    assert "Return the course of one individual, day by day." in page
    assert "virtual patients of each arm, a power of two" in page
