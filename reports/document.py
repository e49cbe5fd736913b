"""From results to a PDF: draws the figures, composes the pages and has typst set them.

Start with `write_report` for a run or `write_model_report` for a model alone.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import typst

from kinimmune.models.errors import DataError, UsageError
from kinimmune.reports.content import Content, ModelContent
from kinimmune.reports.figures.catalogue import list_figures, list_model_figures
from kinimmune.reports.figures.recipes import DrawnFigure, FigureRecipe, draw_all
from kinimmune.reports.pages.model import compose_model_report
from kinimmune.reports.pages.run import compose_report
from kinimmune.reports.typesetting.blocks import Document

_TEMPLATE = Path(__file__).with_name("report.typ")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Date of a document whose provenance has none."""


def write_report(content: Content, folder: Path, pdf: Path) -> tuple[str, ...]:
    """Write the report of a run.

    Parameters
    ----------
    content
        the run
    folder
        where `figures/NAME.svg` and `figures/NAME.csv` go
    pdf
        the file to write

    Returns
    -------
    tuple of str
        one warning per figure that could not be drawn

    Raises
    ------
    DataError
        when a symbol is no plain notation or the provenance has no readable date
    UsageError
        when a file cannot be written
    """
    figures = _draw(list_figures(content), folder)
    _write_pdf(compose_report(content, figures), figures, content.provenance, pdf)
    return _collect_warnings(figures)


def write_model_report(content: ModelContent, folder: Path, pdf: Path) -> tuple[str, ...]:
    """Write the report of a model alone; parameters, return value and errors as in `write_report`."""
    figures = _draw(list_model_figures(content), folder)
    _write_pdf(compose_model_report(content, figures), figures, content.provenance, pdf)
    return _collect_warnings(figures)


def _draw(recipes: Iterable[FigureRecipe], folder: Path) -> dict[str, DrawnFigure]:
    target = folder / "figures"
    try:
        return draw_all(recipes, target)
    except OSError as error:
        raise UsageError(f"cannot write figures to '{target}': {error.strerror}; give a folder you may write") from error


def set_pages(document: Document, figures: Mapping[str, DrawnFigure], provenance: Mapping[str, str]) -> bytes:
    """Return the PDF of a document whose figures are drawn; dated by `started` in the provenance.

    Raises
    ------
    DataError
        when `started` is no ISO 8601 time
    """
    started = _read_time(provenance.get("started"))
    shown = started.strftime("%d %B %Y").lstrip("0") if "started" in provenance else ""
    content = document.as_plain() | {"date": shown}
    with TemporaryDirectory() as name:
        root = Path(name)
        (root / "figures").mkdir()
        (root / "content.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        for figure in figures.values():
            if figure.block.path is not None and figure.svg is not None:
                (root / figure.block.path).write_bytes(figure.svg)
        main = root / "main.typ"
        main.write_bytes(_TEMPLATE.read_bytes())
        return bytes(typst.compile(main, root=root, ignore_system_fonts=True, timestamp=int(started.timestamp())))


def _write_pdf(document: Document, figures: Mapping[str, DrawnFigure], provenance: Mapping[str, str], pdf: Path) -> None:
    made = set_pages(document, figures, provenance)
    try:
        pdf.parent.mkdir(parents=True, exist_ok=True)
        pdf.write_bytes(made)
    except OSError as error:
        raise UsageError(f"cannot write '{pdf}': {error.strerror}; give a file you may write with -o") from error


def _read_time(text: str | None) -> datetime:
    if text is None:
        return _EPOCH
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise DataError(f"'started' = '{text}' in run.json is no ISO 8601 time; write it as 2026-01-31T12:00:00+00:00") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _collect_warnings(figures: Mapping[str, DrawnFigure]) -> tuple[str, ...]:
    return tuple(
        f"figure '{name}' could not be drawn: {figure.block.failure}; the report shows the message in its place"
        for name, figure in figures.items()
        if figure.svg is None
    )
