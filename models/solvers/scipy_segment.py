"""One segment, between two changes of inputs or doses, by scipy's integrators.

Start with `solve_segment`.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.integrate import BDF, LSODA, DenseOutput, OdeSolution, Radau

from kinimmune.models.arrays import Array
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.solvers.tolerances import MOST_STEPS, Tolerances, sizes_of
from kinimmune.models.symbolic.compile import CompiledModel

METHODS: Mapping[str, Callable[..., "BDF | LSODA | Radau"]] = {"LSODA": LSODA, "BDF": BDF, "Radau": Radau}
"""Name -> integrator of scipy."""


@dataclass(frozen=True)
class Solver:
    """One of `METHODS` and the local error it is allowed."""

    method: str
    tolerances: Tolerances


@dataclass(frozen=True)
class Segment:
    """The trajectory between two breakpoints."""

    steps: Array
    """Times [d] the solver stepped to, the beginning first, shape (m,)"""
    solution: Callable[[Array], Array]
    """Times [d] after the first and up to the last step, shape (j,) -> states, shape (n_states, j)"""
    end: Array
    """State at the last step, shape (n_states,)"""
    completion: Completion


def solve_segment(compiled: CompiledModel, p: Array, interval: tuple[float, float], y: Array, solver: Solver) -> Segment:
    """Integrate between two breakpoints, as far as states and rates are finite.

    scipy's own loop is not used: at a pole LSODA steps on the spot for ever, and a Jacobian that is not finite is an exception.

    Parameters
    ----------
    compiled, solver
        the model and its integrator
    p
        parameters and the inputs that hold, shape (n_parameters + n_inputs,)
    interval
        begin and end [d]
    y
        state at the beginning, shape (n_states,)
    """
    steps, pieces, end, completion = [interval[0]], list[DenseOutput](), y, Completion.COMPLETE
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # scipy warns of what the completion says
        warnings.filterwarnings("ignore", category=UserWarning, module=r"scipy\.integrate")
        try:
            stepper = _start(compiled, p, interval, y, solver)
            while completion is Completion.COMPLETE and stepper.status == "running":
                stepper.step()
                completion = _judge(stepper, len(steps))
                if completion is Completion.COMPLETE:
                    steps.append(stepper.t)
                    pieces.append(stepper.dense_output())
                    end = stepper.y
        except _NotFiniteError:
            completion = Completion.NOT_FINITE
    return Segment(np.array(steps), _join(steps, pieces, y.size), end, completion)


class _NotFiniteError(ArithmeticError):
    """A derivative became infinite or not a number."""


def _start(compiled: CompiledModel, p: Array, interval: tuple[float, float], y: Array, solver: Solver) -> "BDF | LSODA | Radau":
    def rates(t: float, state: Array) -> Array:
        return compiled.rhs(t, state, p)

    def jacobian(t: float, state: Array) -> Array:
        return _require_finite(compiled.jacobian(t, state, p))

    _require_finite(y)
    _require_finite(rates(interval[0], y))
    absolute = solver.tolerances.absolute * sizes_of(compiled.model, y)
    method = METHODS[solver.method]
    return method(rates, interval[0], y, interval[1], jac=jacobian, rtol=solver.tolerances.relative, atol=absolute)


def _require_finite(values: Array) -> Array:
    if not np.all(np.isfinite(values)):
        raise _NotFiniteError
    return values


def _judge(stepper: "BDF | LSODA | Radau", taken: int) -> Completion:
    if not np.all(np.isfinite(stepper.y)):
        return Completion.NOT_FINITE
    if stepper.status == "failed" or stepper.t == stepper.t_old:
        return Completion.STEP_UNDERFLOW
    return Completion.TOO_MANY_STEPS if taken > MOST_STEPS else Completion.COMPLETE


def _join(steps: list[float], pieces: list[DenseOutput], n: int) -> Callable[[Array], Array]:
    joined = OdeSolution(steps, pieces) if pieces else None

    def solution(time: Array) -> Array:
        # without a step there is no solution, and scipy's takes no empty array
        return np.empty((n, 0)) if joined is None or not time.size else joined(time)

    return solution
