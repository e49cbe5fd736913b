"""The ensemble kernel keeps the tolerance it is asked for, or says that it cannot.

`tests/data/radau` holds courses by scipy's Radau at 1e-11 for parameters drawn from the priors of each library model with four
times their standard deviation; `benchmarks/accuracy.py --store` writes them, and judges 1000 draws.
"""

import numpy as np
import plain_models as plain
import pytest
from paths import DATA

from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.kernel.kernel import load_kernel
from kinimmune.models.solvers.dosing import constant
from kinimmune.models.solvers.ensemble import integrate
from kinimmune.models.solvers.tolerances import Tolerances, sizes_of
from kinimmune.models.tables.rows import Tables

RADAU = DATA / "radau"
make_model, columns = plain.make_model, plain.columns
MODELS = sorted(path.stem for path in RADAU.glob("*.npz"))


def test_every_library_model_has_references() -> None:
    assert set(MODELS) == set(model_names())


@pytest.mark.slow
@pytest.mark.parametrize("tolerance", [1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("name", MODELS)
def test_errors_stay_below_ten_times_the_tolerance_for_draws_from_wide_priors(name: str, tolerance: float) -> None:
    model = load_model(name, Tables())
    with np.load(RADAU / f"{name}.npz") as stored:
        names, p, initial, time, exact = (stored[key] for key in ("names", "p", "initial", "time", "states"))
    assert tuple(names) == (*model.parameter_names, *(item.name for item in model.inputs))
    first_input = len(model.parameter_names)
    inputs = {item.name: float(p[first_input + i, 0]) for i, item in enumerate(model.inputs)}
    known = np.isfinite(exact).all(axis=(1, 2))

    found = integrate(
        load_kernel(model),
        initial=initial,
        parameters=p[:first_input],
        time=time,
        schedule=constant(**inputs),
        tolerances=Tolerances(tolerance, 1e-2 * tolerance),
    )

    allowed = tolerance * (1e-2 * sizes_of(model, initial).T[:, :, None] + np.abs(exact))
    error = np.max(np.abs(found.states.transpose(2, 0, 1) - exact) / allowed, axis=(1, 2))
    complete = found.completion == 0
    assert np.all(error[complete & known] <= 10.0)
    assert not np.any(complete & ~known)
    assert np.sum(complete) >= 18


def test_an_oscillation_over_many_periods_is_named_inaccurate_and_never_returned_wrong() -> None:
    model = make_model("oscillator", {"x": "rate * v", "v": "-rate * x"}, {"x": 1.0, "v": 0.0}, {"rate": 1.0})
    kernel, time = load_kernel(model), np.linspace(0.0, 50.0, 11)
    rates = np.array([0.01, 300.0])

    rough = integrate(kernel, **columns(kernel, 2, rate=rates), time=time, tolerances=Tolerances(1e-4, 1e-4))
    slow = np.array([0.01, 0.5])
    fine = integrate(kernel, **columns(kernel, 2, rate=slow), time=time, tolerances=Tolerances(1e-8, 1e-8))

    assert [Completion(code) for code in rough.completion] == [Completion.COMPLETE, Completion.INACCURATE]
    assert np.isnan(rough.final[:, 1]).all()
    assert np.isnan(rough["x"][-1, 1])
    assert 0.0 < rough.failed_at[1] <= 50.0
    np.testing.assert_allclose(rough["x"][:, 0], np.cos(0.01 * time), atol=1e-3)
    assert fine.failures == {}
    np.testing.assert_allclose(fine["x"], np.cos(np.outer(time, slow)), atol=2e-7)


def test_a_course_whose_errors_grow_is_only_found_by_the_second_look() -> None:
    model = make_model("saddle", {"x": "v", "v": "x"}, {"x": 1.0, "v": -1.0})
    kernel, time = load_kernel(model), np.linspace(0.0, 20.0, 5)

    alone, checked = (
        integrate(kernel, **columns(kernel, 1), time=time, tolerances=Tolerances(1e-6, 1e-8), checked=look)
        for look in (False, True)
    )

    assert abs(alone["x"][-1, 0] / np.exp(-20.0) - 1.0) > 1.0
    assert checked.failures == {Completion.INACCURATE: 1}


def test_the_second_look_does_not_change_a_course_that_was_accurate() -> None:
    model = make_model("decay", {"x": "-k * x"}, {"x": 1.0}, {"k": 1.0})
    kernel, time = load_kernel(model), np.linspace(0.0, 5.0, 11)
    people = columns(kernel, 20, k=np.linspace(0.1, 3.0, 20))

    alone, checked = (integrate(kernel, **people, time=time, checked=look) for look in (False, True))

    np.testing.assert_array_equal(alone.states, checked.states)
    assert np.all(checked.steps > alone.steps)
