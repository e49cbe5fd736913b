"""Laws of the virtual trial; numbers from a model whose every probability has a closed form, and conservation."""

import math
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
import sympy as sp
from scipy.special import ndtr

from kinimmune.fitting.problem.problem import arm_task, predict, to_horizon
from kinimmune.models.errors import NumericalError
from kinimmune.models.solvers.integrators import choose_integrator
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Source, Status
from kinimmune.models.trial.design import Arm, Endpoint, FollowUp, StopRule, Trial
from kinimmune.models.trial.population import draw_individuals
from kinimmune.models.trial.treatment_paths import DIAMETER, NEGLIGIBLE, ArmTask, Engine
from kinimmune.models.trial.virtual_trial import ArmOutcome, mean_courses, run_arms

GROWTH, SHRINKAGE, DEATH, RELIEF, LIVER, LESION = 0.004, 0.01, 0.003, 0.0015, 0.001, 0.002
RATES = {"growth": GROWTH, "shrinkage": SHRINKAGE, "death": DEATH, "relief": RELIEF, "liver": LIVER, "lesion": LESION}
INTERVAL, JITTER, SCANS = 42.0, 3.5, 42.0 * np.arange(1.0, 13.0)
DISCONTINUATION = 0.003


def make_straight_model() -> OdeModel:
    """Return a tumour whose log diameter is a straight line and whose hazards are constant, on drug and off drug."""
    drug = symbol("drug")
    hazards = {
        "tumour_hazard": symbol("death") - symbol("relief") * drug,
        "liver_hazard": symbol("liver"),
        "lesion_hazard": symbol("lesion"),
    }
    rates = {"line": symbol("growth") - symbol("shrinkage") * drug, **hazards}
    mechanism = Mechanism(
        "straight",
        "closed form",
        states=tuple(State(name, name, "1", name, sp.Integer(0), nonnegative=False) for name in rates),
        terms=tuple(Term(f"rate_{name}", name, rate, "constant") for name, rate in rates.items()),
        definitions=(Definition("drug", "D", "1", symbol("dose_rate") / symbol("full_dose"), "1 on drug"),),
        inputs=(Input("dose_rate", "d", "mg/d", "drug taken"),),
    )
    source = Source("test", "", Status.ASSUMED)
    parameters = tuple(
        Parameter(name, name, value, unit, -math.inf, math.inf, Prior(Scale.FIXED, value, 0.0), False, None, None, name, source)
        for name, value, unit in (*((name, value, "1/d") for name, value in RATES.items()), ("full_dose", 800.0, "mg/d"))
    )
    return OdeModel(
        "straight", "closed form", (mechanism,), parameters, (Definition(DIAMETER, "x", "1", symbol("line"), "watched"),)
    )


def make_trial(**changes) -> Trial:
    shared = {"discontinuation_rate": DISCONTINUATION, "symptomatic_median": 100.0, "doses_per_day": 2.0}
    arms = (
        Arm("straight", "drug", 100, control=False, dose=400.0, **shared),
        Arm("straight", "placebo", 100, control=True, dose=0.0, **shared),
    )
    spans = dict.fromkeys(Endpoint, FollowUp(100.0, 504.0))
    given = {
        "scan_interval": INTERVAL,
        "scan_jitter": JITTER,
        "reading_error": 1e-9,
        "progression_ratio": 1.2,
        "response_ratio": 0.7,
    }
    return Trial("straight", "closed form", arms, follow_up=spans, stop_rule=StopRule.RADIOLOGICAL, **(given | changes))


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return an accurate integrator of the straight model over twelve scans."""
    compiled = compile_model(make_straight_model())
    return Engine(compiled, choose_integrator("kernel", compiled), Tolerances(1e-9, 1e-11), 504.0)


@pytest.fixture(scope="module")
def run(engine: Engine) -> Callable[..., ArmOutcome]:
    """Return the outcome of one arm of a few like patients under a rule."""

    def outcome(rule: StopRule, arm: str = "drug", patients: int = 3, **changed: float) -> ArmOutcome:
        trial = make_trial()
        values = [changed.get(item.name, item.value) for item in engine.compiled.model.parameters]
        task = ArmTask(trial, trial.arm(arm), rule, np.repeat(np.array(values)[:, None], patients, axis=1))
        return run_arms(engine, [task], 1)[0]

    return outcome


def leave(rule: StopRule) -> np.ndarray:
    """Return the probability of leaving the drug at each scan, death aside: on drug nothing but new lesions shows progression."""
    keep = np.exp(-DISCONTINUATION * SCANS)
    seen = -np.expm1(-LESION * SCANS)
    stopped = {
        StopRule.RADIOLOGICAL: seen,
        StopRule.ONE_SCAN_LATER: np.concatenate([[0.0], seen[:-1]]),
        StopRule.RADIOLOGICAL_AND_SYMPTOMATIC: seen * (1.0 - 2.0 ** (-SCANS / 100.0)),
    }
    if rule is StopRule.NEVER:
        return np.zeros(SCANS.size)
    return -np.diff(np.concatenate([[1.0], (1.0 - stopped[rule]) * keep]))


def live(rule: StopRule, time: np.ndarray) -> np.ndarray:
    """Return S: leave at scan j with its probability, die at one rate on drug and at another off drug."""
    on, off = DEATH - RELIEF + LIVER, DEATH + LIVER
    left, total = leave(rule), np.zeros(time.size)
    for share, scan in zip(left, SCANS, strict=True):
        total += share * np.exp(-on * np.minimum(time, scan) - off * np.maximum(time - scan, 0.0))
    return total + (1.0 - left.sum()) * np.exp(-on * time)


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


def test_deaths_by_liver_failure_of_constant_hazards_are_their_share_of_all_deaths(run):
    found = run(StopRule.NEVER)
    share = LIVER / (DEATH - RELIEF + LIVER)
    assert found.liver_deaths[1:] / (1.0 - found.survival[1:]) == pytest.approx(np.full(found.grid.size - 1, share), rel=1e-4)


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
            unseen = lesions * ndtr((SCANS[j] + math.log(1.2) / GROWTH - dates) / JITTER)
            at_risk[k] += alive * unseen[k]
            detected[k] += alive * (unseen[k] - unseen[k + 1])
    assert found.at_risk == pytest.approx(at_risk, abs=1e-6)
    assert found.detected == pytest.approx(detected, abs=1e-6)


def test_progression_without_drug_is_seen_at_the_scans_around_its_crossing(run):
    found = run(StopRule.RADIOLOGICAL, arm="placebo", lesion=0.0, growth=math.log(1.2) / 85.0)
    unseen = np.concatenate([[1.0], ndtr((85.0 - SCANS) / JITTER)])
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
    assert found.responded == pytest.approx(math.exp(-(DISCONTINUATION + LESION + DEATH - RELIEF + LIVER) * SCANS[2]), rel=1e-6)
    assert run(StopRule.RADIOLOGICAL, shrinkage=0.0).responded == 0.0


def test_a_trial_with_more_scans_sees_progression_no_later(run, engine):
    trial = make_trial(scan_interval=21.0)
    values = np.array([[item.value] for item in engine.compiled.model.parameters])
    often = run_arms(engine, [ArmTask(trial, trial.arm("placebo"), StopRule.RADIOLOGICAL, values)], 1)[0]
    seldom = run(StopRule.RADIOLOGICAL, arm="placebo")
    assert np.all(np.cumsum(often.detected)[1::2] >= np.cumsum(seldom.detected) - 1e-12)


def test_the_placebo_arm_does_not_know_the_stop_rule(hcc_problem):
    centre = np.zeros(len(hcc_problem.free))
    outcomes = [predict(replace(hcc_problem, rules=dict.fromkeys(hcc_problem.rules, rule)), [centre])[0] for rule in StopRule]
    for name in ("survival", "at_risk", "detected", "by_lesion", "liver_deaths"):
        for other in outcomes[1:]:
            assert np.array_equal(getattr(outcomes[0]["sharp", "placebo"], name), getattr(other["sharp", "placebo"], name))


def test_the_result_has_the_same_bits_for_one_thread_and_for_two(hcc_problem):
    people = replace(hcc_problem, population=draw_individuals(hcc_problem.parameters, 150, 3))
    one, two = (predict(replace(people, jobs=jobs), [np.zeros(len(people.free))])[0] for jobs in (1, 2))
    for arm in people.arms:
        for item in fields(ArmOutcome):
            assert np.array_equal(getattr(one[arm], item.name), getattr(two[arm], item.name)), (arm, item.name)


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
        assert np.all(np.diff(outcome.liver_deaths) >= 0.0)
        assert np.all(outcome.liver_deaths <= 1.0 - outcome.survival + 1e-6)
        assert np.all(outcome.on_treatment <= outcome.survival + 2.0 * NEGLIGIBLE)
        assert 0.0 <= outcome.responded <= 1.0


def test_an_arm_is_the_mean_of_its_patients(hcc_problem, hcc_point):
    task = arm_task(hcc_problem, hcc_point, "sharp", "sorafenib")
    halves = [replace(task, parameters=np.ascontiguousarray(task.parameters[:, part])) for part in (slice(0, 32), slice(32, 64))]
    whole, *parts = run_arms(hcc_problem.engine, [task, *halves], 1)
    for name in ("survival", "on_treatment", "at_risk", "detected", "liver_deaths"):
        mean = (getattr(parts[0], name) + getattr(parts[1], name)) / 2.0
        assert getattr(whole, name) == pytest.approx(mean, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("horizon", [500.0, 504.0, 505.0, 520.0])
def test_the_last_scan_is_seen_as_well_as_if_the_trial_went_on(horizon, engine):
    trial = make_trial()
    values = np.array([[item.value] for item in engine.compiled.model.parameters])
    task = ArmTask(trial, trial.arm("drug"), StopRule.RADIOLOGICAL, values)
    short, long = (run_arms(replace(engine, horizon=end), [task], 1)[0] for end in (horizon, 700.0))
    assert short.grid[-1] >= horizon
    assert short.detected == pytest.approx(long.detected[: short.scans.size], abs=1e-5)


def test_patients_that_fail_are_counted_and_leave_the_others_alone(hcc_problem):
    task = arm_task(hcc_problem, np.zeros(len(hcc_problem.free)), "sharp", "sorafenib")
    broken = task.parameters.copy()
    broken[:, [3, 40]] = math.nan
    healthy = np.ascontiguousarray(np.delete(task.parameters, [3, 40], axis=1))
    found, expected = run_arms(hcc_problem.engine, [replace(task, parameters=broken), replace(task, parameters=healthy)], 1)
    assert (found.patients, found.failed) == (62, 2)
    assert (expected.patients, expected.failed) == (62, 0)
    for item in fields(ArmOutcome):
        if item.name not in ("arm", "failed"):
            assert getattr(found, item.name) == pytest.approx(getattr(expected, item.name), rel=1e-12, abs=1e-15), item.name


def test_an_arm_in_which_nobody_can_be_integrated_is_an_error(hcc_problem):
    task = arm_task(hcc_problem, np.zeros(len(hcc_problem.free)), "sharp", "placebo")
    with pytest.raises(NumericalError, match="no patient of sharp:placebo could be integrated"):
        run_arms(hcc_problem.engine, [replace(task, parameters=np.full_like(task.parameters, math.nan))], 1)


def test_the_mean_course_of_straight_patients_is_the_mean_over_those_alive(engine):
    trial = make_trial()
    values = np.array([[item.value, item.value] for item in engine.compiled.model.parameters])
    names = [item.name for item in engine.compiled.model.parameters]
    values[names.index("death"), 1] = 0.02
    values[names.index("growth"), 1] = 0.02
    task = ArmTask(trial, trial.arm("placebo"), StopRule.RADIOLOGICAL, values)
    found = mean_courses(engine, task, [DIAMETER])[DIAMETER]
    time = engine.grid(trial)
    alive = np.exp(-(np.array([[DEATH], [0.02]]) + LIVER) * time)
    lines = np.array([[GROWTH], [0.02]]) * time
    assert found == pytest.approx((lines * alive).sum(axis=0) / alive.sum(axis=0), rel=1e-6, abs=1e-9)


def test_the_mean_course_on_drug_turns_where_the_drug_is_left(engine):
    """Off drug since scan j the line rises again: a mixture over j, weighted by who is alive."""
    trial = make_trial()
    values = np.array([[item.value] for item in engine.compiled.model.parameters])
    found = mean_courses(engine, ArmTask(trial, trial.arm("drug"), StopRule.RADIOLOGICAL, values), [DIAMETER])[DIAMETER]
    time, left = engine.grid(trial), leave(StopRule.RADIOLOGICAL)
    on, off, slope = DEATH - RELIEF + LIVER, DEATH + LIVER, GROWTH - SHRINKAGE
    total = (1.0 - left.sum()) * np.exp(-on * time) * slope * time
    for share, scan in zip(left, SCANS, strict=True):
        before, after = np.minimum(time, scan), np.maximum(time - scan, 0.0)
        total += share * np.exp(-on * before - off * after) * (slope * before + GROWTH * after)
    assert found == pytest.approx(total / live(StopRule.RADIOLOGICAL, time), abs=1e-4)
