"""What is wrong with tables of covariates is told in one line that names the row and a remedy."""

import covariate_trial as example
import pytest

from kinimmune.fitting.lint import check, warn
from kinimmune.models.tables.readers import read_trials
from kinimmune.models.tables.rows import Tables

PEOPLE = [("one", 100.0, True, "0", "61"), ("two", 200.0, True, "1", "55"), ("three", 300.0, False, "1", "70")]
MIX = ["two_arms,,ecog,0,0.6,,", "two_arms,,ecog,1,0.4,,", "two_arms,,age,,,62,9"]


def find(folder, table=None):
    """Return the messages about tables of covariates and patients."""
    others = ("case_mix.csv", "covariates.csv", "covariate_effects.csv", "patients.csv")
    return [item.message for item in check(Tables(folder)) if item.file in ((table,) if table else others)]


def write(folder, people=PEOPLE, names=("ecog", "age"), effects=(example.EFFECTS, example.AGE_EFFECTS), mix=()):
    example.write_project(folder, effects, mix=mix)
    example.write_patients(folder, dict.fromkeys(("drug", "control"), people), names)
    return folder


def test_patients_who_are_told_are_enrolled_and_others_have_the_published_mix(tmp_path):
    """Patients go before a baseline table, rows of an arm before those of its study."""
    folder = write(tmp_path / "own", names=("ecog",), mix=[*MIX, "two_arms,control,age,,,50,5"])

    assert find(folder) == []
    drug, control = read_trials(Tables(folder))[0].arms
    assert drug.case_mix.known == ("ecog",)
    assert drug.case_mix.rows == (("0",), ("1",), ("1",))
    assert [(item.covariate, item.mean, item.sd) for item in drug.case_mix.marginals] == [("age", 62.0, 9.0)]
    assert control.case_mix.marginals[0].mean == 50.0


def test_tables_without_covariates_leave_arms_as_they_were():
    assert all(arm.case_mix is None for trial in read_trials() for arm in trial.arms)


@pytest.mark.parametrize(
    ("people", "message"),
    [
        (
            [*PEOPLE, ("four", 50.0, True, "", "60")],
            "patient 'four' of two_arms:drug has no value in column 'ecog' (patients.csv row 5); fill it in, leave those",
        ),
        ([*PEOPLE, ("four", 50.0, True, "3", "60")], "'3' is no level of covariate 'ecog' (patients.csv row 5); allowed: 0, 1"),
        ([*PEOPLE, ("four", 50.0, True, "1", "-2")], "'-2' is no value of covariate 'age' (patients.csv row 5); write"),
        (
            [*PEOPLE, ("four", 50.0, True, "1", "old")],
            "'old' is no value of covariate 'age' (patients.csv row 5); write",
        ),
    ],
)
def test_a_patient_without_a_value_or_with_none_of_the_covariate_is_told(tmp_path, people, message):
    assert find(write(tmp_path / "own", people), "patients.csv")[0].startswith(message)


def test_a_patient_has_one_value_in_all_endpoints(tmp_path):
    folder = write(tmp_path / "own")
    example.append(folder / "patients.csv", [f"two_arms,drug,one,ttp,90,d,1,,{example.ORIGIN},,1,61"])
    example.append(folder / "patients.csv", [f"two_arms,drug,two,ttp,90,d,1,,{example.ORIGIN},,1,55"])

    assert find(folder, "patients.csv") == [
        "patient 'one' of two_arms:drug has ecog '1' here and '0' in row 2 (patients.csv row 8); correct one of them: a "
        "covariate is what was so before treatment"
    ]


def test_a_column_nobody_declared_is_told_with_the_nearest(tmp_path):
    folder = write(tmp_path / "own", names=("ecgo", "age"))

    assert find(folder, "patients.csv") == [
        "unknown column 'ecgo' (patients.csv row 1); did you mean 'ecog'? Or declare it as a covariate in covariates.csv"
    ]


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        (
            "exponential,rat,ecog,1,beta_ecog,",
            "model 'exponential' has no parameter 'rat' in column 'parameter' (covariate_effects.csv row 2); add it to "
            "parameters.csv; did you mean 'rate'?",
        ),
        ("exponential,rate,ecog,1,beta,", "model 'exponential' has no parameter 'beta' in column 'effect'"),
        (
            "exponential,rate,ecgo,1,ratio,",
            "unknown covariate 'ecgo' in column 'covariate' (covariate_effects.csv row 2)",
        ),
        (
            "exponential,rate,ecog,,ratio,",
            "no level of category 'ecog' in column 'level' (covariate_effects.csv row 2); allowed",
        ),
        ("exponential,rate,ecog,2,ratio,", "'2' is no level of covariate 'ecog' (covariate_effects.csv row 2); allowed: 0, 1"),
        ("exponential,rate,ecog,0,ratio,", "level '0' of category 'ecog' is its reference, which has no effect"),
        ("exponential,rate,age,1,ratio,", "level '1' of continuous covariate 'age' in column 'level'"),
        (
            "exponential,rate,age,,full_dose,",
            "parameter 'full_dose' has the unit mg/d as an effect on 'rate' (covariate_effects.csv row 2); give it 1",
        ),
    ],
)
def test_an_effect_of_nothing_or_on_nothing_is_told(tmp_path, effect, message):
    folder = write(tmp_path / "own", effects=(), mix=MIX)
    example.write(folder / "covariate_effects.csv", "model,parameter,covariate,level,effect,note", [effect])

    assert find(folder, "covariate_effects.csv")[0].startswith(message)


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        (
            ["two_arms,,ecog,0,0.6,,"],
            "shares of 'ecog' in two_arms add to 0.6 (case_mix.csv row 2); give every level",
        ),
        (["two_arms,,ecog,0,,,"], "category 'ecog' without a value in column 'share' (case_mix.csv row 2); fill it in"),
        (["two_arms,,age,,0.5,62,9"], "continuous 'age' with a value in column 'share' (case_mix.csv row 2); leave it empty"),
        (["two_arms,,ecog,5,0.5,,"], "'5' is no level of covariate 'ecog' (case_mix.csv row 2); allowed: 0, 1"),
        (["two_arms,drugg,ecog,0,0.5,,"], "study 'two_arms' has no arm 'drugg' in column 'arm' (case_mix.csv row 2)"),
        (
            ["two_arms,,sex,0,0.5,,"],
            "unknown covariate 'sex' in column 'covariate' (case_mix.csv row 2); add it to",
        ),
    ],
)
def test_a_case_mix_that_is_none_is_told(tmp_path, mix, message):
    assert find(write(tmp_path / "own", mix=mix), "case_mix.csv")[0].startswith(message)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("ecog,category,1,2,0 1,status", "'2' is no level of covariate 'ecog' (covariates.csv row 2); allowed: 0, 1"),
        ("ecog,category,1,0,0,status", "category 'ecog' has levels '0' (covariates.csv row 2); give two or more, each once"),
        (
            "age,continuous,year,60,0 1,age",
            "continuous covariate 'age' has levels '0 1' (covariates.csv row 2); leave",
        ),
        (
            "age,continuous,year,-1,,age",
            "'-1' is no value of covariate 'age' (covariates.csv row 2); write a number",
        ),
        (
            "time,continuous,year,60,,age",
            "covariate 'time' has the name of another column of patients.csv",
        ),
    ],
)
def test_a_covariate_that_is_none_is_told(tmp_path, declared, message):
    folder = example.write_project(tmp_path / "own", ())
    example.write(folder / "covariates.csv", "name,kind,unit,reference,levels,meaning", [declared])
    example.write_patients(folder, {"drug": PEOPLE, "control": PEOPLE}, ())

    assert find(folder, "covariates.csv")[0].startswith(message)


def test_arms_that_tell_nothing_and_levels_nobody_has_are_told(tmp_path):
    """The first is refused, the second only said."""
    folder = write(tmp_path / "own", [row[:3] for row in PEOPLE], (), (example.EFFECTS,))
    assert check(Tables(folder))[0].message == (
        "parameter 'rate' depends on covariate 'ecog', of which two_arms:drug tells nothing (covariate_effects.csv row 2); add a "
        "row to case_mix.csv, or a column to patients.csv"
    )
    healthy = [(name, time, event, "0") for name, time, event, *_ in PEOPLE]
    example.write_patients(folder, {"drug": healthy, "control": healthy}, ("ecog",))
    assert find(folder) == []
    assert [item.message for item in warn(Tables(folder)) if item.file == "covariate_effects.csv"] == [
        "nobody in any arm has level '1' of covariate 'ecog' (covariate_effects.csv row 2); its effect stays at its prior; leave "
        "the row out, or correct the level"
    ]
