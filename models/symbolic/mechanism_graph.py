"""Which mechanism acts on which, through what, and in which direction: read off the symbolic equations.

Start with `find_links`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy as sp

from kinimmune.models.symbolic.components import Mechanism, symbol
from kinimmune.models.symbolic.model import OdeModel

_POINTS = 24
"""Points of state and parameter space at which a direction is tried."""


@dataclass(frozen=True)
class Link:
    """One mechanism acts on another."""

    source: str
    target: str
    carriers: tuple[str, ...]
    """Names of the states, definitions and inputs of the source that the target uses."""
    sign: str
    """`raises` or `lowers` what the target is about at every point tried, otherwise `both`."""


def list_dynamic_mechanisms(model: OdeModel) -> tuple[Mechanism, ...]:
    """Return the mechanisms in which something changes with time: not those that only name functions of parameters."""
    changing = {symbol(item.name) for item in model.states} | {symbol(item.name) for item in model.inputs}
    return tuple(
        mechanism
        for mechanism in model.mechanisms
        if mechanism.states or any(model.expand(item.expression).free_symbols & changing for item in mechanism.definitions)
    )


def find_links(model: OdeModel) -> tuple[Link, ...]:
    """Return every pair of mechanisms in which one uses what the other brings.

    The direction is that of the derivative of the target's first rate (or definition, where it has no states) that depends on
    the source's states (or definitions), at 24 seeded points around the nominal values; only signs are kept.
    """
    points = _draw_points(model)
    links = []
    moving = list_dynamic_mechanisms(model)
    for source in moving:
        owned = _names(source)
        for target in moving:
            carriers = tuple(name for name in owned if symbol(name) in _uses(target, model)) if target is not source else ()
            if carriers:
                links.append(Link(source.name, target.name, carriers, _find_sign(source, target, model, points)))
    return tuple(links)


def _names(mechanism: Mechanism) -> tuple[str, ...]:
    inputs = tuple(item.name for item in mechanism.inputs)
    return (*inputs, *(item.name for item in mechanism.definitions), *(item.name for item in mechanism.states))


def _uses(mechanism: Mechanism, model: OdeModel) -> set[sp.Symbol]:
    used = [item.expression for item in mechanism.definitions]
    used += [model.rates[state.name] for state in mechanism.states]
    return set().union(*(expression.free_symbols for expression in used)) if used else set()


def _find_sign(source: Mechanism, target: Mechanism, model: OdeModel, points: Mapping[str, np.ndarray]) -> str:
    own = {symbol(item.name): item.expression for item in (*source.definitions, *target.definitions)}
    if not source.states:
        own = {symbol(item.name): item.expression for item in target.definitions}
    variables = [symbol(item.name) for item in (source.states or source.definitions)]
    effects = [model.rates[state.name] for state in target.states] or [item.expression for item in target.definitions]
    for effect in effects:
        expanded = _expand(effect, own)
        touched = [variable for variable in variables if variable in expanded.free_symbols]
        signs = {sign for variable in touched for sign in _try_signs(sp.diff(expanded, variable), points)}
        if signs - {0}:
            return {frozenset({1}): "raises", frozenset({-1}): "lowers"}.get(frozenset(signs - {0}), "both")
    return "both"


def _expand(expression: sp.Expr, definitions: Mapping[sp.Symbol, sp.Expr]) -> sp.Expr:
    while expression.free_symbols & definitions.keys():
        expression = expression.xreplace(dict(definitions))
    return expression


def _try_signs(derivative: sp.Expr, points: Mapping[str, np.ndarray]) -> set[int]:
    used = sorted(derivative.free_symbols, key=str)
    values = sp.lambdify(used, derivative, "numpy")(*(points[item.name] for item in used))
    return {int(sign) for sign in np.sign(np.atleast_1d(values))}


def _draw_points(model: OdeModel) -> dict[str, np.ndarray]:
    """Draw values of every symbol: quantities about their nominal value, fractions and zeros between 0 and 1."""
    generator = np.random.default_rng(0)
    values = {parameter.name: parameter.value for parameter in model.parameters}
    points = {name: value * np.exp(0.2 * generator.standard_normal(_POINTS)) for name, value in values.items()}
    points = {name: np.minimum(value, 0.95) if values[name] < 1.0 else value for name, value in points.items()}
    for name in (*(item.name for item in model.inputs), *model.state_names):
        points[name] = generator.uniform(0.05, 0.95, _POINTS)
    points["t"] = generator.uniform(1.0, 300.0, _POINTS)
    for item in model.definitions:
        used = sorted(item.expression.free_symbols, key=str)
        values_of = sp.lambdify(used, item.expression, "numpy")(*(points[name.name] for name in used))
        points[item.name] = np.broadcast_to(np.asarray(values_of, dtype=float), (_POINTS,))
    return points
