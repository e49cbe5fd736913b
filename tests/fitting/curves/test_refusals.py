"""What cannot be a survival curve with its numbers at risk is refused in one line that names file and row."""

import re

import pytest

from kinimmune.fitting.curves.figure import FigureRequest, read_figure
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.tables.patient_rows import TimeUnit

CURVE = "0,1.000\n3,0.800\n6,0.600\n9,0.500\n12,0.400\n"
RISK = "0,100\n3,78\n6,55\n9,40\n12,20\n"

BAD_CURVES = [
    ("0,1\n3,0.8\n", "curve.csv has 2 points; give at least 3 of the curve"),
    (
        "0,1\n3,0.8\n6,0.5\n9,0.9\n12,0.3\n",
        "survival rises from 0.5 (row 3) to 0.9 at month 9 (curve.csv row 4); keep the points",
    ),
    ("0,1\n3,1.3\n6,0.6\n", "survival 1.3 lies outside 0..1 (curve.csv row 2); correct the point or the axis"),
    ("0,100\n3,80\n6,-9\n", "survival -9 lies outside 0..100 (curve.csv row 3)"),
    ("0,1\n3,60\n6,0.4\n", "survival 60 lies outside 0..1 (curve.csv row 2)"),
    ("0,0.7\n3,0.6\n6,0.5\n", "survival is 0.7 at month 0 (curve.csv row 1); a survival curve starts with 1 at time 0"),
    ("4,0.8\n5,0.6\n6,0.5\n", "survival is 0.8 at month 4 (curve.csv row 1); a survival curve starts with 1 at time 0"),
    ("0,50\n3,40\n6,30\n", "survival is 0.5 at month 0 (curve.csv row 1)"),
    ("0,1\n-3,1\n6,0.5\n", "time -3 is negative (curve.csv row 2); correct the point or the axis"),
    ("0,1\n0,1\n0,1\n", "curve.csv: all times are 0; give points of the whole curve"),
    ("0,1\n3,n/a\n6,0.5\n", "survival: 'n/a' is no number (curve.csv row 2); write it as 0.25"),
    ("0,1\n3,\n6,0.5\n", "survival: there is no number (curve.csv row 2)"),
    ("0,1\n3,inf\n6,0.5\n", "survival: 'inf' is no number (curve.csv row 2)"),
    ("0,1\n3,0,8\n6,0.5\n", "curve.csv row 2 has 3 cells where others have 2; separate cells by semicolons where"),
    ("a,b,c\n0,1,1\n3,0.8,1\n", "curve.csv has 3 columns; give two, time and survival"),
    ("0,\n3,0.8\n6,0.6\n9,0.5\n", "curve.csv row 1 is neither header nor numbers: there is no number in one of its cells; write"),
    ("0,NA\n3,0.8\n6,0.6\n9,0.5\n", "curve.csv row 1 is neither header nor numbers: 'NA' is no number; write it as 0.25, or a"),
    ("0,l.000\n3,0.8\n6,0.6\n9,0.5\n", "curve.csv row 1 is neither header nor numbers: 'l.000' is no number"),
    ("Drug A,\n0,l.000\n3,0.8\n6,0.6\n", "curve.csv row 2 is neither header nor numbers: 'l.000' is no number"),
    ("2008,\nX,Y\n0,1\n3,0.8\n6,0.6\n", "curve.csv row 1 is neither header nor numbers: there is no number in one of its"),
    ("1\n2\n3\n", "curve.csv has one column; give two, time and survival"),
    ("month,survival [%]\n0,1\n3,0.8\n6,0.5\n", "column 'survival [%]' starts with 1, which is not 100 percent"),
    ("month,S\n", "curve.csv has 0 points; give at least 3 of the curve"),
    ("", "curve.csv is empty; write a row for each point or patient"),
    ('0,1\n"3,0.8\n', "cannot be split into cells"),
    ("0,1\n3,0.8\0\n6,0.5\n", "curve.csv holds zero bytes and is no text table"),
]
BAD_RISKS = [
    ("0,100\n3,78\n6,80\n", "the number at risk rises from 78 to 80 (risk.csv row 3); correct it"),
    ("0,100\n3,78.5\n", "number at risk '78.5' is no whole number from 0 on (risk.csv row 2)"),
    ("0,100\n3,-1\n", "number at risk '-1' is no whole number from 0 on (risk.csv row 2)"),
    ("0,100\n3,many\n", "number at risk: 'many' is no number (risk.csv row 2)"),
    ("0,100\n-3,78\n", "time -3 is negative (risk.csv row 2); numbers at risk begin at time 0"),
    ("3,78\n6,55\n", "the numbers at risk begin with 78 at time 3 (risk.csv row 1); give the number of patients at time 0"),
    ("0,0\n6,0\n", "the numbers at risk begin with 0 at time 0 (risk.csv row 1)"),
    ("0,100\n3,78\n3,78\n", "time 3 stands twice (risk.csv row 3); keep one row"),
    ("0,100\n", "risk.csv has 1 times; give at least two of the numbers at risk"),
    ("0,100,1\n3,78,1\n", "risk.csv has 3 columns; give two, time and number at risk"),
    ("0,1OO\n0,100\n6,55\n", "risk.csv row 1 is neither header nor numbers: '1OO' is no number; write it as 0.25, or a header"),
    ("0,100\n12,20\n18,5\n", "5 are at risk at month 18 (risk.csv row 3), but the curve ends at 12; read the curve to its end"),
    (
        "0,100\n3,95\n",
        "from month 0 to 3 survival falls from 1 to 0.8, which needs 20 events among 100 at risk, but only 5 leave (risk.csv row",
    ),
    (
        "0,100\n3,78\n6,0\n",
        "nobody is at risk from month 6 on (risk.csv row 3), but the curve falls after it; correct the number",
    ),
    ("time [days],n\n0,100\n730,5\n", "5 are at risk at month 23.98 (risk.csv row 3), but the curve ends at 12"),
]


def try_reading(folder, monkeypatch, curve=CURVE, risk=RISK, **settings):
    monkeypatch.chdir(folder)
    for name, text in (("curve.csv", curve), ("risk.csv", risk)):
        (folder / name).write_text(text, encoding="utf-8")
    unit = None if "month" in curve else TimeUnit.MONTH
    path = type(folder)
    return read_figure(FigureRequest(path("curve.csv"), path("risk.csv"), **{"unit": unit, **settings}))


def test_patients_at_risk_where_the_curve_has_come_to_0_are_told_before_any_row_is_made(tmp_path, monkeypatch):
    message = "survival is 0 at month 12, where 1 are at risk (risk.csv row 5); correct the points, or write 0 there"
    curve, risk = "0,1.000\n3,0.800\n6,0.600\n9,0.300\n11,0.300\n11,0\n12,0\n", "0,100\n3,78\n6,55\n9,26\n12,1\n"
    with pytest.raises(DataError, match=re.escape(message)):
        try_reading(tmp_path, monkeypatch, curve=curve, risk=risk)


def test_the_pair_that_is_changed_is_itself_a_reading(tmp_path, monkeypatch):
    assert try_reading(tmp_path, monkeypatch).patients == 100


@pytest.mark.parametrize(("curve", "message"), BAD_CURVES, ids=[message for _, message in BAD_CURVES])
def test_what_is_no_curve_is_refused_with_its_row(tmp_path, monkeypatch, curve, message):
    with pytest.raises(DataError, match=re.escape(message)) as error:
        try_reading(tmp_path, monkeypatch, curve=curve)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("risk", "message"), BAD_RISKS, ids=[message for _, message in BAD_RISKS])
def test_what_is_no_risk_table_of_the_curve_is_refused_with_its_row(tmp_path, monkeypatch, risk, message):
    with pytest.raises(DataError, match=re.escape(message)) as error:
        try_reading(tmp_path, monkeypatch, risk=risk)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("events", [20, 80, 101])
def test_a_number_of_events_that_curve_and_numbers_at_risk_do_not_allow_is_refused(tmp_path, monkeypatch, events):
    with pytest.raises(
        DataError, match=rf"--events {events}: the curve and the numbers at risk \(risk\.csv\) allow \d+ to \d+; correct"
    ):
        try_reading(tmp_path, monkeypatch, events=events)


@pytest.mark.parametrize("events", [48, 52])
def test_a_possible_number_of_events_is_taken(tmp_path, monkeypatch, events):
    assert try_reading(tmp_path, monkeypatch, events=events).events == events


def test_a_unit_of_time_is_told_once_and_never_assumed(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match=r"the unit of time of curve\.csv is not known; give --unit day, week, month or year"):
        try_reading(tmp_path, monkeypatch, unit=None)
    with pytest.raises(UsageError, match=r"--unit day, but the header 'month' of curve\.csv says month; leave one of them out"):
        try_reading(tmp_path, monkeypatch, curve=f"month,S\n{CURVE}", unit=TimeUnit.DAY)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"no file '.*absent\.csv'; give the path of a table"):
        read_figure(FigureRequest(tmp_path / "absent.csv", tmp_path / "risk.csv", TimeUnit.MONTH))


def test_times_of_the_risk_table_in_another_unit_are_converted(tmp_path, monkeypatch):
    days = "time [d],n\n0,100\n91.32,78\n182.64,55\n"

    reading = try_reading(tmp_path, monkeypatch, risk=days)

    assert reading.risk.time == pytest.approx([0.0, 3.0, 6.0])
    assert "risk.csv: times are converted from day to month, as its header says" in reading.list_notes()


DAYS = "time [days],S\n0,1\n91,0.83\n183,0.67\n365,0.45\n548,0.31\n"
MONTHS = "0,120\n6,78\n12,44\n18,12\n"


def test_a_risk_table_without_unit_that_ends_far_before_the_curve_is_refused(tmp_path, monkeypatch):
    message = (
        "the numbers at risk end at 18 (risk.csv row 5) and the curve at day 548; no header names the unit of risk.csv: write it "
        "there, such as 'time [months]'"
    )
    with pytest.raises(DataError, match=re.escape(message)):
        try_reading(tmp_path, monkeypatch, curve=DAYS, risk=f"time,n\n{MONTHS}", unit=None)

    reading = try_reading(tmp_path, monkeypatch, curve=DAYS, risk=f"time [months],n\n{MONTHS}", unit=None)
    assert reading.risk.time == pytest.approx([0.0, 182.64, 365.28, 547.92])


@pytest.mark.parametrize("risk", [RISK, f"time,n\n{RISK}"])
def test_the_unit_that_a_risk_table_is_taken_in_is_told_where_it_names_none(tmp_path, monkeypatch, risk):
    told = "risk.csv: no header names its unit of time; taken as month, as the curve"

    assert told in try_reading(tmp_path, monkeypatch, risk=risk).list_notes()
    assert told not in try_reading(tmp_path, monkeypatch, risk=f"time [months],n\n{RISK}").list_notes()


def test_a_fall_at_a_time_of_the_risk_table_is_told(tmp_path, monkeypatch):
    curve = "0,1.000\n3,1.000\n3,0.700\n6,0.700\n6,0.500\n12,0.500\n"

    notes = " ".join(try_reading(tmp_path, monkeypatch, curve=curve, risk="0,100\n3,95\n6,60\n9,30\n").list_notes())

    assert "falls by up to 0.3 within the error of times of the risk table, month 3, 6: it is read after the fall there" in notes


def test_a_doubtful_straight_line_is_told(tmp_path, monkeypatch):
    notes = " ".join(try_reading(tmp_path, monkeypatch).list_notes())

    assert "straight lines are taken where no point was read, the largest of 4 from month" in notes
    assert "curve.csv: survival is taken as a share, since the curve starts with 1" in notes
