"""`kinimmune ingest` at the command line: what is written where, what is said, and what is refused before anything is written."""

import csv
import io
import json
import re

import numpy as np
import pytest
from printed_curves import draw_arm, write_points, write_risk

from kinimmune.cli.exits import Exit
from kinimmune.models.tables.published import examine_curves, examine_patients
from kinimmune.models.tables.rows import Tables

MONTHS = np.arange(0.0, 21.0, 3.0)
NAMED = ("--study", "my_trial", "--endpoint", "os", "--source", "smith2019", "--locator", "figure 2")
KM = ("ingest", "km", "curve.csv", "--at-risk", "risk.csv")
MAP = ("--map", "time=AVAL,event=CNSR:0,patient=USUBJID,arm=TRT01P")
PATIENTS = ("ingest", "patients", "adtte.csv", *MAP, *NAMED, "--unit", "day", "--arms", "Drug A=treated,Placebo=control")
ADTTE = "USUBJID,TRT01P,AVAL,CNSR,AGE\n001,Drug A,120,0,61\n002,Placebo,300,1,55\n003,Placebo,80.5,0,70\n"


@pytest.fixture(autouse=True)
def arm(tmp_path):
    """Return a drawn arm whose curve and numbers at risk lie in the folder, with a table of patients."""
    drawn = draw_arm(np.random.default_rng(11), 200, 9.0)
    times, values = drawn.steps()
    write_points(tmp_path / "curve.csv", np.repeat(times, 2)[1:], np.repeat(values, 2)[:-1])
    write_risk(tmp_path / "risk.csv", drawn, MONTHS)
    (tmp_path / "adtte.csv").write_text(ADTTE)
    return drawn


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_a_curve_is_printed_and_written_with_the_row_of_its_target(kinimmune, arm, tmp_path):
    code, out, err = kinimmune(*KM, *NAMED, "--arm", "treated", "-o", "curves.csv")

    assert code == Exit.DONE
    found = rows(tmp_path / "curves.csv")
    assert [float(row["month"]) for row in found] == MONTHS.tolist()
    assert [int(row["at_risk"]) for row in found] == arm.at_risk(MONTHS).tolist()
    assert [float(row["survival"]) for row in found] == pytest.approx(arm.survival(MONTHS), abs=1e-4)
    assert [float(row["reading_error"]) > 0.0 for row in found] == [False, *[True] * 6]
    assert "\nmy_trial,treated,os,curve,,,,,200,1,fit,smith2019,figure 2,derived,,,,\n" in out
    assert "curve.csv: survival is taken as a share, since the curve starts with 1\n" in err
    assert err.endswith("wrote curves.csv: 7 rows\n")


def test_without_names_the_curve_is_printed_and_nothing_is_written(kinimmune, tmp_path):
    before = sorted(tmp_path.iterdir())

    code, out, err = kinimmune(*KM)

    assert code == Exit.DONE
    assert out.startswith("Survival at the times of the risk table")
    assert err.endswith("give --study, --arm, --endpoint, --source and --locator for rows of curves.csv and targets.csv\n")
    assert sorted(tmp_path.iterdir()) == before


def test_one_object_has_everything(kinimmune, arm):
    code, out, _ = kinimmune(
        *KM, *NAMED, "--arm", "treated", "--patients", "patients.csv", "--median", f"{arm.median():.1f}", "--json"
    )

    told = json.loads(out)
    assert code == Exit.DONE
    assert (told["schema"], told["kind"], told["arm"], told["unit"]) == ("kinimmune.ingest/1", "km", "treated", "month")
    assert [row["at_risk"] for row in told["curve"]] == arm.at_risk(MONTHS).tolist()
    assert told["rebuilt"]["patients"] == 200
    assert told["rebuilt"]["farthest_from_curve"] < 0.02
    assert [row["statistic"] for row in told["targets"]] == ["patients"]
    assert told["files"] == [{"path": "patients.csv", "rows": 200, "replaced": 0, "kept": 0}]
    assert told["median"]["printed"] == pytest.approx(arm.median(), abs=0.05)


def test_arms_share_a_file_and_one_that_is_there_gives_way_only_when_told(kinimmune, tmp_path):
    for name in ("treated", "control"):
        assert kinimmune(*KM, *NAMED, "--arm", name, "-o", "curves.csv", "-q")[0] == Exit.DONE
    both = (tmp_path / "curves.csv").read_bytes()

    code, out, err = kinimmune(*KM, *NAMED, "--arm", "control", "-o", "curves.csv", "-q")

    assert (code, out) == (Exit.USAGE, "")
    assert err == "error: 'curves.csv' has 7 rows of my_trial:control:os already; --force puts the new ones in their place\n"
    assert (tmp_path / "curves.csv").read_bytes() == both
    assert kinimmune(*KM, *NAMED, "--arm", "control", "-o", "curves.csv", "--force")[2].endswith(
        "wrote curves.csv: 7 rows, 7 replaced, 7 as before\n"
    )
    assert (tmp_path / "curves.csv").read_bytes() == both


def test_replicates_are_whole_files_in_a_folder_and_follow_the_seed(kinimmune, arm, tmp_path):
    command = (*KM, *NAMED, "--arm", "treated", "--patients", "patients.csv", "--events", str(int(arm.event.sum())))

    code, _, err = kinimmune(*command, "--replicates", "3", "--seed", "5")

    assert code == Exit.DONE
    assert "wrote patients/patients-1.csv to patients-3.csv: put each in the place of patients.csv and fit" in err
    assert [len(rows(tmp_path / "patients" / f"patients-{number}.csv")) for number in (1, 2, 3)] == [200, 200, 200]
    first = (tmp_path / "patients" / "patients-2.csv").read_bytes()
    assert first != (tmp_path / "patients" / "patients-3.csv").read_bytes()
    assert kinimmune(*[part.replace("patients.csv", "few.csv") for part in command], "--replicates", "2", "--seed", "5")[0] == 0
    assert (tmp_path / "few" / "few-2.csv").read_bytes() == first


@pytest.mark.parametrize(("name", "begin"), [("p.svg", b"<?xml"), ("p.PNG", b"\x89PNG"), ("p.pdf", b"%PDF")])
def test_the_ending_of_a_picture_decides_its_format_and_its_bytes_are_the_same_each_time(kinimmune, tmp_path, name, begin):
    pictures = []
    for said in ("wrote", "replaced"):
        code, _, err = kinimmune(*KM, "--plot", name)
        assert (code, f"{said} {name}\n" in err) == (Exit.DONE, True)
        pictures.append((tmp_path / name).read_bytes())

    assert pictures[0] == pictures[1]
    assert pictures[0].startswith(begin)


@pytest.mark.parametrize("count", ["2", "4"])
def test_another_number_of_replicates_for_a_second_arm_is_refused(kinimmune, refused, tmp_path, count):
    command = (*KM, *NAMED, "--patients", "patients.csv", "--arm")
    assert kinimmune(*command, "treated", "--replicates", "3")[0] == Exit.DONE

    assert refused(*command, "control", "--replicates", count) == (
        f"error: --replicates {count}, but folder 'patients' has 3 of before, and all must have the same arms; "
        "give --replicates 3, or remove them\n"
    )
    assert kinimmune(*command, "control", "--replicates", "3")[0] == Exit.DONE
    assert [len(rows(tmp_path / "patients" / f"patients-{number}.csv")) for number in (1, 2, 3)] == [400, 400, 400]

    (tmp_path / "patients" / "patients-2.csv").unlink()
    assert "has 2 of before, and all must have the same arms; remove them" in refused(*command, "more", "--replicates", "3")


def test_replicates_without_an_arm_that_the_patients_have_are_told(kinimmune):
    command = (*KM, *NAMED, "--patients", "patients.csv", "--arm")
    kinimmune(*command, "treated")

    told = kinimmune(*command, "control", "--replicates", "1")[2]

    line = "patients.csv has 200 rows of other arms or endpoints, patients/patients-1.csv has 0: both must have those that are"
    assert line in told
    assert line not in kinimmune(*command, "treated", "--replicates", "1", "--force")[2]


@pytest.mark.parametrize(
    ("option", "begin"), [("-o", "study,arm,endpoint,month"), ("--patients", "study,arm,patient"), ("--plot", "<?xml")]
)
def test_a_dash_is_the_standard_output_which_holds_nothing_else(kinimmune, option, begin):
    code, out, err = kinimmune(*KM, *NAMED, "--arm", "treated", option, "-")

    assert code == Exit.DONE
    assert out.startswith(begin)
    assert "to fit it" not in out
    assert ("to fit it, in targets.csv" in err) is (option != "--plot")


@pytest.mark.parametrize(
    ("options", "statistics"),
    [
        ((), []),
        (("-o", "c.csv"), ["curve"]),
        (("--patients", "p.csv"), ["patients"]),
        (("-o", "c.csv", "--patients", "p.csv"), ["curve", "patients"]),
    ],
)
def test_the_rows_of_targets_are_those_of_what_was_written(kinimmune, options, statistics):
    code, out, err = kinimmune(*KM, *NAMED, "--arm", "treated", *options)

    assert code == Exit.DONE
    assert re.findall(r"^my_trial,treated,os,(\w+),", out, re.MULTILINE) == statistics
    assert ("(one of the two: they hold the same)" in out) is (len(statistics) == 2)
    assert ("give -o for rows of curves.csv, --patients for rows of patients.csv\n" in err) is (not statistics)


def test_patients_are_counted_written_and_told_what_is_left_out(kinimmune, tmp_path):
    code, out, err = kinimmune(*PATIENTS, "-o", "patients.csv")

    assert code == Exit.DONE
    assert [(row["arm"], row["time"], row["event"]) for row in rows(tmp_path / "patients.csv")] == [
        ("treated", "120", "1"), ("control", "300", "0"), ("control", "80.5", "1"),
    ]  # fmt: skip
    assert "my_trial,control,os,patients,,,,,2,1,fit,smith2019,figure 2,reported,,,," in out
    assert err.splitlines() == [
        "adtte.csv: columns not taken: AGE",
        "adtte.csv: '0' in column 'CNSR' is an event, '1' is none",
        "wrote patients.csv: 3 rows",
    ]


def test_patients_as_one_object(kinimmune):
    told = json.loads(kinimmune(*PATIENTS, "--json")[1])

    assert (told["schema"], told["kind"]) == ("kinimmune.ingest/1", "patients")
    assert (told["files"], told["targets"]) == ([], [])  # since nothing is written
    assert [(group["arm"], group["patients"], group["events"]) for group in told["groups"]] == [
        ("treated", 1, 1),
        ("control", 2, 1),
    ]


REFUSED = [
    ((*KM, "-o", "curves.csv"), "-o needs --study, --arm, --endpoint, --source, --locator; give whose curve it is"),
    ((*KM, *NAMED, "--patients", "p.csv"), "--patients needs --arm; give whose curve it is and where it stands"),
    (
        (*KM, "--study", "s", "--arm", "a"),
        "--study, --arm without --endpoint, --source, --locator; give all of them for whose curve it is, or none to look at",
    ),
    ((*KM, *NAMED, "--plot", "p.svg"), "--study, --endpoint, --source, --locator without --arm; give all of them"),
    ((*KM, *NAMED, "--arm", "a", "--locator", " ", "-o", "x.csv"), "-o needs --locator; give whose curve it is"),
    (
        (*KM, *NAMED, "--arm", "a", "--patients", "p.csv", "--seed", "3"),
        "--seed 3 is of replicates alone; give --replicates N, or",
    ),
    ((*PATIENTS, "--locator", " "), "the rows need --source and --locator"),
    ((*PATIENTS, "--status", ""), "unknown status ''; allowed: reported, recalled, derived, assumed"),
    (
        (*KM, "--plot", "p.gif"),
        "cannot write 'p.gif': --plot writes SVG, PNG or PDF; give a name that ends in .svg, .png or .pdf",
    ),
    ((*KM, *NAMED, "--arm", "a", "-o", "curve.csv"), "cannot write 'curve.csv': it is a file this command reads"),
    ((*KM, *NAMED, "--arm", "a", "-o", "x.csv", "--patients", "x.csv"), "-o and --patients both write to 'x.csv'"),
    ((*KM, *NAMED, "--arm", "a", "-o", "x.txt"), "cannot write 'x.txt': -o writes CSV; give a name that ends in .csv"),
    ((*KM, "--points", "dots"), "unknown --points 'dots'; allowed: curve, steps"),
    ((*KM, "--unit", "fortnight"), "--unit 'fortnight' is no unit of time; allowed: day, week, month, year"),
    ((*KM, "--unit", "week"), "--unit week, but the header 'time [months]' of curve.csv says month"),
    ((*KM, "--median", "NR"), "--median 'NR' is no time; write it with the decimals that are printed"),
    ((*KM, "--replicates", "2"), "--replicates needs a file of rebuilt patients, beside which they go; give --patients FILE.csv"),
    ((*KM, *NAMED, "--arm", "a", "--patients", "p.csv", "--replicates", "0"), "--replicates 0 lies outside 1 to 1000"),
    ((*KM, "--reading-error", "-1"), "--reading-error -1 lies outside 0 to 0.05"),
    ((*KM, *NAMED, "--arm", "2b", "-o", "x.csv"), "--arm '2b' is no name of the tables"),
    (("ingest", "km", "absent.csv", "--at-risk", "risk.csv"), "no file 'absent.csv'; give the path of a table"),
    (("ingest", "km", "curve.csv"), "Missing option '--at-risk'; kinimmune ingest km --help shows what is allowed"),
    (("ingest", "kmm"), "No such command 'kmm'. Did you mean 'km'? kinimmune ingest --help shows what is allowed"),
    ((*PATIENTS[:-2], "--arms", "Drug=treated"), "--arms 'Drug': no row of adtte.csv has it; did you mean 'Drug A'?"),
    (("ingest", "patients", "adtte.csv", *MAP, "--study", "s"), "the rows need --source and --locator"),
    ((*PATIENTS, "-o", "adtte.csv"), "cannot write 'adtte.csv': it is a file this command reads"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED, ids=[message[:45] for _, message in REFUSED])
def test_a_mistake_of_usage_leaves_with_2_and_writes_nothing(refused, arguments, message):
    assert message in refused(*arguments)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("curve.csv", "1.00000", "0.70000", "survival is 0.7 at month 0 (curve.csv row 2)"),
        ("risk.csv", "3,", "3,9", "the number at risk rises from 200 to 9"),
    ],
)
def test_what_is_no_curve_leaves_with_3_and_writes_nothing(kinimmune, tmp_path, file, old, new, message):
    (tmp_path / file).write_text((tmp_path / file).read_text().replace(old, new))

    code, out, err = kinimmune(*KM, *NAMED, "--arm", "a", "-o", "curves.csv", "--plot", "p.svg")

    assert (code, out) == (Exit.DATA, "")
    assert err.startswith(f"error: {message}")
    assert err.count("\n") == 1
    assert not {"curves.csv", "p.svg"} & {path.name for path in tmp_path.iterdir()}


FLAT = "time [months],S\n0,1\n6,1\n12,1\n18,1\n"
ONE_SMALL_FALL = "time [months],S\n0,1\n6,1\n6,0.97\n12,0.97\n18,0.97\n"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("-o", "curve of my_trial:treated:os: nobody has an event; leave it out"),
        ("--patients", "patients of my_trial:treated:os: nobody has an event; leave them out"),
    ],
)
def test_a_curve_without_events_is_drawn_and_never_written(kinimmune, tmp_path, option, message):
    (tmp_path / "curve.csv").write_text(FLAT)
    (tmp_path / "risk.csv").write_text("time [months],n\n0,40\n6,30\n12,10\n")

    assert kinimmune(*KM, *NAMED, "--arm", "treated", option, "x.csv") == (Exit.DATA, "", f"error: {message}\n")
    assert not (tmp_path / "x.csv").exists()
    assert kinimmune(*KM, "--plot", "p.svg")[0] == Exit.DONE


def test_replicates_of_which_one_has_no_event_are_not_written(kinimmune, tmp_path):
    (tmp_path / "curve.csv").write_text(ONE_SMALL_FALL)
    (tmp_path / "risk.csv").write_text("time [months],n\n0,40\n6,35\n12,10\n")
    command = (*KM, *NAMED, "--arm", "treated", "--patients", "patients.csv")

    code, out, err = kinimmune(*command, "--replicates", "50", "--reading-error", "0.02")

    assert (code, out) == (Exit.DATA, "")
    assert re.fullmatch(r"error: nobody has an event in replicate \d+: too few have one; leave --replicates out\n", err)
    assert not {"patients.csv", "patients"} & {path.name for path in tmp_path.iterdir()}
    assert kinimmune(*command)[0] == Exit.DONE


def test_an_arm_of_a_table_without_events_is_not_written(kinimmune, tmp_path):
    (tmp_path / "adtte.csv").write_text(ADTTE.replace("120,0", "120,1"))

    code, out, err = kinimmune(*PATIENTS, "-o", "patients.csv")

    assert (code, out) == (Exit.DATA, "")
    assert err == "error: patients of my_trial:treated:os: nobody has an event; leave them out\n"
    assert not (tmp_path / "patients.csv").exists()


def test_what_is_written_is_read_without_findings(kinimmune, tmp_path):
    (tmp_path / "own").mkdir()
    named = ("--study", "sharp", "--endpoint", "os", "--source", "rimassa2009", "--locator", "figure 2")
    for name in ("sorafenib", "placebo"):
        files = ("-o", "own/curves.csv", "--patients", f"own/{'patients' if name == 'placebo' else 'other'}.csv")
        assert kinimmune(*KM, *named, "--arm", name, *files)[0] == Exit.DONE
    table = ("ingest", "patients", "adtte.csv", *MAP, *named, "--unit", "day", "--arms", "Drug A=sorafenib")
    assert kinimmune(*table, "-o", "own/patients.csv")[0] == Exit.DONE

    curves, patients = examine_curves(Tables(tmp_path / "own")), examine_patients(Tables(tmp_path / "own"))

    assert (curves.findings, patients.findings) == ((), ())
    assert [item.arm for item in curves.entries] == ["sorafenib", "placebo"]
    assert [(item.arm, item.time.size) for item in patients.entries] == [("placebo", 200), ("sorafenib", 1)]


COVARIATES = ("--covariates", "ecog=ECOGBL,AGE")
WITH_STATUS = "USUBJID,TRT01P,AVAL,CNSR,AGE,ECOGBL\n001,Drug A,120,0,61,0\n002,Placebo,300,1,55,1\n003,Placebo,80.5,0,70,1\n"
DECLARED = "name,kind,unit,reference,levels,meaning\necog,category,1,0,0 1,ECOG\nAGE,continuous,year,60,,age\n"


def test_covariates_become_columns_that_the_tables_take(kinimmune, tmp_path):
    (tmp_path / "adtte.csv").write_text(WITH_STATUS)
    (tmp_path / "covariates.csv").write_text(DECLARED)

    code, _, err = kinimmune(*PATIENTS, *COVARIATES, "-o", "patients.csv")

    assert code == Exit.DONE
    assert "columns not taken" not in err
    assert [(row["ecog"], row["AGE"]) for row in rows(tmp_path / "patients.csv")] == [("0", "61"), ("1", "55"), ("1", "70")]


@pytest.mark.parametrize(
    ("declared", "table", "options", "code", "message"),
    [
        (
            "",
            WITH_STATUS,
            ("--covariates", "ecog=ECOGBL"),
            2,
            "--covariates ecog: covariates.csv beside the output does",
        ),
        ("", WITH_STATUS, ("--covariates", "time=AGE"), 2, "--covariates time: patients.csv has another column of that name"),
        (
            DECLARED,
            WITH_STATUS,
            ("--covariates", "AGE=AGEE"),
            2,
            "--covariates AGE=AGEE: adtte.csv has no such column; did you",
        ),
        (
            DECLARED,
            WITH_STATUS.replace("70,1", "70,3"),
            COVARIATES,
            3,
            "'3' is no level of covariate 'ecog' (adtte.csv row 4)",
        ),
        (DECLARED, WITH_STATUS.replace("70,1", ",1"), COVARIATES, 3, "AGE: column 'AGE' is empty (adtte.csv row 4); fill it in"),
    ],
)
def test_covariates_that_check_would_refuse_are_not_written(kinimmune, tmp_path, declared, table, options, code, message):
    (tmp_path / "adtte.csv").write_text(table)
    if declared:
        (tmp_path / "covariates.csv").write_text(declared)

    found, _, err = kinimmune(*PATIENTS, *options, "-o", "patients.csv")

    assert found == code
    assert message in err
    assert not (tmp_path / "patients.csv").exists()
