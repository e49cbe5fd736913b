"""Figures of a prediction: survival with bands, and how probable success is by the size of a trial.

Start with `plot_predicted_curves` and `plot_sizes`.
"""

from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from kinimmune.fitting.prediction.results import CurveRow, PredictionResult, SizeRow
from kinimmune.reports.figures.legends import add_legend, head_panels
from kinimmune.reports.figures.style import (
    CONTROL,
    FAINT,
    TREATED,
    colour_arms,
    hide_rest,
    make_panels,
    name_panel,
    new_figure,
    styled,
)
from kinimmune.reports.typesetting.formats import print_endpoint, print_words
from kinimmune.reports.typesetting.labels import PLAIN, Labels


def plot_predicted_curves(result: PredictionResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of the curves of all arms with 95 % bands, a row per endpoint and a column per study.

    Parameters
    ----------
    result
        a prediction
    labels
        titles of studies
    """
    curves = result.curves
    studies, endpoints = ({getattr(row, name): None for row in curves} for name in ("study", "endpoint"))
    grid = [(study, endpoint) for endpoint in endpoints for study in studies]
    with styled():
        figure = new_figure(2.1 * len(endpoints) + 0.3, gap=0.05)
        panels = make_panels(figure, len(endpoints), len(studies), share_y=True)
        for axes, (study, endpoint) in zip(panels, grid, strict=True):
            own = [row for row in curves if (row.study, row.endpoint) == (study, endpoint)]
            for row, colour in zip(own, colour_arms(len(own)), strict=True):
                _draw_curve(axes, row, colour)
            axes.axhline(0.5, color=FAINT, linewidth=0.6, zorder=0)
            axes.set_xlabel("Months")
            axes.set_ylim(0.0, 1.02)
            axes.set_xlim(left=0.0)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        titles = [f"{labels.study(study)}: {print_endpoint(endpoint)}" for study, endpoint in grid]
        head_panels(figure, panels, titles, len(studies))
    return figure


def _draw_curve(axes: Axes, row: CurveRow, colour: str) -> None:
    step: Literal["post"] | None = "post" if row.endpoint == "ttp" else None
    axes.fill_between(row.months, row.lower, row.upper, step=step, color=colour, alpha=0.2, linewidth=0.0)
    style = "steps-post" if step else "default"
    axes.plot(row.months, row.median, color=colour, drawstyle=style, label=print_words(row.arm))


def plot_sizes(result: PredictionResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of assurance and power over the total size, a panel for each pair of arms and endpoint.

    Parameters
    ----------
    result
        a prediction with sizes
    labels
        titles of studies
    """
    places = list(dict.fromkeys((row.study, row.arm, row.reference_arm, row.endpoint) for row in result.sizes))
    columns = min(len(places), 2)
    height = -(-len(places) // columns)
    with styled():
        figure = new_figure(2.1 * height + 0.4, gap=0.05)
        panels = make_panels(figure, height, columns, share_y=True)
        for axes, (study, arm, reference, endpoint) in zip(panels, places, strict=False):
            place = (study, arm, reference, endpoint)
            own = [row for row in result.sizes if (row.study, row.arm, row.reference_arm, row.endpoint) == place]
            _draw_sizes(axes, own)
            pair = f"{print_words(arm)} over {print_words(reference)}"
            name_panel(axes, f"{labels.study(study)}: {pair}, {print_endpoint(endpoint)}", columns)
        hide_rest(panels, len(places), columns)
        add_legend(figure, panels[0])
    return figure


def _draw_sizes(axes: Axes, rows: Sequence[SizeRow]) -> None:
    total = [row.total for row in rows]
    axes.plot(total, [row.assurance for row in rows], color=TREATED, marker="o", markersize=2.5, label="assurance")
    axes.plot(total, [row.power for row in rows], color=CONTROL, linestyle="--", label="power at the assumed ratio")
    axes.set_xlabel("Patients")
    axes.set_ylim(0.0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
