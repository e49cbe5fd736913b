"""The second half of a fit to numbers that share patients: their correlations at the first optimum, and the fit from there.

Start with `fit_again`.  Both are tasks of long work, kept in the run as starts are.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from pydantic import TypeAdapter, ValidationError

from kinimmune.fitting.estimation.correlations import find_correlations
from kinimmune.fitting.estimation.optimise import Solution, optimise, read_start
from kinimmune.fitting.estimation.whitening import BlockSummary, Whitening, describe_whitening
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, Task, TaskChain, TaskFunction
from kinimmune.models.errors import DataError, NumericalError

TASKS = 2
"""Tasks of a fit besides its starts where correlations are taken into account."""


@dataclass(frozen=True)
class CorrelatedFit:
    """A fit with what it knows of correlations."""

    problem: FitProblem
    solution: Solution
    whitening: Whitening | None
    """None where numbers are independent, or taken as such."""


def fit_again(
    settings: ProblemSettings, problem: FitProblem, solution: Solution, runtime: Runtime, folder: str | None
) -> CorrelatedFit:
    """Find how numbers that share patients correlate at the best of several starts, and minimise once more from there.

    Parameters
    ----------
    settings, problem
        what was fitted, without correlations
    solution
        where starts ended
    runtime
        where the two tasks are kept and computed
    folder
        tables that replace the package's

    Raises
    ------
    DataError
        when two numbers tell nearly the same
    NumericalError
        when drawn trials seldom print all numbers, or the second minimisation comes to nothing
    """
    point, context = list(solution.best.z), {"folder": folder, "jobs": problem.jobs}
    inputs = {"problem": settings.plain, "point": point}
    runtime.tell("drawing trials: how numbers that share patients correlate")
    drawn = runtime.run([TaskChain(Task(FIT_CORRELATIONS, "start-correlations", inputs, context))])[0][0]
    whitening = describe_whitening(_read_blocks(drawn))
    assert whitening is not None  # there are studies with correlations
    informed = settings.with_correlations(whitening.correlations)
    runtime.tell("fitting once more with correlations")
    again = {"problem": informed.plain, "point": point}
    outcome = runtime.run([TaskChain(Task(FIT_AGAIN, "start-correlated", again, context))])[0][0]
    found = read_start(outcome, len(point))
    if not np.isfinite(found.chi_square):
        raise NumericalError(f"no finite sum of squares once correlations are taken into account: {found.message}")
    correlated = replace(problem, correlations=whitening.correlations)
    return CorrelatedFit(correlated, replace(solution, best=found, again=found.evaluations), whitening)


def compute_correlations(inputs: Json) -> Json:
    """Find the correlations of a problem at a point: the function of a task."""
    problem = _open(inputs)
    found = find_correlations(problem, np.array(inputs["point"]), problem.population.seed)
    return {"blocks": [asdict(item) for item in found]}


def minimise_again(inputs: Json) -> Json:
    """Minimise from the first optimum with correlations: the function of a task."""
    found = optimise(_open(inputs), np.array(inputs["point"]), _ignore)
    failures = [] if found.converged else [{"what": "fit with correlations", "reason": found.message}]
    return {**found.plain, "failures": failures}


FIT_CORRELATIONS = TaskFunction("fit.correlations", compute_correlations)
FIT_AGAIN = TaskFunction("fit.again", minimise_again)


def _open(inputs: Json) -> FitProblem:
    return open_problem(ProblemSettings(**inputs["problem"]), inputs["folder"], inputs["jobs"])


def _read_blocks(outcome: Json) -> tuple[BlockSummary, ...]:
    blocks: Sequence[object] = outcome.get("blocks", ())
    try:
        return TypeAdapter(tuple[BlockSummary, ...]).validate_python(blocks)
    except ValidationError as error:
        raise DataError("start-correlations in results/tasks of this run cannot be read; fit again with --force") from error


def _ignore(_chi_square: float) -> None:
    """Do nothing with a sum of squares that was met on the way."""
