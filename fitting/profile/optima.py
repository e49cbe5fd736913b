"""The two optima that profiles start from: of the data alone, and of data and priors.

Start with `find_optima`.  Of the data alone it is looked for from the estimates, from the prior medians and from a Sobol point,
because with about as many parameters as numbers its valley is flat.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.problem.objective import TrialObjective
from kinimmune.fitting.problem.problem import FitProblem, start_points
from kinimmune.fitting.problem.settings import ProblemSettings
from kinimmune.fitting.profile.optimum import Optimum
from kinimmune.fitting.profile.points import PROFILE_OPTIMUM, PROFILE_OUTLOOK, RANGE
from kinimmune.fitting.profile.walk import WalkedPoint
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError

WEIGHTS = {"data": 0.0, "posterior": 1.0}
"""Objective -> weight of the priors."""
DATA_STARTS = 2
"""Starts of the data's optimum besides the estimates."""


@dataclass(frozen=True)
class Ground:
    """What every step of the profiles of a fit depends on."""

    settings: ProblemSettings
    folder: str | None
    problem: FitProblem

    @property
    def context(self) -> dict[str, object]:
        """What steps need and their outcomes do not depend on."""
        return {"folder": self.folder, "jobs": 1}

    def inputs(self, label: str) -> dict[str, object]:
        """Return what the steps on one objective share."""
        return {"problem": self.settings.plain, "prior_weight": WEIGHTS[label]}

    @property
    def range(self) -> tuple[Array, Array]:
        """Lowest and highest score of each parameter, shape (n_free,) each."""
        return TrialObjective(self.problem, reach=RANGE).bounds


@dataclass(frozen=True)
class Found:
    """An optimum, and what it predicts."""

    optimum: Optimum
    outlook: Json
    """Outcome of `PROFILE_OUTLOOK` there."""
    evaluations: int

    def begin(self, place: int) -> WalkedPoint:
        """Return the optimum as a point of one parameter's profile."""
        point = tuple(map(float, self.optimum.point))
        predicted = {name: math.exp(value) for name, value in self.outlook["values"].items()}
        return WalkedPoint(point[place], point, self.optimum.cost, {"predictions": predicted})


STEPS = 1 + 1 + DATA_STARTS + len(WEIGHTS)
"""Of `find_optima`: starts of both, and what each predicts."""


def find_optima(ground: Ground, point: Array, predictions: Sequence[str], runtime: Runtime) -> dict[str, Found]:
    """Return the optimum of each objective.

    Parameters
    ----------
    ground
        the fit
    point
        its estimates as standard scores, shape (n_free,)
    predictions
        what is predicted there
    runtime
        where chains are run

    Raises
    ------
    NumericalError
        when no start gives a finite sum of squares
    """
    starts = {"posterior": [point], "data": [point, *start_points(ground.problem, DATA_STARTS, ground.settings.seed)]}
    kept = {label: runtime.run([TaskChain(step) for step in _steps(ground, label, points)]) for label, points in starts.items()}
    optima = {label: _best(ground, outcomes) for label, outcomes in kept.items()}
    seen = runtime.run([TaskChain(_look(ground, label, optimum, predictions)) for label, optimum in optima.items()])
    return {
        label: Found(optimum, seen[place][0], _count([*kept[label], seen[place]]))
        for place, (label, optimum) in enumerate(optima.items())
    }


def _steps(ground: Ground, label: str, points: Sequence[Array]) -> list[Task]:
    return [
        Task(
            PROFILE_OPTIMUM,
            f"profile-optimum-{label}-{number}",
            {**ground.inputs(label), "start": [float(score) for score in point]},
            ground.context,
        )
        for number, point in enumerate(points)
    ]


def _look(ground: Ground, label: str, optimum: Optimum, predictions: Sequence[str]) -> Task:
    point = [float(score) for score in optimum.point]
    inputs = {**ground.inputs(label), "point": point, "predictions": list(predictions)}
    return Task(PROFILE_OUTLOOK, f"profile-outlook-{label}", inputs, ground.context)


def _best(ground: Ground, found: Sequence[Sequence[Json]]) -> Optimum:
    best = min((item[0] for item in found), key=lambda item: float(item["cost"]))
    if not math.isfinite(best["cost"]):
        raise NumericalError("no start of the profiles gave a finite sum of squares; look at the fit of this run first")
    names = tuple(item.key for item in ground.problem.free)
    return Optimum(names, np.array(best["point"]), float(best["cost"]), np.array(best["jacobian"]), *ground.range)


def _count(outcomes: Sequence[Sequence[Mapping[str, object]]]) -> int:
    return sum(int(str(item["evaluations"])) for group in outcomes for item in group)
