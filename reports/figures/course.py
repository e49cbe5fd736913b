"""The figure of one individual's course: every quantity against time, a panel each.

Start with `plot_course`.
"""

import math
from collections.abc import Mapping

import seaborn as sns
from matplotlib.figure import Figure

from kinimmune.models.arrays import Array
from kinimmune.reports.figures.style import PALETTE
from kinimmune.reports.typesetting.formats import print_unit
from kinimmune.reports.typesetting.labels import PLAIN, Labels

_COLUMNS = 4
_PANEL_WIDTH, _PANEL_HEIGHT = 2.6, 1.9
"""Size of a panel [inch]."""
_LEAST_WIDTH = 5.2
"""Of a figure of few panels, so that its title has room [inch]."""


def plot_course(
    time: Array,
    courses: Mapping[str, Array],
    title: str = "",
    labels: Labels = PLAIN,
    units: Mapping[str, str] | None = None,
) -> Figure:
    """Return a figure of every quantity of one individual against time.

    Parameters
    ----------
    time
        [d], shape (k,)
    courses
        quantity -> its values, shape (k,)
    title
        whose course it is
    labels
        words for quantities
    units
        quantity -> its unit, such as `OdeModel.units`; what has no entry is drawn as a plain number
    """
    rows = math.ceil(len(courses) / _COLUMNS)
    columns = min(len(courses), _COLUMNS)
    with sns.axes_style("ticks"), sns.plotting_context("paper", font_scale=0.8):
        figure = Figure(figsize=(max(_PANEL_WIDTH * columns, _LEAST_WIDTH), _PANEL_HEIGHT * rows + 0.4), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).flat
        for axes, (name, course) in zip(panels, courses.items(), strict=False):
            axes.plot(time, course, color=PALETTE[0], linewidth=1.4)
            axes.set_title(labels.quantity(name), loc="left")
            axes.set_ylabel(print_unit((units or {}).get(name, "1")))
            axes.set_xlabel("day")
        for axes in figure.axes[len(courses) :]:
            axes.set_axis_off()
        figure.suptitle(title, x=0.01, ha="left")
        sns.despine(fig=figure)
    return figure
