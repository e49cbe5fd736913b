"""Drawing of a model's picture: courses, bars and dose-response curves of its experiments.

Start with `draw_picture`; `kinimmune.reports.panels` says what is drawn.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinimmune.models.arrays import Array
from kinimmune.reports.figures.data import FigureData, Value
from kinimmune.reports.figures.style import FAINT, PALETTE, make_panels, new_figure, styled
from kinimmune.reports.panels import Bars, Courses, Picture, Series, Stepped
from kinimmune.reports.typesetting.formats import print_number

_WIDEST, _MOST_LEVEL = 9, 4
"""Characters of a label, and labels, that fit under the bars of a panel without being turned."""


def draw_picture(picture: Picture) -> Figure:
    """Draw a model's picture; an experiment has one colour throughout."""
    names = list(dict.fromkeys(name for panel in picture.panels if not isinstance(panel, Series) for name in panel.experiments))
    colours = {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(names)}
    columns = min(3, len(picture.panels))
    rows = math.ceil(len(picture.panels) / columns)
    stepped = {item.panel: item for item in picture.stepped}
    with styled():
        figure = new_figure(1.75 * rows + 0.4, gap=0.04)
        panels = make_panels(figure, rows, columns)
        for axes, panel in zip(panels, picture.panels, strict=False):
            axes.set_title(panel.title)
            if isinstance(panel, Courses):
                _draw_courses(axes, panel, picture, colours)
            elif isinstance(panel, Bars):
                _draw_bars(axes, panel, picture, colours)
            else:
                _draw_series(axes, stepped[panel], picture.units)
        for axes in panels[len(picture.panels) :]:
            axes.set_visible(False)
        lines = {label: line for axes in panels for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
                 if label in map(_spell, names)}  # fmt: skip
        if lines:
            figure.legend(lines.values(), lines.keys(), loc="outside upper center", ncols=4)
    return figure


def _draw_courses(axes: Axes, panel: Courses, picture: Picture, colours: Mapping[str, str]) -> None:
    for name in panel.experiments:
        course = picture.courses[name]
        axes.plot(course.days, course.values[panel.quantity], color=colours[name], label=_spell(name))
    axes.set_ylim(0.0, axes.get_ylim()[1])
    axes.set_ylabel(_unit(picture.units, panel.quantity), labelpad=1.5)
    axes.set_xlabel("day", labelpad=1.0)


def _draw_bars(axes: Axes, panel: Bars, picture: Picture, colours: Mapping[str, str]) -> None:
    heights = [picture.at(panel, name) for name in panel.experiments]
    axes.bar(range(len(heights)), heights, width=0.7, color=[colours[name] for name in panel.experiments])
    labels = [fill(_spell(name), _WIDEST, break_long_words=False) for name in panel.experiments]
    axes.set_xticks(range(len(heights)), labels, fontsize=5.3)
    if len(labels) > _MOST_LEVEL or any(len(line) > _WIDEST for label in labels for line in label.splitlines()):
        axes.tick_params(axis="x", labelrotation=35)
    axes.set_ylabel(_unit(picture.units, panel.quantity), labelpad=1.5)
    axes.set_ylim(min(0.0, *heights), 1.08 * max(*heights, 1e-300))
    axes.set_xlabel(f"day {picture.days[panel.day]:.3g}", labelpad=1.0)


def _draw_series(axes: Axes, stepped: Stepped, units: Mapping[str, str]) -> None:
    panel = stepped.panel
    axes.axhline(panel.level, color=FAINT, linewidth=0.6)
    for place, name in enumerate(panel.quantities):
        colour, crossing = PALETTE[place % len(PALETTE)], stepped.crossing(name)
        label = name.partition("_")[2].replace("_", " ") if len(panel.quantities) > 1 else ""
        label += f" {print_number(crossing)}" if crossing is not None else " nowhere"
        axes.semilogx(stepped.series, stepped.values[name], color=colour, label=label.strip())
        if crossing is not None:
            axes.plot(crossing, panel.level, "o", color=colour, markersize=3.0)
    axes.set_ylim(0.0, 1.05 * max(1.0, *(float(np.max(values)) for values in stepped.values.values())))
    axes.set_xlabel(f"{panel.parameter.replace('_', ' ')} [{units.get(panel.parameter, '1')}]", labelpad=1.0)
    axes.legend(fontsize=5.0, title=f"crosses {panel.level:g} at", title_fontsize=5.0, handlelength=1.0, labelspacing=0.2)


def _spell(name: str) -> str:
    return name.replace("_", " ")


def _unit(units: Mapping[str, str], quantity: str) -> str:
    unit = units.get(quantity, "1")
    return "" if unit == "1" else unit


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


def list_picture(picture: Picture) -> FigureData:
    """Return what is drawn as long rows."""
    rows: list[tuple[Value, ...]] = []
    for panel in picture.panels:
        if isinstance(panel, Courses):
            for name in panel.experiments:
                course = picture.courses[name]
                rows += [(panel.title, name, panel.quantity, *pair)
                         for pair in zip(course.days.tolist(), course.values[panel.quantity].tolist(), strict=True)]  # fmt: skip
        elif isinstance(panel, Bars):
            rows += [
                (panel.title, name, panel.quantity, picture.days[panel.day], picture.at(panel, name))
                for name in panel.experiments
            ]
    for item in picture.stepped:
        for name, values in item.values.items():
            rows += [(item.panel.title, item.panel.experiment, name, *pair)
                     for pair in zip(item.series.tolist(), values.tolist(), strict=True)]  # fmt: skip
    return FigureData(("panel", "experiment", "quantity", "day_or_step", "value"), tuple(rows))
