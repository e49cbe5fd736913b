"""States inside a step, and when the event output first reaches a threshold or has risen by a given amount above its nadir.

Everything below the line `TEMPLATE` is copied into the generated loop over steps.  Start with `locate_event`.  The cubic Hermite
interpolant of the event output says where to look; value and place come from the output itself on the method's continuous
extension, so that the crossing is a smooth function of the parameters wherever steps happen to end.
"""

import math

from kinimmune.models.arrays import Array
from kinimmune.models.kernel.intrinsics import call_model
from kinimmune.models.kernel.workspace import LANES, KernelLayout, Outcome, Row, SharedProblem, jit

# TEMPLATE


@jit
def interpolate(work: Array, at: int, x: float, layout: KernelLayout) -> float:
    """Return a state at the fraction x of the step, by the method's continuous extension."""
    inner = work[layout.trial + at] + (1.0 - x) * (work[layout.d1 + at] + x * (work[layout.d2 + at] + x * work[layout.d3 + at]))
    value: float = (1.0 - x) * work[layout.y + at] + x * inner
    return value


@jit
def event_output_at(work: Array, lane: int, x: float, layout: KernelLayout) -> float:
    """Return the event output at the fraction x of the step; its slope is left in `Row.SLOPE_INTERIOR`."""
    for at in range(lane, layout.n_states * LANES, LANES):
        work[layout.b + at] = interpolate(work, at, x, layout)
    work[Row.STAGE_TIME + lane] = work[Row.T + lane] + x * work[Row.H + lane]
    call_model(layout.find_event_output, work, lane)
    value: float = work[Row.Q_INTERIOR + lane]
    return value


@jit
def find_crossing(work: Array, lane: int, target: float, low: float, high: float, layout: KernelLayout) -> float:
    """Return the fraction of the step, from `low` to `high`, where the rising event output is `target` (Newton in bisection)."""
    x = 0.5 * (low + high)
    for _ in range(60):
        value = event_output_at(work, lane, x, layout) - target
        if value < 0.0:
            low = x
        else:
            high = x
        steep = work[Row.H + lane] * work[Row.SLOPE_INTERIOR + lane]
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
def locate_event(work: Array, lane: int, patient: int, layout: KernelLayout, shared: SharedProblem, outcome: Outcome) -> None:
    """Update the running minimum of the event output over a step and locate the first crossing."""
    s, change = work[Row.H + lane] * work[Row.SLOPE + lane], work[Row.Q_END + lane] - work[Row.Q + lane]
    end = work[Row.H + lane] * work[Row.SLOPE_END + lane]
    first, second = turning_points(s, 3.0 * change - 2.0 * s - end, s + end - 2.0 * change)
    low = 0.0
    for number in range(3):
        high = first if number == 0 else second if number == 1 else 1.0
        if high > low:
            value = work[Row.Q_END + lane] if high == 1.0 else event_output_at(work, lane, high, layout)
            target = min(outcome.nadir[patient] + shared.rise, shared.threshold)
            if value >= target and outcome.crossing[patient] == math.inf:
                outcome.crossing[patient] = work[Row.T + lane] + work[Row.H + lane] * find_crossing(
                    work, lane, target, low, high, layout
                )
            outcome.nadir[patient] = min(outcome.nadir[patient], value)
            low = high


@jit
def check_event_at_start(work: Array, lane: int, patient: int, shared: SharedProblem, outcome: Outcome) -> None:
    """Compare the event output with its target where a segment begins: a dose may have moved it."""
    if (
        work[Row.Q + lane] >= min(outcome.nadir[patient] + shared.rise, shared.threshold)
        and outcome.crossing[patient] == math.inf
    ):
        outcome.crossing[patient] = work[Row.T + lane]
    outcome.nadir[patient] = min(outcome.nadir[patient], work[Row.Q + lane])
