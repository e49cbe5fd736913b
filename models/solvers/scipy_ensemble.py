"""Many individuals one after the other by scipy: what the ensemble kernel is compared with and falls back on.

Start with `integrate_by_scipy`; it takes and returns what `ensemble.integrate` does, hundreds of times slower.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array, Integers, real
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.solvers.dosing import Schedule, constant
from kinimmune.models.solvers.ensemble import EnsembleTrajectories
from kinimmune.models.solvers.events import Event
from kinimmune.models.solvers.failure import find_failed_state
from kinimmune.models.solvers.individual import add_doses, locate_crossing
from kinimmune.models.solvers.scipy_segment import Segment, Solver, solve_segment
from kinimmune.models.solvers.tolerances import Tolerances, error_allowed
from kinimmune.models.symbolic.compile import CompiledModel

INSIDE_STEP = 8
"""Points inside a step of the solver at which the event output is computed."""


@dataclass(frozen=True)
class _Trajectory:
    """The trajectory of one individual; fields as in `EnsembleTrajectories`."""

    states: Array
    """All states on the grid, shape (n_states, k)"""
    final: Array
    crossing: float
    nadir: float
    completion: Completion
    failed_at: float
    failed_state: int
    steps: int


@dataclass(frozen=True)
class _SharedProblem:
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
    solver = Solver(method, tolerances or Tolerances())
    shared = _SharedProblem(compiled, real(time), schedule or constant(), event, solver)
    begin = np.zeros(n, dtype=np.int64) if start is None else start
    lowest = np.full(n, math.inf) if nadir is None else nadir
    trajectories = [_integrate_one(shared, initial[:, i], parameters[:, i], int(begin[i]), float(lowest[i])) for i in range(n)]
    names = compiled.model.state_names
    stored = names if keep is None else list(keep)
    rows = [names.index(name) for name in stored]
    states = np.full((len(stored), shared.time.size, n), math.nan)
    for i, trajectory in enumerate(trajectories):
        states[:, :, i] = trajectory.states[rows]
    return EnsembleTrajectories(
        time=shared.time,
        names=tuple(stored),
        states=states,
        final=np.array([trajectory.final for trajectory in trajectories]).reshape(n, len(names)).T,
        crossing=np.array([trajectory.crossing for trajectory in trajectories]),
        nadir=np.array([trajectory.nadir for trajectory in trajectories]),
        completion=np.array([trajectory.completion for trajectory in trajectories], dtype=np.int8),
        failed_at=np.array([trajectory.failed_at for trajectory in trajectories]),
        failed_state=np.array([trajectory.failed_state for trajectory in trajectories], dtype=np.int64),
        steps=np.array([trajectory.steps for trajectory in trajectories], dtype=np.int64),
    )


def _integrate_one(shared: _SharedProblem, initial: Array, parameters: Array, begin: int, nadir: float) -> _Trajectory:
    compiled, time, y = shared.compiled, shared.time, initial.astype(float)
    states = np.full((y.size, time.size), math.nan)
    if begin == 0:  # a trajectory taken up again from a saved state has had the doses of that moment
        y = add_doses(compiled, shared.schedule, float(time[0]), y)
    states[:, begin] = y
    so_far = _EventSoFar(shared, math.inf, nadir)
    edges = [float(time[begin]), *shared.schedule.breakpoints(float(time[begin]), float(time[-1])), float(time[-1])]
    steps = 0
    for left, right in itertools.pairwise(edges):
        if left == right:
            continue
        p = np.append(parameters, [shared.schedule.at(left).get(item.name, 0.0) for item in compiled.model.inputs])
        segment = solve_segment(compiled, p, (left, right), y, shared.solver)
        steps += segment.steps.size - 1
        if segment.completion is not Completion.COMPLETE:
            failed, at = np.full(y.size, math.nan), float(segment.steps[-1])
            state = _find_failed_state(shared, p, segment)
            return _Trajectory(states, failed, so_far.crossing, so_far.nadir, segment.completion, at, state, steps)
        inside = (time > left) & (time < right)
        states[:, inside] = segment.solution(time[inside])
        y = add_doses(compiled, shared.schedule, right, segment.end)
        states[:, time == right] = y[:, None]
        so_far = so_far.after(p, segment.solution, segment.steps)
    return _Trajectory(states, y, so_far.crossing, so_far.nadir, Completion.COMPLETE, math.inf, -1, steps)


def _find_failed_state(shared: _SharedProblem, p: Array, segment: Segment) -> int:
    """Return the state that broke, -1 when states are finite and a parameter is not."""
    if np.isfinite(segment.end).all() and not np.isfinite(p).all():
        return -1
    allowed = error_allowed(shared.compiled.model, segment.end, shared.solver.tolerances)
    return find_failed_state(shared.compiled, float(segment.steps[-1]), segment.end, p, allowed)


@dataclass(frozen=True)
class _EventSoFar:
    """First event and running minimum of the event output so far."""

    shared: _SharedProblem
    crossing: float
    nadir: float

    def after(self, p: Array, solution: Callable[[Array], Array], steps: Array) -> "_EventSoFar":
        """Return both after one more segment of the solution."""
        event = self.shared.event
        if event is None:
            return self
        names = [item.name for item in self.shared.compiled.model.outputs]
        row = names.index(event.output)

        def event_output(moment: float) -> float:
            return float(self.shared.compiled.outputs(moment, solution(np.array([moment])), p[:, None])[row, 0])

        fine = np.unique(np.concatenate([np.linspace(a, b, INSIDE_STEP) for a, b in itertools.pairwise(steps)]))
        crossing, lowest = locate_crossing(event_output, fine, event.rise, nadir=self.nadir, threshold=event.threshold)
        return _EventSoFar(self.shared, min(self.crossing, crossing), min(self.nadir, lowest))
