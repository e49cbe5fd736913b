"""Profiles of parameters: both directions of each, with the data alone and with the priors, as chains side by side.

Start with `plan_parameter`; `summarise_parameter` reads what the chains gave.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kinimmune.fitting.profile.advice import ProfileFindings, recommend_measurement
from kinimmune.fitting.profile.classification import (
    ProfilePoints,
    classify,
    find_correlated,
    find_open_sides,
    halving_error,
    make_curve,
    order_points,
)
from kinimmune.fitting.profile.optimum import Optimum
from kinimmune.fitting.profile.path import ProfilePath, ProfilePoint, read_points
from kinimmune.fitting.profile.results import Curve, Ending, ParameterProfile
from kinimmune.fitting.workflow.task import Json, TaskFunction
from kinimmune.models.symbolic.parameters import Parameter

DIRECTIONS = {"down": -1, "up": 1}
"""Word in the names of tasks -> direction of a path."""


@dataclass(frozen=True)
class PointTasks:
    """By which function and from which inputs the points of an objective's profiles are computed."""

    function: TaskFunction
    objective: str
    """`data` or `posterior`, for the names of tasks."""
    inputs: Json
    """What the tasks share."""
    context: Json
    """What the tasks need and no outcome depends on."""


def plan_parameter(tasks: PointTasks, optimum: Optimum, index: int) -> list[ProfilePath]:
    """Return the paths below and above the optimum of one parameter, in the order of `DIRECTIONS`."""
    name = optimum.names[index].replace(":", "-")
    return [
        ProfilePath(
            function=tasks.function,
            prefix=f"profile-{tasks.objective}-{name}-{word}",
            inputs={**tasks.inputs, "place": index},
            context=tasks.context,
            direction=direction,
            optimum=optimum.z,
            chi_square=optimum.chi_square,
            origin=float(optimum.z[index]),
            end=float(optimum.upper[index] if direction > 0 else optimum.lower[index]),
            tangent=optimum.tangent(index),
            standard_error=optimum.standard_error(index),
        )
        for word, direction in DIRECTIONS.items()
    ]


def join_paths(
    paths: Sequence[ProfilePath], outcomes: Sequence[Sequence[Json]], optimum: ProfilePoint, names: tuple[str, ...]
) -> ProfilePoints:
    """Return the points of a profile from the outcomes of both its paths, in the order of `DIRECTIONS`.

    Parameters
    ----------
    paths
        below and above the optimum
    outcomes
        of the tasks of each; empty for a path without room
    optimum
        where both begin
    names
        keys of the estimated parameters
    """
    (below, ended_below), (above, ended_above) = (
        read_points(path, found) if found else ([], Ending.RANGE) for path, found in zip(paths, outcomes, strict=True)
    )
    return ProfilePoints(names, order_points([*below, *above, optimum]), (ended_below, ended_above))


def summarise_parameter(
    parameter: Parameter, data: Curve, posterior: Curve, data_error: float, posterior_error: float, estimate: float
) -> ParameterProfile:
    """Return the profile of a parameter with its class and the measurement that would help.

    Parameters
    ----------
    parameter
        the parameter
    data, posterior
        curves of the data alone, and of data and priors
    data_error, posterior_error
        standard errors [prior sd] by the curvature of the same; infinite where there is no curvature
    estimate
        estimate of the fit, in the parameter's unit
    """
    findings = ProfileFindings(
        parameter, classify(data), find_open_sides(data), find_correlated(data), halving_error(posterior_error)
    )
    return ParameterProfile(
        name=parameter.key,
        symbol=parameter.symbol,
        unit=parameter.unit,
        meaning=parameter.meaning,
        estimate=estimate,
        identifiability=findings.identifiability,
        data=data,
        posterior=posterior,
        data_error=data_error if math.isfinite(data_error) else None,
        posterior_error=posterior_error,
        companions=findings.correlated,
        advice=recommend_measurement(findings),
    )


def parameter_curve(points: ProfilePoints, parameter: Parameter, index: int, lowest: float) -> Curve:
    """Return the curve of a parameter, its values in its unit.

    Parameters
    ----------
    points
        points of its profile
    parameter
        the parameter
    index
        its index among the estimated ones
    lowest
        sum of squares from which the deviance counts
    """
    return make_curve(points, parameter.prior.from_z, lowest, skip=index)
