"""How long a step is: the first of a segment, the next after an accepted one, and where a segment must end.

Everything below `TEMPLATE` is copied into the generated loop over steps.  Start with `choose_steps`.
"""

import math

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.kernel.intrinsics import call_model
from kinimmune.models.kernel.workspace import (
    ERROR,
    EXPONENT,
    FRESH,
    LANDING,
    LANES,
    LAST_H,
    LAST_ROOT,
    MOMENT,
    RELATIVE,
    ROOT,
    SHRUNK,
    STOP,
    WHO,
    H,
    Machine,
    T,
    jit,
)

# TEMPLATE


@jit
def weigh(m: Array, lane: int, block: int, minus: int, model: Machine) -> float:
    """Return the root mean square of a block, or of the difference of two, in units of the tolerances."""
    total = 0.0
    for i in range(model.n_states):
        at = i * LANES + lane
        value = m[block + at] - m[minus + at] if minus >= 0 else m[block + at]
        ratio = value / (m[model.scale + at] + m[RELATIVE + lane] * abs(m[model.y + at]))
        total += ratio * ratio
    return math.sqrt(total / model.n_states)


@jit
def choose_steps(m: Array, tag: Integers, model: Machine) -> None:
    """Give a first step to each fresh lane (E. Hairer, S. P. Norsett, G. Wanner, Solving ODEs I, 2nd ed. 1993, II.4)."""
    for lane in range(LANES):
        m[MOMENT + lane] = m[T + lane]
    for i in range(model.n_states * LANES):
        m[model.trial + i] = m[model.y + i]
    call_model(model.find_rates, m, 0)
    for lane in range(LANES):
        if tag[FRESH + lane] == 1:
            size, speed = weigh(m, lane, model.y, -1, model), weigh(m, lane, model.b, -1, model)
            h = 1e-6 if size < 1e-5 or speed < 1e-5 else 0.01 * size / speed
            h = min(h, m[STOP + lane] - m[T + lane])
            m[H + lane] = h
            m[ERROR + lane] = speed
            m[MOMENT + lane] = m[T + lane] + h
            for i in range(model.n_states):
                at = i * LANES + lane
                m[model.f + at] = m[model.b + at]
                m[model.trial + at] = m[model.y + at] + h * m[model.b + at]
    call_model(model.find_rates, m, 0)
    for lane in range(LANES):
        if tag[FRESH + lane] == 1:
            h = m[H + lane]
            steepest = max(m[ERROR + lane], weigh(m, lane, model.b, model.f, model) / h)
            larger = max(1e-6, 1e-3 * h) if steepest <= 1e-15 else (0.01 / steepest) ** EXPONENT
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
def lengthen(m: Array, tag: Integers, lane: int) -> float:
    """Return the next step after an accepted one: Gustafsson's predictive controller (Hairer & Wanner II, IV.8)."""
    root, h = m[ROOT + lane], m[H + lane]
    factor = max(1.0 / 6.0, min(5.0, root / 0.9))
    if m[LAST_ROOT + lane] > 0.0:
        predicted = m[LAST_H + lane] / h * root * root / m[LAST_ROOT + lane] / 0.9
        factor = max(factor, max(1.0 / 6.0, min(5.0, predicted)))
    longer: float = h / (max(factor, 1.0) if tag[SHRUNK + lane] == 1 else factor)
    return longer
