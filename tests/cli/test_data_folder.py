"""`--data FOLDER` means that folder in every command: what it holds is read there, and a fault in it is not passed over."""

import csv
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from paths import OWN_TRIAL

from kinimmune.cli.exits import Exit
from kinimmune.models.tables.files import TABLES

OF_TRIALS = ("trials.csv", "arms.csv", "design.csv", "follow_up.csv", "sources.csv")
OF_FITS = (*OF_TRIALS, "parameters.csv", "targets.csv", "observations.csv", "kinases.csv", "cell_lines.csv")
READS = {
    "list": (("list",), ("parameters.csv", *OF_TRIALS)),
    "show": (("show", "hcc_trial"), ("parameters.csv", "kinases.csv", "sources.csv")),
    "simulate an arm": (
        ("simulate", "hcc_trial", "--arm", "sharp:sorafenib", "--days", "2"),
        ("parameters.csv", "experiments.csv", *OF_TRIALS),
    ),
    "simulate and plot": (("simulate", "hcc_cells", "--plot", "a.svg"), ("parameters.csv", "experiments.csv", "panels.csv")),
    "claims": (("claims", "hcc_trial", "--draws", "16"), ("claims.csv", "parameters.csv", "experiments.csv", *OF_TRIALS)),
    "fit": (("fit", "hcc_trial", "--patients", "1", "--starts", "1", "-o", "fitted"), OF_FITS),
    "predict": (("predict", "hcc_trial", "--patients", "4", "--arm", "sharp:sorafenib"), ("parameters.csv", *OF_TRIALS)),
    "sensitivity": (
        *(("sensitivity", "gompertz", "--method", "local", "--output", "state:volume:9", "--range", "retardation=0.02:0.09"),),
        ("parameters.csv", "arms.csv", "kinases.csv"),  # it makes the checks a fit makes
    ),
    "report": (
        ("report", "gompertz", "--draws", "16"),
        ("parameters.csv", "experiments.csv", "panels.csv", "sources.csv", "kinases.csv", "limitations.csv", "claims.csv"),
    ),
}
"""Every command that takes --data, and tables it cannot do without."""
ORDER = {"parameters.csv", "trials.csv", "sources.csv"}
"""Tables of the package that say in what order parameters come, whatever that of the rows of a folder."""
FAULTY = [(name, table) for name, (_, tables) in READS.items() for table in tables]
TRACE = """
import json, sys
from pathlib import Path

opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
from kinimmune.cli.main import main

codes = {name: main([*arguments, "--data", sys.argv[1], "-q"]) for name, arguments in json.loads(sys.argv[2]).items()}
tables = {str(Path(name).resolve()) for name in opened if name.endswith(".csv")}
print(json.dumps({"codes": codes, "tables": sorted(tables)}), file=sys.stderr)
"""
"""Runs commands and tells which tables they opened."""


@pytest.fixture
def folder(tmp_path_factory):
    """Return a folder with all tables of the package."""
    path = tmp_path_factory.mktemp("own")
    for name in TABLES:
        (path / name).write_bytes(files("kinimmune.data").joinpath(name).read_bytes())
    return path


def rewrite(path, change):
    """Rewrite a table with every row as `change` returns it, without those it returns None for."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    named = [dict(zip(header, row, strict=True)) for row in rows]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(changed for row in named if (changed := change(row)) is not None)


def test_every_command_that_takes_the_option_is_tried(kinimmune):
    commands = [line.split()[0] for line in kinimmune("--help")[1].partition("Commands:")[2].splitlines() if line[2:3].strip()]

    tried = {arguments[0] for arguments, _ in READS.values()}

    serving = {"explore"}  # it ends when it is told to; what it reads is what `predict` reads
    assert {name for name in commands if "--data" in kinimmune(name, "--help")[1]} == tried | serving


@pytest.mark.slow
def test_no_command_takes_a_table_from_elsewhere_when_the_folder_has_all(tmp_path, folder):
    rewrite(folder / "claims.csv", lambda row: row if row["id"] in ("C5", "C2") else None)  # these suffice to see what is opened
    rewrite(folder / "parameters.csv", lambda row: {**row, "estimated": "yes" if row["name"] == "immune_kill" else "no"})
    commands = {name: arguments for name, (arguments, _) in READS.items()}

    done = subprocess.run(
        [sys.executable, "-c", TRACE, str(folder), json.dumps(commands)], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    told = json.loads(done.stderr.splitlines()[-1])
    assert {name: code for name, code in told["codes"].items() if code not in (Exit.DONE, Exit.NOT_CONVERGED)} == {}, done.stderr
    package = Path(str(files("kinimmune.data"))).resolve()
    opened = {Path(name) for name in told["tables"]}
    assert {path.name for path in opened if path.parent == package} <= ORDER
    assert {path.name for path in opened if path.parent == folder.resolve()} == set(TABLES)


@pytest.mark.parametrize(("name", "table"), FAULTY)
def test_a_fault_in_the_folder_ends_every_command_that_reads_the_table(kinimmune, folder, tmp_path, name, table):
    arguments, _ = READS[name]
    (folder / table).write_text("nonsense\n1\n")

    code, out, err = kinimmune(*arguments, "--data", str(folder), "-q")

    assert (code, out) == (Exit.DATA, "")
    assert f"({table} row 1)" in err
    assert err.count("\n") == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def read_models(folder):
    with (folder / "parameters.csv").open(encoding="utf-8", newline="") as file:
        return {row["model"] for row in csv.DictReader(file)}


def test_list_shows_models_as_the_tables_have_them(kinimmune, folder):
    package = json.loads(kinimmune("list", "--json")[1])["models"]
    others = {name: " ".join(part for part in name.split() if part != "breast") for name in read_models(folder)}
    rewrite(folder / "parameters.csv", lambda row: {**row, "model": others[row["model"]]} if others[row["model"]] else None)

    code, out, err = kinimmune("list", "--json", "--data", str(folder))
    own_code, own, own_err = kinimmune("list", "--json", "--data", str(OWN_TRIAL))

    assert (code, own_code) == (Exit.DONE, Exit.DONE)
    assert {item["name"] for item in package} - {item["name"] for item in json.loads(out)["models"]} == {"breast"}
    assert err == "note: parameters.csv has no rows for breast; left out\n"
    assert [item["name"] for item in json.loads(own)["models"]] == ["hcc_trial"]
    assert own_err.count("\n") == 1


def test_claims_of_all_models_are_those_of_the_models_in_the_tables(kinimmune, folder):
    rewrite(folder / "parameters.csv", lambda row: row if row["model"] == "gompertz" else None)

    code, out, err = kinimmune("claims", "--json", "--data", str(folder), "--draws", "16", "-q")

    assert (code, err) == (Exit.DONE, "")
    assert json.loads(out)["claims"] == []


@pytest.mark.slow
def test_a_claim_is_tried_in_the_trial_of_the_folder(folder):
    from kinimmune.fitting.claims.batch import ExperimentBatch
    from kinimmune.fitting.claims.check import set_up
    from kinimmune.fitting.claims.parameter_sets import nominal
    from kinimmune.fitting.claims.readouts.hcc_trial import os_hazard_ratio
    from kinimmune.fitting.claims.table import read_claims
    from kinimmune.models.catalogue import load_model
    from kinimmune.models.tables.rows import Tables

    def ratio(tables):
        model = load_model("hcc_trial", tables)
        claim = next(item for item in read_claims(tables) if item.id == "C19")
        setup = set_up(model, [claim], tables, 1)
        batch = ExperimentBatch(setup, nominal(setup.compiled.model.parameters))
        return float(os_hazard_ratio(batch, claim)[0])

    def untreated(row):
        return {**row, "value": "0"} if (row["study"], row["quantity"]) == ("sharp", "dose") else row

    assert ratio(Tables()) == ratio(Tables(folder)) < 0.9
    assert ratio(Tables(OWN_TRIAL)) == ratio(Tables())  # it has no study of that name, and the claim is the package's
    rewrite(folder / "design.csv", untreated)
    assert ratio(Tables(folder)) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("arguments", [("list",), ("show", "gompertz"), ("fit", "hcc_trial"), ("report", "gompertz")])
def test_a_file_is_no_folder(kinimmune, folder, arguments):
    file = folder / "targets.csv"

    assert kinimmune(*arguments, "--data", str(file)) == (
        Exit.USAGE,
        "",
        f"error: folder '{file}' is a file; give a folder with tables such as targets.csv\n",
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("fit", "gompertz"), "a fit aims at what trials published"),
        (("fit", "gompertz", "-o", "run"), "a fit aims at what trials published"),
    ],
)
def test_a_model_that_cannot_be_fitted_is_refused_before_a_run_is_made(kinimmune, tmp_path, arguments, why):
    code, out, err = kinimmune(*arguments)

    assert (code, out) == (Exit.USAGE, "")
    assert f"cannot be fitted: {why}" in err
    assert list(tmp_path.iterdir()) == []
