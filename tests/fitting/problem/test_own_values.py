"""Values of one arm or drug in a fit: who is enrolled with them, on what an output depends, what a fit moves, what claims see."""

from dataclasses import replace

import numpy as np
import pytest
from own_values import add_own, write_regorafenib

from kinimmune.fitting.claims.check import set_up
from kinimmune.fitting.claims.table import read_claims
from kinimmune.fitting.estimation.optimise import Tolerance, minimise
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.fittable import choose_changes
from kinimmune.fitting.problem.outputs import parse_output
from kinimmune.fitting.problem.problem import build_problem, enrol
from kinimmune.fitting.sensitivity.values import read_catalogue, select_parameters
from kinimmune.fitting.settings import FitOptions
from kinimmune.models.catalogue import load_model
from kinimmune.models.tables.rows import Tables

DRUG = {"drug": "regorafenib", "value": "80", "prior_median": "80", "estimated": "yes"}
ARM = {"study": "example", "arm": "observation", "value": "150", "prior_median": "150", "estimated": "yes", "spread_sd": "0.2"}
OF_DRUG, OF_ARM = "clearance@regorafenib", "clearance:example:observation"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return Tables(add_own(add_own(write_regorafenib(tmp_path_factory.mktemp("own") / "tables"), **DRUG), **ARM))


@pytest.fixture(scope="module")
def problem(tables):
    return build_problem("hcc_trial", tables, patients=8, seed=1, integrator="scipy")


def test_only_the_arm_on_a_drug_is_moved_with_its_clearance(problem):
    point = np.zeros(len(problem.estimated))
    point[[item.key for item in problem.estimated].index(OF_DRUG)] = 1.0

    found = {arm: enrol(problem, point, "example", arm).values["clearance"] for _, arm in problem.arms}

    assert found == {"lowdose": pytest.approx(80.0 * np.exp(0.7)), "sorafenib": 121.46, "observation": pytest.approx(150.0)}


def test_an_arm_has_its_own_spread_about_its_own_value(problem):
    """Ln clearance of each patient is that of the arm plus sd times the patient's score; scores are the same in every arm."""
    row = problem.simulator.model.parameter_names.index("clearance")
    scores = problem.population.scores[problem.population.names.index("clearance")]
    for arm, value, sd in (("observation", 150.0, 0.2), ("sorafenib", 121.46, 0.18)):
        drawn = enrol(problem, np.zeros(len(problem.estimated)), "example", arm).part(slice(None)).parameters[row]
        np.testing.assert_allclose(np.log(drawn), np.log(value) + sd * scores, rtol=1e-12)


@pytest.mark.parametrize(
    ("output", "own"),
    [
        ("median:example:lowdose:os", {OF_DRUG}),
        ("median:example:observation:os", {OF_ARM}),
        ("survival:example:sorafenib:os:6", set()),
        ("hazard_ratio:example:lowdose:os", {OF_DRUG, OF_ARM}),
        ("hazard_ratio:example:sorafenib:os", {OF_ARM}),
        ("state:concentration:6", set()),
    ],
)
def test_an_output_depends_on_what_its_arms_see(tables, output, own):
    catalogue = read_catalogue("hcc_trial", tables)
    parameters = select_parameters(catalogue, parse_output(output, catalogue))
    assert {item.key for item in parameters if not item.everywhere} == own


def test_it_is_held_and_freed_by_its_key_and_by_its_name(tables):
    def changed(**asked):
        return {item.key: (item.estimated, item.value) for item in choose_changes("hcc_trial", tables, FitOptions(**asked))}

    assert changed(fix={OF_DRUG: 70.0}) == {OF_DRUG: (False, 70.0)}
    assert changed(fix={OF_DRUG: True}) == {OF_DRUG: (False, None)}
    assert changed(free=("clearance",)) == {"clearance": (True, None)}
    assert set(changed(fix={"clearance": True})) == {OF_DRUG, OF_ARM}
    assert set(changed(fix={"clearance": True}, free=(OF_DRUG,))) == {OF_ARM}


def test_another_value_or_prior_of_a_drug_is_another_fit(tables, tmp_path):
    before = digest_inputs("hcc_trial", tables)
    other = add_own(add_own(write_regorafenib(tmp_path / "tables"), **DRUG | {"value": "81"}), **ARM)
    assert digest_inputs("hcc_trial", Tables(other)) != before


def test_claims_about_a_trial_see_the_drugs_of_its_arms(tables):
    """Before, every arm of a claim's trial was given the model's own drug."""
    (claim,) = [item for item in read_claims(tables=tables, model="hcc_trial") if item.id == "C5"]
    setup = set_up(load_model("hcc_trial", tables), [replace(claim, experiment="example", knock_outs=())], tables, 1)
    assert set(setup.arm_values) == {"example:lowdose", "example:observation"}
    assert (setup.arm_values["example:lowdose"]["clearance"], setup.arm_values["example:lowdose"]["ic50_vegfr2"]) == (80.0, 4.2)
    assert setup.arm_values["example:observation"] == {"clearance": 150.0}


class Bowl:
    """Squares about a point, in parameters whose keys are of an arm, a drug and a study."""

    names = ("a@b", "a:b", "a:b:c", "a")
    bounds = (np.full(4, -9.0), np.full(4, 9.0))
    tolerance = Tolerance(1e-10, 1.0)

    def residuals(self, z):
        return z - np.array([1.0, 2.0, 3.0, 4.0])

    def jacobian(self, _point, _fixed=()):
        return np.eye(4)


def test_the_optimiser_takes_keys_of_every_form():
    found = minimise(Bowl(), np.zeros(4), lambda _: None)
    assert found.z == pytest.approx((1.0, 2.0, 3.0, 4.0), abs=1e-6)
