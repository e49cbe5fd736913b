"""From the points of a profile to a curve, its intervals, a class, and the findings that advice rests on.

Start with `make_curve` and `classify`; `kinimmune.fitting.profile.advice` puts the findings into words.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.profile.path import ProfilePoint
from kinimmune.fitting.profile.results import (
    THRESHOLD_90,
    THRESHOLD_95,
    CorrelatedParameter,
    Curve,
    Ending,
    Identifiability,
)
from kinimmune.models.arrays import Array

FLAT_DEVIANCE = 0.1
"""Deviance below which a profile counts as flat: neighbouring valleys of the data alone differ by as much."""
MIN_CHANGE = 0.1
"""Change of another parameter [prior sd] from which it is said to move along."""


@dataclass(frozen=True)
class ProfilePoints:
    """The points of one profile, those of both its paths and the optimum between them."""

    names: tuple[str, ...]
    """Keys of the estimated parameters, in the order of the z-scores of a point."""
    points: tuple[ProfilePoint, ...]
    """Each value of the coordinate once, increasing."""
    ended: tuple[Ending, Ending]
    """Why the path below the optimum ended, and the path above it."""

    @property
    def lowest(self) -> float:
        """Lowest sum of squares of a point."""
        return min(point.chi_square for point in self.points)


@dataclass(frozen=True)
class OpenSide:
    """A side on which the data alone do not bound a parameter, and the last point of the profile there."""

    direction: int
    """1 upwards, -1 downwards."""
    deviance: float
    """Deviance of the last point."""
    z: float
    """z-score of the parameter there."""


def order_points(points: Sequence[ProfilePoint]) -> tuple[ProfilePoint, ...]:
    """Return points with each value of the coordinate once, the later in place of the earlier, increasing."""
    by_value = {point.value: point for point in points}
    return tuple(by_value[value] for value in sorted(by_value))


def make_curve(profile: ProfilePoints, value_at: Callable[[float], float], lowest: float, skip: int | None) -> Curve:
    """Return the curve through the points of a profile.

    Parameters
    ----------
    profile
        its points
    value_at
        turns the coordinate into the value a reader knows
    lowest
        sum of squares from which the deviance counts
    skip
        index of the profiled parameter, which has no path of its own; None for the profile of a prediction
    """
    points = profile.points
    coordinates = np.array([point.value for point in points])
    deviance = np.maximum([point.chi_square - lowest for point in points], 0.0)

    def end(threshold: float, direction: int) -> float | None:
        coordinate = find_crossing(coordinates, deviance, threshold, direction)
        return None if coordinate is None else value_at(coordinate)

    named = [name for name in points[0].predictions if all(name in point.predictions for point in points)]
    paths = {name: tuple(point.z[index] for point in points) for index, name in enumerate(profile.names) if index != skip}
    return Curve(
        values=tuple(value_at(point.value) for point in points),
        scores=tuple(map(float, coordinates)),
        deviance=tuple(map(float, deviance)),
        lower_95=end(THRESHOLD_95, -1),
        upper_95=end(THRESHOLD_95, 1),
        lower_90=end(THRESHOLD_90, -1),
        upper_90=end(THRESHOLD_90, 1),
        ended=profile.ended,
        paths=paths,
        predictions={name: tuple(float(point.predictions[name]) for point in points) for name in named},
    )


def find_crossing(coordinates: Array, deviance: Array, threshold: float, direction: int) -> float | None:
    """Return the coordinate at which the deviance passes a threshold on one side of its lowest point; None if it does not.

    The root of the deviance is interpolated linearly: of a parabola that is exact.

    >>> find_crossing(np.array([-1.0, 0.0, 1.0, 3.0]), np.array([1.0, 0.0, 1.0, 9.0]), 4.0, 1)
    2.0
    """
    best = int(np.argmin(deviance))
    indices = range(best + 1, coordinates.size) if direction > 0 else range(best - 1, -1, -1)
    for index in indices:
        if deviance[index] >= threshold:
            inner, outer = math.sqrt(deviance[index - direction]), math.sqrt(deviance[index])
            share = (math.sqrt(threshold) - inner) / (outer - inner)
            start = coordinates[index - direction]
            return float(start + share * (coordinates[index] - start))
    return None


def classify(curve: Curve) -> Identifiability:
    """Return the class of a parameter from the profile of the data alone.

    Flat in both directions to the ends of the range: structurally non-identifiable, whether others move along or none does.
    """
    if curve.lower_95 is not None and curve.upper_95 is not None:
        return Identifiability.IDENTIFIABLE
    whole = all(ending is Ending.RANGE for ending in curve.ended)
    if whole and max(curve.deviance) < FLAT_DEVIANCE:
        return Identifiability.STRUCTURALLY_NOT
    return Identifiability.PRACTICALLY_NOT


def find_open_sides(curve: Curve) -> tuple[OpenSide, ...]:
    """Return the sides on which a profile does not pass the 95 % threshold, the lower one first."""
    sides = ((curve.lower_95, -1, 0), (curve.upper_95, 1, -1))
    return tuple(OpenSide(direction, curve.deviance[last], curve.scores[last]) for end, direction, last in sides if end is None)


def find_correlated(curve: Curve) -> tuple[CorrelatedParameter, ...]:
    """Return the parameters that move along a profile where it is compatible with the data, those that move most first."""
    inside = [index for index, value in enumerate(curve.deviance) if value < THRESHOLD_95]
    first, last = inside[0], inside[-1]
    width = curve.scores[last] - curve.scores[first]
    if width <= 0.0:
        return ()
    changes = [
        CorrelatedParameter(name, (path[last] - path[first]) / width, max(path[first : last + 1]) - min(path[first : last + 1]))
        for name, path in curve.paths.items()
    ]
    return tuple(sorted((item for item in changes if item.change >= MIN_CHANGE), key=lambda item: -item.change))


def halving_error(posterior_error: float) -> float:
    """Return the standard error of a measurement that would halve a posterior standard deviation, in its unit.

    A measurement with standard error s beside a posterior with standard deviation d leaves 1 / sqrt(1/d^2 + 1/s^2); half of d
    is left at s = d / sqrt(3).

    >>> round(halving_error(1.0), 3)
    0.577
    """
    return posterior_error / math.sqrt(3.0)
