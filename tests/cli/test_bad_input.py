"""Bad input at the command line: one clear line, the exit code of its kind, and nothing written or lost."""

import csv
import json
import re
from importlib.resources import files

import pytest
from paths import OWN_TRIAL


@pytest.fixture
def refused(kinimmune, tmp_path):
    """Run a command that must fail; returns its line on stderr once code, single line and empty folder are checked."""

    def run(code, *arguments):
        before = sorted(tmp_path.rglob("*"))
        found, out, err = kinimmune(*arguments)
        assert (found, out) == (code, "")
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before
        return err

    return run


USAGE = [
    (("show", "hcc_trail"), "unknown model 'hcc_trail'; did you mean 'hcc_trial'?"),
    (("fit", "hcc_trail"), "unknown model 'hcc_trail'; did you mean 'hcc_trial'?"),
    (("report", "hcc_trail"), "unknown model 'hcc_trail'; did you mean 'hcc_trial'?"),
    (("simulate", "xyz"), "unknown model 'xyz'; allowed: "),
    (("simulate", "hcc_trial", "--set", "growht=1"), "no parameter 'growht' here; did you mean 'growth'?"),
    (("simulate", "gompertz", "--set", "capacity"), "--set 'capacity': write NAME=VALUE with a number"),
    (("simulate", "gompertz", "--set", "capacity=__import__('os')"), "write NAME=VALUE with a number"),
    (("simulate", "gompertz", "--set", "capacity=nan"), "the value must be finite"),
    (("simulate", "gompertz", "--set", "capacity=-3"), "parameter 'capacity' = -3 mL lies outside [0.001, 1e+06]"),
    (("simulate", "hcc_trial", "--arm", "sharp:sorafenb"), "unknown arm 'sharp:sorafenb'; did you mean 'sharp:sorafenib'?"),
    (("simulate", "gompertz", "--arm", "sharp:sorafenib"), "model 'gompertz' takes no drug"),
    (("simulate", "gompertz", "--days", "0"), "--days: '0.0' cannot be used; input should be greater than 0"),
    (("simulate", "gompertz", "-o", "absent/out.csv"), "cannot write 'absent/out.csv': there is no folder 'absent'"),
    (("simulate", "gompertz", "--plot", "/"), "cannot write '/': it is a folder"),
    (("fit", "hcc_trial", "--patients", "100"), "--patients: '100' cannot be used; must be a power of two, such as 64 or 128"),
    (
        ("fit", "hcc_trial", "--stop-rule", "never_ever"),
        "--stop-rule: 'never_ever' cannot be used; input should be 'radiological'",
    ),
    (("fit", "hcc_trial", "--integrator", "euler"), "--integrator: 'euler' cannot be used; input should be 'kernel' or 'scipy'"),
    (("fit", "hcc_trial", "-o", "/dev/null/run"), "cannot write run '/dev/null/run': Not a directory"),
    (("fit", "hcc_trial", "--resume"), "--resume needs a run; write -o RUN --resume"),
    (("fit", "hcc_trial", "--resume", "-o", "absent"), "no run 'absent': no run.json there"),
    (("report", "gompertz", "-o", "absent/growth.pdf"), "cannot write 'absent/growth.pdf': there is no folder 'absent'"),
    (("report", "runs/absent"), "no run 'runs/absent': no run.json there"),
    (("fit", "hcc_trial", "--data", "absent"), "folder 'absent' does not exist"),
    (("check", "absent"), "folder 'absent' does not exist"),
    (("show", "gompertz", "-c", "absent.toml"), "no configuration 'absent.toml'; give a TOML file with -c"),
    (("show",), "Missing argument 'MODEL'"),
    (("shwo",), "No such command 'shwo'"),
    (("show", "gompertz", "--arrows"), "No such option: --arrows"),
    (("fit", "hcc_trial", "--starts", "many"), "Invalid value for '--starts': "),
    (("fit", "hcc_trial", "--seed", "-1"), "Invalid value for '--seed'"),
    (("fit", "hcc_trial", "--seed", "-1"), ", given '-1'; kinimmune fit --help shows what is allowed"),
    (("fit", "hcc_trial", "--starts=many"), ", given 'many'; kinimmune fit --help shows what is allowed"),
    (("shwo",), "Did you mean 'show'? kinimmune --help shows what is allowed"),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE, ids=[" ".join(arguments) for arguments, _ in USAGE])
def test_a_mistake_of_usage_leaves_with_2(refused, arguments, message):
    assert message in refused(2, *arguments)


def test_no_command_is_answered_with_the_help(kinimmune):
    code, out, err = kinimmune()

    assert (code, out) == (2, "")
    assert err.startswith("Usage: kinimmune")
    assert "\n  simulate " in err


def change(name, **cells):
    """Return a function that writes a table of the example into a folder with cells of its first row changed."""

    def write(folder):
        header, first, *rows = csv.reader((OWN_TRIAL / name).read_text(encoding="utf-8").splitlines())
        first = [cells.get(column, cell) for column, cell in zip(header, first, strict=True)]
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, first, *rows])

    return write


def drop_column(folder):
    header, *rows = csv.reader((OWN_TRIAL / "targets.csv").read_text(encoding="utf-8").splitlines())
    place = header.index("value")
    with (folder / "targets.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([row[:place] + row[place + 1 :] for row in (header, *rows)])


def repeat_row(folder):
    text = (OWN_TRIAL / "targets.csv").read_text(encoding="utf-8")
    (folder / "targets.csv").write_text(text + text.splitlines()[1] + "\n", encoding="utf-8")


DATA = {
    "missing column": (drop_column, r"column 'value' is missing \(targets.csv row 1\)"),
    "text in a number": (
        change("targets.csv", value="about 9"),
        r"'about 9' is not a number in column 'value' \(targets.csv row 2\)",
    ),
    "unknown unit": (change("targets.csv", unit="fortnihgt"), r"unknown unit 'fortnihgt' in column 'unit' \(targets.csv row 2\)"),
    "interval upside down": (change("targets.csv", lower="11.8", upper="7.9"), r"upside down|does not hold the value.*row 2"),
    "duplicate target": (repeat_row, r"duplicate row: .*\(targets.csv row 7\); row 2 has the same"),
    "unknown study": (change("targets.csv", study="exmaple"), r"unknown study 'exmaple' .*\(targets.csv row 2\); did you mean"),
    "outside its range": (
        change("parameters.csv", value="3.2"),
        r"parameter 'growth' = 3.2 1/d lies outside .*parameters.csv row 2",
    ),
    "empty file": (lambda folder: (folder / "targets.csv").write_bytes(b""), r"targets.csv is empty"),
    "file of zeros": (lambda folder: (folder / "targets.csv").write_bytes(bytes(512)), r"targets.csv holds zero bytes"),
    "bad configuration": (
        lambda folder: (folder / "config.toml").write_text("[fit]\npatients = 3\n"),
        r"config.toml, key 'fit.patients': '3' cannot be used; must be a power of two",
    ),
}


@pytest.fixture
def tables(tmp_path_factory):
    """Return a copy of the example's tables, outside the folder in which commands run."""
    folder = tmp_path_factory.mktemp("tables")
    for path in OWN_TRIAL.glob("*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.mark.parametrize("fault", DATA)
def test_bad_data_leave_check_with_3_and_a_finding_a_line(kinimmune, tables, fault):
    damage, message = DATA[fault]
    damage(tables)

    code, out, err = kinimmune("check", str(tables))

    assert (code, err) == (3, "")
    assert any(re.search(message, line) for line in out.splitlines())
    content = json.loads(kinimmune("check", str(tables), "--json")[1])
    assert [item["message"] for item in content["findings"]] == out.splitlines()


@pytest.mark.parametrize("fault", DATA)
def test_bad_data_leave_fit_with_3_and_nothing_written(refused, tables, fault):
    damage, message = DATA[fault]
    damage(tables)
    configuration = ("-c", str(tables / "config.toml")) if fault == "bad configuration" else ()

    assert re.search(message, refused(3, "fit", "hcc_trial", "--data", str(tables), "-o", "run", *configuration))


def test_an_existing_run_is_kept_without_force(refused, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")

    message = refused(2, "fit", "hcc_trial", "-o", "run")

    assert "run 'run' exists; --resume goes on with it, --force overwrites it" in message
    assert (tmp_path / "run" / "run.json").read_text() == "{}"


@pytest.mark.parametrize("arguments", [("report", "run"), ("fit", "hcc_trial", "-o", "run", "--resume")])
def test_a_corrupt_record_of_a_run_leaves_with_3(refused, tmp_path, arguments):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text('{"schema": "kinimmune.run/1", "comm')

    assert "run.json line 1 is no JSON: Unterminated string" in refused(3, *arguments)


def test_every_table_of_the_example_is_one_of_the_package():
    assert {path.name for path in OWN_TRIAL.glob("*.csv")} <= {entry.name for entry in files("kinimmune.data").iterdir()}
