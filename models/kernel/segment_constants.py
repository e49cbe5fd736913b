"""What depends on parameters and inputs alone: named, so that it is computed once a segment and not once a stage.

Start with `SegmentConstants`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import sympy as sp

Assignment = tuple[sp.Symbol, sp.Expr]


@dataclass
class SegmentConstants:
    """The constants drawn out of expressions so far."""

    fixed: set[sp.Symbol]
    """Parameters, inputs, and the names of the constants so far."""
    assignments: list[Assignment] = field(default_factory=list)
    """Name and expression of each constant, each after those it uses."""
    names: dict[sp.Expr, sp.Symbol] = field(default_factory=dict)
    """Expression -> its name."""

    def draw_from(self, expression: sp.Expr) -> sp.Expr:
        """Return an expression with its constant parts replaced by names."""
        if expression.is_Atom:
            return expression
        if expression.free_symbols <= self.fixed:
            return self._name(expression)
        if not (expression.is_Add or expression.is_Mul):
            return expression.func(*(self.draw_from(argument) for argument in expression.args))
        constant = [argument for argument in expression.args if argument.free_symbols <= self.fixed]
        varying = [self.draw_from(argument) for argument in expression.args if not argument.free_symbols <= self.fixed]
        return expression.func(self._name(expression.func(*constant)), *varying)

    def draw_from_definitions(self, definitions: Iterable[Assignment]) -> Iterator[Assignment]:
        """Yield definitions with their constant parts replaced by names; one that is a constant as a whole becomes one."""
        for name, expression in definitions:
            if expression.free_symbols <= self.fixed:
                self._add(name, expression)
            else:
                yield name, self.draw_from(expression)

    def _name(self, expression: sp.Expr) -> sp.Expr:
        if expression.is_Atom or (-expression).is_Atom:
            return expression
        if expression.could_extract_minus_sign():
            return -self._name(-expression)
        if expression not in self.names:
            self._add(sp.Symbol(f"k_{len(self.assignments)}", real=True), expression)
        return self.names[expression]

    def _add(self, name: sp.Symbol, expression: sp.Expr) -> None:
        self.assignments.append((name, expression))
        self.names[expression] = name
        self.fixed.add(name)
