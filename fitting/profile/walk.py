"""A profile in one direction as a chain of points, each begun where the last one ended; steps adapt to the deviance.

Start with `Walk` and `walk_along`.  What a point is, the work of its step knows: it takes `value` (of the coordinate) and `start`
(where minimisation begins), and gives `reached` (the value it came to), `point` and `cost`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.profile.results import THRESHOLD_95, Ending
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array

STOP_AT = 1.1 * THRESHOLD_95
"""Deviance at which a walk ends: beyond the threshold, so that interpolation to it has points on both sides."""
RISE = 1.0
"""Rise of the deviance aimed at from point to point."""
TOO_MUCH = 2.5
"""Rise after which a walk goes back and takes half the step."""
SMALLEST, LARGEST = 0.02, 1.5
"""Steps, in units of the walk's scale."""
MOST_POINTS = 40
USUAL_POINTS = (2, 3, 3, 4, 4, 5, 5, 6, 8)
"""Lengths of walks as they came out for `hcc_trial` and for the trial in `examples/own_trial`."""


@dataclass(frozen=True)
class Walk:
    """One direction of one profile."""

    function: TaskFunction
    prefix: str
    """Names of the steps, such as `profile-data-growth-up`."""
    inputs: Json
    """What every step needs, besides its value and where it starts."""
    context: Json
    direction: int
    """1 or -1"""
    optimum: Array
    """Where it begins, shape (n,)"""
    cost: float
    """At the optimum."""
    origin: float
    """Value of the coordinate at the optimum."""
    end: float
    """Value at which it ends at the latest."""
    tangent: Array
    """How the optimum moves with the coordinate to first order, shape (n,)"""
    error: float
    """Standard error of the coordinate by the curvature; infinite when there is none."""
    scale: float = 1.0
    """Unit of the coordinate in which steps are bounded."""


@dataclass(frozen=True)
class WalkedPoint:
    """A point of a profile."""

    value: float
    """Of the coordinate."""
    point: tuple[float, ...]
    cost: float
    extra: Json
    """The outcome of its step."""


def walk_along(walk: Walk) -> TaskChain | None:
    """Return the chain of a walk; None when there is no room to walk in."""
    if walk.direction * (walk.end - walk.origin) <= SMALLEST * walk.scale:
        return None
    first = min(max(math.sqrt(RISE) * walk.error, 2.0 * SMALLEST * walk.scale), LARGEST * walk.scale)
    base = {"value": walk.origin, "point": _plain(walk.optimum), "cost": walk.cost}
    tangent = walk.direction * walk.tangent
    return TaskChain(_step(walk, base, first, tangent, 1), lambda step, outcome: _follow(walk, step, outcome))


def points_of(walk: Walk, outcomes: Sequence[Json]) -> tuple[list[WalkedPoint], Ending]:
    """Return the points of a finished walk, in its direction, and why it ended; points without a cost are left out."""
    found = [
        WalkedPoint(float(item["reached"]), tuple(map(float, item["point"])), float(item["cost"]), item)
        for item in outcomes
        if math.isfinite(item["cost"])
    ]
    found.sort(key=lambda item: walk.direction * item.value)
    if any(item.cost - walk.cost >= STOP_AT for item in found):
        return found, Ending.THRESHOLD
    last = found[-1].value if found else walk.origin
    ended = walk.direction * (walk.end - last) <= SMALLEST * walk.scale
    return found, Ending.RANGE if ended else Ending.STUCK


def _follow(walk: Walk, step: Task, outcome: Json) -> Task | None:
    """Return the next step: shorter from the same point after too steep a rise, else onwards from the new one."""
    base, length, number = step.inputs["base"], float(step.inputs["length"]), int(step.inputs["number"])
    if number >= MOST_POINTS:
        return None
    rise = float(outcome["cost"]) - float(base["cost"])
    smallest = SMALLEST * walk.scale
    if rise > TOO_MUCH or not math.isfinite(rise):
        if length / 2.0 >= smallest:
            halfway = np.array(step.inputs["start"]) - np.array(base["point"])
            return _step(walk, base, length / 2.0, halfway / length, number + 1)
        if not math.isfinite(rise):
            return None
    reached, deviance = float(outcome["reached"]), float(outcome["cost"]) - walk.cost
    if deviance >= STOP_AT or walk.direction * (walk.end - reached) <= smallest:
        return None
    onwards = {"value": reached, "point": _plain(outcome["point"]), "cost": float(outcome["cost"])}
    moved = max(abs(reached - float(base["value"])), 1e-9)
    tangent = (np.array(outcome["point"]) - np.array(base["point"])) / moved
    return _step(walk, onwards, _next_length(length, rise, walk.scale), tangent, number + 1)


def _next_length(length: float, rise: float, scale: float) -> float:
    if rise < RISE / 2.0:
        length *= 2.0
    elif rise > 2.0 * RISE:
        length /= 2.0
    return min(max(length, SMALLEST * scale), LARGEST * scale)


def _step(walk: Walk, base: Json, length: float, tangent: Array, number: int) -> Task:
    """Return a step of some length from a point, begun where the tangent leads; a short rest of the range is taken at once."""
    room = walk.direction * (walk.end - float(base["value"]))
    taken = room if room < 1.25 * length else length
    inputs = {
        **walk.inputs,
        "value": float(base["value"]) + walk.direction * taken if taken < room else walk.end,
        "start": _plain(np.array(base["point"]) + taken * tangent),
        "base": dict(base),
        "length": taken,
        "number": number,
    }
    return Task(walk.function, f"{walk.prefix}-{number:03d}", inputs, walk.context)


def _plain(point: Sequence[float] | Array) -> list[float]:
    return [float(score) for score in point]
