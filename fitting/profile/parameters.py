"""Profiles of parameters: both directions of each, with the data alone and with the priors, as chains side by side.

Start with `Optimum` and `plan_parameter`; `judge_parameter` reads what the chains gave.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kinimmune.fitting.profile.classification import Pieces, advise, classify, draw_curve, find_companions
from kinimmune.fitting.profile.optimum import Optimum
from kinimmune.fitting.profile.results import Curve, Ending, ParameterProfile
from kinimmune.fitting.profile.walk import Walk, WalkedPoint, points_of
from kinimmune.fitting.workflow.task import Json, TaskFunction
from kinimmune.models.symbolic.parameters import Parameter

DIRECTIONS = {"down": -1, "up": 1}


@dataclass(frozen=True)
class Means:
    """By which work and with which inputs the points of an objective's profiles are found."""

    function: TaskFunction
    label: str
    """Of the objective, for the names of steps: `data` or `posterior`."""
    inputs: Json
    context: Json


def plan_parameter(means: Means, optimum: Optimum, place: int) -> list[Walk]:
    """Return the walks below and above the optimum of one parameter."""
    name = optimum.names[place].replace(":", "-")
    return [
        Walk(
            function=means.function,
            prefix=f"profile-{means.label}-{name}-{word}",
            inputs={**means.inputs, "place": place},
            context=means.context,
            direction=direction,
            optimum=optimum.point,
            cost=optimum.cost,
            origin=float(optimum.point[place]),
            end=float(optimum.upper[place] if direction > 0 else optimum.lower[place]),
            tangent=optimum.tangent(place),
            error=optimum.error(place),
        )
        for word, direction in DIRECTIONS.items()
    ]


def collect(walks: Sequence[Walk], outcomes: Sequence[Sequence[Json]], start: WalkedPoint, names: tuple[str, ...]) -> Pieces:
    """Return the pieces of a curve from the outcomes of both its walks, in the order of `DIRECTIONS`."""
    below, above = (points_of(walk, found) if found else ([], Ending.RANGE) for walk, found in zip(walks, outcomes, strict=True))
    return Pieces(names, start, below, above)


def judge_parameter(
    parameter: Parameter, curves: tuple[Curve, Curve], errors: tuple[float, float], estimate: float
) -> ParameterProfile:
    """Return the verdict on a parameter.

    Parameters
    ----------
    parameter
        the parameter
    curves
        of the data alone, and of data and priors
    errors
        standard errors [prior sd] by the curvature, in the same order
    estimate
        of the fit, in the parameter's unit
    """
    data, posterior = curves
    kind = classify(data)
    companions = find_companions(data)
    return ParameterProfile(
        name=parameter.key,
        symbol=parameter.symbol,
        unit=parameter.unit,
        meaning=parameter.meaning,
        estimate=estimate,
        identifiability=kind,
        data=data,
        posterior=posterior,
        data_error=errors[0] if math.isfinite(errors[0]) else None,
        posterior_error=errors[1],
        companions=companions,
        advice=advise(kind, parameter, data, companions, errors[1]),
    )


def curve_of(pieces: Pieces, parameter: Parameter, place: int, lowest: float) -> Curve:
    """Return the curve of a parameter, its values in its unit."""
    return draw_curve(pieces, parameter.prior.from_z, lowest, place)
