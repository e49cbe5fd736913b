"""Bad rows of claims.csv, and rows about models that are wrong in both tables: one line that names file, row and column."""

import pytest
from model_rows import CLAIMS, EXPERIMENTS, assert_misnamed, assert_refused, claim_line, found


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
        ({"margin": "-1"}, "margin", "'-1' lies outside its range in column 'margin'", "it must be at least 0"),
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
        ("C4", "experiment", "shrap", "study"),
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


def test_a_read_out_that_knocks_a_mechanism_out_needs_one(trial):
    line = claim_line(trial, "C16")
    trial.put(CLAIMS, line, arrows="")
    assert_misnamed(trial, CLAIMS, line, "arrows", "read-out 'through' needs a value in column 'arrows'", "fill it in")


def test_what_a_read_out_uses_beside_its_row_must_be_there(trial):
    line = claim_line(trial, "C2")
    for row in [row for row in trial.rows_of(CLAIMS)[1:] if row[0] != "C2"]:
        trial.drop(CLAIMS, trial.line_of(CLAIMS, id=row[0]))
    trial.put(EXPERIMENTS, trial.line_of(EXPERIMENTS, model="hcc_trial", experiment="day28"), experiment="day_28")
    trial.put(CLAIMS, trial.line_of(CLAIMS, id="C2"), day="day1")
    line = trial.line_of(CLAIMS, id="C2")
    problem = "read-out 'sooner' uses read-out day 'day28', which model 'hcc_trial' does not have"
    assert_misnamed(trial, CLAIMS, line, "readout", problem, "did you mean 'day_28'?")


def test_a_model_that_cannot_be_built_is_one_finding(trial):
    trial.drop("parameters.csv", trial.line_of("parameters.csv", name="immune_kill"))
    ((file, row, column, message),) = found(trial)
    assert (file, row, column) == ("parameters.csv", None, None)
    assert message.startswith("model 'hcc_trial' cannot be built from the tables: model 'hcc_trial', ")
