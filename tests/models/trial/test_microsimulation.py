"""The trial in expectation agrees with a trial drawn patient by patient, analysed by lifelines, to Monte Carlo error."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter

from kinimmune.fitting.problem.problem import FitProblem, arm_cohort, to_horizon
from kinimmune.models.arrays import Array
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.design import Endpoint, StopRule
from kinimmune.models.trial.microsimulation import SimulatedPatients, simulate_patients
from kinimmune.models.trial.population import draw_individuals, draw_population
from kinimmune.models.trial.survival import expected_curve, expected_events, hazard_ratio, progression_free, survival_at
from kinimmune.models.trial.virtual_trial import ArmOutcome, run_arms

PATIENTS = {"sorafenib": 10_000, "placebo": 5_000}
"""Two to one, as in the Asia-Pacific trial."""


@dataclass(frozen=True)
class Pair:
    """One arm drawn from random patients, and in expectation over low-discrepancy points."""

    cohort: ArmCohort
    drawn: SimulatedPatients
    expected: ArmOutcome


def follow_both(problem: FitProblem, point: Array, arm: str, rule: StopRule) -> Pair:
    populations = draw_individuals(problem.parameters, PATIENTS[arm], 5 + len(arm)), draw_population(problem.parameters, 1024, 1)
    cohorts = (arm_cohort(replace(problem, population=item), point, "asia_pacific", arm) for item in populations)
    sample, points = (replace(cohort, rule=rule, arm=replace(cohort.arm, n=PATIENTS[arm])) for cohort in cohorts)
    return Pair(points, simulate_patients(problem.simulator, sample, [11, len(arm)]), run_arms(problem.simulator, [points], 1)[0])


@pytest.fixture(scope="module")
def problem(hcc_problem: FitProblem) -> FitProblem:
    """Return the problem with curves over the whole follow-up."""
    return to_horizon(hcc_problem, 24.0)


@pytest.fixture(scope="module", params=list(StopRule))
def trial(request, problem, hcc_point) -> dict[str, Pair]:
    """Return both arms under one rule."""
    return {arm: follow_both(problem, hcc_point, arm, request.param) for arm in PATIENTS}


def binomial(share: Array | float, n: Array | int) -> Array:
    """Return the standard error of a share of n, not below that of a single event."""
    return np.sqrt(np.maximum(np.asarray(share) * (1.0 - np.asarray(share)), 1.0 / np.asarray(n)) / n)


def within_4_errors(found: Array | float, expected: Array | float, error: Array | float) -> bool:
    return bool(np.all(np.abs(np.asarray(found) - np.asarray(expected)) <= 4.0 * np.asarray(error)))


def test_kaplan_meier_of_drawn_deaths_is_the_expected_survival(trial):
    days = np.array([60.0, 120.0, 240.0, 360.0, 480.0])
    for pair in trial.values():
        time, event = pair.drawn.observed(Endpoint.OS)
        fitted = KaplanMeierFitter().fit(time, event)
        expected = survival_at(pair.expected.grid, pair.expected.survival, days)
        at_risk = np.array([(time >= day).sum() for day in days])
        assert within_4_errors(fitted.survival_function_at_times(days).to_numpy(), expected, binomial(expected, at_risk))


def test_kaplan_meier_of_drawn_progressions_is_the_expected_product_limit(trial):
    for pair in trial.values():
        time, event = pair.drawn.observed(Endpoint.TTP)
        fitted = KaplanMeierFitter().fit(time, event)
        at_risk = np.array([(time >= scan).sum() for scan in pair.expected.scans])
        many = at_risk >= 100
        assert many.sum() >= 4
        expected = progression_free(pair.expected)[many]
        found = fitted.survival_function_at_times(pair.expected.scans[many]).to_numpy()
        assert within_4_errors(found, expected, binomial(expected, at_risk[many]))


@pytest.mark.parametrize("endpoint", list(Endpoint))
def test_cox_ratio_of_drawn_arms_is_the_expected_one(endpoint, trial):
    rows = [
        np.stack([*pair.drawn.observed(endpoint), np.full(PATIENTS[arm], float(arm == "sorafenib"))])
        for arm, pair in trial.items()
    ]
    frame = pd.DataFrame(np.concatenate(rows, axis=1).T, columns=["time", "event", "treated"])
    fitted = CoxPHFitter().fit(frame, "time", "event")
    span = trial["placebo"].cohort.trial.follow_up[endpoint]
    expected = math.log(hazard_ratio(*(expected_curve(trial[arm].expected, endpoint, span) for arm in ("sorafenib", "placebo"))))
    assert within_4_errors(float(fitted.params_["treated"]), expected, float(fitted.standard_errors_["treated"]))


@pytest.mark.parametrize("endpoint", list(Endpoint))
def test_number_of_drawn_events_is_the_expected_one(endpoint, trial):
    for arm, pair in trial.items():
        n = PATIENTS[arm]
        expected = expected_events(expected_curve(pair.expected, endpoint, pair.cohort.trial.follow_up[endpoint]))
        assert within_4_errors(pair.drawn.observed(endpoint)[1].mean(), expected / n, binomial(expected / n, n))


def test_share_of_drawn_patients_on_treatment_is_the_expected_one(trial):
    for arm, pair in trial.items():
        between = 6 * np.arange(10) + 3
        time = pair.expected.grid[between]
        taking = (np.minimum(pair.drawn.stop, pair.drawn.death)[None, :] > time[:, None]).mean(axis=1)
        expected = pair.expected.on_treatment[between]
        assert within_4_errors(taking, expected, binomial(expected, PATIENTS[arm]))


def test_share_of_drawn_responses_is_the_expected_one(trial):
    for arm, pair in trial.items():
        before = np.minimum(np.minimum(pair.drawn.stop, pair.drawn.progression), pair.drawn.death)
        expected = pair.expected.responded
        assert within_4_errors((pair.drawn.response < before).mean(), expected, binomial(expected, PATIENTS[arm]))


def test_drawn_deaths_without_progression_are_those_that_leave_the_expected_risk_set(trial):
    for arm, pair in trial.items():
        scan = pair.expected.scans[9]
        expected = 1.0 - pair.expected.at_risk[9] - pair.expected.detected[:9].sum()
        found = (pair.drawn.death < np.minimum(pair.drawn.progression, scan)).mean()
        assert within_4_errors(found, expected, binomial(expected, PATIENTS[arm]))


def test_drawn_follow_up_has_the_distribution_of_the_trial(trial):
    drawn, design = trial["sorafenib"].drawn, trial["sorafenib"].cohort.trial
    for endpoint, span in design.follow_up.items():
        days = np.linspace(span.shortest, span.longest, 7)
        found = (drawn.followed[endpoint][None, :] > days[:, None]).mean(axis=1)
        assert within_4_errors(found, span.uncensored(days), binomial(span.uncensored(days), 10_000))


def test_the_same_seed_draws_the_same_trial_and_another_seed_another(problem, hcc_point):
    cohort = arm_cohort(problem, hcc_point, "sharp", "sorafenib")
    first, again, other = (simulate_patients(problem.simulator, cohort, seed) for seed in (3, 3, 4))
    assert np.array_equal(first.death, again.death)
    assert np.array_equal(first.log_diameter, again.log_diameter, equal_nan=True)
    assert not np.array_equal(first.death, other.death)
