"""Rows that an ingestion writes: what they hold, and how they find their place in a table that is there."""

import csv
import io

import numpy as np
import pytest

from kinimmune.fitting.curves.printed_times import PrintedTime, list_printed_times
from kinimmune.fitting.curves.reading import ReadCurve, ReadingError
from kinimmune.fitting.curves.rebuild import RebuiltPatients
from kinimmune.fitting.curves.risk_table import RiskTable
from kinimmune.fitting.curves.rows import (
    CURVE_COLUMNS,
    PATIENT_COLUMNS,
    Origin,
    list_curve_rows,
    list_rebuilt_rows,
    list_target_row,
    merge,
    write_targets,
)
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.patient_rows import PatientRow, TimeUnit
from kinimmune.models.tables.published import CurveRow

ORIGIN = Origin("my_trial", "treated", "os", "smith2019", "figure 2")
CURVE = ReadCurve(
    TimeUnit.WEEK, np.array([0.0, 10.0, 20.0]), np.array([1.0, 0.6, 0.2]), ReadingError(0.004, "given", is_given=True), 0.05
)
RISK = RiskTable(
    "risk.csv", np.array([0.0, 10.0, 20.0, 30.0]), np.array([50, 30, 9, 0]), np.arange(4), TimeUnit.WEEK
)  # fmt: skip


def parse(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_a_curve_is_written_in_months_of_the_package_with_the_error_of_reading():
    rows = list_curve_rows(list_printed_times(CURVE, RISK), ORIGIN, "a note")

    assert [float(row["month"]) for row in rows] == pytest.approx([0.0, 70.0 / DAYS_PER_MONTH, 140.0 / DAYS_PER_MONTH])
    assert [(row["survival"], row["at_risk"], row["reading_error"]) for row in rows] == [
        ("1", "50", "0"), ("0.6", "30", "0.004"), ("0.2", "9", "0.004"),
    ]  # fmt: skip
    assert {tuple(row[name] for name in ("study", "arm", "endpoint", "source", "locator", "status", "note")) for row in rows} == {
        ("my_trial", "treated", "os", "smith2019", "figure 2", "derived", "a note")
    }
    assert set(rows[0]) == set(CURVE_COLUMNS)


def test_a_fall_to_0_with_patients_at_risk_just_before_is_told_in_words_of_the_figure():
    with pytest.raises(DataError, match=r"survival falls to 0 at month 6, where 2 are at risk just before; write 0"):
        list_curve_rows([PrintedTime(0.0, 1.0, 0.0, 9), PrintedTime(6.0, 0.0, 0.01, 2)], ORIGIN, "a note")


def test_columns_of_covariates_are_added_and_told_of_all_endpoints_of_an_arm_or_of_none(tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text(f"{','.join(PATIENT_COLUMNS)}\nmine,treated,one,os,9,d,1,,invented,here,assumed,\n", encoding="utf-8")
    new = {"study": "mine", "arm": "control", "endpoint": "os", "patient": "two", "time": "7", "ecog": "1"}

    merged = merge(path, PATIENT_COLUMNS, [new], replace=False, more=["ecog"])

    header, first, second = merged.text.splitlines()
    assert header == f"{','.join(PATIENT_COLUMNS)},ecog"
    assert (first[-2:], second[-2:]) == (",,", ",1")
    other = {**new, "arm": "treated", "endpoint": "ttp"}
    with pytest.raises(UsageError, match="and the new rows of mine:treated would differ in telling 'ecog'; take all endpoints"):
        merge(path, PATIENT_COLUMNS, [other], replace=False, more=["ecog"])


def test_rebuilt_patients_keep_the_unit_and_have_names_that_say_what_they_are():
    patients = RebuiltPatients(np.array([1.25, 3.0]), np.array([True, False]))

    rows = list_rebuilt_rows(patients, CURVE.unit, ORIGIN, "a note")

    assert [(row["patient"], row["time"], row["unit"], row["event"]) for row in rows] == [
        ("rebuilt_os_1", "1.25", "week", "1"), ("rebuilt_os_2", "3", "week", "0"),
    ]  # fmt: skip
    assert set(rows[0]) <= set(PATIENT_COLUMNS)


def test_the_row_of_a_target_has_the_columns_of_its_table():
    (row,) = parse(write_targets([list_target_row("curve", ORIGIN.key, 50, ORIGIN.cells(""))]))

    filled = {column: text for column, text in row.items() if text}
    assert filled == {
        "study": "my_trial", "arm": "treated", "endpoint": "os", "statistic": "curve", "n": "50", "unit": "1", "role": "fit",
        "value_source": "smith2019", "value_locator": "figure 2", "value_status": "derived",
    }  # fmt: skip


def row(arm, month, **more):
    return {**dict.fromkeys(CURVE_COLUMNS, ""), "study": "s", "arm": arm, "endpoint": "os", "month": month, **more}


def test_rows_are_added_below_those_of_other_arms(tmp_path):
    path = tmp_path / "curves.csv"
    path.write_text(merge(None, CURVE_COLUMNS, [row("a", "0", note="x, y")], replace=False).text)

    merged = merge(path, CURVE_COLUMNS, [row("b", "0"), row("b", "3")], replace=False)

    assert [(item["arm"], item["month"], item["note"]) for item in parse(merged.text)] == [
        ("a", "0", "x, y"), ("b", "0", ""), ("b", "3", ""),
    ]  # fmt: skip
    assert (merged.kept, merged.replaced) == (1, 0)


def test_rows_of_the_same_arm_stay_unless_they_are_to_give_way(tmp_path):
    path = tmp_path / "curves.csv"
    path.write_text(merge(None, CURVE_COLUMNS, [row("a", "0"), row("a", "9"), row("b", "0")], replace=False).text)

    with pytest.raises(UsageError, match=r"curves\.csv' has 2 rows of s:a:os already; --force puts the new ones in their place"):
        merge(path, CURVE_COLUMNS, [row("a", "4")], replace=False)
    merged = merge(path, CURVE_COLUMNS, [row("a", "4")], replace=True)

    assert [(item["arm"], item["month"]) for item in parse(merged.text)] == [("b", "0"), ("a", "4")]
    assert (merged.kept, merged.replaced) == (1, 2)


def test_columns_are_those_that_the_tables_of_this_package_have():
    assert set(CURVE_COLUMNS) == set(CurveRow.columns())
    assert set(PATIENT_COLUMNS) == set(PatientRow.columns())


def test_further_columns_of_before_are_kept(tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text(",".join([*PATIENT_COLUMNS, "age"]) + "\ns,a,p1,os,1,d,1,,x,y,reported,,61\n")
    new = {**dict.fromkeys(PATIENT_COLUMNS, ""), "study": "s", "arm": "b", "endpoint": "os"}

    merged = parse(merge(path, PATIENT_COLUMNS, [new], replace=False).text)

    assert [(item["arm"], item["age"]) for item in merged] == [("a", "61"), ("b", "")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("study;arm\ns;a\n", r"does not separate cells by commas, as tables do; save it so, or write another file"),
        ("study,arm,endpoint\ns,a,os\n", r"column 'month' is missing in .*curves\.csv; allowed: study, arm, endpoint"),
    ],
)
def test_a_file_that_is_no_such_table_is_not_added_to(tmp_path, text, message):
    (tmp_path / "curves.csv").write_text(text)

    with pytest.raises(DataError, match=message):
        merge(tmp_path / "curves.csv", CURVE_COLUMNS, [row("a", "0")], replace=True)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"study": "my trial"}, "--study 'my trial' is no name of the tables; use letters, digits and underscores"),
        ({"arm": "2b"}, "--arm '2b' is no name of the tables"),
        ({"endpoint": "pf"}, "unknown --endpoint 'pf'; did you mean 'pfs'"),
        ({"source": ""}, "--source '' is no name of the tables"),
    ],
)
def test_names_that_no_table_takes_are_refused(changed, message):
    with pytest.raises(UsageError, match=message):
        Origin(**{"study": "s", "arm": "a", "endpoint": "os", "source": "x", "locator": "y", **changed})
