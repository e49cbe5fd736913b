"""Sobol' indices of a learned output: closed forms, the error that is measured, and when the model itself is run."""

import math
from dataclasses import replace

import numpy as np
import pytest
import sensitivity_toys as toys

from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.settings import ProblemSettings
from kinimmune.fitting.sensitivity.blocks import Study
from kinimmune.fitting.sensitivity.designs import Method
from kinimmune.fitting.sensitivity.indices import compute_indices, widen_indices
from kinimmune.fitting.sensitivity.learned import draw_learned, learn_output
from kinimmune.fitting.sensitivity.results import SENSITIVITY_JSON
from kinimmune.fitting.sensitivity.study import StudyRequest, plan_study, study_sensitivity
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.errors import UsageError
from kinimmune.models.tables.rows import Tables


def learn(function, inputs, *, noise=0.0, seed=1):
    given = {"function": function, "failing": 0.0, "noise": noise, "error": 0.0, "scale": 1.0}
    study = Study(toys.design(Method.SOBOL, inputs, seed=seed), 512, "toy-", toys.MEASURE, given, {})
    return study, learn_output(study, Runtime())


@pytest.mark.slow
def test_indices_of_a_learned_function_are_the_closed_forms_within_their_half_widths():
    study, learned = learn("ishigami", toys.uniform(3, -math.pi, math.pi))
    found = widen_indices(compute_indices(study.design, draw_learned(learned, study.design, 2048), ()), learned.report.missed)

    first, total = toys.ishigami_indices()
    assert learned.trusted
    assert np.all(np.abs(np.array(found["S1"]) - first) <= np.array(found["S1_conf"]) + 0.005)
    assert np.all(np.abs(np.array(found["ST"]) - total) <= np.array(found["ST_conf"]) + 0.005)
    assert learned.report.missed < 0.01


@pytest.mark.slow
def test_the_error_on_unseen_draws_is_that_of_what_cannot_be_learned():
    """Noise uniform within +-w has variance w^2/3; the function's own is that of its coefficients, uniform inputs 1/12 each."""
    study, learned = learn("linear", toys.uniform(4, 0.0, 1.0), noise=0.5)
    own, noise = float(np.sum(toys.COEFFICIENTS**2)) / 12.0, 0.25 / 3.0

    assert learned.report.missed == pytest.approx(noise / (own + noise), rel=0.35)
    assert not learned.trusted
    assert learned.report.error == pytest.approx(math.sqrt(noise), rel=0.2)
    _, exact = learn("linear", toys.uniform(4, 0.0, 1.0))
    assert exact.report.missed < 1e-12
    assert (exact.report.taught, exact.report.unseen) == (640, 160)
    assert study.samples == 512


@pytest.fixture(scope="module")
def question():
    problem = ProblemSettings(model="gompertz", tables=digest_inputs("gompertz", Tables()), patients=8, seed=1)
    ranges = {"retardation": (0.01, 0.2), "capacity": (100.0, 10_000.0), "start_volume": (1.0, 50.0)}
    return StudyRequest(problem, None, Method.SOBOL, "state:volume:30", samples=256, ranges=ranges)


@pytest.mark.slow
def test_a_study_by_a_surrogate_agrees_with_one_by_the_model_and_says_what_it_missed(question):
    model = study_sensitivity(plan_study(question), Runtime())
    found = study_sensitivity(plan_study(replace(question, by="surrogate")), Runtime())

    assert (model.by, model.learned, model.evaluations) == ("model", None, 256 * 5)
    assert (found.by, found.n, found.evaluations) == ("surrogate", 256, 800)
    assert found.learned.missed < 0.02
    np.testing.assert_allclose(found.ST, model.ST, atol=0.05)
    assert SENSITIVITY_JSON.load(SENSITIVITY_JSON.dump(found), "study.json") == found


def test_an_individual_is_computed_by_the_model_and_other_methods_have_no_surrogate(question):
    assert not plan_study(question).learns
    assert plan_study(replace(question, by="surrogate")).learns
    with pytest.raises(UsageError, match="--by surrogate: --method prcc runs the model"):
        plan_study(replace(question, method=Method.PRCC, by="surrogate"))


@pytest.mark.parametrize(("samples", "by", "learns"), [(512, None, True), (32, None, False), (512, "model", False)])
def test_a_virtual_trial_is_learned_where_that_takes_fewer_runs(question, samples, by, learns):
    problem = question.problem.model_copy(update={"model": "hcc_trial", "tables": digest_inputs("hcc_trial", Tables())})
    ranges = {"growth_spread": (1.0, 1.5), "burden_exponent": (0.3, 1.0)}
    asked = replace(question, problem=problem, output="hazard_ratio:sharp:os", ranges=ranges, samples=samples, by=by)

    assert plan_study(asked).learns is learns
