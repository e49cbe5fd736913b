"""Laws of the sample of a fit: its contract, what is kept, what is resumed, and its pages."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kinimmune.fitting.problem_settings import ProblemSettings, hash_all_tables
from kinimmune.fitting.sample import SampleSettings, guide_of, sample_fit, survey_posterior, walk_posterior
from kinimmune.fitting.sample_results import read_sample, sample_from_json, sample_to_json, write_sample
from kinimmune.fitting.tasks import TaskStore
from kinimmune.fitting.work import Here, watch_nothing
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.tables import read_trials
from kinimmune.reports.blocks import FigureBlock, TableBlock
from kinimmune.reports.content import Content
from kinimmune.reports.figures import FigureRecipe, draw_all
from kinimmune.reports.figures_sample import list_sample
from kinimmune.reports.sample_pages import compose_sample


class Nothing:
    """A store that keeps nothing."""

    def load(self, _step):
        return None

    def save(self, _step, _outcome):
        pass


@pytest.fixture(scope="module")
def sampled_run(tmp_path_factory):
    """Return a sample of the example trial with 8 patients, its store and the run it was written into."""
    from kinimmune.fitting.fit import FitSettings, fit
    from kinimmune.fitting.fitted import Fitted
    from kinimmune.fitting.problem_settings import open_problem
    from kinimmune.fitting.provenance import current_environment
    from kinimmune.fitting.runs import RunRecord, create_run

    folder = Path(__file__).parents[1] / "examples" / "own_trial"
    result, trial = fit(FitSettings("hcc_trial", data=folder, patients=8, starts=1, jobs=1), Nothing(), lambda _text, _cost: None)
    settings = ProblemSettings("hcc_trial", hash_all_tables(folder), 8, 1)
    problem = open_problem(settings, str(folder))
    values = {row.name: row.value for row in result.parameters}
    point = np.array([item.prior.standardise(values[item.key]) for item in problem.free])
    fitted = Fitted(settings, str(folder), result, point)
    path = tmp_path_factory.mktemp("runs") / "run"
    folder = create_run(path, RunRecord(("kinimmune",), "hcc_trial", 1, "2026-01-01T00:00:00+00:00", current_environment(), {}))
    store = TaskStore(path / "results" / "tasks")
    found, draws = sample_fit(fitted, SampleSettings(steps=50), (store, Here(), watch_nothing))
    write_sample(folder, found, draws)
    return folder, fitted, store, found, draws, trial


@pytest.mark.slow
def test_a_sample_of_a_fit_tells_everything_the_contract_names(sampled_run):
    _, fitted, _, found, draws, _ = sampled_run
    content = json.loads(sample_to_json(found))

    assert content["schema"] == "kinimmune.sample/1"
    assert not content["converged"]
    assert content["faults"]
    names = {row["name"] for row in content["parameters"]}
    assert names == {row.name for row in fitted.result.parameters} == set(draws.names)
    keys = {"median", "lower", "upper", "r_hat", "bulk_ess", "tail_ess", "autocorrelation_time"}
    assert all(keys <= set(row) and row["lower"] < row["median"] < row["upper"] for row in content["parameters"])
    assert {row["name"] for row in content["predictions"]} >= {"hazard_ratio:example:os", "median:example:sorafenib:ttp"}
    asked = {(row["endpoint"], row["bound"], row["of"]) for row in content["probabilities"]}
    assert asked == {(end, bound, of) for end in ("os", "ttp") for bound in (1.0, 0.8) for of in ("population", "trial")}
    assert len(content["bands"]) == 4
    assert (found.walkers, found.ensembles, len(found.acceptance)) == (2 * len(names) + 2, 4, 4)
    lower = np.array([row.prior_lower for row in fitted.result.parameters])
    assert np.median(draws.values, axis=0) == pytest.approx([row.median for row in found.parameters], rel=0.25)
    assert lower.shape == draws.values.shape[1:]


@pytest.mark.slow
def test_a_sample_reads_back_as_it_was_written(sampled_run):
    folder, _, _, found, draws, _ = sampled_run
    again, same = read_sample(folder)

    assert again == found
    assert same.names == draws.names
    assert np.array_equal(same.values, draws.values)
    assert same.origin == draws.origin
    with pytest.raises(DataError, match="is no sample: parameters"):
        sample_from_json(json.dumps({**json.loads(sample_to_json(found)), "parameters": 3}), Path("sample.json"))


@pytest.mark.slow
def test_a_sample_that_is_resumed_is_the_same(sampled_run):
    _, fitted, store, found, _, _ = sampled_run
    for name in ("sample-ensemble-3-block-001", "sample-predict-004"):
        (store.folder / f"{name}.json").unlink()
    again, _ = sample_fit(fitted, SampleSettings(steps=50), (store, Here(), watch_nothing))

    assert again == found


@pytest.mark.slow
def test_walkers_begin_about_the_fit(sampled_run):
    _, fitted, _, _, _, _ = sampled_run
    guide = guide_of(fitted)

    assert guide.mean == pytest.approx(fitted.point)
    assert np.sqrt(np.diag(guide.covariance)) == pytest.approx([row.contraction for row in fitted.result.parameters])
    inputs = {"problem": fitted.settings.plain, "folder": fitted.folder, "jobs": 1, "guide": guide.plain, "seed": [1, 0]}
    surrogate = survey_posterior(inputs)["surrogate"]
    more = {"surrogate": surrogate, "seed": [1, 1, 0], "steps": 1, "walkers": 16, "positions": None, "log_probability": None}
    assert np.array(walk_posterior({**inputs, **more})["positions"]).shape == (1, 16, fitted.point.size)


@pytest.mark.slow
def test_a_report_shows_the_sample_of_its_run_and_only_then(sampled_run, tmp_path):
    _, fitted, _, found, draws, trial = sampled_run
    data = Path(fitted.folder)
    content = Content(load_model("hcc_trial", data), fitted.result, trial, {}, trials=read_trials(data), sample=(found, draws))
    figures = draw_all([FigureRecipe(*recipe) for recipe in list_sample(content)], tmp_path)
    blocks = compose_sample(content, figures)

    assert [item.block.failure for item in figures.values()] == [""] * 5
    assert {block.name for block in blocks if isinstance(block, FigureBlock)} == set(figures)
    estimates = next(block.table for block in blocks if isinstance(block, TableBlock))
    assert [row[6] for row in estimates.rows] == [f"{row.r_hat:.3f}" for row in found.parameters]
    assert any("Not converged" in str(block) for block in blocks)
    assert compose_sample(replace(content, sample=None), figures) == []
    assert list_sample(replace(content, sample=None)) == []


@pytest.mark.slow
def test_the_command_prints_the_json_it_wrote_and_says_that_it_has_not_converged(tmp_path):
    """Exit code 1 with the command that goes on, and 2 for kept steps that nobody asked for."""
    run = tmp_path / "run"
    own = ("--data", str(Path(__file__).parents[1] / "examples" / "own_trial"), "--patients", "4", "--starts", "1")
    assert call("fit", "hcc_trial", "-o", str(run), *own, "-q", "--jobs", "1")[0] == 0
    code, out, err = call("sample", str(run), "--steps", "50", "--walkers", "14", "--jobs", "1", "-q", "--json")

    assert code == 1
    assert json.loads(out) == json.loads((run / "results" / "sample.json").read_text())
    assert f"kinimmune sample {run} --ensembles 4 --walkers 14 --steps 100 --resume" in err
    code, _, err = call("sample", str(run), "--steps", "50", "-q")
    assert code == 2
    assert "--resume goes on with them, --force begins anew" in err
    code, _, err = call("sample", str(run), "--steps", "50", "--walkers", "4", "-q", "--resume")
    assert code == 2
    assert "--walkers 4: an even number, at least 14, twice the free parameters" in err


def call(*arguments):
    """Return exit code, stdout and stderr of a command."""
    program = Path(sys.executable).with_name("kinimmune")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr
