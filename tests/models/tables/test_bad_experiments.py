"""Bad rows of experiments.csv: one line that names file, row and column."""

import operator
import re

import pytest
from model_rows import EXPERIMENTS, add_experiment, assert_misnamed, assert_refused, found

from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.experiments.planning import plan_experiment
from kinimmune.models.symbolic.parameters import values_for
from kinimmune.models.tables.readers import read_days, read_experiments
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.regimens import Administration


@pytest.fixture(scope="module")
def hcc_trial():
    return load_model("hcc_trial")


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"kind": "as"}, "target"),
        ({"kind": "set", "value": "1", "unit": "1/d"}, "target"),
        ({"kind": "set", "target": "growth", "unit": "1/d"}, "value"),
        ({"kind": "set", "target": "growth", "value": "1"}, "unit"),
        ({"kind": "scale", "target": "growth"}, "value"),
        ({"kind": "day", "unit": "d"}, "value"),
        ({"kind": "day", "value": "3"}, "unit"),
    ],
)
def test_a_change_with_a_cell_missing_is_refused(trial, cells, column):
    line = add_experiment(trial, **cells)
    problem = f"a row of kind '{cells['kind']}' has no value in column '{column}'"
    assert_refused(trial, EXPERIMENTS, line, column, problem, "fill it in")


@pytest.mark.parametrize(
    ("cells", "column", "problem", "advice"),
    [
        (
            {"kind": "as", "target": "placbo"},
            "target",
            "unknown experiment 'placbo' in column 'target'",
            "name one of the same model",
        ),
        (
            {"kind": "as", "target": "day28"},
            "target",
            "unknown experiment 'day28' in column 'target'",
            "name one of the same model",
        ),
        (
            {"kind": "as", "target": "odd"},
            "target",
            "experiment 'odd' is made from itself through 'odd' in column 'target'",
            "leave one of the rows out",
        ),
        (
            {"kind": "give", "target": "dose_rate", "amount": "1", "unit": "mg/d", "first_day": "9", "last_day": "8"},
            "amount",
            "'dose_rate' 1 mg/d: from day 9 to 8 is no period",
            "correct first_day or last_day",
        ),
        ({"kind": "give", "target": "dose_rate", "unit": "mg/d"}, "amount", "no value in column 'amount'", "fill it in"),
        ({"kind": "give", "target": "dose_rate", "amount": "1"}, "unit", "no value in column 'unit'", "fill it in"),
        (
            {"kind": "give", "amount": "1", "unit": "mg/d"},
            "drug",
            "no value in columns 'drug' and 'target'",
            "name a drug, or an input or state of the model",
        ),
        (
            {"kind": "give", "drug": "sorafenib", "target": "dose_rate", "amount": "1", "unit": "mg/d"},
            "target",
            "drug 'sorafenib' beside target 'dose_rate'",
            "leave the target empty: the model says where a drug goes; or the drug",
        ),
        (
            {"kind": "give", "target": "dose_rate", "value": "2", "amount": "1", "unit": "mg/d"},
            "value",
            "a row of kind 'give' has a value in column 'value', which is not read",
            "leave it empty; what is given is in 'amount'",
        ),
        (
            {"kind": "set", "target": "growth", "value": "1", "unit": "1/d", "first_day": "3"},
            "first_day",
            "a row of kind 'set' has a value in column 'first_day', which is not read",
            "leave it empty",
        ),
        ({"kind": "day", "value": "3", "unit": "mg"}, "unit", "unit 'mg' of the read-out day 'odd' is no time", "write d"),
        ({"kind": "day", "value": "0", "unit": "d"}, "value", "read-out day 'odd' is day 0", "it must be after day 0"),
        (
            {"kind": "input"},
            "kind",
            "unknown value 'input' in column 'kind'",
            "allowed: 'none', 'as', 'set', 'scale', 'give' or 'day'",
        ),
        (
            {"kind": "give", "target": "concentration", "every": "0"},
            "every",
            "'0' lies outside its range in column 'every'",
            "it must be above 0.0",
        ),
        (
            {"kind": "none", "source": "nobody"},
            "source",
            "unknown source 'nobody' in column 'source'",
            "add it to sources.csv or correct it",
        ),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(trial, cells, column, problem, advice):
    line = add_experiment(trial, **cells)
    assert_refused(trial, EXPERIMENTS, line, column, problem, advice)


def test_experiments_made_from_each_other_are_refused(trial):
    lines = [
        add_experiment(trial, experiment=name, kind="as", target=other) for name, other in (("odd", "even"), ("even", "odd"))
    ]
    assert [(row, message.split(" (")[0]) for _, row, _, message in found(trial)] == [
        (lines[0], "experiment 'odd' is made from itself through 'even' in column 'target'"),
        (lines[1], "experiment 'even' is made from itself through 'odd' in column 'target'"),
    ]


def test_a_change_made_twice_is_refused(trial):
    cells = {"kind": "set", "target": "immune_kill", "value": "1", "unit": "1/d"}
    first, second = add_experiment(trial, **cells), add_experiment(trial, **cells)
    problem = "duplicate row: model 'hcc_trial', experiment 'odd', kind 'set', drug '', target 'immune_kill', first_day ''"
    assert_refused(trial, EXPERIMENTS, second, "model", problem, f"row {first} has the same; keep one")


def test_a_read_out_day_given_twice_is_refused(trial):
    line = add_experiment(trial, experiment="day28", kind="day", value="29", unit="d")
    assert [(row, column) for _, row, column, _ in found(trial)] == [(line, "model")]
    with pytest.raises(DataError, match="duplicate row"):
        read_days("hcc_trial", Tables(trial.path))


@pytest.mark.parametrize(
    ("cells", "problem", "advice"),
    [
        (
            {"kind": "set", "target": "imune_kill", "value": "1", "unit": "1/d"},
            "model 'hcc_trial' has no parameter 'imune_kill' in column 'target'",
            "did you mean 'immune_kill'?",
        ),
        (
            {"kind": "scale", "target": "dose_rate", "value": "2"},
            "model 'hcc_trial' has no parameter 'dose_rate' in column 'target'",
            "did you mean 'mek_rate'?",
        ),
        (
            {"kind": "give", "target": "dose", "amount": "1", "unit": "mg/d"},
            "model 'hcc_trial' has no input or state 'dose'",
            "did you mean 'dose_rate'?",
        ),
        (
            {"kind": "give", "target": "gut", "amount": "1", "unit": "mg", "every": "1"},
            "model 'hcc_trial' has no input or state 'gut'",
            None,
        ),
    ],
)
def test_a_target_the_model_does_not_have_is_refused(trial, cells, problem, advice):
    line = add_experiment(trial, **cells)
    ((file, row, column, message),) = found(trial)
    assert (file, row, column) == (EXPERIMENTS, line, "target")
    assert message.startswith(f"{problem} ({EXPERIMENTS} row {line}); {advice or 'allowed: '}")


DOSE = {"kind": "give", "target": "concentration", "amount": "1", "last_day": "1", "every": "1"}
SPAN = {"kind": "give", "target": "dose_rate", "amount": "1", "last_day": "1"}


def _plan(experiment):
    model = load_model("hcc_trial")
    return plan_experiment(model, experiment, values_for(model.parameters, None), 1.0)


SET = {"kind": "set", "target": "immune_kill", "value": "1"}


@pytest.mark.parametrize(
    ("cells", "own"),
    [
        (SET | {"unit": "d"}, "1/d"),
        (SET | {"unit": "mg/L/d"}, "1/d"),
        (SPAN | {"unit": "mg"}, "mg/d"),
        (SPAN | {"unit": "mL/d"}, "mg/d"),
        (DOSE | {"unit": "umol/L"}, "mg/L"),
        (DOSE | {"unit": "mg"}, "mg/L"),
    ],
)
def test_a_unit_of_something_else_is_refused(trial, cells, own):
    line = add_experiment(trial, **cells)
    if cells["kind"] == "set":
        start = (
            f"unit '{cells['unit']}' in column 'unit' does not measure the same as parameter 'immune_kill' of model 'hcc_trial'"
        )
        advice = f"give the value in {own}"
    else:
        start = f"'{cells['target']}' 1 {cells['unit']}: unit '{cells['unit']}' does not measure the same as {own}"
        advice = f"give a value in {own}"
    assert_misnamed(trial, EXPERIMENTS, line, "unit", start, advice)


@pytest.mark.parametrize(
    ("cells", "column", "problem"),
    [
        (SPAN | {"unit": "mg/kg/d"}, "unit", "has no parameter 'body_weight' to convert by"),
        (SPAN | {"unit": "mg/d", "every": "1"}, "unit", "takes 'dose_rate' as a rate alone"),
        (DOSE | {"unit": "mg/L", "every": ""}, "unit", "takes 'concentration' in doses alone"),
        ({"kind": "give", "drug": "nobodys", "amount": "1", "unit": "mg/d"}, "unit", "unknown drug 'nobodys'"),
        ({"kind": "give", "drug": "palbociclib", "amount": "1", "unit": "mg/d"}, "unit", "has no 'induction_strength'"),
    ],
)
def test_what_a_model_cannot_be_given_is_refused(trial, cells, column, problem):
    line = add_experiment(trial, **cells)
    ((file, row, where, message),) = found(trial)
    assert (file, row, where) == (EXPERIMENTS, line, column)
    assert problem in message


def test_two_drugs_of_an_experiment_need_two_roles(trial):
    for drug in ("sorafenib", "regorafenib"):
        add_experiment(trial, kind="give", drug=drug, amount="1", unit="mg/d")
    ((_, _, column, message),) = found(trial)
    assert column == "drug"
    assert "takes no 'regorafenib' beside sorafenib" in message


def test_another_drug_brings_its_own_numbers_and_a_row_that_sets_one_goes_before_them(trial, hcc_trial):
    add_experiment(trial, kind="give", drug="regorafenib", amount="160", unit="mg/d", on_days="21", off_days="7")
    add_experiment(trial, kind="set", target="distribution_volume", value="100", unit="L")
    odd = next(item for item in read_experiments(hcc_trial, Tables(trial.path)) if item.name == "odd")

    assert (odd.values["clearance"], odd.values["distribution_volume"]) == (65.9, 100.0)
    assert odd.given == (Administration("regorafenib", 160.0, "mg/d", on_days=21.0, off_days=7.0),)


@pytest.mark.parametrize(
    ("cells", "amount"),
    [
        (SET | {"unit": "d**-1"}, lambda item: (item.values["immune_kill"], 1.0)),
        (SET | {"unit": "1/h"}, lambda item: (item.values["immune_kill"], 24.0)),
        (SET | {"unit": "1/week", "value": "7"}, lambda item: (item.values["immune_kill"], 1.0)),
        (SPAN | {"unit": "g/d"}, lambda item: (_plan(item).at(0.5)["dose_rate"], 1000.0)),
        (SPAN | {"unit": "mg/h"}, lambda item: (_plan(item).at(0.5)["dose_rate"], 24.0)),
        (DOSE | {"unit": "ug/L"}, lambda item: (_plan(item).doses[0].amount, 0.001)),
        (DOSE | {"unit": "mg/mL"}, lambda item: (_plan(item).doses[0].amount, 1000.0)),
    ],
)
def test_an_amount_is_converted_to_the_unit_of_the_model(trial, hcc_trial, cells, amount):
    add_experiment(trial, **cells)
    assert found(trial) == []
    experiment = next(item for item in read_experiments(hcc_trial, Tables(trial.path)) if item.name == "odd")
    assert operator.eq(*amount(experiment))


@pytest.mark.parametrize(
    ("value", "unit", "day"), [("48", "h", 2.0), ("2", "week", 14.0), ("1", "month", 30.44), ("3", "d", 3.0)]
)
def test_a_read_out_day_is_given_in_any_unit_of_time(trial, value, unit, day):
    add_experiment(trial, kind="day", value=value, unit=unit)
    assert read_days("hcc_trial", Tables(trial.path))["odd"] == pytest.approx(day, rel=1e-12)


def test_every_command_makes_the_checks_of_the_experiments_it_reads(trial, hcc_trial):
    """Whatever `check` says of the experiments of a model, their reader refuses; nothing is computed from such a table."""
    add_experiment(trial, **SPAN | {"unit": "mg"})
    add_experiment(trial, kind="set", target="imune_kill", value="1", unit="1/d")
    first, second = (message for _, _, _, message in found(trial))
    with pytest.raises(DataError, match=re.escape(first)):
        read_experiments(hcc_trial, Tables(trial.path))
    assert "imune_kill" in second
