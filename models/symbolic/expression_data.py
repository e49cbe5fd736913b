"""Expressions as plain values: trees of lists, names and numbers that JSON can hold, read without evaluating any text.

Start with `write_expression` and `ExpressionReader`.  A name is a symbol, a whole number an integer, another number a float with
all its bits; everything else is a list that begins with an operator of `OPERATORS`, or `["rational", p, q]`::

    ["*", "rate", "volume", ["+", 1, ["*", -1, "volume", ["^", "ceiling", -1]]]]

What is read is not trusted: trees are small, shallow and made of operators that equations of models use, numbers are moderate,
and powers of numbers cannot grow.
"""

import keyword
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from kinimmune.models.errors import DataError, ModelError, nearest
from kinimmune.models.symbolic.components import symbol

Tree = str | int | float | list[Any]
"""An expression as JSON holds it."""
OPERATORS: Mapping[str, type[sp.Expr]] = {
    "+": sp.Add,
    "*": sp.Mul,
    "^": sp.Pow,
    "max": sp.Max,
    "min": sp.Min,
    "exp": sp.exp,
    "log": sp.log,
    "abs": sp.Abs,
    "sign": sp.sign,
    "sin": sp.sin,
    "cos": sp.cos,
    "tan": sp.tan,
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "tanh": sp.tanh,
    "atan": sp.atan,
    "heaviside": sp.Heaviside,
}
"""Everything equations are made of; the generated kernel computes each of them."""
CONSTANTS: Mapping[str, sp.Expr] = {"pi": sp.pi, "e": sp.E}
"""Numbers that have a name, written as a list of it alone."""
DEEPEST = 100
"""Levels of brackets in an expression; the models of the library have up to 30."""
MOST_NODES = 60_000
"""Names, numbers and operators in all expressions of a model; those of the library have up to 31,000."""
COMPARING = ("max", "min")
"""Operators whose arguments sympy compares, which takes seconds for large ones; here they are taken as written."""
MOST_EXTREMES = 500
"""`max` and `min` in a model, with up to `MOST_COMPARED` arguments each; the library has up to 160, with two each."""
MOST_COMPARED = 16
LONGEST_INTEGER = 64
"""Digits of a whole number, of a numerator or of a denominator."""
LARGEST_EXPONENT = 64
"""Size of a number in an exponent: powers become products in the kernel."""
LONGEST_NAME = 80
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_FLOAT_BITS = 53
_OPERATOR_NAMES = {kind: name for name, kind in OPERATORS.items()}
_CONSTANT_NAMES = {value: name for name, value in CONSTANTS.items()}
_FEWEST = {"+": 2, "*": 2, "^": 2, "max": 2, "min": 2, "heaviside": 2}
_AS_MANY_AS_LIKED = ("+", "*", *COMPARING)


def require_name(text: object, where: str) -> str:
    """Return a text that can name a part of a model; raise a `DataError` for one that is no identifier or a word of Python.

    >>> require_name("growth", "state")
    'growth'
    """
    if not isinstance(text, str) or len(text) > LONGEST_NAME or not _NAME.fullmatch(text) or keyword.iskeyword(text):
        shown = repr(text)[: LONGEST_NAME + 2]
        raise DataError(f"{where}: {shown} is no name; write a letter, then letters, digits and _, and no word of Python")
    return text


def write_expression(expression: sp.Expr | float, where: str) -> Tree:
    """Return an expression as a tree.

    Raises
    ------
    ModelError
        for what no equation may hold, such as a function that is not in `OPERATORS`
    """
    node = expression if isinstance(expression, sp.Basic) else sp.S.Zero + expression
    if node.is_Symbol:
        return str(node.name)
    if node.is_Integer:
        return int(node)
    if node.is_Rational:
        return ["rational", int(node.p), int(node.q)]
    if node.is_Float and node._prec == _FLOAT_BITS and math.isfinite(float(node)):
        return float(node)
    if node in _CONSTANT_NAMES:
        return [_CONSTANT_NAMES[node]]
    if node.func not in _OPERATOR_NAMES:
        raise ModelError(f"{where}: '{node.func}' cannot be kept as data; write the equation with {', '.join(OPERATORS)}")
    return [_OPERATOR_NAMES[node.func], *(write_expression(argument, where) for argument in node.args)]


@dataclass
class ExpressionReader:
    """Reads the expressions of one model, and counts what they are made of."""

    nodes: int = 0
    extremes: int = 0

    def read(self, tree: object, where: str, depth: int = 0) -> sp.Expr:
        """Return the expression a tree is; inverse of `write_expression`.

        Raises
        ------
        DataError
            when it is none, or larger than an equation is
        """
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise DataError(f"{where}: the model has more than {MOST_NODES} names, numbers and operators; is it a model?")
        if depth > DEEPEST:
            raise DataError(f"{where}: brackets within brackets beyond level {DEEPEST}; split the equation by definitions")
        if isinstance(tree, str):
            return symbol(require_name(tree, where))
        if isinstance(tree, list):
            return self._read_list(tree, where, depth)
        return _read_number(tree, where)

    def _read_list(self, tree: Sequence[object], where: str, depth: int) -> sp.Expr:
        head = tree[0] if tree else ""
        if isinstance(head, str) and head in CONSTANTS and len(tree) == 1:
            return CONSTANTS[head]
        if head == "rational" and len(tree) == 3:
            above, below = (_read_number(part, where) for part in tree[1:])
            if above.is_Integer and below.is_Integer and below > 1 and math.gcd(int(above), int(below)) == 1:
                return sp.Rational(above, below)
        if not isinstance(head, str) or head not in OPERATORS:
            raise DataError(
                f"{where}: unknown operator {_show(head)}; {nearest(_show(head), [*OPERATORS, *CONSTANTS, 'rational'])}"
            )
        self._require_count(head, len(tree) - 1, where)
        return _apply(head, tuple(self.read(part, where, depth + 1) for part in tree[1:]), where)

    def _require_count(self, operator: str, count: int, where: str) -> None:
        fewest = _FEWEST.get(operator, 1)
        if count < fewest or (count > fewest and operator not in _AS_MANY_AS_LIKED):
            raise DataError(f"{where}: '{operator}' with {count} arguments; it takes {fewest}")
        if operator in COMPARING:
            self.extremes += 1
            if count > MOST_COMPARED or self.extremes > MOST_EXTREMES:
                most = f"more than {MOST_COMPARED} arguments of '{operator}', or {MOST_EXTREMES} of them"
                raise DataError(f"{where}: {most}; write it in parts")


def _show(value: object) -> str:
    """Return the begin of what was read, for a message."""
    return repr(value)[:LONGEST_NAME]


def _read_number(value: object, where: str) -> sp.Expr:
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= 10**LONGEST_INTEGER:
            raise DataError(f"{where}: a whole number of more than {LONGEST_INTEGER} digits; write it as 1e70")
        return sp.Integer(value)
    if isinstance(value, float) and math.isfinite(value):
        return sp.Float(value)
    raise DataError(
        f"{where}: {_show(value)} is no expression; write a name, a finite number, or a list that begins with an operator"
    )


def _apply(operator: str, arguments: tuple[sp.Expr, ...], where: str) -> sp.Expr:
    """Return an operator of arguments, built so that it is exactly that: what sympy would write otherwise is refused.

    A number times a sum is let be: sympy would multiply it out, and makes such a product itself.
    """
    if operator == "^":
        _require_moderate(arguments[0], arguments[1], where)
    kind = OPERATORS[operator]
    built = kind(*arguments, evaluate=operator not in COMPARING)
    if _is_made_of(built, kind, arguments):
        return built
    if operator == "*" and len(arguments) == 2 and arguments[0].is_Number and arguments[1].is_Add:
        return sp.Mul(*arguments, evaluate=False)
    raise DataError(f"{where}: '{operator}' of {len(arguments)} arguments that has a simpler form; write that")


def _is_made_of(built: sp.Expr, kind: type[sp.Expr], arguments: Sequence[sp.Expr]) -> bool:
    return built.func is kind and len(built.args) == len(arguments) and set(built.args) == set(arguments)


def _require_moderate(base: sp.Expr, exponent: sp.Expr, where: str) -> None:
    """Refuse powers that are larger than any computation: of numbers of numbers, and with large numbers in exponents."""
    constant = not base.free_symbols
    if constant and not (base.is_Number or base.is_NumberSymbol):
        raise DataError(f"{where}: a power of a computation with numbers alone; write the number")
    if not exponent.free_symbols and not exponent.is_Number:
        raise DataError(f"{where}: an exponent that is a computation with numbers alone; write the number")
    require_small_exponent(exponent, where)


def require_small_exponent(exponent: sp.Expr, where: str) -> None:
    """Refuse an exponent that is a number beyond `LARGEST_EXPONENT`."""
    if exponent.is_Number and abs(exponent) > LARGEST_EXPONENT:
        shown = str(exponent)[:LONGEST_NAME]
        raise DataError(f"{where}: the exponent {shown} is larger than {LARGEST_EXPONENT}; write the power by exp and log")
