"""From results to a PDF or a page for the browser: draws the figures, composes the pages and has them set.

Start with `write_report` for a run or `write_model_report` for a model alone.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import typst

from kinimmune.models.errors import DataError, MachineError
from kinimmune.reports.content import Content, ModelContent
from kinimmune.reports.figures.catalogue import list_figures, list_model_figures
from kinimmune.reports.figures.recipes import DrawnFigure, FigureRecipe, draw_all
from kinimmune.reports.pages.model import compose_model_report
from kinimmune.reports.pages.run import compose_report
from kinimmune.reports.typesetting.blocks import Document
from kinimmune.reports.web.page import set_web_page

_TEMPLATE = Path(__file__).with_name("report.typ")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Date of a document whose provenance has none."""


Typesetter = Callable[[Document, Mapping[str, DrawnFigure], Mapping[str, str]], bytes]
"""From a document, its figures and where it comes from to a file: `set_pages` or `set_browser_page`."""


def write_report(
    content: Content, folder: Path, write: Callable[[bytes], object], typeset: "Typesetter | None" = None
) -> tuple[str, ...]:
    """Write the report of a run.

    Parameters
    ----------
    content
        the run
    folder
        where `figures/NAME.svg` and `figures/NAME.csv` go
    write
        takes the file when it is set
    typeset
        how it is set, None for a PDF

    Returns
    -------
    tuple of str
        one warning per figure that could not be drawn

    Raises
    ------
    DataError
        when a symbol is no plain notation or the provenance has no readable date
    MachineError
        when a file cannot be written
    """
    figures = _draw(list_figures(content), folder)
    write((typeset or set_pages)(compose_report(content, figures), figures, content.provenance))
    return _collect_warnings(figures)


def write_model_report(
    content: ModelContent, folder: Path, write: Callable[[bytes], object], typeset: "Typesetter | None" = None
) -> tuple[str, ...]:
    """Write the report of a model alone; parameters, return value and errors as in `write_report`."""
    figures = _draw(list_model_figures(content), folder)
    write((typeset or set_pages)(compose_model_report(content, figures), figures, content.provenance))
    return _collect_warnings(figures)


def _draw(recipes: Iterable[FigureRecipe], folder: Path) -> dict[str, DrawnFigure]:
    target = folder / "figures"
    try:
        return draw_all(recipes, target)
    except OSError as error:
        raise MachineError(
            f"cannot write figures to '{target}': {error.strerror or error}; make room or give a folder you may write"
        ) from error


def set_pages(document: Document, figures: Mapping[str, DrawnFigure], provenance: Mapping[str, str]) -> bytes:
    """Return the PDF of a document whose figures are drawn; dated by `started` in the provenance.

    Raises
    ------
    DataError
        when `started` is no ISO 8601 time
    """
    started = _read_time(provenance.get("started"))
    content = document.as_plain() | {"date": _print_date(provenance)}
    try:
        with tempfile.TemporaryDirectory() as name:
            main = _lay_out(Path(name), json.dumps(content, ensure_ascii=False), figures)
            return bytes(typst.compile(main, root=main.parent, ignore_system_fonts=True, timestamp=int(started.timestamp())))
    except OSError as error:
        place = tempfile.tempdir or "the folder for them"  # none when no folder could be written
        raise MachineError(
            f"cannot write temporary files to {place}: {error.strerror or error}; make room there, or set TMPDIR"
        ) from error


def set_browser_page(document: Document, figures: Mapping[str, DrawnFigure], provenance: Mapping[str, str]) -> bytes:
    """Return the same document as one HTML file; errors as in `set_pages`."""
    return set_web_page(document, figures, _print_date(provenance))


def _print_date(provenance: Mapping[str, str]) -> str:
    started = _read_time(provenance.get("started"))
    return started.strftime("%d %B %Y").lstrip("0") if "started" in provenance else ""


def _lay_out(root: Path, content: str, figures: Mapping[str, DrawnFigure]) -> Path:
    """Write what the typesetter reads into a folder; return its main file."""
    (root / "figures").mkdir()
    (root / "content.json").write_text(content, encoding="utf-8")
    for figure in figures.values():
        if figure.block.path is not None and figure.svg is not None:
            (root / figure.block.path).write_bytes(figure.svg)
    main = root / "main.typ"
    main.write_bytes(_TEMPLATE.read_bytes())
    (root / "diagram.typ").write_bytes(_TEMPLATE.with_name("diagram.typ").read_bytes())
    return main


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
