"""Many individuals at once, by the generated kernel.

Start with `integrate`.  Rows are states or parameters, columns are patients; a patient that fails has a code and a time
of failure, and leaves the bits of the others alone.
"""

import math
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinimmune.models.arrays import Array, Integers, real
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.kernel.kernel import Kernel
from kinimmune.models.kernel.workspace import Patients, SharedProblem
from kinimmune.models.solvers.dosing import Schedule, constant
from kinimmune.models.solvers.events import Event
from kinimmune.models.solvers.global_error import check_by_looser_tolerance, find_long, refine, run_lanes
from kinimmune.models.solvers.tolerances import MOST_STEPS, Tolerances, sizes_of

DEFAULT_TOLERANCES = Tolerances(1e-6, 1e-8)


@dataclass(frozen=True)
class EnsembleTrajectories:
    """The trajectories of n patients."""

    time: Array
    """Times of the grid [d], shape (k,)"""
    names: tuple[str, ...]
    """Names of the states that were kept."""
    states: Array
    """Kept states, shape (n_kept, k, n); NaN before a patient's start and after its failure"""
    final: Array
    """All states at the last time, shape (n_states, n); NaN after a failure."""
    crossing: Array
    """Time of the first event [d], infinite for none, shape (n,)"""
    nadir: Array
    """Running minimum of the event output at the end, shape (n,); infinite without an event output"""
    completion: "np.ndarray[Any, np.dtype[np.int8]]"
    """Codes of `Completion`, shape (n,)"""
    failed_at: Array
    """Time of a failure [d], infinite without one, shape (n,)"""
    failed_state: Integers
    """Row of the state that broke (`failure.choose_failed_state`), -1 without a failure and when it is a
    parameter that is not finite, shape (n,)"""
    steps: Integers
    """Steps tried, shape (n,)"""
    retried: int = 0
    """Patients whose integration failed in the kernel and was repeated by scipy, whether that failed as well or not."""

    def __repr__(self) -> str:
        """Return sizes, the horizon and the number of failures."""
        failed = f"{np.count_nonzero(self.completion)} failed"
        times = f"{self.time.size} times up to {self.time[-1]:g} d"
        return f"EnsembleTrajectories({len(self.names)} states, {times}, {self.completion.size} patients, {failed})"

    def __getitem__(self, name: str) -> Array:
        """Return one kept state, shape (k, n)."""
        if name not in self.names:
            raise UsageError(f"state '{name}' was not kept; {nearest(name, self.names)}")
        return real(self.states[self.names.index(name)])

    @property
    def failures(self) -> dict[Completion, int]:
        """Completion other than complete -> number of patients."""
        counts = np.bincount(self.completion, minlength=len(Completion))
        return {kind: int(counts[kind]) for kind in Completion if kind is not Completion.COMPLETE and counts[kind]}


def integrate(  # noqa: PLR0913 - the parts of a virtual trial, all by name
    kernel: Kernel,
    *,
    initial: Array,
    parameters: Array,
    time: Array,
    start: Integers | None = None,
    schedule: Schedule | None = None,
    event: Event | None = None,
    nadir: Array | None = None,
    keep: Sequence[str] | None = None,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    most_steps: int = MOST_STEPS,
    checked: bool = True,
) -> EnsembleTrajectories:
    """Integrate n patients in one thread, without Python's lock.

    The error of what comes back is at most about ten times the tolerance, or the patient has failed as inaccurate.

    Parameters
    ----------
    kernel
        from `load_kernel`
    initial
        states at the start, shape (n_states, n)
    parameters
        parameters without inputs, shape (n_parameters, n)
    time
        output grid [d], increasing, shape (k,)
    start
        place in `time` where each patient begins, shape (n,); 0 by default.  Doses at `time[0]` are added to the initial states;
        a state taken over at a later time already holds the doses given then
    schedule
        inputs and doses, the same for all; nothing by default
    event
        the event to locate; its output must be the kernel's event output
    nadir
        running minimum of the event output before the start, shape (n,); its value at the start by default
    keep
        names of the states to store on the grid; all by default
    tolerances
        error allowed per step; the absolute one in units of `tolerances.sizes_of` the initial states
    most_steps
        steps a patient may take before the integration is given up
    checked
        whether all trajectories are integrated a second time with a larger tolerance, which takes about as long again and finds
        those whose errors grow; without it only trajectories of very many steps are integrated again

    Raises
    ------
    UsageError
        shapes that do not fit, times that do not increase, a state or input that does not exist
    """
    time = _own(time, 1, "time")
    if time.size < 1 or not np.all(np.isfinite(time)) or not np.all(np.diff(time) > 0.0):
        raise UsageError(f"time must hold increasing finite values [d], given {reprlib.repr(time.tolist())}")
    patients = _gather(kernel, _own(initial, 2, "initial"), _own(parameters, 2, "parameters"), start, nadir)
    if np.any((patients.start < 0) | (patients.start >= time.size)):
        raise UsageError(f"start must lie in [0, {time.size - 1}], given {patients.start.min()} to {patients.start.max()}")
    names = kernel.state_names if keep is None else tuple(keep)
    rows = [_find_row(name, kernel.state_names, f"model '{kernel.model.name}' has no state") for name in names]
    shared = _pose_problem(kernel, time, constant() if schedule is None else schedule, np.array(rows, dtype=np.int64))
    first_states = patients.initial + np.outer(shared.doses[0], patients.start == 0)
    patients = patients._replace(scale=tolerances.absolute * sizes_of(kernel.model, first_states))
    shared = shared._replace(relative=tolerances.relative, most_steps=most_steps)
    if event is not None:
        _require_event_output(kernel, event)
        shared = shared._replace(rise=event.rise, threshold=event.threshold)
    outcome = run_lanes(kernel, shared, patients)
    doubtful = find_long(shared, outcome)
    if checked:
        doubtful |= check_by_looser_tolerance(kernel, shared, patients, outcome)
    outcome = refine(kernel, shared, patients, outcome, doubtful)
    return EnsembleTrajectories(
        time=time,
        names=names,
        states=outcome.states.transpose(1, 2, 0),
        final=outcome.final.T,
        crossing=outcome.crossing,
        nadir=outcome.nadir,
        completion=outcome.completion,
        failed_at=outcome.failed_at,
        failed_state=outcome.failed_state,
        steps=outcome.steps,
    )


def _own(values: Array, dimensions: int, name: str) -> Array:
    """Return a writable C-ordered array of doubles: the kernel is compiled for that layout alone."""
    array: Array = np.require(values, dtype=np.float64, requirements=["C", "W", "A"])
    if array.ndim != dimensions:
        raise UsageError(f"{name} must have {dimensions} dimension(s), given shape {array.shape}")
    return array


def _find_row(name: str, names: Sequence[str], complaint: str) -> int:
    if name not in names:
        raise UsageError(f"{complaint} '{name}'; {nearest(name, names)}")
    return list(names).index(name)


def _require_event_output(kernel: Kernel, event: Event) -> None:
    if event.output != kernel.event_output:
        raise UsageError(
            f"this kernel of model '{kernel.model.name}' watches {kernel.event_output!r}, not '{event.output}'; "
            f"load it with load_kernel(model, event_output='{event.output}')"
        )


def _gather(kernel: Kernel, initial: Array, parameters: Array, start: Integers | None, nadir: Array | None) -> Patients:
    n = initial.shape[1]
    for name, array, rows in (
        ("initial", initial, len(kernel.state_names)),
        ("parameters", parameters, len(kernel.parameter_names)),
    ):
        if array.shape != (rows, n):
            raise UsageError(f"{name} must have shape ({rows}, {n}) for model '{kernel.model.name}', given {array.shape}")
    starts = np.zeros(n, dtype=np.int64) if start is None else np.require(start, np.int64, ["C", "W"])
    lowest = np.full(n, math.inf) if nadir is None else _own(nadir, 1, "nadir")
    for name, shape in (("start", starts.shape), ("nadir", lowest.shape)):
        if shape != (n,):
            raise UsageError(f"{name} must have shape ({n},), given {shape}")
    return Patients(initial=initial, parameters=parameters, start=starts, scale=initial, nadir=lowest)


def _pose_problem(kernel: Kernel, time: Array, schedule: Schedule, keep: Integers) -> SharedProblem:
    """Return what all patients share, without tolerances and event."""
    breaks = np.array(schedule.breakpoints(float(time[0]), float(time[-1])), dtype=np.float64)
    moments = [float(time[0]), *breaks.tolist()]
    names = [item.name for item in kernel.model.inputs]
    for values in schedule.inputs:
        for name in values:
            _find_row(name, names, f"model '{kernel.model.name}' has no input")
    inputs = np.zeros((len(moments), len(names)))
    doses = np.zeros((len(moments) + 1, len(kernel.state_names)))
    for row, moment in enumerate(moments):
        values = schedule.at(moment)
        inputs[row] = [values.get(name, 0.0) for name in names]
    for dose in schedule.doses:
        column = _find_row(dose.state, kernel.state_names, f"model '{kernel.model.name}' has no state")
        if dose.time in (*moments, time[-1]):
            doses[[*moments, time[-1]].index(dose.time), column] += dose.amount
    return SharedProblem(time, breaks, inputs, doses, keep, 0.0, math.inf, math.inf, 0)
