"""What the profile of a parameter says, in words: the one place where its findings become sentences.

Start with `recommend_measurement`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kinimmune.fitting.profile.classification import MIN_CHANGE, OpenSide
from kinimmune.fitting.profile.results import CorrelatedParameter, Identifiability
from kinimmune.models.symbolic.parameters import Parameter, Scale

MAX_NAMED = 3
"""Most parameters that move along which advice names."""


@dataclass(frozen=True)
class ProfileFindings:
    """What the profile of a parameter by the data alone shows, and what would tell more."""

    parameter: Parameter
    identifiability: Identifiability
    open_sides: tuple[OpenSide, ...]
    """Sides on which the data alone do not bound it."""
    correlated: tuple[CorrelatedParameter, ...]
    """Parameters that move along, those that move most first."""
    helpful_error: float
    """Standard error [prior sd] of a measurement that would halve its interval."""


def recommend_measurement(findings: ProfileFindings) -> str:
    """Return what a profile shows and which measurement would help, in one or two sentences."""
    shown = {
        Identifiability.IDENTIFIABLE: "the data alone bound it on both sides",
        Identifiability.PRACTICALLY_NOT: _describe_open_sides(findings.open_sides),
        Identifiability.STRUCTURALLY_NOT: "the data alone allow any value of the range",
    }[findings.identifiability]
    moving = _describe_correlated(findings.correlated)
    below = _format_error(findings.parameter, findings.helpful_error)
    needed = f"to halve its interval, measure it ({findings.parameter.meaning}) with a standard error below {below}"
    return f"{shown[:1].upper()}{shown[1:]}{moving}; {needed}{_describe_alternative(findings)}."


def _describe_open_sides(sides: Sequence[OpenSide]) -> str:
    words = [
        f"{'upwards' if side.direction > 0 else 'downwards'} (deviance {side.deviance:.2g} at {side.z:+.1f} prior sd)"
        for side in sides
    ]
    return f"the data alone do not bound it {' or '.join(words)}"


def _describe_correlated(correlated: Sequence[CorrelatedParameter]) -> str:
    if not correlated:
        return ", and no other parameter moves with it"
    named = [
        f"{other.name} {'rises' if other.slope > 0.0 else 'falls'} by {abs(other.slope):.1f}"
        for other in correlated[:MAX_NAMED]
        if abs(other.slope) >= MIN_CHANGE
    ]
    return f"; per prior sd of it {', '.join(named)}" if named else ""


def _describe_alternative(findings: ProfileFindings) -> str:
    """Return the other measurement that would do, of the parameter that moves along most; empty where the data bound this one."""
    if not findings.correlated or findings.identifiability is Identifiability.IDENTIFIABLE:
        return ""
    other = findings.correlated[0]
    if abs(other.slope) <= MIN_CHANGE:
        return ""
    return f", or {other.name} to {abs(other.slope) * findings.helpful_error:.2g} of its prior sd"


def _format_error(parameter: Parameter, error: float) -> str:
    """Return a standard error [prior sd] as a reader measures it: in per cent, on the logit, or in the parameter's unit."""
    size = error * parameter.prior.sd
    if parameter.prior.scale is Scale.LOGNORMAL:
        return f"{100.0 * math.expm1(size):.0f} %"
    if parameter.prior.scale is Scale.LOGITNORMAL:
        return f"{size:.2g} of its logit"
    return f"{size:.2g} {parameter.unit}"


def describe_better_optimum(parameter: str, objective: str, gain: float) -> str:
    """Return the warning that a profile found a better optimum than the one it started from.

    Parameters
    ----------
    parameter
        key of the profiled parameter
    objective
        `data` or `posterior`
    gain
        how far below that optimum its sum of squares lies
    """
    whose = "the optimum of the data alone" if objective == "data" else "the fit"
    return f"the profile of {parameter} found a sum of squares {gain:.2g} below {whose}; deviances count from there"
