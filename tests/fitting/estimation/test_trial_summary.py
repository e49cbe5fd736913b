"""The described trial of models with other parts than the package's, and the published form of its JSON."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from straight_trial import DEATH, LIVER, RELIEF, make_simulator, make_straight_model, make_trial

from kinimmune.fitting.estimation.trial_results import TRIAL_JSON, TrialResult
from kinimmune.fitting.estimation.trial_summary import describe_trial, hazard_course
from kinimmune.fitting.problem.outputs import OutputCatalogue, parse_output
from kinimmune.fitting.problem.predictions import predictions
from kinimmune.fitting.problem.problem import FitProblem, build_problem, predict
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.profile.predictions import profilable_predictions
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Endpoint, StopRule
from kinimmune.models.trial.population import draw_population

NOWHERE = np.zeros(0)
"""The point of a problem that estimates nothing."""
SURVIVAL_ALONE = make_straight_model(2, lesions=False, diameter=False)


def make_problem(model: OdeModel) -> FitProblem:
    """Return the trial of a straight model with nothing to fit."""
    trial = replace(make_trial(), stop_rule=StopRule.NEVER)
    return FitProblem(
        simulator=make_simulator(model),
        parameters=model.parameters,
        estimated=(),
        trials=(trial,),
        arms=tuple((trial.study, arm.name) for arm in trial.arms),
        targets=(),
        rules={trial.study: trial.stop_rule},
        population=draw_population(model.parameters, 2, 1),
    )


def describe(model: OdeModel) -> TrialResult:
    problem = make_problem(model)
    return describe_trial(problem, NOWHERE, predict(problem, [NOWHERE])[0], 1)


@pytest.fixture(scope="module")
def survival_alone() -> TrialResult:
    """Return the trial of a model with two causes of death and no progression."""
    return describe(SURVIVAL_ALONE)


def test_a_trial_without_progression_is_described_by_survival_alone(survival_alone):
    assert [row.endpoint for row in survival_alone.contrasts] == [Endpoint.OS]
    ratio = (DEATH - RELIEF + LIVER) / (DEATH + LIVER)
    assert survival_alone.contrasts[0].hazard_ratio == pytest.approx(ratio, rel=1e-4)
    for arm in survival_alone.arms:
        assert (arm.new_lesion_share, arm.best_change, arm.spiders) == (0.0, (), ())
        assert set(arm.ttp_survival) == {1.0}
    assert {row.name.split(":")[-1] for row in survival_alone.quadrature} == {"os"}


def test_the_share_of_the_last_cause_is_that_of_its_rate(survival_alone):
    drug, placebo = survival_alone.arms
    assert drug.last_cause_share == pytest.approx(LIVER / (DEATH - RELIEF + LIVER), rel=1e-4)
    assert placebo.last_cause_share == pytest.approx(LIVER / (DEATH + LIVER), rel=1e-4)


def test_a_trial_shows_the_courses_its_model_declares(survival_alone):
    assert all(list(arm.courses) == ["line"] for arm in survival_alone.arms)
    assert not any(arm.courses for arm in describe(replace(SURVIVAL_ALONE, reported_courses=())).arms)


def test_names_of_predictions_are_of_the_endpoints_the_model_has():
    problem = make_problem(make_straight_model(1, lesions=False, diameter=False))
    named = predictions(problem, predict(problem, [NOWHERE])[0])
    assert list(named) == ["median:straight:drug:os", "median:straight:placebo:os", "hazard_ratio:straight:os"]
    assert set(profilable_predictions(problem)) == set(named)
    known = OutputCatalogue(problem.simulator.model, problem.trials, ())
    with pytest.raises(UsageError, match=r"no endpoint 'ttp'"):
        parse_output("hazard_ratio:straight:ttp", known)


def test_a_target_of_progression_is_refused_where_a_model_has_none():
    problem = make_problem(make_straight_model(1, lesions=False, diameter=False))
    target = next(item for item in read_targets(model="hcc_trial") if item.label == "median:sharp:sorafenib:ttp")
    with pytest.raises(UsageError, match="median:straight:drug:ttp: model 'straight' has no progression"):
        replace(problem, targets=(replace(target, study="straight", arm="drug"),))


def test_a_model_that_arms_of_the_tables_cannot_be_run_in_is_not_fitted():
    why = "has no hazard of death"
    with pytest.raises(
        UsageError, match=f"model 'gompertz' cannot be fitted: .*the model {why}, or .*; models that can be fitted: breast"
    ):
        build_problem("gompertz", Tables(), patients=2, seed=1)


def test_the_json_of_a_trial_keeps_its_published_keys(survival_alone):
    text = TRIAL_JSON.dump(survival_alone)
    keys = set(json.loads(text)["arms"][0])
    assert "liver_death_share" in keys
    assert "last_cause_share" not in keys
    assert TRIAL_JSON.load(text, Path("trial.json")) == survival_alone


def test_the_course_of_a_hazard_ratio_ends_where_an_arm_has_no_survivors_left():
    """No hazard is the logarithm of nothing; before, the ratio of constant hazards stays what it is."""
    time = np.array([10.0, 20.0, 30.0, 40.0])
    control = np.array([*np.exp(-0.1 * time[:3]), 0.0])
    months, course = hazard_course(np.exp(-0.05 * time), control, time, 100.0)
    assert months == pytest.approx(time[:3] / 30.44)
    assert course == pytest.approx([0.5] * 3)
