"""Results go to JSON and back without loss, and a file that is none is refused with its place."""

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kinimmune.fitting.estimation.results import FIT_JSON
from kinimmune.fitting.estimation.trial_results import TRIAL_JSON
from kinimmune.fitting.estimation.trial_summary import hazard_course
from kinimmune.fitting.problem.outputs import HazardRatioOutput
from kinimmune.fitting.problem.predictions import contrast_curves
from kinimmune.fitting.problem.problem import predict, widen
from kinimmune.models.errors import DataError
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.survival import hazard_ratio

PATH = Path("runs/one/fit.json")


def test_a_fit_result_comes_back_from_json_equal(hcc_fit):
    assert FIT_JSON.load(FIT_JSON.dump(hcc_fit.result), PATH) == hcc_fit.result


def test_a_trial_result_comes_back_from_json_equal(hcc_fit):
    assert TRIAL_JSON.load(TRIAL_JSON.dump(hcc_fit.trial), PATH) == hcc_fit.trial


def test_json_holds_its_schema_and_no_number_that_is_none(hcc_fit):
    fit, trial = FIT_JSON.dump(hcc_fit.result), TRIAL_JSON.dump(hcc_fit.trial)
    for text, schema in ((fit, "kinimmune.fit/2"), (trial, "kinimmune.trial/1")):
        assert json.loads(text)["schema"] == schema
        assert "NaN" not in text
        assert "Infinity" not in text


def test_every_ratio_names_its_arm_and_the_control(hcc_fit):
    result = hcc_fit.result
    ratios = [row for row in (*result.unfitted, *result.predicted) if row.statistic == "hazard_ratio"]
    assert {(row.arm, row.reference_arm) for row in ratios} == {("sorafenib", "placebo")}
    assert {row.reference_arm for row in result.targets} == {None}
    assert result.reference_arms == {"sharp": "placebo", "asia_pacific": "placebo"}
    assert result.n_data_residuals == sum(row.n_residuals for row in result.targets) == 2 * 8 + 4
    assert result.q_basis == "companion"


def test_q_of_a_fit_to_medians_alone_stands_beside_what_it_would_be_were_the_model_true(medians_fit):
    result = medians_fit.result
    assert (result.q_basis, result.n_data_residuals) == ("medians", 2 * len(result.targets))
    assert result.q_model == pytest.approx(sum(find_misses(result.unfitted)), rel=1e-9)
    reference = result.q_reference
    assert 0.0 < reference.lower < reference.median < reference.upper
    assert 0.0 <= reference.probability_below <= 1.0


def find_misses(rows):
    """Return ((ln predicted - ln reported) / se)^2, se from the printed interval."""
    for row in rows:
        error = math.log(row.upper / row.lower) / 3.919927969080108
        yield (math.log(row.predicted / row.observed) / error) ** 2


def test_deaths_by_cause_add_up_to_the_expected_deaths(hcc_fit):
    deaths = {(row.study, row.arm): row.expected for row in hcc_fit.result.events if row.endpoint == "os"}
    found = {(study, arm): causes for study, arms in hcc_fit.result.deaths_by_cause.items() for arm, causes in arms.items()}
    assert found.keys() == deaths.keys()
    for place, causes in found.items():
        assert len(causes) == 2
        assert sum(causes.values()) == pytest.approx(deaths[place], rel=1e-9)


def test_a_missing_prediction_is_null(hcc_fit):
    row = replace(hcc_fit.result.unfitted[0], predicted=None, residual=None)
    text = FIT_JSON.dump(replace(hcc_fit.result, unfitted=(row,)))
    assert json.loads(text)["unfitted"][0]["predicted"] is None
    assert FIT_JSON.load(text, PATH).unfitted == (row,)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"model": "hcc_trial"}'])
def test_text_that_is_no_result_is_refused_with_its_path(text):
    with pytest.raises(DataError, match=r"runs/one/fit\.json is no FitResult: .*run the fit again") as error:
        FIT_JSON.load(text, PATH)
    assert "\n" not in str(error.value)


def test_the_first_field_that_is_wrong_is_named(hcc_fit):
    plain = json.loads(FIT_JSON.dump(hcc_fit.result))
    plain["parameters"][2]["value"] = "high"
    with pytest.raises(DataError, match=r"parameters\.2\.value"):
        FIT_JSON.load(json.dumps(plain), PATH)
    del plain["parameters"]
    with pytest.raises(DataError, match="parameters: Field required"):
        FIT_JSON.load(json.dumps(plain), PATH)


def test_every_arm_of_the_virtual_trial_is_told_once_with_columns_that_fit(hcc_fit):
    arms = hcc_fit.trial.arms
    assert {(arm.study, arm.arm) for arm in arms} == {(s, a) for s in ("sharp", "asia_pacific") for a in ("sorafenib", "placebo")}
    for arm in arms:
        assert len(arm.months) == len(arm.survival) == len(arm.on_treatment)
        assert len(arm.scan_months) == len(arm.ttp_survival) == len(arm.progression_incidence) == len(arm.death_incidence)
        assert len(arm.risk_months) == len(arm.at_risk_os) == len(arm.at_risk_ttp)
        assert all(len(course) == len(arm.months) for course in arm.courses.values())
        assert arm.at_risk_os[0] == arm.n == arm.at_risk_ttp[0]


def test_incidences_of_progression_and_death_rise_and_leave_the_rest_alive_without_progression(hcc_fit):
    for arm in hcc_fit.trial.arms:
        total = [seen + dead for seen, dead in zip(arm.progression_incidence, arm.death_incidence, strict=True)]
        assert all(0.0 <= value <= 1.0 + 1e-9 for value in total)
        for incidence in (arm.progression_incidence, arm.death_incidence):
            assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(incidence))
        assert 0.0 <= arm.new_lesion_share <= 1.0
        assert 0.0 <= arm.last_cause_share <= 1.0


def test_rates_at_6_and_12_months_lie_on_the_curve(hcc_fit):
    for arm in hcc_fit.trial.arms:
        for month, rate in ((6.0, arm.survival_6), (12.0, arm.survival_12)):
            before = max(value for time, value in zip(arm.months, arm.survival, strict=True) if time >= month)
            after = min(value for time, value in zip(arm.months, arm.survival, strict=True) if time <= month)
            assert before <= rate <= after


def test_the_contrast_of_an_endpoint_agrees_with_the_prediction(hcc_fit):
    ratios = [row for row in hcc_fit.result.predicted if row.statistic == "hazard_ratio"]
    predicted = {(row.study, row.endpoint): row.value for row in ratios}
    for contrast in hcc_fit.trial.contrasts:
        assert contrast.hazard_ratio == pytest.approx(predicted[contrast.study, contrast.endpoint], rel=1e-9)
        assert contrast.rmst_difference > 0.0


def test_a_hazard_ratio_lies_among_those_of_which_it_is_a_mean(hcc_problem, hcc_fit):
    """Of PFS those of every time, between scans too: its course goes from scan to scan, where deaths between them weigh less."""
    wide = widen(hcc_problem)
    estimates = {row.name: row.value for row in hcc_fit.result.parameters}
    point = np.array([item.prior.to_z(estimates[item.key]) for item in wide.estimated])
    outcomes = predict(wide, [point])[0]
    for contrast in hcc_fit.trial.contrasts:
        course = contrast.hazard_ratio_course
        if contrast.endpoint is Endpoint.PFS:
            ratio = HazardRatioOutput(contrast.study, contrast.endpoint, contrast.arm)
            treated, control = contrast_curves(wide, outcomes, ratio)
            longest = wide.trial(contrast.study).follow_up[contrast.endpoint].longest
            course = hazard_course(treated.survival, control.survival, treated.time, longest)[1]
            assert hazard_ratio(treated, control) == pytest.approx(contrast.hazard_ratio, rel=1e-9)
        assert min(course) <= contrast.hazard_ratio <= max(course)
