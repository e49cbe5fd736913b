"""From sympy expressions to typst's mathematical notation.

Start with `typeset`.  Symbols are the only text of a table that reaches typst as notation; they are checked when a table is read
and when a model is built (`kinimmune.models.symbolic.notation`).
"""

import re
from collections.abc import Mapping

import sympy as sp

from kinimmune.models.errors import DataError

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
"""How tightly a piece of notation holds together."""

Piece = tuple[str, int]


def typeset(expression: sp.Expr, symbols: Mapping[str, str]) -> str:
    """Return an expression in typst's notation.

    Parameters
    ----------
    expression
        sums, products, powers, exp, log and sqrt of symbols and numbers
    symbols
        name of each symbol -> its notation; factors are printed in this order

    Raises
    ------
    DataError
        when an expression holds a function that has no notation here

    Examples
    --------
    >>> x, k = sp.Symbol("x"), sp.Symbol("k")
    >>> typeset(-k * (1 - x) / x, {"k": "k", "x": "x"})
    '-frac(k thin (1 - x), x)'
    """
    return _print(expression, symbols)[0]


def _print(expression: sp.Expr, symbols: Mapping[str, str]) -> Piece:
    if expression.is_Symbol:
        notation = symbols[expression.name]
        return notation, _ATOM if re.fullmatch(r'\S+|[^ ]*"[^"]*"', notation) else _PRODUCT
    if expression.is_Number:
        return _print_number(expression)
    if expression.is_Add:
        return _print_sum(expression, symbols)
    if expression.is_Mul:
        return _print_product(expression, symbols)
    if expression.is_Pow and expression.base is not sp.E:
        return _print_power(expression, symbols)
    return _print_function(expression, symbols)


def _print_number(number: sp.Expr) -> Piece:
    if number.is_Integer:
        return str(number), _ATOM if number >= 0 else _SUM
    if number.is_Rational:
        return f"frac({number.p}, {number.q})", _ATOM if number > 0 else _SUM
    return f"{float(number):.6g}", _ATOM if number >= 0 else _SUM


def _print_sum(expression: sp.Expr, symbols: Mapping[str, str]) -> Piece:
    def sort_key(summand: sp.Expr) -> tuple[bool, bool, list[int]]:
        return summand.could_extract_minus_sign(), not summand.is_Number, _ranks(summand, symbols)

    text = ""
    for summand in sorted(expression.args, key=sort_key):
        negative = summand.could_extract_minus_sign()
        piece = _enclose(_print(-summand if negative else summand, symbols), _PRODUCT)
        sign = "-" if negative else "+"
        text = f"{text} {sign} {piece}" if text else f"{'-' if negative else ''}{piece}"
    return text, _SUM


def _ranks(expression: sp.Expr, symbols: Mapping[str, str]) -> list[int]:
    order = {name: rank for rank, name in enumerate(symbols)}
    return sorted(order[item.name] for item in expression.free_symbols)


def _print_product(expression: sp.Expr, symbols: Mapping[str, str]) -> Piece:
    if expression.could_extract_minus_sign() and _has_negative_number(expression):
        return f"-{_enclose(_print(-expression, symbols), _PRODUCT)}", _SUM
    above, below = _split(expression)
    numerator = _join(above, symbols)
    if not below:
        return numerator
    return f"frac({numerator[0]}, {_join(below, symbols)[0]})", _ATOM


def _has_negative_number(expression: sp.Expr) -> bool:
    return any(factor.is_Number and factor < 0 for factor in expression.args)


def _split(expression: sp.Expr) -> tuple[list[sp.Expr], list[sp.Expr]]:
    above: list[sp.Expr] = []
    below: list[sp.Expr] = []
    for factor in expression.args:
        if factor.is_Rational and not factor.is_Integer:
            above += [sp.Integer(factor.p)] if factor.p != 1 else []
            below.append(sp.Integer(factor.q))
        elif factor.is_Pow and factor.exp.is_Number and factor.exp < 0:
            below.append(factor.base**-factor.exp)
        else:
            above.append(factor)
    return above, below


def _join(factors: list[sp.Expr], symbols: Mapping[str, str]) -> Piece:
    def sort_key(factor: sp.Expr) -> tuple[bool, int, list[int]]:
        kind = 0 if factor.is_Symbol or factor.is_Pow else 1 if factor.is_Add else 2
        return not factor.is_Number, kind, _ranks(factor, symbols)

    ordered = sorted(factors, key=sort_key)
    if not ordered:
        return "1", _ATOM
    if len(ordered) == 1:
        return _print(ordered[0], symbols)
    return " thin ".join(_enclose(_print(factor, symbols), _PRODUCT) for factor in ordered), _PRODUCT


def _print_power(expression: sp.Expr, symbols: Mapping[str, str]) -> Piece:
    base, exponent = expression.base, expression.exp
    if exponent.is_Number and exponent < 0:
        return f"frac(1, {_print(base**-exponent, symbols)[0]})", _ATOM
    if exponent == sp.Rational(1, 2):
        return f"sqrt({_print(base, symbols)[0]})", _ATOM
    return f"{_enclose(_print(base, symbols), _ATOM)}^({_print(exponent, symbols)[0]})", _POWER


def _print_function(expression: sp.Expr, symbols: Mapping[str, str]) -> Piece:
    if isinstance(expression, sp.exp):
        return f"e^({_print(expression.args[0], symbols)[0]})", _POWER
    names: dict[type[sp.Basic], str] = {sp.log: "ln", sp.Max: "max", sp.Min: "min"}
    name = names.get(type(expression))
    if name is None:
        raise DataError(f"'{expression.func}' has no notation in equations; write the model with exp, log, sqrt, Max or Min")
    arguments = ", ".join(_print(argument, symbols)[0] for argument in expression.args)
    return f"{name}({arguments})", _ATOM


def _enclose(piece: Piece, tightness: int) -> str:
    text, holds = piece
    return text if holds >= tightness else f"({text})"
