"""The equations of a model as typeset lines, grouped by mechanism, each term with its reason.

Start with `list_equations`; `collect_symbols` gives the notation of every name of a model.
"""

from collections.abc import Collection, Mapping, Sequence

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Mechanism, State, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.notation import require_notation
from kinimmune.reports.typesetting.blocks import EquationBlock, EquationRow
from kinimmune.reports.typesetting.typst_math import typeset

_PARTS = 40


def collect_symbols(model: OdeModel) -> dict[str, str]:
    """Return name -> notation: parameters, inputs, definitions, states, time; the order in which factors are printed.

    Raises
    ------
    DataError
        when a symbol is no plain notation
    """
    named = [(item.name, item.symbol) for item in model.parameters]
    named += [(item.name, item.symbol) for item in model.inputs]
    named += [(item.name, item.symbol) for item in model.definitions]
    named += [(item.name, item.symbol) for item in model.states]
    named += [(item.name, item.symbol) for item in model.outputs]
    symbols = {name: require_notation(notation, f"'{name}' of model '{model.name}'") for name, notation in named}
    return symbols | {f"c_{index}": f"c_{index}" for index in range(1, _PARTS)} | {"t": "t"}


def list_equations(model: OdeModel) -> tuple[EquationBlock, ...]:
    """Return one block per mechanism: definitions, rates of its states term by term, and starting values.

    A term another mechanism adds to a state stands with the state.

    Raises
    ------
    DataError
        when a symbol or a function has no notation
    """
    symbols = collect_symbols(model)
    varying = {symbol(name) for name in (*model.rates, *(item.name for item in model.definitions))}
    varying |= {symbol(item.name) for item in model.inputs}
    return tuple(_typeset_mechanism(mechanism, model, symbols, varying) for mechanism in model.mechanisms)


def _typeset_mechanism(
    mechanism: Mechanism, model: OdeModel, symbols: Mapping[str, str], varying: set[sp.Symbol]
) -> EquationBlock:
    expressions = [item.expression for item in mechanism.definitions] + [state.initial for state in mechanism.states]
    short, parts = abbreviate(expressions, varying)
    n = len(mechanism.definitions)
    return EquationBlock(
        title=mechanism.label,
        reason=mechanism.reason,
        definitions=tuple(
            _define(item, expression, symbols) for item, expression in zip(mechanism.definitions, short[:n], strict=True)
        ),
        rates=tuple(row for state in mechanism.states for row in _list_rate(state, model, symbols)),
        starts=tuple(_start(state, value, symbols) for state, value in zip(mechanism.states, short[n:], strict=True)),
        parts=tuple(EquationRow(symbols[name.name], "=", typeset(part, symbols), "") for name, part in parts),
    )


def _define(item: Definition, expression: sp.Expr, symbols: Mapping[str, str]) -> EquationRow:
    left, (sign, right) = symbols[item.name], _print_signed(expression, symbols, first=True)
    if left.split() == right.replace("thin", "").split():
        return EquationRow("", "", right, item.reason, item.unit)
    return EquationRow(left, sign, right, item.reason, item.unit)


def _list_rate(state: State, model: OdeModel, symbols: Mapping[str, str]) -> list[EquationRow]:
    left = f"frac(dif {symbols[state.name]}, dif t)"
    terms = [term for term in model.terms if term.state == state.name]
    if not terms:
        return [EquationRow(left, "=", "0", "every arrow was cut")]
    first, *more = terms
    rows = [EquationRow("", *_print_signed(term.expression, symbols, first=False), term.reason) for term in more]
    return [EquationRow(left, *_print_signed(first.expression, symbols, first=True), first.reason), *rows]


def _print_signed(expression: sp.Expr, symbols: Mapping[str, str], *, first: bool) -> tuple[str, str]:
    """Return the sign that joins an expression to what stands before it, and its notation without that sign."""
    text = typeset(expression, symbols)
    if expression.is_Add:
        return ("=", text) if first else ("+", f"({text})")
    if text.startswith("-"):
        return ("= -" if first else "-"), text[1:]
    return ("=" if first else "+"), text


def _start(state: State, value: sp.Expr, symbols: Mapping[str, str]) -> EquationRow:
    notation = symbols[state.name]
    return EquationRow(f"{notation} (0)", *_print_signed(value, symbols, first=True), state.meaning, state.unit)


Parts = tuple[tuple[sp.Symbol, sp.Expr], ...]


def abbreviate(
    expressions: Sequence[sp.Expr], varying: Collection[sp.Symbol], longest: int = 19, limit: int = 8
) -> tuple[tuple[sp.Expr, ...], Parts]:
    """Return the expressions with their large parts named, and the parts in the order in which they are needed.

    Expressions of at most `longest` operations stay as they are.  The constant factors of a longer product become one part;
    parts are named c_1, c_2 ... and shared between expressions.

    Parameters
    ----------
    expressions
        any expressions
    varying
        symbols that are no constants: states and what is defined from them
    longest
        number of operations that still fit on a line
    limit
        number of operations above which a part of a longer expression gets a name

    Examples
    --------
    >>> x, a = sp.symbols("x a", real=True)
    >>> (short,), parts = abbreviate([x * sp.sqrt(1 + a + a**2)], [x], longest=2, limit=2)
    >>> short, parts
    (c_2*x, ((c_1, a**2 + a + 1), (c_2, sqrt(c_1))))
    """
    parts: dict[sp.Expr, sp.Symbol] = {}

    def shorten(node: sp.Expr, *, outermost: bool) -> sp.Expr:
        if not node.args:
            return node
        short = node.func(*(shorten(argument, outermost=False) for argument in node.args))
        if outermost or not short.args or short.count_ops() <= limit:
            return short
        return parts.setdefault(short, symbol(f"c_{len(parts) + 1}"))

    def shorten_whole(expression: sp.Expr) -> sp.Expr:
        if expression.count_ops() <= longest:
            return expression
        constant, rest = expression.as_independent(*varying, as_Add=False)
        if rest == 1 or constant.count_ops() <= limit:
            return shorten(expression, outermost=True)
        named = shorten(constant, outermost=True)
        return parts.setdefault(named, symbol(f"c_{len(parts) + 1}")) * shorten(rest, outermost=True)

    short = tuple(shorten_whole(expression) for expression in expressions)
    return short, tuple((name, part) for part, name in parts.items())
