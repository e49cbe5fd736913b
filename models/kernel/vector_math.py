"""Exponential and logarithm in plain arithmetic, so that a loop over lanes that calls them becomes vector instructions.

Everything below `TEMPLATE` is copied into each generated module.  The compiler cannot vectorise calls to the C library; these
two are branch-free and agree with it to 2 units in the last place.  Start with `exponential`.
"""

import math

from kinimmune.models.kernel.intrinsics import from_bits, to_bits
from kinimmune.models.kernel.workspace import jit

TINY = 2.2250738585072014e-308
"""Smallest normal double."""

# TEMPLATE

LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it leaves the nearest integer in the low bits


@jit
def exponential(x: float) -> float:
    """e**x: reduced by powers of two, then the Taylor series to degree 13, whose remainder on |r| < ln(2)/2 is 4e-18."""
    inside = max(-708.0, min(709.0, x))
    shifted = inside * 1.4426950408889634 + ROUND
    k = shifted - ROUND
    r = (inside - k * LN2_HIGH) - k * LN2_LOW
    s = 1.0 / 479001600.0 + r * (1.0 / 6227020800.0)
    s = 1.0 / 3628800.0 + r * (1.0 / 39916800.0 + r * s)
    s = 1.0 / 40320.0 + r * (1.0 / 362880.0 + r * s)
    s = 1.0 / 720.0 + r * (1.0 / 5040.0 + r * s)
    s = 1.0 / 24.0 + r * (1.0 / 120.0 + r * s)
    s = 0.5 + r * (1.0 / 6.0 + r * s)
    value = (1.0 + r * (1.0 + r * s)) * from_bits((to_bits(shifted) << 52) + 4607182418800017408)
    value = math.inf if x > 709.0 else value
    value = 0.0 if x < -708.0 else value
    return value if not math.isnan(x) else x


@jit
def logarithm(x: float) -> float:
    """ln(x): the exponent taken off, then 2 artanh((f - 1)/(f + 1)) as a series on f in [sqrt(1/2), sqrt(2)]."""
    normal = max(x, TINY)
    offset = to_bits(normal) - 4604544271217802189
    exponent = offset >> 52
    f = from_bits(to_bits(normal) - (exponent << 52))
    e = from_bits(exponent + 4843621399236968448) - ROUND
    z = (f - 1.0) / (f + 1.0)
    u = z * z
    s = 1.0 / 19.0 + u * (1.0 / 21.0 + u * (1.0 / 23.0))
    s = 1.0 / 15.0 + u * (1.0 / 17.0 + u * s)
    s = 1.0 / 11.0 + u * (1.0 / 13.0 + u * s)
    s = 1.0 / 7.0 + u * (1.0 / 9.0 + u * s)
    s = u * (1.0 / 3.0 + u * (1.0 / 5.0 + u * s))
    value = e * LN2_HIGH + (e * LN2_LOW + 2.0 * (z + z * s))
    value = value if x > 0.0 else -math.inf
    value = value if x >= 0.0 else math.nan
    return value if x < math.inf else x
