"""The loop over steps of the ensemble kernel, the same for all models.

Everything below the line `TEMPLATE` is copied into one generated module, together with `event_location` and `step_control`.
Start with `integrate_lanes`.  Patients are integrated in lanes (see `workspace`); each lane has a time and a step of its own and
takes the next patient when its own ends.  The arithmetic of a step, generated for each model, runs over all lanes at once; lanes
never mix.
"""

import math

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.kernel.event_location import check_event_at_start, locate_event
from kinimmune.models.kernel.intrinsics import call_model
from kinimmune.models.kernel.step_control import choose_steps, clip_steps, next_step_size
from kinimmune.models.kernel.workspace import (
    LANES,
    IntRow,
    KernelLayout,
    Outcome,
    Patients,
    Row,
    SharedProblem,
    jit,
    jit_entry,
)

PLACE = 0x7FFFFFFF
"""Bits of a place in an array: with them the compiler sees that it is not negative and need not count from the end."""

# TEMPLATE


@jit
def is_finite_patient(patient: int, patients: Patients) -> bool:
    """Return whether all numbers of a patient are finite."""
    finite = True
    for i in range(patients.initial.shape[0]):
        finite = finite and math.isfinite(patients.initial[i, patient])
    for i in range(patients.parameters.shape[0]):
        finite = finite and math.isfinite(patients.parameters[i, patient])
    return finite


@jit
def begin_segment(work: Array, iwork: Integers, lane: int, layout: KernelLayout, shared: SharedProblem) -> None:
    """Set the inputs of the segment of the schedule that begins, and the time at which it ends."""
    segment = iwork[IntRow.SEGMENT + lane]
    for i in range(shared.inputs.shape[1]):
        work[layout.p + (layout.n_parameters + i) * LANES + lane] = shared.inputs[segment, i]
    call_model(layout.find_constants, work, lane)
    work[Row.STOP + lane] = shared.breaks[segment] if segment < shared.breaks.size else shared.time[-1]
    iwork[IntRow.FIRST_STEP + lane] = 1
    iwork[IntRow.REJECTED + lane] = 0
    work[Row.LAST_ROOT + lane] = 0.0


@jit
def store_state(work: Array, iwork: Integers, lane: int, layout: KernelLayout, shared: SharedProblem, outcome: Outcome) -> None:
    """Store the state of a lane at the next time of the output grid."""
    for row in range(shared.keep.size):
        outcome.states[iwork[IntRow.PATIENT + lane], row, iwork[IntRow.CURSOR + lane]] = work[
            layout.y + shared.keep[row] * LANES + lane
        ]
    iwork[IntRow.CURSOR + lane] += 1


@jit
def load_patient(
    work: Array, iwork: Integers, lane: int, layout: KernelLayout, shared: SharedProblem, patients: Patients
) -> None:
    """Put the next patient into a lane: states, tolerances, parameters, and the place in grid and schedule."""
    patient = iwork[IntRow.NEXT_PATIENT]
    start = patients.start[patient]
    iwork[IntRow.PATIENT + lane] = patient
    iwork[IntRow.CURSOR + lane] = start
    iwork[IntRow.COUNT + lane] = 0
    iwork[IntRow.SEGMENT + lane] = 0
    work[Row.T + lane] = shared.time[start]
    while iwork[IntRow.SEGMENT + lane] < shared.breaks.size and shared.breaks[iwork[IntRow.SEGMENT + lane]] <= shared.time[start]:
        iwork[IntRow.SEGMENT + lane] += 1
    for i in range(layout.n_states):
        value = patients.initial[i, patient] + (shared.doses[0, i] if start == 0 else 0.0)
        work[layout.y + i * LANES + lane] = value
        work[layout.scale + i * LANES + lane] = patients.scale[i, patient]
    for i in range(layout.n_parameters):
        work[layout.p + i * LANES + lane] = patients.parameters[i, patient]


@jit
def find_failed_state(work: Array, lane: int, layout: KernelLayout) -> int:
    """Return the state that broke, by the rule of `failure.choose_failed_state`."""
    fastest, state = -1.0, 0
    for i in range(layout.n_states):
        at = i * LANES + lane
        speed = abs(work[layout.f + at]) / (work[layout.scale + at] + work[Row.RELATIVE + lane] * abs(work[layout.y + at]))
        if not math.isfinite(speed):
            return i
        if speed > fastest:
            fastest, state = speed, i
    return state


@jit
def find_initial_failure(patient: int, patients: Patients) -> int:
    """Return the first state that does not start finite, -1 when it is a parameter that is not finite."""
    for i in range(patients.initial.shape[0]):
        if not math.isfinite(patients.initial[i, patient]):
            return i
    return -1


@jit
def release_lane(work: Array, iwork: Integers, lane: int, completion: Completion, layout: KernelLayout, outcome: Outcome) -> None:
    """Record how the integration of a lane's patient ended and leave the lane empty."""
    patient = iwork[IntRow.PATIENT + lane]
    outcome.completion[patient] = completion
    outcome.steps[patient] = iwork[IntRow.COUNT + lane]
    if completion == Completion.COMPLETE:
        for i in range(layout.n_states):
            outcome.final[patient, i] = work[layout.y + i * LANES + lane]
    else:
        outcome.failed_at[patient] = work[Row.T + lane]
        outcome.failed_state[patient] = find_failed_state(work, lane, layout)
    iwork[IntRow.PATIENT + lane] = -1
    iwork[IntRow.FIRST_STEP + lane] = 0


@jit
def fill_lanes(
    work: Array, iwork: Integers, layout: KernelLayout, shared: SharedProblem, patients: Patients, outcome: Outcome
) -> bool:
    """Put the next patients into all empty lanes and return whether any lane holds a patient."""
    active = False
    for lane in range(LANES):
        while iwork[IntRow.PATIENT + lane] < 0 and iwork[IntRow.NEXT_PATIENT] < patients.start.size:
            patient = iwork[IntRow.NEXT_PATIENT]
            if not is_finite_patient(patient, patients):
                outcome.completion[patient] = Completion.NOT_FINITE
                outcome.failed_at[patient] = shared.time[patients.start[patient]]
                outcome.failed_state[patient] = find_initial_failure(patient, patients)
            else:
                load_patient(work, iwork, lane, layout, shared, patients)
                store_state(work, iwork, lane, layout, shared, outcome)
                begin_segment(work, iwork, lane, layout, shared)
                if work[Row.T + lane] >= shared.time[-1]:
                    release_lane(work, iwork, lane, Completion.COMPLETE, layout, outcome)
            iwork[IntRow.NEXT_PATIENT] += 1
        active |= iwork[IntRow.PATIENT + lane] >= 0
    return active


@jit
def store_interior(
    work: Array, iwork: Integers, lane: int, layout: KernelLayout, shared: SharedProblem, outcome: Outcome
) -> None:
    """Store the states at all times of the grid before the end of an accepted step, by the continuous extension."""
    t, per_step, first = work[Row.T + lane], 1.0 / work[Row.H + lane], iwork[IntRow.CURSOR + lane] & PLACE
    until = work[Row.STOP + lane] if iwork[IntRow.HITS_STOP + lane] == 1 else t + work[Row.H + lane]
    cursor = first
    while cursor < shared.time.size and shared.time[cursor] < until:
        cursor += 1
    if cursor > first:
        y, trial = work[layout.y + lane :], work[layout.trial + lane :]
        d1, d2, d3 = work[layout.d1 + lane :], work[layout.d2 + lane :], work[layout.d3 + lane :]
        states, times = outcome.states[iwork[IntRow.PATIENT + lane]], shared.time[first:cursor]
        for row in range(shared.keep.size):
            at, line = (shared.keep[row] & PLACE) * LANES, states[row, first:cursor]
            before, after, one, two, three = y[at], trial[at], d1[at], d2[at], d3[at]
            for place in range(times.size):
                x = (times[place] - t) * per_step
                line[place] = (1.0 - x) * before + x * (after + (1.0 - x) * (one + x * (two + x * three)))
    iwork[IntRow.CURSOR + lane] = cursor
    work[Row.T + lane] = until


@jit
def accept_step(work: Array, iwork: Integers, lane: int, layout: KernelLayout, shared: SharedProblem, outcome: Outcome) -> None:
    """Move a lane to the end of its step, with doses and the next segment where the step ends one."""
    store_interior(work, iwork, lane, layout, shared, outcome)
    longer = next_step_size(work, iwork, lane)
    work[Row.LAST_ROOT + lane] = max(0.4, work[Row.ROOT + lane])
    work[Row.LAST_H + lane] = work[Row.H + lane]
    work[Row.H + lane] = longer
    iwork[IntRow.REJECTED + lane] = 0
    y, trial = work[layout.y + lane :], work[layout.trial + lane :]
    for i in range(layout.n_states):
        y[i * LANES] = trial[i * LANES]
    ends = work[Row.T + lane] >= shared.time[-1]
    if iwork[IntRow.HITS_STOP + lane] == 1:
        iwork[IntRow.SEGMENT + lane] += 1
        for i in range(layout.n_states):
            work[layout.y + i * LANES + lane] += shared.doses[iwork[IntRow.SEGMENT + lane], i]
        if not ends:
            begin_segment(work, iwork, lane, layout, shared)
    if iwork[IntRow.CURSOR + lane] < shared.time.size and shared.time[iwork[IntRow.CURSOR + lane]] == work[Row.T + lane]:
        store_state(work, iwork, lane, layout, shared, outcome)
    if ends:
        release_lane(work, iwork, lane, Completion.COMPLETE, layout, outcome)


@jit
def starts_finite(work: Array, lane: int, layout: KernelLayout) -> bool:
    """Return whether rates and event output are finite at the start of a step."""
    finite = math.isfinite(work[Row.Q + lane])
    for i in range(lane, layout.n_states * LANES, LANES):
        finite = finite and math.isfinite(work[layout.f + i])
    return finite


@jit
def judge_step(work: Array, iwork: Integers, lane: int, most_steps: int) -> Completion:
    """Return why a step cannot be accepted, `COMPLETE` when it can."""
    error = work[Row.ERROR + lane]
    if iwork[IntRow.COUNT + lane] > most_steps:
        return Completion.TOO_MANY_STEPS
    if not math.isfinite(error) or (error <= 1.0 and not math.isfinite(work[Row.Q_END + lane])):
        return Completion.NOT_FINITE
    if work[Row.GROWTH + lane] > 1e8:
        return Completion.PIVOT_GROWTH
    return Completion.COMPLETE if error <= 1.0 else Completion.STEP_UNDERFLOW


@jit
def reject_step(work: Array, iwork: Integers, lane: int, fault: Completion, layout: KernelLayout, outcome: Outcome) -> None:
    """Shorten a step; end the integration when the step no longer moves the clock, or when a shorter step cannot help."""
    factor = max(0.2, 0.9 / work[Row.ROOT + lane]) if fault == Completion.STEP_UNDERFLOW else 0.2
    work[Row.H + lane] *= factor
    iwork[IntRow.REJECTED + lane] = 1
    stalled = work[Row.T + lane] + 0.1 * work[Row.H + lane] == work[Row.T + lane] or not work[Row.H + lane] > 1e-150
    if (
        stalled
        or fault == Completion.TOO_MANY_STEPS
        or (fault == Completion.NOT_FINITE and not starts_finite(work, lane, layout))
    ):
        release_lane(work, iwork, lane, fault, layout, outcome)


@jit
def accept_or_reject(
    work: Array, iwork: Integers, lane: int, layout: KernelLayout, shared: SharedProblem, outcome: Outcome
) -> None:
    """Accept the step of one lane, shorten it, or end the integration of the lane's patient."""
    iwork[IntRow.COUNT + lane] += 1
    if iwork[IntRow.FIRST_STEP + lane] == 1:
        iwork[IntRow.FIRST_STEP + lane] = 0
        if not starts_finite(work, lane, layout):
            release_lane(work, iwork, lane, Completion.NOT_FINITE, layout, outcome)
            return
        if layout.has_event == 1:
            check_event_at_start(work, lane, iwork[IntRow.PATIENT + lane], shared, outcome)
    fault = judge_step(work, iwork, lane, shared.most_steps)
    if fault != Completion.COMPLETE:
        reject_step(work, iwork, lane, fault, layout, outcome)
        return
    if layout.has_event == 1:
        locate_event(work, lane, iwork[IntRow.PATIENT + lane], layout, shared, outcome)
    accept_step(work, iwork, lane, layout, shared, outcome)


@jit_entry
def integrate_lanes(
    work: Array, iwork: Integers, layout: KernelLayout, shared: SharedProblem, patients: Patients, outcome: Outcome
) -> None:
    """Integrate every patient over the grid; `work` and `iwork` come in as zeros."""
    for lane in range(LANES):
        iwork[IntRow.PATIENT + lane] = -1
        work[Row.H + lane] = 1.0
        work[Row.RELATIVE + lane] = shared.relative
    while fill_lanes(work, iwork, layout, shared, patients, outcome):
        starting = 0
        for lane in range(LANES):
            starting += iwork[IntRow.FIRST_STEP + lane]
        if starting > 0:
            choose_steps(work, iwork, layout)
        clip_steps(work, iwork)
        call_model(layout.advance, work, 0)
        for lane in range(LANES):
            if iwork[IntRow.PATIENT + lane] >= 0:
                accept_or_reject(work, iwork, lane, layout, shared, outcome)
