"""`kinimmune compare`: finished fits beside each other, in words, as JSON and as CSV; what is no fit is refused in one line."""

import csv
import io
import json
import shutil
import zipfile

import pytest
from paths import DATA

from kinimmune.cli.exits import Exit
from kinimmune.fitting.comparison.reading import read_runs
from kinimmune.fitting.comparison.results import COMPARISON_JSON


@pytest.fixture
def runs(tmp_path):
    """Return the names of two runs: one from before runs told digests, and the same with a lower sum of squares."""
    with zipfile.ZipFile(DATA / "run-735154f.zip") as archive:
        members = [name for name in archive.namelist() if "/tasks/" not in name]
        archive.extractall(tmp_path, members)
    shutil.copytree(tmp_path / "witness", tmp_path / "other")
    change(tmp_path / "other" / "results" / "fit.json", chi_square_data=0.5, patients=16)
    return "witness", "other"


def change(path, **values):
    """Write a JSON file of a run again with other values; runs of that age have no checksums."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_what_differs_is_told_first_and_sums_of_squares_stand_beside_each_other(runs, kinimmune):
    code, out, err = kinimmune("compare", *runs)
    assert (code, err) == (Exit.DONE, "")
    words = [
        "What differs",
        "patients",
        "sum of squares of the data",
        "Fitted numbers",
        "Not fitted",
        "Estimates",
        "criteria rank",
    ]
    places = [out.index(word, out.index("What differs")) for word in words]
    assert places == sorted(places)
    line = next(line for line in out.splitlines() if line.startswith(" sum of squares of the data"))
    assert line.split()[-3:] == ["1.062", "0.5", "-0.5615"]
    assert "warning: witness: the run is 'interrupted'" in out


def test_json_is_the_comparison(runs, kinimmune, tmp_path):
    code, out, err = kinimmune("compare", *runs, "--json")
    assert (code, err) == (Exit.DONE, "")
    found = COMPARISON_JSON.load(out, tmp_path)
    assert json.loads(out)["schema"] == "kinimmune.compare/1"
    assert [run.label for run in found.runs] == list(runs)
    assert found.refusals == ()


def test_csv_is_written_beside_the_tables_or_in_their_place(runs, kinimmune, tmp_path):
    code, out, err = kinimmune("compare", *runs, "-o", "both.csv")
    assert (code, err) == (Exit.DONE, "")
    assert "What differs" in out
    text = (tmp_path / "both.csv").read_text()
    assert {row["run"] for row in csv.DictReader(io.StringIO(text))} == set(runs)
    assert kinimmune("compare", *runs, "-o", "-") == (Exit.DONE, text, "")
    assert kinimmune("compare", *runs, "-o", "both.csv")[2] == "replaced both.csv\n"


def test_a_run_of_whitened_residuals_is_told_by_a_key_of_its_results(runs, kinimmune, tmp_path):
    change(tmp_path / "other" / "results" / "fit.json", whitening={"digest": "ab" * 32, "condition_number": 2.0, "blocks": []})
    code, out, _ = kinimmune("compare", *runs)
    assert code == Exit.DONE
    assert "not compared: sum of squares of the data, AIC, AICc, BIC, sum of squares of both of other with witness" in out
    assert [run.whitening for run in read_runs([tmp_path / name for name in runs])] == [None, "ab" * 32]


def test_one_run_alone_what_is_no_run_and_a_run_without_a_fit_are_refused(runs, refused, tmp_path):
    assert "at least two runs" in refused("compare", runs[0])
    assert "no run 'absent'" in refused("compare", runs[0], "absent")
    (tmp_path / "other" / "results" / "fit.json").unlink()
    message = refused("compare", *runs)
    assert message.endswith("go on with it first: kinimmune fit hcc_trial -o other --resume\n")
    assert "no finished fit (it is 'interrupted')" in message


def test_outputs_that_cannot_be_written_are_refused(runs, refused):
    assert "ends in .csv" in refused("compare", *runs, "-o", "both.txt")
    assert "a file of run" in refused("compare", *runs, "-o", "other/results/both.csv")
    assert "both write to the standard output" in refused("compare", *runs, "-o", "-", "--json")


@pytest.mark.parametrize("name", ["run.json", "config.toml", "results/fit.json", "results/trial.json"])
def test_a_run_that_cannot_be_read_is_unusable_data(runs, kinimmune, tmp_path, name):
    (tmp_path / "other" / name).write_text("{")
    code, out, err = kinimmune("compare", *runs)
    assert (code, out) == (Exit.DATA, "")
    assert err.startswith("error: other/")
    assert err.count("\n") == 1
