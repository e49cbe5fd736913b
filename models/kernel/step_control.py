"""The size of a step: the first of a segment, the next after an accepted one, and the last before the end of a segment.

Everything below the line `TEMPLATE` is copied into the generated loop over steps.  Start with `choose_steps`.
"""

import math

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.kernel.intrinsics import call_model
from kinimmune.models.kernel.workspace import EXPONENT, LANES, IntRow, KernelLayout, Row, jit

# TEMPLATE


@jit
def error_norm(work: Array, lane: int, block: int, minus: int, layout: KernelLayout) -> float:
    """Return the root mean square of a block, or of the difference of two, in units of the tolerances."""
    total = 0.0
    for i in range(layout.n_states):
        at = i * LANES + lane
        value = work[block + at] - work[minus + at] if minus >= 0 else work[block + at]
        ratio = value / (work[layout.scale + at] + work[Row.RELATIVE + lane] * abs(work[layout.y + at]))
        total += ratio * ratio
    return math.sqrt(total / layout.n_states)


@jit
def choose_steps(work: Array, iwork: Integers, layout: KernelLayout) -> None:
    """Choose the first step of each lane that begins a segment.

    Source: E. Hairer, S. P. Norsett, G. Wanner, Solving Ordinary Differential Equations I, 2nd ed. (1993), II.4.
    """
    for lane in range(LANES):
        work[Row.STAGE_TIME + lane] = work[Row.T + lane]
    for i in range(layout.n_states * LANES):
        work[layout.trial + i] = work[layout.y + i]
    call_model(layout.find_rates, work, 0)
    for lane in range(LANES):
        if iwork[IntRow.FIRST_STEP + lane] == 1:
            size, speed = error_norm(work, lane, layout.y, -1, layout), error_norm(work, lane, layout.b, -1, layout)
            h = 1e-6 if size < 1e-5 or speed < 1e-5 else 0.01 * size / speed
            h = min(h, work[Row.STOP + lane] - work[Row.T + lane])
            work[Row.H + lane] = h
            work[Row.ERROR + lane] = speed
            work[Row.STAGE_TIME + lane] = work[Row.T + lane] + h
            for i in range(layout.n_states):
                at = i * LANES + lane
                work[layout.f + at] = work[layout.b + at]
                work[layout.trial + at] = work[layout.y + at] + h * work[layout.b + at]
    call_model(layout.find_rates, work, 0)
    for lane in range(LANES):
        if iwork[IntRow.FIRST_STEP + lane] == 1:
            h = work[Row.H + lane]
            steepest = max(work[Row.ERROR + lane], error_norm(work, lane, layout.b, layout.f, layout) / h)
            larger = max(1e-6, 1e-3 * h) if steepest <= 1e-15 else (0.01 / steepest) ** EXPONENT
            first = min(100.0 * h, larger)
            work[Row.H + lane] = first if first > 0.0 else 1e-3 * h


@jit
def clip_steps(work: Array, iwork: Integers) -> None:
    """Shorten steps so that one ends exactly where its segment does and none leaves a sliver before that."""
    for lane in range(LANES):
        left = work[Row.STOP + lane] - work[Row.T + lane]
        iwork[IntRow.HITS_STOP + lane] = 0
        if iwork[IntRow.PATIENT + lane] < 0:
            work[Row.H + lane] = 1.0
        elif work[Row.H + lane] >= 0.999 * left:
            work[Row.H + lane] = left
            iwork[IntRow.HITS_STOP + lane] = 1
        elif work[Row.H + lane] > 0.5 * left:
            work[Row.H + lane] = 0.5 * left


@jit
def next_step_size(work: Array, iwork: Integers, lane: int) -> float:
    """Return the length of the step after an accepted one: Gustafsson's predictive controller (Hairer & Wanner II, IV.8)."""
    root, h = work[Row.ROOT + lane], work[Row.H + lane]
    factor = max(1.0 / 6.0, min(5.0, root / 0.9))
    if work[Row.LAST_ROOT + lane] > 0.0:
        predicted = work[Row.LAST_H + lane] / h * root * root / work[Row.LAST_ROOT + lane] / 0.9
        factor = max(factor, max(1.0 / 6.0, min(5.0, predicted)))
    longer: float = h / (max(factor, 1.0) if iwork[IntRow.REJECTED + lane] == 1 else factor)
    return longer
