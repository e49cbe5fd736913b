"""A second look at courses whose error may be larger than the tolerance, and a name for those that stay inaccurate.

Start with `refine`.  Control of the local error promises little for a course that oscillates or is unstable: its errors add up or
grow.  `find_doubtful` finds such courses by a second integration with a larger tolerance; a course of very many steps is doubtful
without that.  Doubtful ones are integrated again with a smaller tolerance, which replaces the first result, and the distance
between the two says how much error is left.
"""

import math
from typing import cast

import numpy as np

from kinimmune.models.arrays import Array, Bools
from kinimmune.models.kernel.kernel import Kernel
from kinimmune.models.kernel.rosenbrock import RODAS5P
from kinimmune.models.kernel.workspace import COMPLETE, INACCURATE, LANES, TAGS, Course, Outcome, Patients

Arrays = tuple[Array, ...]

USUAL_STEPS = 300.0
"""Steps at a relative tolerance of 1e-4 that a smooth course rarely takes (benchmarks/accuracy.py prints quantiles)."""
USUAL_STEPS_PER_SEGMENT = 30.0
"""The same for each further segment between doses."""
FACTOR = 30.0
"""By how much a second tolerance is larger or smaller."""
ALLOWED = 10.0
"""Error in units of the tolerance up to which a course counts as accurate."""
MARGIN = 10.0
"""Errors may fall much less than in proportion to the tolerance: factor on the error that is left."""
DISTANCE = ALLOWED * FACTOR / MARGIN
"""Distance of two results, in units of the larger tolerance over `FACTOR`, from which on the better one may be inaccurate."""


def run_lanes(kernel: Kernel, course: Course, people: Patients, lowest: Array) -> Outcome:
    """Run the compiled loop over some patients; `lowest` are the running minima they bring along, shape (n,)."""
    outcome = _make_room(people.initial.shape[0], course.keep.size, course.time.size, lowest)
    m, tag = np.zeros(kernel.machine.rows * LANES), np.zeros(len(TAGS) * LANES, dtype=np.int64)
    kernel.run(m, tag, kernel.machine, course, people, outcome)
    return outcome


def find_doubtful(kernel: Kernel, course: Course, people: Patients, lowest: Array, found: Outcome) -> Bools:
    """Return whose course changes too much when the tolerance is larger, shape (n,); parameters as in `refine`."""
    looser = course._replace(relative=course.relative * FACTOR)
    rough = run_lanes(kernel, looser, people._replace(scale=people.scale * FACTOR), lowest)
    far = _distances(course, people.scale, rough, found).max(axis=1, initial=0.0) > DISTANCE
    found.steps[:] += rough.steps
    return np.asarray(far | (rough.completion != COMPLETE))


def find_long(course: Course, found: Outcome) -> Bools:
    """Return whose course took many more steps than a smooth one would, shape (n,)."""
    at_loosest = USUAL_STEPS + USUAL_STEPS_PER_SEGMENT * course.breaks.size
    return np.asarray(found.steps > at_loosest * (1e-4 / course.relative) ** (1.0 / RODAS5P.order))


def refine(kernel: Kernel, course: Course, people: Patients, lowest: Array, found: Outcome, doubtful: Bools) -> Outcome:
    """Return the outcome with doubtful courses integrated again, and those that stay inaccurate marked as failed.

    Parameters
    ----------
    kernel, course, people, lowest
        as they were for `found`
    found
        outcome of `run_lanes`; changed in place
    doubtful
        whose course to look at again, shape (n,); those that failed stay as they are
    """
    who = np.flatnonzero(doubtful & (found.completion == COMPLETE))
    if not who.size:
        return found
    scale = people.scale[:, who]
    again = run_lanes(
        kernel,
        course._replace(relative=course.relative / FACTOR),
        Patients(
            np.ascontiguousarray(people.initial[:, who]),
            np.ascontiguousarray(people.parameters[:, who]),
            people.start[who],
            scale / FACTOR,
        ),
        lowest[who],
    )
    first = Outcome._make(array[who] for array in found)
    _mark_inaccurate(course, scale, first, again)
    for kept, new in zip(cast(Arrays, found), cast(Arrays, again), strict=True):
        kept[who] = new
    found.steps[who] += first.steps
    return found


def _mark_inaccurate(course: Course, scale: Array, first: Outcome, again: Outcome) -> None:
    """Give the second outcome the code INACCURATE where the first is too far from it, and NaN from there on."""
    far = _distances(course, scale, first, again) > DISTANCE
    for row in np.flatnonzero((again.completion == COMPLETE) & far.any(axis=1)).tolist():
        place = int(np.argmax(far[row]))
        again.completion[row] = INACCURATE
        again.blamed[row] = _farthest(course, scale[:, row], (first, again), row, place)
        place = min(place, course.time.size - 1)
        again.failed_at[row] = course.time[place]
        again.states[row, :, place:] = math.nan
        again.final[row] = math.nan


def _farthest(course: Course, scale: Array, results: tuple[Outcome, Outcome], row: int, place: int) -> int:
    """Return the state in which two results lie farthest apart at a time of the grid, or at the end beyond it."""
    first, again = results
    if place < course.time.size:
        apart = _apart(first.states[row, :, place], again.states[row, :, place], scale[course.keep], course.relative)
        return int(course.keep[np.argmax(apart)])
    return int(np.argmax(_apart(first.final[row], again.final[row], scale, course.relative)))


def _distances(course: Course, scale: Array, first: Outcome, again: Outcome) -> Array:
    """Return how far two results lie apart in units of the tolerance, the largest of the states.

    Shape (n, k + 1): at the times of the grid, where states are kept, and for all states at the end; 0 where one has no value.
    """
    on_grid = _apart(first.states, again.states, scale[course.keep].T[:, :, None], course.relative).max(axis=1, initial=0.0)
    at_end = _apart(first.final, again.final, scale.T, course.relative).max(axis=1, initial=0.0)
    return np.column_stack([on_grid, at_end])


def _apart(first: Array, again: Array, scale: Array, relative: float) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
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
        blamed=np.full(n, -1, dtype=np.int64),
        steps=np.zeros(n, dtype=np.int64),
    )
