"""The pages of a report as one file for a browser: nothing outside it is asked for.

Start with `set_web_page`; the same document is set as a PDF by `kinimmune.reports.document`.
"""

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from kinimmune.reports.figures.recipes import DrawnFigures
from kinimmune.reports.typesetting.blocks import Document, Heading
from kinimmune.reports.web.blocks import Material, break_words, number_blocks, write_block, write_cell
from kinimmune.reports.web.notation import set_notation

_HERE = Path(__file__).parent
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""What a browser is told to refuse: everything that is not in the file."""


def set_web_page(document: Document, figures: DrawnFigures, date: str) -> bytes:
    """Return a report as one HTML file; `date` is printed at its end, empty for none."""
    material = Material(set_notation(_list_notation(document.as_plain())), figures)
    blocks = tuple(number_blocks(document.blocks))
    body = "".join(write_block(block, material) for block in blocks)
    facts = "".join(f"<dt>{break_words(name)}</dt><dd>{break_words(value)}</dd>" for name, value in document.facts)
    summary = "".join(f"<p>{write_cell(cell, material)}</p>" for cell in document.summary)
    contents = "".join(
        f'<li class="level{item.block.level}"><a href="#section-{item.number}">{item.number} {escape(item.block.text)}</a></li>'
        for item in blocks
        if isinstance(item.block, Heading)
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
