"""Figures of measurements in experiments beside predictions: a panel for each unit, a line each.

Start with `plot_measurements`.
"""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.models.experiments.measurement import MeasurementKind
from kinimmune.reports.figures.comparisons import name_line
from kinimmune.reports.figures.legends import add_legend
from kinimmune.reports.figures.style import FAINT, NEUTRAL, TREATED, new_figure, styled
from kinimmune.reports.typesetting.labels import PLAIN, Labels
from kinimmune.reports.typesetting.statistics import is_range

_LINE, _AXIS = 0.2, 0.55
"""Height of a line, and of an axis with its label [inch]."""
_MOST_TICKS = 6
"""Numbers under a logarithmic axis that have room."""


def plot_measurements(rows: Sequence[ComparisonRow], labels: Labels = PLAIN) -> Figure:
    """Return a figure of measurements: a value with its interval or the range it lay in, and the prediction with its interval.

    Parameters
    ----------
    rows
        of measurements
    labels
        words of read-outs
    """
    groups: dict[str, list[ComparisonRow]] = {}
    for row in rows:
        groups.setdefault(_name_axis(row), []).append(row)
    with styled():
        heights = [_LINE * len(own) + _AXIS for own in groups.values()]
        figure = new_figure(sum(heights) + 0.25)
        panels = figure.subplots(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, (name, own) in zip(panels, groups.items(), strict=True):
            _draw_group(axes, own)
            axes.set_yticks([-line for line in range(len(own))], [name_line(row, labels) for row in own])
            axes.set_ylim(-len(own) + 0.4, 0.6)
            axes.set_xlabel(name)
        add_legend(figure, *panels)
    return figure


def _name_axis(row: ComparisonRow) -> str:
    return f"{row.statistic[:1].upper()}{row.statistic[1:]} [{row.unit or 1}]"


def _draw_group(axes: Axes, rows: Sequence[ComparisonRow]) -> None:
    """Draw rows of one unit; a range without an end reaches to that of the axis."""
    known = [row.lower for row in rows] + [row.upper for row in rows] + [row.observed for row in rows]
    known += [value for row in rows for value in (row.predicted, row.predicted_lower, row.predicted_upper)]
    numbers = [value for value in known if value is not None]
    relative = rows[0].statistic == MeasurementKind.RATIO and min(numbers, default=0.0) > 0.0
    first, last = _find_ends(numbers, relative)
    for line, row in enumerate(rows):
        ends = (first if row.lower is None else row.lower, last if row.upper is None else row.upper)
        if is_range(row) or None not in (row.lower, row.upper):
            label = "range" if is_range(row) else "measured, 95 % interval"
            axes.plot(ends, [-line, -line], color=FAINT, linewidth=4.0, solid_capstyle="butt", label=label)
        if row.observed is not None:
            axes.plot(row.observed, -line, "s", color=NEUTRAL, markersize=4.5, linestyle="none", label="measured")
        _draw_prediction(axes, -line, row)
    if relative:
        axes.set_xscale("log")
        axes.axvline(1.0, color=NEUTRAL, linewidth=0.6, zorder=0)
        ticks = _choose_ticks(first, last)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    axes.set_xlim(first, last)


def _choose_ticks(first: float, last: float) -> list[float]:
    """Return round numbers on a logarithmic axis: some of every decade of a short one, decades alone of a long one.

    >>> _choose_ticks(0.3, 1.5), _choose_ticks(0.02, 40.0)
    ([0.3, 0.5, 0.7, 1.0], [0.1, 1.0, 10.0])
    """
    decades = range(math.floor(math.log10(first)), math.ceil(math.log10(last)) + 1)
    choices = ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))
    ticks = [[float(f"{digit}e{decade}") for decade in decades for digit in digits] for digits in choices]
    shown = [[tick for tick in some if first <= tick <= last] for some in ticks]
    return next((some for some in shown if len(some) <= _MOST_TICKS), shown[-1])


def _find_ends(numbers: Sequence[float], relative: bool) -> tuple[float, float]:
    """Return the ends of an axis: of ratios a factor around them and 1, else from 0 on."""
    if relative:
        return 0.7 * min([1.0, *numbers]), 1.4 * max([1.0, *numbers])
    return min([0.0, *numbers]), 1.08 * max([*numbers, 0.0]) or 1.0


def _draw_prediction(axes: Axes, level: float, row: ComparisonRow) -> None:
    if row.predicted_lower is not None and row.predicted_upper is not None:
        axes.plot([row.predicted_lower, row.predicted_upper], [level, level], color=TREATED, linewidth=1.0)
    if row.predicted is not None:
        label = "predicted, interval of the parameters"
        axes.plot(row.predicted, level, "o", color=TREATED, markersize=4.0, linestyle="none", label=label)
