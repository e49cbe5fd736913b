"""The commands as a user meets them: what they print, that JSON has its schema, and that help is quick."""

import csv
import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from paths import OWN_TRIAL

from kinimmune.models.library.gompertz import gompertz_volume

PROGRAM = Path(sys.executable).with_name("kinimmune")
COMMANDS = (
    *(
        "init",
        "list",
        "show",
        "simulate",
        "claims",
        "fit",
        "profile",
        "sample",
        "sensitivity",
        "predict",
        "explore",
        "compare",
        "report",
        "task",
    ),
    *("check", "schema", "doctor", "ingest"),
)


def test_help_lists_the_commands_in_the_order_of_the_work(kinimmune):
    code, out, _ = kinimmune("--help")

    assert code == 0
    listed = [line.split()[0] for line in out.partition("Commands:")[2].splitlines() if line.startswith("  ") and line[2] != " "]
    assert tuple(listed) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example_of_it(kinimmune, command):
    code, out, _ = kinimmune(command, "--help")

    assert code == 0
    assert f"Example: kinimmune {command}" in out


def test_version_is_that_of_the_package(kinimmune):
    assert kinimmune("--version") == (0, f"kinimmune {version('kinimmune')}\n", "")


def test_help_imports_none_of_the_libraries_that_take_time():
    program = "import kinimmune.cli.main as m, sys; m.main(['--help']); print(*{name.partition('.')[0] for name in sys.modules})"

    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    loaded = set(done.stdout.splitlines()[-1].split())
    assert "typer" in loaded
    assert not loaded & {"numpy", "scipy", "sympy", "numba", "pint", "pydantic", "lmfit", "matplotlib", "pandas", "rich", "typst"}


def test_the_installed_program_prints_one_line_and_leaves_with_the_code_of_the_error():
    done = subprocess.run([PROGRAM, "show", "hcc_trail"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", "error: unknown model 'hcc_trail'; did you mean 'hcc_trial'?\n")


@pytest.mark.parametrize(
    ("arguments", "schema"),
    [
        (("list",), "kinimmune.list/1"),
        (("show", "gompertz"), "kinimmune.show/1"),
        (("simulate", "gompertz"), "kinimmune.simulate/1"),
        (("check",), "kinimmune.check/1"),
        (("report", "gompertz"), "kinimmune.report/1"),
        pytest.param(("doctor",), "kinimmune.doctor/1", marks=pytest.mark.slow),
    ],
)
def test_json_is_one_object_with_its_schema_and_nothing_else(kinimmune, arguments, schema):
    code, out, err = kinimmune(*arguments, "--json", "--quiet")

    assert (code, err) == (0, "")
    assert json.loads(out)["schema"] == schema


def test_list_names_models_and_the_arms_of_the_trials(kinimmune):
    content = json.loads(kinimmune("list", "--json")[1])

    assert {"gompertz", "hcc_trial"} <= {item["name"] for item in content["models"]}
    sizes = {trial["study"]: trial["arms"] for trial in content["trials"]}
    assert sizes == {
        "sharp": {"sorafenib": 299, "placebo": 303},
        "asia_pacific": {"sorafenib": 150, "placebo": 76},
        "soraftem": {"sorafenib_temozolomide": 63, "temozolomide": 63},
        "mcdermott2008": {"sorafenib_dacarbazine": 51, "placebo_dacarbazine": 50},
        "eisen2006": {"sorafenib": 37},
        "eisen2011": {"sorafenib_dacarbazine": 83},
    }


def test_list_shows_the_trials_of_the_folder_given(kinimmune):
    content = json.loads(kinimmune("list", "--json", "--data", str(OWN_TRIAL))[1])

    assert [trial["study"] for trial in content["trials"]] == ["example"]
    assert [(model["name"], model["targets"]) for model in content["models"]] == [("hcc_trial", {"example": 4})]


def test_list_says_what_each_model_can_be_tried_and_fitted_with(kinimmune):
    models = {item["name"]: item for item in json.loads(kinimmune("list", "--json")[1])["models"]}
    trial, mouse = models["hcc_trial"], models["hcc_mouse"]
    table = kinimmune("list")[1]

    assert (trial["endpoints"], trial["targets"]) == (["os", "ttp", "pfs"], {"sharp": 6, "asia_pacific": 6})
    assert (trial["can_be_fitted"], trial["obstacle"]) == (True, None)
    assert (mouse["endpoints"], mouse["targets"], mouse["can_be_fitted"]) == ([], {"hcc_mouse": 9}, True)
    assert "no hazard of death" in models["gompertz"]["obstacle"]
    assert "vehicle" in mouse["experiments"]
    assert "os, ttp, pfs" in next(line for line in table.splitlines() if "sharp (6), asia_pacific (6)" in line)


def test_show_lists_the_experiments_with_their_meaning(kinimmune):
    experiments = json.loads(kinimmune("show", "hcc_mouse", "--json")[1])["experiments"]
    printed = kinimmune("show", "hcc_mouse")[1]

    assert {"name": "sorafenib_30", "meaning": "30 mg/kg by mouth once a day, day 7 to 28"} in experiments
    assert all(any(item["name"] in line and item["meaning"] in line for line in printed.splitlines()) for item in experiments)
    assert json.loads(kinimmune("show", "gompertz", "--json")[1])["experiments"] == []


def test_show_prints_every_number_with_status_and_source(kinimmune):
    code, out, _ = kinimmune("show", "hcc_trial")
    content = json.loads(kinimmune("show", "hcc_trial", "--json")[1])

    assert code == 0
    for item in content["parameters"]:
        row = next(line for line in out.splitlines() if line.startswith(f" {item['name']} "))
        assert item["status"] in row
        assert item["source"] in row
    for state in content["states"]:
        assert f"d {state['name']} / dt" in out


def test_show_names_the_kinases_of_table_1_that_drive_nothing(kinimmune):
    code, out, _ = kinimmune("show", "hcc_trial")
    idle = next(line for line in out.splitlines() if line.startswith("Kinases that drive nothing")).partition(": ")[2].split(", ")

    assert code == 0
    assert len(idle) == 6
    assert {"B-RAF", "B-RAF (V600E)"} < set(idle)
    assert not {"RAF-1", "VEGFR-2", "FLT-3"} & set(idle)


def test_arrows_that_show_names_can_be_cut(kinimmune):
    from kinimmune.models.catalogue import load_model

    names = kinimmune("show", "hcc_trial", "--arrow")[1].split()

    assert "treg_suppression" in names
    model = load_model("hcc_trial").without(*names)
    assert all(rate == 0 for rate in model.rates.values())


def test_simulate_gives_the_closed_form_with_units_in_the_headers(kinimmune, tmp_path):
    arguments = ("simulate", "gompertz", "--days", "90.5", "--set", "retardation=0.05", "--set", "capacity=500")
    code, _, err = kinimmune(*arguments, "-o", "out.csv")

    assert (code, err) == (0, "gompertz, one patient, untreated, 90.5 days\nwrote out.csv\n")
    with (tmp_path / "out.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["time [d]", "volume [mL]"]
    time_, volume = np.array(rows, dtype=float).T
    assert time_[-1] == 90.5
    np.testing.assert_allclose(volume, gompertz_volume(time_, 0.05, 500.0, 10.0), rtol=1e-6)


def test_an_arm_is_found_with_or_without_its_study(kinimmune):
    melanoma = ("simulate", "melanoma", "--days", "10", "--json", "--arm")
    by_name, by_place = (json.loads(kinimmune(*melanoma, arm)[1]) for arm in ("temozolomide", "soraftem:temozolomide"))
    in_full = json.loads(kinimmune("simulate", "hcc_trial", "--arm", "sharp:sorafenib", "--days", "10", "--json")[1])
    other = json.loads(kinimmune("simulate", "hcc_trial", "--arm", "asia_pacific:placebo", "--days", "10", "--json")[1])

    assert by_name == by_place
    assert (other["study"], other["arm"]) == ("asia_pacific", "placebo")
    concentration = {course["arm"]: course["columns"][0]["values"][-1] for course in (in_full, other)}
    assert concentration["placebo"] == 0.0
    assert concentration["sorafenib"] > 1.0


@pytest.mark.parametrize(("ending", "begin"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_a_plot_is_what_its_name_ends_in_and_of_the_same_course_has_the_same_bytes(kinimmune, tmp_path, ending, begin):
    for name in ("one", "two"):
        assert kinimmune("simulate", "gompertz", "--plot", f"{name}.{ending}", "-q")[0] == 0

    one = (tmp_path / f"one.{ending}").read_bytes()
    assert one == (tmp_path / f"two.{ending}").read_bytes()
    assert one.startswith(begin)
    assert not re.search(rb"20\d\d-\d\d-\d\d|CreationDate|Software", one)


def test_only_names_what_is_shown_written_and_drawn(kinimmune, tmp_path):
    shown = kinimmune(
        "simulate", "hcc_trial", "--days", "10", "--only", "effector_cells,treg_number", "-o", "few.csv", "--plot", "few.svg"
    )
    assert kinimmune("simulate", "hcc_trial", "--days", "10", "--plot", "all.svg", "-q")[0] == 0

    assert shown[0] == 0
    assert [line.split()[0] for line in shown[1].splitlines() if line.strip()][-2:] == ["effector_cells", "treg_number"]
    assert (tmp_path / "few.csv").read_text().splitlines()[0] == "time [d],effector_cells [1],treg_number [1]"
    panels = [(tmp_path / name).read_bytes().count(b'id="axes_') for name in ("few.svg", "all.svg")]
    assert panels[0] == 2 < panels[1]


def test_only_of_what_a_model_does_not_have_names_the_nearest(kinimmune):
    code, _, err = kinimmune("simulate", "gompertz", "--only", "volum", "-q")

    assert code == 2
    assert err.startswith("error: no state or output 'volum' in model 'gompertz'; did you mean 'volume'?")
    assert "no state or output is named; allowed: " in kinimmune("simulate", "gompertz", "--only", ",", "-q")[2]


def test_check_of_the_package_finds_nothing_wrong(kinimmune):
    """It warns of the one study whose standard errors come from an interval for one arm and from n for the other."""
    code, out, err = kinimmune("check")
    first, doubt = out.splitlines()
    assert (code, first, err) == (0, "nothing wrong", "")
    assert doubt.startswith("warning: study 'asia_pacific' takes standard errors by two rules")


def test_check_of_the_example_finds_nothing(kinimmune):
    assert kinimmune("check", str(OWN_TRIAL)) == (0, "nothing wrong\n", "")


def test_report_of_a_model_is_a_pdf_with_its_figures_beside_it(kinimmune, tmp_path):
    code, out, _ = kinimmune("report", "gompertz", "-o", "growth.pdf")

    assert (code, out) == (0, "growth.pdf\n")
    assert (tmp_path / "growth.pdf").read_bytes().startswith(b"%PDF")
    assert list((tmp_path / "growth" / "figures").glob("*.csv"))


@pytest.mark.slow
def test_doctor_finds_this_machine_well(kinimmune):
    code, out, _ = kinimmune("doctor", "--json")
    content = json.loads(out)

    assert code == 0
    assert content["passed"]
    assert all(test["passed"] for test in content["tests"])
    assert content["libraries"]["kinimmune"] == version("kinimmune")


def test_the_example_has_the_parameters_of_the_package_for_its_study(tmp_path):
    script = OWN_TRIAL.parent / "take_parameters.py"

    subprocess.run([sys.executable, script, "hcc_trial", "example", tmp_path], check=True, capture_output=True)

    assert (OWN_TRIAL / "parameters.csv").read_text() == (tmp_path / "parameters.csv").read_text(), f"run {script}"
