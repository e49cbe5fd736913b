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


class Lanes(NamedTuple):
    """Work space: per lane a scalar, per state and lane a row."""

    t: Array
    h: Array
    moment: Array
    per_step: Array
    diagonal: Array
    growth: Array
    error: Array
    y: Array
    p: Array
    f: Array
    g: Array
    w: Array
    k: Array
    trial: Array
    bend: Array
    twist: Array
    scale: Array
    q: Array
    slope: Array
    q_end: Array
    slope_end: Array
    stop: Array
    last_error: Array
    last_h: Array
    who: Integers
    cursor: Integers
    segment: Integers
    count: Integers
    cause: Integers
    fresh: Integers
    shrunk: Integers
    landing: Integers


LANES, STAGES, N_STATES, N_PARAMETERS, N_SLOTS = 8, 6, 1, 1, 1
WATCH = True


def rates(t: Array, y: Array, p: Array, f: Array) -> None:
    """Supplied by the generated module."""


def watch(t: Array, y: Array, p: Array, q: Array, slope: Array) -> None:
    """Supplied by the generated module."""


def advance(lanes: Lanes) -> None:
    """Supplied by the generated module."""


def jit(function: Any) -> Any:
    """Supplied by the generated module."""
    return function


# TEMPLATE


@jit
def make_lanes() -> Lanes:
    row, states = (LANES,), (N_STATES, LANES)
    return Lanes(
        t=np.zeros(row),
        h=np.ones(row),
        moment=np.zeros(row),
        per_step=np.ones(row),
        diagonal=np.ones(row),
        growth=np.zeros(row),
        error=np.zeros(row),
        y=np.zeros(states),
        p=np.zeros((N_PARAMETERS, LANES)),
        f=np.zeros(states),
        g=np.zeros(states),
        w=np.zeros((N_SLOTS, LANES)),
        k=np.zeros((STAGES, N_STATES, LANES)),
        trial=np.zeros(states),
        bend=np.zeros(states),
        twist=np.zeros(states),
        scale=np.ones(states),
        q=np.zeros(row),
        slope=np.zeros(row),
        q_end=np.zeros(row),
        slope_end=np.zeros(row),
        stop=np.zeros(row),
        last_error=np.zeros(row),
        last_h=np.zeros(row),
        who=np.full(row, -1),
        cursor=np.zeros(row, np.int64),
        segment=np.zeros(row, np.int64),
        count=np.zeros(row, np.int64),
        cause=np.zeros(row, np.int64),
        fresh=np.zeros(row, np.int64),
        shrunk=np.zeros(row, np.int64),
        landing=np.zeros(row, np.int64),
    )


@jit
def is_usable(patients: Patients, m: int) -> bool:
    total = 0.0
    for i in range(N_STATES):
        total += patients.initial[i, m] * 0.0
    for i in range(patients.parameters.shape[0]):
        total += patients.parameters[i, m] * 0.0
    return total == 0.0


@jit
def begin_segment(lanes: Lanes, l: int, course: Course) -> None:
    """Put in the inputs that hold from now on and find where they end."""
    segment = lanes.segment[l]
    first = N_PARAMETERS - course.inputs.shape[1]
    for i in range(course.inputs.shape[1]):
        lanes.p[first + i, l] = course.inputs[segment, i]
    lanes.stop[l] = course.breaks[segment] if segment < course.breaks.size else course.time[-1]
    lanes.fresh[l] = 1
    lanes.shrunk[l] = 0
    lanes.last_error[l] = 0.0


@jit
def store(lanes: Lanes, l: int, course: Course, outcome: Outcome) -> None:
    """Write the state of a lane at the next time of the grid."""
    for i in range(course.keep.size):
        outcome.states[i, lanes.cursor[l], lanes.who[l]] = lanes.y[course.keep[i], l]
    lanes.cursor[l] += 1


@jit
def load(lanes: Lanes, l: int, m: int, course: Course, patients: Patients, outcome: Outcome) -> None:
    """Seat patient m in lane l."""
    start = patients.start[m]
    lanes.who[l] = m
    lanes.t[l] = course.time[start]
    lanes.cursor[l] = start
    lanes.count[l] = 0
    lanes.cause[l] = COMPLETE
    lanes.segment[l] = np.searchsorted(course.breaks, course.time[start], side="right")
    for i in range(N_STATES):
        value = patients.initial[i, m]
        if start == 0:
            value += course.doses[0, i]
        lanes.y[i, l] = value
        lanes.scale[i, l] = course.absolute * max(abs(value), 1.0)
    for i in range(patients.parameters.shape[0]):
        lanes.p[i, l] = patients.parameters[i, m]
    store(lanes, l, course, outcome)
    begin_segment(lanes, l, course)


@jit
def release(lanes: Lanes, l: int, completion: int, outcome: Outcome) -> None:
    """Take the patient out of a lane."""
    m = lanes.who[l]
    outcome.completion[m] = completion
    outcome.steps[m] = lanes.count[l]
    if completion == COMPLETE:
        for i in range(N_STATES):
            outcome.final[i, m] = lanes.y[i, l]
    else:
        outcome.failed_at[m] = lanes.t[l]
    lanes.who[l] = -1


@jit
def fill(lanes: Lanes, waiting: int, course: Course, patients: Patients, outcome: Outcome) -> int:
    """Seat the next patients in all free lanes and return the number of the first one still waiting."""
    for l in range(LANES):
        while lanes.who[l] < 0 and waiting < patients.start.size:
            m = waiting
            waiting += 1
            if not is_usable(patients, m):
                outcome.completion[m] = NOT_FINITE
                outcome.failed_at[m] = course.time[patients.start[m]]
                continue
            load(lanes, l, m, course, patients, outcome)
            if lanes.t[l] >= course.time[-1]:
                release(lanes, l, COMPLETE, outcome)
    return waiting


@jit
def choose_steps(lanes: Lanes, course: Course) -> None:
    """Give a first step to each fresh lane (E. Hairer, S. P. Norsett, G. Wanner, Solving ODEs I, 2nd ed. 1993, II.4)."""
    rates(lanes.t, lanes.y, lanes.p, lanes.f)
    for l in range(LANES):
        size, speed = 0.0, 0.0
        for i in range(N_STATES):
            weight = 1.0 / (lanes.scale[i, l] + course.relative * abs(lanes.y[i, l]))
            size += (lanes.y[i, l] * weight) ** 2
            speed += (lanes.f[i, l] * weight) ** 2
        small = 1e-6 if size < 1e-10 * N_STATES or speed < 1e-10 * N_STATES else 0.01 * math.sqrt(size / speed)
        if lanes.fresh[l] == 1:
            lanes.h[l] = min(small, lanes.stop[l] - lanes.t[l])
            lanes.error[l] = math.sqrt(speed / N_STATES)
        lanes.moment[l] = lanes.t[l] + lanes.h[l]
        for i in range(N_STATES):
            lanes.trial[i, l] = lanes.y[i, l] + lanes.h[l] * lanes.f[i, l]
    rates(lanes.moment, lanes.trial, lanes.p, lanes.g)
    for l in range(LANES):
        if lanes.fresh[l] == 1:
            change = 0.0
            for i in range(N_STATES):
                weight = 1.0 / (lanes.scale[i, l] + course.relative * abs(lanes.y[i, l]))
                change += ((lanes.g[i, l] - lanes.f[i, l]) * weight) ** 2
            steepest = max(lanes.error[l], math.sqrt(change / N_STATES) / lanes.h[l])
            larger = max(1e-6, 1e-3 * lanes.h[l]) if steepest <= 1e-15 else math.sqrt(math.sqrt(0.01 / steepest))
            wanted = min(100.0 * lanes.h[l], larger)
            lanes.h[l] = wanted if wanted > 0.0 else 1e-3 * lanes.h[l]


@jit
def clip_steps(lanes: Lanes) -> None:
    """End a step exactly where its segment ends, and never leave a sliver before it."""
    for l in range(LANES):
        left = lanes.stop[l] - lanes.t[l]
        lanes.landing[l] = 0
        if lanes.who[l] < 0:
            lanes.h[l] = 1.0
        elif lanes.h[l] >= 0.999 * left:
            lanes.h[l] = left
            lanes.landing[l] = 1
        elif lanes.h[l] > 0.5 * left:
            lanes.h[l] = 0.5 * left


@jit
def estimate_errors(lanes: Lanes, course: Course) -> None:
    """Weigh the last stage, which is the difference of the pair, and finish the step in `trial`."""
    for l in range(LANES):
        lanes.error[l] = 0.0
    for i in range(N_STATES):
        for l in range(LANES):
            difference = lanes.k[STAGES - 1, i, l]
            new = lanes.trial[i, l] + difference
            largest = max(abs(lanes.y[i, l]), abs(new))
            ratio = difference / (lanes.scale[i, l] + course.relative * largest)
            lanes.error[l] += ratio * ratio + new * 0.0
            lanes.trial[i, l] = new
    for l in range(LANES):
        lanes.error[l] = math.sqrt(lanes.error[l] / N_STATES)


@jit
def shrink(lanes: Lanes, l: int, outcome: Outcome, factor: float) -> None:
    """Reject a step; give the patient up when the step no longer moves the clock."""
    lanes.shrunk[l] = 1
    lanes.h[l] *= factor
    if lanes.t[l] + 0.1 * lanes.h[l] == lanes.t[l] or not lanes.h[l] > 1e-150:
        release(lanes, l, lanes.cause[l], outcome)


@jit
def lengthen(lanes: Lanes, l: int) -> float:
    """Return the next step after an accepted one: Gustafsson's predictive controller (Hairer & Wanner II, IV.8)."""
    error, h = lanes.error[l], lanes.h[l]
    factor = max(1.0 / 6.0, min(5.0, math.sqrt(math.sqrt(error)) / 0.9))
    if lanes.last_error[l] > 0.0:
        predicted = lanes.last_h[l] / h * math.sqrt(math.sqrt(error * error / lanes.last_error[l])) / 0.9
        factor = max(factor, max(1.0 / 6.0, min(5.0, predicted)))
    wanted = h / factor
    return min(wanted, h) if lanes.shrunk[l] == 1 else wanted


@jit
def hermite(q0: float, m0: float, b: float, a: float, x: float) -> float:
    return q0 + x * (m0 + x * (b + x * a))


@jit
def reach(level: float, q0: float, m0: float, b: float, a: float, low: float, high: float) -> float:
    """Return where a cubic that rises from `low` to `high` has the value `level` (Newton within bisection)."""
    x = 0.5 * (low + high)
    for _ in range(80):
        value = hermite(q0, m0, b, a, x) - level
        if value < 0.0:
            low = x
        else:
            high = x
        steep = m0 + x * (2.0 * b + x * 3.0 * a)
        better = x - value / steep if steep != 0.0 else low
        if not low < better < high:
            better = 0.5 * (low + high)
        if abs(better - x) <= 1e-15:
            return better
        x = better
    return x


@jit
def turning_points(m0: float, b: float, a: float) -> tuple[float, float]:
    """Return where m0 + 2 b x + 3 a x^2 is zero inside (0, 1), in order; 1 where there is none."""
    under = b * b - 3.0 * a * m0
    first, second = 1.0, 1.0
    if under > 0.0:
        s = -(b + math.copysign(math.sqrt(under), b))
        one = s / (3.0 * a) if a != 0.0 else 1.0
        two = m0 / s if s != 0.0 else 1.0
        first = one if 0.0 < one < 1.0 else 1.0
        second = two if 0.0 < two < 1.0 else 1.0
    return min(first, second), max(first, second)


@jit
def follow_watched(lanes: Lanes, l: int, course: Course, outcome: Outcome) -> None:
    """Update the running minimum over a step and locate the first crossing, on the cubic Hermite of the watched quantity."""
    m, h = lanes.who[l], lanes.h[l]
    q0, m0, m1, rise = lanes.q[l], h * lanes.slope[l], h * lanes.slope_end[l], lanes.q_end[l] - lanes.q[l]
    b, a = 3.0 * rise - 2.0 * m0 - m1, m0 + m1 - 2.0 * rise
    first, second = turning_points(m0, b, a)
    low = 0.0
    for number in range(3):
        high = first if number == 0 else second if number == 1 else 1.0
        if high > low:
            value = lanes.q_end[l] if high == 1.0 else hermite(q0, m0, b, a, high)
            level = outcome.nadir[m] + course.rise
            if outcome.crossing[m] == math.inf and value >= level:
                outcome.crossing[m] = lanes.t[l] + h * reach(level, q0, m0, b, a, low, high)
            outcome.nadir[m] = min(outcome.nadir[m], value)
            low = high


@jit
def open_watched(lanes: Lanes, l: int, course: Course, outcome: Outcome) -> None:
    """Look at the watched quantity where a segment begins: a dose may have moved it."""
    m, value = lanes.who[l], lanes.q[l]
    if outcome.crossing[m] == math.inf and value >= outcome.nadir[m] + course.rise:
        outcome.crossing[m] = lanes.t[l]
    outcome.nadir[m] = min(outcome.nadir[m], value)


@jit
def store_inside(lanes: Lanes, l: int, until: float, course: Course, outcome: Outcome) -> None:
    """Write all times of the grid before the end of an accepted step, by the method's continuous extension."""
    m, g = lanes.who[l], lanes.cursor[l]
    while g < course.time.size and course.time[g] < until:
        x = (course.time[g] - lanes.t[l]) / lanes.h[l]
        for n in range(course.keep.size):
            i = course.keep[n]
            inner = lanes.bend[i, l] + x * lanes.twist[i, l]
            outcome.states[n, g, m] = (1.0 - x) * lanes.y[i, l] + x * (lanes.trial[i, l] + (1.0 - x) * inner)
        g += 1
    lanes.cursor[l] = g


@jit
def accept(lanes: Lanes, l: int, course: Course, outcome: Outcome) -> None:
    """Commit a step."""
    until = lanes.stop[l] if lanes.landing[l] == 1 else lanes.t[l] + lanes.h[l]
    store_inside(lanes, l, until, course, outcome)
    wanted = lengthen(lanes, l)
    lanes.last_error[l] = max(1e-2, lanes.error[l])
    lanes.last_h[l] = lanes.h[l]
    lanes.h[l] = wanted
    lanes.shrunk[l] = 0
    lanes.t[l] = until
    for i in range(N_STATES):
        lanes.y[i, l] = lanes.trial[i, l]
    ends = until >= course.time[-1]
    if lanes.landing[l] == 1 and not ends:
        lanes.segment[l] += 1
        for i in range(N_STATES):
            lanes.y[i, l] += course.doses[lanes.segment[l], i]
        begin_segment(lanes, l, course)
    if lanes.cursor[l] < course.time.size and course.time[lanes.cursor[l]] == until:
        store(lanes, l, course, outcome)
    if ends:
        release(lanes, l, COMPLETE, outcome)


@jit
def starts_finite(lanes: Lanes, l: int) -> bool:
    total = lanes.q[l] * 0.0 if WATCH else 0.0
    for i in range(N_STATES):
        total += lanes.f[i, l] * 0.0
    return total == 0.0


@jit
def settle(lanes: Lanes, l: int, course: Course, outcome: Outcome) -> None:
    """Accept, shorten or give up the step of one lane."""
    lanes.count[l] += 1
    fresh = lanes.fresh[l] == 1
    lanes.fresh[l] = 0
    error = lanes.error[l]
    usable = math.isfinite(error)
    if (fresh or not usable) and not starts_finite(lanes, l):
        release(lanes, l, NOT_FINITE, outcome)
        return
    if WATCH and fresh:
        open_watched(lanes, l, course, outcome)
    if WATCH and usable:
        usable = math.isfinite(lanes.q_end[l]) or error > 1.0
    if lanes.count[l] > course.most_steps:
        release(lanes, l, TOO_MANY_STEPS, outcome)
    elif not usable:
        lanes.cause[l] = NOT_FINITE
        shrink(lanes, l, outcome, 0.2)
    elif lanes.growth[l] > 1e8:
        lanes.cause[l] = PIVOT_GROWTH
        shrink(lanes, l, outcome, 0.5)
    elif error > 1.0:
        lanes.cause[l] = STEP_UNDERFLOW
        shrink(lanes, l, outcome, max(0.2, 0.9 / math.sqrt(math.sqrt(error))))
    else:
        if WATCH:
            follow_watched(lanes, l, course, outcome)
        accept(lanes, l, course, outcome)


@jit
def integrate_lanes(course: Course, patients: Patients, outcome: Outcome) -> None:
    """Integrate every patient over the grid."""
    lanes = make_lanes()
    waiting = 0
    while True:
        waiting = fill(lanes, waiting, course, patients, outcome)
        active, fresh = 0, 0
        for l in range(LANES):
            if lanes.who[l] >= 0:
                active += 1
                fresh += lanes.fresh[l]
        if active == 0:
            return
        if fresh > 0:
            choose_steps(lanes, course)
        clip_steps(lanes)
        advance(lanes)
        estimate_errors(lanes, course)
        if WATCH:
            watch(lanes.moment, lanes.trial, lanes.p, lanes.q_end, lanes.slope_end)
        for l in range(LANES):
            if lanes.who[l] >= 0:
                settle(lanes, l, course, outcome)
