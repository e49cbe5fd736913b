"""Blocks of a report as HTML.

Start with `write_block`; what a page is made of stands in `kinimmune.reports.web.page`.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from kinimmune.reports.figures.recipes import DrawnFigures
from kinimmune.reports.typesetting.blocks import (
    Block,
    Bullets,
    Cell,
    DiagramBlock,
    EquationBlock,
    EquationRow,
    FigureBlock,
    Heading,
    Mark,
    Math,
    Paragraph,
    Span,
    Strong,
    Table,
    TableBlock,
    Tag,
)
from kinimmune.reports.web.notation import draw_diagram_svg

_SIDES = {"l": "left", "r": "right", "c": "center"}


@dataclass(frozen=True)
class Material:
    """What blocks refer to."""

    notation: Mapping[str, str]
    """Notation -> MathML."""
    figures: DrawnFigures


@dataclass(frozen=True)
class Numbered:
    """A block with its number."""

    block: Block
    number: str
    """Of a table or figure such as `3`, of a heading such as `2` or `2.1`; empty for other blocks."""


def number_blocks(blocks: Sequence[Block]) -> Iterator[Numbered]:
    """Yield blocks with their numbers: tables and figures are counted through, parts of a section within it."""
    tables, figures, section, part = 0, 0, 0, 0
    for block in blocks:
        match block:
            case Heading() if block.level == 1:
                section, part = section + 1, 0
                yield Numbered(block, f"{section}")
            case Heading():
                part += 1
                yield Numbered(block, f"{section}.{part}")
            case TableBlock():
                tables += 1
                yield Numbered(block, f"{tables}")
            case FigureBlock() | DiagramBlock():
                figures += 1
                yield Numbered(block, f"{figures}")
            case _:
                yield Numbered(block, "")


def write_block(numbered: Numbered, material: Material) -> str:
    """Return a block as HTML."""
    block = numbered.block
    match block:
        case Heading():
            name, text = f"section-{numbered.number}", f"{numbered.number} {block.text}"
            return f'<h{block.level + 1} id="{name}">{escape(text)}</h{block.level + 1}>'
        case Paragraph():
            return f"<p>{write_cell(block.content, material)}</p>"
        case Bullets():
            return f"<ul>{''.join(f'<li>{write_cell(entry, material)}</li>' for entry in block.entries)}</ul>"
        case TableBlock():
            caption = _write_caption("Table", numbered.number, block.caption)
            return f'<figure class="table">{caption}{_write_table(block.table, material)}</figure>'
        case FigureBlock():
            return _write_figure(block, numbered.number, material)
        case EquationBlock():
            return _write_equations(block, material)
    return _write_diagram(block, numbered.number)


def write_cell(cell: Cell, material: Material) -> str:
    """Return text or spans as HTML."""
    return "".join(_write_span(item, material) for item in (cell if isinstance(cell, tuple) else (cell,)))


def break_words(text: str) -> str:
    """Return text with a place to break after every underscore."""
    return escape(text).replace("_", "_<wbr>")


def _write_span(span: Span, material: Material) -> str:
    match span:
        case Math():
            return material.notation[span.math]
        case Tag():
            return f'<span class="tag {escape(span.tag)}">{escape(span.tag)}</span>'
        case Strong():
            return f"<strong>{break_words(span.strong)}</strong>"
        case Mark():
            return f"<code>{break_words(span.mark)}</code>"
    return break_words(span)


def _write_caption(kind: str, number: str, caption: str) -> str:
    return f"<figcaption><strong>{kind} {number}.</strong> {escape(caption)}</figcaption>"


def _write_table(table: Table, material: Material) -> str:
    heads = "".join(f'<th scope="col">{break_words(name)}</th>' for name in table.columns)
    groups = [None if table.group is None else row[table.group] for row in table.rows]
    rows = []
    for row, group, before in zip(table.rows, groups, [None, *groups], strict=False):
        cells = [
            _write_entry(
                place, cell, _SIDES[table.align[place]], again=place == table.group and group == before, material=material
            )
            for place, cell in enumerate(row)
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = f"<thead><tr>{heads}</tr></thead>" if any(table.columns) else ""
    return f'<div class="wide" tabindex="0"><table>{head}<tbody>{"".join(rows)}</tbody></table></div>'


def _write_entry(place: int, cell: Cell, side: str, *, again: bool, material: Material) -> str:
    """Return a cell; the first of a row names it, and what stands in the row before is not shown again."""
    tag, scope = ("th", ' scope="row"') if place == 0 else ("td", "")
    return f'<{tag}{scope} class="{side}{" again" if again else ""}">{write_cell(cell, material)}</{tag}>'


def _write_figure(block: FigureBlock, number: str, material: Material) -> str:
    figure = material.figures[block.name]
    caption = _write_caption("Figure", number, block.caption)
    if figure.svg is None:
        message = f"<strong>Figure {escape(block.name)} could not be drawn.</strong> {escape(block.failure)}"
        return f'<figure><p class="failure">{message}</p>{caption}</figure>'
    points = [{"n": item.name, "x": item.x, "y": item.y, "p": item.rows} for item in figure.points]
    data = json.dumps(points, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    link = f"data:text/csv;charset=utf-8,{quote(figure.csv, safe=',;:/ ')}"
    values = f'<script type="application/json">{data}</script>' if points else ""
    return (
        f'<figure id="figure-{escape(block.name)}">{_show(figure.svg, block.caption)}{values}{caption}<p class="tools">'
        f'<a download="{escape(block.name)}.csv" href="{escape(link)}">Values as CSV</a></p></figure>'
    )


def _write_diagram(block: DiagramBlock, number: str) -> str:
    boxes = ", ".join(node.title for node in block.nodes)
    picture = _show(draw_diagram_svg(block), f"{block.caption} Boxes: {boxes}.")
    return f"<figure>{picture}{_write_caption('Figure', number, block.caption)}</figure>"


def _write_equations(block: EquationBlock, material: Material) -> str:
    named = (
        ("", block.definitions),
        ("rates", block.rates),
        ("states and where they start", block.starts),
        ("with", block.parts),
    )
    rows = "".join(
        (f'<tr><td colspan="4" class="part">{name}</td></tr>' if name else "")
        + "".join(_write_line(row, material) for row in lines)
        for name, lines in named
        if lines
    )
    head = f'<p class="mechanism"><strong>{escape(block.title)}</strong> {escape(block.reason)}</p>'
    return f'<div class="equations">{head}<div class="wide" tabindex="0"><table role="presentation">{rows}</table></div></div>'


def _write_line(row: EquationRow, material: Material) -> str:
    unit = "" if row.unit in ("", "1") else f" [{escape(row.unit)}]"
    left = material.notation[row.left] if row.left else ""
    sign = row.sign.replace("-", "−")
    return f"<tr><td>{left}</td><td>{sign}</td><td>{material.notation[row.right]}</td><td>{escape(row.reason)}{unit}</td></tr>"


def _show(svg: bytes, words: str) -> str:
    """Return a picture inside the page, with words for those who do not see it."""
    image = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    return f'<div class="picture"><img alt="{escape(words)}" src="{image}"></div>'
