"""Many individuals at once, by the generated kernel.

Start with `integrate`.  Rows are states or parameters, columns are patients; a patient that fails is a code and a time,
and leaves the bits of the others alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.kernel.kernel import Kernel
from kinimmune.models.kernel.workspace import Course, Patients
from kinimmune.models.solvers.dosing import Schedule, constant
from kinimmune.models.solvers.events import Event
from kinimmune.models.solvers.global_error import find_doubtful, find_long, refine, run_lanes
from kinimmune.models.solvers.tolerances import Completion, Tolerances, sizes_of

COMPLETIONS: tuple[Completion, ...] = tuple(Completion)
"""Meaning of the codes in `EnsembleTrajectories.completion`."""

DEFAULT_TOLERANCES = Tolerances(1e-6, 1e-8)
MOST_STEPS = 100_000


@dataclass(frozen=True)
class EnsembleTrajectories:
    """The courses of n patients."""

    time: Array
    """[d], shape (k,)"""
    names: tuple[str, ...]
    """The states that were kept."""
    states: Array
    """shape (n_kept, k, n); NaN before a patient's start and after its failure"""
    final: Array
    """All states at the last time, shape (n_states, n); NaN after a failure."""
    crossing: Array
    """When the event to locate first happened [d], infinite if never, shape (n,)"""
    nadir: Array
    """Running minimum of the watched quantity at the end, shape (n,); infinite when nothing is watched"""
    completion: "np.ndarray[Any, np.dtype[np.int8]]"
    """Places in `COMPLETIONS`, shape (n,); 0 is complete"""
    failed_at: Array
    """Time of a failure [d], infinite without one, shape (n,)"""
    blamed: Integers
    """Place among the model's states of the one that broke (`failure.blame_state`), -1 without a failure and when it is a
    parameter that is not finite, shape (n,)"""
    steps: Integers
    """Steps tried, shape (n,)"""
    retried: int = 0
    """Patients the kernel gave up and scipy integrated once more, whatever came of it."""

    def __getitem__(self, name: str) -> Array:
        """Return one kept state, shape (k, n)."""
        if name not in self.names:
            raise UsageError(f"state '{name}' was not kept; {nearest(name, self.names)}")
        kept: Array = self.states[self.names.index(name)]
        return kept

    @property
    def failures(self) -> dict[Completion, int]:
        """Completion other than complete -> number of patients."""
        counts = np.bincount(self.completion, minlength=len(COMPLETIONS))
        return {COMPLETIONS[code]: int(count) for code, count in enumerate(counts) if code and count}


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
        the crossing to locate; its quantity must be the one the kernel watches
    nadir
        running minimum of the watched quantity before the start, shape (n,); its value at the start by default
    keep
        names of the states to store on the grid; all by default
    tolerances
        error allowed per step; the absolute one in units of `span.sizes_of` the initial states
    most_steps
        steps a patient may take before it is given up
    checked
        whether all courses are integrated a second time with a larger tolerance, which takes about as long again and finds
        those whose errors grow; without it only courses of very many steps are looked at again

    Raises
    ------
    UsageError
        shapes that do not fit, times that do not increase, a state or input that does not exist
    """
    time = _own(time, 1, "time")
    if time.size < 1 or not np.all(np.isfinite(time)) or not np.all(np.diff(time) > 0.0):
        raise UsageError("time must hold increasing finite values [d]")
    people, lowest = _gather(kernel, _own(initial, 2, "initial"), _own(parameters, 2, "parameters"), start, nadir)
    if np.any((people.start < 0) | (people.start >= time.size)):
        raise UsageError(f"start must lie in [0, {time.size - 1}], given {people.start.min()} to {people.start.max()}")
    names = kernel.state_names if keep is None else tuple(keep)
    rows = [_place(name, kernel.state_names, f"model '{kernel.model.name}' has no state") for name in names]
    plan = constant() if schedule is None else schedule
    course = _course(kernel, time, plan, np.array(rows, dtype=np.int64))
    begins = people.initial + np.outer(course.doses[0], people.start == 0)
    people = people._replace(scale=tolerances.absolute * sizes_of(kernel.model, begins))
    course = course._replace(relative=tolerances.relative, most_steps=most_steps)
    if event is not None:
        _require_watched(kernel, event)
        course = course._replace(rise=event.rise, level=event.level)
    outcome = run_lanes(kernel, course, people, lowest)
    doubtful = find_long(course, outcome)
    if checked:
        doubtful |= find_doubtful(kernel, course, people, lowest, outcome)
    outcome = refine(kernel, course, people, lowest, outcome, doubtful)
    return EnsembleTrajectories(
        time,
        names,
        outcome.states.transpose(1, 2, 0),
        outcome.final.T,
        outcome.crossing,
        outcome.nadir,
        outcome.completion,
        outcome.failed_at,
        outcome.blamed,
        outcome.steps,
    )


def _own(values: Array, dimensions: int, name: str) -> Array:
    """Return a writable C-ordered array of doubles: the kernel is compiled for that layout alone."""
    array: Array = np.require(values, dtype=np.float64, requirements=["C", "W", "A"])
    if array.ndim != dimensions:
        raise UsageError(f"{name} must have {dimensions} dimension(s), given shape {array.shape}")
    return array


def _place(name: str, names: Sequence[str], complaint: str) -> int:
    if name not in names:
        raise UsageError(f"{complaint} '{name}'; {nearest(name, names)}")
    return list(names).index(name)


def _require_watched(kernel: Kernel, event: Event) -> None:
    if event.quantity != kernel.watch:
        raise UsageError(
            f"this kernel of model '{kernel.model.name}' watches {kernel.watch!r}, not '{event.quantity}'; "
            f"load it with load_kernel(model, watch='{event.quantity}')"
        )


def _gather(
    kernel: Kernel, initial: Array, parameters: Array, start: Integers | None, nadir: Array | None
) -> tuple[Patients, Array]:
    n = initial.shape[1]
    for name, array, rows in (
        ("initial", initial, len(kernel.state_names)),
        ("parameters", parameters, len(kernel.parameter_names)),
    ):
        if array.shape != (rows, n):
            raise UsageError(f"{name} must have shape ({rows}, {n}) for model '{kernel.model.name}', given {array.shape}")
    begins = np.zeros(n, dtype=np.int64) if start is None else np.require(start, np.int64, ["C", "W"])
    lowest = np.full(n, math.inf) if nadir is None else _own(nadir, 1, "nadir")
    for name, shape in (("start", begins.shape), ("nadir", lowest.shape)):
        if shape != (n,):
            raise UsageError(f"{name} must have shape ({n},), given {shape}")
    return Patients(initial, parameters, begins, initial), lowest


def _course(kernel: Kernel, time: Array, plan: Schedule, keep: Integers) -> Course:
    breaks = np.array(plan.breakpoints(float(time[0]), float(time[-1])), dtype=np.float64)
    moments = [float(time[0]), *breaks.tolist()]
    names = [item.name for item in kernel.model.inputs]
    for given in plan.inputs:
        for name in given:
            _place(name, names, f"model '{kernel.model.name}' has no input")
    inputs = np.zeros((len(moments), len(names)))
    doses = np.zeros((len(moments) + 1, len(kernel.state_names)))
    for row, moment in enumerate(moments):
        inputs[row] = _row_of_inputs(plan.at(moment), names)
    for dose in plan.doses:
        column = _place(dose.state, kernel.state_names, f"model '{kernel.model.name}' has no state")
        if dose.time in (*moments, time[-1]):
            doses[[*moments, time[-1]].index(dose.time), column] += dose.amount
    return Course(time, breaks, inputs, doses, keep, 0.0, math.inf, math.inf, 0)


def _row_of_inputs(given: Mapping[str, float], names: Sequence[str]) -> list[float]:
    return [given.get(name, 0.0) for name in names]
