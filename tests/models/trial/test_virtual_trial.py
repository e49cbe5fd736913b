"""Laws of the virtual trial; numbers from a model whose every probability has a closed form, and conservation."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from straight_trial import (
    DEATH,
    DISCONTINUATION,
    GROWTH,
    LESION,
    LIVER,
    RELIEF,
    SCANS,
    SHRINKAGE,
    WIDTH,
    enrol,
    leave,
    live,
    make_cohort,
    make_simulator,
    make_straight_model,
    make_trial,
    numbers_of,
    outgrow,
    regrow,
)

from kinimmune.fitting.problem.problem import arm_cohort, predict, to_horizon
from kinimmune.models.errors import NumericalError
from kinimmune.models.trial.after_treatment import NEGLIGIBLE
from kinimmune.models.trial.design import StopRule
from kinimmune.models.trial.living import find_living, survive
from kinimmune.models.trial.population import draw_individuals
from kinimmune.models.trial.simulator import TrialSimulator
from kinimmune.models.trial.treatment_paths import integrate_paths
from kinimmune.models.trial.virtual_trial import ArmOutcome, mean_courses, run_arms


@pytest.fixture(scope="module")
def simulator() -> TrialSimulator:
    """Return the straight model integrated by the kernel."""
    return make_simulator(make_straight_model(), "kernel")


@pytest.fixture(scope="module")
def run(simulator: TrialSimulator) -> Callable[..., ArmOutcome]:
    """Return the outcome of one arm of a few like patients under a rule."""

    def outcome(rule: StopRule, arm: str = "drug", patients: int = 3, **changed: float) -> ArmOutcome:
        return run_arms(simulator, [make_cohort(simulator.model, rule, arm, patients, **changed)], 1)[0]

    return outcome


@pytest.mark.parametrize("rule", list(StopRule))
def test_survival_of_straight_patients_is_its_closed_form_under_every_rule(rule, run):
    found = run(rule)
    assert found.survival == pytest.approx(live(rule, found.grid), abs=3.0 * NEGLIGIBLE)


@pytest.mark.parametrize("rule", list(StopRule))
def test_alive_and_on_drug_is_the_product_of_two_closed_forms(rule, run):
    found = run(rule)
    between = np.arange(found.grid.size) % 6 == 3
    time = found.grid[between]
    on_drug = np.array([1.0 - leave(rule)[moment > SCANS].sum() for moment in time])
    assert found.on_treatment[between] == pytest.approx(on_drug * np.exp(-(DEATH - RELIEF + LIVER) * time), abs=1e-7)


def test_deaths_by_a_cause_of_constant_hazards_are_its_share_of_all_deaths(run):
    found = run(StopRule.NEVER)
    share = LIVER / (DEATH - RELIEF + LIVER)
    shares = found.deaths_by_cause["collapse"][1:] / (1.0 - found.survival[1:])
    assert shares == pytest.approx(np.full(found.grid.size - 1, share), rel=1e-4)


def test_progression_under_discontinuation_is_a_sum_over_the_scans_at_which_the_drug_was_left(run):
    """Off drug since scan j the line has its lowest point there and stands 20 % higher ln(1.2)/g later."""
    found = run(StopRule.RADIOLOGICAL)
    keep = np.exp(-DISCONTINUATION * np.concatenate([[0.0], SCANS]))
    on, off = DEATH - RELIEF + LIVER, DEATH + LIVER
    dates = np.concatenate([[0.0], SCANS])
    lesions = np.exp(-LESION * dates)
    at_risk, detected = np.zeros(12), np.zeros(12)
    for k in range(12):
        alive, unseen = keep[k] * np.exp(-on * SCANS[k]), lesions
        at_risk[k] += alive * unseen[k]
        detected[k] += alive * (unseen[k] - unseen[k + 1])
        for j in range(k):
            alive = (keep[j] - keep[j + 1]) * np.exp(-on * SCANS[j] - off * (SCANS[k] - SCANS[j]))
            unseen = lesions * np.where(dates > SCANS[j], regrow(dates - SCANS[j]), 1.0)
            at_risk[k] += alive * unseen[k]
            detected[k] += alive * (unseen[k] - unseen[k + 1])
    assert found.at_risk == pytest.approx(at_risk, abs=1e-6)
    assert found.detected == pytest.approx(detected, abs=1e-6)


def test_progression_without_drug_is_seen_at_the_scans_around_its_crossing(run):
    found = run(StopRule.RADIOLOGICAL, arm="placebo", lesion=0.0, growth=math.log(1.2) / 85.0)
    unseen = np.concatenate([[1.0], outgrow(SCANS, math.log(1.2) / 85.0)])
    alive = np.exp(-(DEATH + LIVER) * SCANS)
    assert found.detected == pytest.approx(-np.diff(unseen) * alive, abs=1e-7)
    assert found.at_risk == pytest.approx(unseen[:-1] * alive, abs=1e-7)
    assert not found.by_lesion.any()


def test_progressions_on_a_shrinking_tumour_are_all_by_new_lesions(run):
    found = run(StopRule.NEVER)
    alive = np.exp(-(DEATH - RELIEF + LIVER) * SCANS)
    expected = -np.diff(np.exp(-LESION * np.concatenate([[0.0], SCANS]))) * alive
    assert found.detected == pytest.approx(expected, rel=1e-6)
    assert found.by_lesion == pytest.approx(expected, rel=1e-6)


def test_a_response_is_counted_while_on_drug_alive_and_without_progression(run):
    """-0.006 per day stands below ln 0.7 from day 59.4 on: at scans 2 and 3."""
    found = run(StopRule.RADIOLOGICAL)
    assert found.responded == pytest.approx(math.exp(-(DISCONTINUATION + LESION + DEATH - RELIEF + LIVER) * SCANS[2]), rel=5e-6)
    assert run(StopRule.RADIOLOGICAL, shrinkage=0.0).responded == 0.0


def test_a_trial_with_more_scans_sees_progression_no_later(run, simulator):
    trial = make_trial(scan_interval=21.0)
    values = np.array([[item.value] for item in simulator.model.parameters])
    often = run_arms(simulator, [enrol(simulator.model, trial, "placebo", StopRule.RADIOLOGICAL, values)], 1)[0]
    seldom = run(StopRule.RADIOLOGICAL, arm="placebo")
    assert np.all(np.cumsum(often.detected)[1::2] >= np.cumsum(seldom.detected) - 1e-12)


def test_the_placebo_arm_does_not_know_the_stop_rule(hcc_problem):
    centre = np.zeros(len(hcc_problem.estimated))
    outcomes = [predict(replace(hcc_problem, rules=dict.fromkeys(hcc_problem.rules, rule)), [centre])[0] for rule in StopRule]
    first, *others = (numbers_of(item["sharp", "placebo"]) for item in outcomes)
    for name in ("survival", "at_risk", "detected", "by_lesion", "deaths 0", "deaths 1"):
        for other in others:
            assert np.array_equal(first[name], other[name])


def test_the_result_has_the_same_bits_for_one_thread_and_for_two(hcc_problem):
    people = replace(hcc_problem, population=draw_individuals(hcc_problem.parameters, 150, 3))
    one, two = (predict(replace(people, jobs=jobs), [np.zeros(len(people.estimated))])[0] for jobs in (1, 2))
    for arm in people.arms:
        first, second = numbers_of(one[arm]), numbers_of(two[arm])
        for name in first:
            assert np.array_equal(first[name], second[name]), (arm, name)


def test_every_patient_is_alive_unprogressed_progressed_or_dead(hcc_problem, hcc_point):
    """What leaves the risk set between two scans without progression has died: it is never negative, nor more than all deaths."""
    wide = to_horizon(hcc_problem, 24.0)
    for outcome in predict(wide, [hcc_point])[0].values():
        left = outcome.at_risk - outcome.detected
        died = left[:-1] - outcome.at_risk[1:]
        first = 1.0 - outcome.at_risk[0]
        deaths = 1.0 - outcome.survival[6 * np.arange(1, outcome.scans.size + 1)]
        assert np.all(died >= -1e-12)
        assert first == pytest.approx(deaths[0], abs=1e-9)
        assert np.all(first + np.cumsum(died) <= deaths[1:] + 1e-9)
        assert np.all((outcome.by_lesion >= 0.0) & (outcome.by_lesion <= outcome.detected + 1e-12))
        assert np.all(np.diff(outcome.survival) <= 0.0)
        by_cause = list(outcome.deaths_by_cause.values())
        assert all(np.all(np.diff(deaths) >= 0.0) for deaths in by_cause)
        assert sum(by_cause) == pytest.approx(1.0 - outcome.survival, abs=1e-3)
        assert np.all(outcome.on_treatment <= outcome.survival + 2.0 * NEGLIGIBLE)
        assert 0.0 <= outcome.responded <= 1.0


def test_an_arm_is_the_mean_of_its_patients(hcc_problem, hcc_point):
    cohort = arm_cohort(hcc_problem, hcc_point, "sharp", "sorafenib")
    halves = [
        replace(cohort, parameters=np.ascontiguousarray(cohort.parameters[:, part])) for part in (slice(0, 32), slice(32, 64))
    ]
    whole, *parts = run_arms(hcc_problem.simulator, [cohort, *halves], 1)
    numbers, *halves = map(numbers_of, (whole, *parts))
    for name in ("survival", "on_treatment", "at_risk", "detected", "deaths 0", "deaths 1"):
        mean = (halves[0][name] + halves[1][name]) / 2.0
        assert numbers[name] == pytest.approx(mean, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("horizon", [500.0, 504.0, 505.0, 520.0])
def test_the_last_scan_is_seen_as_well_as_if_the_trial_went_on(horizon, simulator):
    trial = make_trial()
    values = np.array([[item.value] for item in simulator.model.parameters])
    cohort = enrol(simulator.model, trial, "drug", StopRule.RADIOLOGICAL, values)
    short, long = (run_arms(replace(simulator, horizon=end), [cohort], 1)[0] for end in (horizon, 700.0))
    assert short.grid[-1] >= horizon
    assert short.detected == pytest.approx(long.detected[: short.scans.size], abs=1e-5)


def test_patients_that_fail_are_counted_and_leave_the_others_alone(hcc_problem):
    cohort = arm_cohort(hcc_problem, np.zeros(len(hcc_problem.estimated)), "sharp", "sorafenib")
    broken = cohort.parameters.copy()
    broken[:, [3, 40]] = math.nan
    healthy = np.ascontiguousarray(np.delete(cohort.parameters, [3, 40], axis=1))
    found, expected = run_arms(
        hcc_problem.simulator, [replace(cohort, parameters=broken), replace(cohort, parameters=healthy)], 1
    )
    assert (found.patients, found.failed) == (62, 2)
    assert (expected.patients, expected.failed) == (62, 0)
    expected_numbers = numbers_of(expected)
    for name, value in numbers_of(found).items():
        if name != "failed":
            assert value == pytest.approx(expected_numbers[name], rel=1e-12, abs=1e-15), name


def test_an_arm_in_which_nobody_can_be_integrated_is_an_error(hcc_problem):
    cohort = arm_cohort(hcc_problem, np.zeros(len(hcc_problem.estimated)), "sharp", "placebo")
    with pytest.raises(NumericalError, match="no patient of sharp:placebo could be integrated"):
        run_arms(hcc_problem.simulator, [replace(cohort, parameters=np.full_like(cohort.parameters, math.nan))], 1)


def test_the_mean_course_of_straight_patients_is_the_mean_over_those_alive(simulator):
    trial = make_trial()
    values = np.array([[item.value, item.value] for item in simulator.model.parameters])
    names = [item.name for item in simulator.model.parameters]
    values[names.index("death"), 1] = 0.02
    values[names.index("growth"), 1] = 0.02
    cohort = enrol(simulator.model, trial, "placebo", StopRule.RADIOLOGICAL, values)
    found = mean_courses(simulator, cohort, [WIDTH])[WIDTH]
    time = simulator.grid(trial)
    alive = np.exp(-(np.array([[DEATH], [0.02]]) + LIVER) * time)
    lines = np.array([[GROWTH], [0.02]]) * time
    assert found == pytest.approx((lines * alive).sum(axis=0) / alive.sum(axis=0), rel=1e-6, abs=1e-9)


def test_the_mean_course_on_drug_turns_where_the_drug_is_left(simulator):
    """Off drug since scan j the line rises again: a mixture over j, weighted by who is alive."""
    trial = make_trial()
    values = np.array([[item.value] for item in simulator.model.parameters])
    found = mean_courses(simulator, enrol(simulator.model, trial, "drug", StopRule.RADIOLOGICAL, values), [WIDTH])[WIDTH]
    time, left = simulator.grid(trial), leave(StopRule.RADIOLOGICAL)
    on, off, slope = DEATH - RELIEF + LIVER, DEATH + LIVER, GROWTH - SHRINKAGE
    total = (1.0 - left.sum()) * np.exp(-on * time) * slope * time
    for share, scan in zip(left, SCANS, strict=True):
        before, after = np.minimum(time, scan), np.maximum(time - scan, 0.0)
        total += share * np.exp(-on * before - off * after) * (slope * before + GROWTH * after)
    assert found == pytest.approx(total / live(StopRule.RADIOLOGICAL, time), abs=1e-4)


@pytest.mark.parametrize("rule", list(StopRule))
def test_the_survival_of_patients_over_their_paths_is_that_of_the_arm(rule):
    model = make_straight_model()
    simulator, cohort = make_simulator(model), make_cohort(model, rule, patients=3)
    paths = integrate_paths(simulator, cohort)

    (outcome,) = run_arms(simulator, [cohort], 1)
    each = survive(paths, find_living(simulator, paths))

    assert each.shape == (outcome.grid.size, 3)
    np.testing.assert_allclose(each.mean(axis=1), outcome.survival, rtol=1e-12)
