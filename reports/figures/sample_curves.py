"""Figures of what a sampled posterior predicts: curves with bands, and hazard ratios.

Start with `draw_bands`.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.sampling.results import Band, RatioDraws
from kinimmune.models.arrays import Array
from kinimmune.reports.content import Content
from kinimmune.reports.figures.data import FigureData
from kinimmune.reports.figures.style import CONTROL, FAINT, NEUTRAL, PALETTE, TREATED, make_panels, new_figure, styled
from kinimmune.reports.typesetting.formats import print_name


def draw_bands(content: Content, bands: Sequence[Band]) -> Figure:
    """Draw curves with their bands, a row per endpoint and a column per study, over the published medians."""
    studies = content.studies
    endpoints = tuple(dict.fromkeys(band.endpoint for band in bands))
    with styled():
        figure = new_figure(2.1 * len(endpoints) + 0.3, gap=0.05)
        panels = make_panels(figure, len(endpoints), len(studies), share_y=True)
        for place, axes in enumerate(panels):
            endpoint, study = endpoints[place // len(studies)], studies[place % len(studies)]
            colours = dict(zip([arm.arm for arm in content.arms(study)], (TREATED, CONTROL, *PALETTE[2:]), strict=False))
            for band in (item for item in bands if (item.study, item.endpoint) == (study, endpoint)):
                _draw_band(axes, band, colours[band.arm])
                _mark_median(axes, content, band, colours[band.arm])
            axes.axhline(0.5, color=FAINT, linewidth=0.6, zorder=0)
            axes.set_title(f"{print_name(study)}: {print_name(endpoint)}")
            axes.set_xlabel("Months")
            axes.set_ylim(0.0, 1.02)
            axes.set_xlim(left=0.0)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
            axes.legend(loc="upper right")
    return figure


def _draw_band(axes: Axes, band: Band, colour: str) -> None:
    step: Literal["post"] | None = "post" if band.endpoint == "ttp" else None
    for lower, upper, shade in ((band.lower_90, band.upper_90, 0.15), (band.lower_50, band.upper_50, 0.3)):
        axes.fill_between(band.months, lower, upper, step=step, color=colour, alpha=shade, linewidth=0.0)
    style = "steps-post" if step else "default"
    axes.plot(band.months, band.median, color=colour, drawstyle=style, label=print_name(band.arm))


def _mark_median(axes: Axes, content: Content, band: Band, colour: str) -> None:
    target = content.target(band.study, band.arm, band.endpoint)
    if target is None:
        return
    if target.lower is not None and target.upper is not None:
        axes.plot([target.lower, target.upper], [0.5, 0.5], color=colour, linewidth=1.6)
    axes.plot(target.observed, 0.5, "o", color=colour, markerfacecolor="white", markersize=4.5)


def draw_ratios(content: Content, ratios: Sequence[RatioDraws]) -> Figure:
    """Draw the densities of hazard ratios, a panel each, over the reported ratio with its interval."""
    reported = {(row.study, row.endpoint): row for row in content.fit.unfitted if row.statistic == "hazard_ratio"}
    columns = 2
    with styled():
        figure = new_figure(1.45 * -(-len(ratios) // columns) + 0.4, gap=0.05)
        panels = make_panels(figure, -(-len(ratios) // columns), columns, share_x=True)
        for axes, row in zip(panels, ratios, strict=False):
            line = np.linspace(np.log(0.25), np.log(1.6), 300)
            own = np.log(row.ratios)
            axes.hist(np.exp(own), bins=np.exp(np.linspace(line[0], line[-1], 60)).tolist(), weights=_bar_weights(line, own),
                      color=TREATED, alpha=0.45, label="population")  # fmt: skip
            trial = normal_density(line[:, None], own[None], np.array(row.errors)[None]).mean(axis=1)
            axes.plot(np.exp(line), trial, color=CONTROL, label="one trial of this size")
            _mark_report(axes, reported.get((row.study, row.endpoint)))
            axes.axvline(1.0, color=NEUTRAL, linewidth=0.6)
            axes.set_xscale("log")
            axes.set_xticks([0.3, 0.5, 0.7, 1.0, 1.4], ["0.3", "0.5", "0.7", "1", "1.4"])
            axes.minorticks_off()
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.set_title(f"{print_name(row.study)}: {print_name(row.endpoint)}")
        for axes in panels[len(ratios) :]:
            axes.set_visible(False)
        figure.supxlabel("Hazard ratio, treated over control", fontsize=7.5)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def _bar_weights(line: Array, own: Array) -> Array:
    """Return weights that make bars of ln ratio a density."""
    return np.full(own.size, 59.0 / (line[-1] - line[0]) / own.size)


def _mark_report(axes: Axes, row: ComparisonRow | None) -> None:
    if row is None:
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
    rows = [(row.study, row.endpoint, *pair) for row in ratios for pair in zip(row.ratios, row.errors, strict=True)]
    return FigureData(("study", "endpoint", "hazard_ratio", "log_error_of_a_trial"), tuple(rows))
