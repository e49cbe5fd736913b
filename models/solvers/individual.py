"""One individual, integrated by scipy: the reference every other integrator is compared with.

Start with `simulate`.  Doses and changes of inputs are breakpoints at which the integrator restarts; events are located on
the solver's dense output.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.solvers.dosing import Schedule, constant
from kinimmune.models.solvers.failure import Failure, find_failure
from kinimmune.models.solvers.scipy_segment import METHODS, Solver, solve_span
from kinimmune.models.solvers.tolerances import Completion, Tolerances, error_allowed
from kinimmune.models.symbolic.compile import CompiledModel


@dataclass(frozen=True)
class Trajectories:
    """The course of one individual."""

    time: Array
    """[d], shape (k,)"""
    states: Array
    """shape (n_states, k), doses of the moment included; NaN after a failure"""
    outputs: Array
    """shape (n_outputs, k)"""
    completion: Completion
    failure: Failure | None
    """Where it broke; None when complete."""


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
        unknown or missing parameter, unknown method, times that do not increase, a schedule for what the model lacks
    """
    if method not in METHODS:
        raise UsageError(f"unknown integrator '{method}'; allowed: {', '.join(METHODS)}")
    time = np.asarray(time, dtype=float)
    if time.ndim != 1 or time.size < 2 or not np.all(np.diff(time) > 0.0) or not np.all(np.isfinite(time)):
        raise UsageError("time must hold at least two increasing finite values [d]")
    plan = constant() if schedule is None else schedule
    require_known(compiled, plan)
    p = compiled.vector(values)
    states = np.full((len(compiled.model.states), time.size), math.nan)
    completion, failure = _march(compiled, p, time, plan, Solver(method, tolerances or Tolerances()), states)
    outputs = _outputs(compiled, p, time, plan, states)
    return Trajectories(time, states, outputs, completion, failure)


def _march(
    compiled: CompiledModel, p: Array, time: Array, plan: Schedule, solver: Solver, states: Array
) -> tuple[Completion, Failure | None]:
    edges = [time[0], *plan.breakpoints(time[0], time[-1]), time[-1]]
    y = _add_doses(compiled, plan, edges[0], compiled.initial(p))
    states[:, 0] = y
    for begin, end in itertools.pairwise(edges):
        given = _with_inputs(compiled, p, plan, begin)
        span = solve_span(compiled, given, (begin, end), y, solver)
        reached = (time > begin) & (time <= span.steps[-1]) & (time < end)
        states[:, reached] = span.solution(time[reached])
        if span.completion is not Completion.COMPLETE:
            allowed = error_allowed(compiled.model, span.end, solver.tolerances)
            return span.completion, find_failure(compiled, float(span.steps[-1]), span.end, given, allowed)
        y = _add_doses(compiled, plan, end, span.end)
        states[:, time == end] = y[:, None]
    return Completion.COMPLETE, None


def require_known(compiled: CompiledModel, plan: Schedule) -> None:
    """Raise a `UsageError` with the nearest name when a schedule names an input or a state the model does not have."""
    model = compiled.model
    named = [("input", name, tuple(item.name for item in model.inputs)) for given in plan.inputs for name in given]
    named += [("state", dose.state, model.state_names) for dose in plan.doses]
    for kind, name, allowed in named:
        if name not in allowed:
            raise UsageError(f"model '{model.name}' has no {kind} '{name}'; {nearest(name, allowed)}")


def _with_inputs(compiled: CompiledModel, p: Array, plan: Schedule, time: float) -> Array:
    given = plan.at(time)
    segment = p.copy()
    first = len(compiled.model.parameter_names)
    for offset, item in enumerate(compiled.model.inputs):
        segment[first + offset] = given.get(item.name, 0.0)
    return segment


def _add_doses(compiled: CompiledModel, plan: Schedule, time: float, y: Array) -> Array:
    added = y.copy()
    names = compiled.model.state_names
    for dose in plan.doses:
        if dose.time == time:
            added[names.index(dose.state)] += dose.amount
    return added


def _outputs(compiled: CompiledModel, p: Array, time: Array, plan: Schedule, states: Array) -> Array:
    columns = np.stack([_with_inputs(compiled, p, plan, moment) for moment in time], axis=1)
    with np.errstate(all="ignore"):
        return compiled.outputs(time, states, columns)


def locate_crossing(
    quantity: Callable[[float], float], time: Array, rise: float, *, nadir: float = math.inf, level: float = math.inf
) -> tuple[float, float]:
    """Return when a quantity first stands `rise` above its running minimum or at a level, and that minimum.

    The crossing is located between the times of the grid, on which `quantity` must be unimodal between neighbours.

    Parameters
    ----------
    quantity
        time [d] -> value, continuous
    time
        [d], increasing, shape (k,)
    rise
        in the unit of the quantity, positive; infinite for none
    nadir
        running minimum before the first time
    level
        in the unit of the quantity; infinite for none

    Returns
    -------
    tuple of float
        crossing time [d], infinite when there is none, and the running minimum reached by then

    Examples
    --------
    >>> crossing, lowest = locate_crossing(lambda t: (t - 1.0) ** 2, np.linspace(0.0, 4.0, 401), 1.0)
    >>> round(crossing, 9), round(lowest, 9)
    (2.0, 0.0)
    """
    first = quantity(float(time[0]))
    lowest = min(nadir, first)
    if first >= min(lowest + rise, level):
        return float(time[0]), lowest
    for left, right in itertools.pairwise(time):
        value, target = quantity(float(right)), min(lowest + rise, level)
        if value >= target:
            return float(brentq(lambda moment, target=target: quantity(moment) - target, left, right)), lowest
        lowest = min(lowest, value)
    return math.inf, lowest
