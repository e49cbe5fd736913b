"""Common subexpressions: what several results share is computed once.

Start with `share_subexpressions`.
"""

from collections.abc import Iterable, Sequence

import sympy as sp

from kinimmune.models.kernel.segment_constants import Assignment


def share_subexpressions(named: Sequence[Assignment], results: Sequence[Assignment]) -> list[Assignment]:
    """Return the assignments that give `results`, those of `named` they need among them, each after those it uses.

    Common subexpressions stand as assignments of their own to `c_0`, `c_1` and so on.
    """
    needed = _needed(named, results)
    targets = [name for name, _ in (*needed, *results)]
    expressions = [expression for _, expression in (*needed, *results)]
    shared, reduced = sp.cse(expressions, symbols=sp.numbered_symbols("c_", real=True), optimizations="basic")
    return _in_order([*shared, *zip(targets, reduced, strict=True)])


def _needed(named: Sequence[Assignment], results: Sequence[Assignment]) -> list[Assignment]:
    used = set().union(*(expression.free_symbols for _, expression in results))
    needed: list[Assignment] = []
    for name, expression in reversed(named):
        if name in used:
            needed.append((name, expression))
            used |= expression.free_symbols
    return needed[::-1]


def _in_order(assignments: Iterable[Assignment]) -> list[Assignment]:
    remaining = dict(assignments)
    ordered: list[Assignment] = []
    done: set[sp.Symbol] = set()

    def visit(name: sp.Symbol) -> None:
        if name in done or name not in remaining:
            return
        done.add(name)
        for used in sorted(remaining[name].free_symbols, key=str):
            visit(used)
        ordered.append((name, remaining[name]))

    for name in remaining:
        visit(name)
    return ordered
