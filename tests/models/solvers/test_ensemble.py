"""Laws of the ensemble integrator; numbers from closed forms, published end values and scipy."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
import tumour_patients as tumours

from kinimmune.models.errors import UsageError
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.kernel.kernel import Kernel, load_kernel
from kinimmune.models.solvers.dosing import Dose, Schedule
from kinimmune.models.solvers.ensemble import integrate
from kinimmune.models.solvers.events import RiseFromNadir
from kinimmune.models.solvers.individual import simulate
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model

Rates = Mapping[str, str]
STRICT = Tolerances(1e-8, 1e-10)


make_model, columns = tumours.make_model, tumours.columns
treat, draw, GRID, TREATED = tumours.treat, tumours.draw, tumours.GRID, tumours.TREATED


@pytest.fixture(scope="module")
def tumour() -> Kernel:
    """Return a tumour whose burden falls first and rises later."""
    return tumours.load_tumour()


@pytest.fixture(scope="module")
def closed_forms() -> Kernel:
    """Return four equations whose solutions are known, each of which stands still unless its parameters move it."""
    model = make_model(
        "closed_forms",
        {"v": "a * v * log(1000 / v)", "follower": "c * (cos(t) - follower)", "x": "rate - k * x", "y": "b * y**2"},
        {"v": 10.0, "follower": 0.0, "x": 1.0, "y": 1.0},
        {"a": 0.0, "b": 0.0, "c": 0.0, "k": 0.0},
        inputs=("rate",),
    )
    return load_kernel(model)


def test_gompertz_growth_agrees_with_its_closed_form(closed_forms: Kernel) -> None:
    a = np.array([0.01, 0.05, 0.1, 0.5])
    time = np.linspace(0.0, 100.0, 37)
    found = integrate(closed_forms, **columns(closed_forms, 4, a=a), time=time, tolerances=Tolerances(1e-12, 1e-13))
    exact = 1000.0 * np.exp(math.log(0.01) * np.exp(-np.outer(time, a)))
    assert np.abs(found["v"] / exact - 1.0).max() < 1e-9


@pytest.fixture(scope="module")
def exact(tumour: Kernel) -> np.ndarray:
    """Return the courses of three patients by scipy, shape (n_states, k, 3)."""
    compiled = compile_model(tumour.model)
    people = draw(tumour, 3)["parameters"]
    strict = Tolerances(1e-10, 1e-12)
    courses = [
        simulate(
            compiled, dict(zip(tumour.parameter_names, person, strict=True)), GRID, TREATED, tolerances=strict, method="Radau"
        )
        for person in people.T
    ]
    return np.stack([course.states for course in courses], axis=2)


@pytest.mark.parametrize("relative", [1e-4, 1e-6, 1e-8])
def test_error_stays_within_ten_times_the_tolerance(tumour: Kernel, exact: np.ndarray, relative: float) -> None:
    found = treat(tumour, 3, tolerances=Tolerances(relative, relative * 1e-2))
    assert np.max(np.abs(found.states - exact) / np.maximum(np.abs(exact), 1e-2)) < 10.0 * relative


def test_a_rate_that_depends_on_time_keeps_the_order_of_the_method(closed_forms: Kernel) -> None:
    time = np.linspace(0.0, 6.0, 13)
    exact = (2500.0 * np.cos(time) + 50.0 * np.sin(time) - 2500.0 * np.exp(-50.0 * time)) / 2501.0
    for relative in (1e-5, 1e-8):
        found = integrate(closed_forms, **columns(closed_forms, 1, c=50.0), time=time, tolerances=Tolerances(relative, relative))
        assert np.abs(found["follower"][:, 0] - exact).max() < 10.0 * relative


def test_doses_and_changes_of_input_fall_exactly_where_the_schedule_says(closed_forms: Kernel) -> None:
    plan = Schedule(
        (0.0, 2.0),
        ({"rate": 1.0}, {"rate": 0.0}),
        (Dose(0.0, "x", 5.0), Dose(3.5, "x", 2.0), Dose(4.0, "x", 1.0), Dose(8.0, "x", 3.0)),
    )
    time = np.linspace(0.0, 8.0, 17)
    found = integrate(closed_forms, **columns(closed_forms, 1, k=0.3), time=time, schedule=plan, tolerances=STRICT)["x"][:, 0]
    steady = 1.0 / 0.3
    at_two = steady + (6.0 - steady) * math.exp(-0.6)
    exact = np.where(time <= 2.0, steady + (6.0 - steady) * np.exp(-0.3 * time), at_two * np.exp(-0.3 * (time - 2.0)))
    exact += np.where(time >= 3.5, 2.0 * np.exp(-0.3 * (time - 3.5)), 0.0) + np.where(
        time >= 4.0, np.exp(-0.3 * (time - 4.0)), 0.0
    )
    exact[-1] += 3.0
    np.testing.assert_allclose(found, exact, rtol=1e-7)


def test_a_patient_has_the_same_bits_in_every_lane_and_company(tumour: Kernel) -> None:
    alone = treat(tumour, 1, seed=5, event=RiseFromNadir("log_burden", 0.1))
    one = draw(tumour, 1, seed=5)
    for place in range(17):
        others = draw(tumour, 17, seed=place)
        for key in others:
            others[key][:, place] = one[key][:, 0]
        crowd = integrate(tumour, **others, time=GRID, schedule=TREATED, event=RiseFromNadir("log_burden", 0.1))
        np.testing.assert_array_equal(crowd.states[:, :, place], alone.states[:, :, 0])
        assert (crowd.crossing[place], crowd.nadir[place]) == (alone.crossing[0], alone.nadir[0])
        assert crowd.steps[place] == alone.steps[0]


def test_one_patient_that_cannot_be_computed_leaves_the_bits_of_the_others(tumour: Kernel) -> None:
    healthy = treat(tumour, 20)
    people = draw(tumour, 20)
    people["parameters"][tumour.parameter_names.index("g"), 3] = math.nan
    people["initial"][1, 9] = math.inf
    people["parameters"][tumour.parameter_names.index("h0"), 14] = 1e308
    found = integrate(tumour, **people, time=GRID, schedule=TREATED)
    sick = [3, 9, 14]
    well = np.setdiff1d(np.arange(20), sick)
    np.testing.assert_array_equal(found.states[:, :, well], healthy.states[:, :, well])
    assert [Completion(code) for code in found.completion[sick]] == [Completion.NOT_FINITE] * 3
    assert found.failures == {Completion.NOT_FINITE: 3}
    assert np.all(found.failed_at[[3, 9]] == 0.0)
    states = tumour.state_names
    assert found.failed_state[sick].tolist() == [-1, states.index("tumour"), states.index("hazard")]  # a parameter is no state
    assert np.all(found.failed_state[well] == -1)
    assert np.all(np.isnan(found.states[:, 1:, sick]))
    assert np.all(np.isinf(found.failed_at[well]))


def test_a_pole_in_finite_time_is_a_typed_failure_at_the_pole(closed_forms: Kernel) -> None:
    time = np.linspace(0.0, 10.0, 21)
    found = integrate(closed_forms, **columns(closed_forms, 3, b=np.array([0.01, 0.5, 0.02])), time=time)
    assert Completion(found.completion[1]) in (Completion.STEP_UNDERFLOW, Completion.NOT_FINITE)
    assert found.failed_at[1] == pytest.approx(2.0, rel=1e-4)
    assert closed_forms.state_names[found.failed_state[1]] == "y"
    assert np.all(np.isfinite(found["y"][time < 2.0, 1]))
    assert np.all(np.isnan(found["y"][time > 2.0, 1]))
    assert np.all(np.isnan(found.final[:, 1]))
    np.testing.assert_allclose(found["y"][-1, [0, 2]], [1.0 / 0.9, 1.0 / 0.8], rtol=1e-5)


def test_a_budget_of_steps_that_is_used_up_is_a_typed_failure(tumour: Kernel) -> None:
    found = treat(tumour, 3, most_steps=5)
    assert {Completion(code) for code in found.completion} == {Completion.TOO_MANY_STEPS}
    assert np.all(found.failed_at < 200.0)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
@pytest.mark.parametrize("name", ["ke", "g", "kill", "e", "s", "a", "d", "h0"])
def test_extreme_parameters_are_computed_or_refused_never_missed(tumour: Kernel, name: str, scale: float) -> None:
    people = columns(tumour, 2)
    people["parameters"][tumour.parameter_names.index(name), 1] *= scale
    found = integrate(tumour, **people, time=GRID, schedule=TREATED)
    assert found.completion[0] == 0
    if found.completion[1] == 0:
        assert np.all(np.isfinite(found.states[:, :, 1]))
    else:
        assert np.isnan(found.final[:, 1]).all()


def test_an_empty_population_is_an_empty_answer(tumour: Kernel) -> None:
    found = treat(tumour, 0)
    assert found.states.shape == (4, 41, 0)
    assert found.failures == {}


def test_a_kernel_and_its_trajectories_print_in_a_line(tumour: Kernel) -> None:
    assert repr(tumour).startswith("Kernel(OdeModel(tumour_with_drug: 4 states, 10 parameters")
    assert repr(tumour).endswith("event output log_burden)")
    found = treat(tumour, 3, most_steps=5)
    assert repr(found) == "EnsembleTrajectories(4 states, 41 times up to 200 d, 3 patients, 3 failed)"


def test_a_course_restarted_from_a_saved_state_goes_on_as_before(tumour: Kernel) -> None:
    whole = treat(tumour, 9, tolerances=STRICT)
    people = draw(tumour, 9)
    start = np.arange(9) * 3 + 5
    people["initial"] = whole.states[:, start, np.arange(9)]
    rest = integrate(tumour, **people, time=GRID, schedule=TREATED, start=start, tolerances=STRICT)
    for i, first in enumerate(start):
        assert np.all(np.isnan(rest.states[:, :first, i]))
        np.testing.assert_array_equal(rest.states[:, first, i], people["initial"][:, i])
        np.testing.assert_allclose(rest.states[:, first:, i], whole.states[:, first:, i], rtol=1e-6, atol=1e-8)


def test_a_dose_at_the_moment_of_a_saved_state_is_not_given_twice(closed_forms: Kernel) -> None:
    plan = Schedule(doses=(Dose(2.0, "x", 4.0),))
    time = np.array([0.0, 1.0, 2.0, 3.0])
    people = columns(closed_forms, 1, k=0.3)
    whole = integrate(closed_forms, **people, time=time, schedule=plan, tolerances=STRICT)
    people["initial"] = whole.states[:, 2]
    rest = integrate(closed_forms, **people, time=time, schedule=plan, start=np.array([2]), tolerances=STRICT)
    assert rest["x"][3, 0] == pytest.approx(whole["x"][3, 0], rel=1e-7)


def test_states_that_are_not_kept_do_not_change_those_that_are(tumour: Kernel) -> None:
    some = treat(tumour, 3, keep=["hazard", "tumour"])
    whole = treat(tumour, 3)
    assert some.names == ("hazard", "tumour")
    np.testing.assert_array_equal(some["tumour"], whole["tumour"])
    np.testing.assert_array_equal(some.final, whole.final)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time": np.array([1.0, 1.0])}, "increasing"),
        ({"keep": ["tumor"]}, "did you mean 'tumour'"),
        ({"schedule": Schedule(inputs=({"doze": 1.0},))}, "did you mean 'dose'"),
        ({"start": np.array([0, 99, 0])}, "start must lie"),
        ({"parameters": np.ones((2, 3))}, r"parameters must have shape \(10, 3\)"),
        ({"event": RiseFromNadir("tumour", 0.1)}, "load_kernel"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(tumour: Kernel, change: dict[str, object], message: str) -> None:
    people = draw(tumour, 3) | {"time": GRID, "schedule": TREATED}
    with pytest.raises(UsageError, match=message):
        integrate(tumour, **(people | change))
