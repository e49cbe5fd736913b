"""Laws of the ensemble integrator; numbers from closed forms, published end values and scipy."""

import math
import runpy
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

from kinimmune.models.compile import compile_model
from kinimmune.models.dosing import Dose, Schedule
from kinimmune.models.ensemble import COMPLETIONS, EnsembleTrajectories, integrate
from kinimmune.models.errors import UsageError
from kinimmune.models.kernels import Kernel, Level, Rise, load_kernel
from kinimmune.models.reference import integrate_by_scipy
from kinimmune.models.simulate import locate_crossing, simulate
from kinimmune.models.span import Completion, Tolerances

Rates = Mapping[str, str]
STRICT = Tolerances(1e-8, 1e-10)


plain = runpy.run_path(str(Path(__file__).with_name("plain_models.py")))
make_model, columns = plain["make_model"], plain["columns"]


@pytest.fixture(scope="module")
def tumour() -> Kernel:
    """Return a tumour with drug and effector cells whose burden falls first and rises later."""
    model = make_model(
        "tumour_with_drug",
        {
            "drug": "dose - ke * drug",
            "tumour": "g * tumour * log(1000 / tumour) - kill * cells * tumour / (50 + tumour) - e * drug / (drug + 1) * tumour",
            "cells": "s + a * cells * tumour / (100 + tumour) - d * cells * (1 + tumour / 200)",
            "hazard": "h0 * (tumour / 50) ** b",
        },
        {"drug": 0.0, "tumour": 80.0, "cells": 2.0, "hazard": 0.0},
        {"ke": 0.5, "g": 0.02, "kill": 0.3, "e": 0.1, "s": 0.4, "a": 0.1, "d": 0.08, "h0": 0.001, "b": 2 / 3},
        inputs=("dose",),
        outputs={"log_burden": "log(tumour) / 3"},
    )
    return load_kernel(model, watch="log_burden")


TREATED = Schedule(starts=(0.0, 60.0), inputs=({"dose": 2.0}, {"dose": 0.0}))
GRID = np.linspace(0.0, 200.0, 41)


def treat(kernel: Kernel, n: int, seed: int = 1, **keywords: object) -> EnsembleTrajectories:
    return integrate(kernel, **draw(kernel, n, seed), **{"time": GRID, "schedule": TREATED, **keywords})


def draw(kernel: Kernel, n: int, seed: int = 1) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    changed = {
        name: value * np.exp(0.3 * generator.standard_normal(n)) for name, value in (("g", 0.02), ("kill", 0.3), ("e", 0.1))
    }
    return columns(kernel, n, **changed)


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
    alone = treat(tumour, 1, seed=5, event=Rise("log_burden", 0.1))
    one = draw(tumour, 1, seed=5)
    for place in range(17):
        others = draw(tumour, 17, seed=place)
        for key in others:
            others[key][:, place] = one[key][:, 0]
        crowd = integrate(tumour, **others, time=GRID, schedule=TREATED, event=Rise("log_burden", 0.1))
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
    assert [COMPLETIONS[code] for code in found.completion[sick]] == [Completion.NOT_FINITE] * 3
    assert found.failures == {Completion.NOT_FINITE: 3}
    assert np.all(found.failed_at[[3, 9]] == 0.0)
    states = tumour.state_names
    assert found.blamed[sick].tolist() == [-1, states.index("tumour"), states.index("hazard")]  # a parameter is no state
    assert np.all(found.blamed[well] == -1)
    assert np.all(np.isnan(found.states[:, 1:, sick]))
    assert np.all(np.isinf(found.failed_at[well]))


def test_a_pole_in_finite_time_is_a_typed_failure_at_the_pole(closed_forms: Kernel) -> None:
    time = np.linspace(0.0, 10.0, 21)
    found = integrate(closed_forms, **columns(closed_forms, 3, b=np.array([0.01, 0.5, 0.02])), time=time)
    assert COMPLETIONS[found.completion[1]] in (Completion.STEP_UNDERFLOW, Completion.NOT_FINITE)
    assert found.failed_at[1] == pytest.approx(2.0, rel=1e-4)
    assert closed_forms.state_names[found.blamed[1]] == "y"
    assert np.all(np.isfinite(found["y"][time < 2.0, 1]))
    assert np.all(np.isnan(found["y"][time > 2.0, 1]))
    assert np.all(np.isnan(found.final[:, 1]))
    np.testing.assert_allclose(found["y"][-1, [0, 2]], [1.0 / 0.9, 1.0 / 0.8], rtol=1e-5)


def test_a_budget_of_steps_that_is_used_up_is_a_typed_failure(tumour: Kernel) -> None:
    found = treat(tumour, 3, most_steps=5)
    assert {COMPLETIONS[code] for code in found.completion} == {Completion.TOO_MANY_STEPS}
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


def dense_quantity(kernel: Kernel, people: dict[str, np.ndarray], i: int) -> Callable[[float], float]:
    compiled = compile_model(kernel.model)
    pieces, y = [], people["initial"][:, i]
    for begin, end, dose in ((0.0, 60.0, 2.0), (60.0, 200.0, 0.0)):
        p = np.append(people["parameters"][:, i], dose)
        course = solve_ivp(compiled.rhs, (begin, end), y, method="DOP853", args=(p,), rtol=1e-10, atol=1e-12, dense_output=True)
        pieces.append(course.sol)
        y = course.y[:, -1]
    return lambda t: math.log(pieces[int(t > 60.0)](t)[1]) / 3.0


def test_crossing_and_nadir_agree_with_root_finding_on_dense_output(tumour: Kernel) -> None:
    people = draw(tumour, 3, seed=2)
    found = treat(tumour, 3, seed=2, event=Rise("log_burden", math.log(1.2)), tolerances=STRICT)
    crossings = 0
    for i in range(3):
        quantity = dense_quantity(tumour, people, i)
        near = min(np.linspace(0.0, 200.0, 801), key=quantity)
        lowest = minimize_scalar(quantity, bounds=(near - 0.25, near + 0.25), method="bounded", options={"xatol": 1e-9})
        grid = np.sort(np.append(np.linspace(0.0, 200.0, 801), lowest.x))
        crossing, _ = locate_crossing(quantity, grid, math.log(1.2))
        assert found.nadir[i] == pytest.approx(lowest.fun, abs=1e-7)
        crossings += math.isfinite(crossing)
        if math.isfinite(crossing):
            assert found.crossing[i] == pytest.approx(crossing, abs=1e-5)
        else:
            assert found.crossing[i] == math.inf
    assert crossings >= 3


def test_the_crossing_moves_smoothly_with_a_parameter(tumour: Kernel) -> None:
    e = 0.1 * (1.0 + np.linspace(-1e-3, 1e-3, 81))
    crossing = integrate(
        tumour, **columns(tumour, 81, e=e), time=GRID, schedule=TREATED, event=Rise("log_burden", math.log(1.2))
    ).crossing
    assert np.all(np.isfinite(crossing))
    residual = crossing - np.polyval(np.polyfit(e - 0.1, crossing, 3), e - 0.1)
    assert np.abs(residual).max() < 1e-3 * np.ptp(crossing)


def test_a_running_minimum_handed_over_moves_the_crossing(tumour: Kernel) -> None:
    rise = Rise("log_burden", 0.2)
    plain = treat(tumour, 4, event=rise)
    level = math.log(80.0) / 3.0
    lowered = treat(tumour, 4, event=rise, nadir=np.full(4, level - 0.21))
    assert np.all(lowered.crossing == 0.0)
    assert np.all(plain.crossing > 0.0)
    assert np.all(lowered.nadir <= level - 0.21)


@pytest.fixture(scope="module")
def threshold() -> Kernel:
    """Return exponential approach x = 1 - exp(-k t) and an oscillation v = sin(w t), both watched by one sum."""
    rates = {"x": "k * (1 - x)", "v": "w * u", "u": "-w * v"}
    model = make_model("threshold", rates, {"x": 0.0, "v": 0.0, "u": 1.0}, {"k": 0.0, "w": 0.0}, outputs={"sum": "x + v"})
    return load_kernel(model, watch="sum")


@pytest.mark.parametrize("level", [0.05, 0.5, 0.95])
def test_a_level_is_reached_when_the_closed_form_says(threshold: Kernel, level: float) -> None:
    k, w = np.array([0.3, 1.0, 0.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.5, 2.0, 0.0])
    people = columns(threshold, 5, k=k, w=w)
    found = integrate(threshold, **people, time=np.array([0.0, 20.0]), event=Level("sum", level), tolerances=STRICT)
    exact = [*(-math.log(1.0 - level) / k[:2]), *(math.asin(level) / w[2:4])]
    np.testing.assert_allclose(found.crossing[:4], exact, rtol=1e-7)
    assert found.crossing[4] == math.inf


def test_a_peak_inside_a_step_reaches_a_level_just_below_it(threshold: Kernel) -> None:
    people = columns(threshold, 2, w=np.array([1.0, 1.0]))
    for level, reached in ((1.0 - 1e-6, True), (1.0 + 1e-6, False)):
        found = integrate(threshold, **people, time=np.array([0.0, 3.0]), event=Level("sum", level), tolerances=STRICT)
        assert np.all(np.isfinite(found.crossing)) == reached
        if reached:
            np.testing.assert_allclose(found.crossing, math.asin(level), atol=2e-6)


def test_a_dose_that_lifts_the_quantity_past_a_level_is_the_crossing(threshold: Kernel) -> None:
    given = Schedule(doses=(Dose(4.0, "x", 2.0),))
    found = integrate(threshold, **columns(threshold, 1), time=np.array([0.0, 9.0]), schedule=given, event=Level("sum", 1.5))
    assert found.crossing.tolist() == [4.0]


def test_scipy_finds_the_same_levels(threshold: Kernel) -> None:
    people = columns(threshold, 3, k=np.array([0.3, 1.0, 0.0]), w=np.array([0.1, 0.0, 0.02]))
    given = {**people, "time": np.array([0.0, 20.0]), "event": Level("sum", 0.6), "tolerances": STRICT}
    by_kernel, by_scipy = integrate(threshold, **given), integrate_by_scipy(compile_model(threshold.model), **given)
    np.testing.assert_allclose(by_kernel.crossing, by_scipy.crossing, rtol=1e-6)


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
        ({"event": Rise("tumour", 0.1)}, "load_kernel"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(tumour: Kernel, change: dict[str, object], message: str) -> None:
    people = draw(tumour, 3) | {"time": GRID, "schedule": TREATED}
    with pytest.raises(UsageError, match=message):
        integrate(tumour, **(people | change))
