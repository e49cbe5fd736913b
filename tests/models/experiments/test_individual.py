"""One individual: which arm or experiment a name means, how long it is followed, and that its course is the model's."""

from dataclasses import replace

import numpy as np
import pytest

from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import UsageError
from kinimmune.models.experiments.design import Designs, Experiment
from kinimmune.models.experiments.individual import (
    USUAL_DAYS,
    IndividualRequest,
    plan_individual,
    simulate_individual,
)
from kinimmune.models.library.gompertz import gompertz_volume
from kinimmune.models.tables.readers import read_designs
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Arm


@pytest.fixture(scope="module")
def growth():
    return load_model("gompertz")


LARGE = Experiment("gompertz", "large", "twice the capacity", {}, {"capacity": 2.0})
DISHES = Designs(experiments=(LARGE,), read_out_days={"early": 3.0, "late": 12.0})


def test_the_course_is_the_closed_form_at_whole_days_and_the_horizon(growth):
    changes = {"retardation": 0.05, "capacity": 500.0}

    course = simulate_individual(plan_individual(growth, IndividualRequest(days=9.5, changes=changes), Designs()))

    (volume,) = course.quantities
    assert course.time.tolist() == [*range(10), 9.5]
    assert (course.arm, course.study, volume.name, volume.unit) == (None, None, "volume", "mL")
    np.testing.assert_allclose(volume.course, gompertz_volume(course.time, 0.05, 500.0, 10.0), rtol=1e-6)


def test_an_experiment_changes_values_and_tells_the_horizon(growth):
    individual = plan_individual(growth, IndividualRequest("large", changes={"capacity": 250.0}), DISHES)

    course = simulate_individual(individual)

    assert (individual.days, course.arm) == (12.0, "large")
    retardation = individual.values["retardation"]
    np.testing.assert_allclose(course["volume"], gompertz_volume(course.time, retardation, 500.0, 10.0), rtol=1e-6)


@pytest.mark.parametrize(
    ("request_", "designs", "days"),
    [
        (IndividualRequest(), DISHES, USUAL_DAYS),
        (IndividualRequest("large", days=2.0), DISHES, 2.0),
        (IndividualRequest("large"), Designs(experiments=(LARGE,)), USUAL_DAYS),
    ],
)
def test_a_horizon_that_is_given_goes_before_the_last_read_out_day(growth, request_, designs, days):
    assert plan_individual(growth, request_, designs).days == days


@pytest.mark.parametrize(
    ("model", "days"), [("breast", 28.0), ("gompertz", 360.0), ("hcc_cells", 3.0), ("hcc_mouse", 28.0), ("melanoma", 360.0)]
)
def test_a_horizon_that_nobody_asks_for_is_that_of_the_model(model, days):
    """A culture is followed for 72 h, a mouse to day 28, a patient for a year; what is asked for goes before."""
    built = load_model(model)
    assert plan_individual(built, IndividualRequest(), Designs()).days == days
    assert plan_individual(built, IndividualRequest(days=7.5), Designs()).days == 7.5
    unsaid = replace(built, usual_days=None)
    assert plan_individual(unsaid, IndividualRequest(), Designs()).days == USUAL_DAYS


def test_no_culture_outgrows_its_dish_by_default():
    """In three days without drug no line doubles more than eight times."""
    course = simulate_individual(plan_individual(load_model("hcc_cells"), IndividualRequest(), Designs()))
    cells = [item for item in course.quantities if item.name.startswith("cells_")]
    assert len(cells) == 6
    assert all(1.0 < item.course[-1] / item.course[0] < 2.0**8 for item in cells)


@pytest.mark.parametrize(
    ("request_", "designs", "message"),
    [
        (IndividualRequest("large"), Designs(), "model 'gompertz' takes no drug, so it has no arm 'large'"),
        (IndividualRequest("lagre"), DISHES, "unknown arm 'lagre'; did you mean 'large'"),
        (IndividualRequest(changes={"capasity": 1.0}), DISHES, "no parameter 'capasity' here; did you mean 'capacity'"),
        (IndividualRequest(changes={"capacity": -3.0}), DISHES, "parameter 'capacity' = -3 mL lies outside"),
    ],
)
def test_what_the_model_does_not_have_is_refused_with_the_nearest_name(growth, request_, designs, message):
    with pytest.raises(UsageError, match=message):
        plan_individual(growth, request_, designs)


def test_an_arm_of_a_trial_gives_its_dose_and_the_values_of_its_study():
    model = load_model("hcc_trial")
    designs = read_designs(model, Tables())

    asked = ("sharp:sorafenib", "asia_pacific:placebo")
    treated, control = (plan_individual(model, IndividualRequest(arm), designs) for arm in asked)

    assert (treated.study, treated.summary) == ("sharp", "hcc_trial, one patient, arm sharp:sorafenib, values of sharp, 360 days")
    assert control.study == "asia_pacific"
    assert (treated.arm.name, control.arm.name) == ("sorafenib", "placebo")


def test_a_name_that_is_both_an_arm_and_an_experiment_means_the_arm_in_a_model_of_trials():
    model = load_model("hcc_trial")
    designs = read_designs(model, Tables())

    assert "placebo" in {item.name for item in designs.experiments}
    of_one_study = replace(designs, trials=designs.trials[:1])
    assert isinstance(plan_individual(model, IndividualRequest("placebo"), of_one_study).arm, Arm)


def test_the_experiments_of_a_model_are_read_with_their_days():
    designs = read_designs(load_model("hcc_mouse"), Tables())

    assert {item.model for item in designs.experiments} == {"hcc_mouse"}
    assert "end" in designs.read_out_days
