"""Rows that are legal each and cannot be fitted together, and numbers a careful reader would call absurd: told by the check."""

import pytest

from kinimmune.fitting.lint import check, require
from kinimmune.models.errors import DataError
from kinimmune.models.tables.rows import Tables


def edit(folder, table, line, **cells):
    rows = folder.rows_of(table)
    for column, cell in cells.items():
        rows[line - 1][rows[0].index(column)] = cell
    folder.save(table, rows)


def messages(folder):
    return [item.message for item in check(Tables(folder.path))]


def assert_told(folder, part):
    found = messages(folder)
    assert any(part in message for message in found), found
    with pytest.raises(DataError):
        require(Tables(folder.path))


@pytest.mark.parametrize(
    ("cells", "part"),
    [
        (
            {"value": "10.7", "lower": "10.7", "upper": "10.7"},
            "interval 10.7 to 10.7 has no width",
        ),
        ({"value": "30", "lower": "20", "upper": "40"}, "median 30 months lies beyond the longest follow-up of os, 19.3 months"),
        ({"n": "9" * 30}, "where 'sharp' has 299 patients in arm 'sorafenib'"),
        ({"n": "300"}, "n = 300 where 'sharp' has 299 patients in arm 'sorafenib'"),
        ({"n": "0"}, "'0' lies outside its range"),
        ({"n": "1" * 400}, "n"),
    ],
)
def test_a_target_its_trial_cannot_have_given_is_told_with_its_row(folder, cells, part):
    line = folder.line_of("targets.csv", study="sharp", arm="sorafenib", endpoint="os", statistic="median")
    edit(folder, "targets.csv", line, **cells)

    assert_told(folder, part)
    assert any(f"targets.csv row {line}" in message for message in messages(folder))


@pytest.mark.parametrize(
    ("quantity", "value", "unit"),
    [
        ("scan_interval", "1e-9", "d"),
        ("scan_interval", "1e9", "d"),
        ("scan_jitter", "1e5", "d"),
        ("reading_error", "7", "1"),
        ("progression_ratio", "1e300", "1"),
        ("response_ratio", "1.2", "1"),
        ("n", "1e300", "1"),
        ("n", "1e6", "1"),
        ("dose", "0.4", "kg"),
        ("dose", "-1", "mg"),
        ("doses_per_day", "1e4", "1/d"),
        ("treatment_median", "1e300", "d"),
    ],
)
def test_a_design_no_trial_has_is_refused(folder, quantity, value, unit):
    line = folder.line_of("design.csv", study="sharp", quantity=quantity)
    edit(folder, "design.csv", line, value=value, unit=unit)

    assert_told(folder, f"'{quantity}' = ")
    assert any(f"design.csv row {line}" in message for message in messages(folder))


def test_scans_less_sure_than_they_are_apart_are_refused(folder):
    edit(folder, "design.csv", folder.line_of("design.csv", study="sharp", quantity="scan_jitter"), value="50", unit="d")

    assert_told(folder, "scan_jitter 50 d is not below scan_interval 42 d (trials.csv row 2); correct one of them in design.csv")


@pytest.mark.parametrize("column", ["accrual_start", "cutoff"])
def test_dates_a_hundred_years_off_are_refused(folder, column):
    line = folder.line_of("follow_up.csv", study="sharp", endpoint="os")
    edit(folder, "follow_up.csv", line, **{column: "0001-03-10" if column == "accrual_start" else "9999-01-01"})

    assert_told(folder, "needs 0 <= shortest < longest <= 36525 d")


@pytest.mark.parametrize("shape", ["1e300", "101"])
def test_an_accrual_in_which_nobody_enters_before_the_end_is_refused(folder, shape):
    edit(folder, "follow_up.csv", folder.line_of("follow_up.csv", study="sharp", endpoint="os"), shape=shape)

    assert_told(folder, "a shape above 0 and up to 100")


@pytest.mark.parametrize(
    ("cells", "part"),
    [
        ({"prior_sd": "1e300"}, "has prior_sd 1e+300"),
        ({"prior_sd": "31"}, "it must be at most 30"),
        ({"lower": "0.006", "upper": "0.006", "value": "0.006", "prior_median": "0.006"}, "which leaves it one value"),
        ({"spread_scale": "lognormal", "spread_sd": "1e300"}, "has spread_sd 1e300"),
    ],
)
def test_a_parameter_no_fit_can_move_or_that_can_be_anything_is_refused(folder, cells, part):
    line = folder.line_of("parameters.csv", model="hcc_trial", name="growth", study="sharp")
    edit(folder, "parameters.csv", line, **cells)

    assert_told(folder, part)


def test_a_study_with_its_control_alone_is_told(folder):
    folder.drop("arms.csv", folder.line_of("arms.csv", study="sharp", arm="sorafenib"))
    for table in ("design.csv", "targets.csv", "observations.csv"):
        header, *rows = folder.rows_of(table)
        study, arm = header.index("study"), header.index("arm")
        folder.save(table, [header, *(row for row in rows if (row[study], row[arm]) != ("sharp", "sorafenib"))])

    assert_told(folder, "study 'sharp' has its control arm alone in arms.csv")


@pytest.mark.parametrize(
    ("kind", "cells", "part"),
    [
        ("give", {"amount": "-1"}, "'-1' lies outside its range in column 'amount'"),
        ("give", {"every": "1e-9"}, "is more than 100000 doses (experiments.csv"),
        ("give", {"on_days": "1e-9", "off_days": "1e-9"}, "are 365000000000 (experiments.csv"),
        ("scale", {"value": "0"}, "is scaled by 0 in column 'value'"),
        ("scale", {"value": "-2"}, "is scaled by -2 in column 'value'"),
    ],
)
def test_an_experiment_that_gives_less_than_nothing_is_refused(folder, kind, cells, part):
    line = folder.line_of("experiments.csv", kind=kind)
    edit(folder, "experiments.csv", line, **cells)

    assert any(part in message for message in messages(folder)), messages(folder)
