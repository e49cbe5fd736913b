"""The fit: lmfit's least squares from several starts, on residuals of targets and priors.

Start with `fit`.  Every finished start is kept by a `TaskStore`, so that a fit that
was interrupted goes on where it stopped.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from kinimmune.fitting.estimation.optimise import Solution, StartOutcome, optimise, optimise_coarsely_first
from kinimmune.fitting.estimation.results import FitResult, TrialResult
from kinimmune.fitting.estimation.stop_rules import compare_stop_rules
from kinimmune.fitting.estimation.summary import summarise
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.problem import start_points
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.problem.targets import read_targets
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import (
    Json,
    SerialExecutor,
    Task,
    TaskChain,
    TaskFunction,
    run_chains,
)
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, NumericalError
from kinimmune.models.tables.rows import Tables


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
            self.model, digest_inputs(self.model, Tables(self.data)), self.patients, self.seed, self.stop_rule, self.integrator
        )

    @property
    def folder(self) -> str | None:
        """Where the tables lie that replace the package's, wherever a step is carried out."""
        return None if self.data is None else str(self.data.resolve())


Progress = Callable[[str, float | None], None]
"""Takes what is being done and the best sum of squares so far."""


def fit(settings: FitSettings, runtime: Runtime) -> tuple[FitResult, TrialResult]:
    """Fit a model to the targets of its tables and run its virtual trial at the best point.

    Parameters
    ----------
    settings
        what to fit
    runtime
        where starts are kept and computed; a `SerialExecutor` computes one after the other with all threads and reports
        progress within a start, every other executor computes starts side by side with one thread each

    Raises
    ------
    NumericalError
        when no start gives a finite sum of squares
    """
    began = time.monotonic()
    problem = open_problem(settings.problem, settings.folder, settings.jobs)
    starts = [_start(settings, index, point) for index, point in enumerate(start_points(problem, settings.starts, settings.seed))]

    def progress(text: str, cost: float | None) -> None:
        runtime.tell(text if cost is None else f"{text}; best cost {cost:.4g}")

    def on_task_done(task: Task, outcome: Json, kept: bool) -> None:
        if runtime.on_task_done is not None:
            runtime.on_task_done(task, outcome, kept)
        progress(f"{task.name} {'was kept' if kept else 'has ended'}", outcome["cost"])

    executor = runtime.executor
    if isinstance(executor, SerialExecutor):
        executor = SerialExecutor(
            lambda task: _run_aloud(replace(task, context={**task.context, "jobs": settings.jobs}), progress)
        )
    kept = run_chains([TaskChain(start) for start in starts], runtime.store, executor, on_task_done)
    outcomes = [_from_store(tasks[0], len(problem.free)) for tasks in kept]
    best = min(outcomes, key=lambda outcome: outcome.cost)
    if not math.isfinite(best.cost):
        raise NumericalError(f"no start of the fit gave a finite sum of squares; the last said: {best.message}")
    solution = Solution(settings.seed, best, tuple(outcomes))
    rules = (
        compare_stop_rules(problem, solution.point, optimise, lambda text: progress(text, best.cost))
        if settings.compare_rules
        else ()
    )
    targets = read_targets(Tables(settings.data))
    result, trial = summarise(problem, solution, targets, optimise, lambda text: progress(text, best.cost))
    return replace(result, wall_seconds=time.monotonic() - began), replace(trial, stop_rules=rules)


def _start(settings: FitSettings, index: int, point: Array) -> Task:
    """Return one start, a chain of one step."""
    inputs = {"problem": settings.problem.plain, "point": [float(score) for score in point]}
    return Task(FIT_START, f"start-{index:03d}", inputs, {"folder": settings.folder})


def run_start(inputs: Json) -> Json:
    """Minimise from one start: a step of long work."""
    return _minimise(inputs, lambda _: None)


FIT_START = TaskFunction("fit.start", run_start, "kinimmune.fitting.fit:run_start")


def _run_aloud(task: Task, progress: Progress) -> Json:
    """Minimise from one start and tell the best cost met so far."""
    best = math.inf

    def on_cost(cost: float) -> None:
        nonlocal best
        best = min(best, cost)
        progress(f"{task.name} is on its way", best)

    return _minimise({**task.inputs, **task.context}, on_cost)


def _minimise(inputs: Json, on_cost: Callable[[float], None]) -> Json:
    problem = open_problem(ProblemSettings(**inputs["problem"]), inputs["folder"], inputs.get("jobs", 1))
    found = optimise_coarsely_first(problem, np.array(inputs["point"]), on_cost)
    failures = [] if found.converged else [{"what": "start of the fit", "reason": found.message}]
    return {**asdict(found), "failures": failures}


def _from_store(kept: Mapping[str, object], size: int) -> StartOutcome:
    point, cost, evaluations = kept.get("point"), kept.get("cost"), kept.get("evaluations")
    numbers = isinstance(point, list | tuple) and len(point) == size and all(isinstance(score, float) for score in point)
    if not numbers or not isinstance(cost, float) or not isinstance(evaluations, int):
        raise DataError("a stored start of this run cannot be read; fit into a new run, or with --force")
    return StartOutcome(
        tuple(cast(Sequence[float], point)), cost, bool(kept.get("converged")), evaluations, str(kept.get("message", ""))
    )
