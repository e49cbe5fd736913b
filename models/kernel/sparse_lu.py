"""Sparse Gaussian elimination decided once, when code is generated: order, fill, and the unrolled statements.

Start with `plan_elimination`; `factor_lines` and `solve_lines` write the statements.  The diagonal is the pivot in every row: the
matrix is 1/(h gamma) - J, and the kernel watches the growth of each pivot and shortens h where it is large.
"""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Elimination:
    """The order of the pivots and the rows that hold the factors."""

    order: tuple[int, ...]
    """Rows in the order in which they are pivots."""
    slots: dict[tuple[int, int], int]
    """(row, column) -> row of the kernel's array of factors, fill included."""

    @property
    def rank(self) -> dict[int, int]:
        """Row -> its position in the order of the pivots."""
        return {row: rank for rank, row in enumerate(self.order)}


def plan_elimination(n: int, nonzero: Collection[tuple[int, int]]) -> Elimination:
    """Return the order that Markowitz' rule finds for a pattern with a full diagonal, and the fill it makes.

    Source: H. M. Markowitz, Management Science 3 (1957) 255-269; here restricted to diagonal pivots.

    Parameters
    ----------
    n
        number of rows
    nonzero
        (row, column) of the entries that are not structurally zero
    """
    filled = set(nonzero) | {(i, i) for i in range(n)}
    remaining = list(range(n))
    order: list[int] = []
    while remaining:
        pivot = min(remaining, key=lambda row: _markowitz_count(row, remaining, filled))
        remaining.remove(pivot)
        order.append(pivot)
        rows = [i for i in remaining if (i, pivot) in filled]
        columns = [j for j in remaining if (pivot, j) in filled]
        filled |= {(i, j) for i in rows for j in columns}
    return Elimination(tuple(order), {entry: slot for slot, entry in enumerate(sorted(filled))})


def _markowitz_count(row: int, remaining: list[int], filled: set[tuple[int, int]]) -> int:
    below = sum((i, row) in filled for i in remaining) - 1
    right = sum((row, j) in filled for j in remaining) - 1
    return below * right


def factor_lines(plan: Elimination, nonzero: Collection[tuple[int, int]]) -> list[str]:
    """Return statements that turn the entries `a_slot` of J into the factors `w_slot` of d - J, and `worst`, their growth.

    The growth is the sum of |l_ik u_ki| that went into a pivot, over |d| + |its value before|: a measure that rescaling of the
    states leaves alone.  Pivots are stored as reciprocals.
    """
    lines = ["worst = 0.0"]
    entries = set(nonzero)
    for (i, j), slot in plan.slots.items():
        value = f"-a_{slot}" if (i, j) in entries else "0.0"
        diagonal = f"d - a_{slot}" if (i, j) in entries else "d"
        lines.append(f"w_{slot} = {diagonal if i == j else value}")
    rank = plan.rank
    updated = sorted({i for (i, j) in plan.slots if rank[j] < rank[i] and (j, i) in plan.slots})
    lines += [line for i in updated for line in (f"size_{i} = abs(d) + abs(w_{plan.slots[i, i]})", f"sum_{i} = 0.0")]
    for pivot in plan.order:
        lines += _eliminate(plan, pivot, rank)
    return lines + [f"worst = max(worst, sum_{i} / size_{i})" for i in updated]


def _eliminate(plan: Elimination, pivot: int, rank: dict[int, int]) -> list[str]:
    slots = plan.slots
    diagonal = slots[pivot, pivot]
    lines = [f"w_{diagonal} = 1.0 / w_{diagonal}"]
    rows = [i for i in plan.order if rank[i] > rank[pivot] and (i, pivot) in slots]
    columns = [j for j in plan.order if rank[j] > rank[pivot] and (pivot, j) in slots]
    for i in rows:
        factor = slots[i, pivot]
        lines.append(f"w_{factor} = w_{factor} * w_{diagonal}")
        if (pivot, i) in slots:
            lines.append(f"sum_{i} += abs(w_{factor} * w_{slots[pivot, i]})")
        lines += [f"w_{slots[i, j]} -= w_{factor} * w_{slots[pivot, j]}" for j in columns]
    return lines


def solve_lines(plan: Elimination) -> list[str]:
    """Return statements that turn the right-hand side `b_row` into the solution, by the factors `w_slot`."""
    slots, rank, order = plan.slots, plan.rank, plan.order
    lines = []
    for i in order:
        lines += [f"b_{i} -= w_{slots[i, j]} * b_{j}" for j in order if rank[j] < rank[i] and (i, j) in slots]
    for i in reversed(order):
        lines += [f"b_{i} -= w_{slots[i, j]} * b_{j}" for j in order if rank[j] > rank[i] and (i, j) in slots]
        lines.append(f"b_{i} *= w_{slots[i, i]}")
    return lines
