"""The table of exit codes in the README: every case it names is brought about by a command, which leaves with that code."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import gompertz_claims
import pytest
from paths import OWN_TRIAL, ROOT

from kinimmune.cli.exits import Exit, exit_code
from kinimmune.cli.main import app
from kinimmune.fitting.runs.lock import lock_run
from kinimmune.fitting.workflow.store import hash_outcome
from kinimmune.models.errors import KinimmuneError, MachineError

PROGRAM = Path(sys.executable).with_name("kinimmune")
ROWS = re.findall(r"^\| (\d) \| (.*) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
CASES = {
    (Exit(int(code)), case)
    for code, text in ROWS
    for case in (text.partition(":")[2] or text).partition(";")[0].strip().split(", ")
}
"""What a row names between its colon and its semicolon."""
OWN_RUN = ("fit", "hcc_trial", "--data", "../tables", "--patients", "4", "--starts", "1", "-q")
COMMANDS = {
    (Exit.DONE, "done"): ("list",),
    (Exit.NOT_CONVERGED, "claim failed"): ("claims", "gompertz", "--data", "claimed", "--draws", "16"),
    (Exit.USAGE, "unknown name"): ("show", "hcc_trail"),
    (Exit.USAGE, "value outside its range"): ("simulate", "gompertz", "--set", "capacity=-3"),
    (Exit.USAGE, "missing run"): ("report", "runs/absent"),
    (Exit.USAGE, "model that cannot be fitted"): ("fit", "gompertz"),
    (Exit.USAGE, "output that cannot be written"): ("simulate", "gompertz", "-o", "absent/a.csv"),
    (Exit.USAGE, "output that the command reads"): ("simulate", "gompertz", "--data", "claimed", "-o", "claimed/claims.csv"),
    (Exit.DATA, "unusable table"): ("show", "gompertz", "--data", "broken"),
    (Exit.DATA, "unusable configuration"): ("show", "gompertz", "-c", "broken/config.toml"),
    (Exit.USAGE, "folder that is not empty"): ("init", "broken"),
    (Exit.DATA, "unusable project"): ("show", "project"),
    (Exit.MODEL, "model file or plug-in whose code fails"): ("show", "failing.py"),
    (Exit.DATA, "unusable run"): ("report", "unusable"),
    (Exit.DATA, "name in a table that nothing has"): ("claims", "gompertz", "--data", "misnamed", "--draws", "16"),
    (Exit.MODEL, "units that do not fit together"): ("show", "gompertz", "--data", "units"),
    (Exit.MODEL, "symbol that nothing declares"): ("show", "gompertz", "--data", "undeclared"),
    (Exit.NUMERICAL, "nothing usable came out"): ("simulate", "gompertz", "--data", "endless"),
    (Exit.MACHINE, "full disk"): ("simulate", "gompertz", "-o", "/dev/full"),
}
"""Cases that one command brings about in the folder `place`."""
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
RAISED = {
    "memory": MemoryError(),
    "internal error": ZeroDivisionError("nobody expected it"),
    "lost cluster": MachineError("gone"),
}
"""Errors that only a machine in distress would bring about, raised by a command that is plugged in."""
IN_A_RUN = {
    (Exit.NOT_CONVERGED, "fit not converged"),
    (Exit.NOT_CONVERGED, "sample not converged"),  # by a sample of 25 steps in tests/fitting/sampling/test_run.py
    (Exit.USAGE, "existing run"),
    (Exit.USAGE, "run in use"),
}


@pytest.fixture
def place(tmp_path):
    """Fill the folder in which commands run with what they are given."""
    for name in ("claimed", "misnamed", "broken", "units", "undeclared", "endless", "unusable", "project"):
        (tmp_path / name).mkdir()
    for name in ("claimed", "misnamed", "units", "undeclared", "endless"):
        gompertz_claims.write_tables(tmp_path / name, claims=("grows", "shrinks"))
    (tmp_path / "broken" / "parameters.csv").write_text("nonsense\n1\n")
    (tmp_path / "broken" / "config.toml").write_text("[fit]\npatients = 3\n")
    (tmp_path / "project" / "kinimmune.toml").write_text("model = 3\n")
    (tmp_path / "failing.py").write_text("1 / 0\n")
    (tmp_path / "unusable" / "run.json").write_text('{"schema": "kinimmune.run/1", "comm')
    change(tmp_path / "misnamed" / "claims.csv", ",control,", ",controll,")
    change(tmp_path / "units" / "parameters.csv", "1/d", "mL/d")
    change(tmp_path / "undeclared" / "parameters.csv", "gompertz,capacity,", "gompertz,kapacity,")
    change(tmp_path / "endless" / "parameters.csv", "a,0.02,1/d,0.0,1000000.0", "a,1e300,1/d,0.0,1e306")
    return tmp_path


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_table_has_every_code_and_every_case_is_tried():
    assert [int(code) for code, _ in ROWS] == list(Exit)
    tried = {*COMMANDS, *IN_A_RUN, *((Exit.INTERRUPTED, name) for name in SIGNALS), *((Exit.MACHINE, name) for name in RAISED)}
    assert tried == CASES


def test_every_kind_of_error_has_a_code_of_its_own():
    codes = [exit_code(kind("")) for kind in KinimmuneError.__subclasses__()]

    assert sorted(codes) == sorted(set(codes))
    assert set(Exit) - set(codes) == {Exit.DONE, Exit.NOT_CONVERGED, Exit.INTERRUPTED}


@pytest.mark.parametrize(("case", "command"), COMMANDS.items(), ids=[name for _, name in COMMANDS])
@pytest.mark.usefixtures("place")
def test_a_command_leaves_with_the_code_of_its_case(kinimmune, case, command):
    code, _, err = kinimmune(*command, "-q")

    assert code == case[0], err
    if code not in (Exit.DONE, Exit.NOT_CONVERGED):
        assert err.startswith("error: ")
        assert err.count("\n") == 1


@pytest.mark.parametrize("case", RAISED)
def test_an_error_nobody_expected_is_told_in_a_line_with_the_code_of_the_machine(kinimmune, case):
    def fail() -> None:
        """Fail."""
        raise RAISED[case]

    app.command("fail")(fail)
    try:
        code, out, err = kinimmune("fail")
    finally:
        app.registered_commands.pop()

    assert (code, out) == (Exit.MACHINE, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def finish(process):
    """Return what a process printed; one that does not end is killed, so that the test ends."""
    try:
        return process.communicate(timeout=300)
    finally:
        process.kill()


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_ends_any_command_in_order(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    command = [PROGRAM, "simulate", "gompertz", "-o", "pipe"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        first = process.stderr.readline()  # it waits for somebody to read the pipe
        time.sleep(0.5)
        process.send_signal(getattr(signal, name))
        out, err = finish(process)

    assert first == "gompertz, one patient, untreated, 360 days\n"
    assert (process.returncode, out, err) == (Exit.INTERRUPTED, "", "error: interrupted\n")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_hangup_that_is_to_be_disregarded_is(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    script = f"trap '' HUP; exec '{PROGRAM}' simulate gompertz -o pipe --days 3"
    with subprocess.Popen(
        ["bash", "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stderr.readline()
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        taken = (tmp_path / "pipe").read_text()
        finish(process)

    assert process.returncode == Exit.DONE
    assert taken.count("\n") == 5


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the run of a small fit: the example trial with two estimated parameters."""
    folder, tables = tmp_path_factory.mktemp("runs"), tmp_path_factory.getbasetemp() / "tables"
    shutil.copytree(OWN_TRIAL, tables)
    with (tables / "parameters.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (tables / "parameters.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "estimated": "yes" if row["name"] in ("growth", "baseline_hazard") else "no"} for row in rows)
    subprocess.run([PROGRAM, *OWN_RUN, "-o", "run", "--jobs", "1"], cwd=folder, check=True, capture_output=True)
    return folder / "run"


@pytest.mark.slow
def test_runs_leave_with_the_code_of_their_case(kinimmune, finished, tmp_path):
    run = shutil.copytree(finished, tmp_path / "run")
    with lock_run(run):
        assert kinimmune("sample", "run", "-q")[0] == Exit.USAGE
    assert kinimmune(*OWN_RUN, "-o", "run")[0] == Exit.USAGE

    start = run / "results" / "tasks" / "start-000.json"
    content = json.loads(start.read_text())
    content["outcome"] |= {"converged": False, "message": "the last evaluation allowed"}
    start.write_text(json.dumps({**content, "outcome_hash": hash_outcome(content["outcome"])}))

    code, out, err = kinimmune(*OWN_RUN, "-o", "run", "--resume")

    assert code == Exit.NOT_CONVERGED
    assert "hazard_ratio" in out or "median" in out
    assert err == "error: the fit did not converge: the last evaluation allowed; its results are in run\n"
