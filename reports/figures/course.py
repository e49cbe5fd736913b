"""The course of one patient: small multiples, one for each state and output.

Start with `draw_course`; `save_svg` writes the same bytes for the same figure.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure

from kinimmune.models.arrays import Array

_COLUMNS = 4
_PANEL_INCHES = (2.6, 1.9)


def draw_course(title: str, time: Array, labels: Sequence[tuple[str, str]], values: Array) -> Figure:
    """Return a figure of every quantity against time.

    Parameters
    ----------
    title
        whose course it is
    time
        [d], shape (k,)
    labels
        name and unit of each of n quantities
    values
        shape (n, k)
    """
    rows = math.ceil(len(labels) / _COLUMNS)
    width = min(len(labels), _COLUMNS)
    with sns.axes_style("ticks"), sns.plotting_context("paper", font_scale=0.8):
        figure = Figure(figsize=(_PANEL_INCHES[0] * width, _PANEL_INCHES[1] * rows + 0.4), layout="constrained")
        panels = figure.subplots(rows, width, squeeze=False).flat
        for panel, (name, unit), course in zip(panels, labels, values, strict=False):
            panel.plot(time, course, color=sns.color_palette("colorblind")[0], linewidth=1.4)
            panel.set_title(name.replace("_", " "), loc="left")
            panel.set_ylabel("" if unit == "1" else unit)
            panel.set_xlabel("day")
        for panel in figure.axes[len(labels) :]:
            panel.set_axis_off()
        figure.suptitle(title, x=0.01, ha="left")
        sns.despine(fig=figure)
    return figure


def save_svg(figure: Figure, path: Path) -> None:
    """Write a figure as SVG; equal figures give equal bytes."""
    with mpl.rc_context({"svg.hashsalt": "kinimmune"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
