"""What holds an estimate: the data, its prior or both, as a finding and in words.

Start with `find_support` and `describe`.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

HELD_BELOW, NARROWED_BELOW = 0.5, 0.9
"""Posterior over prior standard deviation below which the data hold a parameter, or at least narrow it."""
LARGE_SHIFT = 1.0
"""Shift of an estimate [standard errors] in a changed fit from which it is told."""


class Support(StrEnum):
    """What holds an estimate."""

    DATA = "held by the data"
    NARROWED = "narrowed by the data, held by its prior"
    PRIOR = "left to its prior"


@dataclass(frozen=True)
class Findings:
    """What is known of one estimate from the curvature and from refits."""

    support: Support
    left_out: str
    """Label of the target whose leaving out moves it most."""
    left_out_shift: float
    """Shift of the estimate without that target [standard errors]."""
    doubled_shift: float
    """Shift of the estimate with all priors twice as wide [standard errors]; not finite where that fit failed."""


def find_support(contraction: float) -> Support:
    """Return what holds an estimate whose posterior over prior standard deviation is `contraction`."""
    if contraction < HELD_BELOW:
        return Support.DATA
    return Support.NARROWED if contraction < NARROWED_BELOW else Support.PRIOR


def describe(findings: Findings) -> str:
    """Return the verdict on an estimate in words.

    >>> describe(Findings(find_support(0.3), "median:sharp:placebo:os", 2.1, 0.2))
    'held by the data, above all by median:sharp:placebo:os'
    """
    if findings.support is Support.PRIOR:
        return str(findings.support)
    text = str(findings.support)
    if abs(findings.left_out_shift) > LARGE_SHIFT:
        text += f", above all by {findings.left_out}"
    if abs(findings.doubled_shift) > LARGE_SHIFT:
        text += ", and moves when priors widen"
    return text if math.isfinite(findings.doubled_shift) else f"{text}; the refit failed"
