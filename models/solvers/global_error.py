"""A second look at trajectories whose error may be larger than the tolerance, and a code for those that stay inaccurate.

Start with `refine`.  Control of the local error promises little for a trajectory that oscillates or is unstable, since its errors
add up or grow.  `check_by_looser_tolerance` finds such trajectories by a second integration with a larger tolerance; one of very
many steps is doubtful without that.  Doubtful ones are integrated again with a smaller tolerance, which replaces the first
result, and the distance between the two says how much error is left.
"""

import math
from typing import cast

import numpy as np

from kinimmune.models.arrays import Array, Bools, real
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.kernel.kernel import Kernel
from kinimmune.models.kernel.rosenbrock import RODAS5P
from kinimmune.models.kernel.workspace import LANES, IntRow, Outcome, Patients, SharedProblem

Arrays = tuple[Array, ...]

USUAL_STEPS = 300.0
"""Steps at a relative tolerance of 1e-4 that a smooth trajectory rarely takes (benchmarks/accuracy.py prints quantiles)."""
USUAL_STEPS_PER_SEGMENT = 30.0
"""Steps at that tolerance that each further segment between doses adds."""
FACTOR = 30.0
"""Factor by which a second tolerance is larger or smaller."""
ALLOWED = 10.0
"""Error in units of the tolerance up to which a trajectory counts as accurate."""
MARGIN = 10.0
"""Factor on the error that is left: errors may fall much less than in proportion to the tolerance."""
DISTANCE = ALLOWED * FACTOR / MARGIN
"""Distance of two results, in units of the larger tolerance over `FACTOR`, from which on the better one may be inaccurate."""


def run_lanes(kernel: Kernel, shared: SharedProblem, patients: Patients) -> Outcome:
    """Run the compiled loop over some patients."""
    outcome = _make_room(patients, shared.keep.size, shared.time.size)
    work, iwork = np.zeros(kernel.layout.rows * LANES), np.zeros(len(IntRow) * LANES, dtype=np.int64)
    kernel.run(work, iwork, kernel.layout, shared, patients, outcome)
    return outcome


def check_by_looser_tolerance(kernel: Kernel, shared: SharedProblem, patients: Patients, outcome: Outcome) -> Bools:
    """Return whose trajectory changes too much when the tolerance is larger, shape (n,); parameters as in `refine`."""
    looser = shared._replace(relative=shared.relative * FACTOR)
    rough = run_lanes(kernel, looser, patients._replace(scale=patients.scale * FACTOR))
    far = _distances(shared, patients.scale, rough, outcome).max(axis=1, initial=0.0) > DISTANCE
    outcome.steps[:] += rough.steps
    return np.asarray(far | (rough.completion != Completion.COMPLETE))


def find_long(shared: SharedProblem, outcome: Outcome) -> Bools:
    """Return whose trajectory took many more steps than a smooth one would, shape (n,)."""
    at_loosest = USUAL_STEPS + USUAL_STEPS_PER_SEGMENT * shared.breaks.size
    return np.asarray(outcome.steps > at_loosest * (1e-4 / shared.relative) ** (1.0 / RODAS5P.order))


def refine(kernel: Kernel, shared: SharedProblem, patients: Patients, outcome: Outcome, doubtful: Bools) -> Outcome:
    """Return the outcome with doubtful trajectories integrated again, and those that stay inaccurate marked as failed.

    Parameters
    ----------
    kernel, shared, patients
        as they were for `outcome`
    outcome
        of `run_lanes`; changed in place
    doubtful
        whose trajectory to look at again, shape (n,); those that failed stay as they are
    """
    columns = np.flatnonzero(doubtful & (outcome.completion == Completion.COMPLETE))
    if not columns.size:
        return outcome
    scale = patients.scale[:, columns]
    again = run_lanes(
        kernel,
        shared._replace(relative=shared.relative / FACTOR),
        Patients(
            initial=np.ascontiguousarray(patients.initial[:, columns]),
            parameters=np.ascontiguousarray(patients.parameters[:, columns]),
            start=patients.start[columns],
            scale=scale / FACTOR,
            nadir=patients.nadir[columns],
        ),
    )
    first = Outcome._make(array[columns] for array in outcome)
    _mark_inaccurate(shared, scale, first, again)
    for array, new in zip(cast(Arrays, outcome), cast(Arrays, again), strict=True):
        array[columns] = new
    outcome.steps[columns] += first.steps
    return outcome


def _mark_inaccurate(shared: SharedProblem, scale: Array, first: Outcome, again: Outcome) -> None:
    """Give the second outcome the code `INACCURATE` where the first is too far from it, and NaN from there on."""
    far = _distances(shared, scale, first, again) > DISTANCE
    for row in np.flatnonzero((again.completion == Completion.COMPLETE) & far.any(axis=1)).tolist():
        place = int(np.argmax(far[row]))
        again.completion[row] = Completion.INACCURATE
        again.failed_state[row] = _farthest_state(shared, scale, first, again, row, place)
        place = min(place, shared.time.size - 1)
        again.failed_at[row] = shared.time[place]
        again.states[row, :, place:] = math.nan
        again.final[row] = math.nan


def _farthest_state(shared: SharedProblem, scale: Array, first: Outcome, again: Outcome, row: int, place: int) -> int:
    """Return the state in which two results of a patient lie farthest apart, at a time of the grid or at the end beyond it."""
    if place < shared.time.size:
        ends = first.states[row, :, place], again.states[row, :, place]
        return int(shared.keep[np.argmax(_distance(*ends, scale[shared.keep, row], shared.relative))])
    return int(np.argmax(_distance(first.final[row], again.final[row], scale[:, row], shared.relative)))


def _distances(shared: SharedProblem, scale: Array, first: Outcome, again: Outcome) -> Array:
    """Return how far two results lie apart in units of the tolerance, the largest of the states.

    Shape (n, k + 1): at the times of the grid, where states are kept, and for all states at the end; 0 where one has no value.
    """
    on_grid = _distance(first.states, again.states, scale[shared.keep].T[:, :, None], shared.relative).max(axis=1, initial=0.0)
    at_end = _distance(first.final, again.final, scale.T, shared.relative).max(axis=1, initial=0.0)
    return np.column_stack([on_grid, at_end])


def _distance(first: Array, again: Array, scale: Array, relative: float) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
        return real(np.nan_to_num(np.abs(first - again) / (scale + relative * np.abs(again)), nan=0.0, posinf=math.inf))


def _make_room(patients: Patients, n_kept: int, k: int) -> Outcome:
    n_states, n = patients.initial.shape
    return Outcome(
        states=np.full((n, n_kept, k), math.nan),
        final=np.full((n, n_states), math.nan),
        crossing=np.full(n, math.inf),
        nadir=patients.nadir.copy(),
        completion=np.zeros(n, dtype=np.int8),
        failed_at=np.full(n, math.inf),
        failed_state=np.full(n, -1, dtype=np.int64),
        steps=np.zeros(n, dtype=np.int64),
    )
