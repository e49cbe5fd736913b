"""Predictions with values set at the call: what they hold at every draw, what arms give instead, and what is refused."""

import math

import numpy as np
import pytest
from exponential_predictions import predict
from exponential_trial import RATE, RATIO

from kinimmune.fitting.prediction.assumed import change_design, list_design
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.readers import read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Trial


def median(result, arm):
    return next(row for row in result.numbers if (row.arm, row.statistic) == (arm, "median"))


def test_a_rate_that_is_set_gives_its_own_median(opened):
    result = predict(opened, values={"rate": 2.0 * RATE})

    assert median(result, "control").predicted == pytest.approx(math.log(2.0) / (2.0 * RATE) / DAYS_PER_MONTH, rel=1e-3)
    assert next(row for row in result.parameters if row.origin == "set").value == 2.0 * RATE


def test_setting_a_value_to_that_of_the_tables_changes_no_bit(opened):
    assert predict(opened, values={"rate": RATE}).curves == predict(opened).curves


def test_a_value_that_is_set_is_the_same_at_every_draw(opened):
    free = median(predict(opened, from_prior=True), "control")
    held = median(predict(opened, from_prior=True, values={"rate": RATE}), "control")

    assert free.lower < free.upper
    assert held.lower == held.upper == pytest.approx(math.log(2.0) / RATE / DAYS_PER_MONTH, rel=1e-3)


def test_without_its_dose_an_arm_is_its_control(opened):
    (name,) = [item.name for item in list_design(read_trials(opened[1])) if item.what == "dose"]
    result = predict(opened, values={name: 0.0})

    ratios = [row for row in result.ratios if row.predicted is not None]
    assert ratios
    assert all(row.predicted == pytest.approx(1.0, abs=1e-9) for row in ratios)
    assert predict(opened).ratios[0].predicted == pytest.approx(RATIO, rel=1e-3)


def test_a_change_of_one_arm_leaves_the_others_alone():
    trials = read_trials(Tables(), "hcc_trial")
    changed = change_design(trials, {"dose:sharp:sorafenib": 200.0, "growth": 0.01})

    def given(items: tuple[Trial, ...]) -> dict[str, float]:
        return {place.name: value for place, value in list_design(items).items()}

    assert given(changed) == given(trials) | {"dose:sharp:sorafenib": 200.0}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"dose:two:drag": 1.0}, r"--set dose:two:drag: no arm that is predicted gives it; did you mean"),
        ({"nothing": 1.0}, r"no parameter 'nothing' here"),
        ({"dose": 1.0}, r"no parameter 'dose' here"),
    ],
)
def test_what_nothing_has_is_refused_with_what_there_is(opened, values, told):
    with pytest.raises(UsageError, match=told):
        predict(opened, values=values)


def test_an_arrow_there_is_not_is_refused(opened):
    with pytest.raises(UsageError, match="--cut nothing: the model has no such arrow"):
        predict(opened, cuts=("nothing",))


def test_a_cut_arrow_is_the_model_without_it(opened):
    """Without its deaths nobody dies."""
    result = predict(opened, cuts=("dying",))

    curve = next(row for row in result.curves if row.arm == "control")
    np.testing.assert_allclose(curve.median, 1.0, atol=1e-12)
    assert result.cuts == ("dying",)
