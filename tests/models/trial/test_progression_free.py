"""Laws of progression-free survival: drawn patients, closed forms, and what it is where nothing progresses or nobody dies."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from scipy.special import ndtri
from scipy.stats import qmc
from straight_trial import (
    DISCONTINUATION,
    make_cohort,
    make_simulator,
    make_straight_model,
    unprogressed,
)

from kinimmune.fitting.problem.problem import predict, to_horizon
from kinimmune.models.arrays import Array
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.design import Endpoint, StopRule
from kinimmune.models.trial.microsimulation import simulate_patients
from kinimmune.models.trial.progression_free import progression_free_survival, scan_places
from kinimmune.models.trial.simulator import TrialSimulator
from kinimmune.models.trial.step_curve import StepCurve
from kinimmune.models.trial.survival import expected_curve, expected_events, hazard_ratio, progression_free, survival_at
from kinimmune.models.trial.virtual_trial import ArmOutcome, run_arms

IMMORTAL = {"death": 0.0, "relief": 0.0, "liver": 0.0}
STILL = {"growth": 0.0, "shrinkage": 0.0, "lesion": 0.0}


@pytest.fixture(scope="module")
def simulator() -> TrialSimulator:
    """Return the straight model integrated by the kernel."""
    return make_simulator(make_straight_model(), "kernel")


@pytest.fixture(scope="module")
def run(simulator: TrialSimulator) -> Callable[..., ArmOutcome]:
    """Return the outcome of one arm of a few like patients."""

    def outcome(rule: StopRule = StopRule.RADIOLOGICAL, arm: str = "drug", **changed: float) -> ArmOutcome:
        return run_arms(simulator, [make_cohort(simulator.model, rule, arm, **changed)], 1)[0]

    return outcome


def vary_growth(cohort: ArmCohort, names: tuple[str, ...], normal: Array) -> ArmCohort:
    """Return patients whose growth has a standard deviation of ln of 1.3, and who die the faster the faster they grow."""
    values = np.repeat(cohort.parameters[:, :1], normal.size, axis=1)
    factor = np.exp(1.3 * normal)
    values[names.index("growth")] *= factor
    for name in ("death", "relief"):
        values[names.index(name)] *= factor**0.6
    return replace(cohort, parameters=values)


def test_the_curve_is_that_of_drawn_patients_and_the_product_of_two_curves_is_not(simulator):
    """Growth drives progression and death: of those who have not progressed fewer die than of all."""
    cohort = make_cohort(simulator.model, StopRule.RADIOLOGICAL, "drug", 1, shrinkage=0.004)
    names = simulator.model.parameter_names
    points = ndtri(qmc.Sobol(1, scramble=True, rng=np.random.default_rng(1)).random_base2(12)[:, 0])
    expected = run_arms(simulator, [vary_growth(cohort, names, points)], 2)[0]

    generator = np.random.default_rng(2)
    time, event, patients = [], [], 100_000
    for part in range(10):
        people = vary_growth(cohort, names, generator.standard_normal(patients // 10))
        drawn = simulate_patients(simulator, people, [3, part])
        drawn.followed[Endpoint.PFS][:] = 504.0
        for kept, found in zip((time, event), drawn.observed(Endpoint.PFS), strict=True):
            kept.append(found)

    days = np.array([30.0, 42.0, 63.0, 84.0, 105.0, 168.0, 189.0, 252.0])
    found = KaplanMeierFitter().fit(np.concatenate(time), np.concatenate(event)).survival_function_at_times(days).to_numpy()
    ours = progression_free_survival(expected).at(days)
    product = (
        survival_at(expected.grid, expected.survival, days)
        * np.append(1.0, progression_free(expected))[np.searchsorted(expected.scans, days, side="right")]
    )
    error = np.sqrt(found * (1.0 - found) / patients)
    told = f"drawn {found.round(4)}, alive and unprogressed {ours.round(4)}, product of the two curves {product.round(4)}"
    assert np.all(np.abs(ours - found) <= 4.0 * error), told
    # up to the first scan all who live are unprogressed, and the product is right
    assert np.all((found - product)[2:] > 10.0 * error[2:]), told


@pytest.mark.parametrize("rule", list(StopRule))
def test_it_is_a_sum_over_the_scans_at_which_the_drug_was_left_at_every_time(rule, run):
    """Only adverse events end the treatment of those who have not progressed, so that the rule does not matter but for NEVER."""
    found = run(rule)
    rate = 0.0 if rule is StopRule.NEVER else DISCONTINUATION
    assert found.unprogressed == pytest.approx(unprogressed(found.grid, rate=rate), abs=1e-6)


def test_it_is_overall_survival_where_nothing_progresses(run):
    found = run(**STILL)
    assert found.unprogressed == pytest.approx(found.survival, abs=1e-12)
    days = np.array([1.0, 42.0, 100.0, 300.0])
    assert progression_free_survival(found).at(days) == pytest.approx(survival_at(found.grid, found.survival, days), rel=2e-5)


def test_it_is_the_curve_of_progression_where_nobody_dies(run):
    found = run(arm="placebo", **IMMORTAL)
    curve = progression_free_survival(found)
    assert curve.survival[curve.at_scan] == pytest.approx(progression_free(found), rel=1e-12)
    span = make_cohort(make_straight_model(), StopRule.NEVER).trial.follow_up[Endpoint.PFS]
    both, ttp = (expected_curve(found, endpoint, span) for endpoint in (Endpoint.PFS, Endpoint.TTP))
    assert expected_events(both) == pytest.approx(expected_events(ttp), rel=1e-9)


def test_hazard_ratios_are_those_of_deaths_alone_and_of_progressions_alone(run):
    span = make_cohort(make_straight_model(), StopRule.NEVER).trial.follow_up[Endpoint.PFS]

    def ratio(endpoint: Endpoint, **changed: float) -> float:
        arms = (run(arm=arm, **changed) for arm in ("drug", "placebo"))
        return hazard_ratio(*(expected_curve(arm, endpoint, span) for arm in arms))

    assert ratio(Endpoint.PFS, **STILL) == pytest.approx(ratio(Endpoint.OS, **STILL), rel=1e-9)
    assert ratio(Endpoint.PFS, **IMMORTAL) == pytest.approx(ratio(Endpoint.TTP, **IMMORTAL), rel=1e-9)
    one, other = ratio(Endpoint.OS), ratio(Endpoint.TTP)
    assert min(one, other) < ratio(Endpoint.PFS) < max(one, other)


def test_nobody_is_free_of_progression_and_dead_and_the_curve_falls(hcc_problem, hcc_point):
    for outcome in predict(to_horizon(hcc_problem, 24.0), [hcc_point])[0].values():
        assert np.all(outcome.unprogressed <= outcome.survival + 1e-12)
        curve = progression_free_survival(outcome)
        assert np.all(np.diff(curve.survival) <= 1e-12)
        assert np.all(np.diff(curve.time) >= 0.0)
        scans = scan_places(outcome)
        assert outcome.grid[scans] == pytest.approx(outcome.scans)
        assert outcome.unprogressed[scans] == pytest.approx(outcome.at_risk - outcome.detected, abs=1e-12)
        incidence = np.cumsum(outcome.detected)
        assert np.all(outcome.unprogressed[scans] <= 1.0 - incidence + 1e-12)


def step(before: float, after: float) -> StepCurve:
    """Return a curve with a scan on day 40 and rows on days 20, 40, 60, 80, its hazard constant between scans."""
    time = np.array([20.0, 40.0, 40.0, 60.0, 80.0])
    survival = np.array([math.sqrt(before), before, after, after * 0.9, after * 0.81])
    return StepCurve(time, survival, np.array([False, False, True, False, False]))


@pytest.mark.parametrize(
    ("curve", "median"),
    [
        (step(0.8, 0.4), 40.0),
        (step(0.5, 0.4), 40.0),
        (step(0.25, 0.2), 20.0),
        (step(0.4, 0.3), 40.0 * math.log(2.0) / math.log(2.5)),
        (step(0.8, 0.55), 40.0 + 20.0 * math.log(1.1) / math.log(1.0 / 0.9)),
        (step(0.9, 0.8), None),
    ],
)
def test_the_median_is_the_first_time_at_or_below_one_half(curve, median):
    assert curve.median() == (None if median is None else pytest.approx(median, rel=1e-9))


def test_a_curve_is_read_after_the_step_of_a_scan_and_by_its_hazard_between_scans():
    found = step(0.81, 0.5).at(np.array([0.0, 10.0, 39.999, 40.0, 50.0]))
    assert found == pytest.approx([1.0, 0.81**0.25, 0.81, 0.5, 0.5 * math.sqrt(0.9)], rel=1e-5)


def test_the_restricted_mean_is_the_area_under_the_steps():
    curve = StepCurve(np.array([40.0, 40.0, 80.0]), np.array([1.0, 0.5, 0.5]), np.array([False, True, False]))
    assert curve.restricted_mean(60.0) == pytest.approx(50.0, rel=1e-12)
