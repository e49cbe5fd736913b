"""A model's equations as straight-line code: named assignments, their exact derivatives, and the text of each.

Start with `linearise`.  Definitions stay named, derivatives follow them by the chain rule, and what several expressions share is
computed once.  In the code a state `x` is called `s_x`, a parameter or input `p_x`, a definition `d_x`, a derivative `j_x__y`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp

from kinimmune.models.kernel.powers import Power
from kinimmune.models.symbolic.components import TIME, symbol
from kinimmune.models.symbolic.model import OdeModel

Assignment = tuple[sp.Symbol, sp.Expr]


@dataclass(frozen=True)
class Linearisation:
    """Everything a step needs from a model, over one list of definitions."""

    states: tuple[sp.Symbol, ...]
    parameters: tuple[sp.Symbol, ...]
    """Parameters, then inputs."""
    definitions: tuple[Assignment, ...]
    derivatives: tuple[Assignment, ...]
    """Derivatives of definitions, in the order of the definitions."""
    rates: tuple[sp.Expr, ...]
    jacobian: dict[tuple[int, int], sp.Expr]
    """Entries that are not identically zero."""
    time_derivative: dict[int, sp.Expr]
    """Partial derivative of a rate by time, where there is one."""
    watched: tuple[sp.Expr, sp.Expr] | None
    """The watched output and its derivative by time along the trajectory."""


def linearise(model: OdeModel, watch: str | None) -> Linearisation:
    """Return rates, Jacobian and watched output of a model as expressions in named definitions."""
    names = _code_names(model)
    definitions = [(names[symbol(item.name)], _prepare(item.expression, names)) for item in model.definitions]
    rates = tuple(_prepare(rate, names) for rate in model.rates.values())
    states = tuple(names[symbol(state.name)] for state in model.states)
    chain = _Chain({}, [])
    for name, expression in definitions:
        for target in (*states, TIME):
            chain.add(name, expression, target)
    jacobian = {
        (i, j): entry
        for i, rate in enumerate(rates)
        for j, state in enumerate(states)
        if (entry := chain.follow(rate, state)) != 0
    }
    time_derivative = {i: entry for i, rate in enumerate(rates) if (entry := chain.follow(rate, TIME)) != 0}
    watched = None
    if watch is not None:
        expression = _prepare(next(item.expression for item in model.outputs if item.name == watch), names)
        slope = sum((chain.follow(expression, state) * rate for state, rate in zip(states, rates, strict=True)), sp.Integer(0))
        watched = (expression, slope + chain.follow(expression, TIME))
    parameters = tuple(names[symbol(name)] for name in (*model.parameter_names, *(item.name for item in model.inputs)))
    return Linearisation(
        states, parameters, tuple(definitions), tuple(chain.assignments), rates, jacobian, time_derivative, watched
    )


@dataclass(frozen=True)
class _Chain:
    known: dict[tuple[sp.Symbol, sp.Symbol], sp.Expr]
    assignments: list[Assignment]

    def add(self, name: sp.Symbol, expression: sp.Expr, target: sp.Symbol) -> None:
        value = self.follow(expression, target)
        if value == 0:
            return
        if value.is_Symbol or value.is_Number:
            self.known[name, target] = value
            return
        derivative = sp.Symbol(f"j_{name.name[2:]}__{target.name.removeprefix('s_')}", real=True)
        self.known[name, target] = derivative
        self.assignments.append((derivative, value))

    def follow(self, expression: sp.Expr, target: sp.Symbol) -> sp.Expr:
        """Return the derivative by `target`, through the definitions."""
        total = sp.Integer(0)
        for inner in sorted(expression.free_symbols, key=str):
            outer = sp.Integer(1) if inner == target else self.known.get((inner, target))
            if outer is not None:
                total += sp.diff(expression, inner) * outer
        return total


def _code_names(model: OdeModel) -> dict[sp.Symbol, sp.Symbol]:
    kinds = [(symbol(state.name), f"s_{state.name}") for state in model.states]
    kinds += [(symbol(name), f"p_{name}") for name in (*model.parameter_names, *(item.name for item in model.inputs))]
    kinds += [(symbol(item.name), f"d_{item.name}") for item in model.definitions]
    return {original: sp.Symbol(name, real=True) for original, name in kinds}


def _prepare(expression: sp.Expr, names: Mapping[sp.Symbol, sp.Symbol]) -> sp.Expr:
    def hard(power: sp.Expr) -> bool:
        return bool(power.is_Pow) and power.base is not sp.E and not (2 * power.exp).is_Integer

    return expression.xreplace(dict(names)).replace(hard, lambda power: Power(power.base, power.exp))


@dataclass
class Constants:
    """What depends on parameters and inputs alone: computed once a segment, not once a stage."""

    fixed: set[sp.Symbol]
    """Parameters, inputs, and the constants found so far."""
    found: list[Assignment] = field(default_factory=list)
    """Name and expression of each constant, each after those it uses."""
    names: dict[sp.Expr, sp.Symbol] = field(default_factory=dict)
    """Expression -> its name."""

    def take(self, expression: sp.Expr) -> sp.Expr:
        """Return an expression with its constant parts replaced by names."""
        if expression.is_Atom:
            return expression
        if expression.free_symbols <= self.fixed:
            return self._name(expression)
        if not (expression.is_Add or expression.is_Mul):
            return expression.func(*(self.take(argument) for argument in expression.args))
        constant = [argument for argument in expression.args if argument.free_symbols <= self.fixed]
        varying = [self.take(argument) for argument in expression.args if not argument.free_symbols <= self.fixed]
        return expression.func(self._name(expression.func(*constant)), *varying)

    def take_definition(self, name: sp.Symbol, expression: sp.Expr) -> Assignment | None:
        """Return a definition with its constant parts named, or None when all of it is one."""
        if expression.free_symbols <= self.fixed:
            self._add(name, expression)
            return None
        return name, self.take(expression)

    def _name(self, expression: sp.Expr) -> sp.Expr:
        if expression.is_Atom or (-expression).is_Atom:
            return expression
        if expression.could_extract_minus_sign():
            return -self._name(-expression)
        if expression not in self.names:
            self._add(sp.Symbol(f"k_{len(self.found)}", real=True), expression)
        return self.names[expression]

    def _add(self, name: sp.Symbol, expression: sp.Expr) -> None:
        self.found.append((name, expression))
        self.names[expression] = name
        self.fixed.add(name)


def share(assignments: Sequence[Assignment], results: Sequence[Assignment], prefix: str = "c_") -> list[Assignment]:
    """Return all assignments needed for `results`, common subexpressions drawn out, each after those it uses."""
    named = _needed(assignments, results)
    targets = [name for name, _ in (*named, *results)]
    expressions = [expression for _, expression in (*named, *results)]
    drawn, reduced = sp.cse(expressions, symbols=sp.numbered_symbols(prefix, real=True), optimizations="basic")
    return _in_order([*drawn, *zip(targets, reduced, strict=True)])


def _needed(assignments: Sequence[Assignment], results: Sequence[Assignment]) -> list[Assignment]:
    wanted = set().union(*(expression.free_symbols for _, expression in results))
    kept: list[Assignment] = []
    for name, expression in reversed(assignments):
        if name in wanted:
            kept.append((name, expression))
            wanted |= expression.free_symbols
    return kept[::-1]


def _in_order(assignments: Iterable[Assignment]) -> list[Assignment]:
    waiting = dict(assignments)
    ordered: list[Assignment] = []
    done: set[sp.Symbol] = set()

    def visit(name: sp.Symbol) -> None:
        if name in done or name not in waiting:
            return
        done.add(name)
        for used in sorted(waiting[name].free_symbols, key=str):
            visit(used)
        ordered.append((name, waiting[name]))

    for name in waiting:
        visit(name)
    return ordered
