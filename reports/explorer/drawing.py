"""The diagram and the equations of a model of which some arrows are cut.

Start with `draw_model`.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import typst

from kinimmune.models.errors import MachineError
from kinimmune.models.symbolic.components import symbol
from kinimmune.models.symbolic.mechanism_graph import find_links
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.reports.explorer.symbols import split_symbol
from kinimmune.reports.model.diagram import draw_diagram
from kinimmune.reports.model.equations import list_equations

_TEMPLATE = Path(__file__).with_name("equations.typ")


@dataclass(frozen=True)
class ShownNode:
    """A box of the diagram [cm], y downwards."""

    name: str
    x: float
    y: float
    width: float
    height: float
    title: str
    symbols: tuple[tuple[str, str], ...]
    outcome: bool


@dataclass(frozen=True)
class ShownEdge:
    """An arrow of the diagram."""

    source: str
    target: str
    points: tuple[tuple[float, float], ...]
    """Cubic Bezier chain."""
    sign: str
    symbols: tuple[tuple[str, str], ...]
    label_at: tuple[float, float]
    carriers: tuple[str, ...]


@dataclass(frozen=True)
class ShownDiagram:
    """The whole model; what is cut is told by `ShownModel.dead`."""

    width: float
    height: float
    nodes: tuple[ShownNode, ...]
    edges: tuple[ShownEdge, ...]


@dataclass(frozen=True)
class ShownModel:
    """What changes of a model when arrows are cut."""

    dead: tuple[tuple[str, str], ...]
    """(source, target) of the diagram's arrows that carry nothing any more."""
    equations: str
    """SVG of the equations as they are integrated."""


def draw_whole(model: OdeModel) -> ShownDiagram:
    """Return the diagram of a model, every arrow with the names of what carries it."""
    block = draw_diagram(model, "")
    names = {mechanism.label: mechanism.name for mechanism in model.mechanisms}
    nodes = tuple(
        ShownNode(names[item.title], item.x, item.y, item.width, item.height, item.title, _split(item.symbols), item.outcome)
        for item in block.nodes
    )
    edges = tuple(
        ShownEdge(link.source, link.target, item.points, item.sign, _split(item.symbols), item.label_at, link.carriers)
        for link, item in zip(find_links(model), block.edges, strict=True)
    )
    return ShownDiagram(block.width, block.height, nodes, edges)


def _split(symbols: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(split_symbol(item) for item in symbols)


def draw_model(model: OdeModel, whole: ShownDiagram, cuts: Sequence[str]) -> ShownModel:
    """Return what the diagram has lost, and the equations that are left.

    Parameters
    ----------
    model
        with all its arrows
    whole
        its diagram
    cuts
        arrows that are cut

    Raises
    ------
    UsageError
        for an arrow there is not
    MachineError
        when temporary files cannot be written
    """
    left = model.without(*cuts) if cuts else model
    return ShownModel(find_dead(left, whole, cuts), set_equations(left))


def find_dead(left: OdeModel, whole: ShownDiagram, cuts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the arrows of a diagram whose target uses nothing of their source any more that moves."""
    used = {}
    for mechanism in left.mechanisms:
        parts = [item.expression for item in mechanism.definitions] + [left.rates[state.name] for state in mechanism.states]
        used[mechanism.name] = {name for part in parts for name in part.free_symbols}
    still = {item.name for item in left.definitions if item.name in cuts}
    return tuple(
        (edge.source, edge.target)
        for edge in whole.edges
        if not any(symbol(name) in used[edge.target] for name in edge.carriers if name not in still)
    )


def set_equations(model: OdeModel) -> str:
    """Return the equations of a model as one SVG.

    Raises
    ------
    DataError
        when a symbol or a function has no notation
    MachineError
        when temporary files cannot be written
    """
    content = {"blocks": [asdict(block) for block in list_equations(model)]}
    try:
        with tempfile.TemporaryDirectory() as name:
            main = Path(name) / "main.typ"
            main.write_bytes(_TEMPLATE.read_bytes())
            main.with_name("content.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
            pages = typst.compile(main, root=main.parent, ignore_system_fonts=True, format="svg")
    except OSError as error:
        raise MachineError(f"cannot write temporary files: {error.strerror or error}; make room, or set TMPDIR") from error
    return (pages if isinstance(pages, bytes) else pages[0]).decode()
