"""Bad tables of trials."""

import re

import pytest

from kinimmune.fitting.lint import check
from kinimmune.models.errors import DataError
from kinimmune.models.tables.rows import Tables


@pytest.mark.parametrize(
    ("quantity", "value", "message"),
    [
        ("n", "299.5", "'n' = 299.5 in column 'value' is not a whole number"),
        ("n", "0", "'n' = 0 1 in column 'value' lies outside (0, 1e+06) 1"),
        ("dose", "-400", "'dose' = -400 mg in column 'value' lies outside [0, 100000) mg"),
        ("discontinuation_fraction", "38", "'discontinuation_fraction' = 38 1 in column 'value' lies outside [0, 1) 1"),
    ],
)
def test_a_number_of_an_arm_outside_its_range_is_refused(folder, quantity, value, message):
    line = folder.line_of("design.csv", quantity=quantity, arm="sorafenib", study="sharp")
    folder.put("design.csv", line, value=value)
    folder.assert_found("design.csv", "value", f"{message} (design.csv row {line}); correct the value", line)


@pytest.mark.parametrize(
    ("name", "cells", "message"),
    [
        (
            "design.csv",
            {"study": "sharp", "quantity": "scan_jitter"},
            "study 'sharp' has no 'scan_jitter' (trials.csv row 2); add a row to design.csv",
        ),
        (
            "design.csv",
            {"study": "asia_pacific", "arm": "placebo", "quantity": "symptomatic_median"},
            "arm 'placebo' of study 'asia_pacific' has a discontinuation_fraction but neither treatment_median nor symptom",
        ),
        (
            "follow_up.csv",
            {"study": "sharp", "endpoint": "ttp"},
            "study 'sharp' has no follow-up for endpoint 'ttp' (trials.csv row 2); add a row",
        ),
    ],
)
def test_a_trial_with_a_part_missing_is_refused(folder, name, cells, message):
    gone = folder.line_of(name, **cells)
    folder.save(name, [row for line, row in enumerate(folder.rows_of(name), 1) if line != gone])
    (finding,) = check(Tables(folder.path))
    assert message in finding.message
    with pytest.raises(DataError, match=re.escape(message)):
        folder.read("trials.csv")


@pytest.mark.parametrize(
    ("cells", "start"),
    [
        (
            {"shortest": "10"},
            "follow-up of study 'sharp', endpoint 'os', is given by halves or twice (follow_up.csv row 2); fill in",
        ),
        (
            {"accrual_end": ""},
            "follow-up of study 'sharp', endpoint 'os', is given by halves or twice (follow_up.csv row 2); fill in",
        ),
        ({"cutoff": "2006-01-01"}, "follow-up from -100 to 297 d with shape 2.11: needs 0 <= shortest < longest"),
    ],
)
def test_a_follow_up_that_is_no_period_is_refused(folder, cells, start):
    folder.put("follow_up.csv", 2, **cells)
    folder.assert_only_finding("follow_up.csv", 2, "cutoff", start)


def test_two_control_arms_are_refused(folder):
    folder.put("arms.csv", 2, control="yes")
    (finding,) = check(Tables(folder.path))
    assert "study 'sharp' has 2 control arms (sorafenib, placebo) where one or none belongs" in finding.message
