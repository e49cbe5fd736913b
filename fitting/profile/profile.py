"""Profile likelihoods of a fit: what the data alone say of each parameter, what the priors add, and how far predictions reach.

Start with `profile`.  The optimum of the data alone and that of data and priors are found first; every direction of every
profile is then a chain of tasks of its own.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.profile.advice import describe_better_optimum
from kinimmune.fitting.profile.classification import ProfilePoints, make_curve
from kinimmune.fitting.profile.optima import WEIGHTS, ProfileContext, ProfileOptimum, find_optima
from kinimmune.fitting.profile.parameters import (
    DIRECTIONS,
    PointTasks,
    join_paths,
    parameter_curve,
    plan_parameter,
    summarise_parameter,
)
from kinimmune.fitting.profile.path import ProfilePath, ProfilePoint, trace
from kinimmune.fitting.profile.points import PROFILE_POINT, PROFILE_PREDICTION
from kinimmune.fitting.profile.predictions import (
    PredictionAtOptimum,
    choose_predictions,
    conclude,
    default_predictions,
    largest_miss,
    plan_prediction,
    read_prediction,
)
from kinimmune.fitting.profile.results import ParameterProfile, PredictionProfile, ProfileResult
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json
from kinimmune.models.errors import UsageError, nearest

MIN_GAIN = 1e-3
"""Deviance below zero from which a profile is said to have found a better optimum."""


@dataclass(frozen=True)
class ProfileSettings:
    """What is profiled."""

    problem: ProblemSettings
    folder: str | None
    """Tables that replace the package's; None for none."""
    estimates: tuple[float, ...]
    """Estimates of the fit as z-scores."""
    parameters: tuple[str, ...] = ()
    """Keys of estimated parameters; empty for all."""
    predictions: tuple[str, ...] = ()
    """Names of predictions; empty for `default_predictions` where all parameters are profiled, for none where some are named."""

    def choose_profiled(self, problem: FitProblem) -> tuple[str, ...]:
        """Return the names of the predictions that are profiled."""
        if self.predictions:
            return choose_predictions(problem, self.predictions)
        return () if self.parameters else default_predictions(problem)


def require_parameters(problem: FitProblem, names: Sequence[str]) -> tuple[str, ...]:
    """Return the keys to profile: those named, or all estimated ones; a name without its study stands for every study's.

    Raises
    ------
    UsageError
        for a name that is no estimated parameter, with the nearest one
    """
    estimated = tuple(item.key for item in problem.estimated)
    known = {item.name: [other.key for other in problem.estimated if other.name == item.name] for item in problem.estimated}
    known |= {key: [key] for key in estimated}
    for name in names:
        if name not in known:
            raise UsageError(f"'{name}' is no estimated parameter of this run; {nearest(name, known)}")
    return tuple(dict.fromkeys(key for name in names for key in known[name])) or estimated


def count_paths(settings: ProfileSettings) -> int:
    """Return how many paths a profile takes at most; one without room is left out."""
    problem = open_problem(settings.problem, settings.folder)
    profiles = len(WEIGHTS) * len(require_parameters(problem, settings.parameters))
    return len(DIRECTIONS) * (profiles + len(settings.choose_profiled(problem)))


def profile(settings: ProfileSettings, runtime: Runtime) -> ProfileResult:
    """Profile parameters and predictions of a fit.

    Parameters
    ----------
    settings
        which
    runtime
        where chains are run

    Raises
    ------
    UsageError
        for a parameter or prediction that does not exist
    NumericalError
        when no optimum has a finite sum of squares
    """
    problem = open_problem(settings.problem, settings.folder)
    parameters = require_parameters(problem, settings.parameters)
    named = choose_predictions(problem, settings.predictions) or default_predictions(problem)
    context = ProfileContext(settings.problem, settings.folder, problem)
    optima = find_optima(context, np.array(settings.estimates), named, runtime)
    profiled = settings.choose_profiled(problem)
    read = [read_prediction(name, optima["posterior"].predictions) for name in named if name in profiled]
    predictions = [item for item in read if item is not None]
    return _Profiles(context, optima, _run(_plan(context, optima, parameters, predictions), runtime), predictions).result()


@dataclass(frozen=True)
class _Plan:
    """Every path there is."""

    parameters: Mapping[tuple[str, str], list[ProfilePath]]
    """Objective and parameter -> paths below and above its optimum."""
    predictions: Mapping[str, list[ProfilePath]]
    """Prediction -> paths below and above the optimum; empty where there are none."""


@dataclass(frozen=True)
class _TracedPaths:
    """The outcomes of every path of a plan."""

    plan: _Plan
    outcomes: Mapping[str, list[Json]]
    """Prefix of the names of its tasks -> their outcomes."""

    def of(self, paths: Sequence[ProfilePath]) -> list[list[Json]]:
        """Return the outcomes of some paths."""
        return [self.outcomes[path.prefix] for path in paths]


def _plan(
    context: ProfileContext,
    optima: Mapping[str, ProfileOptimum],
    wanted: Sequence[str],
    predictions: Sequence[PredictionAtOptimum],
) -> _Plan:
    parameters = {}
    for objective, found in optima.items():
        predicted = list(found.predictions["values"]) if objective == "data" else []
        inputs = {**context.inputs(objective), "predictions": predicted}
        tasks = PointTasks(PROFILE_POINT, objective, inputs, context.task_context)
        for name in wanted:
            parameters[objective, name] = plan_parameter(tasks, found.optimum, found.optimum.names.index(name))
    tasks = PointTasks(PROFILE_PREDICTION, "posterior", context.inputs("posterior"), context.task_context)
    optimum = optima["posterior"].optimum
    return _Plan(parameters, {item.name: plan_prediction(tasks, optimum, item) for item in predictions})


def _run(plan: _Plan, runtime: Runtime) -> _TracedPaths:
    paths = [path for pair in (*plan.parameters.values(), *plan.predictions.values()) for path in pair]
    chains = {path.prefix: chain for path in paths if (chain := trace(path)) is not None}
    outcomes = dict(zip(chains, runtime.run(list(chains.values())), strict=True))
    return _TracedPaths(plan, {path.prefix: outcomes.get(path.prefix, []) for path in paths})


@dataclass(frozen=True)
class _Profiles:
    """Everything a result is read from."""

    context: ProfileContext
    optima: Mapping[str, ProfileOptimum]
    traced: _TracedPaths
    predictions: Sequence[PredictionAtOptimum]

    def result(self) -> ProfileResult:
        """Return the result."""
        points = {(objective, name): self._points(objective, name) for objective, name in self.traced.plan.parameters}
        by_objective = {
            objective: {name: item for (of, name), item in points.items() if of == objective} for objective in self.optima
        }
        lowest = {
            objective: min(self.optima[objective].optimum.chi_square, *(item.lowest for item in by_objective[objective].values()))
            for objective in self.optima
        }
        parameters = tuple(self._parameter(name, by_objective, lowest) for name in by_objective["data"])
        predictions = tuple(self._prediction(item) for item in self.predictions if self.traced.plan.predictions[item.name])
        outcomes = [item for chain in self.traced.outcomes.values() for item in chain]
        settings = self.context.settings
        return ProfileResult(
            model=settings.model,
            seed=settings.seed,
            patients=settings.patients,
            targets=len(self.context.problem.targets),
            cost_data=lowest["data"],
            cost_posterior=lowest["posterior"],
            parameters=parameters,
            predictions=predictions,
            conclusions=conclude(parameters, predictions),
            warnings=tuple(self._warnings(by_objective, lowest)),
            evaluations=sum(int(item["evaluations"]) for item in outcomes)
            + sum(item.evaluations for item in self.optima.values()),
            failures=tuple(dict(row) for item in outcomes for row in item.get("failures", ())),
        )

    def _points(self, objective: str, name: str) -> ProfilePoints:
        found = self.optima[objective]
        paths = self.traced.plan.parameters[objective, name]
        names = found.optimum.names
        return join_paths(paths, self.traced.of(paths), found.as_point(names.index(name)), names)

    def _parameter(
        self, name: str, points: Mapping[str, Mapping[str, ProfilePoints]], lowest: Mapping[str, float]
    ) -> ParameterProfile:
        data, posterior = self.optima["data"].optimum, self.optima["posterior"].optimum
        index = data.names.index(name)
        parameter = self.context.problem.estimated[index]
        curves = {
            objective: parameter_curve(points[objective][name], parameter, index, lowest[objective]) for objective in self.optima
        }
        return summarise_parameter(
            parameter,
            curves["data"],
            curves["posterior"],
            data_error=data.standard_error(index),
            posterior_error=posterior.standard_error(index),
            estimate=parameter.prior.from_z(float(posterior.z[index])),
        )

    def _prediction(self, prediction: PredictionAtOptimum) -> PredictionProfile:
        optimum = self.optima["posterior"].optimum
        paths = self.traced.plan.predictions[prediction.name]
        outcomes = self.traced.of(paths)
        begin = ProfilePoint(prediction.value, tuple(map(float, optimum.z)), prediction.chi_square, {})
        curve = make_curve(join_paths(paths, outcomes, begin, optimum.names), math.exp, prediction.chi_square, skip=None)
        missed = largest_miss([row for rows in outcomes for row in rows])
        return PredictionProfile(prediction.name, math.exp(prediction.value), curve, missed)

    def _warnings(self, points: Mapping[str, Mapping[str, ProfilePoints]], lowest: Mapping[str, float]) -> list[str]:
        """Return a warning for each objective of which a profile found a better optimum."""
        warnings = []
        for objective, found in self.optima.items():
            gain = found.optimum.chi_square - lowest[objective]
            if gain > MIN_GAIN:
                best = min(points[objective], key=lambda name: points[objective][name].lowest)
                warnings.append(describe_better_optimum(best, objective, gain))
        return warnings
