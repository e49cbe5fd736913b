"""Events of the ensemble kernel, rises above the running minimum and levels, against root finding and closed forms."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import tumour_patients as tumours
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

from kinimmune.models.kernel.kernel import Kernel, load_kernel
from kinimmune.models.solvers.dosing import Dose, Schedule
from kinimmune.models.solvers.ensemble import integrate
from kinimmune.models.solvers.events import RiseFromNadir, Threshold
from kinimmune.models.solvers.individual import locate_crossing
from kinimmune.models.solvers.scipy_ensemble import integrate_by_scipy
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model

STRICT = Tolerances(1e-8, 1e-10)
make_model, columns = tumours.make_model, tumours.columns
treat, draw, GRID, TREATED = tumours.treat, tumours.draw, tumours.GRID, tumours.TREATED


@pytest.fixture(scope="module")
def tumour() -> Kernel:
    """Return a tumour whose burden falls first and rises later."""
    return tumours.load_tumour()


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
    found = treat(tumour, 3, seed=2, event=RiseFromNadir("log_burden", math.log(1.2)), tolerances=STRICT)
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
        tumour, **columns(tumour, 81, e=e), time=GRID, schedule=TREATED, event=RiseFromNadir("log_burden", math.log(1.2))
    ).crossing
    assert np.all(np.isfinite(crossing))
    residual = crossing - np.polyval(np.polyfit(e - 0.1, crossing, 3), e - 0.1)
    assert np.abs(residual).max() < 1e-3 * np.ptp(crossing)


def test_a_running_minimum_handed_over_moves_the_crossing(tumour: Kernel) -> None:
    rise = RiseFromNadir("log_burden", 0.2)
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
    return load_kernel(model, event_output="sum")


@pytest.mark.parametrize("level", [0.05, 0.5, 0.95])
def test_a_level_is_reached_when_the_closed_form_says(threshold: Kernel, level: float) -> None:
    k, w = np.array([0.3, 1.0, 0.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.5, 2.0, 0.0])
    people = columns(threshold, 5, k=k, w=w)
    found = integrate(threshold, **people, time=np.array([0.0, 20.0]), event=Threshold("sum", level), tolerances=STRICT)
    exact = [*(-math.log(1.0 - level) / k[:2]), *(math.asin(level) / w[2:4])]
    np.testing.assert_allclose(found.crossing[:4], exact, rtol=1e-7)
    assert found.crossing[4] == math.inf


def test_a_peak_inside_a_step_reaches_a_level_just_below_it(threshold: Kernel) -> None:
    people = columns(threshold, 2, w=np.array([1.0, 1.0]))
    for level, reached in ((1.0 - 1e-6, True), (1.0 + 1e-6, False)):
        found = integrate(threshold, **people, time=np.array([0.0, 3.0]), event=Threshold("sum", level), tolerances=STRICT)
        assert np.all(np.isfinite(found.crossing)) == reached
        if reached:
            np.testing.assert_allclose(found.crossing, math.asin(level), atol=2e-6)


def test_a_dose_that_lifts_the_quantity_past_a_level_is_the_crossing(threshold: Kernel) -> None:
    given = Schedule(doses=(Dose(4.0, "x", 2.0),))
    found = integrate(threshold, **columns(threshold, 1), time=np.array([0.0, 9.0]), schedule=given, event=Threshold("sum", 1.5))
    assert found.crossing.tolist() == [4.0]


def test_scipy_finds_the_same_levels(threshold: Kernel) -> None:
    people = columns(threshold, 3, k=np.array([0.3, 1.0, 0.0]), w=np.array([0.1, 0.0, 0.02]))
    given = {**people, "time": np.array([0.0, 20.0]), "event": Threshold("sum", 0.6), "tolerances": STRICT}
    by_kernel, by_scipy = integrate(threshold, **given), integrate_by_scipy(compile_model(threshold.model), **given)
    np.testing.assert_allclose(by_kernel.crossing, by_scipy.crossing, rtol=1e-6)
