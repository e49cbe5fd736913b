"""Rules that join tables: where numbers come from, what may be a prior, what must agree."""

import re
import shutil
from importlib.resources import files

import pytest

from kinimmune.fitting.lint import check, require, warn
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.tables.parameters import examine_parameters
from kinimmune.models.tables.rows import Tables

UNBUILT = {
    f"model '{name}' cannot be built from the tables"
    for name in next(row.models for row, parameter in examine_parameters(Tables()).entries if parameter.name == "ic50_raf")
}
"""What is found when nothing is wrong with a row but models lost the first IC50 of RAF-1 of the table."""


def test_the_copied_package_has_no_findings(folder):
    assert check(Tables(folder.path)) == ()
    require(Tables(folder.path))


@pytest.mark.parametrize(
    ("name", "source", "status"),
    [
        ("kinases.csv", "source", "status"),
        ("cell_lines.csv", "source", "status"),
        ("trials.csv", "source", "status"),
        ("design.csv", "source", "status"),
        ("follow_up.csv", "cutoff_source", "cutoff_status"),
        ("observations.csv", "source", "status"),
        ("targets.csv", "value_source", "value_status"),
        ("targets.csv", "interval_source", "interval_status"),
        ("parameters.csv", "source", "status"),
    ],
)
def test_a_reported_number_from_a_source_nobody_read_is_refused(folder, name, source, status):
    folder.put(name, 2, **{source: "wilhelm2006", status: "reported"})
    message = (
        f"status 'reported' in column '{status}' but source 'wilhelm2006' was not read ({name} row 2); "
        "use the status recalled, or read the source and say so in sources.csv"
    )
    folder.assert_found(name, status, message, 2)


@pytest.mark.parametrize("fitted", ["sharp", "median:sharp:placebo:os"])
def test_a_prior_from_a_fit_to_the_same_targets_is_refused(folder, fitted):
    line = folder.line_of("parameters.csv", name="growth_spread")
    folder.put("sources.csv", folder.line_of("sources.csv", key="an2015"), fitted_to=fitted)
    assert check(Tables(folder.path)) == ()
    folder.put("parameters.csv", line, source="an2015")
    (finding,) = check(Tables(folder.path))
    assert finding.message == (
        f"prior of parameter 'growth_spread' comes from source 'an2015', a fit to {fitted} (parameters.csv row {line}); "
        "those are fitted here too and would count twice; take another source or remove the targets"
    )
    with pytest.raises(DataError, match=re.escape(finding.message)):
        require(Tables(folder.path))


def test_a_prior_from_a_fit_to_unfitted_targets_is_allowed(folder):
    folder.put("sources.csv", folder.line_of("sources.csv", key="an2015"), fitted_to="hazard_ratio:sharp:os")
    folder.put("parameters.csv", folder.line_of("parameters.csv", name="growth_spread"), source="an2015")
    assert check(Tables(folder.path)) == ()


def test_a_fit_to_an_unknown_study_is_refused(folder):
    folder.put("sources.csv", 2, fitted_to="shrap")
    assert [finding.message for finding in check(Tables(folder.path))] == [
        "'shrap' in column 'fitted_to' of source 'document000' is neither a study with targets nor a target (sources.csv row 2); "
        "studies: asia_pacific, eisen2006, eisen2011, mcdermott2008, sharp"
    ]


@pytest.mark.parametrize(
    ("cells", "allowed"),
    [
        ({"prior_sd": "0.69"}, False),
        ({"prior_sd": "0.7"}, True),
        ({"prior_sd": "0.3", "status": "derived"}, True),
        ({"prior": "normal", "prior_sd": "0.0013"}, False),
        ({"prior": "normal", "prior_sd": "0.0015"}, True),
        ({"prior": "logitnormal", "prior_sd": "0.5"}, False),
    ],
)
def test_an_assumed_prior_that_is_narrow_is_warned_of_and_stops_nothing(folder, cells, allowed):
    line = folder.line_of("parameters.csv", name="immune_kill")
    folder.put("parameters.csv", line, **cells)
    tables = Tables(folder.path)
    narrow = [item for item in warn(tables) if item.column == "prior_sd"]
    assert check(tables) == ()
    require(tables)
    assert (narrow == []) is allowed
    if not allowed:
        assert narrow[0].row == line
        assert narrow[0].message.startswith(
            f"assumed prior of parameter 'immune_kill' has sd {float(cells['prior_sd']):g} (parameters.csv row {line}); "
        )


def warn_of_priors(folder):
    return tuple(item for item in warn(Tables(folder.path)) if item.file == "parameters.csv")


def test_the_package_has_no_doubtful_prior_and_one_study_with_two_rules_of_errors(folder):
    """The interval of one median of Asia-Pacific was read, that of the other is recalled."""
    assert warn_of_priors(folder) == ()
    (found,) = warn(Tables(folder.path))
    assert found.message.startswith("study 'asia_pacific' takes standard errors by two rules: 1 of its fitted numbers from an")


@pytest.mark.parametrize(
    ("cells", "column", "part"),
    [
        (
            {"prior_median": "1e-7"},
            "prior_median",
            "50 % of the prior lognormal(1e-07, 1) of parameter 'immune_kill' lie outside",
        ),
        ({"lower": "0.0019", "upper": "0.0021"}, "prior_median", "96 % of the prior lognormal(0.002, 1)"),
        ({"prior": "normal", "prior_sd": "0.002"}, "prior", "normal prior of parameter 'immune_kill', which is a rate"),
    ],
)
def test_a_prior_that_says_something_else_than_the_range_is_warned_of(folder, cells, column, part):
    line = folder.line_of("parameters.csv", name="immune_kill")
    folder.put("parameters.csv", line, **cells)
    (found,) = warn_of_priors(folder)
    assert (found.column, found.row) == (column, line)
    assert part in found.message
    assert check(Tables(folder.path)) == ()


@pytest.mark.parametrize(
    ("cells", "allowed"),
    [
        ({"status": "assumed"}, False),
        ({"status": "recalled"}, False),
        ({"status": "reported", "source": "document002"}, True),
        ({"status": "derived"}, True),
        ({"status": "assumed", "source": "convention"}, True),
    ],
)
def test_only_what_is_known_or_a_convention_may_be_fixed(folder, cells, allowed):
    line = folder.line_of("parameters.csv", name="erk_rate")
    folder.put("parameters.csv", line, prior="fixed", prior_sd="0", **cells)
    findings = check(Tables(folder.path))
    assert (findings == ()) is allowed
    if not allowed:
        assert findings[0].message == (
            f"parameter 'erk_rate' is fixed in column 'prior' but its status is {cells['status']} (parameters.csv row {line}); "
            "give it a prior, or the source convention if it is a definition"
        )


def test_a_parameter_from_table_1_must_agree_with_the_kinases(folder):
    line = folder.line_of("parameters.csv", name="ic50_raf")
    folder.put("parameters.csv", line, value="0.006", unit="umol/L", lower="0", locator="Table 1")
    assert {
        finding.message.partition(":")[0] for finding in check(Tables(folder.path))
    } == UNBUILT  # units of models still differ
    folder.put("parameters.csv", line, value="7", unit="nmol/L")
    assert [finding.message for finding in check(Tables(folder.path))] == [
        f"parameter 'ic50_raf' = 7 nmol/L differs from the 6 nmol/L of RAF-1 in kinases.csv (parameters.csv row {line}); "
        "correct one of them, or give the other number its own source"
    ]


def test_a_parameter_of_an_unknown_kinase_is_refused(folder):
    line = folder.line_of("parameters.csv", name="ic50_raf")
    folder.put("parameters.csv", line, name="ic50_abl", locator="Table 1")
    assert [finding.message for finding in check(Tables(folder.path))] == [
        f"parameter 'ic50_abl' = 6 nmol/L is located in 'Table 1' but belongs to no kinase of kinases.csv "
        f"(parameters.csv row {line}); name the kinase after the table, as in 'Table 1, RAF-1'"
    ]
    folder.put("parameters.csv", line, value="68", locator="Table 1, c-KIT")
    assert {finding.message.partition(":")[0] for finding in check(Tables(folder.path))} == UNBUILT  # RAF has no IC50 now


def test_all_findings_are_collected_once_and_the_first_is_raised_with_their_number(folder):
    folder.put("targets.csv", 2, value="ten", role="fitt")
    folder.put("parameters.csv", 3, unit="fathomz")
    folder.put("sources.csv", 2, read="maybe")
    findings = check(Tables(folder.path))
    assert [(finding.file, finding.row, finding.column) for finding in findings] == [
        ("sources.csv", 2, "read"),
        ("parameters.csv", 3, "unit"),
        ("targets.csv", 2, "value"),
        ("targets.csv", 2, "role"),
    ]
    with pytest.raises(DataError, match=r"unknown value 'maybe' .* \(and 3 more; run kinimmune check\)$"):
        require(Tables(folder.path))


@pytest.mark.parametrize("name", ["immune_kil", "nobody_knows", "Growth"])
def test_a_parameter_that_no_equation_has_is_told_by_check_and_by_whoever_builds_the_model(trial, name):
    line = trial.line_of("parameters.csv", name="immune_kill")
    rows = trial.rows_of("parameters.csv")
    place = rows[0].index("name")
    row = [*rows[line - 1][:place], name, *rows[line - 1][place + 1 :]]
    row[0] = "hcc_trial"
    trial.save("parameters.csv", [*rows, row])
    message = (
        f"parameter '{name}' stands in no equation of model 'hcc_trial' (parameters.csv row {len(rows) + 1}); "
        "correct its name or remove the row"
    )

    assert [str(item) for item in check(Tables(trial.path))] == [f"model 'hcc_trial' cannot be built from the tables: {message}"]
    with pytest.raises(DataError, match=re.escape(message)):
        load_model("hcc_trial", Tables(trial.path))


@pytest.mark.parametrize("model", ["hcc_tria", "nobody", "hcc_trial nobody"])
def test_a_parameter_of_an_unknown_model_is_told_by_check_and_by_whoever_builds_a_model(trial, model):
    line = trial.line_of("parameters.csv", name="kinase_shift")
    rows = trial.rows_of("parameters.csv")
    trial.save("parameters.csv", [*rows, [model, "other", *rows[line - 1][2:]]])
    stranger = model.split()[-1]
    start = f"unknown model '{stranger}' in column 'model' (parameters.csv row {len(rows) + 1}); "

    assert [str(item).startswith(start) for item in check(Tables(trial.path))] == [True]
    with pytest.raises(DataError, match=re.escape(start)):
        load_model("hcc_trial", Tables(trial.path))


@pytest.mark.parametrize("table", ["experiments.csv", "panels.csv", "limitations.csv"])
def test_a_row_about_an_unknown_model_is_told_by_check_and_by_whoever_builds_a_model(trial, table):
    shutil.copy(str(files("kinimmune.data").joinpath(table)), trial.path / table)
    header, *rows = trial.rows_of(table)
    trial.save(table, [header, *rows, ["hcc_tria", *rows[0][1:]]])
    told = f"unknown model 'hcc_tria' in column 'model' ({table} row {len(rows) + 2}); did you mean 'hcc_trial'?"

    assert [str(item) for item in check(Tables(trial.path))] == [told]
    with pytest.raises(DataError, match=re.escape(told)):
        load_model("hcc_trial", Tables(trial.path))


def test_a_reading_error_of_a_design_that_no_model_reads_is_told_where_it_is_another_and_stops_nothing(folder):
    assert not any("reading_error" in item.message for item in warn(Tables(folder.path)))
    line = folder.line_of("design.csv", study="sharp", quantity="reading_error")
    folder.put("design.csv", line, value="0.1")

    assert check(Tables(folder.path)) == ()
    (told,) = (item.message for item in warn(Tables(folder.path)) if "reading_error" in item.message)
    assert told == (
        "reading_error 0.1 of study 'sharp' is not read: hcc_trial has the parameter 'diameter_error', whose value is another "
        f"(design.csv row {line}); give both one value, or take the parameter's row out of parameters.csv"
    )
    melanoma = folder.line_of("design.csv", study="soraftem", quantity="reading_error")
    folder.put("design.csv", melanoma, value="0.1")
    assert sum("reading_error" in item.message for item in warn(Tables(folder.path))) == 1
