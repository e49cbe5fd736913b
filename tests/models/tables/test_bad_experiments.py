"""Bad rows of experiments.csv: one line that names file, row and column."""

import operator
import re

import pytest
from model_rows import EXPERIMENTS, add_experiment, assert_misnamed, assert_refused, found

from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.tables.readers import read_days, read_experiments
from kinimmune.models.tables.rows import Tables


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
        ({"kind": "input", "target": "dose_rate", "value": "1", "unit": "mg/d", "last_day": "1"}, "first_day"),
        ({"kind": "input", "target": "dose_rate", "value": "1", "unit": "mg/d", "first_day": "1"}, "last_day"),
        (
            {"kind": "dose", "target": "concentration", "value": "1", "unit": "mg/L", "first_day": "1", "last_day": "2"},
            "interval",
        ),
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
            {"kind": "input", "target": "dose_rate", "value": "1", "unit": "mg/d", "first_day": "9", "last_day": "8"},
            "last_day",
            "first_day 9 is after last_day 8",
            "swap them",
        ),
        ({"kind": "day", "value": "3", "unit": "mg"}, "unit", "unit 'mg' of the read-out day 'odd' is no time", "write d"),
        ({"kind": "day", "value": "0", "unit": "d"}, "value", "read-out day 'odd' is day 0", "it must be after day 0"),
        (
            {"kind": "give"},
            "kind",
            "unknown value 'give' in column 'kind'",
            "allowed: 'none', 'as', 'set', 'scale', 'input', 'dose' or 'day'",
        ),
        (
            {"kind": "dose", "target": "concentration", "interval": "0"},
            "interval",
            "'0' lies outside its range in column 'interval'",
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
    problem = "duplicate row: model 'hcc_trial', experiment 'odd', kind 'set', target 'immune_kill', first_day ''"
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
            {"kind": "input", "target": "dose", "value": "1", "unit": "mg/d", "first_day": "0", "last_day": "1"},
            "model 'hcc_trial' has no input 'dose' in column 'target'",
            "did you mean 'dose_rate'?",
        ),
        (
            {"kind": "dose", "target": "gut", "value": "1", "unit": "mg", "first_day": "0", "last_day": "1", "interval": "1"},
            "model 'hcc_trial' has no state 'gut' in column 'target'",
            None,
        ),
    ],
)
def test_a_target_the_model_does_not_have_is_refused(trial, cells, problem, advice):
    line = add_experiment(trial, **cells)
    ((file, row, column, message),) = found(trial)
    assert (file, row, column) == (EXPERIMENTS, line, "target")
    assert message.startswith(f"{problem} ({EXPERIMENTS} row {line}); {advice or 'allowed: '}")


DOSE = {"kind": "dose", "target": "concentration", "value": "1", "first_day": "0", "last_day": "1", "interval": "1"}
SPAN = {"kind": "input", "target": "dose_rate", "value": "1", "first_day": "0", "last_day": "1"}
SET = {"kind": "set", "target": "immune_kill", "value": "1"}


@pytest.mark.parametrize(
    ("cells", "own", "what"),
    [
        (SET | {"unit": "d"}, "1/d", "parameter"),
        (SET | {"unit": "mg/L/d"}, "1/d", "parameter"),
        (SPAN | {"unit": "mg"}, "mg/d", "input"),
        (SPAN | {"unit": "mg/kg/d"}, "mg/d", "input"),
        (DOSE | {"unit": "umol/L"}, "mg/L", "state"),
        (DOSE | {"unit": "mg"}, "mg/L", "state"),
    ],
)
def test_a_unit_of_something_else_is_refused(trial, cells, own, what):
    line = add_experiment(trial, **cells)
    start = (
        f"unit '{cells['unit']}' in column 'unit' does not measure the same as {what} '{cells['target']}' of model 'hcc_trial'"
    )
    assert_misnamed(trial, EXPERIMENTS, line, "unit", start, f"give the value in {own}")


@pytest.mark.parametrize(
    ("cells", "amount"),
    [
        (SET | {"unit": "d**-1"}, lambda item: (item.values["immune_kill"], 1.0)),
        (SET | {"unit": "1/h"}, lambda item: (item.values["immune_kill"], 24.0)),
        (SET | {"unit": "1/week", "value": "7"}, lambda item: (item.values["immune_kill"], 1.0)),
        (SPAN | {"unit": "g/d"}, lambda item: (item.spans[0].value, 1000.0)),
        (SPAN | {"unit": "mg/h"}, lambda item: (item.spans[0].value, 24.0)),
        (DOSE | {"unit": "ug/L"}, lambda item: (item.doses[0].amount, 0.001)),
        (DOSE | {"unit": "mg/mL"}, lambda item: (item.doses[0].amount, 1000.0)),
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
