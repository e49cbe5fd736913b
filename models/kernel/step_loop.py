"""The loop over steps of the ensemble kernel, the same for all models.

Everything below `TEMPLATE` is copied into one generated module, together with `crossing` and `step_control`.  Start with
`integrate_lanes`.  Patients sit in lanes; each lane has a time and a step of its own and is refilled when its patient ends.  The
arithmetic of a step, generated for each model, runs over all lanes at once; lanes never mix.
"""

import math

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.kernel.event_location import follow_watched, interpolate, open_watched
from kinimmune.models.kernel.intrinsics import call_model
from kinimmune.models.kernel.step_control import choose_steps, clip_steps, lengthen
from kinimmune.models.kernel.workspace import (
    COMPLETE,
    COUNT,
    CURSOR,
    ERROR,
    FRESH,
    GROWTH,
    LANDING,
    LANES,
    LAST_H,
    LAST_ROOT,
    NOT_FINITE,
    PIVOT_GROWTH,
    Q_END,
    RELATIVE,
    ROOT,
    SEGMENT,
    SHRUNK,
    STEP_UNDERFLOW,
    STOP,
    TOO_MANY_STEPS,
    WAITING,
    WHO,
    Course,
    H,
    Machine,
    Outcome,
    Patients,
    Q,
    T,
    jit,
    jit_entry,
)

# TEMPLATE


@jit
def is_usable(who: int, patients: Patients) -> bool:
    """Return whether all numbers of a patient are finite."""
    total = 0.0
    for i in range(patients.initial.shape[0]):
        total += patients.initial[i, who] * 0.0
    for i in range(patients.parameters.shape[0]):
        total += patients.parameters[i, who] * 0.0
    return total == 0.0


@jit
def begin_segment(m: Array, tag: Integers, lane: int, model: Machine, course: Course) -> None:
    """Put in the inputs that hold from now on and find where they end."""
    segment = tag[SEGMENT + lane]
    for i in range(course.inputs.shape[1]):
        m[model.p + (model.n_parameters + i) * LANES + lane] = course.inputs[segment, i]
    call_model(model.find_constants, m, lane)
    m[STOP + lane] = course.breaks[segment] if segment < course.breaks.size else course.time[-1]
    tag[FRESH + lane] = 1
    tag[SHRUNK + lane] = 0
    m[LAST_ROOT + lane] = 0.0


@jit
def store(m: Array, tag: Integers, lane: int, model: Machine, course: Course, outcome: Outcome) -> None:
    """Write the state of a lane at the next time of the grid."""
    for row in range(course.keep.size):
        outcome.states[tag[WHO + lane], row, tag[CURSOR + lane]] = m[model.y + course.keep[row] * LANES + lane]
    tag[CURSOR + lane] += 1


@jit
def load(m: Array, tag: Integers, lane: int, model: Machine, course: Course, patients: Patients) -> None:
    """Seat the next patient in a lane."""
    who = tag[WAITING]
    start = patients.start[who]
    tag[WHO + lane] = who
    tag[CURSOR + lane] = start
    tag[COUNT + lane] = 0
    tag[SEGMENT + lane] = 0
    m[T + lane] = course.time[start]
    while tag[SEGMENT + lane] < course.breaks.size and course.breaks[tag[SEGMENT + lane]] <= course.time[start]:
        tag[SEGMENT + lane] += 1
    for i in range(model.n_states):
        value = patients.initial[i, who] + (course.doses[0, i] if start == 0 else 0.0)
        m[model.y + i * LANES + lane] = value
        m[model.scale + i * LANES + lane] = patients.scale[i, who]
    for i in range(model.n_parameters):
        m[model.p + i * LANES + lane] = patients.parameters[i, who]


@jit
def find_blamed(m: Array, lane: int, model: Machine) -> int:
    """Return the state that broke, by the rule of `failure.blame_state`."""
    fastest, place = -1.0, 0
    for i in range(model.n_states):
        at = i * LANES + lane
        speed = abs(m[model.f + at]) / (m[model.scale + at] + m[RELATIVE + lane] * abs(m[model.y + at]))
        if not math.isfinite(speed):
            return i
        if speed > fastest:
            fastest, place = speed, i
    return place


@jit
def find_unusable(who: int, patients: Patients) -> int:
    """Return the first state that does not start finite, -1 when it is a parameter that is not finite."""
    for i in range(patients.initial.shape[0]):
        if not math.isfinite(patients.initial[i, who]):
            return i
    return -1


@jit
def release(m: Array, tag: Integers, lane: int, completion: int, model: Machine, outcome: Outcome) -> None:
    """Take the patient out of a lane."""
    who = tag[WHO + lane]
    outcome.completion[who] = completion
    outcome.steps[who] = tag[COUNT + lane]
    if completion == COMPLETE:
        for i in range(model.n_states):
            outcome.final[who, i] = m[model.y + i * LANES + lane]
    else:
        outcome.failed_at[who] = m[T + lane]
        outcome.blamed[who] = find_blamed(m, lane, model)
    tag[WHO + lane] = -1
    tag[FRESH + lane] = 0


@jit
def fill(m: Array, tag: Integers, model: Machine, course: Course, patients: Patients, outcome: Outcome) -> bool:
    """Seat the next patients in all free lanes and return whether any lane is taken."""
    active = False
    for lane in range(LANES):
        while tag[WHO + lane] < 0 and tag[WAITING] < patients.start.size:
            who = tag[WAITING]
            if not is_usable(who, patients):
                outcome.completion[who] = NOT_FINITE
                outcome.failed_at[who] = course.time[patients.start[who]]
                outcome.blamed[who] = find_unusable(who, patients)
            else:
                load(m, tag, lane, model, course, patients)
                store(m, tag, lane, model, course, outcome)
                begin_segment(m, tag, lane, model, course)
                if m[T + lane] >= course.time[-1]:
                    release(m, tag, lane, COMPLETE, model, outcome)
            tag[WAITING] += 1
        active |= tag[WHO + lane] >= 0
    return active


@jit
def store_inside(m: Array, tag: Integers, lane: int, model: Machine, course: Course, outcome: Outcome) -> None:
    """Write all times of the grid before the end of an accepted step, by the method's continuous extension."""
    who, cursor = tag[WHO + lane], tag[CURSOR + lane]
    until = m[STOP + lane] if tag[LANDING + lane] == 1 else m[T + lane] + m[H + lane]
    while cursor < course.time.size and course.time[cursor] < until:
        x = (course.time[cursor] - m[T + lane]) / m[H + lane]
        for row in range(course.keep.size):
            outcome.states[who, row, cursor] = interpolate(m, course.keep[row] * LANES + lane, x, model)
        cursor += 1
    tag[CURSOR + lane] = cursor
    m[T + lane] = until


@jit
def accept(m: Array, tag: Integers, lane: int, model: Machine, course: Course, outcome: Outcome) -> None:
    """Commit a step."""
    store_inside(m, tag, lane, model, course, outcome)
    wanted = lengthen(m, tag, lane)
    m[LAST_ROOT + lane] = max(0.4, m[ROOT + lane])
    m[LAST_H + lane] = m[H + lane]
    m[H + lane] = wanted
    tag[SHRUNK + lane] = 0
    for i in range(lane, model.n_states * LANES, LANES):
        m[model.y + i] = m[model.trial + i]
    ends = m[T + lane] >= course.time[-1]
    if tag[LANDING + lane] == 1:
        tag[SEGMENT + lane] += 1
        for i in range(model.n_states):
            m[model.y + i * LANES + lane] += course.doses[tag[SEGMENT + lane], i]
        if not ends:
            begin_segment(m, tag, lane, model, course)
    if tag[CURSOR + lane] < course.time.size and course.time[tag[CURSOR + lane]] == m[T + lane]:
        store(m, tag, lane, model, course, outcome)
    if ends:
        release(m, tag, lane, COMPLETE, model, outcome)


@jit
def starts_finite(m: Array, lane: int, model: Machine) -> bool:
    """Return whether rates and watched quantity are finite at the start of a step."""
    total = m[Q + lane] * 0.0
    for i in range(lane, model.n_states * LANES, LANES):
        total += m[model.f + i] * 0.0
    return bool(total == 0.0)


@jit
def find_fault(m: Array, tag: Integers, lane: int, most_steps: int) -> int:
    """Return why a step cannot be accepted, COMPLETE when it can."""
    error = m[ERROR + lane]
    if tag[COUNT + lane] > most_steps:
        return TOO_MANY_STEPS
    if not math.isfinite(error) or (error <= 1.0 and not math.isfinite(m[Q_END + lane])):
        return NOT_FINITE
    if m[GROWTH + lane] > 1e8:
        return PIVOT_GROWTH
    return COMPLETE if error <= 1.0 else STEP_UNDERFLOW


@jit
def reject(m: Array, tag: Integers, lane: int, fault: int, model: Machine, outcome: Outcome) -> None:
    """Shorten a step; give the patient up when the clock no longer feels it, or when a shorter step cannot help."""
    factor = max(0.2, 0.9 / m[ROOT + lane]) if fault == STEP_UNDERFLOW else 0.2
    m[H + lane] *= factor
    tag[SHRUNK + lane] = 1
    stands = m[T + lane] + 0.1 * m[H + lane] == m[T + lane] or not m[H + lane] > 1e-150
    if stands or fault == TOO_MANY_STEPS or (fault == NOT_FINITE and not starts_finite(m, lane, model)):
        release(m, tag, lane, fault, model, outcome)


@jit
def settle(m: Array, tag: Integers, lane: int, model: Machine, course: Course, outcome: Outcome) -> None:
    """Accept, shorten or give up the step of one lane."""
    tag[COUNT + lane] += 1
    if tag[FRESH + lane] == 1:
        tag[FRESH + lane] = 0
        if not starts_finite(m, lane, model):
            release(m, tag, lane, NOT_FINITE, model, outcome)
            return
        if model.watch == 1:
            open_watched(m, lane, tag[WHO + lane], course, outcome)
    fault = find_fault(m, tag, lane, course.most_steps)
    if fault != COMPLETE:
        reject(m, tag, lane, fault, model, outcome)
        return
    if model.watch == 1:
        follow_watched(m, lane, tag[WHO + lane], model, course, outcome)
    accept(m, tag, lane, model, course, outcome)


@jit_entry
def integrate_lanes(m: Array, tag: Integers, model: Machine, course: Course, patients: Patients, outcome: Outcome) -> None:
    """Integrate every patient over the grid; `m` and `tag` are work space, zeros."""
    for lane in range(LANES):
        tag[WHO + lane] = -1
        m[H + lane] = 1.0
        m[RELATIVE + lane] = course.relative
    while fill(m, tag, model, course, patients, outcome):
        fresh = 0
        for lane in range(LANES):
            fresh += tag[FRESH + lane]
        if fresh > 0:
            choose_steps(m, tag, model)
        clip_steps(m, tag)
        call_model(model.advance, m, 0)
        for lane in range(LANES):
            if tag[WHO + lane] >= 0:
                settle(m, tag, lane, model, course, outcome)
