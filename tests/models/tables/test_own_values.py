"""Parameters that belong to one arm or one drug: where they stand, what they are called, and what is refused."""

from dataclasses import replace

import pytest
from own_values import add_own, write_regorafenib
from plain_models import make_parameter

from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.experiments.individual import IndividualRequest, plan_individual
from kinimmune.models.symbolic.model_data import read_model, write_model
from kinimmune.models.symbolic.parameters import ParameterKey, values_for
from kinimmune.models.symbolic.scope import own_values, parameters_of
from kinimmune.models.tables.parameters import examine_parameters
from kinimmune.models.tables.readers import read_designs
from kinimmune.models.tables.rows import Tables

ARM, DRUG = {"study": "example", "arm": "lowdose", "value": "200"}, {"drug": "regorafenib", "value": "80"}


@pytest.fixture
def folder(tmp_path):
    return write_regorafenib(tmp_path / "tables")


@pytest.mark.parametrize("key", ["a", "a:s", "a:s:t", "a@d"])
def test_a_key_is_read_as_it_is_written(key):
    assert str(ParameterKey.parse(key)) == key


def test_an_arm_sees_its_own_value_before_its_drug_s_before_its_study_s_before_the_shared_one():
    shared, other = make_parameter("a", 1.0, "1"), make_parameter("b", 9.0, "1")
    of_drug, of_study = change(shared, 2.0, drug="d"), change(other, 3.0, study="s")
    of_other, of_arm = change(other, 7.0, study="u"), change(shared, 4.0, study="s", arm="t")
    rows = (of_arm, of_drug, of_other, shared, of_study)

    def seen(*place, drugs=()):
        return [(item.name, item.value) for item in parameters_of(rows, *place, drugs=drugs)]

    assert seen("s", "t", drugs=("d",)) == [("a", 4.0), ("b", 3.0)]
    assert seen("s", "v", drugs=("d",)) == [("a", 2.0), ("b", 3.0)]
    assert seen("s", "v") == seen("s", None) == [("a", 1.0), ("b", 3.0)]
    assert seen("u", "t") == [("a", 1.0), ("b", 7.0)]
    assert seen(None, None) == [("a", 1.0), ("b", 7.0)]
    assert own_values(parameters_of(rows, "s", "t", ("d",))) == {"a": 4.0}
    assert values_for(rows, "s") == {"a": 1.0, "b": 3.0}


def change(item, value, **place):
    return replace(item, value=value, **place)


@pytest.mark.parametrize(
    ("rows", "changes", "clearance"),
    [
        ([], {}, 65.9),
        ([DRUG], {}, 80.0),
        ([ARM, DRUG], {}, 200.0),
        ([ARM, DRUG], {"clearance": 320.0}, 320.0),
        ([ARM], {"clearance:example:lowdose": 320.0}, 320.0),
        ([DRUG], {"clearance@regorafenib": 320.0}, 320.0),
        ([], {"clearance": 320.0}, 320.0),
    ],
)
def test_the_clearance_of_an_arm_is_its_own_or_its_drug_s_and_what_is_asked_for_goes_before(folder, rows, changes, clearance):
    for row in rows:
        add_own(folder, **row)
    tables = Tables(folder)
    model = load_model("hcc_trial", tables)
    individual = plan_individual(model, IndividualRequest("example:lowdose", changes=changes), read_designs(model, tables))

    assert individual.values["clearance"] == clearance
    assert individual.values["ic50_vegfr2"] == 4.2


def test_other_arms_do_not_see_what_is_not_theirs(folder):
    tables = Tables(add_own(add_own(folder, **ARM), **DRUG))
    model = load_model("hcc_trial", tables)
    places = (("example:sorafenib", 121.46), ("example:observation", 121.46), (None, 121.46), ("example:lowdose", 200.0))
    for place, value in places:
        assert plan_individual(model, IndividualRequest(place), read_designs(model, tables)).values["clearance"] == value
    with pytest.raises(UsageError, match="no parameter 'clearance@regorafenib' here"):
        plan_individual(
            model, IndividualRequest("sorafenib", changes={"clearance@regorafenib": 3.0}), read_designs(model, tables)
        )


def test_a_model_as_data_keeps_them(folder, tmp_path):
    model = load_model("hcc_trial", Tables(add_own(add_own(folder, **ARM), **DRUG)))
    again = read_model(write_model(model), tmp_path / "model.json")
    assert again.parameters == model.parameters
    assert {item.key for item in again.parameters} >= {"clearance", "clearance:example:lowdose", "clearance@regorafenib"}


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (ARM | {"arm": "lowdoze"}, "study 'example' has no arm 'lowdoze' in column 'arm'"),
        (ARM | {"study": ""}, "parameter 'clearance' has arm 'lowdose' and no study"),
        (ARM | {"study": "exampel"}, "unknown study 'exampel' in column 'study'"),
        (ARM | {"name": "clearanse"}, "parameter 'clearanse:example:lowdose' of model 'hcc_trial' has no value for all others"),
        (DRUG | {"drug": "regorafenb"}, "did you mean 'regorafenib'?"),
        (DRUG | {"study": "example"}, "parameter 'clearance' has drug 'regorafenib' beside a study or an arm"),
        (DRUG | {"name": "clearanse"}, "parameter 'clearanse@regorafenib' of model 'hcc_trial' has no value for all others"),
    ],
)
def test_a_row_of_no_arm_or_drug_is_told(folder, cells, told):
    found = [item for item in examine_parameters(Tables(add_own(folder, **cells))).findings if told in item.message]
    last = len((folder / "parameters.csv").read_text(encoding="utf-8").splitlines())
    assert [(item.file, item.row) for item in found] == [("parameters.csv", last)]


@pytest.mark.parametrize("cells", [ARM, DRUG])
def test_a_value_given_twice_is_told(folder, cells):
    (finding,) = examine_parameters(Tables(add_own(add_own(folder, **cells), **cells))).findings
    assert finding.message.startswith("duplicate parameter 'clearance")


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({"drug": "sorafenib"}, "the row of 'clearance' without a drug is that of sorafenib"),
        ({"drug": "regorafenib", "name": "necrosis_clearance", "unit": "1/d"}, "'necrosis_clearance' is no property of a drug"),
    ],
)
def test_what_is_no_property_of_another_drug_is_refused(folder, cells, told):
    with pytest.raises(DataError, match=told):
        load_model("hcc_trial", Tables(add_own(folder, **cells)))
