"""One individual, integrated by scipy: the reference every other integrator is compared with.

Start with `simulate`.  Doses and changes of inputs are breakpoints at which the integrator restarts; events are located on
the solver's dense output.
"""

import itertools
import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from kinimmune.models.arrays import Array, real
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.solvers.dosing import Schedule, constant
from kinimmune.models.solvers.failure import Failure, find_failure
from kinimmune.models.solvers.scipy_segment import METHODS, Solver, solve_segment
from kinimmune.models.solvers.tolerances import Tolerances, error_allowed
from kinimmune.models.symbolic.compile import CompiledModel


@dataclass(frozen=True)
class Trajectories:
    """The trajectory of one individual."""

    time: Array
    """Times of the grid [d], shape (k,)"""
    states: Array
    """States, doses of the moment included, shape (n_states, k); NaN after a failure"""
    outputs: Array
    """Outputs in the order of the model, shape (n_outputs, k); NaN after a failure"""
    completion: Completion
    failure: Failure | None
    """Time, state and term at which the integration broke; None when complete."""

    def __repr__(self) -> str:
        """Return sizes, the horizon and how the integration ended."""
        end = "complete" if self.failure is None else f"failed {self.failure}"
        return f"Trajectories({len(self.states)} states, {self.time.size} times up to {self.time[-1]:g} d, {end})"


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
        inputs and doses; none by default
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
    time = real(time)
    if time.ndim != 1 or time.size < 2 or not np.all(np.diff(time) > 0.0) or not np.all(np.isfinite(time)):
        raise UsageError(f"time must hold at least two increasing finite values [d], given {reprlib.repr(time.tolist())}")
    schedule = constant() if schedule is None else schedule
    require_known(compiled, schedule)
    p = compiled.vector(values)
    states = np.full((len(compiled.model.states), time.size), math.nan)
    completion, failure = _march(compiled, p, time, schedule, Solver(method, tolerances or Tolerances()), states)
    outputs = _outputs(compiled, p, time, schedule, states)
    return Trajectories(time, states, outputs, completion, failure)


def _march(
    compiled: CompiledModel, p: Array, time: Array, schedule: Schedule, solver: Solver, states: Array
) -> tuple[Completion, Failure | None]:
    edges = [time[0], *schedule.breakpoints(time[0], time[-1]), time[-1]]
    y = add_doses(compiled, schedule, edges[0], compiled.initial(p))
    states[:, 0] = y
    for begin, end in itertools.pairwise(edges):
        p_segment = _with_inputs(compiled, p, schedule, begin)
        segment = solve_segment(compiled, p_segment, (begin, end), y, solver)
        reached = (time > begin) & (time <= segment.steps[-1]) & (time < end)
        states[:, reached] = segment.solution(time[reached])
        if segment.completion is not Completion.COMPLETE:
            allowed = error_allowed(compiled.model, segment.end, solver.tolerances)
            return segment.completion, find_failure(compiled, float(segment.steps[-1]), segment.end, p_segment, allowed)
        y = add_doses(compiled, schedule, end, segment.end)
        states[:, time == end] = y[:, None]
    return Completion.COMPLETE, None


def require_known(compiled: CompiledModel, schedule: Schedule) -> None:
    """Raise a `UsageError` with the nearest name when a schedule names an input or a state the model does not have."""
    model = compiled.model
    named = [("input", name, tuple(item.name for item in model.inputs)) for values in schedule.inputs for name in values]
    named += [("state", dose.state, model.state_names) for dose in schedule.doses]
    for kind, name, allowed in named:
        if name not in allowed:
            raise UsageError(f"model '{model.name}' has no {kind} '{name}'; {nearest(name, allowed)}")


def _with_inputs(compiled: CompiledModel, p: Array, schedule: Schedule, time: float) -> Array:
    values = schedule.at(time)
    out = p.copy()
    first = len(compiled.model.parameter_names)
    for offset, item in enumerate(compiled.model.inputs):
        out[first + offset] = values.get(item.name, 0.0)
    return out


def add_doses(compiled: CompiledModel, schedule: Schedule, time: float, y: Array) -> Array:
    """Return a state, shape (n_states,), with the doses of one moment [d] added."""
    added = y.copy()
    names = compiled.model.state_names
    for dose in schedule.doses:
        if dose.time == time:
            added[names.index(dose.state)] += dose.amount
    return added


def _outputs(compiled: CompiledModel, p: Array, time: Array, schedule: Schedule, states: Array) -> Array:
    columns = np.stack([_with_inputs(compiled, p, schedule, moment) for moment in time], axis=1)
    with np.errstate(all="ignore"):
        return compiled.outputs(time, states, columns)


def locate_crossing(
    quantity: Callable[[float], float], time: Array, rise: float, *, nadir: float = math.inf, threshold: float = math.inf
) -> tuple[float, float]:
    """Return when a quantity first stands `rise` above its running minimum or at a threshold, and that minimum.

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
    threshold
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
    if first >= min(lowest + rise, threshold):
        return float(time[0]), lowest
    for left, right in itertools.pairwise(time):
        value, target = quantity(float(right)), min(lowest + rise, threshold)
        if value >= target:
            return float(brentq(lambda moment, target=target: quantity(moment) - target, left, right)), lowest
        lowest = min(lowest, value)
    return math.inf, lowest
