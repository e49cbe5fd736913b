"""One individual, integrated by scipy: the reference every other integrator is compared with.

Start with `simulate`.  Doses and changes of inputs are breakpoints at which the integrator restarts; events are located on
the solver's dense output.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import OptimizeResult as OdeResult
from scipy.optimize import brentq

from kinimmune.models.arrays import Array
from kinimmune.models.compile import CompiledModel
from kinimmune.models.dosing import Schedule, constant
from kinimmune.models.errors import UsageError


class Completion(StrEnum):
    """How an integration ended; each text is what a user is told."""

    COMPLETE = "complete"
    NOT_FINITE = "a rate or state became infinite or not a number; look at the parameters of the named term"
    STEP_UNDERFLOW = "the step size fell below what the clock resolves; a rate diverges or switches too fast"
    TOO_MANY_STEPS = "the maximum number of steps was reached; loosen the tolerance or shorten the horizon"
    PIVOT_GROWTH = "the linear solve lost its accuracy; loosen the tolerance or rescale the state"


@dataclass(frozen=True)
class Tolerances:
    """Local error allowed per step."""

    relative: float = 1e-8
    absolute: float = 1e-10
    """In units of each state's own scale."""

    def __post_init__(self) -> None:
        """Refuse tolerances no integrator can meet."""
        if not 1e-13 < self.relative < 1.0 or not self.absolute > 0.0:
            raise UsageError(f"tolerances {self.relative:g}, {self.absolute:g}: relative in (1e-13, 1), absolute positive")


@dataclass(frozen=True)
class Trajectories:
    """The course of one individual."""

    time: Array
    """[d], shape (k,)"""
    states: Array
    """shape (n_states, k); after a failure the last values reached are not continued: they are NaN"""
    outputs: Array
    """shape (n_outputs, k)"""
    completion: Completion
    failed_at: float
    """Time [d] of a failure, infinite without one."""


def simulate(
    compiled: CompiledModel,
    values: Mapping[str, float],
    time: Array,
    schedule: Schedule | None = None,
    *,
    tolerances: Tolerances | None = None,
    method: str = "LSODA",
) -> Trajectories:
    """Integrate one individual from `time[0]` and return its states and outputs at `time`.

    Parameters
    ----------
    compiled
        the model
    values
        parameter name -> value, every parameter of the model
    time
        [d], increasing, shape (k,), k >= 2
    schedule
        inputs and doses; nothing is given by default
    tolerances
        local error per step
    method
        `LSODA`, `BDF` or `Radau` of `scipy.integrate.solve_ivp`

    Raises
    ------
    UsageError
        unknown or missing parameter, unknown method, times that do not increase
    """
    if method not in ("LSODA", "BDF", "Radau"):
        raise UsageError(f"unknown integrator '{method}'; allowed: LSODA, BDF, Radau")
    time = np.asarray(time, dtype=float)
    if time.ndim != 1 or time.size < 2 or not np.all(np.diff(time) > 0.0):
        raise UsageError("time must hold at least two increasing values [d]")
    plan = constant() if schedule is None else schedule
    p = compiled.vector(values)
    states = np.full((len(compiled.model.states), time.size), math.nan)
    completion, failed_at = _march(compiled, p, time, plan, Solver(method, tolerances or Tolerances()), states)
    outputs = _outputs(compiled, p, time, plan, states)
    return Trajectories(time, states, outputs, completion, failed_at)


@dataclass(frozen=True)
class Solver:
    """A method of scipy and the local error it is allowed."""

    method: str
    """`LSODA`, `BDF` or `Radau`"""
    tolerances: Tolerances


def solve_span(
    compiled: CompiledModel, p: Array, span: tuple[float, float], y: Array, solver: Solver, wanted: Array | None
) -> OdeResult:
    """Integrate between two breakpoints.

    Parameters
    ----------
    compiled
        the model
    p
        parameters and the inputs that hold, shape (n_parameters + n_inputs,)
    span
        begin and end [d]
    y
        state at the beginning, shape (n_states,)
    solver
        method and tolerances
    wanted
        times [d] of the result; None for the solver's own steps and a continuous solution (`sol`)
    """
    with np.errstate(all="ignore"):
        return solve_ivp(
            compiled.rhs,
            span,
            y,
            method=solver.method,
            t_eval=wanted,
            dense_output=wanted is None,
            args=(p,),
            jac=compiled.jacobian,
            rtol=solver.tolerances.relative,
            atol=solver.tolerances.absolute * np.maximum(np.abs(y), 1.0),
        )


def _march(
    compiled: CompiledModel, p: Array, time: Array, plan: Schedule, solver: Solver, states: Array
) -> tuple[Completion, float]:
    edges = [time[0], *plan.breakpoints(time[0], time[-1]), time[-1]]
    y = compiled.initial(p)
    for begin, end in itertools.pairwise(edges):
        y = _add_doses(compiled, plan, begin, y)
        inside = (time >= begin) & ((time < end) | (time == time[-1]) & (end == time[-1]))
        segment = _with_inputs(compiled, p, plan, begin)
        wanted = np.unique(np.append(time[inside], end))
        result = solve_span(compiled, segment, (begin, end), y, solver, wanted)
        reached = int(np.searchsorted(result.t, time[inside], side="right").max(initial=0)) if result.t.size else 0
        columns = np.flatnonzero(inside)[: min(reached, int(inside.sum()))]
        states[:, columns] = result.y[:, : columns.size]
        if not result.success or not np.all(np.isfinite(result.y)):
            finite = bool(np.all(np.isfinite(result.y)))
            return (Completion.STEP_UNDERFLOW if finite else Completion.NOT_FINITE), float(
                result.t[-1] if result.t.size else begin
            )
        y = result.y[:, -1]
    return Completion.COMPLETE, math.inf


def _with_inputs(compiled: CompiledModel, p: Array, plan: Schedule, time: float) -> Array:
    given = plan.at(time)
    segment = p.copy()
    first = len(compiled.model.parameter_names)
    for offset, item in enumerate(compiled.model.inputs):
        segment[first + offset] = given.get(item.name, 0.0)
    return segment


def _add_doses(compiled: CompiledModel, plan: Schedule, time: float, y: Array) -> Array:
    added = y.copy()
    names = [state.name for state in compiled.model.states]
    for dose in plan.doses:
        if dose.time == time:
            added[names.index(dose.state)] += dose.amount
    return added


def _outputs(compiled: CompiledModel, p: Array, time: Array, plan: Schedule, states: Array) -> Array:
    columns = np.stack([_with_inputs(compiled, p, plan, moment) for moment in time], axis=1)
    with np.errstate(all="ignore"):
        return compiled.outputs(time, states, columns)


def locate_rise(quantity: Callable[[float], float], time: Array, rise: float, nadir: float = math.inf) -> tuple[float, float]:
    """Return when a quantity first stands `rise` above its running minimum, and that minimum.

    The crossing is located between the times of the grid, on which `quantity` must be unimodal between neighbours.

    Parameters
    ----------
    quantity
        time [d] -> value, continuous
    time
        [d], increasing, shape (k,)
    rise
        in the unit of the quantity, positive
    nadir
        running minimum before the first time

    Returns
    -------
    tuple of float
        crossing time [d], infinite when there is none, and the running minimum reached by then

    Examples
    --------
    >>> crossing, lowest = locate_rise(lambda t: (t - 1.0) ** 2, np.linspace(0.0, 4.0, 401), 1.0)
    >>> round(crossing, 9), round(lowest, 9)
    (2.0, 0.0)
    """
    first = quantity(float(time[0]))
    lowest = min(nadir, first)
    if first >= lowest + rise:
        return float(time[0]), lowest
    for left, right in itertools.pairwise(time):
        value = quantity(float(right))
        if value >= lowest + rise:
            target = lowest + rise
            return float(brentq(lambda moment, target=target: quantity(moment) - target, left, right)), lowest
        lowest = min(lowest, value)
    return math.inf, lowest
