"""Figures of a prediction: survival with bands, and how probable success is by the size of a trial.

Start with `plot_predicted_curves` and `plot_sizes`.
"""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from kinimmune.fitting.prediction.results import CurveRow, PredictionResult, SizeRow
from kinimmune.reports.figures.curve_panels import draw_banded, plot_curve_panels
from kinimmune.reports.figures.legends import add_legend
from kinimmune.reports.figures.style import (
    CONTROL,
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
    return plot_curve_panels(result.curves, labels, _draw_panel)


def _draw_panel(axes: Axes, _study: str, _endpoint: str, rows: Sequence[CurveRow]) -> None:
    for row, colour in zip(rows, colour_arms(len(rows)), strict=True):
        draw_banded(axes, row, [(row.lower, row.upper, 0.2)], colour)


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
