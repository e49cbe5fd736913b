"""Claims about a trial see the values it has where trials differ in a parameter."""

from importlib.resources import files

import numpy as np
import pytest
from own_values import add_own, write_regorafenib
from several_trials import change_parameter

from kinimmune.fitting.claims.check import set_up
from kinimmune.fitting.claims.parameter_sets import draw_sets, read_sets, with_estimates
from kinimmune.fitting.claims.table import read_claims
from kinimmune.models.catalogue import load_model
from kinimmune.models.tables.rows import Tables

SHIFT = "kinase_shift"
DRAWS = 2048


@pytest.fixture(scope="module")
def trial_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    (folder / "parameters.csv").write_text(files("kinimmune.data").joinpath("parameters.csv").read_text("utf-8"), "utf-8")
    change_parameter(folder, SHIFT, {"trial_spread": "0.3"}, "hcc_trial")
    tables = Tables(folder)
    model = load_model("hcc_trial", tables)
    return model, set_up(model, (), tables, 1)


def test_a_trial_sees_the_shared_value_moved_by_its_deviation(trial_model):
    """Ln of the value is ln of that of all plus the deviation; experiments see that of all, and so does a value that is tried."""
    model, setup = trial_model
    values = {SHIFT: np.array([2.0, 3.0]), f"{SHIFT}_deviation:sharp": np.array([0.5, -0.2])}
    batch = with_estimates(read_sets(model.parameters, 2), model.parameters, values).to_batch(setup, 1)
    row = batch.row(SHIFT)

    assert batch.changed("placebo", "sharp")[row] == pytest.approx(np.array([2.0, 3.0]) * np.exp([0.5, -0.2]), rel=1e-14)
    assert batch.changed("placebo", "asia_pacific")[row].tolist() == [2.0, 3.0]
    assert batch.changed("placebo")[row].tolist() == [2.0, 3.0]
    assert batch.with_values(SHIFT, np.array([4.0, 5.0])).changed("placebo", "sharp")[row].tolist() == [4.0, 5.0]


def test_draws_of_a_trial_scatter_by_prior_and_deviation(trial_model):
    """The variance of ln in a trial is that of the prior and that between trials; two trials share the first alone."""
    model, setup = trial_model
    batch = draw_sets(model.parameters, DRAWS, 1.0, 5).to_batch(setup, 1)
    prior = next(item.prior.sd for item in model.parameters if item.key == SHIFT)
    one, other = (np.log(batch.changed("placebo", study)[batch.row(SHIFT)]) for study in ("sharp", "asia_pacific"))

    assert one.std() == pytest.approx(np.hypot(prior, 0.3), rel=4.0 / np.sqrt(2 * DRAWS))
    assert (one - other).std() == pytest.approx(0.3 * np.sqrt(2.0), rel=4.0 / np.sqrt(2 * DRAWS))


def test_the_value_of_a_drug_is_moved_by_the_deviation_of_that_drug(tmp_path):
    """An arm that is given the drug has its value times exp of the deviation, drawn or estimated."""
    folder = add_own(write_regorafenib(tmp_path / "tables"), drug="regorafenib", value="80")
    change_parameter(folder, "clearance", {"trial_spread": "0.4", "estimated": "yes"}, "hcc_trial")
    tables = Tables(folder)
    model = load_model("hcc_trial", tables)
    key = "clearance_deviation:example@regorafenib"
    assert key in {item.key for item in model.parameters}
    setup = set_up(
        model, [item for item in read_claims(model="hcc_trial", tables=tables) if item.experiment == "example"], tables, 1
    )
    batch = with_estimates(read_sets(model.parameters, 2), model.parameters, {key: np.array([0.0, 0.5])}).to_batch(setup, 1)

    given = [row["clearance"] for row in batch.arm_values("example", "lowdose")]
    assert given == pytest.approx([80.0, 80.0 * np.exp(0.5)], rel=1e-14)
