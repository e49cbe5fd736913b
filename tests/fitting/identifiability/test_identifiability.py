"""Laws of what holds each parameter: sensitivities against refits, effective numbers, shares against the claims' own read-out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from paths import OWN_TRIAL
from report_example import make_content

from kinimmune.cli.main import main
from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.fitting.claims.check import set_up
from kinimmune.fitting.claims.parameter_sets import nominal
from kinimmune.fitting.claims.readouts.hcc_trial import os_benefit_through
from kinimmune.fitting.claims.table import read_claims
from kinimmune.fitting.estimation.laplace import posterior_covariance
from kinimmune.fitting.estimation.optimise import minimise, optimise
from kinimmune.fitting.identifiability import mechanism_share
from kinimmune.fitting.identifiability.identifiability import count_tasks
from kinimmune.fitting.identifiability.information import (
    effective_parameters,
    informativeness,
    sensitivity,
    share_out,
    spectrum,
    symmetrise,
)
from kinimmune.fitting.identifiability.mechanism_share import (
    compute_benefits,
    draw_parameters,
    find_arrows,
    list_rules,
    share_of,
    without,
)
from kinimmune.fitting.identifiability.results import IDENTIFIABILITY_JSON, to_csv
from kinimmune.fitting.identifiability.verdicts import Findings, describe, find_support
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.likelihood import log_error
from kinimmune.fitting.problem.objective import Tolerance, TrialObjective
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.profile.optima import ProfileContext
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.tables.rows import Tables
from kinimmune.reports.figures.catalogue import list_figures
from kinimmune.reports.figures.recipes import draw_all
from kinimmune.reports.pages.run import compose_report

FINE = Tolerance(1e-9)
DESIGN = np.array([[2.0, 0.5, 0.0], [0.0, 0.0, 0.0], [0.5, 1.0, 0.3], [0.1, 0.0, 0.2], [0.0, 0.3, 1.5], [0.0, 0.0, 0.0]])
"""Jacobian of a linear problem with two residuals a target, shape (6, 3)"""


def refit_linear(data):
    """Return the estimate of the linear problem with unit priors about zero."""
    return np.linalg.lstsq(np.vstack([DESIGN, np.eye(3)]), np.concatenate([data, np.zeros(3)]), rcond=None)[0]


def test_sensitivity_of_a_linear_problem_is_what_a_refit_with_a_moved_number_gives():
    data = np.array([1.0, 0.0, -0.4, 0.3, 0.8, 0.0])
    answers = sensitivity(DESIGN, DESIGN.T @ DESIGN + np.eye(3))
    for place in range(6):
        moved = data + np.eye(6)[place]
        np.testing.assert_allclose(refit_linear(moved) - refit_linear(data), answers[:, place], atol=1e-12)


def test_variance_of_estimates_over_data_is_what_numbers_bring_and_shares_sum_to_one():
    answers = sensitivity(DESIGN, DESIGN.T @ DESIGN + np.eye(3))
    scatter = np.random.default_rng(3).standard_normal((20_000, 6))
    found = np.cov((scatter @ answers.T).T)
    np.testing.assert_allclose(np.diag(found), np.sum(answers**2, axis=1), rtol=0.05)
    shares = informativeness(answers, [slice(2 * place, 2 * place + 2) for place in range(answers.shape[1] // 2)])
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-12)
    alone = np.var(scatter[:, :2] @ answers[:, :2].T, axis=0)
    np.testing.assert_allclose(alone / np.diag(found), shares[:, 0], rtol=0.05, atol=0.01)
    assert not informativeness(np.zeros((3, 6)), [slice(0, 2), slice(2, 6)]).any()


def test_shares_of_correlated_numbers_add_to_the_variance_and_do_not_depend_on_the_order():
    """That is A R A'; of two numbers that are nearly one each has half."""
    answers = sensitivity(DESIGN, DESIGN.T @ DESIGN + np.eye(3))
    correlations = np.eye(6)
    correlations[0, 3] = correlations[3, 0] = 0.7
    shared = share_out(answers, correlations)
    np.testing.assert_allclose((shared**2).sum(axis=1), np.diag(answers @ correlations @ answers.T), rtol=1e-12)
    order = np.array([4, 3, 0, 1, 5, 2])
    turned = share_out(answers[:, order], correlations[np.ix_(order, order)])
    np.testing.assert_allclose(turned, shared[:, order], atol=1e-12)
    np.testing.assert_allclose(share_out(answers, np.eye(6)), answers, atol=1e-12)
    halves = share_out(np.array([[1.0, 1.0]]), np.array([[1.0, 0.999999], [0.999999, 1.0]])) ** 2
    np.testing.assert_allclose(halves, [[2.0, 2.0]], rtol=1e-3)


def test_effective_parameters_are_the_trace_and_the_shares_the_priors_leave():
    values, vectors = spectrum(DESIGN)
    information = DESIGN.T @ DESIGN
    assert effective_parameters(values) == pytest.approx(np.trace(information @ posterior_covariance(DESIGN)), rel=1e-12)
    assert effective_parameters(values) == pytest.approx(3.0 - np.trace(posterior_covariance(DESIGN)), rel=1e-12)
    np.testing.assert_allclose(information @ vectors.T, vectors.T * values, atol=1e-12)
    assert np.all(np.diff(values) <= 0.0)
    assert np.all(np.max(vectors, axis=1) == np.max(np.abs(vectors), axis=1))


def test_a_hessian_that_is_none_is_replaced():
    jacobian = DESIGN[:, :2]
    asymmetric = [[4.0, 1.0], [3.0, 5.0]]
    np.testing.assert_array_equal(symmetrise(asymmetric, jacobian)[0], [[4.0, 2.0], [2.0, 5.0]])
    replaced, exact = symmetrise([[1.0, 2.0], [2.0, 1.0]], jacobian)
    assert not exact
    np.testing.assert_array_equal(replaced, jacobian.T @ jacobian + np.eye(2))


@pytest.mark.parametrize(
    ("contraction", "left_out", "doubled", "words"),
    [
        (0.95, 3.0, 3.0, "left to its prior"),
        (0.7, 0.2, 0.3, "narrowed by the data, held by its prior"),
        (0.7, 0.2, -1.3, "narrowed by the data, held by its prior, and moves when priors widen"),
        (0.3, -1.2, 0.0, "held by the data, above all by x"),
    ],
)
def test_verdicts_follow_contraction_and_refits(contraction, left_out, doubled, words):
    assert describe(Findings(find_support(contraction), "x", left_out, doubled)) == words


@pytest.fixture(scope="module")
def context():
    """Return `hcc_trial` with one study and 8 patients."""
    settings = ProblemSettings(model="hcc_trial", tables=digest_inputs("hcc_trial", Tables(OWN_TRIAL)), patients=8, seed=1)
    return ProfileContext(settings, str(OWN_TRIAL), open_problem(settings, str(OWN_TRIAL)))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of that fit, after `kinimmune profile` told what holds its parameters."""
    folder = str(tmp_path_factory.mktemp("runs") / "small")
    small = ("--patients", "8", "--starts", "1", "--jobs", "1", "--quiet")
    assert main(("fit", "hcc_trial", "--data", str(OWN_TRIAL), *small, "-o", folder)) == 0
    assert main(command(folder)) == 0
    return folder


def command(folder):
    return ("profile", folder, "--identifiability-only", "--draws", "4", "--jobs", "1", "--quiet", "--json")


@pytest.mark.slow
def test_the_steps_are_as_many_as_were_counted_beforehand(context, run):
    names = TaskStore(Path(run) / "results" / "tasks").names("profile")

    assert len(names) == count_tasks(context) + mechanism_share.count_tasks(context, 4)
    assert mechanism_share.count_tasks(context, 0) == 0


@pytest.fixture(scope="module")
def best(context):
    return np.array(optimise(context.problem, np.zeros(len(context.problem.estimated)), lambda _: None).z)


@pytest.fixture(scope="module")
def identified(run):
    """Return what holds the parameters of the small fit, with four draws for the shares."""
    path = Path(run) / "results" / "identifiability.json"
    return IDENTIFIABILITY_JSON.load(path.read_text(), path)


@pytest.mark.slow
def test_sensitivity_of_the_fit_agrees_with_refits_to_a_moved_median(context, best, identified):
    """The median of one arm a tenth of a standard error up and down, fitted again to more digits than usual."""
    result = identified
    best = np.array(minimise(TrialObjective(context.problem), best, lambda _: None, tolerance=FINE).z)
    place = next(number for number, target in enumerate(context.problem.targets) if target.endpoint == "os")
    target = context.problem.targets[place]
    error = log_error(target, context.problem.trial(target.study).follow_up[target.endpoint])
    expected = np.array(result.sensitivity)[:, place]
    ends = []
    for sign in (-0.1, 0.1):
        moved = replace(target, value=target.value * np.exp(sign * error))
        targets = tuple(moved if item is target else item for item in context.problem.targets)
        objective = TrialObjective(replace(context.problem, targets=targets))
        ends.append(np.array(minimise(objective, best, lambda _: None, tolerance=FINE).z))
    assert result.exact_curvature
    np.testing.assert_allclose((ends[1] - ends[0]) / 0.2, expected, atol=0.1 * np.max(np.abs(expected)))


@pytest.mark.slow
def test_refits_and_draws_are_there_and_json_gives_the_result_back(context, identified):
    text = IDENTIFIABILITY_JSON.dump(identified)
    assert IDENTIFIABILITY_JSON.load(text, Path("x.json")) == identified
    with pytest.raises(DataError, match=r"x.json does not tell what is identified: names"):
        IDENTIFIABILITY_JSON.load(text.replace('"names"', '"other"'), Path("x.json"))
    assert [item.change for item in identified.left_out] == [target.label for target in context.problem.targets]
    assert len(identified.drawn_eigenvalues) == 20
    assert all(len(row) == len(identified.targets) for row in identified.sensitivity)
    assert len(to_csv(identified).splitlines()) == 1 + len(identified.names)
    assert {row.draws + row.without_benefit for row in identified.shares.rows} <= {3, 4}  # one may have no events at all


@pytest.mark.slow
def test_leaving_a_number_out_lowers_the_cost_and_wider_priors_do_too(context, best, identified):
    result = identified
    row = TrialObjective(context.problem).residuals(best)
    whole = float(row @ row)
    for place, refit in enumerate(result.left_out):
        kept = np.delete(row, [2 * place, 2 * place + 1])
        assert refit.cost <= float(kept @ kept) + 1e-3
    assert result.doubled.cost < whole


@pytest.mark.slow
def test_a_mechanism_without_effect_has_no_share_and_all_of_the_drug_has_all_of_it(context, best):
    """With the effects on Tregs and PD-1 near zero nothing runs through them; with every drug arrow cut nothing is left."""
    point = draw_parameters(context.problem, best, 1).fit[0]
    constants = [item for item in context.problem.parameters if not item.estimated and item.prior.scale != "fixed"]
    names = [*(item.key for item in context.problem.estimated), *(item.key for item in constants)]
    weak = point.copy()
    for name in ("treg_proliferation_effect", "treg_death_effect", "treg_function_effect", "pd1_effect"):
        weak[names.index(name)] = -12.0
    arrows = find_arrows(context.folder, "hcc_trial")
    every = [*arrows, "raf_inhibition", "vegfr2_block", "pdgfrb_block"]
    inputs = {"problem": context.settings.plain, "folder": context.folder, "jobs": 1, "rules": ["radiological"]}
    found = compute_benefits({**inputs, "points": [weak.tolist(), point.tolist()], "arrows": list(arrows)})
    assert share_of(*found["benefits"][0]["example:radiological"]["hazard_ratio"]) == pytest.approx(0.0, abs=1e-4)
    assert 0.02 < share_of(*found["benefits"][1]["example:radiological"]["hazard_ratio"]) < 1.0
    bare = compute_benefits({**inputs, "points": [point.tolist()], "arrows": every})
    assert share_of(*bare["benefits"][0]["example:radiological"]["hazard_ratio"]) == pytest.approx(1.0, abs=0.02)


@pytest.mark.slow
def test_the_share_is_that_of_the_claims_read_out_when_the_drug_is_never_stopped():
    """The claim about SHARP is read from virtual trials of 64 patients by a batch with a horizon of its own."""
    claims = read_claims(Tables(), "hcc_trial")
    claim = next(item for item in claims if item.readout == "os_benefit_through")
    setup = set_up(load_model("hcc_trial"), claims, Tables(), 1)
    expected = float(os_benefit_through(ExperimentBatch(setup, nominal(setup.compiled.model.parameters)), claim)[0])
    settings = ProblemSettings(model="hcc_trial", tables=digest_inputs("hcc_trial", Tables()), patients=64, seed=1)
    problem = open_problem(settings, None)
    constants = [item for item in problem.parameters if not item.estimated and item.prior.scale != "fixed"]
    point = [item.prior.to_z(item.value) for item in (*problem.estimated, *constants)]
    found = compute_benefits(
        {"problem": settings.plain, "folder": None, "jobs": 1, "points": [point], "arrows": list(find_arrows(None, "hcc_trial")),
         "rules": ["never"]}
    )  # fmt: skip
    assert share_of(*found["benefits"][0]["sharp:never"]["hazard_ratio"]) == pytest.approx(expected, abs=1e-3)


def test_a_rule_is_left_out_where_a_study_does_not_say_when_symptoms_progress(context):
    assert list_rules(context.problem) == ("radiological", "one_scan_later")
    settings = ProblemSettings(model="hcc_trial", tables=digest_inputs("hcc_trial", Tables()), patients=16, seed=1)
    assert list_rules(open_problem(settings, None)) == ("radiological", "one_scan_later", "radiological_and_symptomatic")


def test_cutting_arrows_turns_their_switches_off_and_no_others(context):
    from kinimmune.fitting.identifiability.mechanism_share import _open_switched

    problem = _open_switched(context.settings, context.folder)
    cut = without(problem, ["pd1_block"])
    changed = {item.name for item, before in zip(cut.parameters, problem.parameters, strict=True) if item != before}
    assert changed == {"keep_pd1_block"}


@pytest.mark.slow
def test_pages_and_figures_appear_when_a_run_has_them(identified, tmp_path):
    content = make_content()
    full = replace(content, identifiability=identified)
    new = {item.name for item in list_figures(full)} - {item.name for item in list_figures(content)}
    assert new == {"spectrum", "sensitivity", "mechanism_share"}
    drawn = draw_all([item for item in list_figures(full) if item.name in new], tmp_path)
    assert [item.block.failure for item in drawn.values()] == ["", "", ""]
    heads = [getattr(block, "text", "") for block in compose_report(full, drawn).blocks]
    assert "What holds each parameter" in heads
    assert any(text.startswith("What runs through ") for text in heads)
    assert "What holds each parameter" not in [getattr(block, "text", "") for block in compose_report(content, {}).blocks]


@pytest.mark.slow
def test_the_command_refuses_kept_steps_goes_on_to_the_same_bits_and_suggests_names(run, identified, capsys):
    files = {path: path.read_bytes() for path in (Path(run) / "results").rglob("profile-*")}
    assert len(files) > 30
    assert main(command(run)) == 2
    assert "--resume goes on" in capsys.readouterr().err
    next(iter(sorted(files))).unlink()
    assert main((*command(run), "--resume")) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(IDENTIFIABILITY_JSON.dump(identified))
    assert printed["schema"] == "kinimmune.identifiability/1"
    assert {path: path.read_bytes() for path in files} == files
    assert main(("profile", run, "--parameters", "kinase_shfit")) == 2
    assert "did you mean 'kinase_shift'?" in capsys.readouterr().err


def test_the_mechanism_whose_share_is_measured_is_that_of_the_claim_about_a_share_of_benefit():
    claim = next(item for item in read_claims(Tables(), "hcc_trial") if item.readout == "os_benefit_through")

    assert find_arrows(None, "hcc_trial") == tuple(claim.knock_outs[0].split("+"))
    assert find_arrows(None, "hcc_mouse") == find_arrows(None, "gompertz") == ()
