"""Bad rows of parameters.csv."""

import pytest


def test_a_duplicate_parameter_is_refused(folder):
    rows = folder.rows_of("parameters.csv")
    first, line = folder.line_of("parameters.csv", name="growth", study="sharp"), len(rows) + 1
    for study, key in (("sharp", "growth:sharp"), ("", "growth")):
        folder.save("parameters.csv", [*rows, rows[first - 1]])
        folder.put("parameters.csv", line, study=study)
        message = f"duplicate parameter '{key}' of model 'hcc_trial' (parameters.csv row {line}); "
        message += f"row {first} has a value for it; keep one"
        folder.assert_found("parameters.csv", "name", message, line)


def test_a_spread_that_names_no_parameter_is_refused(folder):
    line = folder.line_of("parameters.csv", name="growth", study="sharp")
    folder.put("parameters.csv", line, spread_sd="grwth_spread")
    message = (
        "'grwth_spread' in column 'spread_sd' is neither a number nor a parameter of model 'hcc_trial' "
        f"(parameters.csv row {line}); write a number or the name of a parameter in this table"
    )
    folder.assert_found("parameters.csv", "spread_sd", message, line)


@pytest.mark.parametrize("text", ["nan", "0", "-1", "inf"])
def test_a_spread_that_is_not_positive_and_finite_is_refused(folder, text):
    line = folder.line_of("parameters.csv", name="growth", study="sharp")
    folder.put("parameters.csv", line, spread_sd=text)
    message = f"parameter 'growth' has spread_sd {text} (parameters.csv row {line}); it must be positive and finite"
    folder.assert_found("parameters.csv", "spread_sd", message, line)


def test_a_parameter_missing_for_one_study_is_refused(folder):
    kept = folder.line_of("parameters.csv", name="growth", study="sharp")
    gone = folder.line_of("parameters.csv", name="growth", study="asia_pacific")
    folder.save("parameters.csv", [row for line, row in enumerate(folder.rows_of("parameters.csv"), 1) if line != gone])
    message = (
        "parameter 'growth' of model 'hcc_trial' has no value for study 'asia_pacific' "
        f"(parameters.csv row {kept}); other parameters have one; add a row or make this one shared"
    )
    folder.assert_found("parameters.csv", "study", message, kept)


def test_a_parameter_outside_its_range_is_refused(folder):
    line = folder.line_of("parameters.csv", name="immune_kill")
    folder.put("parameters.csv", line, value="3.2", lower="0", upper="2")
    message = f"parameter 'immune_kill' = 3.2 1/d lies outside [0, 2] (parameters.csv row {line}); correct the value or its range"
    folder.assert_found("parameters.csv", "value", message, line)


@pytest.mark.parametrize(
    ("cells", "column", "message"),
    [
        (
            {"prior_median": "7"},
            "prior_median",
            "prior median of parameter 'immune_kill' = 7 1/d lies outside [1e-07, 1] ({}); correct",
        ),
        ({"prior_sd": "0"}, "prior_sd", "parameter 'immune_kill': prior 'lognormal' with sd 0.0: fixed needs sd 0"),
        ({"prior_sd": ""}, "prior_sd", "parameter 'immune_kill': prior 'lognormal' with sd 0.0: fixed needs sd 0"),
        (
            {"prior": "fixed", "prior_sd": "0"},
            "prior",
            "parameter 'immune_kill' is estimated but its prior is fixed ({}); give it a prior",
        ),
        (
            {"value": "-1", "lower": "-2"},
            "prior_sd",
            "parameter 'immune_kill': lognormal prior with median -1.0: the median must be positive ({})",
        ),
        ({"spread_scale": ""}, "spread_sd", "parameter 'immune_kill' has half a spread ({}); fill in"),
        ({"spread_scale": "fixed"}, "spread_scale", "parameter 'immune_kill' has a fixed spread ({}); leave it empty"),
        ({"estimated": "maybe"}, "estimated", "'maybe' is neither yes nor no in column 'estimated' ({}); write yes or no"),
        (
            {"name": "immune kill"},
            "name",
            "'immune kill' is not a name in column 'name' ({}); use letters, digits and underscores",
        ),
        ({"prior_sd": "-1"}, "prior_sd", "'-1' lies outside its range in column 'prior_sd' ({}); it must be at least 0"),
        ({"locator": ""}, "locator", "no value in column 'locator' ({}); fill it in"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(folder, cells, column, message):
    line = folder.line_of("parameters.csv", name="immune_kill")
    folder.put("parameters.csv", line, **cells)
    folder.assert_only_finding("parameters.csv", line, column, message.format(f"parameters.csv row {line}"))
