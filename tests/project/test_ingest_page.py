"""The page on ingestion, followed literally: its files and commands give what it shows."""

import re
import shlex

import pytest
from paths import ROOT

PAGE = (ROOT / "docs" / "how-to" / "ingest.md").read_text(encoding="utf-8")
FILES = re.findall(r"```csv\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^kinimmune (ingest .*)$", PAGE, re.MULTILINE)
SHOWN = re.search(r"```\n month .*?\n(.*?)```", PAGE, re.DOTALL).group(1)
REFUSAL = re.search(r"^error: .*$", PAGE, re.MULTILINE).group(0)


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES:
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_every_command_runs_and_writes_what_it_names(kinimmune, tmp_path):
    outputs = []
    for command in COMMANDS:
        code, out, err = kinimmune(*shlex.split(command))
        assert code == 0, err
        outputs.append(out)

    assert len(COMMANDS) == 3
    assert {"curves.csv", "read.svg", "patients.csv", "own_patients.csv"} <= {path.name for path in tmp_path.iterdir()}
    assert len(list((tmp_path / "patients").iterdir())) == 5
    printed = [line.split() for line in outputs[0].splitlines()]
    assert all(line.split() in printed for line in SHOWN.splitlines())


def test_the_refusal_that_is_shown_is_printed(kinimmune, folder):
    risk = folder / "risk.csv"
    risk.write_text(risk.read_text().replace("6,78", "6,110"))

    assert kinimmune(*shlex.split(COMMANDS[0])) == (3, "", f"{REFUSAL}\n")


@pytest.mark.parametrize("name", re.findall(r"--[a-z][a-z-]+", PAGE))
def test_options_that_are_named_are_there(kinimmune, name):
    assert any(f"{name} " in kinimmune("ingest", kind, "--help")[1] for kind in ("km", "patients"))
