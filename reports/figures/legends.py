"""Where a figure says what its lines are: above its panels, never on one.

Start with `add_legend` where every panel has the same labels, with `head_panels` where each has its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from kinimmune.reports.figures.style import grow_figure, name_panel

ROW = 0.2
"""Height of a legend of one row [inch], which figures with a common legend have room for."""
_TITLE_GAP = 5.0
"""Between a legend and the title above it [pt]."""
_ROOM = 1.1
"""Width of a panel over that before margins are arranged, when they take more of the figure."""
_ABOVE_FIGURE = {"loc": "outside upper center"}
_ABOVE_PANEL = {
    "loc": "lower left",
    "bbox_to_anchor": (0.0, 1.0),
    "borderaxespad": 0.2,
    "borderpad": 0.1,
    "handlelength": 1.4,
    "handletextpad": 0.5,
    "columnspacing": 1.0,
}
"""Where the legend of one panel stands, and how little room it takes there."""

Handles = Mapping[str, Artist]
"""Label -> what it stands for."""


def add_legend(figure: Figure, *panels: Axes) -> None:
    """Write the labels of panels, each once, above the figure; what needs more than one row makes the figure taller."""
    place_legend(figure, {label: handle for axes in panels for label, handle in _list_labels(axes).items()})


def place_legend(figure: Figure, handles: Handles) -> None:
    """Write labels above the figure in as many columns as its width holds; nothing where there are none.

    Parameters
    ----------
    figure
        the figure; it grows by the rows after the first
    handles
        label -> what it stands for
    """
    if not handles:
        return
    columns = _count_columns(figure, handles, figure.bbox.width, _ABOVE_FIGURE)
    legend = _write(figure, handles, columns, _ABOVE_FIGURE)
    grow_figure(figure, max(legend.get_window_extent().height / figure.dpi - ROW, 0.0))


def head_panels(figure: Figure, panels: Sequence[Axes], titles: Sequence[str], beside: int, size: float | None = None) -> None:
    """Write above each panel its title and, under that, what its own lines are; the figure grows by what that takes.

    Parameters
    ----------
    figure
        the figure
    panels
        a row after the other, at least one; those without a title are left alone
    titles
        of the first so many panels
    beside
        panels beside each other
    size
        of the letters of legends [pt], that of the style for None
    """
    place = {**_ABOVE_PANEL, "fontsize": size}
    labels = [_list_labels(axes) for axes, _ in zip(panels, titles, strict=False)]
    width = _ROOM * panels[0].get_window_extent().width
    several = [(axes, own) for axes, own in zip(panels, labels, strict=False) if len(own) > 1]
    columns = min((_count_columns(axes, own, width, place) for axes, own in several), default=1)
    heights = []
    for axes, own, title in zip(panels, labels, titles, strict=False):
        height = _write(axes, own, columns, place).get_window_extent().height / figure.dpi if own else 0.0
        name_panel(axes, title, beside, pad=72.0 * height + _TITLE_GAP if own else None)
        heights.append(height)
    grow_figure(figure, sum(max(heights[k : k + beside]) for k in range(0, len(heights), beside)))


def _list_labels(axes: Axes) -> Handles:
    return dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))


def _count_columns(where: Figure | Axes, handles: Handles, width: float, place: Mapping[str, Any]) -> int:
    """Return the most columns whose legend is no wider than so many dots; one where none is."""
    for columns in range(len(handles), 1, -1):
        legend = _write(where, handles, columns, place)
        narrow = legend.get_window_extent().width <= width
        legend.remove()
        if narrow:
            return columns
    return 1


def _write(where: Figure | Axes, handles: Handles, columns: int, place: Mapping[str, Any]) -> Legend:
    return where.legend(list(handles.values()), list(handles), ncols=columns, **place)
