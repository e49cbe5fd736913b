"""The melanoma model as a whole: rest, gates and doses, the landmark analysis against lifelines, and the two headline claims."""

import dataclasses
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from landmark_trials import analyse, draw_survival, drawn_trial

from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.fitting.claims.check import set_up
from kinimmune.fitting.claims.landmark import Cohort, expected_association
from kinimmune.fitting.claims.landmark_trial import Landmark, follow_arm
from kinimmune.fitting.claims.parameter_sets import draw_parameters, nominal
from kinimmune.fitting.claims.readouts.melanoma import READOUTS, STUDY, expected_trial
from kinimmune.fitting.claims.table import read_claims
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import NumericalError, UsageError
from kinimmune.models.experiments.planning import plan_experiment
from kinimmune.models.solvers.scipy_ensemble import integrate_by_scipy
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import StopRule
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.population import draw_population

LANDMARK = 56.0
BOTH, CLASSICAL = "sorafenib_temozolomide", "temozolomide"


@pytest.fixture(scope="module")
def setup():
    claims = [item for item in read_claims(model="melanoma") if item.id in ("B4a", "B5a")]
    return set_up(load_model("melanoma"), claims, Tables(), 2)


@pytest.fixture(scope="module")
def typical(setup):
    return ExperimentBatch(setup, nominal(setup.compiled.model.parameters))


@pytest.fixture(scope="module")
def few(setup):
    return ExperimentBatch(setup, draw_parameters(setup.compiled.model.parameters, 20, 1.0, 3))


def with_inputs(setup, parameters):
    return np.concatenate([parameters, np.zeros((len(setup.compiled.model.inputs), parameters.shape[1]))])


def place(setup, name):
    return [state.name for state in setup.compiled.model.states].index(name)


def claim(identity, **changes):
    found = next(item for item in read_claims(model="melanoma") if item.id == identity)
    return dataclasses.replace(found, **changes)


def test_before_treatment_everything_but_the_tumour_rests_when_ligand_is_bound(setup):
    drawn = with_inputs(setup, draw_parameters(setup.compiled.model.parameters, 300, 1.0, 5))
    start = setup.compiled.initial(drawn)
    rates, turnover = setup.compiled.rhs(0.0, start, drawn), setup.compiled.jacobian(0.0, start, drawn)
    for state in setup.compiled.model.states:
        if state.name not in ("log_volume", "death_hazard", "lesion_hazard"):
            i = place(setup, state.name)
            np.testing.assert_array_less(np.abs(rates[i]), 1e-9 * (np.abs(turnover[i, i]) * start[i] + 1e-6))


def test_states_stay_non_negative_on_prior_draws(few):
    for experiment in (BOTH, "no_monocytes", "no_mica", "temozolomide_il15"):
        for state in few.setup.compiled.model.states:
            if state.nonnegative:
                assert np.all(few.read(experiment, state.name, "two_cycles") >= -1e-7), (experiment, state.name)


def test_no_tumour_stays_no_tumour_and_kills_nobody(few):
    assert np.all(few.read("in_vitro_10", "tumour_volume", "two_cycles") == 0.0)
    assert np.all(few.read("in_vitro_10", "death_hazard", "two_cycles") < 1e-9)


def test_a_drug_that_reaches_no_kinase_leaves_temozolomide_alone(setup):
    parameters = draw_parameters(setup.compiled.model.parameters, 20, 1.0, 3)
    parameters[setup.compiled.model.parameter_names.index("kinase_shift")] = 1e12
    blind = ExperimentBatch(setup, parameters)
    for quantity in ("rise", "tumour_volume", "il15ra_monocytes", "th1_effectors"):
        both, alone = (blind.read(arm, quantity, "two_cycles") for arm in (BOTH, CLASSICAL))
        np.testing.assert_allclose(both, alone, rtol=1e-3, atol=1e-9)


def test_scipy_and_kernel_agree_on_prior_draws(setup, few):
    time, plan = np.array([0.0, 28.0, 56.0, 180.0]), plan_experiment(setup.compiled.model, setup.experiments[BOTH], {}, 180.0)
    tolerances = Tolerances(1e-7, 1e-9)
    run = partial(
        dict,
        initial=setup.compiled.initial(with_inputs(setup, few.parameters)),
        parameters=few.parameters,
        time=time,
        schedule=plan,
        tolerances=tolerances,
    )
    ours = setup.integrate(**run()).states
    theirs = integrate_by_scipy(setup.compiled, **run()).states
    np.testing.assert_allclose(ours, theirs, rtol=10 * 1e-6, atol=10 * 1e-7)


def test_blocking_growth_never_slows_regression(setup):
    parameters = draw_parameters(setup.compiled.model.parameters, 200, 1.0, 9)
    names = setup.compiled.model.parameter_names
    drawn = with_inputs(setup, parameters)
    start = setup.compiled.initial(drawn)
    start[place(setup, "concentration")] = 5.0
    start[place(setup, "log_volume")] = np.linspace(-1.0, 12.0, 200)
    weak, strong = drawn.copy(), drawn.copy()
    weak[names.index("braf_effect")], strong[names.index("braf_effect")] = 0.0, 1.0
    i = place(setup, "log_volume")
    assert np.all(setup.compiled.rhs(0.0, start, strong)[i] <= setup.compiled.rhs(0.0, start, weak)[i] + 1e-12)


@pytest.mark.parametrize("arrow", ["il15ra_induction", "nkg2d_trigger"])
def test_without_either_signal_no_cell_number_rises(few, arrow):
    assert np.all(few.without(arrow).read(BOTH, "rise", "two_cycles") < 1.05)


def test_supply_needs_neither_signal(few):
    names = few.setup.compiled.model.parameter_names
    expected = few.parameters[names.index("cell_supply")] / few.parameters[names.index("cell_death")]
    start = few.setup.compiled.initial(with_inputs(few.setup, few.changed("no_mica")))
    np.testing.assert_allclose(start[place(few.setup, "cd4_nkg2d_cells")], expected, rtol=1e-9)


def constant_hazard(slope, patients=400, seed=1):
    """Return a cohort whose ln hazard is `slope` times its covariate."""
    covariate = np.random.default_rng(seed).standard_normal((1, patients))
    covariate = (covariate - covariate.mean()) / covariate.std()
    time = np.linspace(LANDMARK, 1000.0, 200)
    rate = 0.002 * np.exp(slope * covariate)
    hazard = rate[:, :, None] * (time - LANDMARK)[None, None, :]
    return Cohort(time, hazard, covariate, FollowUp(900.0, 1100.0))


@given(st.floats(-1.0, 1.0))
@settings(max_examples=20, deadline=None)
def test_expected_association_returns_the_slope_of_proportional_hazards(slope):
    assert expected_association(constant_hazard(slope)).log_hazard_ratio[0] == pytest.approx(slope, abs=0.02)


def test_no_association_has_the_size_of_the_test():
    found = expected_association(constant_hazard(0.0))
    assert found.rejected(63)[0] == pytest.approx(0.05, abs=1e-6)
    assert found.detected(63)[0] == pytest.approx(0.025, abs=1e-6)


def test_expected_association_is_what_lifelines_finds_in_a_large_trial(setup):
    batch = ExperimentBatch(setup, nominal(setup.compiled.model.parameters), seed=2)
    cohort = drawn_trial(batch, BOTH, 4000).cohort
    time, died = draw_survival(cohort, np.random.default_rng(3))
    found = analyse(time[0], died[0], cohort.covariate[0], LANDMARK)
    expected = expected_association(cohort)
    error = 1.0 / np.sqrt(4000 * expected.information[0])
    assert abs(np.log(found.hazard_ratio) - expected.log_hazard_ratio[0]) < 3.0 * error
    assert found.patients == int((time[0] > LANDMARK).sum())
    assert found.log_rank_p_value < 1e-3


def test_log_rank_test_needs_both_groups():
    rng = np.random.default_rng(4)
    time, covariate = LANDMARK + rng.exponential(100.0, 50), 1.0 + rng.random(50)
    assert np.isnan(analyse(time, np.ones(50, dtype=bool), covariate, LANDMARK).log_rank_p_value)


def test_separated_deaths_are_a_numerical_error_in_one_line():
    covariate = np.arange(20.0)
    time, died = LANDMARK + 100.0 - covariate, covariate > 18.5
    with pytest.raises(NumericalError, match="1 deaths of 20 patients do not determine a hazard ratio; take a larger trial"):
        analyse(time, died, covariate, LANDMARK)


def test_patients_dead_before_the_landmark_are_left_out():
    rng = np.random.default_rng(5)
    time = np.concatenate([np.full(30, LANDMARK), LANDMARK + rng.exponential(100.0, 60)])
    covariate = rng.standard_normal(90)
    kept = analyse(time[30:], np.ones(60, dtype=bool), covariate[30:], LANDMARK)
    assert analyse(time, np.ones(90, dtype=bool), covariate, LANDMARK) == kept


def test_drawn_survival_follows_the_hazard_and_the_follow_up():
    cohort = constant_hazard(0.0, patients=20000)
    time, died = draw_survival(cohort, np.random.default_rng(6))
    assert np.mean(time > 500.0) == pytest.approx(np.exp(-0.002 * (500.0 - LANDMARK)), abs=0.02)
    assert np.all(time[~died] >= 900.0)


def test_rise_goes_with_survival_under_sorafenib_and_not_without_it(typical):
    ratio = READOUTS["landmark_hazard_ratio"]
    assert ratio(typical, claim("B4a"))[0] < 0.8
    assert ratio(typical.without("il15ra_induction"), claim("B4a"))[0] == pytest.approx(1.0, abs=0.1)
    assert READOUTS["landmark_rejection"](typical, claim("B5b"))[0] < 0.1
    assert READOUTS["landmark_size"](typical.without("il15_gate"), claim("B5a"))[0] > 0.1


def test_common_patients_are_enough_for_the_expected_association(setup, typical):
    batch = ExperimentBatch(setup, nominal(setup.compiled.model.parameters), seed=9)
    many = expected_association(drawn_trial(batch, BOTH, 4000).cohort).log_hazard_ratio[0]
    assert expected_association(expected_trial(typical, BOTH).cohort).log_hazard_ratio[0] == pytest.approx(many, abs=0.12)


def with_spread(model, name, sd):
    """Return a model in whose patients a parameter differs more or less."""

    def put(item):
        return dataclasses.replace(item, spread=dataclasses.replace(item.spread, sd=sd)) if item.name == name else item

    return dataclasses.replace(model, parameters=tuple(map(put, model.parameters)))


def test_the_landmark_analysis_is_what_it_was_before_it_read_the_virtual_trial():
    before = {
        "B4a": 0.387150,
        "B4b": 0.991671,
        "B5a": 0.020367,
        "B5b": 0.052726,
        "B5c": 0.004785,
        "B6": 0.467413,
        "B12": 0.867688,
    }
    claims = [item for item in read_claims(model="melanoma") if item.id in ("B4a", "B5a")]
    model = with_spread(load_model("melanoma"), "clearance", 0.47)  # this and the next value as the table had them
    setup = set_up(model, claims, Tables(), 2)
    medians = nominal(tuple(item.at(item.prior.median) if item.estimated else item for item in setup.compiled.model.parameters))
    then = ExperimentBatch(setup, medians).with_values("temozolomide_clearance", np.array([276.0]))
    for identity, value in before.items():
        row = claim(identity)
        assert READOUTS[row.readout](then, row)[0] == pytest.approx(value, abs=2e-4), identity


def follow(batch, arm=BOTH, day=LANDMARK, patients=8):
    landmark = Landmark(STUDY, arm, day, ("cd4_nkg2d_cells",), "count_error", "untreated")
    return follow_arm(batch, landmark, [draw_population(batch.setup.compiled.model.parameters, patients, 1)])


def under_rule(batch, rule):
    """Return the same batch with another stop rule of the study."""
    trials = {study: dataclasses.replace(trial, stop_rule=rule) for study, trial in batch.setup.trials.items()}
    return dataclasses.replace(batch, setup=dataclasses.replace(batch.setup, trials=trials))


def test_who_stops_at_progression_dies_sooner_after_the_same_landmark(typical):
    to_the_end, stopped = follow(typical), follow(under_rule(typical, StopRule.RADIOLOGICAL))

    np.testing.assert_array_equal(stopped.at_landmark["cd4_nkg2d_cells"], to_the_end.at_landmark["cd4_nkg2d_cells"])
    np.testing.assert_allclose(stopped.hazard[..., 0], to_the_end.hazard[..., 0], rtol=1e-12)
    assert np.all(stopped.hazard[..., -1] >= to_the_end.hazard[..., -1] * (1.0 - 1e-3))
    assert stopped.hazard[..., -1].mean() > 1.01 * to_the_end.hazard[..., -1].mean()


@pytest.mark.parametrize(
    ("rule", "day", "problem"),
    [
        (StopRule.NEVER, 50.0, "the landmark on day 50 is no scan of study 'soraftem'; give its design.csv a scan_interval"),
        (StopRule.RADIOLOGICAL, 168.0, "patients of 'soraftem:sorafenib_temozolomide' may leave treatment before the landmark"),
    ],
)
def test_a_landmark_that_no_scan_or_not_everyone_reaches_is_refused(typical, rule, day, problem):
    with pytest.raises(UsageError, match=problem):
        follow(under_rule(typical, rule), day=day)


def test_unknown_covariate_is_refused_with_the_allowed_ones(typical):
    with pytest.raises(UsageError, match=r"no covariate 'fall'.*allowed: rise, start"):
        READOUTS["landmark_size"](typical, claim("B5a", quantity="fall"))
