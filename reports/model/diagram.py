"""The diagram of a model: mechanisms as boxes in layers, arrows as the equations couple them.

Start with `draw_diagram`; who acts on whom is read off the equations in `kinimmune.models.symbolic.mechanism_graph`.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from kinimmune.models.symbolic.components import Mechanism
from kinimmune.models.symbolic.mechanism_graph import Link, find_links, list_dynamic_mechanisms
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.reports.model.diagram_labels import place_labels
from kinimmune.reports.model.equations import collect_symbols
from kinimmune.reports.model.graph_layout import Arrangement, Position, arrange
from kinimmune.reports.typesetting.blocks import DiagramBlock, Edge, Node

_NODE_WIDTH, _NODE_HEIGHT = 3.8, 1.3
"""Width and height of a box [cm]."""
_GAP, _BEND_WIDTH, _LAYER_HEIGHT = 0.8, 1.1, 2.4
"""Room between boxes, room for a bend, and distance of layers [cm]."""
_PORT = 0.75
"""Part of a box's width over which arrows are spread."""


def draw_diagram(model: OdeModel, caption: str) -> DiagramBlock:
    """Return the drawing: lengths in cm, y downwards.

    Raises
    ------
    DataError
        when a symbol has no notation
    """
    symbols = collect_symbols(model)
    links = find_links(model)
    pairs = [(link.source, link.target) for link in links]
    moving = list_dynamic_mechanisms(model)
    layout = arrange([item.name for item in moving], pairs, _NODE_WIDTH + _GAP, _BEND_WIDTH)
    sources = {link.source for link in links}
    nodes = tuple(_draw_node(item, layout.nodes[item.name], symbols, item.name not in sources) for item in moving)
    edges = place_labels([_draw_edge(link, layout, links, symbols) for link in links], nodes)
    height = (layout.layers - 1) * _LAYER_HEIGHT + _NODE_HEIGHT
    return DiagramBlock(layout.width, height, nodes, edges, caption)


def _draw_node(mechanism: Mechanism, position: Position, symbols: Mapping[str, str], outcome: bool) -> Node:
    shown = mechanism.states or mechanism.definitions
    return Node(
        x=position.x - _NODE_WIDTH / 2,
        y=position.layer * _LAYER_HEIGHT,
        width=_NODE_WIDTH,
        height=_NODE_HEIGHT,
        title=mechanism.label,
        symbols=tuple(symbols[item.name] for item in shown),
        outcome=outcome,
    )


def _draw_edge(link: Link, layout: Arrangement, links: Sequence[Link], symbols: Mapping[str, str]) -> Edge:
    pair = (link.source, link.target)
    upwards = layout.nodes[link.source].layer > layout.nodes[link.target].layer
    through = [(bend.x, bend.layer * _LAYER_HEIGHT + _NODE_HEIGHT / 2) for bend in layout.bends[pair]]
    start = (_find_port(link.source, pair, layout, links), _edge_of(layout.nodes[link.source], bottom=not upwards))
    end = (_find_port(link.target, pair, layout, links), _edge_of(layout.nodes[link.target], bottom=upwards))
    stations = [start, *through, end]
    points = [start]
    for (x0, y0), (x1, y1) in pairwise(stations):
        middle = (y1 - y0) * 0.5
        points += [(x0, y0 + middle), (x1, y1 - middle), (x1, y1)]
    return Edge(tuple(points), link.sign, tuple(symbols[name] for name in link.carriers), stations[-1])


def _edge_of(position: Position, *, bottom: bool) -> float:
    return position.layer * _LAYER_HEIGHT + (_NODE_HEIGHT if bottom else 0.0)


def _find_port(name: str, pair: tuple[str, str], layout: Arrangement, links: Sequence[Link]) -> float:
    """Return where on the edge of its box an arrow begins or ends: arrows side by side in the order of where they go."""
    position = layout.nodes[name]

    def other_end(arrow: tuple[str, str]) -> Position:
        bends = layout.bends[arrow]
        if arrow[0] == name:
            return bends[0] if bends else layout.nodes[arrow[1]]
        return bends[-1] if bends else layout.nodes[arrow[0]]

    below = other_end(pair).layer > position.layer
    arrows = [(link.source, link.target) for link in links if name in (link.source, link.target)]
    side = sorted((arrow for arrow in arrows if (other_end(arrow).layer > position.layer) == below), key=lambda a: other_end(a).x)
    offset = (side.index(pair) + 1) / (len(side) + 1) - 0.5
    return position.x + offset * _NODE_WIDTH * _PORT
