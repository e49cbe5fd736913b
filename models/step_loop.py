"""The loop over steps of the ensemble kernel; everything below `TEMPLATE` is copied into each generated module.

Start with `integrate_lanes`.  Patients sit in lanes; each lane has a time and a step of its own and is refilled when its patient
ends.  The innermost loop of all arithmetic runs over lanes, so that it becomes vector instructions; lanes never mix.  What depends
on the model (`evaluate`, `rates`, `watch`, `advance`, ...) is declared here as a stub and supplied by the generated module.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from kinimmune.models.arrays import Array, Integers

COMPLETE, NOT_FINITE, STEP_UNDERFLOW, TOO_MANY_STEPS, PIVOT_GROWTH = range(5)
"""Places of the members of `simulate.Completion`."""


class Course(NamedTuple):
    """What all patients of one call share."""

    time: Array
    """Output grid [d], shape (k,)"""
    breaks: Array
    """Times [d] at which inputs change or doses fall, strictly inside the grid"""
    inputs: Array
    """shape (n_breaks + 1, n_inputs): values before the first break, and from each break on"""
    doses: Array
    """shape (n_breaks + 1, n_states): added at the start of the grid, and at each break"""
    keep: Integers
    """States to store."""
    relative: float
    absolute: float
    rise: float
    """Rise of the watched quantity above its running minimum that counts as a crossing; infinite for none."""
    most_steps: int


class Patients(NamedTuple):
    """What differs from patient to patient."""

    initial: Array
    parameters: Array
    start: Integers
    nadir: Array


class Outcome(NamedTuple):
    """Arrays the kernel fills."""

    states: Array
    final: Array
    crossing: Array
    nadir: Array
    completion: "np.ndarray[Any, np.dtype[np.int8]]"
    failed_at: Array
    steps: Integers


ROWS_PER_LANE = (
    "T",
    "H",
    "PER_STEP",
    "MOMENT",
    "GROWTH",
    "ERROR",
    "Q",
    "SLOPE",
    "Q_END",
    "SLOPE_END",
    "STOP",
    "LAST_ERROR",
    "LAST_H",
)
"""Numbers of a lane: time, step, time of a stage, pivot growth, error, watched quantity and slope at both ends, end of segment."""

ROWS_PER_STATE = ("Y", "F", "G", "B", "SUM", "TRIAL", "BEND", "TWIST", "SCALE")
"""Blocks of one row a state: state, rates, time derivative, right-hand side, stage, dense output, absolute tolerance, 1/h, h."""

TAGS = ("WHO", "CURSOR", "SEGMENT", "COUNT", "CAUSE", "FRESH", "SHRUNK", "LANDING")
"""Integers of a lane: patient, next time of the grid, segment, steps, why the last step failed, and three marks."""

LANES, STAGES, N_STATES, N_PARAMETERS, N_INPUTS, ROWS, N_TAGS = 8, 6, 1, 0, 0, 1, 8
WATCH = True
T = H = MOMENT = GROWTH = ERROR = Q = SLOPE = Q_END = SLOPE_END = STOP = LAST_ERROR = LAST_H = 0
P = Y = F = G = B = SUM = TRIAL = BEND = TWIST = SCALE = PER_STEP = W = K = 0
WHO = CURSOR = SEGMENT = COUNT = CAUSE = FRESH = SHRUNK = LANDING = 0


def rates(m: Array) -> None:
    """Supplied by the generated module."""


def watch(m: Array) -> None:
    """Supplied by the generated module."""


def advance(m: Array) -> None:
    """Supplied by the generated module."""


def estimate(m: Array, relative: float) -> None:
    """Supplied by the generated module."""


def find_constants(m: Array, lane: int) -> None:
    """Supplied by the generated module."""


def jit(function: Any) -> Any:
    """Supplied by the generated module."""
    return function


jit_entry = jit


# TEMPLATE


@jit
def is_usable(who: int, patients: Patients) -> bool:
    total = 0.0
    for i in range(N_STATES):
        total += patients.initial[i, who] * 0.0
    for i in range(patients.parameters.shape[0]):
        total += patients.parameters[i, who] * 0.0
    return total == 0.0


@jit
def begin_segment(m: Array, tag: Integers, lane: int, course: Course) -> None:
    """Put in the inputs that hold from now on and find where they end."""
    segment = tag[SEGMENT + lane]
    for i in range(N_INPUTS):
        m[P + (N_PARAMETERS + i) * LANES + lane] = course.inputs[segment, i]
    find_constants(m, lane)
    m[STOP + lane] = course.breaks[segment] if segment < course.breaks.size else course.time[-1]
    tag[FRESH + lane] = 1
    tag[SHRUNK + lane] = 0
    m[LAST_ERROR + lane] = 0.0


@jit
def store(m: Array, tag: Integers, lane: int, course: Course, outcome: Outcome) -> None:
    """Write the state of a lane at the next time of the grid."""
    for row in range(course.keep.size):
        outcome.states[tag[WHO + lane], row, tag[CURSOR + lane]] = m[Y + course.keep[row] * LANES + lane]
    tag[CURSOR + lane] += 1


@jit
def load(m: Array, tag: Integers, lane: int, who: int, course: Course, patients: Patients) -> None:
    """Seat a patient in lane lane."""
    start = patients.start[who]
    tag[WHO + lane] = who
    tag[CURSOR + lane] = start
    tag[COUNT + lane] = 0
    tag[CAUSE + lane] = COMPLETE
    segment = 0
    while segment < course.breaks.size and course.breaks[segment] <= course.time[start]:
        segment += 1
    tag[SEGMENT + lane] = segment
    m[T + lane] = course.time[start]
    for i in range(N_STATES):
        value = patients.initial[i, who] + (course.doses[0, i] if start == 0 else 0.0)
        m[Y + i * LANES + lane] = value
        m[SCALE + i * LANES + lane] = course.absolute * max(abs(value), 1.0)
    for i in range(N_PARAMETERS):
        m[P + i * LANES + lane] = patients.parameters[i, who]


@jit
def release(m: Array, tag: Integers, lane: int, completion: int, outcome: Outcome) -> None:
    """Take the patient out of a lane."""
    who = tag[WHO + lane]
    outcome.completion[who] = completion
    outcome.steps[who] = tag[COUNT + lane]
    if completion == COMPLETE:
        for i in range(N_STATES):
            outcome.final[who, i] = m[Y + i * LANES + lane]
    else:
        outcome.failed_at[who] = m[T + lane]
    tag[WHO + lane] = -1


@jit
def fill(m: Array, tag: Integers, waiting: int, course: Course, patients: Patients, outcome: Outcome) -> int:
    """Seat the next patients in all free lanes and return the number of the first one still waiting."""
    for lane in range(LANES):
        while tag[WHO + lane] < 0 and waiting < patients.start.size:
            who = waiting
            waiting += 1
            if not is_usable(who, patients):
                outcome.completion[who] = NOT_FINITE
                outcome.failed_at[who] = course.time[patients.start[who]]
                continue
            load(m, tag, lane, who, course, patients)
            store(m, tag, lane, course, outcome)
            begin_segment(m, tag, lane, course)
            if m[T + lane] >= course.time[-1]:
                release(m, tag, lane, COMPLETE, outcome)
    return waiting


@jit
def weigh(m: Array, lane: int, block: int, minus: int, relative: float) -> float:
    """Return the root mean square of a block, or of the difference of two, in units of the tolerances."""
    total = 0.0
    for i in range(N_STATES):
        at = i * LANES + lane
        value = m[block + at] - m[minus + at] if minus >= 0 else m[block + at]
        ratio = value / (m[SCALE + at] + relative * abs(m[Y + at]))
        total += ratio * ratio
    return math.sqrt(total / N_STATES)


@jit
def choose_steps(m: Array, tag: Integers, relative: float) -> None:
    """Give a first step to each fresh lane (E. Hairer, S. P. Norsett, G. Wanner, Solving ODEs I, 2nd ed. 1993, II.4)."""
    for lane in range(LANES):
        m[MOMENT + lane] = m[T + lane]
    for i in range(N_STATES * LANES):
        m[TRIAL + i] = m[Y + i]
    rates(m)
    for lane in range(LANES):
        if tag[FRESH + lane] == 1:
            size, speed = weigh(m, lane, Y, -1, relative), weigh(m, lane, B, -1, relative)
            h = 1e-6 if size < 1e-5 or speed < 1e-5 else 0.01 * size / speed
            h = min(h, m[STOP + lane] - m[T + lane])
            m[H + lane] = h
            m[ERROR + lane] = speed
            m[MOMENT + lane] = m[T + lane] + h
            for i in range(N_STATES):
                at = i * LANES + lane
                m[F + at] = m[B + at]
                m[TRIAL + at] = m[Y + at] + h * m[B + at]
    rates(m)
    for lane in range(LANES):
        if tag[FRESH + lane] == 1:
            h = m[H + lane]
            steepest = max(m[ERROR + lane], weigh(m, lane, B, F, relative) / h)
            larger = max(1e-6, 1e-3 * h) if steepest <= 1e-15 else math.sqrt(math.sqrt(0.01 / steepest))
            wanted = min(100.0 * h, larger)
            m[H + lane] = wanted if wanted > 0.0 else 1e-3 * h


@jit
def clip_steps(m: Array, tag: Integers) -> None:
    """End a step exactly where its segment ends, and never leave a sliver before it."""
    for lane in range(LANES):
        left = m[STOP + lane] - m[T + lane]
        tag[LANDING + lane] = 0
        if tag[WHO + lane] < 0:
            m[H + lane] = 1.0
        elif m[H + lane] >= 0.999 * left:
            m[H + lane] = left
            tag[LANDING + lane] = 1
        elif m[H + lane] > 0.5 * left:
            m[H + lane] = 0.5 * left


@jit
def shrink(m: Array, tag: Integers, lane: int, cause: int, factor: float, outcome: Outcome) -> None:
    """Reject a step; give the patient up when the step no longer moves the clock."""
    tag[CAUSE + lane] = cause
    tag[SHRUNK + lane] = 1
    m[H + lane] *= factor
    if m[T + lane] + 0.1 * m[H + lane] == m[T + lane] or not m[H + lane] > 1e-150:
        release(m, tag, lane, cause, outcome)


@jit
def lengthen(m: Array, tag: Integers, lane: int) -> float:
    """Return the next step after an accepted one: Gustafsson's predictive controller (Hairer & Wanner II, IV.8)."""
    error, h = m[ERROR + lane], m[H + lane]
    factor = max(1.0 / 6.0, min(5.0, math.sqrt(math.sqrt(error)) / 0.9))
    if m[LAST_ERROR + lane] > 0.0:
        predicted = m[LAST_H + lane] / h * math.sqrt(math.sqrt(error * error / m[LAST_ERROR + lane])) / 0.9
        factor = max(factor, max(1.0 / 6.0, min(5.0, predicted)))
    return h / (max(factor, 1.0) if tag[SHRUNK + lane] == 1 else factor)


@jit
def reach(q: float, s: float, b: float, a: float, low: float, high: float) -> float:
    """Return where the cubic q + s x + b x^2 + a x^3, rising from `low` to `high`, is zero (Newton within bisection)."""
    x = 0.5 * (low + high)
    for _ in range(100):
        value = q + x * (s + x * (b + x * a))
        if value < 0.0:
            low = x
        else:
            high = x
        steep = s + x * (2.0 * b + x * 3.0 * a)
        better = x - value / steep if steep != 0.0 else low
        if not low < better < high:
            better = 0.5 * (low + high)
        if abs(better - x) <= 1e-15:
            return better
        x = better
    return x


@jit
def turning_points(s: float, b: float, a: float) -> tuple[float, float]:
    """Return where s + 2 b x + 3 a x^2 is zero inside (0, 1), in order; 1 where there is none."""
    first, second = 1.0, 1.0
    under = b * b - 3.0 * a * s
    if under > 0.0:
        pivot = -(b + math.copysign(math.sqrt(under), b))
        one = pivot / (3.0 * a) if a != 0.0 else 1.0
        two = s / pivot if pivot != 0.0 else 1.0
        first = one if 0.0 < one < 1.0 else 1.0
        second = two if 0.0 < two < 1.0 else 1.0
    return min(first, second), max(first, second)


@jit
def follow_watched(m: Array, who: int, lane: int, rise: float, outcome: Outcome) -> None:
    """Update the running minimum over a step and locate the first crossing, on the cubic Hermite of the watched quantity."""
    q, s, change = m[Q + lane], m[H + lane] * m[SLOPE + lane], m[Q_END + lane] - m[Q + lane]
    b, a = 3.0 * change - 2.0 * s - m[H + lane] * m[SLOPE_END + lane], s + m[H + lane] * m[SLOPE_END + lane] - 2.0 * change
    first, second = turning_points(s, b, a)
    low = 0.0
    for number in range(3):
        high = first if number == 0 else second if number == 1 else 1.0
        if high > low:
            value = m[Q_END + lane] if high == 1.0 else q + high * (s + high * (b + high * a))
            level = outcome.nadir[who] + rise
            if value >= level and outcome.crossing[who] == math.inf:
                outcome.crossing[who] = m[T + lane] + m[H + lane] * reach(q - level, s, b, a, low, high)
            outcome.nadir[who] = min(outcome.nadir[who], value)
            low = high


@jit
def open_watched(m: Array, who: int, lane: int, rise: float, outcome: Outcome) -> None:
    """Look at the watched quantity where a segment begins: a dose may have moved it."""
    if m[Q + lane] >= outcome.nadir[who] + rise and outcome.crossing[who] == math.inf:
        outcome.crossing[who] = m[T + lane]
    outcome.nadir[who] = min(outcome.nadir[who], m[Q + lane])


@jit
def store_inside(m: Array, tag: Integers, lane: int, until: float, course: Course, outcome: Outcome) -> None:
    """Write all times of the grid before the end of an accepted step, by the method's continuous extension."""
    who, cursor = tag[WHO + lane], tag[CURSOR + lane]
    while cursor < course.time.size and course.time[cursor] < until:
        x = (course.time[cursor] - m[T + lane]) / m[H + lane]
        for row in range(course.keep.size):
            at = course.keep[row] * LANES + lane
            inner = m[BEND + at] + x * m[TWIST + at]
            outcome.states[who, row, cursor] = (1.0 - x) * m[Y + at] + x * (m[TRIAL + at] + (1.0 - x) * inner)
        cursor += 1
    tag[CURSOR + lane] = cursor


@jit
def accept(m: Array, tag: Integers, lane: int, course: Course, outcome: Outcome) -> None:
    """Commit a step."""
    until = m[STOP + lane] if tag[LANDING + lane] == 1 else m[T + lane] + m[H + lane]
    store_inside(m, tag, lane, until, course, outcome)
    wanted = lengthen(m, tag, lane)
    m[LAST_ERROR + lane] = max(1e-2, m[ERROR + lane])
    m[LAST_H + lane] = m[H + lane]
    m[H + lane] = wanted
    m[T + lane] = until
    tag[SHRUNK + lane] = 0
    for i in range(N_STATES):
        m[Y + i * LANES + lane] = m[TRIAL + i * LANES + lane]
    ends = until >= course.time[-1]
    if tag[LANDING + lane] == 1 and not ends:
        tag[SEGMENT + lane] += 1
        for i in range(N_STATES):
            m[Y + i * LANES + lane] += course.doses[tag[SEGMENT + lane], i]
        begin_segment(m, tag, lane, course)
    if tag[CURSOR + lane] < course.time.size and course.time[tag[CURSOR + lane]] == until:
        store(m, tag, lane, course, outcome)
    if ends:
        release(m, tag, lane, COMPLETE, outcome)


@jit
def starts_finite(m: Array, lane: int) -> bool:
    total = m[Q + lane] * 0.0 if WATCH else 0.0
    for i in range(N_STATES):
        total += m[F + i * LANES + lane] * 0.0
    return total == 0.0


@jit
def settle(m: Array, tag: Integers, lane: int, course: Course, outcome: Outcome) -> None:
    """Accept, shorten or give up the step of one lane."""
    tag[COUNT + lane] += 1
    fresh = tag[FRESH + lane] == 1
    tag[FRESH + lane] = 0
    error = m[ERROR + lane]
    usable = math.isfinite(error) and (not WATCH or math.isfinite(m[Q_END + lane]) or error > 1.0)
    if (fresh or not usable) and not starts_finite(m, lane):
        release(m, tag, lane, NOT_FINITE, outcome)
        return
    if WATCH and fresh:
        open_watched(m, tag[WHO + lane], lane, course.rise, outcome)
    if tag[COUNT + lane] > course.most_steps:
        release(m, tag, lane, TOO_MANY_STEPS, outcome)
    elif not usable:
        shrink(m, tag, lane, NOT_FINITE, 0.2, outcome)
    elif m[GROWTH + lane] > 1e8:
        shrink(m, tag, lane, PIVOT_GROWTH, 0.5, outcome)
    elif error > 1.0:
        shrink(m, tag, lane, STEP_UNDERFLOW, max(0.2, 0.9 / math.sqrt(math.sqrt(error))), outcome)
    else:
        if WATCH:
            follow_watched(m, tag[WHO + lane], lane, course.rise, outcome)
        accept(m, tag, lane, course, outcome)


@jit_entry
def integrate_lanes(m: Array, tag: Integers, course: Course, patients: Patients, outcome: Outcome) -> None:
    """Integrate every patient over the grid; `m` and `tag` are work space of ROWS and N_TAGS times LANES zeros."""
    for lane in range(LANES):
        tag[WHO + lane] = -1
        m[H + lane] = 1.0
    waiting = 0
    while True:
        waiting = fill(m, tag, waiting, course, patients, outcome)
        active, fresh = 0, 0
        for lane in range(LANES):
            if tag[WHO + lane] >= 0:
                active += 1
                fresh += tag[FRESH + lane]
        if active == 0:
            return
        if fresh > 0:
            choose_steps(m, tag, course.relative)
        clip_steps(m, tag)
        advance(m)
        estimate(m, course.relative)
        if WATCH:
            watch(m)
        for lane in range(LANES):
            if tag[WHO + lane] >= 0:
                settle(m, tag, lane, course, outcome)
