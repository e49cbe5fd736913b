"""Long expressions cut into named parts that fit on a line.

Start with `abbreviate`.
"""

from collections.abc import Collection, Sequence

import sympy as sp

from kinimmune.models.symbolic.components import symbol

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
