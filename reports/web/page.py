"""The pages of a report as one file for a browser: nothing outside it is asked for.

Start with `set_web_page`; the same document is set as a PDF by `kinimmune.reports.document`.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kinimmune.reports.figures.recipes import DrawnFigures
from kinimmune.reports.typesetting.blocks import (
    Block,
    Bullets,
    Cell,
    DiagramBlock,
    Document,
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
from kinimmune.reports.web.notation import draw_diagram_svg, set_notation

_HERE = Path(__file__).parent
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""What a browser is told to refuse: everything that is not in the file."""
_SIDES = {"l": "left", "r": "right", "c": "center"}


def set_web_page(document: Document, figures: DrawnFigures, date: str) -> bytes:
    """Return a report as one HTML file; `date` is printed at its end, empty for none."""
    writer = _Writer(set_notation(_list_notation(document.as_plain())), figures)
    body = "".join(writer.write(block) for block in document.blocks)
    facts = "".join(f"<dt>{_break(name)}</dt><dd>{_break(value)}</dd>" for name, value in document.facts)
    summary = "".join(f"<p>{writer.cell(cell)}</p>" for cell in document.summary)
    contents = "".join(
        f'<li class="level{level}"><a href="#{name}">{escape(text)}</a></li>' for name, text, level in writer.headings
    )
    page = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><meta name="color-scheme" content="light dark">
<title>{escape(document.title)}: {escape(document.subtitle)}</title><style>{_read("page.css")}</style></head><body>
<a class="skip" href="#pages">Skip to the pages</a>
<header><p class="kind">{escape(document.subtitle)}</p><h1>{escape(document.title)}</h1>{summary}<dl>{facts}</dl></header>
<nav aria-label="Contents"><h2>Contents</h2><ul>{contents}</ul></nav>
<main id="pages">{body}</main><footer><p>{escape(document.running_title)} {escape(date)}</p></footer>
<script>{_read("page.js")}</script></body></html>
"""
    return page.encode()


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _list_notation(item: Any) -> Iterator[str]:  # noqa: ANN401 - nested plain data
    """Yield every notation of a document as plain data."""
    if isinstance(item, Mapping):
        for key, value in item.items():
            if key in ("math", "left", "right") and isinstance(value, str) and value:
                yield value
            else:
                yield from _list_notation(value)
    elif isinstance(item, list | tuple):
        for value in item:
            yield from _list_notation(value)


def _break(text: str) -> str:
    """Return text with a place to break after every underscore."""
    return escape(text).replace("_", "_<wbr>")


class _Writer:
    """Writes blocks one after the other, and numbers them."""

    def __init__(self, maths: Mapping[str, str], figures: DrawnFigures) -> None:
        self._maths, self._figures = maths, figures
        self._numbers = {"Table": 0, "Figure": 0, "section": 0, "part": 0}
        self.headings: list[tuple[str, str, int]] = []

    def write(self, block: Block) -> str:
        """Return a block as HTML."""
        match block:
            case Heading():
                return self._head(block)
            case Paragraph():
                return f"<p>{self.cell(block.content)}</p>"
            case Bullets():
                return f"<ul>{''.join(f'<li>{self.cell(entry)}</li>' for entry in block.entries)}</ul>"
            case TableBlock():
                return f'<figure class="table">{self._caption("Table", block.caption)}{self._table(block.table)}</figure>'
            case FigureBlock():
                return self._figure(block)
            case EquationBlock():
                return self._equations(block)
        return self._diagram(block)

    def cell(self, cell: Cell) -> str:
        """Return text or spans as HTML."""
        return "".join(map(self._span, cell)) if isinstance(cell, tuple) else self._span(cell)

    def _span(self, span: Span) -> str:
        match span:
            case Math():
                return self._maths[span.math]
            case Tag():
                return f'<span class="tag {escape(span.tag)}">{escape(span.tag)}</span>'
            case Strong():
                return f"<strong>{_break(span.strong)}</strong>"
            case Mark():
                return f"<code>{_break(span.mark)}</code>"
        return _break(span)

    def _head(self, block: Heading) -> str:
        if block.level == 1:
            self._numbers |= {"section": self._numbers["section"] + 1, "part": 0}
            number = f"{self._numbers['section']}"
        else:
            self._numbers["part"] += 1
            number = f"{self._numbers['section']}.{self._numbers['part']}"
        name, text = f"section-{number}", f"{number} {block.text}"
        self.headings.append((name, text, block.level))
        return f'<h{block.level + 1} id="{name}">{escape(text)}</h{block.level + 1}>'

    def _caption(self, kind: str, caption: str) -> str:
        self._numbers[kind] += 1
        return f"<figcaption><strong>{kind} {self._numbers[kind]}.</strong> {escape(caption)}</figcaption>"

    def _table(self, table: Table) -> str:
        titled = any(table.columns)
        heads = "".join(f'<th scope="col">{_break(name)}</th>' for name in table.columns)
        rows, before = [], None
        for row in table.rows:
            group = None if table.group is None else row[table.group]
            cells = ""
            for place, cell in enumerate(row):
                again = place == table.group and group == before
                side = _SIDES[table.align[place]]
                tag, scope = ("th", ' scope="row"') if place == 0 else ("td", "")
                cells += f'<{tag}{scope} class="{side}{" again" if again else ""}">{self.cell(cell)}</{tag}>'
            rows.append(f"<tr>{cells}</tr>")
            before = group
        head = f"<thead><tr>{heads}</tr></thead>" if titled else ""
        return f'<div class="wide" tabindex="0"><table>{head}<tbody>{"".join(rows)}</tbody></table></div>'

    def _figure(self, block: FigureBlock) -> str:
        figure = self._figures[block.name]
        caption = self._caption("Figure", block.caption)
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

    def _diagram(self, block: DiagramBlock) -> str:
        boxes = ", ".join(node.title for node in block.nodes)
        picture = _show(draw_diagram_svg(block), f"{block.caption} Boxes: {boxes}.")
        return f"<figure>{picture}{self._caption('Figure', block.caption)}</figure>"

    def _equations(self, block: EquationBlock) -> str:
        named = (
            ("", block.definitions),
            ("rates", block.rates),
            ("states and where they start", block.starts),
            ("with", block.parts),
        )
        rows = "".join(
            (f'<tr><td colspan="4" class="part">{name}</td></tr>' if name else "") + "".join(map(self._line, lines))
            for name, lines in named
            if lines
        )
        head = f'<p class="mechanism"><strong>{escape(block.title)}</strong> {escape(block.reason)}</p>'
        return (
            f'<div class="equations">{head}<div class="wide" tabindex="0"><table role="presentation">{rows}</table></div></div>'
        )

    def _line(self, row: EquationRow) -> str:
        unit = "" if row.unit in ("", "1") else f" [{escape(row.unit)}]"
        left = self._maths[row.left] if row.left else ""
        sign = row.sign.replace("-", "−")
        return f"<tr><td>{left}</td><td>{sign}</td><td>{self._maths[row.right]}</td><td>{escape(row.reason)}{unit}</td></tr>"


def _show(svg: bytes, words: str) -> str:
    """Return a picture inside the page, with words for those who do not see it."""
    image = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    return f'<div class="picture"><img alt="{escape(words)}" src="{image}"></div>'
