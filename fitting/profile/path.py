"""A profile in one direction as a chain of points, each begun where the last one ended; steps adapt to the deviance.

Start with `ProfilePath` and `trace`.  What a point is, the function of its task knows: it takes `value` (of the coordinate) and
`start` (where minimisation begins), and gives `reached` (the value it came to), `point` (z-scores) and `cost` (the sum of squares
there).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.profile.results import THRESHOLD_95, Ending
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array

STOP_AT = 1.1 * THRESHOLD_95
"""Deviance at which a path ends: beyond the threshold, so that interpolation to it has points on both sides."""
TARGET_RISE = 1.0
"""Rise of the deviance aimed at from point to point."""
MAX_RISE = 2.5
"""Rise after which a path goes back and takes half the step."""
MIN_STEP, MAX_STEP = 0.02, 1.5
"""Bounds of a step, in units of the path's scale."""
MAX_POINTS = 40
"""Most points of a path."""
USUAL_POINTS = (2, 3, 3, 4, 4, 5, 5, 6, 8)
"""Lengths of paths as they came out for `hcc_trial` and for the trial in `examples/own_trial`."""


@dataclass(frozen=True)
class ProfilePath:
    """One direction of one profile; the coordinate is a parameter's z-score, or ln of a prediction."""

    function: TaskFunction
    """Computes a point."""
    prefix: str
    """Beginning of the names of its tasks, such as `profile-data-growth-up`."""
    inputs: Json
    """What every task needs, besides the value of its point and where minimisation starts."""
    context: Json
    """What every task needs and no outcome depends on."""
    direction: int
    """1 upwards, -1 downwards."""
    optimum: Array
    """z-scores where it begins, shape (n,)."""
    chi_square: float
    """Sum of squares at the optimum."""
    origin: float
    """Value of the coordinate at the optimum."""
    end: float
    """Value of the coordinate at which it ends at the latest."""
    tangent: Array
    """Derivative of the constrained optimum by the coordinate to first order, shape (n,)."""
    standard_error: float
    """Standard error of the coordinate by the curvature; infinite where there is none."""
    scale: float = 1.0
    """Unit of the coordinate in which steps are bounded."""


@dataclass(frozen=True)
class ProfilePoint:
    """A point of a profile: the best fit at one value of the coordinate."""

    value: float
    """Value of the coordinate."""
    z: tuple[float, ...]
    """z-scores of the estimated parameters."""
    chi_square: float
    """Sum of squares there."""
    outcome: Json
    """Outcome of the task that found it; empty for an optimum."""

    @property
    def predictions(self) -> dict[str, float]:
        """Prediction -> its value there; empty where none was computed."""
        return dict(self.outcome.get("predictions") or {})


def trace(path: ProfilePath) -> TaskChain | None:
    """Return the chain of tasks that computes a path; None when the range leaves no room for it."""
    if path.direction * (path.end - path.origin) <= MIN_STEP * path.scale:
        return None
    first = min(max(math.sqrt(TARGET_RISE) * path.standard_error, 2.0 * MIN_STEP * path.scale), MAX_STEP * path.scale)
    base = {"value": path.origin, "point": _plain(path.optimum), "cost": path.chi_square}
    tangent = path.direction * path.tangent
    return TaskChain(_task(path, base, first, tangent, 1), lambda task, outcome: _next_task(path, task, outcome))


def read_points(path: ProfilePath, outcomes: Sequence[Json]) -> tuple[list[ProfilePoint], Ending]:
    """Return the points of a finished path, in its direction, and why it ended; those that could not be computed are left out."""
    points = [
        ProfilePoint(float(item["reached"]), tuple(map(float, item["point"])), float(item["cost"]), item)
        for item in outcomes
        if math.isfinite(item["cost"])
    ]
    points.sort(key=lambda point: path.direction * point.value)
    if any(point.chi_square - path.chi_square >= STOP_AT for point in points):
        return points, Ending.THRESHOLD
    last = points[-1].value if points else path.origin
    at_end = path.direction * (path.end - last) <= MIN_STEP * path.scale
    return points, Ending.RANGE if at_end else Ending.STUCK


def _next_task(path: ProfilePath, task: Task, outcome: Json) -> Task | None:
    """Return the next task: a shorter step from the same point after too steep a rise, else one onwards from the new point."""
    base, length, number = task.inputs["base"], float(task.inputs["length"]), int(task.inputs["number"])
    if number >= MAX_POINTS:
        return None
    rise = float(outcome["cost"]) - float(base["cost"])
    shortest = MIN_STEP * path.scale
    if rise > MAX_RISE or not math.isfinite(rise):
        if length / 2.0 >= shortest:
            halfway = np.array(task.inputs["start"]) - np.array(base["point"])
            return _task(path, base, length / 2.0, halfway / length, number + 1)
        if not math.isfinite(rise):
            return None
    reached, deviance = float(outcome["reached"]), float(outcome["cost"]) - path.chi_square
    if deviance >= STOP_AT or path.direction * (path.end - reached) <= shortest:
        return None
    onwards = {"value": reached, "point": _plain(outcome["point"]), "cost": float(outcome["cost"])}
    distance = max(abs(reached - float(base["value"])), 1e-9)
    tangent = (np.array(outcome["point"]) - np.array(base["point"])) / distance
    return _task(path, onwards, _next_length(length, rise, path.scale), tangent, number + 1)


def _next_length(length: float, rise: float, scale: float) -> float:
    """Return the length of the next step: twice the last after a small rise, half of it after a large one."""
    if rise < TARGET_RISE / 2.0:
        length *= 2.0
    elif rise > 2.0 * TARGET_RISE:
        length /= 2.0
    return min(max(length, MIN_STEP * scale), MAX_STEP * scale)


def _task(path: ProfilePath, base: Json, length: float, tangent: Array, number: int) -> Task:
    """Return the task of a step of some length from a point, begun where the tangent leads.

    What is left of the range is taken at once where it is little more than a step.
    """
    room = path.direction * (path.end - float(base["value"]))
    taken = room if room < 1.25 * length else length
    inputs = {
        **path.inputs,
        "value": float(base["value"]) + path.direction * taken if taken < room else path.end,
        "start": _plain(np.array(base["point"]) + taken * tangent),
        "base": dict(base),
        "length": taken,
        "number": number,
    }
    return Task(path.function, f"{path.prefix}-{number:03d}", inputs, path.context)


def _plain(z: Sequence[float] | Array) -> list[float]:
    return [float(score) for score in z]
