"""The two optima that profiles start from: of the data alone, and of data and priors.

Start with `find_optima`.  That of the data alone is looked for from the estimates, from the prior medians and from a Sobol point,
because with about as many parameters as numbers its valley is flat.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.problem.objective import TrialObjective
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.settings import ProblemSettings
from kinimmune.fitting.problem.start_points import start_points
from kinimmune.fitting.profile.optimum import Optimum
from kinimmune.fitting.profile.path import ProfilePoint
from kinimmune.fitting.profile.points import PROFILE_OPTIMUM, PROFILE_OUTLOOK, RANGE
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError

WEIGHTS = {"data": 0.0, "posterior": 1.0}
"""Objective -> weight of the priors."""
DATA_STARTS = 2
"""Starts of the data's optimum besides the estimates."""


@dataclass(frozen=True)
class ProfileContext:
    """What every task of the profiles of a fit depends on."""

    settings: ProblemSettings
    folder: str | None
    """Tables that replace the package's; None for none."""
    problem: FitProblem

    @property
    def task_context(self) -> dict[str, object]:
        """What tasks need and their outcomes do not depend on."""
        return {"folder": self.folder, "jobs": 1}

    def inputs(self, objective: str) -> dict[str, object]:
        """Return what the tasks on one objective, `data` or `posterior`, share."""
        return {"problem": self.settings.plain, "prior_weight": WEIGHTS[objective]}

    @property
    def range(self) -> tuple[Array, Array]:
        """Lowest and highest z-score of each estimated parameter, shape (n,) each."""
        return TrialObjective(self.problem, reach=RANGE).bounds


@dataclass(frozen=True)
class ProfileOptimum:
    """The optimum of an objective, and what it predicts."""

    optimum: Optimum
    predictions: Json
    """Outcome of the task `PROFILE_OUTLOOK` there."""
    evaluations: int
    """Virtual trials run to find both."""

    def as_point(self, index: int) -> ProfilePoint:
        """Return the optimum as a point of the profile of one parameter."""
        z = tuple(map(float, self.optimum.z))
        predicted = {name: math.exp(value) for name, value in self.predictions["values"].items()}
        return ProfilePoint(z[index], z, self.optimum.chi_square, {"predictions": predicted})


OPTIMUM_TASKS = 1 + 1 + DATA_STARTS + len(WEIGHTS)
"""Number of tasks of `find_optima`: the starts of both optima, and what each predicts."""


def find_optima(
    context: ProfileContext, estimates: Array, predictions: Sequence[str], runtime: Runtime
) -> dict[str, ProfileOptimum]:
    """Return the optimum of each objective.

    Parameters
    ----------
    context
        the fit
    estimates
        its estimates as z-scores, shape (n,)
    predictions
        names of what is predicted there
    runtime
        where chains are run

    Raises
    ------
    NumericalError
        when no start gives a finite sum of squares
    """
    starts = {
        "posterior": [estimates],
        "data": [estimates, *start_points(context.problem, DATA_STARTS, context.settings.seed)],
    }
    outcomes = {
        objective: runtime.run([TaskChain(task) for task in _optimum_tasks(context, objective, points)])
        for objective, points in starts.items()
    }
    optima = {objective: _best(context, chains) for objective, chains in outcomes.items()}
    predicted = runtime.run(
        [TaskChain(_prediction_task(context, objective, optimum, predictions)) for objective, optimum in optima.items()]
    )
    return {
        objective: ProfileOptimum(optimum, chain[0], _count_evaluations([*outcomes[objective], chain]))
        for (objective, optimum), chain in zip(optima.items(), predicted, strict=True)
    }


def _optimum_tasks(context: ProfileContext, objective: str, starts: Sequence[Array]) -> list[Task]:
    return [
        Task(
            PROFILE_OPTIMUM,
            f"profile-optimum-{objective}-{number}",
            {**context.inputs(objective), "start": [float(score) for score in start]},
            context.task_context,
        )
        for number, start in enumerate(starts)
    ]


def _prediction_task(context: ProfileContext, objective: str, optimum: Optimum, predictions: Sequence[str]) -> Task:
    z = [float(score) for score in optimum.z]
    inputs = {**context.inputs(objective), "point": z, "predictions": list(predictions)}
    return Task(PROFILE_OUTLOOK, f"profile-outlook-{objective}", inputs, context.task_context)


def _best(context: ProfileContext, chains: Sequence[Sequence[Json]]) -> Optimum:
    best = min((chain[0] for chain in chains), key=lambda outcome: float(outcome["cost"]))
    if not math.isfinite(best["cost"]):
        raise NumericalError("no start of the profiles gave a finite sum of squares; look at the fit of this run first")
    names = tuple(item.key for item in context.problem.estimated)
    return Optimum(names, np.array(best["point"]), float(best["cost"]), np.array(best["jacobian"]), *context.range)


def _count_evaluations(chains: Sequence[Sequence[Mapping[str, object]]]) -> int:
    return sum(int(str(outcome["evaluations"])) for chain in chains for outcome in chain)
