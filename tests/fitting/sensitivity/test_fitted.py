"""`kinimmune sensitivity RUN`: at the estimates of a fit, over its Gaussian posterior, and over the draws of its sample."""

import json
import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
import sensitivity_toys as toys
from report_example import make_content
from scipy.stats import rankdata

from kinimmune.fitting.configuration import write_configuration
from kinimmune.fitting.estimation.results import FIT_JSON
from kinimmune.fitting.estimation.run_files import FIT
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.predictions import predictions
from kinimmune.fitting.problem.problem import predict
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.runs.provenance import current_environment, hash_tables
from kinimmune.fitting.runs.run import Run, RunRecord, RunStatus, create_run
from kinimmune.fitting.sampling.results import write_sample
from kinimmune.fitting.sensitivity.responses import ResponseSettings, open_response
from kinimmune.fitting.sensitivity.results import SENSITIVITY_JSON
from kinimmune.fitting.settings import FitOptions, Settings
from kinimmune.models.tables.rows import Tables
from kinimmune.reports.pages.sensitivity import compose_sensitivities

SETTINGS = ProblemSettings(model="hcc_trial", tables=digest_inputs("hcc_trial", Tables()), patients=4, seed=1)
OUTPUT = "median:sharp:placebo:os"
DRAWS = 40


@dataclass(frozen=True)
class Fitted:
    """The run of a fit of four patients, whose estimates were written and not computed."""

    run: Run
    estimates: dict[str, float]

    @property
    def estimated(self):
        """Estimated parameters on which an output of SHARP can depend."""
        return tuple(key for key in self.estimates if not key.endswith(":asia_pacific"))

    def sample(self, seed, *, converged=True, spread=0.2):
        """Write a sample of which the second parameter follows the square of the first; return its draws of `estimated`."""
        generator = np.random.default_rng(seed)
        scores = generator.standard_normal((DRAWS, len(self.estimates)))
        scores[:, 1] = scores[:, 0] ** 2 + 0.3 * scores[:, 1]
        values = np.array(list(self.estimates.values())) * np.exp(spread * scores)
        write_sample(self.run, *toys.make_sample(values, tuple(self.estimates), converged=converged))
        return values[:, [list(self.estimates).index(key) for key in self.estimated]]


@pytest.fixture
def fitted(tmp_path):
    """Return a run without a sample."""
    result = replace(make_content().fit, patients=4, seed=1)
    made = ("kinimmune",), "hcc_trial", 1, "2026-01-31T12:00:00+00:00", current_environment(), hash_tables(None)
    record = RunRecord(*made, digest=SETTINGS.tables)
    run = create_run(tmp_path / "run", record)
    run.write(
        "config.toml",
        write_configuration(Settings(model="hcc_trial", jobs=1, fit=FitOptions(patients=4, correlations=False)), "fit"),
    )
    run.write(FIT, FIT_JSON.dump(result))
    run.update(RunStatus.DONE, 1.0)
    return Fitted(run, {row.name: row.value for row in result.parameters})


@pytest.mark.slow
def test_a_fit_is_studied_at_its_estimates_and_over_its_posterior_by_a_method_that_allows_it(kinimmune, tmp_path, fitted):
    """The posterior is narrower than the prior; both studies are kept beside each other."""
    problem = open_problem(SETTINGS, None)
    point = np.array([item.prior.to_z(fitted.estimates[item.key]) for item in problem.estimated])
    predicted = predictions(problem, predict(problem, [point])[0])[OUTPUT]
    asked = ("sensitivity", "run", "--output", OUTPUT, "--parameters", "growth,baseline_hazard", "--jobs", "1")

    refused = kinimmune(*asked, "--method", "sobol", "--posterior")
    local = kinimmune(*asked, "--method", "local", "--json", "-q")
    wide = kinimmune(*asked, "--method", "prcc", "--samples", "32", "--json", "-q")
    narrow = kinimmune(*asked, "--method", "prcc", "--samples", "32", "--posterior", "--json")

    assert refused[0] == 2
    assert "those of a posterior are correlated; take --method prcc" in refused[2]
    assert json.loads(local[1])["value"] == pytest.approx(predicted, rel=1e-9)
    assert json.loads(wide[1])["distribution"] == "prior"
    assert json.loads(wide[1])["posterior"] is None
    assert json.loads(narrow[1])["distribution"] == "posterior"
    assert json.loads(narrow[1])["posterior"] == "gaussian"
    assert "posterior: Gaussian by the curvature: the run holds no sample\n" in narrow[2]
    assert json.loads(narrow[1])["sd"] < 0.8 * json.loads(wide[1])["sd"]
    kept = {path.stem for path in (tmp_path / "run" / "results").glob("sensitivity-prcc-*.json")}
    assert kept == {f"sensitivity-prcc-median-sharp-placebo-os{end}" for end in ("", "-posterior")}


def over_draws(fitted, *more, samples=DRAWS):
    parameters = ("--parameters", ",".join(fitted.estimated), "--output", OUTPUT, "--method", "prcc", "--samples", str(samples))
    return ("sensitivity", "run", *parameters, "--posterior", "--json", "-q", "--jobs", "1", *more)


def test_prcc_over_a_sample_agrees_with_ranks_of_its_draws(kinimmune, fitted, tmp_path):
    """Every draw is asked for once, so the study has the ranks of all draws and of the output at them."""
    values = fitted.sample(1)
    respond = open_response(ResponseSettings(SETTINGS.plain, OUTPUT, fitted.estimated, fitted.estimates), None)
    output = respond(values).values[:, 0]

    code, out, _ = kinimmune(*over_draws(fitted))

    found = SENSITIVITY_JSON.load(out, tmp_path)
    ranks, of_output = rankdata(values, axis=0), rankdata(output)
    expected = [toys.residual_correlation(ranks, of_output, fitted.estimated.index(name)) for name in found.names]
    assert (code, found.failed, found.distribution, found.posterior) == (0, 0, "posterior", "sample")
    assert found.prcc == pytest.approx(expected, abs=1e-9)
    assert {row.distribution for row in found.inputs} == {"posterior, sampled"}
    assert "(40 draws of the sample of the run, worth 100 independent ones)" in str(compose_sensitivities((found,), {}))
    assert "(Gaussian by the curvature)" in str(compose_sensitivities((earlier(found, tmp_path),), {}))


def earlier(found, path):
    """Return a result as a version wrote it that knew no samples."""
    plain = json.loads(SENSITIVITY_JSON.dump(found))
    return SENSITIVITY_JSON.load(json.dumps({key: plain[key] for key in plain if not key.startswith("posterior")}), path)


def test_a_posterior_over_which_the_output_varies_within_its_error_gives_no_correlation(kinimmune, fitted):
    fitted.sample(1, spread=1e-7)

    code, out, err = kinimmune(*over_draws(fitted))

    assert (code, out) == (5, "")
    assert "at every point within its numerical error: it spreads over " in err


@pytest.mark.parametrize("method", ["local", "morris", "sobol"])
def test_methods_for_independent_inputs_are_refused_over_a_sample(kinimmune, fitted, method):
    fitted.sample(1)

    code, out, err = kinimmune("sensitivity", "run", "--output", OUTPUT, "--method", method, "--posterior")

    assert (code, out) == (2, "")
    assert re.search(f"--method {method} needs inputs that vary independently, and those of a posterior are correlated", err)


def test_more_rows_than_draws_are_refused(kinimmune, fitted):
    fitted.sample(1)

    code, _, err = kinimmune(*over_draws(fitted, samples=DRAWS + 1))

    assert code == 2
    assert "--samples 41: the sample of this run has 40 draws; take at most as many" in err


@pytest.mark.slow
def test_a_resumed_study_has_the_same_bits_and_after_a_new_sample_those_of_the_new_one(kinimmune, fitted, tmp_path):
    fitted.sample(1)
    first = kinimmune(*over_draws(fitted))[1]
    blocks = sorted((tmp_path / "run" / "results" / "tasks").glob("sensitivity-prcc-*"))
    blocks[-1].unlink()

    resumed = kinimmune(*over_draws(fitted, "--resume"))[1]
    fitted.sample(2)
    after = kinimmune(*over_draws(fitted, "--resume"))[1]
    anew = kinimmune(*over_draws(fitted, "--force"))[1]

    assert len(blocks) == 2
    assert resumed == first
    assert after == anew
    assert json.loads(after)["value"] != json.loads(first)["value"]


def test_a_sample_that_has_not_converged_is_not_used_and_that_is_told(kinimmune, fitted):
    fitted.sample(1, converged=False)

    found = json.loads(kinimmune(*over_draws(fitted, samples=16))[1])

    assert found["posterior"] == "gaussian"
    assert "the sample of the run has not converged (R-hat of a is 1.2)" in found["posterior_note"]
    assert {row["distribution"] for row in found["inputs"]} == {"posterior, Gaussian"}
