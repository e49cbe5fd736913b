"""One individual: closed forms, doses, failures that are told, and integrators that agree."""

import math

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import UsageError
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.library.gompertz import gompertz_volume
from kinimmune.models.solvers.dosing import Dose, Schedule, constant
from kinimmune.models.solvers.individual import locate_crossing, simulate
from kinimmune.models.solvers.scipy_ensemble import integrate_by_scipy
from kinimmune.models.solvers.scipy_segment import METHODS
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.components import TIME, Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Source, Status, values_for

X, Y, K = symbol("x"), symbol("y"), symbol("k")
DAYS = np.linspace(0.0, 2.0, 9)


def compile_rate(rate, start=1):
    """Compile x' = rate(x, k, t, input u) with the output x + u."""
    source = Source("assumption", "here", Status.ASSUMED)
    number = Parameter("k", "k", 1.0, "1/d", -10.0, 1e9, Prior(Scale.FIXED, 1.0, 0.0), False, None, None, "rate", source)
    mechanism = Mechanism(
        "m",
        "r",
        states=(State("x", "x", "1", "x", sp.Integer(start)),),
        terms=(Term("change", "x", rate, "r"),),
        inputs=(Input("u", "u", "1", "input"),),
    )
    outputs = (Definition("sum", "s", "1", X + symbol("u"), "r"),)
    return compile_model(OdeModel("toy", "Toy", (mechanism,), (number,), outputs))


@pytest.fixture(scope="module")
def washout():
    """Compile x' = k (u - x): one compartment with elimination k."""
    return compile_rate(K * (symbol("u") - X), start=0)


@pytest.fixture(scope="module")
def trial():
    return compile_model(load_model("hcc_trial"))


@pytest.mark.parametrize("method", METHODS)
def test_gompertz_growth_follows_its_closed_form(method):
    compiled = compile_model(load_model("gompertz"))
    values = values_for(compiled.model.parameters, None)
    time = np.linspace(0.0, 100.0, 41)
    found = simulate(compiled, values, time, tolerances=Tolerances(1e-11, 1e-12), method=method)
    assert found.completion is Completion.COMPLETE
    assert found.failure is None
    np.testing.assert_allclose(found.states[0], gompertz_volume(time, **values), rtol=1e-9)


@given(st.floats(0.005, 0.5), st.floats(0.01, 5e3))
@settings(max_examples=10, deadline=None)
def test_gompertz_growth_follows_its_closed_form_for_any_rate_and_start(retardation, start):
    compiled = compile_model(load_model("gompertz"))
    values = {"retardation": retardation, "capacity": 1000.0, "start_volume": start}
    found = simulate(compiled, values, np.linspace(0.0, 50.0, 6), tolerances=Tolerances(1e-11, 1e-13))
    np.testing.assert_allclose(found.states[0], gompertz_volume(found.time, **values), rtol=1e-9)


def washed_out(time, doses, rate):
    """Return the closed form: every dose so far, each decayed since it was given."""
    return sum(np.where(time >= dose.time, dose.amount * np.exp(-rate * (time - dose.time)), 0.0) for dose in doses)


def test_doses_at_the_first_time_between_and_at_the_last_add_at_once(washout):
    # the first at the start, one on the grid, two together off the grid, one at the end; those outside are never given
    doses = tuple(Dose(time, "x", amount) for time, amount in ((0.0, 5.0), (0.5, 2.0), (1.1, 1.0), (1.1, 3.0), (2.0, 7.0)))
    outside = (Dose(-1.0, "x", 100.0), Dose(2.5, "x", 100.0))
    found = simulate(washout, {"k": 0.8}, DAYS, Schedule(doses=(*doses, *outside)), tolerances=Tolerances(1e-11, 1e-12))
    np.testing.assert_allclose(found.states[0], washed_out(DAYS, doses, 0.8), rtol=1e-9)
    assert found.states[0, 0] == 5.0


@given(
    st.lists(st.tuples(st.integers(0, 40), st.floats(0.1, 10.0)), max_size=5),
    st.floats(0.05, 5.0),
    st.sampled_from(list(METHODS)),
)
@settings(max_examples=20, deadline=None)
def test_washout_after_any_doses_is_a_sum_of_exponentials(washout, given_doses, rate, method):
    doses = tuple(Dose(time / 20.0, "x", amount) for time, amount in given_doses)
    found = simulate(washout, {"k": rate}, DAYS, Schedule(doses=doses), tolerances=Tolerances(1e-9, 1e-11), method=method)
    np.testing.assert_allclose(found.states[0], np.zeros(9) + washed_out(DAYS, doses, rate), rtol=1e-6, atol=1e-9)


def test_a_grid_seen_finer_or_longer_gives_the_same_course(washout):
    plan = Schedule((0.0, 0.7), ({"u": 1.0}, {"u": 0.0}), (Dose(1.0, "x", 2.0),))
    coarse = simulate(washout, {"k": 1.0}, np.array([0.0, 1.0, 1.5]), plan)
    fine = simulate(washout, {"k": 1.0}, np.linspace(0.0, 3.0, 61), plan)
    np.testing.assert_allclose(coarse.states[0], fine.states[0, [0, 20, 30]], rtol=1e-7)


def test_an_input_holds_from_its_start_and_outputs_see_it(washout):
    plan = Schedule((0.0, 1.0), ({"u": 2.0}, {}))
    found = simulate(washout, {"k": 1.5}, DAYS, plan, tolerances=Tolerances(1e-11, 1e-12))
    rising = 2.0 * (1.0 - np.exp(-1.5 * DAYS))
    falling = 2.0 * (1.0 - math.exp(-1.5)) * np.exp(-1.5 * (DAYS - 1.0))
    np.testing.assert_allclose(found.states[0], np.where(DAYS <= 1.0, rising, falling), rtol=1e-9)
    np.testing.assert_allclose(found.outputs[0] - found.states[0], np.where(DAYS < 1.0, 2.0, 0.0), atol=1e-12)


def test_time_need_not_begin_at_zero():
    source = Source("assumption", "here", Status.ASSUMED)
    number = Parameter("k", "k", 1.0, "1/d**2", 0.0, 9.0, Prior(Scale.FIXED, 1.0, 0.0), False, None, None, "rate", source)
    rising = Mechanism(
        "m", "r", states=(State("x", "x", "1", "x", sp.Integer(0)),), terms=(Term("rise", "x", 2 * K * TIME, "r"),)
    )
    compiled = compile_model(OdeModel("toy", "Toy", (rising,), (number,)))
    found = simulate(compiled, {"k": 1.0}, np.array([3.0, 4.0, 5.0]))
    np.testing.assert_allclose(found.states[0], [0.0, 7.0, 16.0], atol=1e-7)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("rate", "failure", "at"),
    [
        # x' = x^2 from 1 has its pole at 1, x' = exp(x) at 1/e
        (K * X**2, Completion.STEP_UNDERFLOW, 1.0),
        (K * sp.exp(X), Completion.STEP_UNDERFLOW, math.exp(-1.0)),
        # x' = -3 sqrt(x) ends at 2/3: beyond it the root of a negative number
        (-3 * K * sp.sqrt(X), Completion.NOT_FINITE, 2.0 / 3.0),
    ],
)
def test_a_course_that_cannot_go_on_is_told_with_its_time(method, rate, failure, at):
    found = simulate(compile_rate(rate), {"k": 1.0}, DAYS, method=method)
    assert found.completion is failure
    assert found.failure.time == pytest.approx(at, rel=0.35 if failure is Completion.NOT_FINITE else 1e-6)
    reached = found.failure.time >= DAYS
    assert np.all(np.isfinite(found.states[:, reached]))
    assert np.all(np.isnan(found.states[:, ~reached]))
    assert np.all(np.isnan(found.outputs[:, ~reached]))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_parameter_that_is_no_number_is_a_failure_at_the_start(method, value):
    found = simulate(compile_rate(K * X), {"k": value}, DAYS, method=method)
    assert (found.completion, found.failure.time) == (Completion.NOT_FINITE, 0.0)
    assert np.all(np.isnan(found.states[:, 1:]))


@pytest.mark.parametrize("name", ["growth", "initial_volume", "kinase_shift", "treg_source", "effector_capacity"])
def test_a_parameter_of_the_trial_model_that_is_no_number_fails_at_the_start(trial, name):
    values = values_for(trial.model.parameters, "sharp") | {name: math.nan}
    found = simulate(trial, values, DAYS, constant(dose_rate=800.0))
    assert found.completion is Completion.NOT_FINITE
    assert found.failure.time <= 1e-3


@pytest.mark.parametrize(
    ("name", "value", "state", "term"),
    [
        ("clearance", math.inf, "concentration", "elimination"),
        ("baseline_hazard", math.nan, "tumour_hazard", "tumour_death"),
        ("apoptosis_rate", math.nan, "log_volume", "apoptosis"),
    ],
)
def test_a_failure_names_the_state_and_the_term_that_broke(trial, name, value, state, term):
    values = values_for(trial.model.parameters, "sharp") | {name: value}
    found = simulate(trial, values, DAYS, constant(dose_rate=800.0))
    assert (found.failure.state, found.failure.term) == (state, term)
    assert str(found.failure) == f"on day 0, state '{state}', term '{term}'"


def test_a_failure_after_a_dose_keeps_what_came_before(washout):
    plan = Schedule((0.0, 1.0), ({}, {"u": math.inf}), (Dose(0.5, "x", 1.0),))
    found = simulate(washout, {"k": 1.0}, DAYS, plan)
    assert (found.completion, found.failure.time) == (Completion.NOT_FINITE, 1.0)
    np.testing.assert_allclose(found.states[0, 1:5], [0.0, *np.exp(-np.array([0.0, 0.25, 0.5]))], atol=1e-8)
    assert np.all(np.isnan(found.states[0, 5:]))


@pytest.mark.parametrize(
    ("values", "time", "plan", "method", "message"),
    [
        ({"kk": 1.0}, DAYS, None, "BDF", r"^model 'toy' has no parameter 'kk'; did you mean 'k'\?$"),
        ({}, DAYS, None, "BDF", r"^model 'toy': no value for parameter k; give one in its unit$"),
        ({"k": 1.0}, DAYS, None, "RK45", r"^unknown integrator 'RK45'; allowed: LSODA, BDF, Radau$"),
        ({"k": 1.0}, np.array([0.0]), None, "BDF", "at least two increasing finite values"),
        ({"k": 1.0}, np.array([]), None, "BDF", "at least two increasing finite values"),
        ({"k": 1.0}, np.array([0.0, 0.0]), None, "BDF", "at least two increasing finite values"),
        ({"k": 1.0}, np.array([0.0, math.nan, 2.0]), None, "BDF", "at least two increasing finite values"),
        ({"k": 1.0}, np.array([0.0, math.inf]), None, "BDF", "at least two increasing finite values"),
        ({"k": 1.0}, np.zeros((2, 2)), None, "BDF", "at least two increasing finite values"),
        ({"k": 1.0}, DAYS, constant(dose_rate=1.0), "BDF", r"model 'toy' has no input 'dose_rate'; allowed: u"),
        ({"k": 1.0}, DAYS, Schedule(doses=(Dose(1.0, "xx", 1.0),)), "BDF", r"has no state 'xx'; did you mean 'x'\?"),
    ],
)
def test_what_cannot_be_simulated_is_refused_with_one_line(washout, values, time, plan, method, message):
    with pytest.raises(UsageError, match=message):
        simulate(washout, values, time, plan, method=method)


@pytest.mark.parametrize(("relative", "absolute"), [(0.0, 1e-9), (1.0, 1e-9), (1e-14, 1e-9), (1e-6, 0.0), (math.nan, 1e-9)])
def test_tolerances_no_integrator_can_meet_are_refused(relative, absolute):
    with pytest.raises(UsageError, match=r"relative in \(1e-13, 1\), absolute positive"):
        Tolerances(relative, absolute)


def test_a_tighter_tolerance_means_a_smaller_error(washout):
    exact = 2.0 * (1.0 - np.exp(-3.0 * DAYS))

    def error(tolerance):
        found = simulate(washout, {"k": 3.0}, DAYS, constant(u=2.0), tolerances=Tolerances(tolerance, tolerance / 10.0))
        return np.abs(found.states[0] - exact).max()

    assert error(1e-4) > 10.0 * error(1e-7) > 100.0 * error(1e-11) > 0.0


def disagreement(one, other, names):
    """Return the largest difference, relative to the state, or to a thousandth of its largest value or 1e-6 where it is smaller.

    The logarithm of volume counts as it is: its difference is the relative one of the volume.
    """
    floor = np.where(np.array(names) == "log_volume", 1.0, np.maximum(1e-3 * np.abs(one).max(axis=1), 1e-6))
    return np.max(np.abs(one - other) / np.maximum(np.abs(one), floor[:, None]))


def test_three_integrators_agree_on_patients_drawn_from_the_priors(trial):
    rng, time = np.random.default_rng(20), np.linspace(0.0, 24.0 * 30.44, 25)
    names = [state.name for state in trial.model.states]
    own = [item for item in trial.model.parameters if item.study in (None, "sharp")]
    for _ in range(6):
        values = {item.name: float(np.clip(item.prior.from_z(rng.standard_normal()), item.lower, item.upper)) for item in own}
        for dose_rate in (0.0, 800.0):
            courses = [
                simulate(trial, values, time, constant(dose_rate=dose_rate), tolerances=Tolerances(*tolerance), method=method)
                for method, tolerance in (("LSODA", (1e-9, 1e-15)), ("BDF", (1e-9, 1e-15)), ("Radau", (1e-7, 1e-15)))
            ]
            assert [course.completion for course in courses] == [Completion.COMPLETE] * 3
            assert max(disagreement(courses[0].states, course.states, names) for course in courses[1:]) < 1e-6
            reference = courses[0].states[[name != "log_volume" for name in names]]
            assert np.all(reference >= -1e-9 * np.abs(reference).max(axis=1, keepdims=True))


SLOPE_ZERO = math.sqrt(1.0 - math.pi**-2) + math.asin(1.0 / math.pi) / math.pi
"""How far below -3 the course cos(pi t) - t is at its last minimum, just after 3."""


@pytest.mark.parametrize(
    ("quantity", "rise", "crossing", "lowest"),
    [
        (lambda t: t, 1.5, 1.5, 0.0),
        (lambda t: abs(t - 1.0), 0.25, 1.25, 0.0),
        (lambda t: -t, 0.5, math.inf, -4.0),
        (lambda t: 3.0 + 0.0 * t, 0.5, math.inf, 3.0),
        # rises that are too small, each from a lower minimum than the one before
        (
            lambda t: math.cos(math.pi * t) - t,
            2.0,
            math.inf,
            -3.0 - math.sqrt(1.0 - math.pi**-2) - math.asin(1.0 / math.pi) / math.pi,
        ),
        (lambda t: max(0.2 * t, 3.0 * (t - 2.0)), 0.9, 2.3, 0.0),
    ],
)
def test_a_rise_is_located_where_algebra_puts_it(quantity, rise, crossing, lowest):
    found = locate_crossing(quantity, np.linspace(0.0, 4.0, 401), rise)
    assert found[0] == pytest.approx(crossing, rel=1e-10)
    assert found[1] == pytest.approx(lowest, abs=1e-3)


def test_a_running_minimum_from_before_counts():
    assert locate_crossing(lambda t: t + 1.0, np.linspace(0.0, 4.0, 9), 1.5, nadir=0.5)[0] == pytest.approx(1.0, rel=1e-10)
    assert locate_crossing(lambda t: t + 1.0, np.linspace(0.0, 4.0, 9), 0.5, nadir=0.25) == (0.0, 0.25)
    assert locate_crossing(lambda t: t, np.linspace(0.0, 4.0, 9), 1.0, nadir=2.0)[0] == pytest.approx(1.0, rel=1e-10)


@pytest.mark.parametrize("start", [0, 1])
def test_many_by_scipy_have_the_doses_of_one_by_scipy(washout, start):
    plan = Schedule((0.0, 0.7), ({"u": 1.0}, {}), tuple(Dose(time, "x", 3.0) for time in (0.0, 0.5, 1.0, 1.1, 2.0)))
    time = np.array([0.0, 0.5, 1.0, 1.25, 2.0])
    one = simulate(washout, {"k": 0.8}, time, plan)
    whole = {"parameters": np.array([[0.8]]), "time": time, "schedule": plan, "start": np.array([start])}
    many = integrate_by_scipy(washout, initial=one.states[:, [start]] if start else np.zeros((1, 1)), **whole)
    np.testing.assert_allclose(many.states[:, start:, 0], one.states[:, start:], rtol=1e-6)
    np.testing.assert_array_equal(many.final[:, 0], many.states[:, -1, 0])


def test_trajectories_print_sizes_and_how_they_ended(washout):
    fine, broken = (simulate(washout, {"k": k}, DAYS) for k in (1.0, math.nan))
    assert repr(fine) == "Trajectories(1 states, 9 times up to 2 d, complete)"
    assert repr(broken) == "Trajectories(1 states, 9 times up to 2 d, failed on day 0, state 'x', term 'change')"
