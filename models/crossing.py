"""When a watched quantity first stands a given rise above its running minimum, located inside steps.

Everything below `TEMPLATE` is copied into the generated loop over steps.  Start with `follow_watched`.  Over a step the quantity
is its cubic Hermite interpolant, so that the crossing is a smooth function of the parameters wherever steps happen to end.
"""

import math

from kinimmune.models.arrays import Array
from kinimmune.models.lanes import Q_END, SLOPE, SLOPE_END, H, Outcome, Q, T, jit

# TEMPLATE


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
def follow_watched(m: Array, lane: int, who: int, rise: float, outcome: Outcome) -> None:
    """Update the running minimum over a step and locate the first crossing."""
    q, h = m[Q + lane], m[H + lane]
    s, change = h * m[SLOPE + lane], m[Q_END + lane] - q
    b, a = 3.0 * change - 2.0 * s - h * m[SLOPE_END + lane], s + h * m[SLOPE_END + lane] - 2.0 * change
    first, second = turning_points(s, b, a)
    low = 0.0
    for number in range(3):
        high = first if number == 0 else second if number == 1 else 1.0
        if high > low:
            value = m[Q_END + lane] if high == 1.0 else q + high * (s + high * (b + high * a))
            level = outcome.nadir[who] + rise
            if value >= level and outcome.crossing[who] == math.inf:
                outcome.crossing[who] = m[T + lane] + h * reach(q - level, s, b, a, low, high)
            outcome.nadir[who] = min(outcome.nadir[who], value)
            low = high


@jit
def open_watched(m: Array, lane: int, who: int, rise: float, outcome: Outcome) -> None:
    """Look at the watched quantity where a segment begins: a dose may have moved it."""
    if m[Q + lane] >= outcome.nadir[who] + rise and outcome.crossing[who] == math.inf:
        outcome.crossing[who] = m[T + lane]
    outcome.nadir[who] = min(outcome.nadir[who], m[Q + lane])
