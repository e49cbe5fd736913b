"""Profiles of predictions: how far a hazard ratio or a median can be drawn at what price in deviance, data and priors together.

Start with `choose_predictions` and `plan_prediction`; `conclude` tells which predictions do not depend on the parameters that
the data alone do not identify.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.problem.outputs import MedianOutput, list_ratios, name_ratio
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.fitting.profile.optimum import Optimum
from kinimmune.fitting.profile.parameters import DIRECTIONS, PointTasks
from kinimmune.fitting.profile.path import ProfilePath
from kinimmune.fitting.profile.results import (
    THRESHOLD_95,
    Conclusion,
    Identifiability,
    ParameterProfile,
    PredictionProfile,
)
from kinimmune.fitting.workflow.task import Json
from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.trial.design import Endpoint

FARTHEST = 6.0
"""Standard errors by the curvature to which a prediction is drawn."""
WIDTH = 0.1
"""Width of the residual that draws it [standard errors]; the value is then reached to about a hundredth of the way."""


def profilable_predictions(problem: FitProblem) -> tuple[str, ...]:
    """Return the predictions that can be profiled; medians of TTP and PFS sit on scans and cannot."""
    ratios = [item.name for trial in problem.trials for endpoint in problem.endpoints for item in list_ratios(trial, endpoint)]
    medians = [f"{Statistic.MEDIAN}:{study}:{arm}:{Endpoint.OS}" for study, arm in problem.arms]
    return (*ratios, *medians)


def default_predictions(problem: FitProblem) -> tuple[str, ...]:
    """Return the predictions that are profiled when none are named: every hazard ratio of OS, and medians of OS.

    Those of the first treated arm, and of every arm of a study without a control.
    """
    ratios = [item.name for trial in problem.trials for item in list_ratios(trial, Endpoint.OS)]
    alone = [arm for trial in problem.trials if trial.control is None for arm in trial.arms]
    first = [trial.treated[0] for trial in problem.trials[:1]]  # none of a fit to experiments alone
    medians = [MedianOutput(arm.study, arm.name).name for arm in (*first, *alone)]
    return (*ratios, *dict.fromkeys(medians))


def choose_predictions(problem: FitProblem, names: Sequence[str]) -> tuple[str, ...]:
    """Return named predictions, each once and a ratio by its own name; refuse one that cannot be profiled.

    Raises
    ------
    UsageError
        naming it, with the nearest that can
    """
    return tuple(dict.fromkeys(_choose_prediction(problem, name) for name in names))


def _choose_prediction(problem: FitProblem, name: str) -> str:
    allowed = profilable_predictions(problem)
    if name in allowed:
        return name
    trials = {trial.study: trial for trial in problem.trials}
    match name.split(":"):
        case [Statistic.HAZARD_RATIO, study, endpoint] if study in trials and endpoint in problem.endpoints:
            arm = None
        case [Statistic.HAZARD_RATIO, study, arm, endpoint] if study in trials and endpoint in problem.endpoints:
            pass
        case _:
            raise UsageError(f"no profile of '{name}'; {nearest(name, allowed)}")
    try:
        treated, _ = trials[study].contrast(arm)
    except UsageError as error:
        raise UsageError(f"no profile of '{name}': {error}") from error
    return name_ratio(trials[study], treated.name, Endpoint(endpoint)).name


@dataclass(frozen=True)
class PredictionAtOptimum:
    """A prediction at the optimum of data and priors, with its derivative there."""

    name: str
    value: float
    """Natural logarithm of the prediction."""
    slope: Array
    """Derivative of that logarithm by the z-scores, shape (n,)."""
    chi_square: float
    """Sum of squares at the optimum, from the same virtual trial."""

    def standard_error(self, optimum: Optimum) -> float:
        """Return the standard error of the logarithm by the curvature."""
        return math.sqrt(float(self.slope @ optimum.covariance @ self.slope))


def read_prediction(name: str, outcome: Json) -> PredictionAtOptimum | None:
    """Return a prediction from the outcome of the task `PROFILE_OUTLOOK`, None where it does not exist."""
    if name not in outcome["values"]:
        return None
    slope = np.array(outcome["slopes"][name])
    return PredictionAtOptimum(name, float(outcome["values"][name]), slope, float(outcome["cost"]))


def plan_prediction(tasks: PointTasks, optimum: Optimum, prediction: PredictionAtOptimum) -> list[ProfilePath]:
    """Return the paths below and above the optimum of one prediction; none where it does not move with the parameters."""
    error = prediction.standard_error(optimum)
    if not error > 0.0:
        return []
    tangent = optimum.covariance @ prediction.slope / error**2
    return [
        ProfilePath(
            function=tasks.function,
            prefix=f"profile-{prediction.name.replace(':', '-')}-{word}",
            inputs={**tasks.inputs, "prediction": prediction.name, "width": WIDTH * error},
            context=tasks.context,
            direction=direction,
            optimum=optimum.z,
            chi_square=prediction.chi_square,
            origin=prediction.value,
            end=prediction.value + direction * FARTHEST * error,
            tangent=tangent,
            standard_error=error,
            scale=error,
        )
        for word, direction in DIRECTIONS.items()
    ]


def largest_miss(outcomes: Sequence[Json]) -> float:
    """Return the largest difference between ln of a prediction as reached and as asked for, 0 without points."""
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
