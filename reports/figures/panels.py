"""Drawing of a model's picture: courses, bars and dose-response curves of its experiments.

Start with `plot_picture`; `kinimmune.reports.panels` has what is drawn.
"""

import math
from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinimmune.models.experiments.panels import BarPanel, CoursePanel, SeriesPanel, list_experiments
from kinimmune.reports.figures.data import FigureData, Value
from kinimmune.reports.figures.legends import place_legend
from kinimmune.reports.figures.style import FAINT, PALETTE, make_panels, name_panel, new_figure, styled
from kinimmune.reports.panels import Picture, SteppedSeries
from kinimmune.reports.typesetting.formats import print_number, print_unit
from kinimmune.reports.typesetting.labels import PLAIN, Labels, drop_common_words

_WIDEST, _MOST_LEVEL = 9, 4
"""Characters of a label, and labels, that fit under the bars of a panel without being turned."""


def plot_picture(picture: Picture, labels: Labels = PLAIN) -> Figure:
    """Return the figure of a model's picture; an experiment has one colour throughout.

    Parameters
    ----------
    picture
        courses and series of a model
    labels
        words for quantities
    """
    timed = [panel for panel in picture.panels if not isinstance(panel, SeriesPanel)]
    names = list(dict.fromkeys(name for panel in timed for name in list_experiments(panel)))
    colours = {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(names)}
    columns = min(3, len(picture.panels))
    rows = math.ceil(len(picture.panels) / columns)
    stepped = {item.panel: item for item in picture.stepped}
    with styled():
        figure = new_figure(1.75 * rows + 0.4, gap=0.04)
        panels = make_panels(figure, rows, columns)
        for axes, panel in zip(panels, picture.panels, strict=False):
            name_panel(axes, panel.title, columns)
            if isinstance(panel, CoursePanel):
                _draw_courses(axes, panel, picture, colours)
            elif isinstance(panel, BarPanel):
                _draw_bars(axes, panel, picture, colours)
            else:
                _draw_series(axes, stepped[panel], picture.units, labels)
        for axes in panels[len(picture.panels) :]:
            axes.set_visible(False)
        _add_legend(figure, panels, [_write_experiment(name) for name in names])
    return figure


def _add_legend(figure: Figure, panels: Sequence[Axes], experiments: Sequence[str]) -> None:
    """Write the experiments above the figure; what a series is stands in its own panel."""
    pairs = [pair for axes in panels for pair in zip(*axes.get_legend_handles_labels(), strict=True)]
    place_legend(figure, {label: line for line, label in pairs if label in experiments})


def _draw_courses(axes: Axes, panel: CoursePanel, picture: Picture, colours: Mapping[str, str]) -> None:
    for name in panel.experiments:
        course = picture.courses[name]
        axes.plot(course.days, course.values[panel.quantity], color=colours[name], label=_write_experiment(name))
    axes.set_ylim(0.0, axes.get_ylim()[1])
    axes.set_ylabel(print_unit(picture.units.get(panel.quantity, "1")), labelpad=1.5)
    axes.set_xlabel("day", labelpad=1.0)


def _draw_bars(axes: Axes, panel: BarPanel, picture: Picture, colours: Mapping[str, str]) -> None:
    heights = [picture.at(panel, name) for name in panel.experiments]
    axes.bar(range(len(heights)), heights, width=0.7, color=[colours[name] for name in panel.experiments])
    labels = [fill(_write_experiment(name), _WIDEST, break_long_words=False) for name in panel.experiments]
    axes.set_xticks(range(len(heights)), labels, fontsize=5.3)
    if len(labels) > _MOST_LEVEL or any(len(line) > _WIDEST for label in labels for line in label.splitlines()):
        axes.tick_params(axis="x", labelrotation=35)
    axes.set_ylabel(print_unit(picture.units.get(panel.quantity, "1")), labelpad=1.5)
    axes.set_ylim(min(0.0, *heights), 1.08 * max(*heights, 1e-300))
    axes.set_xlabel(f"day {picture.days[panel.day]:.3g}", labelpad=1.0)


def _draw_series(axes: Axes, stepped: SteppedSeries, units: Mapping[str, str], labels: Labels) -> None:
    panel = stepped.panel
    axes.axhline(panel.level, color=FAINT, linewidth=0.6)
    written = drop_common_words([labels.quantity(name) for name in panel.quantities])
    for index, (name, words) in enumerate(zip(panel.quantities, written, strict=True)):
        colour, crossing = PALETTE[index % len(PALETTE)], stepped.crossing(name)
        at = "nowhere" if crossing is None else print_number(crossing)
        label = f"{words} {at}" if len(written) > 1 else at
        axes.semilogx(stepped.series, stepped.values[name], color=colour, label=label)
        if crossing is not None:
            axes.plot(crossing, panel.level, "o", color=colour, markersize=3.0)
    axes.set_ylim(0.0, 1.05 * max(1.0, *(float(np.max(values)) for values in stepped.values.values())))
    axes.set_xlabel(f"{panel.parameter.replace('_', ' ')} [{units.get(panel.parameter, '1')}]", labelpad=1.0)
    axes.legend(fontsize=5.0, title=f"crosses {panel.level:g} at", title_fontsize=5.0, handlelength=1.0, labelspacing=0.2)


def _write_experiment(name: str) -> str:
    return name.replace("_", " ")


def list_picture(picture: Picture) -> FigureData:
    """Return what is drawn as long rows."""
    rows: list[tuple[Value, ...]] = []
    for panel in picture.panels:
        if isinstance(panel, CoursePanel):
            for name in panel.experiments:
                course = picture.courses[name]
                rows += [(panel.title, name, panel.quantity, *pair)
                         for pair in zip(course.days.tolist(), course.values[panel.quantity].tolist(), strict=True)]  # fmt: skip
        elif isinstance(panel, BarPanel):
            rows += [
                (panel.title, name, panel.quantity, picture.days[panel.day], picture.at(panel, name))
                for name in panel.experiments
            ]
    for item in picture.stepped:
        for name, values in item.values.items():
            rows += [(item.panel.title, item.panel.experiment, name, *pair)
                     for pair in zip(item.series.tolist(), values.tolist(), strict=True)]  # fmt: skip
    return FigureData(("panel", "experiment", "quantity", "day_or_step", "value"), tuple(rows))
