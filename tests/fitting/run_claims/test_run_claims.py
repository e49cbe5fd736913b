"""Claims of a run: draws that have the moments of its fit or are those of its sample, and what the command keeps and prints."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from own_runs import call, fit_own_model
from paths import OWN_MODEL

from kinimmune.fitting.claims.run import ClaimTesting
from kinimmune.fitting.estimation.fitted import read_fitted
from kinimmune.fitting.estimation.run_files import read_tested_claims
from kinimmune.fitting.problem.posterior_draws import GAUSSIAN, SAMPLE
from kinimmune.fitting.problem.settings import open_problem
from kinimmune.fitting.run_claims.run import try_fit
from kinimmune.fitting.runs.run import open_run
from kinimmune.fitting.sampling.posterior import draw_normal, read_posterior
from kinimmune.fitting.sampling.results import Draws, SampledParameter, SampleResult, write_sample
from kinimmune.fitting.sampling.surrogate import NormalApproximation
from kinimmune.models.errors import DataError
from kinimmune.reports.gather import ReportedClaims, gather_run
from kinimmune.reports.pages.run import compose_report
from kinimmune.reports.typesetting.blocks import Heading

HELD = ("--fix", "kill=0.02")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a small fit of a model that is not the library's."""
    return fit_own_model(tmp_path_factory.mktemp("runs") / "own")


@pytest.fixture
def fitted(folder, tmp_path):
    """Return the fit of a copy of the run, which a test may change."""
    shutil.copytree(folder, tmp_path / "run")
    return read_fitted(open_run(tmp_path / "run"))


def test_normal_draws_have_the_mean_and_covariance_of_the_fit(fitted):
    """On the scales of the priors, estimates, standard errors and correlation of `fit.json` come back."""
    draws = 4000
    posterior = read_posterior(fitted, draws, 3)
    rows, table = fitted.result.parameters, {item.key: item for item in open_problem(fitted.settings, fitted.folder).estimated}
    scores = np.array(
        [
            [table[name].prior.scale.transform(value) for value in column]
            for name, column in zip(posterior.names, posterior.draws.T, strict=True)
        ]
    )
    errors = np.array([row.standard_error for row in rows])
    centre = np.array([table[row.name].prior.scale.transform(row.value) for row in rows])

    assert (posterior.basis, posterior.effective) == (GAUSSIAN, None)
    assert posterior.note.endswith("as the run holds no sample")
    assert posterior.estimates.tolist() == [row.value for row in rows]
    assert np.all(np.abs(scores.mean(axis=1) - centre) < 4.0 * errors / np.sqrt(draws))
    np.testing.assert_allclose(scores.std(axis=1), errors, rtol=4.0 / np.sqrt(2.0 * draws))
    np.testing.assert_allclose(np.corrcoef(scores), fitted.result.correlation, atol=4.0 / np.sqrt(draws))


def test_normal_draws_lie_within_the_ranges_of_the_tables(fitted):
    """However wide the approximation, no value lies beyond what the tables allow."""
    estimated = open_problem(fitted.settings, fitted.folder).estimated
    n = len(estimated)
    draws = draw_normal(NormalApproximation(np.zeros(n), 1e4 * np.eye(n)), estimated, 200, 1)
    for item, values in zip(estimated, draws.T, strict=True):
        assert item.lower <= values.min() < values.max() <= item.upper


def test_fitted_are_the_studies_and_experiments_of_the_targets_and_no_others(fitted):
    """A study of the virtual trial of which no number was fitted, though it has a rule to stop treatment, is not."""
    (row, *others) = fitted.result.targets
    measured = replace(row, statistic="ratio", read_out="tumour_volume", day=28.0, arm="fast_growth", reference_arm="untreated")

    def read(*targets):
        return read_posterior(replace(fitted, result=replace(fitted.result, targets=targets)), 16, 3)

    assert read(row, *others).places == {"first_trial"} == set(fitted.result.stop_rules)
    found = read(measured)
    assert found.places == {"fast_growth", "untreated"}
    assert found.comparisons == {("tumour_volume", "fast_growth", "untreated")}
    assert not read(row).comparisons
    assert not read().places


def make_sample(fitted, *, converged, names=None, count=50):
    """Write a sample of the run whose draws are the estimates times 1, 2, 3, ..."""
    keys = tuple(row.name for row in fitted.result.parameters)
    parameters = tuple(
        SampledParameter(key, "x", "1", 1.0, 1.0, 1.0, 0.5, 1.0, size, 30.0, 1.0)
        for key, size in zip(keys, (40.0, 20.0, None), strict=True)
    )
    faults = () if converged else ("20 steps are fewer than 50 autocorrelation times", "more")
    counts = (4, 8, 20, 5, converged, faults, (0.3,) * 4, 640, 0, count, 0)
    result = SampleResult("five_states", 1, 8, *counts, parameters, (), (), (), (), (), ((1.0,),))
    estimates = np.array([row.value for row in fitted.result.parameters])
    values = np.arange(1.0, count + 1.0)[:, None] * estimates
    write_sample(fitted.run, result, Draws(names or keys, values, tuple((1, k, 0, 0.0) for k in range(count))))
    return values


def test_draws_of_a_sample_that_has_converged_are_thinned_evenly_and_count_for_the_independent_ones(fitted):
    """Every fifth is taken, each once, in an order that has no place for the steps of the sampler."""
    values = make_sample(fitted, converged=True)
    posterior = read_posterior(fitted, 10, 3)
    assert (posterior.basis, posterior.effective) == (SAMPLE, 20.0)
    assert posterior.note == "draws of the run's sample, 10 of 50"
    factors = (posterior.draws / values[0])[:, 0].round(9)
    assert sorted(np.diff(sorted(factors))) == pytest.approx(9 * [49.0 / 9.0], abs=1.0)
    assert sorted(factors) != list(factors)
    everything = read_posterior(fitted, 1000, 3)
    assert sorted(map(tuple, everything.draws)) == sorted(map(tuple, values))


def test_a_sample_that_has_not_converged_is_not_used_and_said_so(fitted):
    """Its draws depend on where the walkers began."""
    make_sample(fitted, converged=False)
    posterior = read_posterior(fitted, 16, 3)
    assert posterior.basis == GAUSSIAN
    assert posterior.note.endswith("as the sample of the run has not converged: 20 steps are fewer than 50 autocorrelation times")


def test_a_sample_of_other_parameters_is_refused(fitted):
    """It is of a fit before."""
    make_sample(fitted, converged=True, names=("a", "b", "c"))
    with pytest.raises(DataError, match="the sample of this run is of other parameters than its fit estimates; sample again"):
        read_posterior(fitted, 16, 3)


def test_claims_of_a_run_are_printed_kept_and_reported(fitted):
    """The command writes what it prints; the report shows it without testing again."""
    run = fitted.run
    code, out, err = call("claims", run.path, "--draws", "16", "--jobs", "1", "--json")
    content = json.loads(out)

    assert (code, err) == (0, "claims of five_states at the fit\n")
    assert content["schema"] == "kinimmune.claims/1"
    assert {item["basis"] for item in content["claims"]} == {GAUSSIAN}
    assert json.loads((run.path / "results" / "claims.json").read_text(encoding="utf-8")) == content
    kept = read_tested_claims(run)
    assert [item.posterior_fraction for item in kept] == [item["posterior_fraction"] for item in content["claims"]]
    assert {item.posterior_draws for item in kept} == {16}
    shown, warnings = gather_run(run, ReportedClaims(None, 1, 1, lambda _: None))
    assert (shown.claims, warnings) == (kept, ())
    assert "Claims at the fit of this run" in {
        block.text for block in compose_report(shown, {}).blocks if isinstance(block, Heading)
    }
    code, out, _ = call("claims", run.path, "--draws", "16", "--jobs", "1")
    assert code == 0
    assert "posterior: draws of the normal approximation at the optimum, as the run holds no sample" in out


def test_a_report_that_tests_claims_tests_them_at_the_fit_too_or_says_why_not(fitted):
    """`report RUN --draws` keeps what `claims RUN` would; where tables changed it tries the priors and warns."""
    claims = ReportedClaims(16, 1, 1, lambda _: None)
    content, warnings = gather_run(fitted.run, claims)
    assert ({item.basis for item in content.claims}, warnings) == ({GAUSSIAN}, ())
    table = fitted.run.path / "tables" / "targets.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",os,median,12.5,", ",os,median,12.6,"), encoding="utf-8")
    content, warnings = gather_run(fitted.run, claims)
    assert {item.basis for item in content.claims} == {None}
    assert len(warnings) == 2
    assert warnings[1].startswith("claims are tried over the priors alone, not at the fit: changed since run ")
    code, out, err = call("claims", fitted.run.path, "--draws", "16")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "changed since run" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nowhere/run",), 2, "no run 'nowhere/run'"),
        (
            ("{run}", "--data", "tables"),
            2,
            "--data tables: run '{run}' keeps its tables; leave it out, or test the claims of the model",
        ),
        (("{run}", "--draws", "3"), 2, "Invalid value for '--draws'"),
    ],
)
def test_a_mistake_about_a_run_is_one_line(fitted, arguments, code, message):
    """What was given, and what to do."""
    place = str(fitted.run.path)
    found, out, err = call("claims", *(word.replace("{run}", place) for word in arguments))
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert message.replace("{run}", place) in err


def test_a_run_without_a_finished_fit_is_refused(fitted):
    """There are no estimates to try claims at."""
    (fitted.run.path / "results" / "fit.json").unlink()
    code, _, err = call("claims", fitted.run.path, "--draws", "16")
    assert code == 3
    assert "holds no finished fit" in err


def test_what_was_changed_at_the_call_of_the_fit_holds_for_its_claims(tmp_path):
    """A parameter held at another value is at that value where claims are tried."""
    path = tmp_path / "held"
    assert call("fit", OWN_MODEL, "-o", path, "--patients", "8", "--starts", "1", "--jobs", "1", "-q", *HELD)[0] == 0
    held = read_fitted(open_run(path))
    found = {item.id: item for item in try_fit(held, ClaimTesting(16, 1, 1), lambda _: None).records}
    usual = {item["id"]: item for item in json.loads(call("claims", OWN_MODEL, "--draws", "16", "--json", "-q")[1])["claims"]}
    assert found["M1"].value != pytest.approx(usual["M1"]["value"], rel=1e-3)
