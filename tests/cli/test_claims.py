"""Claims and experiments from the command line: verdicts, exit codes, reports and courses, on a model with a closed form."""

import csv
import json
import math
from pathlib import Path

import gompertz_claims as example
import pytest

from kinimmune.fitting.claims.results import records_from_json
from kinimmune.models.errors import DataError
from kinimmune.models.library.gompertz import gompertz_volume

DRAWS = ("--draws", "32", "--seed", "3", "--jobs", "1")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    example.write_tables(folder)
    return str(folder)


@pytest.fixture(scope="module")
def sound_tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    example.write_tables(folder, claims=("grows", "no_arrow", "own"))
    return str(folder)


def test_json_holds_every_claim_and_a_failed_one_leaves_with_1(kinimmune, tables):
    code, out, err = kinimmune("claims", "gompertz", "--data", tables, *DRAWS, "--json", "--quiet")
    content = json.loads(out)

    assert (code, err) == (1, "")
    assert content["schema"] == "kinimmune.claims/1"
    assert [item["id"] for item in content["claims"]] == list(example.CLAIMS)
    grows = content["claims"][0]
    assert set(grows) == {
        "id", "model", "text", "source", "kind", "holds", "value", "comparison", "bound", "draws", "fraction", "fraction_lower",
        "fraction_upper", "fraction_halved", "fraction_halved_lower", "fraction_halved_upper", "sign_fixed_by_prior", "verdict",
        "explanation", "ablations", "holds_without", "basis", "fitted_value", "posterior_draws", "posterior_fraction",
        "posterior_fraction_lower", "posterior_fraction_upper", "posterior_fraction_held", "posterior_fraction_held_lower",
        "posterior_fraction_held_upper", "unit", "fitted_itself",
    }  # fmt: skip
    assert {grows[name] for name in grows if name.startswith("posterior")} == {None}
    assert grows["value"] == pytest.approx(example.MEDIAN_VOLUME, rel=1e-4)
    assert (grows["model"], grows["source"], grows["draws"], grows["verdict"]) == ("gompertz", "document000", 32, "supported")
    assert grows["ablations"] == [{"arrow": "growth", "holds": False, "fraction": 0.0}]
    assert grows["holds_without"] == {"growth": False}
    records = records_from_json(out, Path("claims.json"))
    assert [item.verdict for item in records] == [item["verdict"] for item in content["claims"]]


def test_claims_that_all_stand_leave_with_0(kinimmune, sound_tables):
    code, out, _ = kinimmune("claims", "gompertz", "--data", sound_tables, *DRAWS)

    assert code == 0
    assert "3 claims: 2 supported, 1 vacuous; 0 explained" in out
    assert "2 of them stated by a document: 1 supported, 1 vacuous; 0 explained" in out


def test_a_model_without_claims_is_told(kinimmune):
    """Nothing is counted where nothing was tried."""
    assert kinimmune("claims", "gompertz") == (0, "claims.csv has no claims to try\n", "")


def test_a_claim_that_draws_leave_open_leaves_with_0_and_says_how_many_would_do(kinimmune, tmp_path):
    """Four fifths of draws satisfy it, which so few cannot tell from the threshold."""
    example.write_tables(tmp_path, claims=("grows", "close"))
    code, out, _ = kinimmune("claims", "gompertz", "--data", str(tmp_path), *DRAWS)

    assert code == 0
    assert "2 claims: 1 supported, 1 undecided; 0 explained" in out
    assert "32 draws leave the share between" in out
    assert "would decide if it stays" in out
    assert "undecided, not failed: close; what would decide each stands with it" in out


def test_the_same_seed_gives_the_same_claims(kinimmune, tables):
    arguments = ("claims", "gompertz", "--data", tables, "--draws", "32", "--json", "-q", "--seed")
    first, again, other = (kinimmune(*arguments, seed)[1] for seed in ("3", "3", "4"))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("claims", "gomperz"), "unknown model 'gomperz'; did you mean 'gompertz'?"),
        (("claims", "gompertz", "--draws", "3"), "Invalid value for '--draws'"),
        (("report", "gompertz", "--draws", "3"), "--draws 3 is too few to tell a share; give at least 16"),
    ],
)
def test_a_mistake_of_usage_is_one_line(kinimmune, arguments, message):
    code, out, err = kinimmune(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_claims_that_cannot_be_read_are_refused(kinimmune, tmp_path):
    example.write_tables(tmp_path)
    file = tmp_path / "claims.csv"
    file.write_text(file.read_text(encoding="utf-8").replace(",>,", ",=,", 1), encoding="utf-8")
    code, _, err = kinimmune("claims", "gompertz", "--data", str(tmp_path))
    assert (code, err) == (3, "error: unknown value '=' in column 'comparison' (claims.csv row 2); allowed: '<' or '>'\n")


def test_check_knows_experiments_and_claims(kinimmune, tables, tmp_path):
    assert kinimmune("check", tables) == (0, "nothing wrong\n", "")
    example.write_tables(tmp_path)
    file = tmp_path / "claims.csv"
    file.write_text(file.read_text(encoding="utf-8").replace(",volume,", ",volum,", 1), encoding="utf-8")
    code, out, _ = kinimmune("check", str(tmp_path))
    message = "model 'gompertz' has no quantity 'volum' in column 'quantity' (claims.csv row 2); did you mean 'volume'?\n"
    assert (code, out) == (3, message)


def test_the_report_of_a_model_shows_its_claims(kinimmune, tables, tmp_path):
    assert kinimmune("report", "gompertz", "--data", tables, *DRAWS, "-q")[0] == 0
    with (tmp_path / "gompertz-report" / "figures" / "claims.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(dict.fromkeys(row["claim"] for row in rows)) == list(example.CLAIMS)
    assert {row["share_without"] for row in rows if row["claim"] == "grows"} == {"0.0"}
    assert (tmp_path / "gompertz-report.pdf").read_bytes().startswith(b"%PDF")


def test_the_report_of_a_model_leaves_claims_out_when_told(kinimmune, tables, tmp_path):
    assert kinimmune("report", "gompertz", "--data", tables, "--draws", "0", "-q")[0] == 0
    assert not (tmp_path / "gompertz-report" / "figures" / "claims.csv").exists()


def test_an_arm_may_be_an_experiment_up_to_its_last_read_out(kinimmune, tables):
    code, out, err = kinimmune("simulate", "gompertz", "--data", tables, "--arm", "slow", "--json")
    content = json.loads(out)

    assert (code, content["arm"], content["study"], content["days"][-1]) == (0, "slow", None, example.DAY)
    assert "arm slow, 30 days" in err
    exact = gompertz_volume(content["days"], example.RETARDATION / 2.0, example.CAPACITY, example.START)
    assert content["columns"][0]["values"] == pytest.approx(exact, rel=1e-6)


def test_days_and_parameters_go_before_those_of_an_experiment(kinimmune, tables):
    arguments = ("simulate", "gompertz", "--data", tables, "--arm", "large", "--days", "5", "--set", "start_volume=4", "--json")
    content = json.loads(kinimmune(*arguments)[1])
    assert (content["days"][-1], content["columns"][0]["values"][0]) == (5.0, 8.0)


def test_an_unknown_experiment_is_refused_with_the_nearest(kinimmune, tables):
    code, _, err = kinimmune("simulate", "gompertz", "--data", tables, "--arm", "slwo")
    assert (code, err) == (2, "error: unknown arm 'slwo'; did you mean 'slow'?\n")


def test_a_parameter_an_experiment_sets_cannot_be_set_twice(kinimmune, tmp_path):
    example.write_tables(tmp_path)
    with (tmp_path / "experiments.csv").open("a", encoding="utf-8") as file:
        file.write("gompertz,tiny,,set,start_volume,1,mL,assumption,test,assumed,\n")
    code, _, err = kinimmune("simulate", "gompertz", "--data", str(tmp_path), "--arm", "tiny", "--set", "start_volume=2")
    assert (code, err) == (2, "error: --set start_volume: experiment 'tiny' sets it; leave out one of them\n")


def course(kinimmune, *arguments):
    content = json.loads(kinimmune("simulate", *arguments, "--json", "-q")[1])
    return content["study"], {item["name"]: item["values"] for item in content["columns"]}


def test_an_arm_is_found_by_its_study_and_an_experiment_by_its_name(kinimmune):
    study, trial = course(kinimmune, "hcc_trial", "--arm", "sharp:sorafenib", "--days", "28")
    assert study == "sharp"
    double = course(kinimmune, "hcc_trial", "--arm", "double_dose", "--days", "28")[1]
    assert double["concentration"][1] == pytest.approx(2.0 * trial["concentration"][1], rel=1e-3)
    study, laboratory = course(kinimmune, "melanoma", "--arm", "much_shed", "--days", "28")
    assert study is None
    assert laboratory["concentration"][7] == pytest.approx(0.0, abs=1e-9)  # it begins a week later
    assert laboratory["concentration"][28] > 1.0


def test_claims_that_were_kept_before_there_was_a_posterior_are_read(kinimmune, sound_tables):
    """What a run of before does not say of a fit is unknown."""
    content = json.loads(kinimmune("claims", "gompertz", "--data", sound_tables, *DRAWS, "--json", "-q")[1])
    later = {"basis", "fitted_value", *(name for name in content["claims"][0] if name.startswith("posterior"))}
    known = [{name: value for name, value in item.items() if name not in later} for item in content["claims"]]
    assert len(later) == 9
    assert records_from_json(json.dumps({"claims": known}), Path("claims.json")) == records_from_json(
        json.dumps(content), Path("claims.json")
    )


def test_claims_of_a_file_that_is_none_are_refused():
    with pytest.raises(DataError, match=r"claims\.json holds no tested claims: 0\.id: Field required; test the claims again"):
        records_from_json('{"claims": [{}]}', Path("claims.json"))
    for text in ("", "[]", "{}", '{"claims": 3}'):
        with pytest.raises(DataError, match=r"claims\.json holds no tested claims"):
            records_from_json(text, Path("claims.json"))


def test_a_value_that_is_not_finite_is_null(kinimmune, tmp_path):
    example.write_tables(tmp_path, claims=("dispute",))
    file = tmp_path / "experiments.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("scale,retardation,0.5,", "set,capacity,0,mL"), encoding="utf-8")
    (item,) = json.loads(kinimmune("claims", "gompertz", "--data", str(tmp_path), *DRAWS, "--json", "-q")[1])["claims"]
    assert (item["value"], item["holds"], item["fraction"]) == (None, False, 0.0)
    assert math.isclose(item["fraction_lower"], 0.0, abs_tol=1e-12)
