"""Laws of the sample of a fit: its contract, what is kept, what is resumed, and its pages."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from own_runs import call
from paths import OWN_TRIAL

from kinimmune.fitting.estimation.fitted import Fitted, read_fitted
from kinimmune.fitting.estimation.run_files import read_results
from kinimmune.fitting.problem.settings import open_problem
from kinimmune.fitting.runs.run import Run, open_run
from kinimmune.fitting.sampling.density import FitPosterior
from kinimmune.fitting.sampling.description import normal_approximation
from kinimmune.fitting.sampling.emulator import RowForm
from kinimmune.fitting.sampling.results import (
    SAMPLE_JSON,
    Draws,
    SampleResult,
    read_sample,
    write_sample,
)
from kinimmune.fitting.sampling.sample import STEPS, sample_fit
from kinimmune.fitting.sampling.surrogate_sample import STEPS as SURROGATE_STEPS
from kinimmune.fitting.sampling.surrogate_sample import sample_by_surrogate
from kinimmune.fitting.settings import SampleOptions
from kinimmune.fitting.task_functions import TASK_FUNCTIONS
from kinimmune.fitting.workflow.executors import open_executor
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.tables.readers import read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.reports.content import Content
from kinimmune.reports.figures.captions.analyses import list_sample_figures
from kinimmune.reports.figures.recipes import draw_all
from kinimmune.reports.pages.sample import compose_sample
from kinimmune.reports.typesetting.blocks import FigureBlock, TableBlock

SMALL = ("--method", "emcee", "--steps", "25", "--walkers", "16", "--jobs", "1", "-q")
pytestmark = pytest.mark.slow


def test_the_help_of_the_command_tells_what_a_sample_is_by_default():
    text = " ".join(call("sample", "--help")[1].split())

    assert f"at least 4, and {SampleOptions().ensembles} if none are given" in text
    assert f"{SURROGATE_STEPS} on a surrogate, {STEPS} of emcee" in text
    assert f"{SampleOptions().points} if none are given" in text
    assert f"{SampleOptions().draws} if none are given" in text


@dataclass(frozen=True)
class Sampled:
    """A small sample made by the command."""

    run: Run
    fitted: Fitted
    result: SampleResult
    draws: Draws
    said: tuple[int, str, str]
    """Exit code, stdout and stderr."""

    @property
    def store(self):
        return TaskStore(self.run.path / "results" / "tasks")


@pytest.fixture(scope="module")
def sampled(tmp_path_factory):
    """Return the sample of a fit of the example trial with 4 patients."""
    path = tmp_path_factory.mktemp("runs") / "run"
    fit = ("fit", "hcc_trial", "--data", OWN_TRIAL, "--patients", "4", "--starts", "1", "-o", path, "--jobs", "1", "-q")
    assert call(*fit)[0] in (0, 1)
    said = call("sample", path, *SMALL, "--json")
    run = open_run(path)
    return Sampled(run, read_fitted(run), *read_sample(run), said)


def test_a_sample_tells_everything_the_contract_names(sampled):
    content = json.loads(sampled.said[1])

    assert content == json.loads(sampled.run.read("results/sample.json"))
    assert content["schema"] == "kinimmune.sample/1"
    names = {row["name"] for row in content["parameters"]}
    assert names == {row.name for row in sampled.fitted.result.parameters} == set(sampled.draws.names)
    keys = {"median", "lower", "upper", "r_hat", "bulk_ess", "tail_ess", "autocorrelation_time"}
    assert all(keys <= set(row) and row["lower"] < row["median"] < row["upper"] for row in content["parameters"])
    assert {row["name"] for row in content["predictions"]} >= {"hazard_ratio:example:os", "median:example:sorafenib:ttp"}
    asked = {(row["endpoint"], row["bound"], row["of"]) for row in content["probabilities"]}
    ends = ("os", "ttp", "pfs")
    assert asked == {(end, bound, of) for end in ends for bound in (1.0, 0.8) for of in ("population", "trial")}
    assert len(content["bands"]) == 6
    assert (content["walkers"], content["ensembles"], len(content["acceptance"])) == (16, 4, 4)
    medians = [row.median for row in sampled.result.parameters]
    assert np.median(sampled.draws.values, axis=0) == pytest.approx(medians, rel=0.3)


def test_too_few_steps_are_told_with_exit_code_1_and_the_command_that_goes_on(sampled):
    code, _, err = sampled.said

    assert code == 1
    assert not sampled.result.converged
    assert sampled.result.faults[0] in err
    assert any("fewer than 50 autocorrelation times" in fault for fault in sampled.result.faults)
    assert f"kinimmune sample {sampled.run.path} --method emcee --ensembles 4 --walkers 16 --steps 50 --resume" in err


def test_what_cannot_be_done_is_refused_before_any_step(sampled):
    code, _, err = call("sample", sampled.run.path, *SMALL)
    assert code == 2
    assert "--resume goes on with them, --force begins anew" in err
    code, _, err = call("sample", sampled.run.path, "--method", "emcee", "--steps", "25", "--walkers", "4", "-q", "--resume")
    assert code == 2
    assert "--walkers 4: an even number, at least 16, twice the estimated parameters" in err


def test_a_sample_reads_back_as_it_was_written(sampled, tmp_path):
    other = replace(sampled.run, path=tmp_path)
    write_sample(other, sampled.result, sampled.draws)
    again, same = read_sample(other)

    assert again == sampled.result
    assert same.names == sampled.draws.names
    assert np.array_equal(same.values, sampled.draws.values)
    assert same.origin == sampled.draws.origin
    wrong = json.dumps({**json.loads(SAMPLE_JSON.dump(again)), "parameters": 3})
    with pytest.raises(DataError, match="is no sample: parameters"):
        SAMPLE_JSON.load(wrong, Path("sample.json"))


def test_a_sample_that_is_resumed_is_the_same(sampled):
    for name in ("sample-ensemble-3-block-000", "sample-predict-004"):
        (sampled.store.folder / f"{name}.json").unlink()
    with open_executor(1) as pool:
        again, _ = sample_fit(sampled.fitted, SampleOptions(walkers=16, steps=25), Runtime(sampled.store, pool))

    assert again == sampled.result


def test_walkers_begin_about_the_fit(sampled):
    normal = normal_approximation(sampled.fitted)

    assert normal.mean == pytest.approx(sampled.fitted.z)
    contractions = [row.contraction for row in sampled.fitted.result.parameters]
    assert np.sqrt(np.diag(normal.covariance)) == pytest.approx(contractions)


def test_every_kept_step_can_be_carried_out_again(sampled):
    known = {function.name for function in TASK_FUNCTIONS}

    assert {sampled.store.read(name).task for name in sampled.store.names("sample")} <= known


def test_a_report_shows_the_sample_of_its_run_and_only_then(sampled, tmp_path):
    fit, trial = read_results(sampled.run)
    pair = (sampled.result, sampled.draws)
    content = Content(
        load_model("hcc_trial", Tables(OWN_TRIAL)), fit, trial, {}, trials=read_trials(Tables(OWN_TRIAL)), sample=pair
    )
    figures = draw_all(list_sample_figures(content), tmp_path)
    blocks = compose_sample(content, figures)

    assert [item.block.failure for item in figures.values()] == [""] * 5
    assert {block.name for block in blocks if isinstance(block, FigureBlock)} == set(figures)
    estimates = next(block.table for block in blocks if isinstance(block, TableBlock))
    assert [row[6] for row in estimates.rows] == [f"{row.r_hat:.3f}" for row in sampled.result.parameters]
    assert any("Not converged" in str(block) for block in blocks)
    assert compose_sample(replace(content, sample=None), figures) == []
    assert list_sample_figures(replace(content, sample=None)) == []


@pytest.fixture(scope="module")
def learned(sampled, tmp_path_factory):
    """Return the same fit sampled by a surrogate, the method if none is named."""
    path = tmp_path_factory.mktemp("runs") / "learned"
    shutil.copytree(sampled.run.path, path)
    for name in TaskStore(path / "results" / "tasks").names("sample"):
        (path / "results" / "tasks" / f"{name}.json").unlink()
    said = call("sample", path, "--points", "60", "--draws", "500", "--steps", "125", "--jobs", "1", "-q", "--json")
    run = open_run(path)
    return Sampled(run, read_fitted(run), *read_sample(run), said)


def test_a_surrogate_gives_the_same_kind_of_sample_with_its_diagnostics(sampled, learned):
    code, out, err = learned.said
    content, report = json.loads(out), learned.result.surrogate

    assert code == (0 if learned.result.converged else 1)
    assert (content["schema"], content["method"]) == ("kinimmune.sample/1", "surrogate")
    assert set(content) == set(json.loads(SAMPLE_JSON.dump(sampled.result)))
    assert sampled.result.method == "emcee"
    assert sampled.result.surrogate is None
    assert report.draws == 500
    assert learned.result.evaluations >= report.training + 500
    assert len(learned.draws.values) == 500
    assert {row.name for row in learned.result.predictions} == {row.name for row in sampled.result.predictions}
    if not learned.result.converged:
        assert "--method emcee --force" in err


def test_what_a_surrogate_stands_for_is_the_posterior(learned):
    """Its numbers give the log probability of the posterior to rounding."""
    problem = open_problem(learned.fitted.settings, learned.fitted.folder)
    posterior = FitPosterior(problem)
    form = RowForm(posterior.mixing, *posterior.bounds, prior=True)
    points = learned.fitted.z + 0.3 * np.random.default_rng(1).standard_normal((5, learned.fitted.z.size))

    numbers = posterior.measure(points).residuals
    assert form.log_probability(numbers, points) == pytest.approx(posterior.evaluate(points).log_probability, rel=1e-10)


def test_a_sample_by_a_surrogate_that_is_resumed_is_the_same_and_its_steps_can_be_carried_out_again(learned):
    known = {function.name for function in TASK_FUNCTIONS}
    assert {learned.store.read(name).task for name in learned.store.names("sample")} <= known
    for name in ("sample-measure-second-001", "sample-learn-1-000", "sample-walk-1-ensemble-2-block-000", "sample-predict-003"):
        (learned.store.folder / f"{name}.json").unlink()
    options = SampleOptions(points=60, draws=500, steps=125)
    with open_executor(1) as pool:
        again, draws = sample_by_surrogate(learned.fitted, options, Runtime(learned.store, pool))

    assert again == learned.result
    assert np.array_equal(draws.values, learned.draws.values)


def test_pages_name_the_surrogate_and_what_speaks_against_it(learned):
    fit, trial = read_results(learned.run)
    pair = (replace(learned.result, converged=False, faults=("k-hat of the weights is 0.79, not below 0.5",)), learned.draws)
    content = Content(
        load_model("hcc_trial", Tables(OWN_TRIAL)), fit, trial, {}, trials=read_trials(Tables(OWN_TRIAL)), sample=pair
    )
    text = str(compose_sample(content, {}))

    assert "learned as Gaussian processes" in text
    assert "Not to be trusted" in text
    assert "k-hat of the weights is 0.79" in text
