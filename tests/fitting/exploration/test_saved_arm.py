"""An arm that is saved: tables of a trial that has it, which `check` accepts and `predict` runs."""

import csv

import pytest

from kinimmune.fitting.exploration.saved_arm import save_arm
from kinimmune.fitting.exploration.session import explore_model
from kinimmune.fitting.exploration.setting import Setting
from kinimmune.fitting.exploration.views import KnownArms, compute_view
from kinimmune.fitting.lint import check
from kinimmune.fitting.settings import ProblemOptions
from kinimmune.models.errors import UsageError
from kinimmune.models.tables.readers import read_trials
from kinimmune.models.tables.rows import Tables

HALF = Setting(values={"dose:sharp:sorafenib": 200.0, "growth:sharp": 0.01}, patients=4, seed=1)


def explore(tables=None, model="hcc_trial"):
    return explore_model(model, tables or Tables(), words=(), options=ProblemOptions(patients=4), seed=1, jobs=1)


@pytest.fixture(scope="module")
def session():
    return explore()


@pytest.fixture
def saved(session, tmp_path):
    folder = tmp_path / "half"
    folder.mkdir()
    for name, text in save_arm(session, HALF, "sharp", "sorafenib", "half_dose").items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_saved_arm_is_one_more_arm_with_its_dose(saved):
    (before,) = [trial for trial in read_trials(Tables(), "hcc_trial") if trial.study == "sharp"]
    (after,) = [trial for trial in read_trials(Tables(saved), "hcc_trial") if trial.study == "sharp"]

    assert [arm.name for arm in after.arms] == ["sorafenib", "placebo", "half_dose"]
    assert after.arms[:2] == before.arms
    assert (after.arms[2].dose, after.arms[2].doses_per_day, after.arms[2].n) == (200.0, 2.0, 299)
    assert not after.arms[2].control


def test_check_accepts_the_tables_of_a_saved_arm(saved):
    assert check(Tables(saved)) == ()


def test_a_number_that_was_set_is_assumed_and_says_what_it_was(saved):
    with (saved / "design.csv").open(encoding="utf-8") as file:
        (row,) = [row for row in csv.DictReader(file) if (row["arm"], row["quantity"]) == ("half_dose", "dose")]

    assert (row["value"], row["status"], row["note"]) == ("200", "assumed", "set in kinimmune explore; 400 in the tables")


def test_a_saved_arm_shows_what_its_setting_showed(session, saved):
    """Parameters that were set are no part of the arm, and are set again."""
    shown = compute_view(session, HALF, KnownArms())
    again = compute_view(explore(Tables(saved)), HALF.model_copy(update={"values": {"growth:sharp": 0.01}}), KnownArms())

    def numbers(view, arm):
        return {
            (row.endpoint, row.statistic, row.month): row.value
            for row in view.numbers
            if (row.study, row.arm) == ("sharp", arm) and row.statistic != "events"
        }

    assert numbers(again, "half_dose") == numbers(shown, "sorafenib")


def test_rows_of_regimens_are_saved_with_their_numbers():
    session = explore(model="melanoma")
    name = "amount:soraftem:sorafenib_temozolomide:2"
    files = save_arm(session, Setting(values={name: 300.0}), "soraftem", "sorafenib_temozolomide", "less")

    rows = [row for row in csv.DictReader(files["regimens.csv"].splitlines()) if row["arm"] == "less"]
    before = [row for row in csv.DictReader(files["regimens.csv"].splitlines()) if row["arm"] == "sorafenib_temozolomide"]
    assert [row["amount"] for row in rows] == [before[0]["amount"], "300", *(row["amount"] for row in before[2:])]


@pytest.mark.parametrize(
    ("place", "name", "told"),
    [
        (("sharp", "sorafenb"), "half", "no arm 'sharp:sorafenb' is explored"),
        (("sharp", "sorafenib"), "placebo", "study 'sharp' has an arm 'placebo'"),
        (("sharp", "sorafenib"), "../half", "is no name of an arm"),
        (("sharp", "sorafenib"), "", "is no name of an arm"),
    ],
)
def test_what_cannot_be_saved_is_refused(session, place, name, told):
    with pytest.raises(UsageError, match=told):
        save_arm(session, HALF, *place, name)
