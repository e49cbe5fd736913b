"""What `regimens.csv` tells of the time after treatment: read, refused with its row, and known to digests and reports."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from paths import ROOT
from straight_trial import PILLS, make_straight_model, make_trial
from three_arms import change_rows, write_three_arms

from kinimmune.fitting.configuration import read_settings
from kinimmune.fitting.estimation.run import plan_run, start_fit
from kinimmune.fitting.lint import check
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.problem import build_problem, enrol
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.experiments.individual import IndividualRequest, plan_individual
from kinimmune.models.symbolic.drugs import DrugRole
from kinimmune.models.tables.drugs import DrugRow, KnownDrugs, find_next_line_values
from kinimmune.models.tables.readers import read_designs, read_drugs, read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.next_line import NextLine, Reason
from kinimmune.models.trial.regimens import Administration
from kinimmune.reports.model.tables import list_trials

GIVEN = "drug,amount,unit,duration,first_day,last_day,every,on_days,off_days,stops"
HEADER = f"study,arm,{GIVEN},then_arm,then_share,then_when,source,locator,status,note\n"
ORIGIN = "assumption,invented,assumed,"
CYCLES = f"example,second,regorafenib,160,mg/d,,,,,21,7,no,,,,{ORIGIN}"
"""A regimen that no arm has."""


def goes_on(arm, then):
    """Return a row that tells only what comes after treatment."""
    return f"example,{arm},,,,,,,,,,,{then},{ORIGIN}"


def put(folder, *rows):
    (folder / "regimens.csv").write_text(HEADER + "\n".join([*rows, ""]), encoding="utf-8")
    return Tables(folder)


@pytest.fixture
def folder(tmp_path):
    return write_three_arms(tmp_path / "tables")


def read_arm(tables, name):
    (trial,) = read_trials(tables)
    return trial.arm(name)


def test_an_arm_goes_on_with_another_arm_or_with_a_regimen_of_its_own_name(folder):
    tables = put(folder, goes_on("observation", "sorafenib,0.5,progression"), goes_on("lowdose", "second,0.3,"), CYCLES)

    assert check(tables) == ()
    assert [arm.name for arm in read_trials(tables)[0].arms] == ["lowdose", "sorafenib", "observation"]
    crossed, low = (read_arm(tables, name).next_line for name in ("observation", "lowdose"))
    assert (crossed.arm, crossed.share, crossed.when) == ("sorafenib", 0.5, Reason.PROGRESSION)
    assert crossed.administrations == read_arm(tables, "sorafenib").administrations
    assert str(low) == "then 30 % of those who stop: regorafenib 160 mg/d, 21 days on and 7 off"
    assert read_arm(tables, "sorafenib").next_line is None


def test_the_example_of_the_page_is_read(folder):
    page = (ROOT / "docs" / "how-to" / "regimens.md").read_text(encoding="utf-8")
    (block,) = [block for block in page.split("```") if block.startswith(f"\n{HEADER}")]
    (folder / "regimens.csv").write_text(block.lstrip(), encoding="utf-8")

    lines = {arm.name: arm.next_line and arm.next_line.arm for arm in read_trials(Tables(folder))[0].arms}
    assert lines == {"lowdose": "second_line", "sorafenib": None, "observation": "sorafenib"}


def test_a_drug_and_what_comes_after_it_may_stand_in_one_row(folder):
    row = f"example,lowdose,sorafenib,10,mg/d,,,,,,,yes,second,1,progression,{ORIGIN}"
    arm = read_arm(put(folder, row, CYCLES), "lowdose")

    assert [item.amount for item in arm.regimen] == [10.0]
    assert (arm.next_line.share, arm.next_line.when) == (1.0, Reason.PROGRESSION)


@pytest.mark.parametrize(
    ("rows", "row", "column", "told"),
    [
        ([goes_on("observation", "sorafinib,0.5,")], 2, "then_arm", "has no arm or regimen 'sorafinib' in column 'then_arm' ("),
        ([goes_on("observation", "sorafinib,0.5,")], 2, "then_arm", "did you mean 'sorafenib'?"),
        ([goes_on("observation", "sorafenib,1.5,")], 2, "then_share", "'1.5' lies outside its range in column 'then_share'"),
        ([goes_on("observation", "sorafenib,-1,")], 2, "then_share", "it must be at least 0"),
        ([goes_on("observation", "sorafenib,half,")], 2, "then_share", "'half' is not a number"),
        ([goes_on("observation", "sorafenib,,")], 2, "then_share", "no value in column 'then_share' (regimens.csv row 2)"),
        ([goes_on("observation", ",0.5,")], 2, "then_arm", "no value in column 'then_arm' (regimens.csv row 2); fill it in"),
        ([goes_on("observation", "sorafenib,0.5,later")], 2, "then_when", "allowed: 'progression', 'discontinuation' or 'any'"),
        ([goes_on("observation", "observation,0.5,")], 2, "then_arm", "in column 'then_arm' gives nothing"),
        ([goes_on("sorafenib", "sorafenib,0.5,")], 2, "then_arm", "goes on in a circle: sorafenib > sorafenib"),
        ([goes_on("lowdose", "second,0.5,discontinuation"), CYCLES], 2, "then_when", "nobody stops 'lowdose' for adverse events"),
        ([CYCLES], 2, "arm", "study 'example' has no arm 'second' in column 'arm'"),
        ([f"example,lowdose,sorafenib,10,,,,,,,,yes,,,,{ORIGIN}"], 2, "unit", "no value in column 'unit'"),
        ([f"example,lowdose,,10,mg/d,,,,,,,yes,sorafenib,1,,{ORIGIN}"], 2, "drug", "no value in columns 'drug' and 'target'"),
        (
            [goes_on("observation", "sorafenib,0.5,"), f"example,observation,sorafenib,1,mg/d,,,,,,,yes,lowdose,0.5,,{ORIGIN}"],
            3,
            "then_arm",
            "goes on with 'lowdose' (share 0.5, any), and with 'sorafenib' (share 0.5, any) in row 2",
        ),
        (
            [goes_on("observation", "sorafenib,0.5,"), goes_on("sorafenib", "second,0.5,"), CYCLES],
            2,
            "then_arm",
            "goes on with 'sorafenib', which goes on itself: observation > sorafenib > second",
        ),
    ],
)  # fmt: skip
def test_what_nobody_can_go_on_with_is_told_with_its_row_by_the_check_and_by_readers(folder, rows, row, column, told):
    tables = put(folder, *rows)

    found = [item for item in check(tables) if told in item.message]
    assert [(item.file, item.row, item.column) for item in found] == [("regimens.csv", row, column)]
    with pytest.raises(DataError, match=r"regimens\.csv row"):
        read_trials(tables)


def test_a_circle_of_two_is_told_for_both(folder):
    found = check(put(folder, goes_on("lowdose", "sorafenib,0.5,"), goes_on("sorafenib", "lowdose,0.5,")))

    assert [(item.row, item.column) for item in found] == [(2, "then_arm"), (3, "then_arm")]
    assert "goes on in a circle: lowdose > sorafenib > lowdose" in found[0].message


def test_a_next_line_after_a_treatment_that_never_stops_is_told(folder):
    change_rows(folder, "trials.csv", lambda item: item | {"stop_rule": "never"})
    (found,) = check(put(folder, goes_on("observation", "sorafenib,0.5,")))

    assert (found.file, found.row, found.column) == ("regimens.csv", 2, "then_arm")
    assert "treatment of study 'example' never stops (trials.csv), so that nobody goes on with 'sorafenib'" in found.message


def test_a_drug_that_a_model_lacks_a_property_of_is_told_of_a_next_line_too(folder):
    bad = f"example,second,palbociclib,125,mg/d,,,,,,,yes,,,,{ORIGIN}"
    found = [item.message for item in check(put(folder, goes_on("lowdose", "second,0.5,"), bad))]

    told = "arm 'example:lowdose', next line 'second': drug 'palbociclib' has no 'induction_strength'"
    assert any(told in text for text in found)


def test_a_next_line_has_the_parameters_of_its_drug_and_starts_on_its_own_day_0(folder):
    problem = build_problem("hcc_trial", put(folder, goes_on("sorafenib", "second,0.5,progression"), CYCLES), patients=8, seed=1)
    cohort = enrol(problem, np.zeros(len(problem.estimated)), "example", "sorafenib")

    assert (cohort.values["ic50_raf"], cohort.next_line.values["ic50_raf"]) == (6.0, 2.5)
    assert cohort.values["kinase_shift"] == cohort.next_line.values["kinase_shift"]
    assert [cohort.next_line.schedule.at(day) for day in (0.0, 21.0, 28.0)] == [{"dose_rate": 160.0}, {}, {"dose_rate": 160.0}]


def test_the_way_back_to_the_model_s_own_drug_has_the_model_s_own_parameters(folder):
    change_rows(
        folder,
        "arms.csv",
        lambda item: item | ({"drug": "regorafenib", "treatment": "regorafenib 50 mg"} if item["arm"] == "lowdose" else {}),
    )
    tables = put(folder, goes_on("lowdose", "sorafenib,0.5,"))

    assert find_next_line_values(load_model("hcc_trial", tables), read_arm(tables, "lowdose"), read_drugs(tables)) == {}


def test_empty_and_absent_columns_leave_the_digest_and_others_change_it(folder):
    before = digest_inputs("hcc_trial", Tables(folder))

    def digest(*rows):
        return digest_inputs("hcc_trial", put(folder, *rows))

    assert digest() == before
    crossing = digest(goes_on("observation", "sorafenib,0.5,progression"))
    other = [
        digest(goes_on("observation", "sorafenib,0.5,any")),
        digest(goes_on("observation", "sorafenib,0.4,progression")),
        digest(goes_on("observation", "second,0.5,progression"), CYCLES),
    ]
    assert len({before, crossing, *other}) == 5
    assert digest(goes_on("observation", "third,0.5,progression"), CYCLES.replace("second", "third")) == other[2]
    (folder / "regimens.csv").write_text(f"study,arm,{GIVEN},source,locator,status,note\n", encoding="utf-8")
    assert digest_inputs("hcc_trial", Tables(folder)) == before


def test_a_patient_who_is_simulated_stays_on_treatment_and_is_told_so(folder):
    tables = put(folder, goes_on("observation", "sorafenib,0.5,"))
    model = load_model("hcc_trial", tables)
    summary = plan_individual(model, IndividualRequest("example:observation"), read_designs(model, tables)).summary

    assert "arm example:observation to the end, without its next line 'sorafenib'" in summary


def test_the_report_tells_what_comes_after(folder):
    tables = put(folder, goes_on("observation", "sorafenib,0.5,progression"))
    cells = {row[1]: row[3] for row in list_trials(read_trials(tables)).rows}

    assert cells["observation"] == "none; then 50 % of those who stop at progression: sorafenib 800 mg/d"


def test_a_fit_under_a_rule_that_never_stops_says_that_nobody_goes_on(folder, tmp_path):
    put(folder, goes_on("observation", "sorafenib,0.5,"))
    settings = read_settings(None, {"data": folder, "fit": {"patients": 8, "stop_rule": "never"}})
    with plan_run("hcc_trial", settings) as plan:
        planned = start_fit(plan, tmp_path / "run", ("kinimmune",), force=False)

    told = "study 'example': under the stop rule never nobody leaves treatment: no next line after observation"
    assert planned.warnings == (told,) == planned.run.record.notes


@pytest.mark.parametrize(
    ("following", "values"),
    [
        ("mab", {"relief": 0.5}),  # in its own role: what is left of the arm's drug leaves as it did
        ("relief", {}),  # the model's own drug in the arm's role
        ("other", {"relief": 0.25}),
    ],
)
def test_a_role_has_the_values_of_the_drug_it_is_given_last(following, values):
    straight = make_straight_model()
    small = DrugRole("small", "relief", rate_input=PILLS, properties={"k": "relief"})
    large = DrugRole("large", "mab", dose_state="line")
    cells = {"file": "drugs.csv", "row": 2, "quantity": "k", "unit": "1/d", "source": "s", "locator": "l", "status": "assumed"}
    rows = [DrugRow(drug=drug, value=value, **cells) for drug, value in (("first", 0.5), ("other", 0.25))]
    drugs = KnownDrugs({row.drug: {"k": row} for row in rows} | {"mab": {}, "relief": {}})
    line = NextLine("second", 1.0, (Administration(following, 1.0, "mg/d"),))
    arm = replace(make_trial().arm("drug"), drug="first", next_line=line)

    assert find_next_line_values(replace(straight, drugs=(small, large)), arm, drugs) == values


def test_a_parameter_of_the_next_line_s_drug_holds_while_it_is_given(folder):
    """A row of `parameters.csv` for regorafenib goes before `drugs.csv`, on the second line alone."""
    with (folder / "parameters.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    place, name = header.index("study") + 1, header.index("name")
    own = next(row for row in rows if row[name] == "clearance" and "hcc_trial" in row[0])
    other = [cell if header[at] != "value" else "70" for at, cell in enumerate(own)]
    with (folder / "parameters.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*header[:place], "drug", *header[place:]])
        writer.writerows(
            [*row[:place], drug, *row[place:]] for row, drug in [*((row, "") for row in rows), (other, "regorafenib")]
        )
    problem = build_problem("hcc_trial", put(folder, goes_on("sorafenib", "second,0.5,"), CYCLES), patients=8, seed=1)
    cohort = enrol(problem, np.zeros(len(problem.estimated)), "example", "sorafenib")

    assert cohort.next_line.values["clearance"] == 70.0
    assert cohort.values["clearance"] != 70.0
