"""One individual, integrated by scipy: the reference every other integrator is compared with.

Start with `simulate`.  Doses and changes of inputs are breakpoints at which the integrator restarts; events are located on
the solver's dense output.
"""

import itertools
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.integrate import BDF, LSODA, DenseOutput, OdeSolution, Radau
from scipy.optimize import brentq

from kinimmune.models.arrays import Array
from kinimmune.models.compile import CompiledModel
from kinimmune.models.dosing import Schedule, constant
from kinimmune.models.errors import UsageError
from kinimmune.models.failure import Failure, find_failure
from kinimmune.models.model import OdeModel, nearest

METHODS: Mapping[str, Callable[..., "BDF | LSODA | Radau"]] = {"LSODA": LSODA, "BDF": BDF, "Radau": Radau}
"""Name -> integrator of scipy."""

MOST_STEPS = 100_000
"""Steps between two breakpoints after which an integration is given up."""


class Completion(StrEnum):
    """How an integration ended; each text is what a user is told."""

    COMPLETE = "complete"
    NOT_FINITE = "a rate or state became infinite or not a number; look at the parameters of its rate"
    STEP_UNDERFLOW = "the step size fell below what the clock resolves; a rate diverges or switches too fast"
    TOO_MANY_STEPS = "the maximum number of steps was reached; loosen the tolerance or shorten the horizon"
    PIVOT_GROWTH = "the linear solve lost its accuracy; loosen the tolerance or rescale the state"
    INACCURATE = "the course depends on the tolerance, as an oscillation over many periods does; ask for a smaller tolerance"


SHARE = 1e-3
"""Share of its value at the start below which a state no longer matters."""


@dataclass(frozen=True)
class Tolerances:
    """Local error allowed per step."""

    relative: float = 1e-8
    absolute: float = 1e-10
    """In units of `sizes_of`: small, since what starts small and grows carries its absolute error along."""

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


@dataclass(frozen=True)
class Solver:
    """One of `METHODS` and the local error it is allowed."""

    method: str
    tolerances: Tolerances


@dataclass(frozen=True)
class Span:
    """The course between two breakpoints."""

    steps: Array
    """Times [d] the solver stepped to, the beginning first, shape (m,)"""
    solution: Callable[[Array], Array]
    """Times [d] after the first and up to the last step, shape (j,) -> states, shape (n_states, j)"""
    end: Array
    """State at the last step, shape (n_states,)"""
    completion: Completion


def solve_span(compiled: CompiledModel, p: Array, span: tuple[float, float], y: Array, solver: Solver) -> Span:
    """Integrate between two breakpoints, as far as states and rates are finite.

    scipy's own loop is not used: at a pole LSODA steps on the spot for ever, and a Jacobian that is not finite is an exception.

    Parameters
    ----------
    compiled, solver
        the model and its integrator
    p
        parameters and the inputs that hold, shape (n_parameters + n_inputs,)
    span
        begin and end [d]
    y
        state at the beginning, shape (n_states,)
    """
    steps, pieces, end, completion = [span[0]], list[DenseOutput](), y, Completion.COMPLETE
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # scipy warns of what the completion says
        warnings.filterwarnings("ignore", category=UserWarning, module=r"scipy\.integrate")
        try:
            stepper = _start(compiled, p, span, y, solver)
            while completion is Completion.COMPLETE and stepper.status == "running":
                stepper.step()
                completion = _judge(stepper, len(steps))
                if completion is Completion.COMPLETE:
                    steps.append(stepper.t)
                    pieces.append(stepper.dense_output())
                    end = stepper.y
        except _NotFiniteError:
            completion = Completion.NOT_FINITE
    return Span(np.array(steps), _join(steps, pieces, y.size), end, completion)


def sizes_of(model: OdeModel, start: Array) -> Array:
    """Return the unit of the absolute tolerance of each state: `State.size`, or a share of its value at the start.

    Shapes of `start` and the result: (n_states, ...).
    """
    sizes = np.array([state.size for state in model.states]).reshape(-1, *[1] * (start.ndim - 1))
    found: Array = np.maximum(sizes, SHARE * np.abs(start))
    return found


class _NotFiniteError(ArithmeticError):
    """A derivative became infinite or not a number."""


def _start(compiled: CompiledModel, p: Array, span: tuple[float, float], y: Array, solver: Solver) -> "BDF | LSODA | Radau":
    def rates(t: float, state: Array) -> Array:
        return compiled.rhs(t, state, p)

    def jacobian(t: float, state: Array) -> Array:
        return _require_finite(compiled.jacobian(t, state, p))

    _require_finite(y)
    _require_finite(rates(span[0], y))
    absolute = solver.tolerances.absolute * sizes_of(compiled.model, y)
    method = METHODS[solver.method]
    return method(rates, span[0], y, span[1], jac=jacobian, rtol=solver.tolerances.relative, atol=absolute)


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
            return span.completion, explain(compiled, given, span, solver)
        y = _add_doses(compiled, plan, end, span.end)
        states[:, time == end] = y[:, None]
    return Completion.COMPLETE, None


def explain(compiled: CompiledModel, p: Array, span: Span, solver: Solver) -> Failure:
    """Return where a span that failed broke; `p` holds parameters and inputs, shape (n_parameters + n_inputs,)."""
    tolerances = solver.tolerances
    allowed = tolerances.absolute * sizes_of(compiled.model, span.end) + tolerances.relative * np.abs(span.end)
    return find_failure(compiled, float(span.steps[-1]), span.end, p, allowed)


def require_known(compiled: CompiledModel, plan: Schedule) -> None:
    """Raise a `UsageError` with the nearest name when a schedule names an input or a state the model does not have."""
    model = compiled.model
    named = [("input", name, tuple(item.name for item in model.inputs)) for given in plan.inputs for name in given]
    named += [("state", dose.state, tuple(state.name for state in model.states)) for dose in plan.doses]
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
