"""Figures of a prediction: survival with bands, and how probable success is by size and cut-off of a trial.

Start with `plot_predicted_curves`, `plot_sizes` and `plot_cut_offs`.
"""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from kinimmune.fitting.prediction.results import CurveRow, CutOffRow, PredictionResult, SizeRow
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
    points = [(_place(row), float(row.total), row.assurance, row.power) for row in result.sizes]
    return _plot_chances(points, "Patients", labels)


def plot_cut_offs(result: PredictionResult, labels: Labels = PLAIN) -> Figure:
    """Return the same over the months from the first entry to the cut-off; those without a ratio are left out."""
    points = [
        (_place(row), row.month, row.assurance, row.power)
        for row in result.cut_offs
        if row.assurance is not None and row.power is not None
    ]
    return _plot_chances(points, "Months from the first entry to the cut-off", labels)


Place = tuple[str, str, str, str]
"""Study, arm, reference arm, endpoint."""
Point = tuple[Place, float, float, float]
"""What is at an abscissa: assurance and power."""


def _place(row: SizeRow | CutOffRow) -> Place:
    return (row.study, row.arm, row.reference_arm, row.endpoint)


def _plot_chances(points: Sequence[Point], title: str, labels: Labels) -> Figure:
    places = list(dict.fromkeys(point[0] for point in points))
    columns = min(max(len(places), 1), 2)
    height = -(-len(places) // columns)
    with styled():
        figure = new_figure(2.1 * height + 0.4, gap=0.05)
        panels = make_panels(figure, height, columns, share_y=True)
        for axes, (study, arm, reference, endpoint) in zip(panels, places, strict=False):
            _draw_chances(axes, [point for point in points if point[0] == (study, arm, reference, endpoint)], title)
            pair = f"{print_words(arm)} over {print_words(reference)}"
            name_panel(axes, f"{labels.study(study)}: {pair}, {print_endpoint(endpoint)}", columns)
        hide_rest(panels, len(places), columns)
        add_legend(figure, panels[0])
    return figure


def _draw_chances(axes: Axes, points: Sequence[Point], title: str) -> None:
    abscissa = [point[1] for point in points]
    axes.plot(abscissa, [point[2] for point in points], color=TREATED, marker="o", markersize=2.5, label="assurance")
    axes.plot(abscissa, [point[3] for point in points], color=CONTROL, linestyle="--", label="power at the assumed ratio")
    axes.set_xlabel(title)
    axes.set_ylim(0.0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
