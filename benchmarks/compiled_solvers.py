"""Two solvers of the kernel's own kind, compiled and given compiled functions: numbalsoda and scikit-sundae's CVODE.

Start with `load_numbalsoda` and `load_cvode`; each is None, with a word on stderr, where the library is not installed (extra
`[bench]`; numbalsoda is built with `gfortran`, from the system's packages).
"""

import sys
from collections.abc import Callable

import numpy as np
import sympy as sp
from integrators import SMALLEST_SIZE, Task
from numba import carray, cfunc, njit

from kinimmune.models.solvers.tolerances import sizes_of
from kinimmune.models.symbolic.components import TIME, symbol
from kinimmune.models.symbolic.model import OdeModel

Runner = Callable[[Task, int, float], np.ndarray]


def load_numbalsoda(task: Task) -> Runner | None:
    """Return a runner; its LSODA takes one absolute tolerance for all states and finds Jacobians by differences."""
    try:
        from numbalsoda import lsoda, lsoda_sig
    except (ImportError, OSError) as error:
        sys.stderr.write(f"numbalsoda is left out: {error} (pip install numbalsoda; it is built with gfortran)\n")
        return None
    model = task.kernel.model
    flat, n, m = _compile_rates(model), len(model.states), len(task.compiled.parameter_names)

    @cfunc(lsoda_sig)
    def rates(t, u, du, p):
        out = carray(du, (n,))
        found = flat(t, carray(u, (n,)), carray(p, (m,)))
        for i in range(n):
            out[i] = found[i]

    def run(task: Task, count: int, tolerance: float) -> np.ndarray:
        found = []
        for i in range(count):
            start, p = np.ascontiguousarray(task.initial[:, i]), np.ascontiguousarray(task.p[:, i])
            course, _ = lsoda(rates.address, start, task.time, p, tolerance, 1e-2 * SMALLEST_SIZE * tolerance, 100_000)
            found.append(course.T)
        return np.array(found)

    return run


def load_cvode(task: Task) -> Runner | None:
    """Return a runner; CVODE's BDF with a compiled Jacobian, called back through Python."""
    try:
        from sksundae.cvode import CVODE
    except ImportError as error:
        sys.stderr.write(f"CVODE is left out: {error} (pip install scikit-sundae)\n")
        return None
    model = task.kernel.model
    fill, fill_jacobian = _compile_fillers(model)

    def rates(t, y, yp, given):
        fill(t, y, yp, given[0])

    def jacobian(t, y, _yp, out, given):
        fill_jacobian(t, y, out, given[0])

    def run(task: Task, count: int, tolerance: float) -> np.ndarray:
        found = []
        for i in range(count):
            start = np.ascontiguousarray(task.initial[:, i])
            scale = 1e-2 * tolerance * sizes_of(model, start)
            solver = CVODE(
                rates,
                jacfn=jacobian,
                rtol=tolerance,
                atol=scale,
                userdata=(np.ascontiguousarray(task.p[:, i]),),
                max_num_steps=100_000,
            )
            found.append(solver.solve(task.time, start).y.T)
        return np.array(found)

    return run


def _compile_fillers(model: OdeModel) -> tuple[Callable[..., None], Callable[..., None]]:
    """Return functions that write rates and Jacobian into an array."""
    flat, slopes, n = _compile_rates(model), _compile_jacobian(model), len(model.states)

    @njit
    def fill(t, y, out, p):
        found = flat(t, y, p)
        for i in range(n):
            out[i] = found[i]

    @njit
    def fill_jacobian(t, y, out, p):
        found = np.array(slopes(t, y, p))
        for i in range(n):
            for j in range(n):
                out[i, j] = found[i * n + j]

    return fill, fill_jacobian


def _symbols(model: OdeModel) -> tuple[list[sp.Symbol], list[sp.Symbol], sp.Matrix]:
    """Return states, parameters with inputs, and rates of a model."""
    names = [symbol(name) for name in (*model.parameter_names, *(item.name for item in model.inputs))]
    return (
        [symbol(state.name) for state in model.states],
        names,
        sp.Matrix([model.expand(rate) for rate in model.rates.values()]),
    )


def _compile_rates(model: OdeModel) -> Callable[..., tuple[float, ...]]:
    states, names, rates = _symbols(model)
    return njit(sp.lambdify([TIME, states, names], tuple(rates), modules="math", cse=True))


def _compile_jacobian(model: OdeModel) -> Callable[..., tuple[float, ...]]:
    states, names, rates = _symbols(model)
    return njit(sp.lambdify([TIME, states, names], tuple(rates.jacobian(states)), modules="math", cse=True))
