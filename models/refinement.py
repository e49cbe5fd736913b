"""A second look at the courses that took many steps: integrated again more tightly, and named when even that is not accurate.

Start with `refine`.  Control of the local error promises little for a course that oscillates or is unstable: its errors add up or
grow.  Such courses are told by their number of steps, far above that of a smooth one.  They are integrated again with a smaller
tolerance, which replaces the first result; the distance between the two says how much error is left.  For all others this costs
nothing.
"""

import math

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.kernels import Kernel
from kinimmune.models.lanes import COMPLETE, INACCURATE, LANES, TAGS, Course, Outcome, Patients
from kinimmune.models.rosenbrock import RODAS5P

USUAL_STEPS = 300.0
"""Steps at a relative tolerance of 1e-4 that a smooth course rarely takes (benchmarks/accuracy.py prints quantiles)."""
USUAL_STEPS_PER_SEGMENT = 30.0
"""The same for each further segment between doses."""
TIGHTER = 30.0
"""How much smaller the second tolerance is."""
ALLOWED = 10.0
"""Error in units of the tolerance up to which a course counts as accurate."""
MARGIN = 3.0
"""Errors fall a little less than in proportion to the tolerance: factor on the error that is left."""


def run_lanes(kernel: Kernel, course: Course, people: Patients, lowest: Array) -> Outcome:
    """Run the compiled loop over some patients; `lowest` are the running minima they bring along, shape (n,)."""
    outcome = _make_room(people.initial.shape[0], course.keep.size, course.time.size, lowest)
    m, tag = np.zeros(kernel.machine.rows * LANES), np.zeros(len(TAGS) * LANES, dtype=np.int64)
    kernel.run(m, tag, kernel.machine, course, people, outcome)
    return outcome


def refine(kernel: Kernel, course: Course, people: Patients, lowest: Array, found: Outcome) -> Outcome:
    """Return the outcome with doubtful courses integrated again, and those that stay inaccurate marked as failed.

    Parameters
    ----------
    kernel, course, people, lowest
        as they were for `found`
    found
        outcome of `run_lanes`
    """
    doubtful = np.flatnonzero((found.completion == COMPLETE) & (found.steps > _usual_steps(course)))
    if not doubtful.size:
        return found
    again = run_lanes(
        kernel,
        course._replace(relative=course.relative / TIGHTER),
        Patients(
            np.ascontiguousarray(people.initial[:, doubtful]),
            np.ascontiguousarray(people.parameters[:, doubtful]),
            people.start[doubtful],
            people.scale[:, doubtful] / TIGHTER,
        ),
        lowest[doubtful],
    )
    first = Outcome(*(array[doubtful] for array in found))
    _mark_inaccurate(course, people.scale[:, doubtful], first, again)
    for kept, new in zip(found, again, strict=True):
        kept[doubtful] = new
    found.steps[doubtful] += first.steps
    return found


def _usual_steps(course: Course) -> float:
    """Return how many steps a smooth course takes at most: as many as the order of the method asks for."""
    at_loosest = USUAL_STEPS + USUAL_STEPS_PER_SEGMENT * course.breaks.size
    return float(at_loosest * (1e-4 / course.relative) ** (1.0 / RODAS5P.order))


def _mark_inaccurate(course: Course, scale: Array, first: Outcome, again: Outcome) -> None:
    """Give the second outcome the code INACCURATE where the first is too far from it, and NaN from there on."""
    allowed = ALLOWED * TIGHTER / MARGIN
    grid = _distance(first.states, again.states, scale[course.keep].T[:, :, None], course.relative)
    end = _distance(first.final, again.final, scale.T, course.relative)
    far = np.max(grid, axis=1, initial=0.0) > allowed
    missed = (again.completion == COMPLETE) & (far.any(axis=1) | (np.max(end, axis=1, initial=0.0) > allowed))
    for row in np.flatnonzero(missed):
        place = int(np.argmax(far[row])) if far[row].any() else course.time.size - 1
        again.completion[row] = INACCURATE
        again.failed_at[row] = course.time[place]
        again.states[row, :, place:] = math.nan
        again.final[row] = math.nan


def _distance(first: Array, again: Array, scale: Array, relative: float) -> Array:
    """Return how far two results lie apart in units of the first tolerance; 0 where there is none, before a patient's start."""
    with np.errstate(invalid="ignore"):
        apart: Array = np.nan_to_num(np.abs(first - again) / (scale + relative * np.abs(again)), nan=0.0, posinf=math.inf)
    return apart


def _make_room(n_states: int, n_kept: int, k: int, lowest: Array) -> Outcome:
    n = lowest.size
    return Outcome(
        states=np.full((n, n_kept, k), math.nan),
        final=np.full((n, n_states), math.nan),
        crossing=np.full(n, math.inf),
        nadir=lowest.copy(),
        completion=np.zeros(n, dtype=np.int8),
        failed_at=np.full(n, math.inf),
        steps=np.zeros(n, dtype=np.int64),
    )
