"""How far a slider goes, and on what scale: from the prior of a parameter and the range of its table, or from a dose.

Start with `find_range` and `find_dose_range`.
"""

import math
from dataclasses import dataclass

from kinimmune.models.symbolic.parameters import Parameter, Scale

REACH = 3.0
"""Prior standard deviations to either side of the median."""
FACTOR = 10.0
"""By which a constant without a prior can be divided or multiplied."""
MOST_DOSES = 2.5
"""Times the dose of the tables."""


@dataclass(frozen=True)
class SliderRange:
    """The ends of a slider, in the unit of what it moves."""

    scale: str
    """`log`, `logit` or `linear`: on which the slider moves evenly."""
    low: float
    high: float
    lower: float
    """What the table allows; a number that is typed may lie beyond the slider."""
    upper: float


def find_range(item: Parameter) -> SliderRange:
    """Return the range of a parameter: three prior standard deviations about its median, its value and the table's range kept.

    >>> from kinimmune.models.catalogue import load_model
    >>> find_range(load_model("gompertz").parameters[-1])
    SliderRange(scale='log', low=1.0, high=100.0, lower=0.001, upper=1000000.0)
    """
    low, high = _reach(item)
    ends = (max(min(low, item.value), item.lower), min(max(high, item.value), item.upper))
    return SliderRange(_find_scale(item, *ends), *ends, item.lower, item.upper)


def _reach(item: Parameter) -> tuple[float, float]:
    if item.prior.scale is not Scale.FIXED:
        return item.prior.from_z(-REACH), item.prior.from_z(REACH)
    if item.value > 0.0:
        return item.value / FACTOR, item.value * FACTOR
    return item.lower, item.upper


def _find_scale(item: Parameter, low: float, high: float) -> str:
    if item.prior.scale is Scale.LOGITNORMAL and low > 0.0 and high < 1.0:
        return "logit"
    if item.prior.scale is Scale.NORMAL or low <= 0.0:
        return "linear"
    return "log"


def find_dose_range(value: float) -> SliderRange:
    """Return the range of what an arm gives.

    >>> find_dose_range(400.0)
    SliderRange(scale='linear', low=0.0, high=1000.0, lower=0.0, upper=inf)
    """
    return SliderRange("linear", 0.0, MOST_DOSES * value if value > 0.0 else 1.0, 0.0, math.inf)
