"""One reading of the sum of diameters, and what it does to the distribution of the smallest so far.

Everything below the line `TEMPLATE` is copied into the generated loop over scans.  Start with `advance`.

A patient is a distribution of the smallest reading so far over those nobody has seen to progress, kept as weights w_i of even
nodes m_i = i h.  A reading y of density f and distribution function F shows no progression where y < m + L(m), so that a scan
turns w into

    w'_i = w_i [F(m_i + L) - F(m_i)] + h f(m_i) M_i,   M_i = mass of w above m_i:

the smallest reading stays, or is now m_i.  For smooth integrands even nodes are exact beyond any power of h; so is
M_i = w_i / 2 + sum_(j>i) w_j + sum_k c_k (w_(i+k) - w_(i-k)) with the c_k of `Criteria`, and it is the transpose of the same rule
for the integral up to a node: weights that are exact stay so, also where they begin as one point.
"""

import math

from kinimmune.models.arrays import Array
from kinimmune.models.kernel.scan_arrays import PAD, Criteria, Scratch
from kinimmune.models.kernel.vector_math import exponential
from kinimmune.models.kernel.workspace import jit

REACH = 5.5
"""Standard deviations of a reading beyond which nothing is read: 4e-8 of all readings."""
DENSITY = 0.3989422804014327
"""Of the normal distribution in its middle."""

# TEMPLATE


@jit
def normal(z: float, bell: float) -> float:
    """Return the normal distribution function, from exp(-z^2 / 2).

    Source: J. F. Hart et al., Computer Approximations (1968), 5666; right to 2e-16 up to 7, beyond it below 1e-12.
    """
    y = abs(z)
    a = 0.700383064443688 + 0.0352624965998911 * y
    a = 112.079291497871 + y * (33.912866078383 + y * (6.37396220353165 + y * a))
    a = 220.206867912376 + y * (221.213596169931 + y * a)
    b = 16.064177579207 + y * (1.75566716318264 + 0.0883883476483184 * y)
    b = 637.333633378831 + y * (296.564248779674 + y * (86.7807322029461 + y * b))
    b = 440.413735824752 + y * (793.826512519948 + y * b)
    beyond = bell * a / b
    return 1.0 - beyond if z > 0.0 else beyond


@jit
def is_below(limit: float, middle: float, error: float) -> float:
    """Return the probability that a reading is below a limit."""
    z = (limit - middle) / error
    return normal(z, exponential(-0.5 * z * z))


@jit
def fill_limits(criteria: Criteria, scratch: Scratch) -> None:
    """Fill in what is progression at each node of the window: the ratio, or the increase where that is more."""
    step, low = scratch.scan[2], scratch.window[0]
    for p in range(scratch.window[1] - low + 1):
        scratch.within[p] = (low + p) * step + criteria.rise
    if criteria.increase > -math.inf:
        for p in range(scratch.window[1] - low + 1):
            m = (low + p) * step
            z = criteria.increase - m
            scratch.within[p] = m + max(criteria.rise, z if z > 30.0 else math.log1p(math.exp(z)))


@jit
def read(x: float, error: float, criteria: Criteria, scratch: Scratch) -> None:
    """Move the window to where the smallest reading may be after one about x, and fill in what that does at each node."""
    window, step = scratch.window, scratch.scan[2]
    scratch.scan[0], scratch.scan[1] = x, error
    window[2], window[3] = window[0], window[1]
    window[0] = min(window[0], math.floor((x - REACH * error) / step))
    window[1] = min(window[1], math.ceil((x + REACH * error) / step))
    if criteria.increase == -math.inf:  # from far below a reading is progression for sure
        window[0] = min(window[1], max(window[0], math.floor((x - REACH * error - criteria.rise) / step)))
    low, per_error = window[0], 1.0 / error
    fill_limits(criteria, scratch)
    for p in range(window[1] - low + 1):
        z = ((low + p) * step - x) * per_error
        bell = exponential(-0.5 * z * z)
        scratch.weight[p] = DENSITY * step * per_error * bell
        scratch.below[p] = normal(z, bell)
    for p in range(window[1] - low + 1):
        z = (scratch.within[p] - x) * per_error
        scratch.within[p] = normal(z, exponential(-0.5 * z * z)) - scratch.below[p]


@jit
def lay(row: Array, which: int, scratch: Scratch) -> float:
    """Lay a row of the window before into that of now, with the mass above each node; return its mass."""
    laid, above = scratch.laid[which], scratch.above[which]
    low, high, start, end = scratch.window[0] - PAD, scratch.window[1] + PAD, scratch.window[2], scratch.window[3]
    total = 0.0
    for p in range(max(high + 1 - start, 0), end + 1 - start):
        total += row[p]
    first = min(max(low, start), high + 1)
    last = max(min(high, end), first - 1)
    for p in range(first - low):
        laid[p] = 0.0
    for p in range(last + 1 - low, high + 1 - low):
        laid[p] = 0.0
    for p in range(last - first + 1):
        laid[first - low + p] = row[first - start + p]
    count = high - low + 1
    for block in range(count // 4):  # by fours, so that an addition does not wait for the one before it
        p = count - 4 * block - 4
        two, three = laid[p + 3] + laid[p + 2], laid[p + 3] + laid[p + 2] + laid[p + 1]
        above[p + 3], above[p + 2], above[p + 1], above[p] = total, total + laid[p + 3], total + two, total + three
        total += two + (laid[p + 1] + laid[p])
    for p in range(count % 4 - 1, -1, -1):
        above[p] = total
        total += laid[p]
    return total


@jit
def mass_above(p: int, laid: Array, above: Array, c: tuple[float, float, float, float]) -> float:
    """Return the mass above the node in place p."""
    q = p + PAD
    near = c[0] * (laid[q + 1] - laid[q - 1]) + c[1] * (laid[q + 2] - laid[q - 2])
    far = c[2] * (laid[q + 3] - laid[q - 3]) + c[3] * (laid[q + 4] - laid[q - 4])
    mass: float = above[q] + 0.5 * laid[q] + near + far
    return mass


@jit
def add_up(values: Array, count: int) -> float:
    """Return a sum, by fours, so that an addition does not wait for the one before it."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for block in range(count // 4):
        a += values[4 * block]
        b += values[4 * block + 1]
        c += values[4 * block + 2]
        d += values[4 * block + 3]
    for p in range(count - count % 4, count):
        a += values[p]
    return (a + b) + (c + d)


@jit
def advance(row: Array, criteria: Criteria, scratch: Scratch) -> float:
    """Carry a row over a scan; return the probability that is left.

    That is the sum of w_i F(m_i + L), to which the row is scaled: what lies beyond `REACH` is not lost.
    """
    lay(row, 0, scratch)
    laid, above, c = scratch.laid[0], scratch.above[0], criteria.correction
    within, weight, share = scratch.within, scratch.weight, scratch.share
    count = scratch.window[1] - scratch.window[0] + 1
    for p in range(count):
        share[p] = (scratch.below[p] + within[p]) * laid[p + PAD]
    left: float = add_up(share, count) + above[count - 1 + PAD]
    for p in range(count):
        row[p] = within[p] * laid[p + PAD] + weight[p] * mass_above(p, laid, above, c)
    carried = add_up(row, count)
    scale = left / carried if carried > 0.0 else 0.0
    for p in range(count):
        row[p] *= scale
    return left
