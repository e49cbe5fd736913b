"""The table of criteria: what a trial takes from it, what replaces it, and names it does not have."""

import shutil

import pytest
from paths import OWN_TRIAL
from three_arms import change_rows

from kinimmune.fitting import lint
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.models.tables.readers import read_criteria, read_trials
from kinimmune.models.tables.rows import Tables


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(OWN_TRIAL, tmp_path / "own")


def name_criterion(folder, name):
    change_rows(folder, "trials.csv", lambda row: row | {"criterion": name})


def add_design(folder, row):
    text = (folder / "design.csv").read_text(encoding="utf-8").rstrip("\n")
    (folder / "design.csv").write_text(f"{text}\n{row},assumption,invented,assumed,\n", encoding="utf-8")


def test_criteria_are_those_of_their_papers():
    known = {row.criterion: (row.progression_ratio, row.progression_increase, row.response_ratio) for row in read_criteria()}
    products = tuple(ratio**2 for ratio in known.pop("WHO")[::2])  # of two diameters
    assert known == {"RECIST 1.0": (1.2, 0.0, 0.7), "RECIST 1.1": (1.2, 5.0, 0.7), "mRECIST": (1.2, 0.0, 0.7)}
    assert products == pytest.approx((1.25, 0.5), abs=1e-3)


def test_a_trial_takes_its_numbers_from_its_criterion_where_its_design_has_none(folder):
    change_rows(folder, "design.csv", lambda row: None if row["quantity"].endswith("_ratio") else row)
    name_criterion(folder, "RECIST 1.1")
    add_design(folder, "example,,baseline_diameter,8,cm")
    (trial,) = read_trials(Tables(folder))
    assert (trial.criterion, trial.progression_ratio, trial.response_ratio) == ("RECIST 1.1", 1.2, 0.7)
    assert (trial.progression_increase, trial.baseline_diameter) == (5.0, pytest.approx(80.0))
    assert lint.check(Tables(folder)) == ()


def test_numbers_of_a_design_replace_those_of_the_criterion(folder):
    change_rows(folder, "design.csv", lambda row: row | ({"value": "1.25"} if row["quantity"] == "progression_ratio" else {}))
    (trial,) = read_trials(Tables(folder))
    assert trial.progression_ratio == 1.25


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("RECIST 1.2", "unknown criterion 'RECIST 1.2' in column 'criterion' (trials.csv row 2); did you mean 'RECIST 1.1'?"),
        ("recist v1.0", "did you mean 'RECIST 1.0'?"),
        ("MRECIST", "did you mean 'mRECIST'?"),
        ("Lugano", "criteria.csv has: RECIST 1.0, RECIST 1.1, mRECIST"),
    ],
)
def test_an_unknown_criterion_is_told_the_nearest(given, told, folder):
    name_criterion(folder, given)
    (finding,) = lint.check(Tables(folder))
    assert told in finding.message


def test_only_an_increase_that_is_applied_makes_another_problem(folder):
    before = digest_inputs("hcc_trial", Tables(folder))
    name_criterion(folder, "RECIST 1.1")
    assert digest_inputs("hcc_trial", Tables(folder)) == before
    add_design(folder, "example,,baseline_diameter,80,mm")
    assert digest_inputs("hcc_trial", Tables(folder)) != before


def test_a_criterion_of_one_s_own_is_a_row(folder):
    head = "criterion,progression_ratio,progression_increase,response_ratio,source,locator,status,note\n"
    (folder / "criteria.csv").write_text(head + "house,1.4,3,0.5,assumption,invented,assumed,\n", encoding="utf-8")
    name_criterion(folder, "house")
    change_rows(folder, "design.csv", lambda row: None if row["quantity"].endswith("_ratio") else row)
    (trial,) = read_trials(Tables(folder))
    assert (trial.progression_ratio, trial.progression_increase, trial.response_ratio) == (1.4, 3.0, 0.5)

    (folder / "criteria.csv").write_text(head + "house,0.9,3,1.5,assumption,invented,assumed,\n", encoding="utf-8")
    messages = [item.message for item in lint.check(Tables(folder))]
    assert any("progression_ratio = 0.9 in column 'progression_ratio' is not above 1" in text for text in messages)
    assert any("response_ratio = 1.5 in column 'response_ratio' is not below 1" in text for text in messages)
