"""Laws of the integrators of a virtual trial: what the kernel gives up is asked of scipy once, and counted."""

import numpy as np
import pytest

from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import UsageError
from kinimmune.models.kernel.kernel import load_kernel
from kinimmune.models.library.gompertz import gompertz_volume
from kinimmune.models.solvers import integrators
from kinimmune.models.solvers.ensemble import integrate
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import compile_model

TIME = np.linspace(0.0, 30.0, 7)
TIGHT = Tolerances(1e-9, 1e-12)


@pytest.fixture(scope="module")
def compiled():
    return compile_model(load_model("gompertz"))


def columns(compiled, patients):
    values = {"retardation": 0.1, "capacity": 1000.0, "start_volume": 10.0}
    one = np.array([values[name] for name in compiled.model.parameter_names])
    return np.repeat(one[:, None], patients, axis=1)


def test_a_patient_the_kernel_gives_up_is_integrated_by_scipy_and_counted(compiled):
    parameters = columns(compiled, 16)
    fast = 1000.0
    parameters[compiled.model.parameter_names.index("retardation"), 3] = fast
    initial = compiled.initial(parameters)
    needed = integrate(load_kernel(compiled.model), initial=initial, parameters=parameters, time=TIME, tolerances=TIGHT).steps
    enough_for_the_others = int(np.delete(needed, 3).max()) + 1

    found = integrators.by_kernel(compiled, most_steps=enough_for_the_others)(
        initial=initial, parameters=parameters, time=TIME, tolerances=TIGHT
    )

    assert needed[3] > enough_for_the_others
    assert found.retried == 1
    assert not found.completion.any()
    assert found["volume"][:, 3] == pytest.approx(gompertz_volume(TIME, fast, 1000.0, 10.0), rel=1e-6)


def test_what_is_not_a_number_is_not_tried_again(compiled):
    parameters = columns(compiled, 16)
    initial = compiled.initial(parameters)
    parameters[0, 5] = np.nan

    found = integrators.by_kernel(compiled)(initial=initial, parameters=parameters, time=TIME)

    assert found.retried == 0
    assert np.flatnonzero(found.completion).tolist() == [5]


def test_kernel_and_scipy_blame_the_same(compiled):
    parameters = columns(compiled, 3)
    initial = compiled.initial(parameters)
    initial[0, 1], parameters[0, 2] = np.inf, np.nan

    given = {"initial": initial, "parameters": parameters, "time": TIME}
    by_kernel, by_scipy = integrate(load_kernel(compiled.model), **given), integrators.by_scipy(compiled)(**given)

    assert by_kernel.failed_state.tolist() == by_scipy.failed_state.tolist() == [-1, 0, -1]
    assert by_kernel.completion.tolist() == by_scipy.completion.tolist()


def test_an_unknown_integrator_is_refused_with_the_nearest_name(compiled):
    with pytest.raises(UsageError, match=r"unknown integrator 'scypi'; did you mean 'scipy'\?"):
        integrators.choose_integrator("scypi", compiled, "volume")
