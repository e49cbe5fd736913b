"""Places the nodes of a directed graph in layers so that few arrows cross.

Start with `arrange`.  The way of Sugiyama, Tagawa and Toda (1981): layers by longest path, long arrows through positions of their
own in the layers between, order within a layer by barycentres, here by trying and keeping the order with the fewest crossings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Arrow = tuple[str, str]


@dataclass(frozen=True)
class Position:
    """The position of a node, or of a bend of a long arrow, in the drawing."""

    layer: int
    """Layer from the top, the first being 0."""
    x: float
    """Distance of its centre from the left edge, in the unit of the drawing."""


@dataclass(frozen=True)
class Arrangement:
    """The positions of all nodes and bends of a drawing."""

    nodes: Mapping[str, Position]
    bends: Mapping[Arrow, tuple[Position, ...]]
    """Positions an arrow passes between its ends, from its source to its target."""
    width: float
    """Width of the widest layer, in the unit of the drawing."""
    layers: int
    """Number of layers."""


def arrange(names: Sequence[str], arrows: Sequence[Arrow], node_width: float, bend_width: float) -> Arrangement:
    """Place nodes in layers, sources above targets; an arrow against the order of `names` runs upwards.

    Parameters
    ----------
    names
        nodes, in an order that most arrows follow
    arrows
        pairs of names
    node_width, bend_width
        room a node and a bend take in their layer, in the unit of the drawing
    """
    rank = {name: index for index, name in enumerate(names)}
    downward = [arrow if rank[arrow[0]] < rank[arrow[1]] else (arrow[1], arrow[0]) for arrow in arrows]
    depth = _find_layers(names, downward)
    chains = {arrow: _chain(arrow, depth) for arrow in dict.fromkeys(downward)}
    rows = _fill_rows(names, depth, chains)
    pairs = [pair for chain in chains.values() for pair in pairwise(chain)]
    rows = _reorder(rows, pairs)
    width, positions = _spread(rows, pairs, node_width, bend_width)
    bends: dict[Arrow, tuple[Position, ...]] = {}
    for arrow in arrows:
        follows = rank[arrow[0]] < rank[arrow[1]]
        inner = [positions[point] for point in chains[arrow if follows else (arrow[1], arrow[0])][1:-1]]
        bends[arrow] = tuple(inner if follows else reversed(inner))
    return Arrangement({name: positions[name] for name in names}, bends, width, len(rows))


def _find_layers(names: Sequence[str], arrows: Sequence[Arrow]) -> dict[str, int]:
    depth = dict.fromkeys(names, 0)
    for name in names:
        depth[name] = max((depth[source] + 1 for source, target in arrows if target == name), default=0)
    for name in reversed(names):
        later = [depth[target] for source, target in arrows if source == name]
        if later and not any(target == name for _, target in arrows):
            depth[name] = min(later) - 1
    return depth


def _chain(arrow: Arrow, depth: Mapping[str, int]) -> list[str]:
    source, target = arrow
    inner = [f"{source}>{target}>{layer}" for layer in range(depth[source] + 1, depth[target])]
    return [source, *inner, target]


def _fill_rows(names: Sequence[str], depth: Mapping[str, int], chains: Mapping[Arrow, list[str]]) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for name in names:
        rows[depth[name]].append(name)
    for (source, _), chain in chains.items():
        for offset, bend in enumerate(chain[1:-1], start=1):
            rows[depth[source] + offset].append(bend)
    return rows


def _reorder(rows: list[list[str]], pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    best, fewest = rows, _count_crossings(rows, pairs)
    for sweep in range(24):
        rows = _sweep(rows, pairs, downwards=sweep % 2 == 0)
        rows = _swap(rows, pairs)
        crossings = _count_crossings(rows, pairs)
        if crossings < fewest:
            best, fewest = rows, crossings
    return best


def _sweep(rows: list[list[str]], pairs: Sequence[tuple[str, str]], *, downwards: bool) -> list[list[str]]:
    rows = [list(row) for row in rows]
    order = range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1)
    for index in order:
        fixed = rows[index - 1 if downwards else index + 1]
        position = {item: place / max(len(fixed) - 1, 1) for place, item in enumerate(fixed)}
        own = {item: place / max(len(rows[index]) - 1, 1) for place, item in enumerate(rows[index])}
        centre = {item: _mean(_neighbours(item, pairs, position), own[item]) for item in rows[index]}
        rows[index].sort(key=centre.__getitem__)
    return rows


def _swap(rows: list[list[str]], pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    rows = [list(row) for row in rows]
    fewest = _count_crossings(rows, pairs)
    for row in rows:
        for index in range(len(row) - 1):
            row[index], row[index + 1] = row[index + 1], row[index]
            crossings = _count_crossings(rows, pairs)
            if crossings >= fewest:
                row[index], row[index + 1] = row[index + 1], row[index]
            else:
                fewest = crossings
    return rows


def _neighbours(item: str, pairs: Sequence[tuple[str, str]], position: Mapping[str, float]) -> list[float]:
    ends = [end for pair in pairs if item in pair for end in pair if end != item]
    return [position[end] for end in ends if end in position]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _count_crossings(rows: Sequence[Sequence[str]], pairs: Sequence[tuple[str, str]]) -> int:
    crossings = 0
    for upper, lower in pairwise(rows):
        above, below = {item: i for i, item in enumerate(upper)}, {item: i for i, item in enumerate(lower)}
        lines = [(above[a], below[b]) for a, b in pairs if a in above and b in below]
        crossings += sum((a - c) * (b - d) < 0 for k, (a, b) in enumerate(lines) for c, d in lines[:k])
    return crossings


def _spread(
    rows: list[list[str]], pairs: Sequence[tuple[str, str]], node_width: float, bend_width: float
) -> tuple[float, dict[str, Position]]:
    """Give every item an x: rows packed in order, then drawn towards their neighbours as far as there is room."""
    size = {item: bend_width if ">" in item else node_width for row in rows for item in row}
    width = max(sum(size[item] for item in row) for row in rows)
    x: dict[str, float] = {}
    for row in rows:
        left = (width - sum(size[item] for item in row)) / 2
        for item in row:
            x[item] = left + size[item] / 2
            left += size[item]
    for _ in range(60):
        for row in rows:
            for index, item in enumerate(row):
                wanted = _mean(_neighbours(item, pairs, x), x[item])
                lowest = size[item] / 2 if index == 0 else x[row[index - 1]] + (size[row[index - 1]] + size[item]) / 2
                last = index == len(row) - 1
                highest = width - size[item] / 2 if last else x[row[index + 1]] - (size[row[index + 1]] + size[item]) / 2
                x[item] = min(max(wanted, lowest), max(highest, lowest))
    return width, {item: Position(layer, x[item]) for layer, row in enumerate(rows) for item in row}
