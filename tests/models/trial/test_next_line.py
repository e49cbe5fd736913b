"""Crossover and next lines against individuals that are followed one by one, and the laws of a share that goes on."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from next_lines import enrol_line, make_patients, with_line
from straight_trial import (
    DEATH,
    DISCONTINUATION,
    LESION,
    LIVER,
    RELIEF,
    SCANS,
    SHRINKAGE,
    enrol,
    make_simulator,
    make_straight_model,
    make_trial,
    numbers_of,
)

from kinimmune.fitting.problem.problem import arm_cohort, to_horizon
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.trial.after_treatment import NEGLIGIBLE
from kinimmune.models.trial.design import Endpoint, StopRule
from kinimmune.models.trial.microsimulation import simulate_patients
from kinimmune.models.trial.next_line import NextLine, Reason
from kinimmune.models.trial.population import draw_individuals, draw_population
from kinimmune.models.trial.regimens import Administration
from kinimmune.models.trial.survival import expected_curve, hazard_ratio, survival_at
from kinimmune.models.trial.virtual_trial import mean_courses, run_arms

MODEL = make_straight_model()
OTHER = {"relief": 0.0025, "shrinkage": 0.001}
"""What is another drug's of the parameters: it eases death more and shrinks less."""
FULL = (Administration("relief", 800.0, "mg/d"),)
GROWTHS = 0.004 * np.exp(np.linspace(-1.2, 1.2, 9))
INDIVIDUALS = 90_000


def follow_individuals(trial, arm, rule, other, seed):
    """Return days of death and scans (0-based) of progression of individuals: every event drawn, every course a straight line."""
    random = np.random.default_rng(seed)
    line, n = trial.arm(arm).next_line, INDIVIDUALS
    growth = np.tile(GROWTHS, n // GROWTHS.size)
    treated = float(trial.arm(arm).daily_dose > 0.0)
    visits = SCANS[:, None] + trial.scan_jitter * random.standard_normal((SCANS.size, n))
    first, *errors = trial.reading_error * random.standard_normal((1 + SCANS.size, n))
    lesion = SCANS[:, None] >= random.exponential(1.0 / LESION, n)
    first_speed = growth - treated * SHRINKAGE
    begun = first_speed * visits + errors
    seen = find_scan(first, begun, lesion)
    intolerance = np.searchsorted(SCANS, random.exponential(1.0 / DISCONTINUATION, n))
    felt = np.searchsorted(SCANS, random.exponential(100.0 / math.log(2.0), n))
    by_rule = {
        StopRule.RADIOLOGICAL: seen,
        StopRule.ONE_SCAN_LATER: seen + 1,
        StopRule.RADIOLOGICAL_AND_SYMPTOMATIC: np.maximum(seen, felt),
    }[rule]
    stop = np.minimum(by_rule, intolerance)
    whom = {Reason.ANY: True, Reason.PROGRESSION: by_rule <= intolerance, Reason.DISCONTINUATION: by_rule > intolerance}
    goes_on = (random.random(n) < line.share) & whom[line.when]
    day = np.append(SCANS, math.inf)[np.minimum(stop, SCANS.size)]
    speed = growth - goes_on * other["shrinkage"]
    left = np.arange(SCANS.size)[:, None] > stop
    since = np.where(left, visits - day, 0.0)
    course = np.where(left, first_speed * np.where(left, day, 0.0) + speed * since + errors, begun)
    again = find_scan(first, course, lesion)
    scan = np.where(seen <= stop, seen, np.maximum(again, stop + 1))
    on, off = DEATH + LIVER - treated * RELIEF, DEATH + LIVER - goes_on * other["relief"]
    level = random.exponential(size=n)
    with np.errstate(invalid="ignore"):
        death = np.where(level < on * day, level / on, day + (level - on * day) / off)
    return death, scan


def find_scan(first, read, lesion):
    """Return the first scan that shows progression, the number of scans where none does."""
    rise = read - np.minimum(np.minimum.accumulate(read, axis=0), first)
    shown = (rise >= math.log(1.2)) | lesion
    return np.where(shown.any(axis=0), shown.argmax(axis=0), SCANS.size)


def assert_shares(found, expected, n=INDIVIDUALS):
    """Assert that drawn shares are the expected ones within four standard errors, and what paths of no weight may add."""
    error = np.sqrt(np.maximum(expected * (1.0 - expected), 1.0 / n) / n)
    assert np.all(np.abs(found - expected) <= 4.0 * error + 10.0 * NEGLIGIBLE)


@pytest.fixture(scope="module")
def simulator():
    return make_simulator(MODEL)


@pytest.mark.parametrize(
    ("arm", "rule", "when", "share"),
    [
        ("drug", StopRule.RADIOLOGICAL, Reason.PROGRESSION, 0.7),
        ("drug", StopRule.RADIOLOGICAL_AND_SYMPTOMATIC, Reason.ANY, 0.5),
        ("drug", StopRule.ONE_SCAN_LATER, Reason.DISCONTINUATION, 1.0),
        ("placebo", StopRule.RADIOLOGICAL, Reason.ANY, 1.0),
        ("placebo", StopRule.RADIOLOGICAL_AND_SYMPTOMATIC, Reason.PROGRESSION, 0.5),
    ],
)
def test_a_switch_of_drug_is_that_of_individuals_followed_one_by_one(simulator, arm, rule, when, share):
    line = NextLine("second", share, (Administration("other", 800.0, "mg/d"),), when)
    trial = with_line(make_trial(reading_error=0.05), arm, line)
    cohort = enrol_line(MODEL, trial, arm, rule, make_patients(MODEL, growth=GROWTHS), OTHER)

    expected = run_arms(simulator, [cohort], 1)[0]
    death, scan = follow_individuals(trial, arm, rule, OTHER, 17)

    alive = (death[None, :] > expected.grid[::6, None]).mean(axis=1)
    assert_shares(alive, expected.survival[::6])
    seen = [((scan == k) & (death > day)).mean() for k, day in enumerate(expected.scans)]
    assert_shares(np.array(seen), expected.detected)


def test_crossover_dilutes_the_hazard_ratio_of_death_as_cox_finds_it(simulator):
    """Half of placebo goes over to the drug at progression."""
    crossing = with_line(make_trial(), "placebo", NextLine("drug", 0.5, FULL, Reason.PROGRESSION))
    given, own = make_patients(MODEL, growth=GROWTHS), {"relief": RELIEF, "shrinkage": SHRINKAGE}
    drug, apart = (enrol(MODEL, make_trial(), name, StopRule.RADIOLOGICAL, given) for name in ("drug", "placebo"))
    crossed = enrol_line(MODEL, crossing, "placebo", StopRule.RADIOLOGICAL, given)
    treated, without, diluted = run_arms(simulator, [drug, apart, crossed], 1)
    span = crossing.follow_up[Endpoint.OS]
    curves = [expected_curve(item, Endpoint.OS, span) for item in (treated, without, diluted)]

    none = with_line(make_trial(), "drug", NextLine("drug", 0.0, FULL))
    deaths = [
        follow_individuals(trial, arm, StopRule.RADIOLOGICAL, own, seed)[0][:9_000]
        for trial, arm, seed in ((none, "drug", 3), (crossing, "placebo", 4))
    ]
    followed = np.random.default_rng(5).uniform(span.shortest, span.longest, (2, 9_000))
    frame = pd.DataFrame({
        "time": np.minimum(deaths, followed).ravel(),
        "event": (deaths <= followed).ravel(),
        "treated": np.repeat([1.0, 0.0], 9_000),
    })  # fmt: skip
    fitted = CoxPHFitter().fit(frame, "time", "event")

    log_ratio = math.log(hazard_ratio(curves[0], curves[2]))
    error = float(fitted.standard_errors_["treated"])
    assert abs(float(fitted.params_["treated"]) - log_ratio) < 4.0 * error
    assert math.log(hazard_ratio(curves[0], curves[1])) < log_ratio - 4.0 * error < 0.0


@pytest.mark.parametrize("arm", ["drug", "placebo"])
@pytest.mark.parametrize("rule", [StopRule.RADIOLOGICAL, StopRule.RADIOLOGICAL_AND_SYMPTOMATIC])
def test_a_share_of_nobody_leaves_every_bit(simulator, arm, rule):
    trial = with_line(make_trial(), arm, NextLine("second", 0.0, FULL))
    given = make_patients(MODEL, growth=GROWTHS)
    nobody, plain = run_arms(
        simulator,
        [enrol_line(MODEL, trial, arm, rule, given, OTHER), enrol(MODEL, make_trial(), arm, rule, given)],
        1,
    )

    for name, values in numbers_of(plain).items():
        np.testing.assert_array_equal(numbers_of(nobody)[name], values, err_msg=name)


@pytest.mark.parametrize("when", list(Reason))
def test_a_share_is_that_mixture_of_nobody_and_all(simulator, when):
    given = make_patients(MODEL, growth=GROWTHS)

    def run(share):
        trial = with_line(make_trial(), "drug", NextLine("second", share, FULL, when))
        return run_arms(simulator, [enrol_line(MODEL, trial, "drug", StopRule.RADIOLOGICAL, given, OTHER)], 1)[0]

    nobody, some, everybody = run(0.0), run(0.3), run(1.0)

    for name in ("survival", "unprogressed", "detected", "on_treatment"):
        expected = 0.7 * getattr(nobody, name) + 0.3 * getattr(everybody, name)
        np.testing.assert_allclose(getattr(some, name), expected, atol=5.0 * NEGLIGIBLE, err_msg=name)
    assert everybody.survival[-1] > nobody.survival[-1] + 0.005


def test_what_comes_after_progression_changes_neither_progression_nor_response(simulator):
    given = make_patients(MODEL, growth=GROWTHS)
    trial = with_line(make_trial(), "drug", NextLine("second", 0.5, FULL, Reason.PROGRESSION))
    after, plain = run_arms(
        simulator,
        [
            enrol_line(MODEL, trial, "drug", StopRule.RADIOLOGICAL, given, OTHER),
            enrol(MODEL, make_trial(), "drug", StopRule.RADIOLOGICAL, given),
        ],
        1,
    )

    for name in ("detected", "at_risk", "unprogressed", "responded", "on_treatment"):
        np.testing.assert_allclose(getattr(after, name), getattr(plain, name), atol=5.0 * NEGLIGIBLE, err_msg=name)
    assert after.survival[-1] > plain.survival[-1] + 0.01


def test_without_a_stop_nobody_goes_on(simulator):
    trial = with_line(make_trial(), "drug", NextLine("second", 1.0, FULL))
    found = run_arms(simulator, [enrol_line(MODEL, trial, "drug", StopRule.NEVER, make_patients(MODEL), OTHER)], 1)[0]

    np.testing.assert_allclose(found.survival, np.exp(-(DEATH - RELIEF + LIVER) * found.grid), rtol=1e-7)


def test_courses_of_those_who_go_on_are_read_with_what_they_are_given(simulator):
    """All go on with the drug they leave: whoever lives is on it, in any way."""
    trial = with_line(make_trial(), "drug", NextLine("again", 1.0, FULL))
    cohort = enrol_line(MODEL, trial, "drug", StopRule.RADIOLOGICAL, make_patients(MODEL, shift=-0.3))
    found = mean_courses(simulator, cohort, ["line", "ln_width"])

    np.testing.assert_allclose(found["ln_width"] - found["line"], -0.3, atol=1e-4)


def test_drawn_patients_go_on_as_expected_ones(hcc_problem, hcc_point):
    """Sixty in a hundred of placebo go on with regorafenib in cycles, by the kernel, with the parameters of that drug."""
    cycles = (Administration("regorafenib", 160.0, "mg/d", on_days=21.0, off_days=7.0),)
    trial = with_line(hcc_problem.trial("asia_pacific"), "placebo", NextLine("second", 0.6, cycles, Reason.PROGRESSION))
    problem = to_horizon(replace(hcc_problem, trials=(trial,), arms=(("asia_pacific", "placebo"),), targets=()), 18.0)
    sizes = draw_individuals(problem.parameters, 2_000, 8), draw_population(problem.parameters, 256, 1)
    sample, points = (arm_cohort(replace(problem, population=item), hcc_point, "asia_pacific", "placebo") for item in sizes)
    ic50 = problem.simulator.model.parameter_names.index("ic50_raf")
    assert (points.parameters[ic50, 0], points.next_line.parameters[ic50, 0]) == (6.0, 2.5)
    positive = (np.minimum(points.parameters, points.next_line.parameters) > 0.0).all(axis=1)
    own, other = (item.parameters[positive] for item in (points, points.next_line))
    assert np.ptp(np.log(own / other), axis=1) == pytest.approx(0.0, abs=1e-12)  # the same patients with another drug

    drawn, expected = simulate_patients(problem.simulator, sample, 9), run_arms(problem.simulator, [points], 1)[0]

    days = np.array([60.0, 120.0, 240.0, 360.0, 480.0])
    alive = (drawn.death[None, :] > days[:, None]).mean(axis=1)
    at = survival_at(expected.grid, expected.survival, days)
    assert np.all(np.abs(alive - at) < 4.0 * np.sqrt(at * (1.0 - at) / 2_000) + 0.003)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"share": 1.01}, "a share of 1.01 goes on with 'second'; correct it to a number from 0 to 1"),
        ({"share": math.nan}, "a share of nan goes on"),
        ({"administrations": ()}, "next line 'second' gives nothing"),
        ({"administrations": (Administration("drug", 0.0, "mg"),)}, "next line 'second' gives nothing"),
    ],
)
def test_what_is_no_next_line_is_refused(changes, message):
    with pytest.raises(DataError, match=message):
        NextLine(**{"arm": "second", "share": 0.5, "administrations": FULL} | changes)


def test_a_cohort_whose_next_line_was_forgotten_is_refused():
    trial = with_line(make_trial(), "drug", NextLine("second", 0.5, FULL))
    with pytest.raises(UsageError, match="arm 'straight:drug' and its cohort differ about a next line"):
        enrol(MODEL, trial, "drug", StopRule.RADIOLOGICAL, make_patients(MODEL))
