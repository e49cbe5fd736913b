"""The fit: lmfit's least squares from several starts, on residuals of targets and priors.

Start with `fit`; the only module that knows lmfit.  Every finished start is kept by a `Store`, so that a fit that
was interrupted goes on where it stopped.
"""

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

import lmfit
import numpy as np

from kinimmune.fitting.estimation.results import FitResult, TrialResult
from kinimmune.fitting.estimation.solution import Solution, StartOutcome
from kinimmune.fitting.estimation.stop_rules import compare_stop_rules
from kinimmune.fitting.estimation.summary import summarise
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.objective import Objective, Tolerance, TrialObjective
from kinimmune.fitting.problem.problem import FitProblem, start_points
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.problem.targets import read_targets
from kinimmune.fitting.workflow.task import (
    Chain,
    Here,
    Plain,
    Pool,
    Step,
    Store,
    TaskFunction,
    Watcher,
    run_chains,
    watch_nothing,
)
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, NumericalError
from kinimmune.models.trial.population import draw_population

COST_TOLERANCE = 1e-5
"""Relative change of the sum of squares at which a fit has converged; its noise is below 1e-6."""
FIT_TOLERANCE = Tolerance(COST_TOLERANCE)
POINT_TOLERANCE = 1e-4
"""Change of the point, in prior standard deviations, at which a fit has converged."""
COARSE_PATIENTS = 64
"""Fewest patients with which a start looks for its way."""
MOST_EVALUATIONS = 60
"""Points an optimiser may try from one start."""


@dataclass(frozen=True)
class FitSettings:
    """What a fit is asked to do."""

    model: str
    data: Path | None = None
    """Folder of tables that replace the package's."""
    patients: int = 256
    """Hazard ratios then move by less than .003 over sets of patients (benchmarks/population_size.py)."""
    starts: int = 3
    seed: int = 1
    jobs: int = 2
    stop_rule: str | None = None
    """One rule for all studies; None takes each study's own."""
    integrator: str = "kernel"
    compare_rules: bool = False
    """Whether to fit again under each of the stop rules."""

    @property
    def problem(self) -> ProblemSettings:
        """What the problem is built from."""
        return ProblemSettings(
            self.model, digest_inputs(self.model, self.data), self.patients, self.seed, self.stop_rule, self.integrator
        )

    @property
    def folder(self) -> str | None:
        """Where the tables lie that replace the package's, wherever a step is carried out."""
        return None if self.data is None else str(self.data.resolve())


Progress = Callable[[str, float | None], None]
"""Takes what is being done and the best sum of squares so far."""


def fit(
    settings: FitSettings, store: Store, progress: Progress, pool: Pool | None = None, watch: Watcher = watch_nothing
) -> tuple[FitResult, TrialResult]:
    """Fit a model to the targets of its tables and run its virtual trial at the best point.

    Parameters
    ----------
    settings
        what to fit
    store
        where finished starts are kept
    progress
        takes what is being done
    pool
        where starts are carried out, each with one thread; None for this process, with all threads and progress within a start
    watch
        learns of finished starts

    Raises
    ------
    NumericalError
        when no start gives a finite sum of squares
    """
    began = time.monotonic()
    problem = open_problem(settings.problem, settings.folder, settings.jobs)
    starts = [_start(settings, index, point) for index, point in enumerate(start_points(problem, settings.starts, settings.seed))]

    def tell(step: Step, outcome: Plain, kept: bool) -> None:
        watch(step, outcome, kept)
        progress(f"{step.name} {'was kept' if kept else 'has ended'}", outcome["cost"])

    here = Here(lambda step: _run_aloud(replace(step, beside={**step.beside, "jobs": settings.jobs}), progress))
    kept = run_chains([Chain(start) for start in starts], store, here if pool is None else pool, tell)
    outcomes = [_from_store(steps[0], len(problem.free)) for steps in kept]
    best = min(outcomes, key=lambda outcome: outcome.cost)
    if not math.isfinite(best.cost):
        raise NumericalError(f"no start of the fit gave a finite sum of squares; the last said: {best.message}")
    solution = Solution(settings.seed, best, tuple(outcomes))
    rules = (
        compare_stop_rules(problem, solution.point, optimise, lambda text: progress(text, best.cost))
        if settings.compare_rules
        else ()
    )
    result, trial = summarise(problem, solution, read_targets(settings.data), optimise, lambda text: progress(text, best.cost))
    return replace(result, wall_seconds=time.monotonic() - began), replace(trial, stop_rules=rules)


def _start(settings: FitSettings, index: int, point: Array) -> Step:
    """Return one start, a chain of one step."""
    inputs = {"problem": settings.problem.plain, "point": [float(score) for score in point]}
    return Step(FIT_START, f"start-{index:03d}", inputs, {"folder": settings.folder})


def run_start(inputs: Plain) -> Plain:
    """Minimise from one start: a step of long work."""
    return _minimise(inputs, lambda _: None)


FIT_START = TaskFunction("fit.start", run_start, "kinimmune.fitting.fit:run_start")


def _run_aloud(step: Step, progress: Progress) -> Plain:
    """Minimise from one start and tell the best cost met so far."""
    best = math.inf

    def on_cost(cost: float) -> None:
        nonlocal best
        best = min(best, cost)
        progress(f"{step.name} is on its way", best)

    return _minimise({**step.inputs, **step.beside}, on_cost)


def _minimise(inputs: Plain, on_cost: Callable[[float], None]) -> Plain:
    problem = open_problem(ProblemSettings(**inputs["problem"]), inputs["folder"], inputs.get("jobs", 1))
    found = optimise_coarsely_first(problem, np.array(inputs["point"]), on_cost)
    failures = [] if found.converged else [{"what": "start of the fit", "reason": found.message}]
    return {**asdict(found), "failures": failures}


def optimise_coarsely_first(problem: FitProblem, start: Array, on_cost: Callable[[float], None]) -> StartOutcome:
    """Minimise with the first quarter of the patients, then from where that ended with all of them.

    The way to the optimum costs a quarter; few patients (below `COARSE_PATIENTS` in the quarter) are not divided.
    """
    patients = problem.population.patients // 4
    if patients < COARSE_PATIENTS:
        return optimise(problem, start, on_cost)
    few = draw_population(problem.parameters, patients, problem.population.seed)
    rough = optimise(replace(problem, population=few), start, on_cost)
    if not math.isfinite(rough.cost):
        return rough
    fine = optimise(problem, np.array(rough.point), on_cost)
    return replace(fine, evaluations=rough.evaluations + fine.evaluations)


def _from_store(kept: Mapping[str, object], size: int) -> StartOutcome:
    point, cost, evaluations = kept.get("point"), kept.get("cost"), kept.get("evaluations")
    numbers = isinstance(point, list | tuple) and len(point) == size and all(isinstance(score, float) for score in point)
    if not numbers or not isinstance(cost, float) or not isinstance(evaluations, int):
        raise DataError("a stored start of this run cannot be read; fit into a new run, or with --force")
    return StartOutcome(
        tuple(cast(Sequence[float], point)), cost, bool(kept.get("converged")), evaluations, str(kept.get("message", ""))
    )


def optimise(problem: FitProblem, start: Array, on_cost: Callable[[float], None]) -> StartOutcome:
    """Minimise the sum of squares of data and priors from one point, within the bounds of the tables."""
    return minimise(TrialObjective(problem), start, on_cost)


def minimise(
    objective: Objective,
    start: Array,
    on_cost: Callable[[float], None],
    held: Collection[int] = (),
    tolerance: Tolerance = FIT_TOLERANCE,
) -> StartOutcome:
    """Minimise a sum of squares from one point by lmfit's `least_squares` (trust region with bounds).

    A point without residuals, such as one whose patients cannot be integrated, counts as infinitely bad: the optimiser
    steps back.

    Parameters
    ----------
    objective
        what is minimised
    start
        shape (n,), within the bounds
    on_cost
        takes every cost that is met
    held
        places of the coordinates that keep the value they start with
    tolerance
        change of the sum of squares at which it has converged
    """
    moving = [place for place in range(start.size) if place not in held]
    parameters = _lmfit_parameters(objective, start, moving)
    names = list(parameters)
    count, size = 0, 1

    def point_of(values: lmfit.Parameters) -> Array:
        return np.array([values[name].value for name in names])

    def residual(values: lmfit.Parameters) -> Array:
        nonlocal count, size
        count += 1
        try:
            found = objective.residuals(point_of(values))
        except NumericalError:
            return np.full(size, math.inf)
        size = found.size + tolerance.rows
        on_cost(float(found @ found))
        return np.append(found, tolerance.constant)

    def derivative(values: lmfit.Parameters) -> Array:
        nonlocal count
        count += len(moving) + 1
        return _select(objective.jacobian(point_of(values), held), held, tolerance.rows)

    if not moving:
        alone = residual(parameters)
        return StartOutcome(
            tuple(map(float, start)), float(alone @ alone) - tolerance.floor, True, count, "every coordinate is held"
        )
    minimizer = lmfit.Minimizer(residual, parameters, scale_covar=False, nan_policy="propagate")
    try:
        with np.errstate(invalid="ignore"):  # lmfit's own covariance, which is not used, has no root in flat directions
            result = minimizer.minimize(
                method="least_squares",
                Dfun=derivative,
                ftol=tolerance.share,
                xtol=POINT_TOLERANCE,
                gtol=COST_TOLERANCE,
                max_nfev=MOST_EVALUATIONS,
            )
    except (ValueError, NumericalError) as error:  # scipy's word for a start that is not finite; ours from a derivative
        return StartOutcome(tuple(map(float, start)), math.inf, converged=False, evaluations=count, message=str(error))
    cost = float(np.sum(np.asarray(result.residual) ** 2)) - tolerance.floor
    return StartOutcome(tuple(map(float, point_of(result.params))), cost, bool(result.success), count, str(result.message))


def _select(slopes: Array, held: Collection[int], constants: int) -> Array:
    """Return the slopes of what moves, with rows of zeros below for constant residuals; untouched where nothing is to do."""
    if held:
        slopes = np.delete(slopes, list(held), axis=1)
    return np.vstack([slopes, np.zeros((constants, slopes.shape[1]))]) if constants else slopes


def _lmfit_parameters(objective: Objective, start: Array, moving: Collection[int]) -> lmfit.Parameters:
    parameters = lmfit.Parameters()
    for place, (name, value, lower, upper) in enumerate(zip(objective.names, start, *objective.bounds, strict=True)):
        parameters.add(name.replace(":", "__"), value=float(value), vary=place in moving, min=float(lower), max=float(upper))
    return parameters
