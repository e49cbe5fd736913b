"""Bad cells and keys, in every table: one line that names file, row and column, by the check and by the reader alike."""

import re

import pytest

from kinimmune.fitting.lint import check
from kinimmune.models.errors import DataError
from kinimmune.models.tables.rows import Tables

NUMBERS = [
    ("targets.csv", "value"),
    ("targets.csv", "lower"),
    ("parameters.csv", "value"),
    ("parameters.csv", "prior_sd"),
    ("design.csv", "value"),
    ("observations.csv", "value"),
    ("kinases.csv", "ic50"),
    ("cell_lines.csv", "ic50_upper"),
    ("follow_up.csv", "shape"),
]


@pytest.mark.parametrize(("name", "column"), NUMBERS)
@pytest.mark.parametrize("text", ["ten", "1,5", "0x1p3", "1..2", "__import__('os').getcwd()"])
def test_text_in_a_number_is_refused(folder, name, column, text):
    folder.put(name, 2, **{column: text})
    message = f"'{text}' is not a number in column '{column}' ({name} row 2); write a finite decimal number such as 0.25"
    folder.assert_found(name, column, message, 2)


@pytest.mark.parametrize(("name", "column"), NUMBERS)
@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999"])
def test_a_number_that_is_not_finite_is_refused(folder, name, column, text):
    folder.put(name, 2, **{column: text})
    message = f"'{text}' is not a finite number in column '{column}' ({name} row 2); write a finite decimal number such as 0.25"
    folder.assert_found(name, column, message, 2)


@pytest.mark.parametrize("name", ["targets.csv", "parameters.csv", "design.csv", "observations.csv", "kinases.csv"])
@pytest.mark.parametrize("text", ["fathomz", "1/0", "9**9**9**9", "os.getcwd()", "d +"])
def test_an_unknown_unit_is_refused(folder, name, text):
    folder.put(name, 2, unit=text)
    message = (
        f"unknown unit '{text}' in column 'unit' ({name} row 2); write it as products and powers of d, h, mL, L, mg, nmol, mm, 1"
    )
    folder.assert_found(name, "unit", message, 2)


@pytest.mark.parametrize(
    ("name", "column", "allowed"),
    [
        ("targets.csv", "role", "'fit', 'unfitted' or 'held_out'"),
        (
            "targets.csv",
            "statistic",
            "'median', 'hazard_ratio', 'survival', 'response_rate', 'control_rate', 'deaths', 'events', 'cutoff', 'curve' or "
            "'patients'",
        ),
        ("targets.csv", "endpoint", "'os', 'ttp' or 'pfs'"),
        ("targets.csv", "value_status", "'reported', 'recalled', 'derived' or 'assumed'"),
        ("targets.csv", "interval_status", "'reported', 'recalled', 'derived' or 'assumed'"),
        ("parameters.csv", "status", "'reported', 'recalled', 'derived' or 'assumed'"),
        ("parameters.csv", "prior", "'fixed', 'lognormal', 'logitnormal' or 'normal'"),
        ("trials.csv", "stop_rule", "'radiological', 'one_scan_later', 'radiological_and_symptomatic' or 'never'"),
        ("sources.csv", "read", "'read', 'secondary' or 'no'"),
    ],
)
def test_an_unknown_status_role_or_rule_is_refused(folder, name, column, allowed):
    folder.put(name, 2, **{column: "fitt"})
    folder.assert_found(name, column, f"unknown value 'fitt' in column '{column}' ({name} row 2); allowed: {allowed}", 2)


@pytest.mark.parametrize(
    ("name", "cells", "column", "problem"),
    [
        ("targets.csv", {"lower": "13.3", "upper": "9.4"}, "upper", "interval from 13.3 to 9.4 in columns 'lower' and 'upper'"),
        ("parameters.csv", {"lower": "2", "upper": "0"}, "upper", "interval from 2 to 0 in columns 'lower' and 'upper'"),
        ("cell_lines.csv", {"ic50_lower": "9"}, "ic50_upper", "interval from 9 to 8.51 in columns 'ic50_lower' and 'ic50_upper'"),
    ],
)
def test_an_interval_upside_down_is_refused(folder, name, cells, column, problem):
    folder.put(name, 2, **cells)
    folder.assert_found(name, column, f"{problem} is upside down ({name} row 2); exchange or correct the ends", 2)


@pytest.mark.parametrize(
    ("name", "column", "named"),
    [
        ("sources.csv", "key", "key 'document000'"),
        ("kinases.csv", "drug", "drug 'sorafenib', kinase 'RAF-1'"),
        ("trials.csv", "study", "study 'sharp'"),
        ("arms.csv", "study", "study 'sharp', arm 'sorafenib'"),
        ("design.csv", "study", "study 'sharp', arm '', quantity 'scan_interval'"),
        ("follow_up.csv", "study", "study 'sharp', endpoint 'os'"),
        ("targets.csv", "study", "study 'sharp', arm 'sorafenib', endpoint 'os', statistic 'median', month ''"),
    ],
)
def test_a_duplicate_key_is_refused(folder, name, column, named):
    rows = folder.rows_of(name)
    folder.save(name, [*rows, rows[1]])
    line = len(rows) + 1
    message = f"duplicate row: {named} ({name} row {line}); row 2 has the same; keep one"
    folder.assert_found(name, column, message, line)


@pytest.mark.parametrize(
    ("name", "column", "given", "message"),
    [
        ("targets.csv", "study", "sharpe", "unknown study 'sharpe' in column 'study' ({}); did you mean 'sharp'?"),
        ("arms.csv", "study", "other", "unknown study 'other' in column 'study' ({}); add it to trials.csv or correct it"),
        ("follow_up.csv", "study", "sharpe", "unknown study 'sharpe' in column 'study' ({}); did you mean 'sharp'?"),
        ("observations.csv", "study", "sharpe", "unknown study 'sharpe' in column 'study' ({}); did you mean 'sharp'?"),
        (
            "targets.csv",
            "arm",
            "control",
            "study 'sharp' has no arm 'control' in column 'arm' ({}); arms.csv has: sorafenib, placebo",
        ),
        (
            "observations.csv",
            "arm",
            "drug",
            "study 'sharp' has no arm 'drug' in column 'arm' ({}); arms.csv has: sorafenib, placebo",
        ),
        (
            "targets.csv",
            "value_source",
            "document02",
            "unknown value source 'document02' in column 'value_source' ({}); did you mean 'document002'?",
        ),
        (
            "targets.csv",
            "interval_source",
            "x",
            "unknown interval source 'x' in column 'interval_source' ({}); add it to sources.csv or correct it",
        ),
        (
            "kinases.csv",
            "source",
            "nobody",
            "unknown source 'nobody' in column 'source' ({}); add it to sources.csv or correct it",
        ),
        (
            "design.csv",
            "source",
            "nobody",
            "unknown source 'nobody' in column 'source' ({}); add it to sources.csv or correct it",
        ),
        (
            "follow_up.csv",
            "cutoff_source",
            "x",
            "unknown cutoff source 'x' in column 'cutoff_source' ({}); add it to sources.csv or correct it",
        ),
        ("parameters.csv", "source", "nathani", "unknown source 'nathani' in column 'source' ({}); did you mean 'nathani2021'?"),
    ],
)
def test_a_dangling_reference_is_refused(folder, name, column, given, message):
    folder.put(name, 2, **{column: given})
    expected = message.format(f"{name} row 2")
    assert (2, column, expected) in [
        (found.row, found.column, found.message) for found in check(Tables(folder.path)) if found.file == name
    ]
    with pytest.raises(DataError, match=re.escape(expected)):
        folder.read(name)


@pytest.mark.parametrize(
    ("name", "cells", "column", "message"),
    [
        (
            "targets.csv",
            {"value": "-10.7"},
            "value",
            "'-10.7' lies outside its range in column 'value' ({}); it must be at least 0",
        ),
        ("targets.csv", {"n": "0"}, "n", "'0' lies outside its range in column 'n' ({}); it must be above 0"),
        ("targets.csv", {"n": "29.5"}, "n", "'29.5' is not a whole number in column 'n' ({}); write digits only"),
        ("kinases.csv", {"ic50": "0"}, "ic50", "'0' lies outside its range in column 'ic50' ({}); it must be above 0"),
        ("kinases.csv", {"unit": "mg"}, "unit", "unit 'mg' of an IC50 is not a molar concentration ({}); use nmol/L"),
        ("follow_up.csv", {"shape": "-1"}, "shape", "'-1' lies outside its range in column 'shape' ({}); it must be above 0"),
        (
            "follow_up.csv",
            {"cutoff": "17/10/2006"},
            "cutoff",
            "'17/10/2006' is not a date in column 'cutoff' ({}); write it as 2005-03-10",
        ),
        (
            "follow_up.csv",
            {"accrual_source": ""},
            "accrual_source",
            "accrual dates without their origin in columns 'accrual_source' and 'accrual_status' ({}); fill them in",
        ),
        (
            "design.csv",
            {"value": "-42"},
            "value",
            "'scan_interval' = -42 d in column 'value' lies outside (1, 3653) d ({}); correct the value",
        ),
        (
            "design.csv",
            {"unit": "mg"},
            "unit",
            "unit 'mg' of 'scan_interval' in column 'unit' does not measure the same as d ({}); correct",
        ),
        ("design.csv", {"arm": "placebo"}, "arm", "'scan_interval' belongs to the whole study ({}); leave the arm empty"),
        (
            "design.csv",
            {"quantity": "scans"},
            "quantity",
            "unknown quantity 'scans' in column 'quantity' ({}); allowed: scan_interval",
        ),
        ("kinases.csv", {"drives": "occupancy_treg"}, "drives", "'occupancy_treg' in column 'drives' is driven by RAF-1 too"),
    ],
)
def test_a_value_outside_its_range_is_refused(folder, name, cells, column, message):
    folder.put(name, 2, **cells)
    finding = next(finding for finding in check(Tables(folder.path)) if finding.file == name)
    assert finding.column == column
    assert message.format(f"{name} row 2") in finding.message
    with pytest.raises(DataError, match=re.escape(finding.message)):
        folder.read(name)
