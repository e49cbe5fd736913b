"""Profile likelihoods of a fit: what the data alone say of each parameter, what the priors add, and how far predictions reach.

Start with `profile`.  The optimum of the data alone and that of data and priors are found first; every direction of every
profile is then a chain of steps of its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.problem.problem import FitProblem
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.profile.classification import Pieces, draw_curve
from kinimmune.fitting.profile.optima import WEIGHTS, Found, Ground, find_optima
from kinimmune.fitting.profile.parameters import DIRECTIONS, Means, collect, curve_of, judge_parameter, plan_parameter
from kinimmune.fitting.profile.points import PROFILE_POINT, PROFILE_PREDICTION
from kinimmune.fitting.profile.predictions import (
    Outlook,
    conclude,
    list_usual,
    outlook_of,
    plan_prediction,
    reach_error,
    require_predictions,
)
from kinimmune.fitting.profile.results import ParameterProfile, PredictionProfile, ProfileResult
from kinimmune.fitting.profile.walk import Walk, WalkedPoint, walk_along
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import Json
from kinimmune.models.errors import UsageError, nearest

BETTER = 1e-3
"""Deviance below zero from which a profile is said to have found a better optimum."""


@dataclass(frozen=True)
class ProfileSettings:
    """What is profiled."""

    problem: ProblemSettings
    folder: str | None
    point: tuple[float, ...]
    """Estimates of the fit as standard scores."""
    parameters: tuple[str, ...] = ()
    """Keys of free parameters; empty for all."""
    predictions: tuple[str, ...] = ()
    """Empty for the usual ones."""


def require_parameters(problem: FitProblem, names: Sequence[str]) -> tuple[str, ...]:
    """Return the keys to profile: those named, or all free ones; a name without its study stands for every study's.

    Raises
    ------
    UsageError
        for a name that is no free parameter, with the nearest one
    """
    free = tuple(item.key for item in problem.free)
    known = {item.name: [other.key for other in problem.free if other.name == item.name] for item in problem.free}
    known |= {key: [key] for key in free}
    for name in names:
        if name not in known:
            raise UsageError(f"'{name}' is no estimated parameter of this run; {nearest(name, known)}")
    return tuple(dict.fromkeys(key for name in names for key in known[name])) or free


def count_walks(settings: ProfileSettings) -> int:
    """Return how many walks a profile takes at most; one without room to walk in is left out."""
    problem = open_problem(settings.problem, settings.folder)
    profiles = len(WEIGHTS) * len(require_parameters(problem, settings.parameters))
    return len(DIRECTIONS) * (profiles + len(settings.predictions or list_usual(problem)))


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
    wanted = require_parameters(problem, settings.parameters)
    named = settings.predictions or list_usual(problem)
    require_predictions(problem, named)
    ground = Ground(settings.problem, settings.folder, problem)

    found = find_optima(ground, np.array(settings.point), named, runtime)
    outlooks = [item for name in named if (item := outlook_of(name, found["posterior"].outlook)) is not None]
    return _assemble(ground, found, _walk(_plan(ground, found, wanted, outlooks), runtime), outlooks)


@dataclass(frozen=True)
class _Plan:
    """Every walk there is: by objective and parameter, and by prediction."""

    parameters: dict[tuple[str, str], list[Walk]]
    predictions: dict[str, list[Walk]]


@dataclass(frozen=True)
class _Walked:
    """The outcomes of every walk, by the prefix of its steps."""

    plan: _Plan
    outcomes: dict[str, list[Json]]

    def of(self, walks: Sequence[Walk]) -> list[list[Json]]:
        """Return the outcomes of some walks."""
        return [self.outcomes[walk.prefix] for walk in walks]


def _plan(ground: Ground, found: dict[str, Found], wanted: Sequence[str], outlooks: Sequence[Outlook]) -> _Plan:
    parameters = {}
    for label, item in found.items():
        predicted = list(item.outlook["values"]) if label == "data" else []
        means = Means(PROFILE_POINT, label, {**ground.inputs(label), "predictions": predicted}, ground.context)
        for name in wanted:
            parameters[label, name] = plan_parameter(means, item.optimum, item.optimum.names.index(name))
    shared = (ground.inputs("posterior"), ground.context)
    optimum = found["posterior"].optimum
    return _Plan(parameters, {item.name: plan_prediction(PROFILE_PREDICTION, shared, optimum, item) for item in outlooks})


def _walk(plan: _Plan, runtime: Runtime) -> _Walked:
    walks = [walk for pair in (*plan.parameters.values(), *plan.predictions.values()) for walk in pair]
    chains = {walk.prefix: chain for walk in walks if (chain := walk_along(walk)) is not None}
    outcomes = dict(zip(chains, runtime.run(list(chains.values())), strict=True))
    return _Walked(plan, {walk.prefix: outcomes.get(walk.prefix, []) for walk in walks})


def _assemble(ground: Ground, found: dict[str, Found], walked: _Walked, outlooks: Sequence[Outlook]) -> ProfileResult:
    pieces = {
        (label, name): collect(walks, walked.of(walks), _begin(found[label], name), found[label].optimum.names)
        for (label, name), walks in walked.plan.parameters.items()
    }
    lowest = {label: _lowest(found[label], [item for (of, _), item in pieces.items() if of == label]) for label in found}
    parameters = tuple(_judge(ground.problem, name, pieces, found, lowest) for label, name in pieces if label == "data")
    predictions = tuple(_predict(item, walked, found["posterior"]) for item in outlooks if walked.plan.predictions[item.name])
    outcomes = [item for group in walked.outcomes.values() for item in group]
    return ProfileResult(
        model=ground.settings.model,
        seed=ground.settings.seed,
        patients=ground.settings.patients,
        targets=len(ground.problem.targets),
        cost_data=lowest["data"],
        cost_posterior=lowest["posterior"],
        parameters=parameters,
        predictions=predictions,
        conclusions=conclude(parameters, predictions),
        warnings=tuple(
            _warn(label, found[label], pieces) for label in found if found[label].optimum.cost - lowest[label] > BETTER
        ),
        evaluations=sum(int(item["evaluations"]) for item in outcomes) + sum(item.evaluations for item in found.values()),
        failures=tuple(dict(row) for item in outcomes for row in item.get("failures", ())),
    )


def _begin(found: Found, name: str) -> WalkedPoint:
    return found.begin(found.optimum.names.index(name))


def _lowest(found: Found, pieces: Sequence[Pieces]) -> float:
    return min(found.optimum.cost, *(point.cost for item in pieces for point in item.points))


def _warn(label: str, found: Found, pieces: dict[tuple[str, str], Pieces]) -> str:
    """Return the warning that a profile found a better optimum than the one it started from."""
    costs = {name: min(point.cost for point in item.points) for (of, name), item in pieces.items() if of == label}
    name = min(costs, key=costs.__getitem__)
    whose = "the optimum of the data alone" if label == "data" else "the fit"
    gain = found.optimum.cost - costs[name]
    return f"the profile of {name} found a sum of squares {gain:.2g} below {whose}; deviances count from there"


def _judge(
    problem: FitProblem,
    name: str,
    pieces: dict[tuple[str, str], Pieces],
    found: dict[str, Found],
    lowest: dict[str, float],
) -> ParameterProfile:
    place = found["data"].optimum.names.index(name)
    parameter = problem.free[place]
    data, posterior = (curve_of(pieces[label, name], parameter, place, lowest[label]) for label in ("data", "posterior"))
    errors = (found["data"].optimum.error(place), found["posterior"].optimum.error(place))
    estimate = parameter.prior.from_z(float(found["posterior"].optimum.point[place]))
    return judge_parameter(parameter, (data, posterior), errors, estimate)


def _predict(outlook: Outlook, walked: _Walked, found: Found) -> PredictionProfile:
    walks = walked.plan.predictions[outlook.name]
    outcomes = walked.of(walks)
    begin = WalkedPoint(outlook.value, tuple(map(float, found.optimum.point)), outlook.cost, {})
    curve = draw_curve(collect(walks, outcomes, begin, found.optimum.names), math.exp, outlook.cost, None)
    reached = reach_error([row for rows in outcomes for row in rows])
    return PredictionProfile(outlook.name, math.exp(outlook.value), curve, reached)
