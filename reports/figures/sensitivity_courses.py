"""Figures of how the indices of a sensitivity study move: in time, and with the number of rows they are computed from.

Start with `plot_convergence`.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from kinimmune.fitting.sensitivity.results import SensitivityResult
from kinimmune.reports.figures.data import FigureData
from kinimmune.reports.figures.sensitivity import MOST_LINES, pick_largest, take_values
from kinimmune.reports.figures.style import FAINT, PALETTE, make_panels, new_figure, styled
from kinimmune.reports.typesetting.labels import PLAIN, Labels


def plot_rank_courses(result: SensitivityResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of partial rank correlations in time for the parameters with the largest at any time.

    Where the output does not vary by more than its error there is no correlation and no line, but the time axis has the time.
    """
    table = np.array([take_values(moment.prcc, range(len(result.names))) for moment in result.course])
    largest = np.nan_to_num(np.abs(table)).max(axis=0)
    places = np.argsort(-largest, kind="stable")[:MOST_LINES].tolist()
    times = [moment.time for moment in result.course]
    freedom = result.n - len(result.names) - 1
    with styled():
        figure = new_figure(2.7)
        (axes,) = make_panels(figure, 1, 1)
        chance = 1.96 / np.sqrt(freedom + 1.96**2)  # r at which t = r sqrt(d / (1 - r^2)) is 1.96
        axes.axhspan(-chance, chance, color=FAINT, alpha=0.4, linewidth=0.0)
        for line, place in enumerate(places):
            look: dict[str, Any] = {"color": PALETTE[line], "marker": "os^Dv*"[line], "markersize": 3.0}
            axes.plot(times, table[:, place], label=labels.parameter(result.names[place]), **look)
        axes.update_datalim([(time, 0.0) for time in times])
        axes.autoscale_view(scaley=False)
        axes.set_ylim(-1.0, 1.0)
        axes.set_xlabel({"d": "Days", "month": "Months"}[result.course_unit])
        axes.set_ylabel("Partial rank correlation [1]")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")
    return figure


def plot_convergence(result: SensitivityResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of the main index of the most important from more and more rows, with intervals."""
    places = pick_largest(result, MOST_LINES)
    sizes = np.array([step.n for step in result.convergence], dtype=float)
    name = {"sobol": "Total index", "morris": "μ*", "prcc": "Partial rank correlation"}[result.method]
    with styled():
        figure = new_figure(2.4)
        (axes,) = make_panels(figure, 1, 1)
        for line, place in enumerate(places):
            values = take_values(tuple(step.values[place] for step in result.convergence), range(sizes.size))
            halves = take_values(tuple(step.half_widths[place] for step in result.convergence), range(sizes.size))
            look: dict[str, Any] = {"color": PALETTE[line], "marker": "os^Dv*"[line], "markersize": 3.0, "elinewidth": 0.8}
            moved = sizes * 1.03 ** (line - len(places) / 2.0)
            axes.errorbar(moved, values, yerr=halves, label=labels.parameter(result.names[place]), **look)
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [f"{size:g}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("Rows")
        axes.set_ylabel(name)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")
    return figure


def list_rank_courses(result: SensitivityResult) -> FigureData:
    """Return the partial rank correlations of every parameter at every time."""
    rows = [
        (name, moment.time, value, p)
        for moment in result.course
        for name, value, p in zip(result.names, moment.prcc, moment.p, strict=True)
    ]
    return FigureData(("name", f"time [{result.course_unit}]", "prcc", "p"), tuple(rows))


def list_convergence(result: SensitivityResult) -> FigureData:
    """Return the main index of every parameter from every number of rows."""
    rows = [
        (name, step.n, value, half)
        for step in result.convergence
        for name, value, half in zip(result.names, step.values, step.half_widths, strict=True)
    ]
    return FigureData(("name", "n", "value", "half_width"), tuple(rows))
