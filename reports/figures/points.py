"""Where the values of a figure lie in its picture, so that a page can tell them under the pointer.

Start with `read_points`, after a figure has been drawn.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter

from kinimmune.models.arrays import Array

MOST_POINTS = 200
"""Of one line; of a longer one every second, third ... is told."""
_PLACES = 10_000
"""Parts of the width or height of a picture in which places are counted."""


@dataclass(frozen=True)
class Points:
    """The values of one line or cloud of a panel."""

    name: str
    """Title of the panel and name of the line, as far as they have any."""
    x: str
    """What is drawn across."""
    y: str
    """What is drawn upwards."""
    rows: tuple[tuple[int, int, str, str], ...]
    """Place from the left and from the top in parts of ten thousand of the picture, and both values."""


def read_points(figure: Figure) -> tuple[Points, ...]:
    """Return the values of lines and clouds of points of a drawn figure; bars, areas and maps are left to its table."""
    shown = [axes for axes in figure.axes if axes.get_visible() and axes.axison]
    x = next(filter(None, (figure.get_supxlabel(), *(axes.get_xlabel() for axes in shown))), "")
    y = next(filter(None, (figure.get_supylabel(), *(axes.get_ylabel() for axes in shown))), "")
    return tuple(points for axes in shown for points in _read_panel(figure, axes, x, y))


def _read_panel(figure: Figure, axes: Axes, x: str, y: str) -> Iterator[Points]:
    title = axes.get_title(loc="left") or axes.get_title()
    for label, values in _list_series(axes):
        words = [" ".join(text.split()) for text in (title, label) if text and not text.startswith("_")]
        rows = _place(figure, axes, values[np.isfinite(values).all(axis=1)])
        if rows:
            yield Points(", ".join(words), axes.get_xlabel() or x, axes.get_ylabel() or y, rows)


def _list_series(axes: Axes) -> Iterator[tuple[str, Array]]:
    """Yield label and values, shape (k, 2), of what is drawn in the units of both axes."""
    for line in axes.lines:
        if all(line.get_transform().contains_branch_seperately(axes.transData)):
            yield str(line.get_label()), np.asarray(line.get_xydata(), dtype=float)
    for cloud in axes.collections:
        if all(cloud.get_offset_transform().contains_branch_seperately(axes.transData)):
            yield str(cloud.get_label()), np.ma.filled(np.ma.asarray(cloud.get_offsets(), dtype=float), np.nan).reshape(-1, 2)


def _place(figure: Figure, axes: Axes, values: Array) -> tuple[tuple[int, int, str, str], ...]:
    """Return the rows of values that lie within their panel."""
    values = values[:: -(-len(values) // MOST_POINTS) or 1]
    if not len(values):
        return ()
    pixels = axes.transData.transform(values)
    inside = axes.bbox.padded(1.0)
    parts = figure.transFigure.inverted().transform(pixels)
    return tuple(
        (round(_PLACES * left), round(_PLACES * (1.0 - up)), _write(axes.xaxis, x), _write(axes.yaxis, y))
        for (left, up), (across, high), (x, y) in zip(parts, pixels, values, strict=True)
        if inside.contains(across, high)
    )


def _write(axis: Axis, value: float) -> str:
    """Return a value as a number, or as the word that stands at its place on the axis."""
    if isinstance(axis.get_major_formatter(), FixedFormatter):
        places = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False)
        return next((word.get_text().replace("\n", " ") for at, word in places if abs(at - value) < 0.5), f"{value:.4g}")
    return f"{value:.4g}"
