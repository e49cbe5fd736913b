"""Names mean nothing to a trial: a model with every name changed at random gives the same numbers to the last bit."""

from dataclasses import replace

import numpy as np
import pytest
from renamed import renamed_model
from straight_trial import make_cohort, make_simulator, make_straight_model, numbers_of

from kinimmune.fitting.problem.problem import arm_cohort
from kinimmune.models.solvers.integrators import choose_integrator
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.trial.design import StopRule
from kinimmune.models.trial.microsimulation import simulate_patients
from kinimmune.models.trial.regimens import plan_dosing
from kinimmune.models.trial.simulator import TrialSimulator
from kinimmune.models.trial.virtual_trial import mean_courses, run_arms


@pytest.fixture(scope="module")
def hcc(hcc_problem):
    """Return the simulator of hcc_trial, one of a renamed copy, and the new names."""
    one = hcc_problem.simulator
    renamed = renamed_model(one.model)
    compiled = compile_model(renamed.model)
    other = TrialSimulator(compiled, choose_integrator("kernel", compiled), one.tolerances, one.horizon, one.every_scan)
    return one, other, renamed.names


def redose(cohort, simulator):
    """Return a cohort that is given its drugs in another model."""
    horizon = float(simulator.grid(cohort.trial)[-1])
    return replace(cohort, dosing=plan_dosing(simulator.model, cohort.arm.administrations, {}, horizon))


@pytest.mark.slow
def test_every_name_is_another_and_the_hazards_stand_where_they_stood(hcc):
    one, other, names = hcc
    assert all(old != new for old, new in names.items())
    assert len(set(names.values())) == len(names)
    assert not set(names) & set(names.values())
    places = [[simulator.model.state_names.index(name) for name in simulator.roles.hazards] for simulator in (one, other)]
    assert places[0] == places[1]


@pytest.mark.slow
def test_a_renamed_model_has_the_same_trial_to_the_last_bit(hcc, hcc_problem, hcc_point):
    one, other, names = hcc
    for study, arm in hcc_problem.arms:
        cohort = arm_cohort(hcc_problem, hcc_point, study, arm).part(slice(0, 16))
        renamed = replace(
            cohort, dosing=plan_dosing(other.model, cohort.arm.administrations, {}, float(one.grid(cohort.trial)[-1]))
        )
        first, second = (numbers_of(run_arms(*pair, 1)[0]) for pair in ((one, [cohort]), (other, [renamed])))
        for name in first:
            assert np.array_equal(first[name], second[name]), (study, arm, name)
        courses = mean_courses(one, cohort, one.model.reported_courses)
        again = mean_courses(other, renamed, other.model.reported_courses)
        for name, course in courses.items():
            assert np.array_equal(course, again[names[name]]), (study, arm, name)


@pytest.mark.slow
def test_a_renamed_model_has_the_same_patients_to_the_last_bit(hcc, hcc_problem, hcc_point):
    one, other, _ = hcc
    cohort = arm_cohort(hcc_problem, hcc_point, "sharp", "sorafenib")
    first, second = (simulate_patients(*pair, 3) for pair in ((one, cohort), (other, redose(cohort, other))))
    for name in ("death", "stop", "progression", "log_diameter"):
        assert np.array_equal(getattr(first, name), getattr(second, name), equal_nan=True), name


@pytest.mark.parametrize("seed", [1, 2])
def test_a_renamed_toy_has_the_same_trial_under_any_names(seed):
    model = make_straight_model(3)
    renamed = renamed_model(model, seed).model
    assert {*renamed.state_names, *renamed.parameter_names}.isdisjoint({*model.state_names, *model.parameter_names})
    cohort = make_cohort(model, StopRule.RADIOLOGICAL)
    one, other = make_simulator(model), make_simulator(renamed)
    first, second = (numbers_of(run_arms(*pair, 1)[0]) for pair in ((one, [cohort]), (other, [redose(cohort, other)])))
    for name in first:
        assert np.array_equal(first[name], second[name]), name
