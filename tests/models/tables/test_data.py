"""The package's tables: described completely, consistent, and equal to what the documents print."""

import csv
import json
import re
from importlib.resources import files

import numpy as np
import pytest

from kinimmune.fitting.claims.table import ClaimRow
from kinimmune.fitting.lint import check
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.problem.target_rows import TargetRow
from kinimmune.fitting.problem.targets import Role, Statistic
from kinimmune.models.symbolic.units import DAYS_PER_MONTH, parse_unit
from kinimmune.models.tables.case_mix import CaseMixRow
from kinimmune.models.tables.covariate_effects import EffectRow
from kinimmune.models.tables.covariates import CovariateRow
from kinimmune.models.tables.criteria import CriterionRow
from kinimmune.models.tables.design import QUANTITIES, DesignRow
from kinimmune.models.tables.drugs import DrugRow
from kinimmune.models.tables.evidence import CellLineRow, KinaseRow, SourceRow
from kinimmune.models.tables.experiments import ExperimentRow
from kinimmune.models.tables.files import TABLES
from kinimmune.models.tables.limitations import LimitationRow
from kinimmune.models.tables.measurements import MeasurementRow
from kinimmune.models.tables.observations import ObservationRow
from kinimmune.models.tables.panels import PanelRow
from kinimmune.models.tables.parameters import ParameterRow
from kinimmune.models.tables.patient_rows import PatientRow
from kinimmune.models.tables.published import CurveRow
from kinimmune.models.tables.readers import read_cell_lines, read_kinases, read_observations, read_parameters, read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.tables.treatments import ArmRow, RegimenRow
from kinimmune.models.tables.trials import FollowUpRow, TrialRow
from kinimmune.models.trial.design import Endpoint

ROW_TYPES = (
    SourceRow,
    DrugRow,
    KinaseRow,
    CellLineRow,
    TrialRow,
    ArmRow,
    RegimenRow,
    DesignRow,
    FollowUpRow,
    CriterionRow,
    ObservationRow,
    TargetRow,
    CurveRow,
    PatientRow,
    CovariateRow,
    CaseMixRow,
    EffectRow,
    MeasurementRow,
    ParameterRow,
    ExperimentRow,
    ClaimRow,
    PanelRow,
    LimitationRow,
)
PACKAGE = json.loads(files("kinimmune.data").joinpath("datapackage.json").read_text("utf-8"))
RESOURCES = {resource["path"]: resource for resource in PACKAGE["resources"]}
LEFT_OUT = {"parameters.csv": {"arm", "drug", "trial_spread"}, "trials.csv": {"standard_errors"}}
"""Optional columns that no number of the package needs."""
CELLS = {"number": float, "integer": int, "string": str}


def read_csv(name):
    with files("kinimmune.data").joinpath(name).open("r", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_package_tables_have_no_findings():
    assert check(Tables()) == ()


def test_every_table_is_described_and_every_description_is_of_a_table():
    assert set(RESOURCES) == set(TABLES) == {row_type.table for row_type in ROW_TYPES}
    found = {file.name for file in files("kinimmune.data").iterdir() if file.name.endswith(".csv")}
    assert found >= set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_described_fields_are_the_columns_of_the_file(name):
    with files("kinimmune.data").joinpath(name).open("r", encoding="utf-8") as file:
        header = next(csv.reader(file))
    described = [field["name"] for field in RESOURCES[name]["schema"]["fields"]]
    row_type = next(row_type for row_type in ROW_TYPES if row_type.table == name)
    assert header == described
    assert set(described) == set(row_type.columns()) - LEFT_OUT.get(name, set())


@pytest.mark.parametrize("name", TABLES)
def test_every_field_has_a_description_and_every_number_a_unit(name):
    for field in RESOURCES[name]["schema"]["fields"]:
        assert field["description"]
        if field["type"] == "number":
            unit = field["unit"]
            assert "unit column" in unit or parse_unit(unit)


@pytest.mark.parametrize("name", TABLES)
def test_cells_have_the_type_and_the_values_described(name):
    for row in read_csv(name):
        for field in RESOURCES[name]["schema"]["fields"]:
            cell, rules = row[field["name"]], field.get("constraints", {})
            if not cell:
                assert not rules.get("required"), (row, field["name"])
                continue
            assert cell in rules.get("enum", [cell])
            if field["type"] == "boolean":
                assert cell in ("yes", "no")
            elif field["type"] == "date":
                assert re.fullmatch(r"\d{4}-\d\d-\d\d", cell)
            else:
                CELLS[field["type"]](cell)


@pytest.mark.parametrize("name", TABLES)
def test_primary_keys_are_unique_and_foreign_keys_exist(name):
    rows, schema = read_csv(name), RESOURCES[name]["schema"]
    keys = [tuple(row[column] for column in schema["primaryKey"]) for row in rows]
    assert len(set(keys)) == len(keys)
    for key in schema["foreignKeys"]:
        other = read_csv(f"{key['reference']['resource']}.csv")
        known = {row[key["reference"]["fields"]] for row in other}
        assert {row[key["fields"]] for row in rows} - {""} <= known


def test_described_design_quantities_are_the_ones_read():
    field = next(field for field in RESOURCES["design.csv"]["schema"]["fields"] if field["name"] == "quantity")
    assert tuple(field["constraints"]["enum"]) == tuple(QUANTITIES)


def test_fitted_medians_are_those_of_table_3():
    printed = {
        ("sharp", "sorafenib", "os"): 10.7,
        ("sharp", "placebo", "os"): 7.9,
        ("asia_pacific", "sorafenib", "os"): 6.5,
        ("asia_pacific", "placebo", "os"): 4.2,
        ("sharp", "sorafenib", "ttp"): 5.5,
        ("sharp", "placebo", "ttp"): 2.8,
        ("asia_pacific", "sorafenib", "ttp"): 2.8,
        ("asia_pacific", "placebo", "ttp"): 1.4,
    }
    fitted = [target for target in read_targets(model="hcc_trial") if target.role is Role.FIT]
    medians = [target for target in fitted if target.statistic is Statistic.MEDIAN]
    assert {(target.study, target.arm, target.endpoint.value): target.value for target in medians} == printed
    assert {target.value_source.key for target in medians} == {"document002"}
    assert {target.value_source.status.value for target in medians} == {"reported"}


def test_fitted_beside_the_medians_is_disease_control_the_sum_of_response_and_stable_disease():
    published = {(item.study, item.arm, item.quantity): item.value for item in read_observations()}
    fitted = [target for target in read_targets(model="hcc_trial") if target.role is Role.FIT]
    control = [target for target in fitted if target.statistic is not Statistic.MEDIAN]
    assert {target.statistic for target in control} == {Statistic.CONTROL_RATE}
    assert len(control) == 4
    for target in control:
        parts = [published[target.study, target.arm, name] for name in ("response_fraction", "stable_fraction")]
        assert target.value == pytest.approx(sum(parts))


def test_unfitted_targets_are_the_four_hazard_ratios_responses_and_deaths():
    unfitted = [target for target in read_targets(model="hcc_trial") if target.role is Role.UNFITTED]
    ratios = [target for target in unfitted if target.statistic is Statistic.HAZARD_RATIO]
    others = [target for target in unfitted if target.statistic is not Statistic.HAZARD_RATIO]
    assert {(target.study, target.endpoint.value): (target.value, target.lower, target.upper) for target in ratios} == {
        ("sharp", "os"): (0.69, 0.55, 0.87),
        ("asia_pacific", "os"): (0.68, 0.50, 0.93),
        ("sharp", "ttp"): (0.58, 0.45, 0.74),
        ("asia_pacific", "ttp"): (0.57, 0.42, 0.79),
    }
    published = {(item.study, item.arm, item.quantity): item.value for item in read_observations()}
    names = {Statistic.RESPONSE_RATE: "response_fraction", Statistic.DEATHS: "deaths"}
    found = {(target.study, target.arm, names[target.statistic]): target.value for target in others}
    assert len(found) == 6
    assert found == {key: published[key] for key in found}


def test_late_entry_is_the_shape_with_which_exponentials_through_the_medians_give_the_reported_deaths():
    trial = next(trial for trial in read_trials() if trial.study == "sharp")
    follow_up = trial.follow_up[Endpoint.OS]
    followed = follow_up.followed((np.arange(20_000) + 0.5) / 20_000) / DAYS_PER_MONTH
    medians = {"sorafenib": 10.7, "placebo": 7.9}
    deaths = {arm: trial.arm(arm).n * np.mean(1.0 - 2.0 ** (-followed / median)) for arm, median in medians.items()}
    assert sum(deaths.values()) == pytest.approx(321.0, abs=0.5)
    assert deaths == pytest.approx({"sorafenib": 143, "placebo": 178}, abs=1.0)  # recalled, and not used for the shape
    assert trial.follow_up[Endpoint.TTP].shape == follow_up.shape  # the same patients


def test_medians_of_progression_lie_at_scans_one_two_two_and_four():
    interval = next(trial.scan_interval for trial in read_trials()) / DAYS_PER_MONTH
    medians = [target for target in read_targets(model="hcc_trial") if target.endpoint is Endpoint.TTP and target.arm]
    scans = {(target.study, target.arm): round(target.value / interval) for target in medians}
    assert scans == {
        ("sharp", "sorafenib"): 4,
        ("sharp", "placebo"): 2,
        ("asia_pacific", "sorafenib"): 2,
        ("asia_pacific", "placebo"): 1,
    }
    for target in medians:
        assert target.value == pytest.approx(interval * scans[target.study, target.arm], abs=0.05)


def test_kinases_are_those_of_table_1():
    assert {kinase.name: kinase.ic50 for kinase in read_kinases() if kinase.drug == "sorafenib"} == {
        "RAF-1": 6.0,
        "B-RAF": 22.0,
        "B-RAF (V600E)": 38.0,
        "VEGFR-1": 26.0,
        "VEGFR-2": 90.0,
        "VEGFR-3": 20.0,
        "PDGFR-beta": 57.0,
        "c-KIT": 68.0,
        "FLT-3": 58.0,
        "RET": 43.0,
    }
    assert {kinase.unit for kinase in read_kinases()} == {"nmol/L"}


def test_cell_lines_are_those_of_table_2_and_what_is_not_stated_is_missing():
    lines = {line.name: (line.ic50_lower, line.ic50_upper, line.effect_lower, line.effect_upper) for line in read_cell_lines()}
    assert lines == {
        "HepG2": (5.93, 8.51, None, None),
        "Huh7": (7.11, 17.11, None, None),
        "PLC/PRF/5": (None, None, None, None),
        "HLE": (None, None, 5.0, 20.0),
        "HLF": (None, None, 1.0, 3.0),
        "Hep3B": (None, None, None, None),
    }
    for line in read_cell_lines():
        assert (line.ic50_lower is None) == ("not" in line.source.note)


def test_randomised_patients_are_602_and_226():
    patients = {trial.study: sum(arm.n for arm in trial.arms) for trial in read_trials(model="hcc_trial")}
    assert patients == {"sharp": 602, "asia_pacific": 226}
    for target in read_targets():
        trial = next(trial for trial in read_trials() if trial.study == target.study)
        assert target.n == (trial.arm(target.arm).n if target.arm else sum(arm.n for arm in trial.arms))


def test_deaths_by_arm_add_up_to_the_reported_total():
    deaths = {item.arm: item.value for item in read_observations() if item.quantity == "deaths"}
    assert deaths["sorafenib"] + deaths["placebo"] == deaths[None] == 321


def test_response_of_asia_pacific_is_five_of_150():
    responses = [item for item in read_observations() if item.quantity == "response_fraction" and item.study == "asia_pacific"]
    assert {item.arm: round(item.value * n) for item, n in zip(responses, (150, 76), strict=True)} == {
        "sorafenib": 5,
        "placebo": 1,
    }


def test_trial_model_has_estimated_parameters_for_both_studies():
    estimated = [parameter for parameter in read_parameters("hcc_trial") if parameter.estimated]
    assert {parameter.study for parameter in estimated} == {None, "sharp", "asia_pacific"}
    for parameter in read_parameters("hcc_trial"):
        parse_unit(parameter.unit)


def test_melanoma_is_fitted_to_survival_and_its_numbers_are_those_of_the_abstract():
    """45.6 and 51.3 weeks to death, 21.1 and 11.7 to progression, with or without death, which is fitted (mcdermott2008)."""
    targets = [item for item in read_targets(model="melanoma") if item.study == "mcdermott2008"]
    weeks = {
        (item.arm, item.endpoint.value): item.value * DAYS_PER_MONTH / 7.0
        for item in targets
        if item.statistic is Statistic.MEDIAN
    }
    sorafenib, placebo = "sorafenib_dacarbazine", "placebo_dacarbazine"
    assert weeks == {
        (sorafenib, "os"): pytest.approx(45.6, abs=0.1),
        (placebo, "os"): pytest.approx(51.3, abs=0.1),
        **{(sorafenib, endpoint): pytest.approx(21.1, abs=0.05) for endpoint in ("ttp", "pfs")},
        **{(placebo, endpoint): pytest.approx(11.7, abs=0.05) for endpoint in ("ttp", "pfs")},
    }
    fitted = {(item.endpoint.value, item.statistic) for item in targets if item.role is Role.FIT}
    assert fitted == {(end, kind) for end in ("os", "pfs") for kind in (Statistic.MEDIAN, Statistic.HAZARD_RATIO)}


def test_melanoma_is_fitted_to_the_responses_of_both_single_arms():
    """None of 37 under sorafenib, 10 of 83 with dacarbazine; 11 weeks to progression, 37.0 to death (eisen2006, 2011)."""
    single = {
        (item.study, item.statistic.value): item for item in read_targets(model="melanoma") if item.study.startswith("eisen")
    }
    responses = {study: round(item.value * item.n) for (study, kind), item in single.items() if kind == "response_rate"}
    weeks = {study: item.value * DAYS_PER_MONTH / 7.0 for (study, kind), item in single.items() if kind == "median"}

    assert responses == {"eisen2006": 0, "eisen2011": 10}
    assert weeks == {"eisen2006": pytest.approx(11.0, abs=0.01), "eisen2011": pytest.approx(37.0, abs=0.01)}
    unfitted = [place for place, item in single.items() if item.role is not Role.FIT]
    assert unfitted == [("eisen2011", "median")]
