"""A model's equations as straight-line code: assignments that follow each other, with exact derivatives.

Start with `lower_model`.  Definitions stay named, their derivatives follow them by the chain rule, and what depends on parameters
and inputs alone is drawn out.  In the code a state `x` is called `s_x`, a parameter or input `p_x`, a definition `d_x`, a
derivative `j_x__y`, a constant `k_0`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from kinimmune.models.kernel.powers import Power, by_logarithm
from kinimmune.models.kernel.segment_constants import Assignment, SegmentConstants
from kinimmune.models.symbolic.components import TIME, symbol
from kinimmune.models.symbolic.model import OdeModel


@dataclass(frozen=True)
class StraightLineCode:
    """Everything a step needs from a model, in named definitions, their derivatives, and constants of a segment."""

    states: tuple[sp.Symbol, ...]
    parameters: tuple[sp.Symbol, ...]
    """Parameters, then inputs."""
    constants: tuple[Assignment, ...]
    """What depends on parameters and inputs alone, each after those it uses."""
    named: tuple[Assignment, ...]
    """Definitions, then their derivatives by states and time, each after those it uses."""
    rates: tuple[sp.Expr, ...]
    """Rate of each state."""
    jacobian: dict[tuple[int, int], sp.Expr]
    """(rate, state) -> derivative, where it is not identically zero."""
    time_derivative: dict[int, sp.Expr]
    """Rate -> its partial derivative by time, where it is not identically zero."""
    event_output: tuple[sp.Expr, ...]
    """The event output and its derivative by time along the trajectory; empty without one."""


@dataclass(frozen=True)
class _ChainRule:
    """Derivatives of definitions so far."""

    known: dict[tuple[sp.Symbol, sp.Symbol], sp.Expr]
    """(definition, state or time) -> derivative, where it is not identically zero"""
    assignments: list[Assignment]
    """Derivatives that have a name, in the order of the definitions."""

    def add(self, name: sp.Symbol, expression: sp.Expr, target: sp.Symbol) -> None:
        """Take in the derivative of a definition by a state or by time."""
        value = self.differentiate(expression, target)
        if value == 0:
            return
        if value.is_Symbol or value.is_Number:
            self.known[name, target] = value
            return
        derivative = sp.Symbol(f"j_{name.name[2:]}__{target.name.removeprefix('s_')}", real=True)
        self.known[name, target] = derivative
        self.assignments.append((derivative, value))

    def differentiate(self, expression: sp.Expr, target: sp.Symbol) -> sp.Expr:
        """Return the derivative of an expression by `target`, through the definitions."""
        total = sp.Integer(0)
        for inner in sorted(expression.free_symbols, key=str):
            outer = sp.Integer(1) if inner == target else self.known.get((inner, target))
            if outer is not None:
                total += sp.diff(expression, inner) * outer
        return total


def lower_model(model: OdeModel, event_output: str | None) -> StraightLineCode:
    """Return rates, Jacobian and event output of a model as straight-line code.

    Parameters
    ----------
    model
        the equations
    event_output
        name of the output whose events are located, or None
    """
    names = _code_names(model)
    states = tuple(names[symbol(state.name)] for state in model.states)
    definitions = [(names[symbol(item.name)], _prepare(item.expression, names)) for item in model.definitions]
    rates = tuple(_prepare(rate, names) for rate in model.rates.values())
    chain = _ChainRule({}, [])
    for name, expression in definitions:
        for target in (*states, TIME):
            chain.add(name, expression, target)
    jacobian = {(i, j): chain.differentiate(rate, state) for i, rate in enumerate(rates) for j, state in enumerate(states)}
    by_time = {i: chain.differentiate(rate, TIME) for i, rate in enumerate(rates)}
    event: tuple[sp.Expr, ...] = ()
    if event_output is not None:
        expression = _prepare(next(item.expression for item in model.outputs if item.name == event_output), names)
        event = (expression, _differentiate_along(expression, dict(zip(states, rates, strict=True)), chain))
    code = StraightLineCode(
        states=states,
        parameters=tuple(names[symbol(name)] for name in (*model.parameter_names, *(item.name for item in model.inputs))),
        constants=(),
        named=(*definitions, *chain.assignments),
        rates=rates,
        jacobian={entry: value for entry, value in jacobian.items() if value != 0},
        time_derivative={i: value for i, value in by_time.items() if value != 0},
        event_output=event,
    )
    return _draw_out_constants(code)


def _draw_out_constants(code: StraightLineCode) -> StraightLineCode:
    """Return the same code with everything that depends on parameters and inputs alone among the constants."""
    constants = SegmentConstants(set(code.parameters))

    def draw(expression: sp.Expr) -> sp.Expr:
        return constants.draw_from(by_logarithm(expression))

    named = tuple(constants.draw_from_definitions((name, by_logarithm(expression)) for name, expression in code.named))
    rates = tuple(draw(rate) for rate in code.rates)
    jacobian = {entry: draw(value) for entry, value in code.jacobian.items()}
    time_derivative = {i: draw(value) for i, value in code.time_derivative.items()}
    event_output = tuple(draw(value) for value in code.event_output)
    return StraightLineCode(
        states=code.states,
        parameters=code.parameters,
        constants=tuple(constants.assignments),
        named=named,
        rates=rates,
        jacobian=jacobian,
        time_derivative=time_derivative,
        event_output=event_output,
    )


def _differentiate_along(expression: sp.Expr, rates: Mapping[sp.Symbol, sp.Expr], chain: _ChainRule) -> sp.Expr:
    """Return the time derivative of an expression along the trajectory."""
    slope = sum((chain.differentiate(expression, state) * rate for state, rate in rates.items()), sp.Integer(0))
    return slope + chain.differentiate(expression, TIME)


def _code_names(model: OdeModel) -> dict[sp.Symbol, sp.Symbol]:
    kinds = [(symbol(state.name), f"s_{state.name}") for state in model.states]
    kinds += [(symbol(name), f"p_{name}") for name in (*model.parameter_names, *(item.name for item in model.inputs))]
    kinds += [(symbol(item.name), f"d_{item.name}") for item in model.definitions]
    return {original: sp.Symbol(name, real=True) for original, name in kinds}


def _prepare(expression: sp.Expr, names: Mapping[sp.Symbol, sp.Symbol]) -> sp.Expr:
    """Return an expression in the names of the code, with `Power` for powers that are no products and roots."""

    def is_odd(power: sp.Expr) -> bool:
        return bool(power.is_Pow) and power.base is not sp.E and not (2 * power.exp).is_Integer

    return expression.xreplace(dict(names)).replace(is_odd, lambda power: Power(power.base, power.exp))
