"""Profiles of predictions: how far a hazard ratio or a median can be drawn at what price in deviance, data and priors together.

Start with `require_predictions` and `plan_prediction`; `conclude` tells which predictions do not depend on the parameters that
the data alone do not identify.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.problem.predictions import pairs
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.fitting.profile.optimum import Optimum
from kinimmune.fitting.profile.parameters import DIRECTIONS
from kinimmune.fitting.profile.results import (
    THRESHOLD_95,
    Conclusion,
    Identifiability,
    ParameterProfile,
    PredictionProfile,
)
from kinimmune.fitting.profile.walk import Walk
from kinimmune.fitting.workflow.task import Json, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.trial.design import Endpoint

FARTHEST = 6.0
"""Standard errors by the curvature to which a prediction is drawn."""
WIDTH = 0.1
"""Width of the residual that draws it, in the same; it is reached to about a hundredth of the way."""


def list_allowed(problem: FitProblem) -> tuple[str, ...]:
    """Return the predictions that can be profiled; medians of time to progression sit on scans and cannot."""
    ratios = [f"{Statistic.HAZARD_RATIO}:{trial.study}:{endpoint}" for trial in problem.trials for endpoint in problem.endpoints]
    medians = [f"{Statistic.MEDIAN}:{study}:{arm}:{Endpoint.OS}" for study, arm in problem.arms]
    return (*ratios, *medians)


def list_usual(problem: FitProblem) -> tuple[str, ...]:
    """Return the predictions that are profiled when none are named: every hazard ratio of OS, and the first treated median."""
    first = problem.trials[0]
    ratios = [f"{Statistic.HAZARD_RATIO}:{trial.study}:{Endpoint.OS}" for trial in problem.trials]
    return (*ratios, f"{Statistic.MEDIAN}:{first.study}:{pairs(first)[0]}:{Endpoint.OS}")


def require_predictions(problem: FitProblem, names: Sequence[str]) -> None:
    """Refuse a prediction that cannot be profiled, with the nearest that can.

    Raises
    ------
    UsageError
        naming it
    """
    allowed = list_allowed(problem)
    for name in names:
        if name not in allowed:
            raise UsageError(f"no profile of '{name}'; {nearest(name, allowed)}")


@dataclass(frozen=True)
class Outlook:
    """A prediction at the optimum."""

    name: str
    value: float
    """ln of it."""
    slope: Array
    """By the point, shape (n,)"""
    cost: float
    """Sum of squares at the optimum, from the same virtual trial."""

    def error(self, optimum: Optimum) -> float:
        """Return its standard error by the curvature, of ln."""
        return math.sqrt(float(self.slope @ optimum.covariance @ self.slope))


def plan_prediction(work: TaskFunction, shared: tuple[Json, Json], optimum: Optimum, outlook: Outlook) -> list[Walk]:
    """Return the walks below and above the optimum of one prediction; `shared` is inputs, and what stands beside them."""
    error = outlook.error(optimum)
    if not error > 0.0:
        return []
    along = optimum.covariance @ outlook.slope / error**2
    return [
        Walk(
            function=work,
            prefix=f"profile-{outlook.name.replace(':', '-')}-{word}",
            inputs={**shared[0], "prediction": outlook.name, "width": WIDTH * error},
            context=shared[1],
            direction=direction,
            optimum=optimum.point,
            cost=outlook.cost,
            origin=outlook.value,
            end=outlook.value + direction * FARTHEST * error,
            tangent=along,
            error=error,
            scale=error,
        )
        for word, direction in DIRECTIONS.items()
    ]


def reach_error(outcomes: Sequence[Json]) -> float:
    """Return the largest difference between ln of a prediction as reached and as asked for."""
    return max((abs(item["reached"] - item["asked"]) for item in outcomes if item["reached"] is not None), default=0.0)


def conclude(parameters: Sequence[ParameterProfile], predictions: Sequence[PredictionProfile]) -> tuple[Conclusion, ...]:
    """Return how far each prediction moves along the profiles, with the data alone, of what these do not identify."""
    loose = [item for item in parameters if item.identifiability is not Identifiability.IDENTIFIABLE]
    return tuple(_conclude(item, loose) for item in predictions)


def _conclude(prediction: PredictionProfile, loose: Sequence[ParameterProfile]) -> Conclusion:
    movers = {}
    for parameter in loose:
        path = parameter.data.predictions.get(prediction.name, ())
        kept = [value for value, deviance in zip(path, parameter.data.deviance, strict=False) if deviance < THRESHOLD_95]
        if kept:
            movers[parameter.name] = (min(kept), max(kept))
    ends = [prediction.estimate, *(end for pair in movers.values() for end in pair)]
    lowest, highest = min(ends), max(ends)
    lower, upper = prediction.curve.lower_95, prediction.curve.upper_95
    if prediction.name.startswith(Statistic.HAZARD_RATIO):
        independent = highest < 1.0 or lowest > 1.0
    else:
        independent = lower is not None and upper is not None and lower <= lowest and highest <= upper
    return Conclusion(prediction.name, prediction.estimate, lower, upper, lowest, highest, movers, independent)


def outlook_of(name: str, outcome: Json) -> Outlook | None:
    """Return a prediction at the optimum from the outcome of its step, None where it does not exist."""
    if name not in outcome["values"]:
        return None
    return Outlook(name, float(outcome["values"][name]), np.array(outcome["slopes"][name]), float(outcome["cost"]))
