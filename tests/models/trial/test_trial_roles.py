"""A trial reads a model by its roles: any number of causes of death, with or without new lesions and diameters."""

import math
from dataclasses import replace

import numpy as np
import pytest
from plain_models import make_parameter
from straight_trial import (
    DEATH,
    GROWTH,
    LESION,
    LIVER,
    RELIEF,
    SCANS,
    SHRINKAGE,
    STORM,
    enrol,
    live,
    make_cohort,
    make_simulator,
    make_straight_model,
    make_trial,
    outgrow,
    without_adverse_events,
)

from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.solvers.dosing import constant
from kinimmune.models.trial.after_treatment import NEGLIGIBLE
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.design import Endpoint, StopRule, list_endpoints, supports_trials
from kinimmune.models.trial.microsimulation import simulate_patients
from kinimmune.models.trial.regimens import Dosing, plan_dosing
from kinimmune.models.trial.survival import progression_free
from kinimmune.models.trial.virtual_trial import mean_courses, run_arms

OTHERS = {1: 0.0, 2: LIVER, 3: LIVER + STORM}
"""Number of causes -> rate of the deaths that the drug does not ease."""


@pytest.mark.parametrize("rule", [StopRule.RADIOLOGICAL, StopRule.NEVER])
@pytest.mark.parametrize("causes", [1, 2, 3])
def test_survival_is_its_closed_form_with_any_number_of_causes(causes, rule):
    model = make_straight_model(causes)
    found = run_arms(make_simulator(model), [make_cohort(model, rule)], 1)[0]
    assert found.survival == pytest.approx(live(rule, found.grid, OTHERS[causes]), abs=3.0 * NEGLIGIBLE)


@pytest.mark.parametrize("causes", [1, 2, 3])
def test_deaths_by_cause_add_up_to_all_deaths_under_the_labels_of_the_model(causes):
    model = make_straight_model(causes)
    found = run_arms(make_simulator(model), [make_cohort(model, StopRule.RADIOLOGICAL)], 1)[0]
    assert list(found.deaths_by_cause) == ["erosion", "collapse", "a storm"][:causes]
    step = (found.grid[1] - found.grid[0]) * (DEATH + OTHERS[causes])
    assert sum(found.deaths_by_cause.values()) == pytest.approx(1.0 - found.survival, rel=step**2 / 24.0)


def test_each_of_three_constant_causes_has_its_share_of_the_deaths():
    model = make_straight_model(3)
    found = run_arms(make_simulator(model), [make_cohort(model, StopRule.NEVER)], 1)[0]
    rates = np.array([DEATH - RELIEF, LIVER, STORM])
    shares = [deaths[-1] / (1.0 - found.survival[-1]) for deaths in found.deaths_by_cause.values()]
    assert shares == pytest.approx(rates / rates.sum(), rel=1e-4)


def test_without_new_lesions_progression_is_the_crossing_alone():
    model = make_straight_model(lesions=False)
    cohort = make_cohort(model, StopRule.RADIOLOGICAL, "placebo", growth=math.log(1.2) / 85.0)
    found = run_arms(make_simulator(model), [cohort], 1)[0]
    unseen = np.concatenate([[1.0], outgrow(SCANS, math.log(1.2) / 85.0)])
    assert found.detected == pytest.approx(-np.diff(unseen) * np.exp(-(DEATH + LIVER) * SCANS), abs=1e-7)
    assert not found.by_lesion.any()


def test_without_new_lesions_a_shrinking_tumour_never_progresses_on_drug():
    model = make_straight_model(lesions=False)
    cohort = without_adverse_events(make_cohort(model, StopRule.RADIOLOGICAL))
    found = run_arms(make_simulator(model), [cohort], 1)[0]
    assert found.detected == pytest.approx(np.zeros(SCANS.size), abs=1e-12)
    assert found.survival == pytest.approx(live(StopRule.NEVER, found.grid), abs=1e-7)


@pytest.mark.parametrize("arm", ["drug", "placebo"])
def test_without_a_diameter_every_progression_is_a_new_lesion(arm):
    model = make_straight_model(diameter=False)
    cohort = make_cohort(model, StopRule.NEVER, arm)
    found = run_arms(make_simulator(model), [cohort], 1)[0]
    rate = DEATH + LIVER - (RELIEF if arm == "drug" else 0.0)
    expected = -np.diff(np.exp(-LESION * np.concatenate([[0.0], SCANS]))) * np.exp(-rate * SCANS)
    assert found.detected == pytest.approx(expected, rel=1e-6)
    assert np.array_equal(found.by_lesion, found.detected)
    assert found.responded == 0.0


def test_without_a_diameter_off_drug_lesions_go_on_at_their_rate():
    """The hazard of lesions is the same on drug and off it, so the product-limit curve is its exponential under any rule."""
    model = make_straight_model(diameter=False)
    found = run_arms(make_simulator(model), [make_cohort(model, StopRule.RADIOLOGICAL)], 1)[0]
    assert progression_free(found) == pytest.approx(np.exp(-LESION * SCANS), rel=1e-4)


def test_without_a_diameter_and_lesions_a_trial_has_overall_survival_alone():
    model = make_straight_model(lesions=False, diameter=False)
    simulator = make_simulator(model)
    found = run_arms(simulator, [make_cohort(model, StopRule.RADIOLOGICAL)], 1)[0]
    assert simulator.endpoints == list_endpoints(model) == (Endpoint.OS,)
    assert found.survival == pytest.approx(live(StopRule.RADIOLOGICAL, found.grid, lesion=0.0), abs=3.0 * NEGLIGIBLE)
    assert not found.detected.any()
    assert np.all(progression_free(found) == 1.0)


def test_patients_of_a_model_without_progression_die_and_do_not_progress():
    model = make_straight_model(1, lesions=False, diameter=False)
    cohort = make_cohort(model, StopRule.RADIOLOGICAL, patients=400, relief=0.0, death=0.01)
    drawn = simulate_patients(make_simulator(model), cohort, 5)
    assert drawn.log_diameter is None
    assert np.all(np.isinf(drawn.progression))
    dead = np.isfinite(drawn.death).mean()
    expected = -math.expm1(-0.01 * drawn.grid[-1])
    assert abs(dead - expected) < 4.0 * math.sqrt(expected * (1.0 - expected) / 400)


def test_what_is_read_off_drug_is_read_without_the_drug():
    """A reading that stands off the line while drug is taken is on the line again once it is left."""
    model = make_straight_model(lesions=False)
    cohort = make_cohort(model, StopRule.RADIOLOGICAL, patients=200, shift=-0.3)
    drawn = simulate_patients(make_simulator(model), cohort, 7)
    left = np.isfinite(drawn.stop)
    assert 50 < left.sum() < 200
    stop = np.minimum(drawn.stop, drawn.grid[-1])[None, :]
    before, after = np.minimum(drawn.grid[:, None], stop), np.maximum(drawn.grid[:, None] - stop, 0.0)
    line = (GROWTH - SHRINKAGE) * before + GROWTH * after
    expected = line + np.where(after > 0.0, 0.0, -0.3)
    assert drawn.log_diameter == pytest.approx(expected, abs=1e-6)


def test_drawn_and_expected_progressions_agree_where_the_reading_depends_on_the_drug():
    """Off drug the reading jumps by more than the limit: where visits keep their dates, the next scan shows it."""
    model = make_straight_model(lesions=False)
    simulator, n = make_simulator(model), 1000
    on_dates = replace(make_trial(), scan_jitter=1e-6)
    few, many = (
        replace(make_cohort(model, StopRule.RADIOLOGICAL, patients=patients, shift=-0.3), trial=on_dates) for patients in (1, n)
    )
    expected = run_arms(simulator, [few], 1)[0]
    drawn = simulate_patients(simulator, many, 11)
    leaves = np.isfinite(drawn.stop) & (drawn.stop < SCANS[-2])
    assert np.array_equal(drawn.progression[leaves], drawn.stop[leaves] + 42.0)
    for scan in (2, 5, 9):
        seen = ((drawn.progression <= SCANS[scan]) & (drawn.death > drawn.progression)).mean()
        share = expected.detected[: scan + 1].sum()
        assert abs(seen - share) < 4.0 * math.sqrt(share * (1.0 - share) / n)


def test_mean_courses_off_drug_are_read_without_the_drug():
    model = make_straight_model(1, lesions=False)
    simulator = make_simulator(model)
    cohort = make_cohort(model, StopRule.RADIOLOGICAL, shift=-0.3)
    found = mean_courses(simulator, cohort, ["line", "ln_width"])
    on_drug = (found["ln_width"] - found["line"]) / -0.3
    outcome = run_arms(simulator, [cohort], 1)[0]
    assert on_drug == pytest.approx(outcome.on_treatment / outcome.survival, abs=1e-3)


def test_a_treated_arm_needs_a_role_for_its_drug_and_an_untreated_one_does_not():
    trial, model = make_trial(), make_straight_model()
    undrugged = replace(model, drugs=())
    given, nothing = (trial.arm(name).administrations for name in ("drug", "placebo"))
    assert plan_dosing(model, given, {}, 500.0) == Dosing(constant(pills=800.0), constant())
    assert plan_dosing(undrugged, nothing, {}, 500.0) == Dosing(constant(), constant())
    with pytest.raises(DataError, match="model 'straight' takes no 'relief': it has roles for none"):
        plan_dosing(undrugged, given, {}, 500.0)


def test_a_model_without_roles_has_no_trial():
    model = load_model("gompertz")
    assert not supports_trials(model)
    assert list_endpoints(model) == ()
    with pytest.raises(UsageError, match="model 'gompertz' is not tried in a trial: it names no cause of death"):
        assert make_simulator(model).roles is None


def test_arms_of_the_tables_are_run_in_models_that_say_where_a_dose_goes():
    assert supports_trials(make_straight_model(1, lesions=False, diameter=False))
    assert supports_trials(load_model("hcc_trial"))
    assert supports_trials(load_model("melanoma"))
    assert not supports_trials(load_model("breast"))


def test_some_patients_of_a_cohort_are_a_cohort():
    model = make_straight_model()
    cohort = make_cohort(model, StopRule.NEVER, patients=5)
    part = cohort.part(slice(1, 3))
    assert isinstance(part, ArmCohort)
    assert (part.patients, part.arm, part.rule) == (2, cohort.arm, cohort.rule)


def test_the_error_of_readings_is_the_parameter_a_model_names_for_it_or_the_number_of_the_design():
    """Two patients whose readers err by .02 and .2, beside two trials of which one reads with each error."""
    plain, roles = make_straight_model(), {"log_diameter": "ln_width", "reading_error": "blur"}
    blur = replace(make_parameter("blur", 0.1), lower=0.001, upper=0.5)
    named = replace(plain, parameters=(*plain.parameters, blur), trial=replace(plain.trial, **roles))
    values = np.array([[item.value] * 2 for item in named.parameters])
    values[-1] = [0.02, 0.2]
    own = enrol(named, make_trial(), "placebo", StopRule.NEVER, values)
    found = [run_arms(make_simulator(named), [own.part(slice(i, i + 1))], 1)[0] for i in range(2)]
    for outcome, error in zip(found, (0.02, 0.2), strict=True):
        design = enrol(plain, make_trial(reading_error=error), "placebo", StopRule.NEVER, values[:-1, :1])
        assert np.array_equal(outcome.detected, run_arms(make_simulator(plain), [design], 1)[0].detected)
    many = enrol(named, make_trial(), "placebo", StopRule.NEVER, np.repeat(values, 4000, axis=1))
    drawn = simulate_patients(make_simulator(named), many, 3)
    for which, outcome in zip((slice(0, 4000), slice(4000, 8000)), found, strict=True):
        seen = np.array([((drawn.progression == scan) & (drawn.death >= scan))[which].mean() for scan in SCANS])
        error = np.sqrt(np.maximum(outcome.detected * (1.0 - outcome.detected), 1e-4) / 4000)
        assert np.all(np.abs(seen - outcome.detected) <= 4.0 * error)
