"""Criteria of progression: the ratio alone, and RECIST 1.1's five millimetres where the first sum of diameters is known."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from straight_trial import DEATH, LIVER, SCANS, make_cohort, make_simulator, make_straight_model, make_trial, outgrow

from kinimmune.models.trial.design import StopRule, Trial
from kinimmune.models.trial.microsimulation import simulate_patients
from kinimmune.models.trial.simulator import TrialSimulator
from kinimmune.models.trial.virtual_trial import run_arms

GROWTH = 0.003


def make_strict_trial(baseline: float | None) -> Trial:
    return make_trial(criterion="RECIST 1.1", progression_increase=5.0, baseline_diameter=baseline)


@given(st.floats(2.0, 500.0), st.floats(-3.0, 0.0))
def test_progression_is_called_where_the_sum_is_a_fifth_and_five_millimetres_above_its_smallest(first, lowest):
    smallest = first * math.exp(lowest)
    limit = smallest * math.exp(float(make_strict_trial(first).progression_limit(np.array([lowest]))[0]))
    assert limit == pytest.approx(max(1.2 * smallest, smallest + 5.0), rel=1e-12)


def test_without_a_first_sum_or_an_increase_the_ratio_alone_decides_and_the_trial_says_so():
    lowest = np.array([-1.0, 0.0])
    assert make_trial().progression_limit(lowest) == math.log(1.2)
    assert make_trial(baseline_diameter=80.0).progression_limit(lowest) == math.log(1.2)
    assert make_strict_trial(None).progression_limit(lowest) == math.log(1.2)
    assert make_trial().caveat == make_strict_trial(80.0).caveat == ""
    told = "study 'straight': RECIST 1.1 asks for an increase of 5 mm too, which is not applied: design.csv has no baseline"
    assert make_strict_trial(None).caveat.startswith(told)


def test_a_sum_that_has_vanished_must_grow_by_five_millimetres_and_breaks_nothing():
    limit = make_strict_trial(50.0).progression_limit(np.array([-800.0]))
    assert limit == pytest.approx([math.log(0.1) + 800.0], rel=1e-12)


@pytest.fixture(scope="module")
def simulator() -> TrialSimulator:
    """Return the straight model integrated by the kernel."""
    return make_simulator(make_straight_model(), "kernel")


@pytest.mark.parametrize(("baseline", "ratio"), [(None, 1.2), (25.0, 1.2), (10.0, 1.5), (8.0, 1.625)])
def test_small_tumours_are_seen_to_progress_later(baseline, ratio, simulator):
    cohort = make_cohort(simulator.model, StopRule.NEVER, "placebo", 3, growth=GROWTH, lesion=0.0)
    found = run_arms(simulator, [replace(cohort, trial=make_strict_trial(baseline))], 1)[0]
    unseen = np.concatenate([[1.0], outgrow(SCANS, GROWTH, ratio, 1.0 if ratio == 1.2 else 1.0 / ratio)])
    assert found.detected == pytest.approx(-np.diff(unseen) * np.exp(-(DEATH + LIVER) * SCANS), abs=1e-6)


def test_drawn_patients_are_read_by_the_same_criterion(simulator):
    cohort = make_cohort(simulator.model, StopRule.RADIOLOGICAL, "drug", 10_000, shrinkage=0.0, growth=GROWTH, lesion=0.0)
    strict = replace(cohort, trial=make_strict_trial(10.0))
    drawn = simulate_patients(simulator, strict, 3)
    expected = run_arms(simulator, [strict.part(slice(0, 2))], 1)[0]
    seen = np.array([((drawn.progression == scan) & (drawn.death >= scan)).mean() for scan in expected.scans])
    assert np.all(np.abs(seen - expected.detected) <= 4.0 * np.sqrt(np.maximum(seen, 1e-4) / 10_000))
