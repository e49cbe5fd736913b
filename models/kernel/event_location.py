"""The course inside a step, and when a watched quantity first reaches a level, or stands a given rise above its running minimum.

Everything below `TEMPLATE` is copied into the generated loop over steps.  Start with `follow_watched`.  The cubic Hermite
interpolant of the quantity says where to look; value and place come from the quantity itself on the method's continuous
extension, so that the crossing is a smooth function of the parameters wherever steps happen to end.
"""

import math

from kinimmune.models.arrays import Array
from kinimmune.models.kernel.intrinsics import call_model
from kinimmune.models.kernel.workspace import (
    LANES,
    MOMENT,
    Q_END,
    Q_INSIDE,
    SLOPE,
    SLOPE_END,
    SLOPE_INSIDE,
    Course,
    H,
    Machine,
    Outcome,
    Q,
    T,
    jit,
)

# TEMPLATE


@jit
def interpolate(m: Array, at: int, x: float, model: Machine) -> float:
    """Return a state at the fraction x of the step, by the method's continuous extension."""
    inner = m[model.trial + at] + (1.0 - x) * (m[model.bend + at] + x * (m[model.twist + at] + x * m[model.curl + at]))
    value: float = (1.0 - x) * m[model.y + at] + x * inner
    return value


@jit
def watch_inside(m: Array, lane: int, x: float, model: Machine) -> float:
    """Return the watched quantity at the fraction x of the step; its slope is left in SLOPE_INSIDE."""
    for at in range(lane, model.n_states * LANES, LANES):
        m[model.b + at] = interpolate(m, at, x, model)
    m[MOMENT + lane] = m[T + lane] + x * m[H + lane]
    call_model(model.find_watched, m, lane)
    value: float = m[Q_INSIDE + lane]
    return value


@jit
def reach(m: Array, lane: int, level: float, low: float, high: float, model: Machine) -> float:
    """Return the fraction of the step where the quantity, rising from `low` to `high`, is `level` (Newton within bisection)."""
    x = 0.5 * (low + high)
    for _ in range(60):
        value = watch_inside(m, lane, x, model) - level
        if value < 0.0:
            low = x
        else:
            high = x
        steep = m[H + lane] * m[SLOPE_INSIDE + lane]
        better = x - value / steep if steep > 0.0 else low
        if not low < better < high:
            better = 0.5 * (low + high)
        if abs(better - x) <= 1e-13:
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
def follow_watched(m: Array, lane: int, who: int, model: Machine, course: Course, outcome: Outcome) -> None:
    """Update the running minimum over a step and locate the first crossing."""
    s, change = m[H + lane] * m[SLOPE + lane], m[Q_END + lane] - m[Q + lane]
    end = m[H + lane] * m[SLOPE_END + lane]
    first, second = turning_points(s, 3.0 * change - 2.0 * s - end, s + end - 2.0 * change)
    low = 0.0
    for number in range(3):
        high = first if number == 0 else second if number == 1 else 1.0
        if high > low:
            value = m[Q_END + lane] if high == 1.0 else watch_inside(m, lane, high, model)
            level = min(outcome.nadir[who] + course.rise, course.level)
            if value >= level and outcome.crossing[who] == math.inf:
                outcome.crossing[who] = m[T + lane] + m[H + lane] * reach(m, lane, level, low, high, model)
            outcome.nadir[who] = min(outcome.nadir[who], value)
            low = high


@jit
def open_watched(m: Array, lane: int, who: int, course: Course, outcome: Outcome) -> None:
    """Look at the watched quantity where a segment begins: a dose may have moved it."""
    if m[Q + lane] >= min(outcome.nadir[who] + course.rise, course.level) and outcome.crossing[who] == math.inf:
        outcome.crossing[who] = m[T + lane]
    outcome.nadir[who] = min(outcome.nadir[who], m[Q + lane])
