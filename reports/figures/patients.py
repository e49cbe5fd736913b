"""Figures of virtual patients: best change, course of the diameters, mean course of states.

Start with `plot_waterfall`.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle, islice

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinimmune.fitting.estimation.trial_results import TrialResult
from kinimmune.reports.figures.data import Line
from kinimmune.reports.figures.legends import ROW, add_legend
from kinimmune.reports.figures.style import (
    CONTROL,
    FAINT,
    NEUTRAL,
    PALETTE,
    THIRD,
    TREATED,
    colour_arms,
    hide_rest,
    make_panels,
    name_panel,
    new_figure,
    styled,
)
from kinimmune.reports.typesetting.labels import PLAIN, Labels

_RESPONSE, _PROGRESSION = -30.0, 20.0
"""RECIST: change of the sum of diameters [%] that is a partial response, and, from the smallest sum, progression."""
_HIGHEST_SHOWN = 100.0
"""Change [%] at which axes end."""
_LOWEST = 2.4
"""Height of a figure [inch] beside which its label has room."""
_BESIDE = 4
"""Panels of courses in a row."""
_LONG_TITLE = 18
"""Characters from which the title of a narrow panel is set smaller."""


def plot_waterfall(trial: TrialResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of the best change of the sum of diameters [%] of each virtual patient, sorted, a panel per arm."""
    arms = trial.arms
    with styled():
        columns, rows = min(len(arms), 2), (len(arms) + 1) // 2
        figure = new_figure(max(1.35 * rows + 0.3, _LOWEST))
        panels = make_panels(figure, rows, columns, share_y=True)
        for axes, arm in zip(panels, arms, strict=False):
            change = np.clip(np.sort(np.array(arm.best_change))[::-1], -100.0, _HIGHEST_SHOWN)
            colours = [CONTROL if value >= _PROGRESSION else THIRD if value <= _RESPONSE else TREATED for value in change]
            left = np.linspace(0.0, 100.0, len(change), endpoint=False)
            axes.bar(left, change, width=100.0 / max(len(change), 1), align="edge", color=colours, linewidth=0.0)
            _draw_recist(axes)
            axes.set_xlim(0.0, 100.0)
            name_panel(axes, f"{labels.study(arm.study)}, {arm.arm}", columns)
        hide_rest(panels, len(arms), columns)
        figure.supxlabel("Virtual patients, sorted [% of those drawn]", fontsize=7.5)
        figure.supylabel("Best change of the sum of diameters [%]", fontsize=7.5)
    return figure


def _draw_recist(axes: Axes) -> None:
    axes.axhline(0.0, color=NEUTRAL, linewidth=0.5)
    for level in (_PROGRESSION, _RESPONSE):
        axes.axhline(level, color=NEUTRAL, linewidth=0.6, linestyle=(0, (3, 2)))


def plot_spiders(trial: TrialResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of the sum of diameters [% of change] of some virtual patients while observed, a panel per arm."""
    arms = trial.arms
    with styled():
        columns, rows = min(len(arms), 2), (len(arms) + 1) // 2
        figure = new_figure(max(1.35 * rows + 0.3, _LOWEST))
        panels = make_panels(figure, rows, columns, share_x=True, share_y=True)
        for axes, arm in zip(panels, arms, strict=False):
            for months, change in arm.spiders:
                last = change[-1] if change else 0.0
                colour = CONTROL if last >= _PROGRESSION else THIRD if last <= _RESPONSE else TREATED
                axes.plot(months, change, color=colour, linewidth=0.6, alpha=0.7)
                axes.plot(months[-1:], change[-1:], "o", color=colour, markersize=1.6, alpha=0.8)
            _draw_recist(axes)
            name_panel(axes, f"{labels.study(arm.study)}, {arm.arm}", columns)
        hide_rest(panels, len(arms), columns)
        panels[0].set_ylim(-100.0, _HIGHEST_SHOWN)
        panels[0].set_xlim(left=0.0)
        figure.supxlabel("Months since randomisation", fontsize=7.5)
        figure.supylabel("Change of the sum of diameters [%]", fontsize=7.5)
    return figure


def plot_courses(trial: TrialResult, study: str, labels: Labels = PLAIN, units: Mapping[str, str] | None = None) -> Figure:
    """Return a figure of mean courses over surviving patients, a panel per quantity, a line per arm.

    Parameters
    ----------
    trial
        a virtual trial
    study
        the study whose arms are drawn
    labels
        words for quantities
    units
        quantity -> its unit, such as `OdeModel.units`; what has no entry is drawn as a plain number
    """
    lines = [Line(arm.arm, arm.months, arm.courses) for arm in trial.arms if arm.study == study]
    return _plot(lines, colour_arms(len(lines)), "Months since randomisation", labels, units or {})


def plot_lines(lines: Sequence[Line], x_label: str, labels: Labels = PLAIN, units: Mapping[str, str] | None = None) -> Figure:
    """Return a figure with a panel per quantity and a line per arm or experiment.

    Parameters
    ----------
    lines
        courses; every quantity that one of them has gets a panel
    x_label
        of the common axis
    labels
        words for quantities
    units
        quantity -> its unit
    """
    return _plot(lines, list(islice(cycle(PALETTE), len(lines))), x_label, labels, units or {})


def _plot(lines: Sequence[Line], colours: Sequence[str], x_label: str, labels: Labels, units: Mapping[str, str]) -> Figure:
    names = list(dict.fromkeys(name for line in lines for name in line.courses))
    columns = min(_BESIDE, len(names))
    rows = -(-len(names) // columns)
    with styled():
        figure = new_figure(1.25 * rows + 0.35 + ROW)
        panels = make_panels(figure, rows, columns, share_x=True)
        for axes, name in zip(panels, names, strict=False):
            for line, colour in zip(lines, colours, strict=True):
                if name in line.courses:
                    axes.plot(line.x, line.courses[name], color=colour, label=line.label.replace("_", " "))
            _name_panel(axes, labels.quantity(name), units.get(name, "1"))
        for axes in panels[len(names) :]:
            axes.set_visible(False)
        for axes in panels[len(names) - columns : len(names)]:
            axes.tick_params(labelbottom=True)
        figure.supxlabel(x_label, fontsize=7.5)
        add_legend(figure, *panels[: len(names)])
    return figure


def _name_panel(axes: Axes, title: str, unit: str) -> None:
    name_panel(axes, title, _BESIDE, 7.5 if len(title) <= _LONG_TITLE else 6.0)
    axes.set_ylabel("relative" if unit == "1" else unit, fontsize=6.5, labelpad=1.5)
    axes.locator_params(axis="y", nbins=4)
    axes.locator_params(axis="x", nbins=4, steps=[1, 2, 3, 6, 10])
    axes.set_ylim(*_limits(axes.get_ylim()))
    axes.axhline(0.0, color=FAINT, linewidth=0.5, zorder=0)


def _limits(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = limits
    return low if low < -0.1 * abs(high) else 0.0, high * 1.03 if high > 0.0 else 1.0
