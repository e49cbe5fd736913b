"""From the points of a profile to a curve, its intervals, a class and a sentence of advice.

Start with `draw_curve`, `classify` and `advise`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.profile.results import THRESHOLD_90, THRESHOLD_95, Companion, Curve, Ending, Identifiability
from kinimmune.fitting.profile.walk import WalkedPoint
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.parameters import Parameter, Scale

FLAT = 0.1
"""Deviance below which a profile counts as flat: neighbouring valleys of the data alone differ by as much."""
MOVING = 0.1
"""Change of another parameter [prior sd] from which it is said to move along."""
MOST_NAMED = 3
"""Companions that advice names."""


@dataclass(frozen=True)
class Pieces:
    """What a curve is drawn from: the optimum, and the points of the walks below and above it."""

    names: tuple[str, ...]
    """Of the coordinates of a point."""
    optimum: WalkedPoint
    below: tuple[list[WalkedPoint], Ending]
    above: tuple[list[WalkedPoint], Ending]

    @property
    def points(self) -> list[WalkedPoint]:
        """All points, each coordinate value once, increasing."""
        found = {item.value: item for item in (*self.below[0], *self.above[0], self.optimum)}
        return [found[value] for value in sorted(found)]


def draw_curve(pieces: Pieces, value_at: Callable[[float], float], lowest: float, skip: int | None) -> Curve:
    """Return the curve through points of one profile.

    Parameters
    ----------
    pieces
        its points
    value_at
        turns the coordinate into the value a reader knows
    lowest
        cost from which the deviance counts
    skip
        place of the profiled parameter, which is no path; None for a prediction
    """
    points = pieces.points
    scores = np.array([item.value for item in points])
    deviance = np.maximum([item.cost - lowest for item in points], 0.0)
    ends = {
        (level, side): cross(scores, deviance, threshold, side)
        for level, threshold in ((95, THRESHOLD_95), (90, THRESHOLD_90))
        for side in (-1, 1)
    }
    shown = {key: None if end is None else value_at(end) for key, end in ends.items()}
    predictions = points[0].extra.get("predictions") or {}
    complete = [name for name in predictions if all(name in item.extra.get("predictions", {}) for item in points)]
    return Curve(
        values=tuple(value_at(item.value) for item in points),
        scores=tuple(map(float, scores)),
        deviance=tuple(map(float, deviance)),
        lower_95=shown[95, -1],
        upper_95=shown[95, 1],
        lower_90=shown[90, -1],
        upper_90=shown[90, 1],
        ended=(pieces.below[1], pieces.above[1]),
        paths={name: tuple(item.point[place] for item in points) for place, name in enumerate(pieces.names) if place != skip},
        predictions={name: tuple(float(item.extra["predictions"][name]) for item in points) for name in complete},
    )


def cross(scores: Array, deviance: Array, threshold: float, side: int) -> float | None:
    """Return the coordinate at which the deviance passes a threshold on one side of its lowest point; None if it does not.

    The root of the deviance is interpolated linearly: of a parabola that is exact.

    >>> cross(np.array([-1.0, 0.0, 1.0, 3.0]), np.array([1.0, 0.0, 1.0, 9.0]), 4.0, 1)
    2.0
    """
    best = int(np.argmin(deviance))
    places = range(best + 1, scores.size) if side > 0 else range(best - 1, -1, -1)
    for place in places:
        if deviance[place] >= threshold:
            inner, outer = math.sqrt(deviance[place - side]), math.sqrt(deviance[place])
            share = (math.sqrt(threshold) - inner) / (outer - inner)
            return float(scores[place - side] + share * (scores[place] - scores[place - side]))
    return None


def classify(curve: Curve) -> Identifiability:
    """Return the class of a parameter from the profile of the data alone.

    Flat in both directions to the ends of the range: structurally non-identifiable, whether others move along or none does.
    """
    if curve.lower_95 is not None and curve.upper_95 is not None:
        return Identifiability.IDENTIFIABLE
    whole = all(ending is Ending.RANGE for ending in curve.ended)
    if whole and max(curve.deviance) < FLAT:
        return Identifiability.STRUCTURALLY_NOT
    return Identifiability.PRACTICALLY_NOT


def find_companions(curve: Curve) -> tuple[Companion, ...]:
    """Return the parameters that move along a profile where it is compatible with the data, most first."""
    inside = [place for place, value in enumerate(curve.deviance) if value < THRESHOLD_95]
    first, last = inside[0], inside[-1]
    width = curve.scores[last] - curve.scores[first]
    if width <= 0.0:
        return ()
    found = [
        Companion(name, (path[last] - path[first]) / width, max(path[first : last + 1]) - min(path[first : last + 1]))
        for name, path in curve.paths.items()
    ]
    return tuple(sorted((item for item in found if item.change >= MOVING), key=lambda item: -item.change))


def advise(
    kind: Identifiability, parameter: Parameter, curve: Curve, companions: Sequence[Companion], posterior_error: float
) -> str:
    """Return what the profile shows and which measurement would help, in one or two sentences.

    A measurement with standard error s beside a posterior with standard deviation d leaves 1 / sqrt(1/d^2 + 1/s^2); half of d
    is left at s = d / sqrt(3).
    """
    said = {
        Identifiability.IDENTIFIABLE: "the data alone bound it on both sides",
        Identifiability.PRACTICALLY_NOT: _tell_open_side(curve),
        Identifiability.STRUCTURALLY_NOT: "the data alone allow any value of the range",
    }[kind]
    moving = _tell_companions(companions)
    error = posterior_error / math.sqrt(3.0)
    below = _tell_error(parameter, error)
    needed = f"to halve its interval, measure it ({parameter.meaning}) with a standard error below {below}"
    partner = ""
    if companions and kind is not Identifiability.IDENTIFIABLE and abs(companions[0].slope) > MOVING:
        other = companions[0]
        partner = f", or {other.name} to {abs(other.slope) * error:.2g} of its prior sd"
    return f"{said[:1].upper()}{said[1:]}{moving}; {needed}{partner}."


def _tell_open_side(curve: Curve) -> str:
    sides = []
    for end, which, place in ((curve.lower_95, "downwards", 0), (curve.upper_95, "upwards", -1)):
        if end is None:
            sides.append(f"{which} (deviance {curve.deviance[place]:.2g} at {curve.scores[place]:+.1f} prior sd)")
    return f"the data alone do not bound it {' or '.join(sides)}"


def _tell_companions(companions: Sequence[Companion]) -> str:
    if not companions:
        return ", and no other parameter moves with it"
    named = [
        f"{item.name} {'rises' if item.slope > 0.0 else 'falls'} by {abs(item.slope):.1f}"
        for item in companions[:MOST_NAMED]
        if abs(item.slope) >= MOVING
    ]
    return f"; per prior sd of it {', '.join(named)}" if named else ""


def _tell_error(parameter: Parameter, error: float) -> str:
    """Return a standard error in prior sds as a reader measures it."""
    size = error * parameter.prior.sd
    if parameter.prior.scale is Scale.LOGNORMAL:
        return f"{100.0 * math.expm1(size):.0f} %"
    if parameter.prior.scale is Scale.LOGITNORMAL:
        return f"{size:.2g} of its logit"
    return f"{size:.2g} {parameter.unit}"
