"""Parameter sets of claims: studies, arms and drugs with values of their own."""

from dataclasses import replace

import numpy as np
import pytest
from own_values import add_own, write_regorafenib

from kinimmune.fitting.claims.check import set_up
from kinimmune.fitting.claims.parameter_sets import ParameterSets, draw_parameters, draw_sets, read_sets, with_estimates
from kinimmune.fitting.claims.table import read_claims
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.tables.rows import Tables

DRAWS = 2048
ARM = {"study": "example", "arm": "observation", "value": "150"}
DRUG = {"drug": "regorafenib", "value": "80"}


@pytest.fixture(scope="module")
def trial_model():
    return load_model("hcc_trial")


@pytest.fixture(scope="module")
def trial_setup(trial_model):
    return set_up(trial_model, (), Tables(), 1)


def test_each_study_has_draws_of_its_own(trial_model):
    """The second study's growth has the spread of its prior and no link to that of the first."""
    sets = draw_sets(trial_model.parameters, DRAWS, 1.0, 5)
    assert np.array_equal(sets.shared, draw_parameters(trial_model.parameters, DRAWS, 1.0, 5))
    assert np.array_equal(sets.own["growth:sharp"], sets.shared[trial_model.parameter_names.index("growth")])
    first, second = (np.log(sets.own[f"growth:{study}"]) for study in ("sharp", "asia_pacific"))
    assert second.std() == pytest.approx(0.5, rel=4.0 / np.sqrt(2 * DRAWS))
    assert abs(np.corrcoef(first, second)[0, 1]) < 4.0 / np.sqrt(DRAWS)


def test_a_study_sees_its_own_values_and_an_experiment_the_first_ones(trial_model, trial_setup):
    """Estimates of a study go to that study; what all share goes everywhere."""
    values = {"growth:sharp": np.full(2, 0.004), "growth:asia_pacific": np.full(2, 0.009), "kinase_shift": np.array([2.0, 3.0])}
    sets = with_estimates(read_sets(trial_model.parameters, 2), trial_model.parameters, values)
    batch = sets.to_batch(trial_setup, 1)
    growth, shift = batch.row("growth"), batch.row("kinase_shift")
    seen = {study: batch.changed("placebo", study) for study in (None, "sharp", "asia_pacific")}
    assert {study: rows[growth].tolist() for study, rows in seen.items()} == {
        None: [0.004, 0.004],
        "sharp": [0.004, 0.004],
        "asia_pacific": [0.009, 0.009],
    }
    assert all(rows[shift].tolist() == [2.0, 3.0] for rows in seen.values())


def test_sets_are_repeated_and_changed_with_all_they_own(trial_model, trial_setup):
    """A value that is tried is seen by every study."""
    sets = draw_sets(trial_model.parameters, 3, 1.0, 5)
    batch = sets.to_batch(trial_setup, 1).repeated(2)
    assert batch.size == 6
    for repeated, once in (
        (batch.own["growth:asia_pacific"], sets.own["growth:asia_pacific"]),
        (batch.parameters[0], sets.shared[0]),
    ):
        assert repeated.tolist() == [once[0], once[0], once[1], once[1], once[2], once[2]]
    tried = batch.with_values("growth", np.arange(1.0, 7.0))
    for study in (None, "sharp", "asia_pacific"):
        assert tried.changed("placebo", study)[batch.row("growth")].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert "baseline_hazard:asia_pacific" in tried.own


def test_an_arm_and_a_drug_have_draws_of_their_own(tmp_path):
    """At the tables' values an arm has theirs; over draws its own prior, about its own value."""
    tables = Tables(add_own(add_own(write_regorafenib(tmp_path / "tables"), **DRUG), **ARM))
    model = load_model("hcc_trial", tables)
    claim = next(item for item in read_claims(model="hcc_trial") if item.id == "C4")
    setup = set_up(model, [replace(claim, experiment="example", baseline="", knock_outs=())], tables, 1)
    usual = read_sets(model.parameters, 2).to_batch(setup, 1)
    assert [row["clearance"] for row in usual.arm_values("example", "lowdose")] == [80.0, 80.0]
    assert usual.arm_values("example", "observation") == [{"clearance": 150.0}] * 2
    drawn = draw_sets(model.parameters, DRAWS, 1.0, 5).to_batch(setup, 1)
    for arm, value in (("lowdose", 80.0), ("observation", 150.0)):
        scores = np.log([row["clearance"] for row in drawn.arm_values("example", arm)]) - np.log(value)
        assert abs(scores.mean()) < 4.0 * 0.7 / np.sqrt(DRAWS)
        assert scores.std() == pytest.approx(0.7, rel=4.0 / np.sqrt(2 * DRAWS))
    assert drawn.arm_values("example", "lowdose")[0]["ic50_vegfr2"] == 4.2


def test_sets_of_different_length_are_refused():
    """Every parameter has a value in every set."""
    with pytest.raises(DataError, match="parameter 'growth:sharp' has 3 values for 2 sets; give one per set"):
        ParameterSets(np.zeros((4, 2)), {"growth:sharp": np.zeros(3)})
