"""What a report is made of: headings, paragraphs, tables, figures, equations and diagrams, as plain data for the template.

Start with `Block`.  Every text is data: the template prints it and never parses it; only `Math` is parsed, and only as
mathematics, after `require_notation` has let it pass.
"""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Math:
    """Mathematical notation of typst, already checked."""

    math: str


@dataclass(frozen=True)
class Tag:
    """A word from a short list, printed as a coloured label."""

    tag: str


@dataclass(frozen=True)
class Strong:
    """Emphasised text."""

    strong: str


@dataclass(frozen=True)
class Mark:
    """Text that is an identifier, printed in fixed width."""

    mark: str


Span = str | Math | Tag | Strong | Mark
Cell = Span | tuple[Span, ...]
"""A table cell or a paragraph: text, or spans one after the other."""


@dataclass(frozen=True)
class Table:
    """Rows for a page or a terminal."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    align: str
    """One letter per column: l, r or c."""
    widths: tuple[float, ...] = ()
    """Relative widths of the columns; 0 for as wide as the content; empty when all are."""
    group: int | None = None
    """Column whose repeated values are printed once, with a rule above each new one."""


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 or 2."""

    text: str
    level: int = 1
    kind: str = "heading"


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    content: Cell
    kind: str = "paragraph"


@dataclass(frozen=True)
class Bullets:
    """A list of statements."""

    entries: tuple[Cell, ...]
    kind: str = "bullets"


@dataclass(frozen=True)
class TableBlock:
    """A table with what to see in it."""

    table: Table
    caption: str
    small: bool = False
    kind: str = "table"


@dataclass(frozen=True)
class FigureBlock:
    """A figure with what to see in it, or the message of why it could not be drawn."""

    name: str
    caption: str
    path: str | None
    """Relative path of the SVG; None when drawing failed."""
    failure: str = ""
    kind: str = "figure"


@dataclass(frozen=True)
class EquationRow:
    """One line of a system of equations; `left` is empty on a line that goes on."""

    left: str
    sign: str
    """Between left and right: `=`, `+`, `-`, `= -`, or nothing."""
    right: str
    """Notation without its sign."""
    reason: str
    unit: str = ""


@dataclass(frozen=True)
class EquationBlock:
    """The equations of one mechanism."""

    title: str
    reason: str
    definitions: tuple[EquationRow, ...]
    rates: tuple[EquationRow, ...]
    starts: tuple[EquationRow, ...]
    parts: tuple[EquationRow, ...]
    """Abbreviations used above."""
    kind: str = "equations"


@dataclass(frozen=True)
class Node:
    """A mechanism in the diagram; lengths in units of the drawing, y downwards."""

    x: float
    y: float
    width: float
    height: float
    title: str
    symbols: tuple[str, ...]
    """Notation of its states, or of what it defines when it has none."""
    outcome: bool
    """Whether nothing depends on it."""


@dataclass(frozen=True)
class Edge:
    """An arrow between mechanisms."""

    points: tuple[tuple[float, float], ...]
    """Cubic Bezier chain: start, then (control, control, end) for each piece."""
    sign: str
    """`raises`, `lowers` or `both`."""
    symbols: tuple[str, ...]
    """Notation of what carries it."""
    label_at: tuple[float, float]


@dataclass(frozen=True)
class DiagramBlock:
    """The mechanisms of a model and how they act on each other."""

    width: float
    height: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    caption: str
    kind: str = "diagram"


Block = Heading | Paragraph | Bullets | TableBlock | FigureBlock | EquationBlock | DiagramBlock


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    subtitle: str
    facts: tuple[tuple[str, str], ...]
    """Label and value, beside the title."""
    summary: tuple[Cell, ...]
    """Paragraphs under the title."""
    running_title: str
    blocks: tuple[Block, ...]

    def as_plain(self) -> dict[str, Any]:
        """Return nested dictionaries, lists and texts for JSON."""
        return asdict(self)
