"""How far a prediction lies from a published number in standard errors, where both sides of the number may have their own.

Start with `standardise`.
"""

import math

from kinimmune.fitting.problem.statistics import to_scale
from kinimmune.fitting.problem.targets import Statistic, Target, has_interval_error
from kinimmune.models.arrays import NORMAL_95
from kinimmune.models.trial.design import ErrorRule

LEAST_ASYMMETRY = 1.15
"""Longer over shorter side of an interval on its scale up to which it counts as symmetric."""


def standardise(target: Target, away: float, error: float) -> float:
    """Return a distance on a target's scale in standard errors: in those of its side where the study asks for that.

    Parameters
    ----------
    target
        the published number
    away
        predicted less published
    error
        the standard error of a symmetric interval
    """
    sides = find_sides(target)
    return away / error if sides is None else split_residual(away, *sides)


def find_sides(target: Target) -> tuple[float, float] | None:
    """Return the standard errors below and above a number on its scale; None where one error serves for both.

    They are the halves of the printed interval over 1.96, where the study's rule is `sides` and they differ by more than
    `LEAST_ASYMMETRY`.
    """
    ends = target.error_interval
    if target.errors is not ErrorRule.SIDES or ends is None or not has_interval_error(target):
        return None
    lower, value, upper = (_scale(target, number) for number in (ends[0], target.number, ends[1]))
    below, above = (value - lower) / NORMAL_95, (upper - value) / NORMAL_95
    return (below, above) if max(below, above) > LEAST_ASYMMETRY * min(below, above) else None


def _scale(target: Target, number: float) -> float:
    """Return a number on the scale on which its residual is a difference."""
    return to_scale(target, number) if target.statistic is Statistic.SURVIVAL else math.log(number)


def split_residual(away: float, below: float, above: float) -> float:
    """Return a distance in standard errors that are `below` under zero and `above` over it, smooth to the first derivative.

    Beyond w = min(below, above) on either side it is that of the split normal distribution; between -w and w the error goes over
    from one to the other by the cubic (2 + 3t - t^3)/4 of t = away/w, so that an optimiser meets no corner at the number itself.
    It rises everywhere.

    >>> split_residual(-1.0, 1.0, 2.0), split_residual(4.0, 1.0, 2.0), split_residual(0.0, 1.0, 2.0)
    (-1.0, 2.0, 0.0)
    """
    place = min(max(away / min(below, above), -1.0), 1.0)
    return away / (below + (above - below) * (2.0 + 3.0 * place - place**3) / 4.0)
