"""Drugs as things: what is not the model's own drug is read in the tables or refused, and exposure is that of its label."""

import csv

import numpy as np
import pytest
from three_arms import change_rows, write_three_arms

from kinimmune.fitting.lint import check
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.problem import build_problem, enrol
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.experiments.individual import IndividualRequest, plan_individual, simulate_individual
from kinimmune.models.symbolic.units import convert
from kinimmune.models.tables.drugs import find_drug_values, list_given_drugs
from kinimmune.models.tables.migration import migrate
from kinimmune.models.tables.readers import read_designs, read_drugs, read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.routes import assign_roles

REGIMEN = "study,arm,drug,amount,unit,duration,first_day,last_day,every,on_days,off_days,stops,source,locator,status,note\n"


def give(folder, row, **arm):
    """Give the low-dose arm of the example a regimen, and no constant dose."""
    change_rows(
        folder,
        "design.csv",
        lambda item: item | ({"value": "0"} if (item["arm"], item["quantity"]) == ("lowdose", "dose") else {}),
    )
    change_rows(
        folder, "arms.csv", lambda item: item | ({"drug": "", "treatment": "in words", **arm} if item["arm"] == "lowdose" else {})
    )
    (folder / "regimens.csv").write_text(REGIMEN + row + "\n", encoding="utf-8")
    return Tables(folder)


@pytest.fixture
def folder(tmp_path):
    return write_three_arms(tmp_path / "tables")


def test_regorafenib_is_at_the_average_concentration_of_its_label(folder):
    """160 mg a day: the label's area under the curve at steady state is 58.3 mg h/L a day, parent compound."""
    tables = give(folder, "example,lowdose,regorafenib,160,mg/d,,,,,,,yes,assumption,invented,assumed,")
    model = load_model("hcc_trial", tables)
    individual = plan_individual(model, IndividualRequest("example:lowdose", days=60.0), read_designs(model, tables))

    course = simulate_individual(individual)

    assert course["concentration"][-1] == pytest.approx(58.3 / 24.0, rel=1e-3)
    assert individual.values["ic50_vegfr2"] == 4.2


def test_what_is_listed_of_a_drug_that_is_given_is_what_the_model_is_given(folder):
    tables = give(folder, "example,lowdose,regorafenib,160,mg/d,,,,,,,yes,assumption,invented,assumed,")
    model, known = load_model("hcc_trial", tables), read_drugs(tables)
    arms = [arm.administrations for trial in read_trials(tables) if trial.study == "example" for arm in trial.arms]

    (listed,) = list_given_drugs(model, arms, known)

    assert (listed.drug, listed.role.drug) == ("regorafenib", "sorafenib")
    given = find_drug_values(model, arms[0], known) | find_drug_values(model, arms[1], known)
    shown = {
        listed.role.properties[row.quantity]: convert(row.value, row.unit, model.units[listed.role.properties[row.quantity]])
        for row in listed.properties
    }
    names = [f"ic50_{kinase}" for kinase in listed.role.kinases]
    shown |= {name: convert(row.ic50, row.unit, model.units[name]) for name, row in zip(names, listed.kinases, strict=True)}
    assert shown == given
    assert list_given_drugs(model, [arms[-1]], known) == ()


def test_a_drug_in_cycles_is_gone_at_their_end(folder):
    tables = give(folder, "example,lowdose,regorafenib,160,mg/d,,,,,21,7,yes,assumption,invented,assumed,")
    model = load_model("hcc_trial", tables)
    individual = plan_individual(model, IndividualRequest("example:lowdose", days=84.0), read_designs(model, tables))

    concentration = simulate_individual(individual)["concentration"]

    assert np.all(concentration[[28, 56, 84]] < 0.05)
    assert np.all(concentration[[21, 49, 77]] > 2.4)


def test_the_model_s_own_drug_keeps_the_parameters_of_its_table():
    model, drugs = load_model("hcc_trial"), read_drugs()
    (role,) = model.drugs

    assert drugs.values_in(role, role.drug, model.units) == {}
    own = {quantity: drugs.properties[role.drug][quantity] for quantity in role.properties}
    values = {item.name: item.value for item in model.parameters}
    for quantity, name in role.properties.items():
        assert own[quantity].value * (1e-6 if quantity == "molar_mass" else 1.0) == pytest.approx(values[name], rel=1e-9)


@pytest.mark.parametrize(
    ("row", "arm", "told"),
    [
        ("example,lowdose,lenvatinib,12,mg/d,,,,,,,yes,assumption,invented,assumed,", {}, "unknown drug 'lenvatinib'"),
        ("example,lowdose,regorafenb,160,mg/d,,,,,,,yes,assumption,invented,assumed,", {}, "did you mean 'regorafenib'"),
        ("example,lowdose,sorafenib,-1,mg/d,,,,,,,yes,assumption,invented,assumed,", {}, "'-1' lies outside its range"),
        ("example,nobody,sorafenib,1,mg/d,,,,,,,yes,assumption,invented,assumed,", {}, "study 'example' has no arm 'nobody'"),
        ("example,lowdose,sorafenib,1,mg/d,,3,2,,,,yes,assumption,invented,assumed,", {}, "from day 3 to 2 is no period"),
        ("example,lowdose,sorafenib,1,furlogn,,,,,,,yes,assumption,invented,assumed,", {}, "unknown unit 'furlogn'"),
    ],
)  # fmt: skip
def test_what_cannot_be_given_is_told_with_its_row(folder, row, arm, told):
    tables = give(folder, row, **arm)

    findings = [item for item in check(tables) if told in item.message]
    assert [(item.file, item.row) for item in findings] == [("regimens.csv", 2)]


@pytest.mark.parametrize(
    ("arm", "told"),
    [
        ({"drug": "", "treatment": "sorafenib 50 mg once daily"}, "is given 50 mg a day (design.csv) of no drug"),
        ({"treatment": "lenvatinib 12 mg"}, "treatment 'lenvatinib 12 mg' of arm 'lowdose' does not name drug 'sorafenib'"),
        ({"drug": "lenvatinib", "treatment": "lenvatinib 12 mg"}, "unknown drug 'lenvatinib'"),
    ],
)
def test_drug_dose_and_words_of_an_arm_hold_together(folder, arm, told):
    change_rows(folder, "arms.csv", lambda item: item | (arm if item["arm"] == "lowdose" else {}))

    assert any(told in item.message for item in check(Tables(folder)))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("regorafenib,160,mg", "unit 'mg' does not measure the same as mg/d"),
        ("sorafenib,1,mg/kg/d", "has no parameter 'body_weight' to convert by"),
        ("palbociclib,125,mg/d", "drug 'palbociclib' has no 'induction_strength'"),
    ],
)
def test_what_a_model_cannot_be_given_is_told_by_the_check_as_by_a_fit(folder, row, told):
    tables = give(folder, f"example,lowdose,{row},,,,,,,yes,assumption,invented,assumed,")

    assert any(told in item.message for item in check(tables))


def test_an_amount_of_no_drug_is_told(folder):
    tables = give(
        folder, "example,sorafenib,sorafenib,1,mg/d,,,,,,,yes,assumption,invented,assumed,", treatment="lenvatinib 12 mg"
    )

    assert any("tells an amount, and column 'drug' no drug" in item.message for item in check(tables))


@pytest.mark.parametrize(
    ("drug", "told"),
    [
        ("temozolomide", "drug 'temozolomide' has no 'distribution_volume'"),
        ("palbociclib", "drug 'palbociclib' has no 'induction_strength'"),
    ],
)
def test_a_drug_of_which_a_model_needs_more_is_refused(drug, told):
    model = load_model("hcc_trial")
    (role,) = assign_roles(model, [drug]).values()

    with pytest.raises(DataError, match=told):
        read_drugs().values_in(role, drug, model.units)


def test_a_fit_gives_an_arm_the_parameters_of_its_drug_and_its_digest_knows(folder):
    before = digest_inputs("hcc_trial", Tables(folder))
    tables = give(folder, "example,lowdose,regorafenib,160,mg/d,,,,,21,7,yes,assumption,invented,assumed,")
    problem = build_problem("hcc_trial", tables, patients=8, seed=1)
    point = np.zeros(len(problem.estimated))

    low, high = (enrol(problem, point, "example", arm) for arm in ("lowdose", "sorafenib"))

    assert (low.values["ic50_raf"], high.values["ic50_raf"]) == (2.5, 6.0)
    assert low.values["kinase_shift"] == high.values["kinase_shift"]
    assert low.dosing.on.at(20.9) == {"dose_rate": 160.0}
    assert low.dosing.on.at(21.0) == {}
    assert digest_inputs("hcc_trial", tables) != before


def test_tables_of_before_are_rewritten_and_read(folder):
    change_rows(folder, "arms.csv", lambda item: {name: cell for name, cell in item.items() if name != "drug"})
    assert any("kinimmune check --migrate FOLDER" in item.message for item in check(Tables(folder)))

    arms, descriptor = migrate(folder, read_drugs().names)
    for file in (arms, descriptor):
        (folder / file.name).write_text(file.text, encoding="utf-8")

    assert check(Tables(folder)) == ()
    with (folder / "arms.csv").open(encoding="utf-8", newline="") as file:
        assert {row["arm"]: row["drug"] for row in csv.DictReader(file)} == {
            "lowdose": "sorafenib",
            "sorafenib": "sorafenib",
            "observation": "",
        }
    assert migrate(folder, read_drugs().names) == ()
