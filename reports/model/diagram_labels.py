"""Where the labels of a diagram's arrows stand: on their arrows, off the boxes, and off each other where there is room.

Start with `place_labels`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from kinimmune.reports.typesetting.blocks import Edge, Node

_LETTER, _SUBSCRIPT, _COMMA = 0.15, 0.115, 0.12
"""Widths of a letter, of one set low, and of what stands between symbols [cm], at the size of the letters of a label."""
_HEIGHT, _MARGIN, _WIDEST = 0.34, 0.08, 2.0
"""Height of a line, room around it, and width at which a label is broken [cm]; `diagram.typ` sets it so."""
_ALONG = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)
"""Places on a piece of an arrow that are tried, the middle first."""


@dataclass(frozen=True)
class Extent:
    """A rectangle [cm], y downwards."""

    x: float
    """Left end."""
    y: float
    """Upper end."""
    width: float
    height: float

    def share(self, other: "Extent") -> float:
        """Return the area that both cover [cm^2]."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(across, 0.0) * max(down, 0.0)


def place_labels(edges: Sequence[Edge], nodes: Sequence[Node]) -> tuple[Edge, ...]:
    """Return arrows with places for their labels, wide labels first: the first place that is free, else the least covered.

    Parameters
    ----------
    edges
        arrows in the order of drawing
    nodes
        boxes
    """
    taken = [Extent(node.x, node.y, node.width, node.height) for node in nodes]
    found: dict[int, tuple[float, float]] = {}
    for number in sorted(range(len(edges)), key=lambda number: -measure_label(edges[number].symbols)[0]):
        places = list(_list_places(edges[number]))
        covered = [sum(cover_label(edges[number], place).share(other) for other in taken) for place in places]
        best = places[covered.index(min(covered))]
        found[number] = best
        taken.append(cover_label(edges[number], best))
    return tuple(replace(edge, label_at=found[number]) for number, edge in enumerate(edges))


def cover_label(edge: Edge, place: tuple[float, float]) -> Extent:
    """Return what the label of an arrow covers when its centre is at a place."""
    width, height = measure_label(edge.symbols)
    return Extent(place[0] - width / 2.0, place[1] - height / 2.0, width, height)


def measure_label(symbols: Sequence[str]) -> tuple[float, float]:
    """Return about how wide and high a label is [cm].

    >>> [round(size, 2) for size in measure_label(("x",))], [round(size, 2) for size in measure_label(('theta_"RAF"',))]
    ([0.23, 0.42], [0.57, 0.42])
    """
    width = sum(map(_measure_symbol, symbols)) + _COMMA * (len(symbols) - 1) + _MARGIN
    lines = 1 if width <= _WIDEST else 2
    return min(width, _WIDEST), _HEIGHT * lines + _MARGIN


def _measure_symbol(notation: str) -> float:
    base, _, low = notation.partition("_")
    letters = 1 if base.isalpha() else len(base.strip('"'))  # such as theta, which is one letter
    return _LETTER * letters + _SUBSCRIPT * len(low.replace('"', ""))


def _list_places(edge: Edge) -> Iterator[tuple[float, float]]:
    """Yield places on an arrow, those of its last piece first."""
    ends = [edge.points[0], *edge.points[3::3]]
    pieces = list(pairwise(ends))
    controls = [edge.points[place : place + 2] for place in range(1, len(edge.points), 3)]
    for along in _ALONG:
        for (start, end), (first, second) in zip(reversed(pieces), reversed(controls), strict=True):
            yield _at(along, start, first, second, end)


def _at(along: float, *points: tuple[float, float]) -> tuple[float, float]:
    """Return the point of a cubic Bezier curve."""
    rest = 1.0 - along
    weights = (rest**3, 3.0 * along * rest**2, 3.0 * along**2 * rest, along**3)
    x, y = (sum(weight * point[axis] for weight, point in zip(weights, points, strict=True)) for axis in (0, 1))
    return x, y
