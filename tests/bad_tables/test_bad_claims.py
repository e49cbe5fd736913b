"""Bad rows of experiments.csv and claims.csv: one line that names file, row and column."""

import re

import pytest

from kinimmune.fitting.claim_tables import read_claims
from kinimmune.fitting.lint import check, require
from kinimmune.models.errors import DataError
from kinimmune.models.tables import read_days, read_experiments

EXPERIMENTS, CLAIMS = "experiments.csv", "claims.csv"
READERS = {EXPERIMENTS: read_experiments, CLAIMS: read_claims}


@pytest.fixture
def trial(folder):
    """Return the package's tables with experiments and claims about `hcc_trial` alone, so that one model is built."""
    for name in (EXPERIMENTS, CLAIMS):
        header, *rows = folder.rows_of(name)
        place = header.index("model")
        folder.save(name, [header, *(row for row in rows if row[place] == "hcc_trial")])
    header, *rows = folder.rows_of("parameters.csv")
    folder.save("parameters.csv", [header, *(row for row in rows if "hcc_trial" in row[0].split())])
    return folder


def add(folder, name, **cells):
    """Append a row and return its line."""
    rows = folder.rows_of(name)
    folder.save(name, [*rows, [cells.get(column, "") for column in rows[0]]])
    return len(rows) + 1


def add_experiment(folder, **cells):
    origin = {"model": "hcc_trial", "source": "assumption", "locator": "data/README.md", "status": "assumed"}
    return add(folder, EXPERIMENTS, **origin | {"experiment": "odd", **cells})


def claim_line(folder, identity="C1a"):
    return folder.line_of(CLAIMS, id=identity)


def found(folder):
    return [(item.file, item.row, item.column, item.message) for item in check(folder.path)]


def assert_refused(folder, name, line, column, problem, advice):
    """One finding of `check`, which the reader of the table raises as well."""
    message = f"{problem} ({name} row {line}); {advice}"
    assert found(folder) == [(name, line, column, message)]
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        READERS[name](folder.path)


def assert_misnamed(folder, name, line, column, problem, advice):
    """One finding that only the model shows; the table alone can be read."""
    assert found(folder) == [(name, line, column, f"{problem} ({name} row {line}); {advice}")]
    READERS[name](folder.path)
    require(folder.path)


def test_rows_about_one_model_have_no_findings(trial):
    assert found(trial) == []


@pytest.mark.parametrize("name", [EXPERIMENTS, CLAIMS])
def test_an_unknown_model_is_refused(trial, name):
    trial.put(name, 3, model="hcc_trail")
    advice = "did you mean 'hcc_trial'?"
    assert (name, 3, "model", f"unknown model 'hcc_trail' in column 'model' ({name} row 3); {advice}") in found(trial)


@pytest.mark.parametrize("name", [EXPERIMENTS, CLAIMS])
def test_what_is_said_about_a_model_without_parameters_is_left_alone(trial, name):
    rows = trial.rows_of(name)
    last = list(rows[-1])
    last[rows[0].index("model")] = "gompertz"
    trial.save(name, [*rows, ["X1", *last[1:]] if name == CLAIMS else last])
    assert found(trial) == []


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
        ({"kind": "day", "value": "3", "unit": "h"}, "unit", "unit 'h' of the read-out day 'odd' is not the day", "write d"),
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
        read_days(trial.path)


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


@pytest.mark.parametrize(
    ("cells", "own", "what"),
    [
        ({"kind": "set", "target": "immune_kill", "value": "1", "unit": "1/h"}, "1/d", "parameter"),
        (
            {"kind": "input", "target": "dose_rate", "value": "1", "unit": "mg", "first_day": "0", "last_day": "1"},
            "mg/d",
            "input",
        ),
        (
            {
                "kind": "dose",
                "target": "concentration",
                "value": "1",
                "unit": "ug/L",
                "first_day": "0",
                "last_day": "1",
                "interval": "1",
            },
            "mg/L",
            "state",
        ),
    ],
)
def test_a_unit_other_than_the_models_is_refused(trial, cells, own, what):
    line = add_experiment(trial, **cells)
    problem = f"unit '{cells['unit']}' in column 'unit' is not the one of {what} '{cells['target']}' in model 'hcc_trial'"
    assert_misnamed(trial, EXPERIMENTS, line, "unit", problem, f"give the value in {own}")


def test_the_same_unit_written_otherwise_is_allowed(trial):
    add_experiment(trial, kind="set", target="immune_kill", value="1", unit="d**-1")
    assert found(trial) == []


@pytest.mark.parametrize("kind", ["built-in", "emergent", "fitted"])
def test_a_claim_of_a_document_names_it(trial, kind):
    line = claim_line(trial)
    trial.put(CLAIMS, line, kind=kind, document="")
    problem = f"claim 'C1a' of kind '{kind}' names no document"
    assert_refused(trial, CLAIMS, line, "document", problem, "name it or call it a prediction")


@pytest.mark.parametrize("kind", ["prediction", "conflict"])
def test_a_prediction_and_a_dispute_need_no_document(trial, kind):
    trial.put(CLAIMS, claim_line(trial), kind=kind, document="")
    assert found(trial) == []


@pytest.mark.parametrize(
    ("cells", "column", "problem", "advice"),
    [
        ({"id": ""}, "id", "no value in column 'id'", "fill it in"),
        ({"text": ""}, "text", "no value in column 'text'", "fill it in"),
        (
            {"kind": "guess"},
            "kind",
            "unknown value 'guess' in column 'kind'",
            "allowed: 'built-in', 'emergent', 'fitted', 'prediction' or 'conflict'",
        ),
        ({"comparison": "="}, "comparison", "unknown value '=' in column 'comparison'", "allowed: '<' or '>'"),
        ({"margin": "-1"}, "margin", "'-1' lies outside its range in column 'margin'", "it must be at least 0.0"),
        (
            {"reference": "one"},
            "reference",
            "'one' is not a number in column 'reference'",
            "write a finite decimal number such as 0.25",
        ),
        (
            {"document": "document02"},
            "document",
            "unknown document 'document02' in column 'document'",
            "did you mean 'document002'?",
        ),
        (
            {"readout": "x ** 2"},
            "readout",
            "'x ** 2' is not a name in column 'readout'",
            "use letters, digits and underscores, a letter first",
        ),
    ],
)
def test_a_claim_that_makes_no_sense_is_refused(trial, cells, column, problem, advice):
    line = claim_line(trial)
    trial.put(CLAIMS, line, **cells)
    assert_refused(trial, CLAIMS, line, column, problem, advice)


def test_a_claim_made_twice_is_refused(trial):
    rows = trial.rows_of(CLAIMS)
    trial.save(CLAIMS, [*rows, rows[1]])
    line = len(rows) + 1
    assert_refused(trial, CLAIMS, line, "id", f"duplicate row: id '{rows[1][0]}'", "row 2 has the same; keep one")


@pytest.mark.parametrize(
    ("column", "given", "what", "advice"),
    [
        ("readout", "ration", "read-out", "did you mean 'ratio'?"),
        ("quantity", "phospho_mke", "quantity", "did you mean 'phospho_mek'?"),
        ("experiment", "sorafenb", "experiment", "did you mean 'sorafenib'?"),
        ("baseline", "plasebo", "experiment", "did you mean 'placebo'?"),
        ("day", "day29", "read-out day", "did you mean 'day28'?"),
        ("arrows", "raf_inhibtion", "arrow", "did you mean 'raf_inhibition'?"),
        ("arrows", "raf_inhibition+vegfr2_blocks", "arrow", "did you mean 'vegfr2_block'?"),
    ],
)
def test_a_claim_about_what_the_model_does_not_have_is_refused(trial, column, given, what, advice):
    line = claim_line(trial)
    trial.put(CLAIMS, line, **{column: given})
    wrong = given.rpartition("+")[2]
    problem = f"model 'hcc_trial' has no {what} '{wrong}' in column '{column}'"
    assert_misnamed(trial, CLAIMS, line, column, problem, advice)


@pytest.mark.parametrize("column", ["quantity", "experiment", "baseline", "day"])
def test_a_general_read_out_needs_its_columns(trial, column):
    line = claim_line(trial)
    trial.put(CLAIMS, line, **{column: ""})
    assert_misnamed(trial, CLAIMS, line, column, f"read-out 'ratio' needs a value in column '{column}'", "fill it in")


@pytest.mark.parametrize(
    ("identity", "column", "given", "what"),
    [
        ("C4", "experiment", "shrap", "experiment or study"),
        ("C4", "baseline", "asia", "experiment, study or quantity"),
        ("C2", "day", "day2", "read-out day"),
    ],
)
def test_a_read_out_of_one_model_may_read_its_trials_and_nothing_unknown(trial, identity, column, given, what):
    line = claim_line(trial, identity)
    trial.put(CLAIMS, line, **{column: given})
    ((_, row, where, message),) = found(trial)
    assert (row, where) == (line, column)
    assert message.startswith(f"model 'hcc_trial' has no {what} '{given}' in column '{column}'")


def test_a_model_that_cannot_be_built_is_one_finding(trial):
    trial.drop("parameters.csv", trial.line_of("parameters.csv", name="immune_kill"))
    ((file, row, column, message),) = found(trial)
    assert (file, row, column) == ("parameters.csv", None, None)
    assert message.startswith("model 'hcc_trial' cannot be built from the tables: model 'hcc_trial', ")
