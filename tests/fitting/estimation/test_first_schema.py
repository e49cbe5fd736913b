"""The schema of before can still be written and read: `kinimmune.fit/1` beside `kinimmune.fit/2`."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from earlier_tables import write_medians_and_ratios
from paths import DATA
from three_arms import write_three_arms

from kinimmune.fitting.estimation.first_schema import find_first_schema_obstacle, write_first_schema
from kinimmune.fitting.estimation.results import FIT_JSON
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.models.errors import DataError
from kinimmune.models.tables.readers import read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Endpoint

ROWS = ("parameters", "targets", "unfitted", "transport", "responses", "events", "curves", "starts", "constants")


@pytest.fixture(scope="module")
def before():
    """Return `fit.json` of a run from before there was a second schema."""
    with zipfile.ZipFile(DATA / "run-735154f.zip") as archive:
        return archive.read("witness/results/fit.json").decode()


def test_a_fit_of_today_is_written_with_the_keys_of_before(medians_fit, before):
    then, now = json.loads(before), json.loads(write_first_schema(medians_fit.result))
    assert now.keys() == then.keys()
    for name in ROWS:
        assert [row.keys() for row in now[name][:1]] == [row.keys() for row in then[name][:1]]
    places = [(row["study"], row["arm"], row["endpoint"], row["statistic"]) for row in now["unfitted"]]
    assert places == [(row["study"], row["arm"], row["endpoint"], row["statistic"]) for row in then["unfitted"]]
    assert {row["endpoint"] for row in (*now["curves"], *now["events"])} == {"os", "ttp"}


def test_a_fit_of_before_is_read(before):
    found = FIT_JSON.load(before, Path("fit.json"))
    assert found.schema == "kinimmune.fit/1"
    assert {row.arm for row in found.unfitted} == {None}
    assert (found.n_data_residuals, found.q_basis, found.deaths_by_cause) == (None, None, {})
    assert FIT_JSON.load(FIT_JSON.dump(found), Path("fit.json")) == found


def test_a_schema_nobody_knows_is_refused(before):
    with pytest.raises(DataError, match="is no FitResult: schema: Input should be 'kinimmune"):
        FIT_JSON.load(before.replace("kinimmune.fit/1", "kinimmune.fit/3"), Path("fit.json"))


def test_what_the_first_schema_has_no_word_for_is_told(tmp_path):
    trials, own = read_trials(), read_targets(model="hcc_trial")
    targets = read_targets(Tables(write_medians_and_ratios(tmp_path / "medians")), "hcc_trial")
    assert find_first_schema_obstacle(trials, targets) == ""
    told = find_first_schema_obstacle(trials, own)
    assert told == "control_rate:sharp:sorafenib is no statistic of it (median, hazard_ratio)"
    later = replace(targets[0], endpoint=Endpoint.PFS)
    assert "median:sharp:sorafenib:pfs" in find_first_schema_obstacle(trials, (*targets, later))
    three = Tables(write_three_arms(tmp_path / "three"))
    told = find_first_schema_obstacle(read_trials(three), read_targets(three))
    assert told == "study 'example' compares 2 arms with its control, and a ratio names no arm there"
