"""Natural mistakes of somebody at a terminal: each ends in one line with a remedy, before anything is written.

Names are told before what knows models is imported: a slip of the pen costs no seconds.
"""

import csv
import os
import shutil
import subprocess
import sys

import pytest
from paths import OWN_TRIAL, ROOT

MISTAKES = {
    "a model's name in capitals": (("show", "HCC_Trial"), "unknown model 'HCC_Trial'; did you mean 'hcc_trial'?"),
    "a letter of a model's name": (("fit", "hcc_trail"), "unknown model 'hcc_trail'; did you mean 'hcc_trial'?"),
    "a table in place of its folder": (
        ("fit", "mine/targets.csv"),
        f"'{os.path.join('mine', 'targets.csv')}' is a file, and a model is wanted; give its folder, 'mine', or a name",  # noqa: PTH118
    ),
    "the folder of a project that is not there": (("fit", "mein/projekt"), "unknown model 'mein/projekt'; allowed: breast, "),
    "an arm with a slash": (
        ("simulate", "hcc_trial", "--arm", "sharp/sorafenib"),
        "unknown arm 'sharp/sorafenib'; did you mean 'sharp:sorafenib'?",
    ),
    "an arm of two studies": (
        ("simulate", "hcc_trial", "--arm", "sorafenib"),
        "arm 'sorafenib' is in several studies; write --arm sharp:sorafenib or --arm asia_pacific:sorafenib",
    ),
    "a letter of a parameter": (("fit", "hcc_trial", "--fix", "growht"), "no parameter 'growht' here; did you mean 'growth'?"),
    "a letter of a study": (
        ("sensitivity", "hcc_trial", "--output", "hazard_ratio:shrap:os"),
        "no study 'shrap'; did you mean 'sharp'?",
    ),
    "a value with a colon": (("simulate", "gompertz", "--set", "capacity:3"), "write NAME=VALUE with a number, such as"),
    "a decimal comma on the command line": (
        ("simulate", "gompertz", "--set", "capacity=2,5"),
        "--set 'capacity=2,5': write NAME=VALUE with a number, such as growth=0.01",
    ),
    "patients that are no power of two": (("fit", "hcc_trial", "--patients", "100"), "must be a power of two, such as 64 or 128"),
    "a seed where nothing is drawn": (
        ("check", "--seed", "1"),
        "--seed 1: `kinimmune check` draws nothing at random; leave it out",
    ),
    "jobs where there is one": (
        ("show", "gompertz", "--jobs", "2"),
        "--jobs 2: `kinimmune show` computes one thing at a time; leave it out",
    ),
    "a run that is not there": (
        ("report", "runs/first"),
        "no run 'runs/first': no run.json there; give the folder a fit has made",
    ),
    "a spreadsheet asked for": (
        ("simulate", "gompertz", "-o", "course.xlsx"),
        "cannot write 'course.xlsx': -o writes CSV; give a name that ends in .csv",
    ),
    "semicolons between cells": (
        ("fit", "hcc_trial", "--data", "semicolons"),
        "targets.csv separates cells by semicolons; save it with commas between cells and points in numbers",
    ),
    "decimal commas that split numbers": (
        ("fit", "hcc_trial", "--data", "split"),
        "cells where the header has 17; save it with points in numbers, not '9,5', and quote texts with commas",
    ),
    "decimal commas in quotes": (
        ("fit", "hcc_trial", "--data", "quoted"),
        "has a decimal comma; save the table with points in numbers, 9.5 here",
    ),
    "a spreadsheet in place of a table": (
        ("fit", "hcc_trial", "--data", "sheet"),
        "targets.xlsx is not a table that is read; did you mean targets.csv?",
    ),
    "a command of another program": (("run", "hcc_trial"), "No such command 'run'; kinimmune --help shows what is allowed"),
    "an option of another command": (
        ("list", "--arm", "sharp:placebo"),
        "No such option: --arm; kinimmune list --help shows what is allowed",
    ),
    "a new project where one is": (("init", "mine"), "folder 'mine' is not empty; give the name of a new one"),
    "the name of a drug for that of an experiment": (
        ("simulate", "hcc_mouse", "--arm", "sorafneib"),
        "unknown arm 'sorafneib'; did you mean 'sorafenib'?",
    ),
}


@pytest.fixture
def folders(tmp_path):
    """Make the folders that mistakes are about, from the tables of the example."""
    for name in ("mine", "semicolons", "split", "quoted", "sheet"):
        shutil.copytree(OWN_TRIAL, tmp_path / name, ignore=shutil.ignore_patterns("*.toml", "*.md"))
    (tmp_path / "sheet" / "targets.csv").rename(tmp_path / "sheet" / "targets.xlsx")
    header, *rows = csv.reader((OWN_TRIAL / "targets.csv").read_text(encoding="utf-8").splitlines())
    commas = [[cell.replace(".", ",") for cell in row] for row in rows]
    (tmp_path / "semicolons" / "targets.csv").write_text("".join(";".join(row) + "\n" for row in (header, *commas)), "utf-8")
    (tmp_path / "split" / "targets.csv").write_text("".join(",".join(row) + "\n" for row in (header, *commas)), "utf-8")
    with (tmp_path / "quoted" / "targets.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *commas])


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.usefixtures("folders")
def test_a_natural_mistake_ends_in_one_line_with_a_remedy(kinimmune, tmp_path, mistake):
    arguments, remedy = MISTAKES[mistake]
    before = sorted(tmp_path.rglob("*"))

    code, out, err = kinimmune(*arguments)

    assert (code in (2, 3), out) == (True, "")
    assert remedy in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_there_are_twenty():
    assert len(MISTAKES) >= 20


@pytest.mark.parametrize("folder", ["semicolons", "split", "quoted"])
@pytest.mark.usefixtures("folders")
def test_check_says_once_that_a_table_has_decimal_commas_or_semicolons(kinimmune, folder):
    code, out, _ = kinimmune("check", folder)

    assert code == 3
    assert out.count("\n") == 1
    assert out.startswith(("targets.csv ", "'9,5' in column"))


EARLY = """
import sys
from kinimmune.cli.main import main
code = main({arguments!r})
print(code, sorted({{"numpy", "scipy", "sympy", "numba", "pint"}} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "hcc_trail"),
        ("simulate", "xyz"),
        ("simulate", "hcc_trial", "--arm", "sharp:sorafenb"),
        ("simulate", "gompertz", "--set", "capasity=3"),
        ("fit", "hcc_trial", "--fix", "growht:sharp"),
        ("predict", "hcc_trial", "--as", "shrap"),
        ("sensitivity", "hcc_trial", "--output", "median:shrap:placebo:os"),
    ],
    ids=" ".join,
)
def test_a_name_that_is_nowhere_is_told_before_anything_heavy_is_imported(arguments):
    done = subprocess.run([sys.executable, "-c", EARLY.format(arguments=arguments)], capture_output=True, text=True, check=True)

    assert done.stdout == "2 []\n"
    assert done.stderr.count("\n") == 1


def test_light_names_are_those_of_the_catalogue():
    """Whatever a model knows by name passes the check that reads tables as text."""
    from kinimmune.cli.names import library_names, require_names
    from kinimmune.models.catalogue import load_model, model_names
    from kinimmune.models.tables.readers import read_designs
    from kinimmune.models.tables.rows import Tables

    assert library_names() == model_names()
    for name in model_names():
        model = load_model(name)
        designs = read_designs(model, Tables())
        arms = [f"{trial.study}:{arm.name}" for trial in designs.trials for arm in trial.arms]
        arms += [item.name for item in designs.experiments]
        studies = [trial.study for trial in designs.trials]
        require_names(name, None, arms=arms, studies=studies, parameters=[str(item.key) for item in model.parameters])


def test_this_list_of_mistakes_is_not_of_this_machine():
    assert not any(str(ROOT) in " ".join(arguments) for arguments, _ in MISTAKES.values())
