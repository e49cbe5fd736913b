"""The companion of a fit: the same problem fitted once more, to its medians alone, so that it predicts hazard ratios.

Start with `needs_companion` and `fit_companion`.  Where a ratio was fitted, or a curve or patients that hold it, agreement with
it tells nothing of the model; a fit that saw medians and nothing else predicts it.  The companion is a task of long work, kept in
the run as starts are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.estimation.optimise import StartOutcome, optimise, read_start
from kinimmune.fitting.problem.correlation import CorrelatedBlock, find_correlated_studies
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.problem.targets import Statistic, Target
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array

TASKS = 1
"""Tasks of a fit besides its others where it has a companion."""


@dataclass(frozen=True)
class Companion:
    """A fit to medians alone."""

    problem: FitProblem
    """With the medians as its only targets; every arm of the fit."""
    found: StartOutcome

    @property
    def z(self) -> Array:
        """z-scores of the estimated parameters, shape (n_estimated,)."""
        return np.array(self.found.z)

    @property
    def exists(self) -> bool:
        """Whether the optimiser came to anything."""
        return bool(np.isfinite(self.found.chi_square))


def fits_medians_alone(targets: Sequence[Target]) -> bool:
    """Return whether targets are medians of trials and nothing else."""
    return all(item.statistic is Statistic.MEDIAN for item in targets)


def needs_companion(fitted: Sequence[Target], scored: Sequence[Target]) -> bool:
    """Return whether the ratios of Q need a fit of their own: medians were fitted, and something else with them."""
    return bool(scored and _list_medians(fitted)) and not fits_medians_alone(fitted)


def fit_companion(settings: ProblemSettings, problem: FitProblem, z: Array, runtime: Runtime, folder: str | None) -> Companion:
    """Fit the medians of a problem alone, from the optimum of the fit to everything.

    Parameters
    ----------
    settings, problem
        what was fitted, with the correlations that were taken into account
    z
        where the fit ended, shape (n_estimated,)
    runtime
        where the task is kept and computed
    folder
        tables that replace the package's

    Raises
    ------
    DataError
        when the kept task cannot be read
    """
    smaller = restrict_to_medians(problem)
    inputs = {"problem": settings.with_correlations(smaller.correlations).plain, "point": list(map(float, z))}
    context = {"folder": folder, "jobs": problem.jobs}
    runtime.tell("fitting to the medians alone, for the score of hazard ratios")
    outcome = runtime.run([TaskChain(Task(FIT_COMPANION, "start-companion", inputs, context))])[0][0]
    return Companion(smaller, read_start(outcome, z.size))


def restrict_to_medians(problem: FitProblem) -> FitProblem:
    """Return the problem as if every fitted number but the medians had the role `unfitted`.

    Correlations are kept in the studies that would be fitted with them: medians of OS and TTP are taken as independent.
    """
    medians = _list_medians(problem.targets)
    kept = _keep_correlations(problem.correlations, find_correlated_studies(medians, problem.trials))
    return replace(problem, targets=medians, correlations=kept, experiments=None)


def minimise_companion(inputs: Json) -> Json:
    """Minimise from the optimum of the fit over its medians alone: the function of a task."""
    whole = open_problem(ProblemSettings(**inputs["problem"]), inputs["folder"], inputs["jobs"])
    smaller = restrict_to_medians(whole)
    needed = {(item.study, item.arm) for item in smaller.targets}
    run = tuple(place for place in smaller.arms if place in needed)
    found = optimise(replace(smaller, arms=run), np.array(inputs["point"]), _ignore)
    failures = [] if found.converged else [{"what": "fit to the medians alone", "reason": found.message}]
    return {**found.plain, "failures": failures}


FIT_COMPANION = TaskFunction("fit.companion", minimise_companion)


def _list_medians(targets: Sequence[Target]) -> tuple[Target, ...]:
    return tuple(item for item in targets if item.statistic is Statistic.MEDIAN)


def _keep_correlations(blocks: Sequence[CorrelatedBlock], studies: Sequence[str]) -> tuple[CorrelatedBlock, ...]:
    return tuple(block for block in blocks if block.study in studies)


def _ignore(_chi_square: float) -> None:
    """Do nothing with a sum of squares that was met on the way."""
