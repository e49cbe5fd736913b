"""The fit: lmfit's least squares from several starts, on residuals of targets and priors.

Start with `plan_fit` and `fit`.  Every start is a task of long work that is kept when it has finished, so that a fit that was
interrupted goes on where it stopped.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.estimation.companion_fit import TASKS as COMPANION_TASKS
from kinimmune.fitting.estimation.companion_fit import Companion, fit_companion, needs_companion
from kinimmune.fitting.estimation.correlated_fit import TASKS, CorrelatedFit, fit_again
from kinimmune.fitting.estimation.optimise import Solution, optimise, optimise_coarsely_first, read_start
from kinimmune.fitting.estimation.results import ChangeRow, FitResult
from kinimmune.fitting.estimation.scores import list_scored
from kinimmune.fitting.estimation.stop_rules import compare_stop_rules, require_rules
from kinimmune.fitting.estimation.summary import describe_change, summarise
from kinimmune.fitting.estimation.trial_results import TrialResult
from kinimmune.fitting.problem.changes import apply_changes
from kinimmune.fitting.problem.correlation import find_correlated_studies
from kinimmune.fitting.problem.double_use import describe_shared_deaths
from kinimmune.fitting.problem.doubts import describe_doubts
from kinimmune.fitting.problem.fittable import choose_changes, select_parameters
from kinimmune.fitting.problem.lone_trials import find_lone_trials
from kinimmune.fitting.problem.measurements import read_measurements
from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.read_targets import (
    describe_left_out,
    list_tried_studies,
    read_fitted_targets,
    read_targets,
    read_tried_trials,
)
from kinimmune.fitting.problem.settings import ProblemSettings, describe_problem, open_problem
from kinimmune.fitting.problem.start_points import start_points
from kinimmune.fitting.problem.target_rows import find_unused_data
from kinimmune.fitting.problem.targets import Role, Target
from kinimmune.fitting.settings import Settings
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json, SerialExecutor, Task, TaskChain, TaskFunction
from kinimmune.models.arrays import Array
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import NumericalError
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import list_endpoints, supports_trials


@dataclass(frozen=True)
class FitPlan:
    """A fit that can be carried out."""

    settings: Settings
    tables: Tables
    """As they were when the fit was planned."""
    problem: ProblemSettings
    original: tuple[Parameter, ...] = ()
    """Parameters as the tables have them."""
    targets: tuple[Target, ...] = ()
    """Numbers of trials that are fitted; none of a model that is tried in none, whatever trials the tables have."""
    has_companion: bool = False
    """Whether hazard ratios are scored by a refit to medians alone: other numbers are fitted with them."""

    @property
    def correlated(self) -> tuple[str, ...]:
        """Studies of which two fitted numbers share patients in a way that matters."""
        return find_correlated_studies(self.targets, read_tried_trials(self.problem.model, self.tables))

    @property
    def takes_correlations(self) -> bool:
        """Whether the fit takes correlations into account: there are some, and they were not to be left out."""
        return self.settings.fit.correlations and bool(self.correlated)

    @property
    def tasks(self) -> int:
        """Number of tasks of the fit."""
        again = (TASKS if self.takes_correlations else 0) + (COMPANION_TASKS if self.has_companion else 0)
        return self.settings.fit.starts + again

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is doubtful about the priors of the fit, and which studies, data and correlations it leaves out, one line each."""
        left_out = describe_left_out(self.problem.model, self.tables)
        unused = (finding.message for finding in find_unused_data(self.tables))
        apart = [] if self.settings.fit.correlations else map(_describe_independence, self.correlated)
        twice = describe_shared_deaths(self.targets)
        parameters = apply_changes(self.original, self.problem.changes)
        differing = any(item.estimated and item.shift is not None for item in parameters)
        alone = (item.message for item in find_lone_trials(self.tables, self.problem.model)) if differing else ()
        return (*left_out, *unused, *apart, *twice, *alone, *describe_doubts(parameters))


def plan_fit(model: str, settings: Settings, tables: Tables) -> FitPlan:
    """Return the plan of a fit of a model to the targets of its tables; nothing is compiled or written.

    Raises
    ------
    UsageError
        when the model is unknown or cannot be fitted to these tables, a parameter cannot be changed as asked, or a study cannot
        be run under a rule that is asked for
    DataError
        when a table cannot be used
    """
    changes = choose_changes(model, tables, settings.fit)
    require_rules(read_tried_trials(model, tables), settings.fit)
    built = load_model(model, tables)
    original = select_parameters(built, list_tried_studies(model, tables))
    problem = describe_problem(model, tables, settings.seed, settings.fit, changes)
    targets = read_fitted_targets(model, tables) if supports_trials(built) else ()
    return FitPlan(settings, tables, problem, original, targets, _has_companion(built, tables))


def fit(plan: FitPlan, runtime: Runtime) -> tuple[FitResult, TrialResult]:
    """Fit a model to the targets of its tables and run its virtual trial at the best point.

    Parameters
    ----------
    plan
        from `plan_fit`
    runtime
        where starts are kept and computed; a `SerialExecutor` computes one after the other with all threads and reports
        progress within a start, every other executor computes starts side by side with one thread each

    Raises
    ------
    NumericalError
        when no start gives a finite sum of squares
    DataError
        when two numbers that share patients tell nearly the same
    """
    began = time.monotonic()
    found = _find_best(plan, runtime)

    def tell(text: str) -> None:
        _tell(runtime, text, found.solution.best.chi_square)

    problem, z = found.problem, found.solution.z
    rules = compare_stop_rules(problem, z, optimise, tell) if plan.settings.fit.compare_rules else ()
    companion = _refit_medians(plan, found, runtime) if plan.has_companion else None
    result, trial = summarise(
        problem, found.solution, _read_published(plan.problem.model, plan.tables), optimise, tell, companion
    )
    told = replace(result, changes=_list_changes(plan), warnings=plan.warnings, whitening=found.whitening)
    return replace(told, wall_seconds=time.monotonic() - began), replace(trial, stop_rules=rules)


def _read_published(model: str, tables: Tables) -> tuple[Target, ...]:
    """Return every published number of the studies a model is tried in, and of its experiments, fitted or not."""
    return (*read_targets(tables, model), *read_measurements(load_model(model, tables), tables))


def _has_companion(model: OdeModel, tables: Tables) -> bool:
    if not supports_trials(model):
        return False
    published = _read_published(model.name, tables)
    fitted = [item for item in published if item.role is Role.FIT]
    scored = list_scored(published, list_tried_studies(model.name, tables), list_endpoints(model))
    return needs_companion(fitted, scored)


def _describe_independence(study: str) -> str:
    return f"numbers of study '{study}' share patients and are fitted as if they did not: correlations were to be left out"


def _find_best(plan: FitPlan, runtime: Runtime) -> CorrelatedFit:
    """Return the best point, with correlations taken into account where numbers share patients and nobody asked otherwise."""
    problem = open_problem(plan.problem, plan.settings.folder, plan.settings.jobs)
    solution = _solve(plan, problem, runtime)
    if not plan.takes_correlations:
        return CorrelatedFit(problem, solution, None)
    return fit_again(plan.problem, problem, solution, runtime, plan.settings.folder)


def _refit_medians(plan: FitPlan, found: CorrelatedFit, runtime: Runtime) -> Companion:
    settings = plan.problem.with_correlations(found.problem.correlations)
    return fit_companion(settings, found.problem, found.solution.z, runtime, plan.settings.folder)


def _list_changes(plan: FitPlan) -> tuple[ChangeRow, ...]:
    """Return what was told of parameters, beside what the tables say of them."""
    original = {item.key: item for item in plan.original}
    return tuple(describe_change(original[change.key], change) for change in plan.problem.changes)


def _solve(plan: FitPlan, problem: FitProblem, runtime: Runtime) -> Solution:
    """Return where every start ended, and the best of them."""
    seed = plan.problem.seed
    starts = [_start(plan, index, z) for index, z in enumerate(start_points(problem, plan.settings.fit.starts, seed))]

    def on_task_done(task: Task, outcome: Json, kept: bool) -> None:
        if runtime.on_task_done is not None:
            runtime.on_task_done(task, outcome, kept)
        _tell(runtime, f"{task.name} {'was kept' if kept else 'has ended'}", outcome["cost"])

    executor = runtime.executor
    if isinstance(executor, SerialExecutor):
        executor = SerialExecutor(lambda task: _minimise_aloud(task, plan.settings.jobs, runtime))
    observed = replace(runtime, executor=executor, on_task_done=on_task_done)
    outcomes = [read_start(tasks[0], len(problem.estimated)) for tasks in observed.run([TaskChain(start) for start in starts])]
    best = min(outcomes, key=lambda outcome: outcome.chi_square)
    if not math.isfinite(best.chi_square):
        raise NumericalError(
            f"no start of the fit gave a finite sum of squares; the last said: {best.message}; look at failures.csv"
        )
    return Solution(seed, best, tuple(outcomes))


def _start(plan: FitPlan, index: int, z: Array) -> Task:
    """Return one start, a chain of one task."""
    inputs = {"problem": plan.problem.plain, "point": [float(score) for score in z]}
    return Task(FIT_START, f"start-{index:03d}", inputs, {"folder": plan.settings.folder})


def run_start(inputs: Json) -> Json:
    """Minimise from one start: a task of long work."""
    return _minimise(inputs, lambda _: None)


FIT_START = TaskFunction("fit.start", run_start, "kinimmune.fitting.fit:run_start")


def _minimise_aloud(task: Task, jobs: int, runtime: Runtime) -> Json:
    """Minimise from one start with all threads, and tell the lowest sum of squares met so far."""
    lowest = math.inf

    def on_chi_square(chi_square: float) -> None:
        nonlocal lowest
        lowest = min(lowest, chi_square)
        _tell(runtime, f"{task.name} is on its way", lowest)

    return _minimise({**task.inputs, **task.context, "jobs": jobs}, on_chi_square)


def _tell(runtime: Runtime, text: str, chi_square: float) -> None:
    """Report what is being done and the lowest sum of squares so far."""
    runtime.tell(f"{text}; best cost {chi_square:.4g}")


def _minimise(inputs: Json, on_chi_square: Callable[[float], None]) -> Json:
    problem = open_problem(ProblemSettings(**inputs["problem"]), inputs["folder"], inputs.get("jobs", 1))
    found = optimise_coarsely_first(problem, np.array(inputs["point"]), on_chi_square)
    failures = [] if found.converged else [{"what": "start of the fit", "reason": found.message}]
    return {**found.plain, "failures": failures}
