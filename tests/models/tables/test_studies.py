"""Which studies a model is tried in: those that name it in trials.csv, or those that name none."""

import csv
import shutil
from importlib.resources import files

import pytest
from paths import OWN_TRIAL
from three_arms import change_rows

from kinimmune.fitting.lint import check
from kinimmune.fitting.problem.read_targets import describe_left_out, list_tried_studies, read_fitted_targets
from kinimmune.models.catalogue import load_model
from kinimmune.models.tables.readers import read_designs, read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.tables.studies import list_studies
from kinimmune.models.tables.treatments import list_regimens

HCC, MELANOMA = ("sharp", "asia_pacific"), ("soraftem", "mcdermott2008", "eisen2006", "eisen2011")


@pytest.fixture
def folder(tmp_path):
    for name in ("trials.csv", "targets.csv"):
        (tmp_path / name).write_bytes(files("kinimmune.data").joinpath(name).read_bytes())
    return tmp_path


def test_a_study_belongs_to_the_models_it_names_and_others_to_every_other_model():
    assert list_studies("melanoma", Tables()) == MELANOMA
    assert list_studies("hcc_trial", Tables()) == HCC
    assert list_studies("a_model_of_ones_own", Tables()) == HCC
    assert [trial.study for trial in read_trials(Tables(), "melanoma")] == list(MELANOMA)


def test_a_model_has_the_virtual_trials_of_all_studies_that_name_it_fitted_or_not():
    assert list_tried_studies("melanoma", Tables()) == MELANOMA
    assert {target.study for target in read_fitted_targets("melanoma", Tables())} == set(MELANOMA[1:])
    assert list_tried_studies("hcc_trial", Tables()) == HCC
    assert {trial.study for trial in read_designs(load_model("melanoma"), Tables()).trials} == set(MELANOMA)


def test_tables_without_the_column_are_those_of_every_model(folder):
    with (folder / "trials.csv").open(encoding="utf-8", newline="") as file:
        rows = [{key: cell for key, cell in row.items() if key != "model"} for row in csv.DictReader(file)]
    with (folder / "trials.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

    assert list_studies("hcc_trial", Tables(folder)) == list_studies("melanoma", Tables(folder)) == HCC + MELANOMA


def test_a_model_that_does_not_exist_is_told_with_the_nearest(folder):
    change_rows(folder, "trials.csv", lambda row: row | ({"model": "hcc_tria"} if row["study"] == "sharp" else {}))

    (found,) = check(Tables(folder))
    assert (found.file, found.row, found.column) == ("trials.csv", 2, "model")
    assert found.message.endswith("unknown model 'hcc_tria' in column 'model' (trials.csv row 2); did you mean 'hcc_trial'?")


def test_medians_that_a_named_study_leaves_out_of_a_fit_are_told(folder):
    assert describe_left_out("hcc_trial", Tables(folder)) == ()
    change_rows(folder, "trials.csv", lambda row: row | ({"model": "hcc_trial"} if row["study"] == "sharp" else {}))

    (told,) = describe_left_out("hcc_trial", Tables(folder))
    assert told == (
        "targets of asia_pacific are not fitted: they name no model in trials.csv, and sharp name 'hcc_trial'; "
        "name it in column 'model' of those that are meant too"
    )


def test_studies_of_the_package_alone_are_left_out_on_purpose(tmp_path):
    """Neither the package's tables nor a folder without trials of its own is told of studies of other models."""
    (tmp_path / "claims.csv").write_bytes(files("kinimmune.data").joinpath("claims.csv").read_bytes())

    assert describe_left_out("melanoma", Tables()) == describe_left_out("melanoma", Tables(tmp_path)) == ()


def test_the_regimens_of_the_package_are_not_those_of_a_trial_of_ones_own(tmp_path):
    own = tmp_path / "own"
    shutil.copytree(OWN_TRIAL, own)

    assert list_regimens(Tables(own)) == ()
    assert {row.study for row in list_regimens(Tables())} == set(MELANOMA) - {"eisen2006"}  # a constant dose alone
    assert check(Tables(own)) == ()
