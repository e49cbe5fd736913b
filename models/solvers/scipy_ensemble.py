"""Many individuals one after the other by scipy: what the ensemble kernel is compared with and falls back on.

Start with `integrate_by_scipy`; it takes and returns what `ensemble.integrate` does, hundreds of times slower.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.solvers.dosing import Schedule, constant
from kinimmune.models.solvers.ensemble import COMPLETIONS, EnsembleTrajectories
from kinimmune.models.solvers.events import Event
from kinimmune.models.solvers.failure import find_state
from kinimmune.models.solvers.individual import locate_crossing
from kinimmune.models.solvers.scipy_segment import Solver, Span, solve_span
from kinimmune.models.solvers.tolerances import Completion, Tolerances, error_allowed
from kinimmune.models.symbolic.compile import CompiledModel

INSIDE_STEP = 8
"""Points at which the watched quantity is looked at inside a step of the solver."""


@dataclass(frozen=True)
class _Course:
    """One individual."""

    states: Array
    """shape (n_states, k)"""
    final: Array
    crossing: float
    nadir: float
    completion: Completion
    failed_at: float
    blamed: int
    steps: int


@dataclass(frozen=True)
class _Plan:
    """What all individuals share."""

    compiled: CompiledModel
    time: Array
    schedule: Schedule
    event: Event | None
    solver: Solver


def integrate_by_scipy(  # noqa: PLR0913 - the parts of a virtual trial, all by name, as in ensemble.integrate
    compiled: CompiledModel,
    *,
    initial: Array,
    parameters: Array,
    time: Array,
    start: Integers | None = None,
    schedule: Schedule | None = None,
    event: Event | None = None,
    nadir: Array | None = None,
    keep: Sequence[str] | None = None,
    tolerances: Tolerances | None = None,
    method: str = "LSODA",
) -> EnsembleTrajectories:
    """Integrate n individuals by scipy; arguments and result as in `kinimmune.models.solvers.ensemble.integrate`."""
    n = initial.shape[1]
    plan = _Plan(
        compiled, np.asarray(time, dtype=float), schedule or constant(), event, Solver(method, tolerances or Tolerances())
    )
    begin = np.zeros(n, dtype=np.int64) if start is None else start
    lowest = np.full(n, math.inf) if nadir is None else nadir
    courses = [_follow_one(plan, initial[:, i], parameters[:, i], int(begin[i]), float(lowest[i])) for i in range(n)]
    names = compiled.model.state_names
    kept = names if keep is None else list(keep)
    rows = [names.index(name) for name in kept]
    states = np.full((len(kept), plan.time.size, n), math.nan)
    for i, course in enumerate(courses):
        states[:, :, i] = course.states[rows]
    return EnsembleTrajectories(
        time=plan.time,
        names=tuple(kept),
        states=states,
        final=np.array([course.final for course in courses]).reshape(n, len(names)).T,
        crossing=np.array([course.crossing for course in courses]),
        nadir=np.array([course.nadir for course in courses]),
        completion=np.array([COMPLETIONS.index(course.completion) for course in courses], dtype=np.int8),
        failed_at=np.array([course.failed_at for course in courses]),
        blamed=np.array([course.blamed for course in courses], dtype=np.int64),
        steps=np.array([course.steps for course in courses], dtype=np.int64),
    )


def _follow_one(plan: _Plan, initial: Array, parameters: Array, begin: int, nadir: float) -> _Course:
    time, y = plan.time, initial.astype(float)
    states = np.full((y.size, time.size), math.nan)
    if begin == 0:  # a course taken up again from a saved state has had the doses of that moment
        y = _dosed(plan, float(time[0]), y)
    states[:, begin] = y
    watched = _Watched(plan, math.inf, nadir)
    edges = [float(time[begin]), *plan.schedule.breakpoints(float(time[begin]), float(time[-1])), float(time[-1])]
    steps = 0
    for left, right in itertools.pairwise(edges):
        if left == right:
            continue
        p = np.append(parameters, [plan.schedule.at(left).get(item.name, 0.0) for item in plan.compiled.model.inputs])
        span = solve_span(plan.compiled, p, (left, right), y, plan.solver)
        steps += span.steps.size - 1
        if span.completion is not Completion.COMPLETE:
            failed, at = np.full(y.size, math.nan), float(span.steps[-1])
            blamed = _blame(plan, p, span)
            return _Course(states, failed, watched.crossing, watched.nadir, span.completion, at, blamed, steps)
        inside = (time > left) & (time < right)
        states[:, inside] = span.solution(time[inside])
        y = _dosed(plan, right, span.end)
        states[:, time == right] = y[:, None]
        watched = watched.after(p, span.solution, span.steps)
    return _Course(states, y, watched.crossing, watched.nadir, Completion.COMPLETE, math.inf, -1, steps)


def _blame(plan: _Plan, p: Array, span: Span) -> int:
    """Return the state that broke, -1 when states are finite and a parameter is not."""
    if np.isfinite(span.end).all() and not np.isfinite(p).all():
        return -1
    allowed = error_allowed(plan.compiled.model, span.end, plan.solver.tolerances)
    return find_state(plan.compiled, float(span.steps[-1]), span.end, p, allowed)


def _dosed(plan: _Plan, moment: float, y: Array) -> Array:
    added = y.copy()
    names = plan.compiled.model.state_names
    for dose in plan.schedule.doses:
        if dose.time == moment:
            added[names.index(dose.state)] += dose.amount
    return added


@dataclass(frozen=True)
class _Watched:
    """Crossing and running minimum of the watched quantity so far."""

    plan: _Plan
    crossing: float
    nadir: float

    def after(self, p: Array, solution: Callable[[Array], Array], steps: Array) -> "_Watched":
        """Return both after one more span of the solution."""
        event = self.plan.event
        if event is None:
            return self
        names = [item.name for item in self.plan.compiled.model.outputs]
        row = names.index(event.quantity)

        def quantity(moment: float) -> float:
            return float(self.plan.compiled.outputs(moment, solution(np.array([moment])), p[:, None])[row, 0])

        fine = np.unique(np.concatenate([np.linspace(a, b, INSIDE_STEP) for a, b in itertools.pairwise(steps)]))
        found, lowest = locate_crossing(quantity, fine, event.rise, nadir=self.nadir, level=event.level)
        return _Watched(self.plan, min(self.crossing, found), min(self.nadir, lowest))
