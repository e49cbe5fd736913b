"""What can be fitted is said in one line, before anything is computed."""

import shutil

import pytest
from paths import OWN_TRIAL
from three_arms import change_rows

from kinimmune.fitting.problem.fittable import choose_changes, examine_fit
from kinimmune.fitting.settings import FitOptions
from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import UsageError
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Endpoint


@pytest.fixture
def own(tmp_path):
    """Return a copy of the example of a trial of one's own."""
    folder = tmp_path / "own"
    shutil.copytree(OWN_TRIAL, folder, ignore=shutil.ignore_patterns("*.toml", "*.md"))
    return folder


def refuse(folder, model="hcc_trial"):
    """Return why a model cannot be fitted with the tables of a folder."""
    with pytest.raises(UsageError) as told:
        choose_changes(model, Tables(folder), FitOptions())
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_model_without_numbers_to_aim_at_says_so_and_which_others_have_some():
    message = refuse(None, "gompertz")

    assert message.startswith(
        "model 'gompertz' cannot be fitted: a fit aims at what trials published, and the model has no hazard"
    )
    assert message.endswith("; models that can be fitted: breast, hcc_cells, hcc_mouse, hcc_trial, melanoma")


@pytest.mark.parametrize("name", [name for name in model_names() if name != "gompertz"])
def test_every_model_of_a_document_is_fitted_to_something_published(name):
    """By trials where it is tried in some, else by measurements in experiments."""
    scope = examine_fit(load_model(name), Tables())

    assert scope.obstacle == ""
    assert sum(scope.targets.values()) >= 4


def test_the_trial_model_aims_at_medians_and_disease_control_of_both_studies():
    scope = examine_fit(load_model("hcc_trial"), Tables())

    assert (scope.endpoints, scope.targets, scope.obstacle) == (tuple(Endpoint), {"sharp": 6, "asia_pacific": 6}, "")


def test_tables_without_a_target_to_fit_say_what_lacks_in_them(own):
    change_rows(own, "targets.csv", lambda row: row | {"role": "unfitted"})

    message = refuse(own)

    assert message.startswith(
        f"model 'hcc_trial' cannot be fitted with the tables in {own}: targets.csv has no row with role 'fit'"
    )


def test_a_ratio_can_be_fitted_beside_medians(own):
    """They share patients, and neither tells all of the other."""
    change_rows(own, "targets.csv", lambda row: row | {"role": "fit"})
    tables = Tables(own)

    assert examine_fit(load_model("hcc_trial", tables), tables).targets == {"example": 5}


def test_a_study_without_values_is_named_with_what_lacks(own):
    (own / "parameters.csv").unlink()
    shutil.copy(OWN_TRIAL / "parameters.csv", own)
    change_rows(own, "parameters.csv", lambda row: row | ({"study": "other"} if row["study"] else {}))
    for table in ("trials.csv", "arms.csv", "design.csv", "follow_up.csv"):
        double(own / table)

    message = refuse(own)

    assert "parameters.csv has no value of growth, baseline_hazard for study 'example', whose targets have role 'fit'" in message


def double(path):
    """Give a second study, `other`, the rows of the first."""
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    others = [row.replace("example,", "other,", 1) for row in rows]
    path.write_text("\n".join([header, *rows, *others]) + "\n", encoding="utf-8")


def test_a_model_without_an_estimated_parameter_has_nothing_to_fit(own):
    change_rows(own, "parameters.csv", lambda row: row | {"estimated": "no"})

    assert "no parameter of it is estimated; write yes in column 'estimated' of parameters.csv, or --free NAME" in refuse(own)
    asked = FitOptions(free=["growth"])
    (freed,) = choose_changes("hcc_trial", Tables(own), asked)
    assert (freed.key, freed.estimated) == ("growth:example", True)


def test_a_range_beyond_the_scale_of_its_prior_cannot_be_fitted(own):
    change_rows(own, "parameters.csv", lambda row: row | ({"lower": ""} if row["name"] == "immune_kill" else {}))

    assert "parameter 'immune_kill' is estimated and its range [-inf, 1]" in refuse(own)
