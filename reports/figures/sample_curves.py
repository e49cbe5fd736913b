"""Figures of what a sampled posterior predicts: curves with bands, and hazard ratios.

Start with `plot_bands`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinimmune.fitting.estimation.outcome_rows import ObservedRow
from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.fitting.sampling.results import Band, RatioDraws, SampleResult
from kinimmune.models.arrays import Array
from kinimmune.reports.figures.curve_panels import draw_banded, plot_curve_panels
from kinimmune.reports.figures.data import FigureData
from kinimmune.reports.figures.legends import add_legend
from kinimmune.reports.figures.observed import draw_observed, mark_reported, select_observed
from kinimmune.reports.figures.style import (
    CONTROL,
    NEUTRAL,
    TREATED,
    colour_arms,
    hide_rest,
    make_panels,
    name_panel,
    new_figure,
    styled,
)
from kinimmune.reports.typesetting.formats import print_endpoint
from kinimmune.reports.typesetting.labels import PLAIN, Labels


def plot_bands(
    result: SampleResult,
    reported: Sequence[ComparisonRow] = (),
    observed: Sequence[ObservedRow] = (),
    labels: Labels = PLAIN,
) -> Figure:
    """Return a figure of curves with their bands, a row per endpoint and a column per study, over what was published.

    Parameters
    ----------
    result
        a sampled posterior; of several arms of a study the last is drawn as the control, where it has one
    reported
        reported medians [month], and shares without the event at a month
    observed
        published curves and patients
    labels
        titles of studies
    """

    def draw(axes: Axes, study: str, endpoint: str, own: Sequence[Band]) -> None:
        colours = dict(zip([band.arm for band in own], colour_arms(len(own)), strict=True))
        for band in own:
            shades = [(band.lower_90, band.upper_90, 0.15), (band.lower_50, band.upper_50, 0.3)]
            draw_banded(axes, band, shades, colours[band.arm])
        draw_observed(axes, select_observed(observed, study, endpoint), colours)
        _mark_reported(axes, [row for row in reported if (row.study, row.endpoint) == (study, endpoint)], colours)

    return plot_curve_panels(result.bands, labels, draw)


def _mark_reported(axes: Axes, rows: Sequence[ComparisonRow], colours: Mapping[str, str]) -> None:
    mark_reported(axes, [row for row in rows if row.statistic == Statistic.SURVIVAL], colours)
    for row in rows:
        colour = colours.get(row.arm or "")
        if row.statistic == Statistic.MEDIAN and row.observed is not None and colour is not None:
            _mark_median(axes, row.observed, (row.lower, row.upper), colour)


def _mark_median(axes: Axes, month: float, ends: tuple[float | None, float | None], colour: str) -> None:
    lower, upper = ends
    if lower is not None and upper is not None:
        axes.plot([lower, upper], [0.5, 0.5], color=colour, linewidth=1.6)
    axes.plot(month, 0.5, "o", color=colour, markerfacecolor="white", markersize=4.5)


def plot_ratios(result: SampleResult, reported: Sequence[ComparisonRow] = (), labels: Labels = PLAIN) -> Figure:
    """Return a figure of the densities of hazard ratios, a panel each, over the reported ratio with its interval.

    Parameters
    ----------
    result
        a sampled posterior
    reported
        published hazard ratios
    labels
        titles of studies
    """
    ratios = result.ratios
    columns = 2
    with styled():
        figure = new_figure(1.45 * -(-len(ratios) // columns) + 0.4, gap=0.05)
        panels = make_panels(figure, -(-len(ratios) // columns), columns, share_x=True)
        for axes, row in zip(panels, ratios, strict=False):
            _draw_ratio(axes, row)
            _mark_report(axes, _find_report(row, reported))
            axes.axvline(1.0, color=NEUTRAL, linewidth=0.6)
            axes.set_xscale("log")
            axes.set_xticks([0.3, 0.5, 0.7, 1.0, 1.4], ["0.3", "0.5", "0.7", "1", "1.4"])
            axes.minorticks_off()
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            name_panel(axes, f"{labels.comparison(row.study, row.arm)}: {print_endpoint(row.endpoint)}", columns)
        hide_rest(panels, len(ratios), columns)
        figure.supxlabel("Hazard ratio, treated over control", fontsize=7.5)
        add_legend(figure, panels[0])
    return figure


def _find_report(ratio: RatioDraws, reported: Sequence[ComparisonRow]) -> ComparisonRow | None:
    """Return the published ratio of an arm; one that names no arm is of the only one."""
    own = (row for row in reported if (row.study, row.endpoint) == (ratio.study, ratio.endpoint))
    return next((row for row in own if row.arm == ratio.arm or None in (row.arm, ratio.arm)), None)


def _draw_ratio(axes: Axes, row: RatioDraws) -> None:
    line = np.linspace(np.log(0.25), np.log(1.6), 300)
    own = np.log(row.ratios)
    bins = np.exp(np.linspace(line[0], line[-1], 60)).tolist()
    axes.hist(np.exp(own), bins=bins, weights=_bar_weights(line, own), color=TREATED, alpha=0.45, label="population")
    trial = normal_density(line[:, None], own[None], np.array(row.errors)[None]).mean(axis=1)
    axes.plot(np.exp(line), trial, color=CONTROL, label="one trial of this size")


def _bar_weights(line: Array, own: Array) -> Array:
    """Return weights that make bars of ln ratio a density."""
    return np.full(own.size, 59.0 / (line[-1] - line[0]) / own.size)


def _mark_report(axes: Axes, row: ComparisonRow | None) -> None:
    if row is None or row.observed is None:
        return
    level = -0.08 * axes.get_ylim()[1]
    if row.lower is not None and row.upper is not None:
        axes.plot([row.lower, row.upper], [level, level], color=NEUTRAL, linewidth=1.4)
    axes.plot(row.observed, level, "s", color=NEUTRAL, markersize=4.0, linestyle="none", label="reported, 95 % interval")


def normal_density(at: Array, mean: Array | float, sd: Array | float) -> Array:
    """Return the density of a normal distribution."""
    density: Array = np.exp(-0.5 * ((at - mean) / sd) ** 2) / (sd * np.sqrt(2.0 * np.pi))
    return density


def list_bands(bands: Sequence[Band]) -> FigureData:
    """Return bands [1] at months."""
    names = ("lower_90", "lower_50", "median", "upper_50", "upper_90")
    rows = [
        (band.study, band.arm, band.endpoint, *row)
        for band in bands
        for row in zip(band.months, *(getattr(band, name) for name in names), strict=True)
    ]
    return FigureData(("study", "arm", "endpoint", "month", *names), tuple(rows))


def list_ratios(ratios: Sequence[RatioDraws]) -> FigureData:
    """Return each ratio [1] with the error of ln ratio in one trial."""
    rows = [
        (row.study, row.arm or "", row.endpoint, *pair) for row in ratios for pair in zip(row.ratios, row.errors, strict=True)
    ]
    return FigureData(("study", "arm", "endpoint", "hazard_ratio", "log_error_of_a_trial"), tuple(rows))
