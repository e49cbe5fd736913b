"""A fit from the command line: its contract, and that one killed half-way gives the same bits when it is resumed."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from paths import OWN_TRIAL

from kinimmune.fitting.estimation.fitted import read_fitted
from kinimmune.fitting.estimation.run import resume_fit
from kinimmune.fitting.runs.run import open_run
from kinimmune.fitting.workflow.task import hash_inputs
from kinimmune.models.errors import DataError

PROGRAM = Path(sys.executable).with_name("kinimmune")
FIT = ("fit", "hcc_trial", "--data", str(OWN_TRIAL), "--patients", "8", "--starts", "2", "--quiet")
NOT_BITS = ("wall_seconds",)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of a finished small fit and what the command printed."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    done = subprocess.run([PROGRAM, *FIT, "-o", run, "--json", "--jobs", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return run, done


def bits(run):
    """Return everything two equal fits must share."""
    content = json.loads((run / "results" / "fit.json").read_text())
    trial = json.loads((run / "results" / "trial.json").read_text())
    return {name: value for name, value in content.items() if name not in NOT_BITS}, trial


def test_json_is_the_contract_of_a_fit(finished):
    run, done = finished
    content = json.loads(done.stdout)

    assert done.stderr == ""
    assert content == json.loads((run / "results" / "fit.json").read_text())
    assert content["schema"] == "kinimmune.fit/2"
    assert (content["model"], content["patients"], content["status"]) == ("hcc_trial", 8, "converged")
    labels = {(row["arm"], row["endpoint"], row["statistic"]) for row in content["targets"]}
    assert labels == {(arm, endpoint, "median") for arm in ("sorafenib", "observation") for endpoint in ("os", "ttp")}
    assert [(row["endpoint"], row["observed"]) for row in content["unfitted"]] == [("os", 0.73)]


def test_a_run_holds_settings_results_and_their_origin(finished):
    run, _ = finished
    record = open_run(run).record

    assert record.status == "done"
    assert record.inputs.keys() >= {"targets.csv", "parameters.csv"}
    assert "patients = 8" in (run / "config.toml").read_text()
    names = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    starts = {f"results/tasks/start-00{index}.json" for index in range(2)}
    tables = {
        "results/comparisons.csv",
        "results/parameters.csv",
        "results/curves.csv",
        "failures.csv",
        "results/.checksums.json",
    }
    assert names == {"run.json", "config.toml", "results/fit.json", "results/trial.json"} | tables | starts


def test_the_report_of_a_run_lies_in_it_and_has_the_same_bytes_twice(finished, kinimmune):
    run, _ = finished

    assert kinimmune("report", str(run), "-q")[:2] == (0, f"{run / 'report.pdf'}\n")
    first = (run / "report.pdf").read_bytes()
    assert kinimmune("report", str(run), "-o", "again.pdf", "-q")[0] == 0

    assert first.startswith(b"%PDF")
    assert first == Path("again.pdf").read_bytes()


def wait_for(path, process, seconds=120.0):
    """Wait until a file is there, as long as the process runs."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end, f"no {path} after {seconds} s"
        time.sleep(0.02)


def finish(process):
    """Return what a process printed; one that does not end is killed, so that the test ends."""
    try:
        return process.communicate(timeout=300)
    finally:
        process.kill()


@pytest.mark.parametrize(("stop", "code", "status"), [(signal.SIGTERM, 6, "interrupted"), (signal.SIGKILL, -9, "running")])
def test_a_fit_that_was_stopped_goes_on_to_the_same_bits_with_any_threads(finished, kinimmune, tmp_path, stop, code, status):
    run = tmp_path / "run"
    with subprocess.Popen([PROGRAM, *FIT, "-o", run], stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        wait_for(run / "results" / "tasks" / "start-000.json", process)
        process.send_signal(stop)
        _, err = finish(process)

    assert process.returncode == code
    assert json.loads((run / "run.json").read_text())["status"] == status
    assert not (run / "results" / "fit.json").exists()
    if stop == signal.SIGTERM:
        again = shlex.join(["kinimmune", *FIT, "-o", str(run), "--resume"])
        assert err == f"error: interrupted; finished tasks are kept, go on with: {again}\n"
    first = (run / "results" / "tasks" / "start-000.json").stat().st_mtime_ns

    assert kinimmune("fit", "hcc_trial", "-o", str(run), "--resume", "--jobs", "2", "--quiet")[0] == 0

    assert (run / "results" / "tasks" / "start-000.json").stat().st_mtime_ns == first
    assert open_run(run).record.status == "done"
    assert bits(run) == bits(finished[0])


def test_a_resume_elsewhere_warns_and_keeps_the_warning(finished, kinimmune, tmp_path):
    run = tmp_path / "run"
    (run / "results" / "tasks").mkdir(parents=True)
    for name in ("config.toml", *(f"results/tasks/start-00{index}.json" for index in range(2))):
        (run / name).write_bytes((finished[0] / name).read_bytes())
    content = json.loads((finished[0] / "run.json").read_text())
    content["environment"]["cpu"] = "abacus"
    (run / "run.json").write_text(json.dumps(content))

    code, _, err = kinimmune("fit", "hcc_trial", "-o", str(run), "--resume")

    assert code == 0
    assert "warning: resumed elsewhere, so bits may differ: cpu: abacus -> " in err
    assert any(note.startswith("resumed elsewhere, so bits may differ: cpu: abacus") for note in open_run(run).record.notes)


def test_a_run_of_another_model_is_not_resumed(finished, kinimmune):
    code, _, err = kinimmune("fit", "gompertz", "-o", str(finished[0]), "--resume")

    assert (code, err) == (
        2,
        f"error: run '{finished[0]}' is of model 'hcc_trial', not 'gompertz'; give that model or another run\n",
    )


def test_a_finished_fit_reads_back_with_the_point_its_best_start_ended_at(finished):
    run = open_run(finished[0])
    starts = [json.loads((run.path / "results" / "tasks" / f"start-00{index}.json").read_text())["outcome"] for index in range(2)]
    best = min(starts, key=lambda outcome: outcome["cost"])

    fitted = read_fitted(run)

    assert (fitted.settings.patients, fitted.settings.seed, fitted.folder) == (8, 1, str(OWN_TRIAL))
    assert fitted.result.chi_square_data == json.loads((run.path / "results" / "fit.json").read_text())["chi_square_data"]
    assert fitted.z.tolist() == pytest.approx(best["point"], abs=1e-12)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "results/fit.json",
            None,
            None,
            r"holds no finished fit \(it is 'done'\); go on with it first: kinimmune fit hcc_trial -o",
        ),
        ("results/fit.json", '"patients": 8', '"patients": 16', r"fit.json was changed since it was written; restore it"),
        ("config.toml", "seed = 1", "seed = 2", "are not of one fit; fit again with --resume"),
        ("config.toml", "[fit]", '[fit]\nstop_rule = "never"', "are not of one fit; fit again with --resume"),
        ("config.toml", "seed = 1", 'seed = "a"', "config.toml, key 'seed': 'a' cannot be used; input should be a valid integer"),
        ("config.toml", "seed = 1", "seed = ", "config.toml is no TOML"),
        ("config.toml", str(OWN_TRIAL), "/absent", "lay in /absent, which is gone; restore them"),
        ("run.json", '"digest": "', '"digest": "0', "changed since run '.*' was fitted: .*; restore them"),
    ],
)
def test_a_run_that_holds_no_whole_fit_is_refused_with_the_reason(finished, tmp_path, name, old, new, message):
    shutil.copytree(finished[0], tmp_path / "run")
    file = tmp_path / "run" / name
    if old is None:
        file.unlink()
    else:
        file.write_text(file.read_text().replace(old, new))

    with pytest.raises(DataError, match=message):
        read_fitted(open_run(tmp_path / "run"))


def test_other_settings_leave_no_result_of_the_old_ones(finished, tmp_path):
    """Neither of the fit nor of what was built on it, such as a sample; finished tasks stay."""
    results = shutil.copytree(finished[0], tmp_path / "run") / "results"
    (results / "sample.json").write_text("{}")
    steps = sorted(path.name for path in (results / "tasks").iterdir())

    resume_fit("hcc_trial", tmp_path / "run", None, {"fit": {"patients": 16}})

    assert [path.name for path in results.iterdir()] == ["tasks"]
    assert sorted(path.name for path in (results / "tasks").iterdir()) == steps
    assert open_run(tmp_path / "run").record.status == "interrupted"  # nobody works in it


def test_a_run_without_its_settings_does_not_go_on_with_others(finished, tmp_path, kinimmune):
    shutil.copytree(finished[0], tmp_path / "run")
    (tmp_path / "run" / "config.toml").unlink()

    code, out, err = kinimmune("fit", "hcc_trial", "-o", "run", "--resume")

    assert (code, out) == (3, "")
    assert err == "error: run/config.toml is missing; restore it, give another with -c, or begin anew with --force\n"


@pytest.mark.parametrize("text", ["", "  \n", "seed = 1\n", "[simulate]\ndays = 3\n"])
def test_a_run_whose_settings_are_cut_off_does_not_go_on_with_others(finished, tmp_path, kinimmune, text):
    shutil.copytree(finished[0], tmp_path / "run")
    (tmp_path / "run" / "config.toml").write_text(text)

    code, _, err = kinimmune("fit", "hcc_trial", "-o", "run", "--resume")

    assert code == 3
    assert err == "error: run/config.toml has no table [fit]; restore it, give another with -c, or begin anew with --force\n"


def test_a_finished_step_is_carried_out_again_to_the_same_bits(finished, kinimmune):
    code, out, err = kinimmune("task", str(finished[0]), "start-001")
    content = json.loads(out)

    assert (code, err) == (0, "the outcome is the one that was kept\n")
    assert (content["schema"], content["step"], content["same"]) == ("kinimmune.task_again/1", "start-001", True)
    assert content["outcome"]["cost"] == json.loads((finished[0] / "results" / "fit.json").read_text())["starts"][1]["cost"]


def test_a_step_made_by_an_unknown_function_is_not_carried_out(finished, tmp_path, kinimmune):
    shutil.copytree(finished[0], tmp_path / "run")
    file = tmp_path / "run" / "results" / "tasks" / "start-000.json"
    content = {**json.loads(file.read_text()), "task": "os:system"}
    file.write_text(json.dumps(content))
    assert "start-000.json was changed since it was saved" in kinimmune("task", "run", "start-000")[2]

    file.write_text(json.dumps({**content, "address": hash_inputs("os:system", content["inputs"])}))
    code, out, err = kinimmune("task", "run", "start-000")

    assert (code, out) == (3, "")
    assert err.startswith(
        "error: a step was made by 'os:system', which this version does not know; known are fit.start, fit.correlations"
    )
    assert kinimmune("task", "run", "start-009")[0] == 2
