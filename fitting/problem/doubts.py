"""What may be meant so about a prior but seldom is: said by `kinimmune check`, by a fit and by its report, and never refused.

Start with `find_doubts`.  A rule that refused a narrow prior would be met by a status that is not true, which is worse.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from scipy.special import ndtr

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.parameters import Parameter, Scale, Status
from kinimmune.models.symbolic.units import parse_unit

NARROWEST_ASSUMED = 0.7
"""Smallest standard deviation, on the ln or logit scale, of a prior nobody measured; relative to the median on a linear scale."""
MOST_OUTSIDE = 0.5
"""Share of a prior outside the range of its parameter from which it says something else than the range."""
ROUNDING = 1e-12


@dataclass(frozen=True)
class Doubt:
    """One thing about the prior of a parameter that may be a mistake."""

    column: str
    """Column of `parameters.csv`."""
    problem: str
    advice: str


def find_doubts(parameter: Parameter) -> Iterator[Doubt]:
    """Find what is doubtful about the prior of a parameter; nothing without one."""
    prior, subject = parameter.prior, f"parameter '{parameter.key}'"
    if prior.scale is Scale.FIXED:
        return
    narrowest = NARROWEST_ASSUMED * (abs(prior.median) if prior.scale is Scale.NORMAL else 1.0)
    if parameter.source.status is Status.ASSUMED and prior.sd < narrowest:
        yield Doubt(
            "prior_sd",
            f"assumed prior of {subject} has sd {prior.sd:g}",
            f"what nobody measured is seldom known to less than {narrowest:g} on the {prior.scale} scale",
        )
    outside = _share_outside(parameter)
    if outside >= MOST_OUTSIDE - ROUNDING:
        yield Doubt(
            "prior_median",
            f"{100.0 * outside:.0f} % of the prior {prior} of {subject} lie outside its range "
            f"[{parameter.lower:g}, {parameter.upper:g}] {parameter.unit}",
            "move the median, or widen the range",
        )
    if prior.scale is Scale.NORMAL and (parameter.lower >= 0.0 or _is_rate(parameter.unit)):
        kind = "a rate" if _is_rate(parameter.unit) else "never negative"
        yield Doubt("prior", f"normal prior of {subject}, which is {kind}", "a lognormal one keeps it positive")


def describe_doubts(parameters: tuple[Parameter, ...]) -> tuple[str, ...]:
    """Return what is doubtful about the priors of parameters, one line each, with the place of the row."""
    return tuple(f"{doubt.problem} ({item.origin}); {doubt.advice}" for item in parameters for doubt in find_doubts(item))


def _share_outside(parameter: Parameter) -> float:
    """Return how much of a prior lies outside the range of its parameter."""
    below, above = (_score(parameter, end) for end in (parameter.lower, parameter.upper))
    return float(ndtr(below) + ndtr(-above))


def _score(parameter: Parameter, end: float) -> float:
    """Return the z-score of an end of the range, infinite where it lies beyond the scale."""
    try:
        return parameter.prior.to_z(end)
    except DataError:
        return math.copysign(math.inf, end - parameter.prior.median)


def _is_rate(unit: str) -> bool:
    """Return whether a unit is one per time, times what does not matter here, such as `1/d` or `mL/d`."""
    return dict(parse_unit(unit).dimension).get("[time]", 0.0) < 0.0
