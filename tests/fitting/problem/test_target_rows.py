"""Rows of targets that cannot be read: one line each, with what to do."""

import pytest
from weibull_trial import add_target, write_patients, write_project

from kinimmune.fitting.lint import check, warn
from kinimmune.models.tables.rows import Tables


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "own"
    write_project(path, 100, ["scale"])
    return path


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("os", "median", 100), "median without a value in column 'value' (targets.csv row 2); fill it in"),
        (("os", "survival", 100, "0.5"), "survival without a value in column 'month' (targets.csv row 2); fill it in"),
        (("", "median", 100, "9"), "median without a value in column 'endpoint' (targets.csv row 2); fill it in"),
        (
            ("os", "median", 100, "9", "6"),
            "median with a value in column 'month' (targets.csv row 2); leave it empty: a median has none",
        ),
        (
            ("os", "control_rate", 100, "0.5"),
            "control_rate with a value in column 'endpoint' (targets.csv row 2); leave it empty: a control_rate has none",
        ),
        (
            ("ttp", "deaths", 100, "5"),
            "deaths of ttp in column 'endpoint' (targets.csv row 2); write os, or the",
        ),
        (("os", "events", 100, "5"), "events of os in column 'statistic' (targets.csv row 2); write deaths"),
        (
            ("os", "curve", 100, "0.5"),
            "curve with a value in column 'value' (targets.csv row 2); leave it empty: its data stand in",
        ),
        (("os", "curve", 100), "no curve of alone:all:os in curves.csv (targets.csv row 2); add its rows, or leave this one out"),
        (
            ("os", "patients", 100),
            "no patients of alone:all:os in patients.csv (targets.csv row 2); add its rows, or leave this one out",
        ),
        (
            ("os", "cutoff", 100, "20"),
            "cutoff of one arm in column 'arm' (targets.csv row 2); leave it empty: an analysis waits for the events of all",
        ),
        (
            ("os", "survival", 100, "1.5", "6"),
            "target survival:alone:all:os:6 = 1.5 (targets.csv row 2): must be a share between 0 and 1; correct the value",
        ),
        (
            ("os", "deaths", 100, "4.5"),
            "target deaths:alone:all = 4.5 (targets.csv row 2): must be a whole number from 0 to n = 100; correct it",
        ),
        (
            ("os", "survival", 100, "0.1", "60"),
            "month 60 of a survival lies beyond the longest follow-up of os, 48 months (targets.csv row 2); "
            "correct one of the two (follow_up.csv)",
        ),
    ],
)
def test_what_a_statistic_needs_and_what_it_has_not_is_told(folder, given, message):
    add_target(folder, *given)
    assert any(finding.message.startswith(message) for finding in check(Tables(folder)))


def test_another_number_of_patients_than_there_are_rows_is_told(folder):
    write_patients(folder, "os", [40.0, 90.0], [True, False], [None, None])
    add_target(folder, "os", "patients", 100)
    assert [finding.message for finding in check(Tables(folder))] == [
        "n = 100 where patients.csv has 2 patients of alone:all:os at the start (targets.csv row 2); correct one of the two"
    ]


def test_data_that_no_row_makes_a_target_are_told_and_stop_nothing(folder):
    """By check and by a fit: they would be ignored in silence."""
    write_patients(folder, "os", [40.0, 90.0], [True, False], [None, None])
    add_target(folder, "os", "median", 100, "9")
    assert check(Tables(folder)) == ()
    assert [finding.message for finding in warn(Tables(folder)) if finding.file == "patients.csv"] == [
        "patients of alone:all:os in patients.csv is no target, so nothing is compared with it; "
        "add a row with the statistic patients to targets.csv"
    ]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("alone,all,p1,os,40,d,2,", "'2' lies outside its range in column 'event' (patients.csv row 2); it must be at most 1"),
        ("alone,all,p1,os,40,d,0.5,", "'0.5' in column 'event' is neither 1 nor 0 (patients.csv row 2); write 1 for an event, 0"),
        (
            "alone,all,p1,os,40,days,1,",
            "unknown value 'days' in column 'unit' (patients.csv row 2); allowed: 'd', 'week'",
        ),
        ("alone,al,p1,os,40,d,1,", "study 'alone' has no arm 'al' in column 'arm' (patients.csv row 2)"),
        ("alone,all,p1,ttp,40,d,1,40", "last_without is not before the event"),
    ],
)
def test_patients_that_cannot_be_are_told(folder, cells, message):
    header = "study,arm,patient,endpoint,time,unit,event,last_without,source,locator,status,note"
    (folder / "patients.csv").write_text(f"{header}\n{cells},assumption,a test,assumed,\n", encoding="utf-8")
    add_target(folder, "os", "median", 100, "9")
    assert any(message in finding.message for finding in check(Tables(folder)))
