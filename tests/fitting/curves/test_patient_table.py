"""A table of patients in other words becomes rows of `patients.csv`, or is refused with its row."""

import re
from pathlib import Path

import pytest

from kinimmune.fitting.curves.column_map import ColumnMap, parse_values
from kinimmune.fitting.curves.patient_request import PatientRequest
from kinimmune.fitting.curves.patient_table import read_patients
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.tables.patient_rows import TimeUnit

HEADER = "STUDYID,USUBJID,TRT01P,PARAMCD,AVAL,CNSR,AGE,SEEN"
ROWS = (
    "S1,001,Drug A,OS,120,0,61,100",
    "S1,002,Drug A,OS,300,1,55,280",
    "S1,003,Placebo,OS,80.5,0,70,",
    "S1,003,Placebo,PFS,60,0,70,40",
    "S1,001,Drug A,RESP,30,0,61,",
)
MAP = "time=AVAL,event=CNSR:0,patient=USUBJID,arm=TRT01P,endpoint=PARAMCD"
SEEN = f"{MAP},last_without=SEEN"
ARMS = {"Drug A": "treated", "Placebo": "control"}
ENDPOINTS = {"OS": "os", "PFS": "pfs"}


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Return a function that writes a table and reads it."""
    monkeypatch.chdir(tmp_path)

    def run(rows=ROWS, columns=MAP, header=HEADER, **changed):
        (tmp_path / "adtte.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        constants = {
            "study": "first",
            "source": "mine",
            "locator": "adtte.csv",
            "status": "reported",
            **changed.pop("constants", {}),
        }
        given = {"unit": TimeUnit.DAY, "arms": ARMS, "endpoints": ENDPOINTS, **changed}
        request = PatientRequest(
            Path("adtte.csv"), ColumnMap.parse(columns), {name: text for name, text in constants.items() if text}, **given
        )
        return read_patients(request)

    return run


def test_a_table_of_cdisc_becomes_rows_of_this_package_and_the_rest_is_told(read):
    table = read(columns=SEEN)

    shown = ("study", "arm", "patient", "endpoint", "time", "unit", "event", "last_without")
    assert [tuple(row[name] for name in shown) for row in table.rows] == [
        ("first", "treated", "001", "os", "120", "d", "1", ""),
        ("first", "treated", "002", "os", "300", "d", "0", ""),
        ("first", "control", "003", "os", "80.5", "d", "1", ""),
        ("first", "control", "003", "pfs", "60", "d", "1", "40"),
    ]
    assert table.groups() == {
        ("first", "treated", "os"): (2, 1),
        ("first", "control", "os"): (1, 1),
        ("first", "control", "pfs"): (1, 1),
    }
    assert table.notes == (
        "adtte.csv: left out, TRT01P 'Drug A', PARAMCD 'RESP' (rows: 1)",
        "adtte.csv: columns not taken: STUDYID, AGE",
        "adtte.csv: '0' in column 'CNSR' is an event, '1' is none",
        "adtte.csv: last_without of 1 censored patients is left empty",
        "adtte.csv: last_without of 1 deaths is left empty: a death has a day of its own",
    )


def test_columns_of_this_package_need_no_mapping_of_values(read):
    header = "study,patient,arm,endpoint,time,unit,event"
    columns = "time=time,event=event,patient=patient,study=study,arm=arm,endpoint=endpoint,unit=unit"

    table = read(
        ("s,p1,a,os,3,months,1", "s,p1,a,PFS,2,wk,1", "s,p2,a,PFS,3,wk,0"),
        columns,
        header,
        constants={"study": ""},
        unit=None,
        arms={},
        endpoints={},
    )

    assert [(row["endpoint"], row["unit"], row["event"]) for row in table.rows] == [
        ("os", "month", "1"), ("pfs", "week", "1"), ("pfs", "week", "0"),
    ]  # fmt: skip


def test_values_of_events_may_be_words_and_several_may_be_none(read):
    rows = [row.replace(",0,", ",dead,").replace(",1,", ",lost,") for row in ROWS[:2]]
    rows.append("S1,009,Drug A,OS,10,moved,50,")

    table = read(rows, MAP.replace("CNSR:0", "CNSR:dead:lost:moved"), arms={"Drug A": "treated"}, endpoints={"OS": "os"})

    assert [row["event"] for row in table.rows] == ["1", "0", "0"]


def test_patients_without_a_column_are_named_by_their_rows(read):
    table = read(ROWS[:2], "time=AVAL,event=CNSR:0,arm=TRT01P", constants={"endpoint": "os"}, endpoints={}, arms={"Drug A": "a"})

    assert [row["patient"] for row in table.rows] == ["row_2", "row_3"]
    assert any("patients are named by their rows" in note for note in table.notes)


def test_columns_and_values_with_marks_of_the_options_stand_between_double_quotes(read):
    header = 'patient,"Time, days",Death: yes,arm'
    rows = ('1,10,1:a,"Drug A, 5 mg=low"', '2,20,0,"Drug A, 5 mg=low"', '3,30,1:a,"2"" tape"', "4,20,2,other")
    columns = 'time="Time, days", event="Death: yes":"1:a":0, arm=arm'

    table = read(
        rows,
        columns,
        header,
        constants={"endpoint": "os"},
        endpoints={},
        arms=parse_values("--arms", '"Drug A, 5 mg=low"=treated, "2"" tape" = control'),
    )

    assert [(row["arm"], row["time"], row["event"]) for row in table.rows] == [
        ("treated", "10", "1"), ("treated", "20", "0"), ("control", "30", "1"),
    ]  # fmt: skip


def test_a_suggestion_can_be_taken_as_it_stands(read):
    header, settings = "time,cause,arm", {"constants": {"endpoint": "os"}, "endpoints": {}, "arms": {}}
    rows = ('1,dead,"B, 5 mg"', "2,alive,b", "3,lost: moved,b")

    with pytest.raises(DataError) as error:
        read(rows, "time=time,event=cause:dead:alive,arm=arm", header, **settings)
    columns = re.search(r"--map (event=.*)$", str(error.value)).group(1)
    with pytest.raises(DataError) as error:
        read(rows, f"time=time,arm=arm,{columns}", header, **settings)
    arms = re.search(r"--arms '(.*)' \(", str(error.value)).group(1)

    assert parse_values("--arms", arms) == {"B, 5 mg": "treated"}


def change(place, old, new):
    rows = list(ROWS)
    assert old in rows[place]
    rows[place] = rows[place].replace(old, new)
    return {"rows": rows}


REFUSED = [
    (change(1, ",300,", ",,"), "time in column 'AVAL': there is no number (adtte.csv row 3)"),
    (change(1, ",300,", ",long,"), "time in column 'AVAL': 'long' is no number (adtte.csv row 3)"),
    (change(1, ",300,", ",1e307,"), "time in column 'AVAL': '1e307' is no number (adtte.csv row 3)"),
    (change(0, ",120,", ",0,"), "time 0 is not above 0 (adtte.csv row 2); correct it"),
    (change(0, ",120,", ",-5,"), "time -5 is not above 0 (adtte.csv row 2)"),
    (change(2, ",0,70", ",2,70"), "'2' in column 'CNSR' is none of '0', '1' (adtte.csv row 4); correct it, or name it as in"),
    (change(2, ",0,70", ",,70"), "event: column 'CNSR' is empty (adtte.csv row 4); fill it in"),
    (change(1, "002", "001"), "patient '001' of first:treated:os stands twice (adtte.csv rows 2 and 3); keep one row"),
    (change(1, "002", ""), "patient: column 'USUBJID' is empty (adtte.csv row 3)"),
    (change(3, ",40", ",60") | {"columns": SEEN}, "last_without 60 is not before the event at 60 (adtte.csv row 5)"),
    ({"arms": {}}, "arm 'Drug A' is no name of the tables; use letters, digits and underscores, a letter first, or name it"),
    ({"endpoints": {}}, "'RESP' is no endpoint (adtte.csv row 6); allowed: os, ttp, pfs; map others with --endpoints 'RESP=os'"),
    ({"columns": MAP.replace("CNSR:0", "CNSR:Y:0:1")}, "no row of adtte.csv has an event, 'Y' in column 'CNSR'; it has '0', '1'"),
    ({"columns": f"{MAP},unit=USUBJID", "unit": None}, "'001' is no unit of time (adtte.csv row 2); allowed: day, week"),
    ({"header": HEADER.replace("AGE", "AVAL")}, "column 'AVAL' stands twice in adtte.csv; remove or rename one"),
    (change(2, ",0,70", ",1,70"), "patients of first:control:os: nobody has an event; leave them out"),
    ({"rows": ["S1,001,Drug A,OS,120"]}, "adtte.csv row 2 has 5 cells where others have 8; quote texts with separators"),
]  # fmt: skip
ASKED = [
    ({"columns": MAP.replace("AVAL", "AVL")}, "--map time=AVL: adtte.csv has no such column; did you mean 'AVAL'?"),
    ({"columns": MAP.replace("time", "tme")}, "--map: nothing is called 'tme'; did you mean 'time'?"),
    ({"columns": "time=AVAL"}, "--map has no column for 'event'; write NAME=COLUMN, such as time=AVAL,event=CNSR:0"),
    ({"columns": f"{MAP},time=AGE"}, "--map: 'time' is given twice; give it once"),
    ({"columns": f"{MAP},SEEN"}, "--map 'SEEN': write NAME=COLUMN"),
    (
        {"columns": MAP.replace("CNSR:0", "CNSR:")},
        "--map 'event=CNSR:': nothing stands beside a colon; write it as event=CNSR:0:1",
    ),
    ({"columns": f'{MAP},patient="ID'}, "one double quote is without another; a text with a comma, a colon or = stands between"),
    ({"arms": {"Drug B": "treated"}}, "--arms 'Drug B': no row of adtte.csv has it; did you mean 'Drug A'?"),
    (
        {"rows": [row.replace("Drug A", '"Drug A, 5"') for row in ROWS], "arms": {"Drug A": "treated"}},
        """--arms 'Drug A': no row of adtte.csv has it; did you mean '"Drug A, 5"'?""",
    ),
    ({"arms": {"Drug A": "drug a"}}, "--arms 'drug a' is no name of the tables"),
    ({"endpoints": {"OS": "oss"}}, "unknown endpoint 'oss'; did you mean 'os'?"),
    ({"constants": {"study": ""}}, "the study of adtte.csv is not known; give --study, or --map study=COLUMN"),
    ({"constants": {"arm": "a"}}, "--arm a and --map arm=TRT01P say the same; leave one of them out"),
    ({"constants": {"status": "sure"}}, "unknown status 'sure'; allowed: reported, recalled, derived, assumed"),
    ({"unit": None}, "the unit of time of adtte.csv is not known; give --unit"),
    ({"columns": f"{MAP},unit=SEEN"}, "--unit day and --map unit=SEEN say the same"),
]


@pytest.mark.parametrize(("changed", "message"), REFUSED, ids=[message[:50] for _, message in REFUSED])
def test_a_cell_that_cannot_be_used_is_refused_with_its_row(read, changed, message):
    with pytest.raises(DataError, match=re.escape(message)):
        read(**changed)


@pytest.mark.parametrize(("changed", "message"), ASKED, ids=[message[:50] for _, message in ASKED])
def test_what_is_asked_for_and_not_there_is_refused(read, changed, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        read(**changed)


def test_a_value_is_named_once():
    with pytest.raises(UsageError, match="--arms: 'A' is given twice; give it once"):
        parse_values("--arms", "A=a,A=b")
    with pytest.raises(
        UsageError, match=r"--arms 'A': write VALUE=NAME.*; a text with a comma, a colon or = stands between double"
    ):
        parse_values("--arms", "A, 5 mg=a")
