"""An antibody to PD-1 in the trial model: it joins only where an arm gives one, changes nothing at dose 0, and frees T cells."""

import csv
import math
import shutil
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from paths import ROOT

from kinimmune.fitting.lint import check
from kinimmune.fitting.problem.digest import digest_equations
from kinimmune.fitting.problem.problem import build_problem, predict
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.experiments.individual import IndividualRequest, plan_individual, simulate_individual
from kinimmune.models.library.hcc_trial import hcc_trial
from kinimmune.models.tables.drugs import find_drug_values
from kinimmune.models.tables.readers import read_designs, read_drugs, read_parameters
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.regimens import Administration, assign_roles, plan_dosing

EXAMPLE = ROOT / "examples" / "antibody_combination"
CLEARANCE, VOLUME, WEIGHT = 0.195, 6.0, 70.0
"""Of pembrolizumab, as in data/parameters.csv."""
EQUATIONS = "f0a1f3158085489227fa7d1a0977085294cdadaf3c527a0104c4e32b58223997"
"""Digest of the equations of before there was an antibody."""
ADDED_SINCE = {"diameter_error", "lesion_burden"}
"""Parameters without whose rows the model is that of then."""


@pytest.fixture(scope="module")
def joined():
    return load_model("hcc_trial", Tables(EXAMPLE))


@pytest.fixture(scope="module")
def courses():
    model = load_model("hcc_trial", Tables(EXAMPLE))
    designs = read_designs(model, Tables(EXAMPLE))
    arms = ("placebo", "sorafenib", "sorafenib_pembrolizumab")
    requests = {arm: IndividualRequest(f"combination:{arm}", 180.0) for arm in arms}
    return {arm: simulate_individual(plan_individual(model, request, designs)) for arm, request in requests.items()}


def give(folder, *rows):
    """Write the package's regimens with further rows: (study, arm, drug, amount, unit)."""
    with files("kinimmune.data").joinpath("regimens.csv").open(encoding="utf-8") as file:
        header, *before = csv.reader(file)
    origin = {"stops": "yes", "source": "assumption", "locator": "data/README.md", "status": "assumed"}
    names = ("study", "arm", "drug", "amount", "unit")
    more = [{**dict(zip(names, row, strict=True)), "every": "21", **origin} for row in rows]
    with (folder / "regimens.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([header, *before, *([row.get(column, "") for column in header] for row in more)])
    return Tables(folder)


def test_without_an_arm_that_gives_it_the_equations_are_those_of_before():
    model = load_model("hcc_trial")
    before = tuple(item for item in read_parameters("hcc_trial") if item.name not in ADDED_SINCE)

    assert digest_equations(hcc_trial(before, {})) == EQUATIONS
    assert "antibody" not in model.state_names
    assert not {"antibody_half", "body_weight"} & set(model.parameter_names)


def test_with_one_the_model_has_one_state_more(joined):
    assert set(joined.state_names) - set(load_model("hcc_trial").state_names) == {"antibody"}
    assert [role.name for role in joined.drugs] == ["kinase inhibitor", "antibody to PD-1"]


def test_at_dose_zero_every_prediction_of_both_trials_is_what_it_was(tmp_path):
    arms = [(study, arm) for study in ("sharp", "asia_pacific") for arm in ("sorafenib", "placebo")]
    zero = give(tmp_path, *((*place, "pembrolizumab", "0", "mg") for place in arms))
    found = []
    for tables in (Tables(), zero):
        problem = build_problem("hcc_trial", tables, patients=1, seed=1, integrator="scipy")
        short = replace(problem, simulator=replace(problem.simulator, horizon=168.0))
        found.append((problem.simulator.model, predict(short, [np.zeros(len(problem.estimated))])[0]))
    (plain, without), (model, with_it) = found

    assert ("antibody" in plain.state_names, "antibody" in model.state_names) == (False, True)
    for place, outcome in without.items():
        for name in ("survival", "on_treatment", "at_risk", "detected", "by_lesion", "unprogressed"):
            was, now = getattr(outcome, name), getattr(with_it[place], name)
            np.testing.assert_allclose(now, was, rtol=0.0, atol=1e-4, err_msg=f"{place} {name}")


def test_its_concentration_is_that_of_superposed_infusions(courses):
    rate, hours = CLEARANCE / VOLUME, 0.5 / 24.0
    time = courses["sorafenib_pembrolizumab"].time
    left = np.subtract.outer(time, np.arange(0.0, 180.0, 21.0)) - hours
    single = 200.0 / hours / CLEARANCE * (1.0 - math.exp(-rate * hours)) * np.exp(-rate * np.abs(left))
    expected = np.where(left > 0.0, single, 0.0).sum(axis=1)
    np.testing.assert_allclose(courses["sorafenib_pembrolizumab"]["antibody"], expected, rtol=1e-4, atol=1e-6)


def test_it_frees_pd1_cells_and_adds_to_sorafenib(courses):
    names = ("pd1_fraction", "effector_cells", "tumour_volume")
    end = {arm: {name: course[name][-1] for name in names} for arm, course in courses.items()}
    placebo, alone, both = (end[arm] for arm in courses)

    assert both["pd1_fraction"] < 0.2 * alone["pd1_fraction"]
    assert both["effector_cells"] > 1.5 * alone["effector_cells"] > placebo["effector_cells"]
    assert both["tumour_volume"] < 0.5 * alone["tumour_volume"] < placebo["tumour_volume"]


def test_a_dose_per_kilogram_is_the_dose_at_the_weight_of_the_table(joined):
    values = {item.name: item.value for item in joined.parameters}
    dosings = [
        plan_dosing(joined, [Administration("pembrolizumab", amount, unit, every=21.0)], values, 100.0)
        for amount, unit in ((2.0, "mg/kg"), (2.0 * WEIGHT, "mg"))
    ]
    assert dosings[0] == dosings[1]
    assert dosings[0].on.doses[0].amount == pytest.approx(2.0 * WEIGHT / VOLUME)


def test_another_antibody_takes_its_role_and_brings_its_own_properties(tmp_path):
    tables = give(tmp_path, ("sharp", "placebo", "nivolumab", "240", "mg"))
    model, given = load_model("hcc_trial", tables), [Administration("nivolumab", 240.0, "mg", every=14.0)]

    values = find_drug_values(model, given, read_drugs(tables))

    assert set(values) == {"antibody_clearance", "antibody_volume", "antibody_half"}
    assert values["antibody_volume"] == pytest.approx(6.8)
    assert assign_roles(model, ["nivolumab", "regorafenib"])["regorafenib"].name == "kinase inhibitor"
    with pytest.raises(DataError, match="takes no 'nivolumab' beside pembrolizumab"):
        assign_roles(model, ["pembrolizumab", "nivolumab"])


def test_parameters_of_ones_own_that_lack_it_are_told_in_one_line(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "own")
    lines = (tmp_path / "own" / "parameters.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("hcc_trial,antibody_half")]
    (tmp_path / "own" / "parameters.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")

    with pytest.raises(DataError) as told:
        load_model("hcc_trial", Tables(tmp_path / "own"))
    assert str(told.value) == (
        "parameters.csv has no 'antibody_half', which model 'hcc_trial' needs where an arm gives pembrolizumab; "
        "add a row, as in the package's table"
    )


def test_the_example_is_without_findings():
    assert check(Tables(EXAMPLE)) == ()
