"""Figures of estimates: beside their priors, their correlations, and where each start of the optimiser ended.

Start with `plot_priors`.
"""

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from kinimmune.fitting.estimation.results import EstimateRow, FitResult
from kinimmune.models.arrays import NORMAL_95
from kinimmune.reports.figures.legends import add_legend
from kinimmune.reports.figures.style import (
    CONTROL,
    FAINT,
    NAME_CHARACTERS,
    NEUTRAL,
    TEXT_WIDTH,
    TREATED,
    break_words,
    make_panels,
    new_figure,
    styled,
)
from kinimmune.reports.typesetting.formats import print_fixed
from kinimmune.reports.typesetting.labels import PLAIN, Labels

_MANY, _WRITTEN = 12, 0.1
"""Parameters above which correlations have little room, and the smallest one that is written then."""


def plot_priors(fit: FitResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of each estimate with its 95 % interval over its prior, in prior sd from the prior median.

    The coordinate is ln for positive quantities and logit for fractions, as the prior is; the ends of the prior's 95 %
    interval fix its scale.
    """
    estimates = fit.parameters
    with styled():
        figure = new_figure(0.25 * len(estimates) + 0.85)
        (axes,) = make_panels(figure, 1, 1)
        for line, row in enumerate(estimates):
            low, middle, high = (_standardise(row, value) for value in (row.lower, row.value, row.upper))
            axes.plot([-1.96, 1.96], [-line, -line], color=FAINT, linewidth=6.0, solid_capstyle="butt", label="prior, 95 %")
            axes.plot([low, high], [-line, -line], color=TREATED, linewidth=1.6)
            axes.plot(middle, -line, "o", color=TREATED, markersize=4.0, linestyle="none", label="estimate, 95 %")
            text = f"sd ratio {print_fixed(row.contraction, 2)}{', at bound' if row.at_bound else ''}"
            axes.text(1.01, -line, text, va="center", fontsize=6.5, color=NEUTRAL, transform=axes.get_yaxis_transform())
        axes.axvline(0.0, color="white", linewidth=0.8, zorder=1.5)
        axes.set_yticks([-line for line in range(len(estimates))], [labels.parameter(row.name) for row in estimates])
        axes.set_ylim(-len(estimates) + 0.4, 0.6)
        axes.set_xlabel("Prior standard deviations from the prior median, on the prior's own scale")
        add_legend(figure, axes)
    return figure


def _standardise(row: EstimateRow, value: float) -> float:
    scale = row.prior.partition("(")[0]
    if scale == "lognormal":
        low, middle, high, at = (float(np.log(item)) for item in (row.prior_lower, row.prior_median, row.prior_upper, value))
    elif scale == "logitnormal":
        items = (row.prior_lower, row.prior_median, row.prior_upper, value)
        low, middle, high, at = (float(np.log(item / (1.0 - item))) for item in items)
    else:
        low, middle, high, at = row.prior_lower, row.prior_median, row.prior_upper, value
    return (at - middle) / ((high - low) / (2.0 * NORMAL_95))


def plot_correlation(fit: FitResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of the correlations of the estimates, on the scales of their priors; the lower triangle.

    Of many parameters only numbers from .1 on are written: others have no room and are known by their colour.
    """
    names = [break_words(labels.parameter(row.name), NAME_CHARACTERS) for row in fit.parameters]
    values = np.array(fit.correlation)
    many = len(names) > _MANY
    least = _WRITTEN if many else 0.0
    words = [[f"{value:.2f}" if abs(value) >= least else "" for value in row] for row in values]
    with styled():
        figure = new_figure(0.22 * len(names) + 1.2, width=TEXT_WIDTH if many else 5.2)
        (axes,) = make_panels(figure, 1, 1)
        sns.heatmap(
            values,
            mask=np.triu(np.ones_like(values, dtype=bool)),
            ax=axes,
            cmap="vlag",
            vmin=-1.0,
            vmax=1.0,
            square=False,
            annot=np.array(words),
            fmt="",
            annot_kws={"size": 4.5 if many else 6.5},
            linewidths=0.5,
            cbar_kws={"label": "Correlation", "shrink": 0.7},
        )
        axes.set_xticks(np.arange(len(names) - 1) + 0.5, names[:-1], rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(np.arange(1, len(names)) + 0.5, names[1:], rotation=0)
        axes.set_ylim(len(names), 1)
        axes.set_xlim(0, len(names) - 1)
        axes.tick_params(length=0)
    return figure


def plot_start_ladder(fit: FitResult) -> Figure:
    """Return a figure of the sum of squares each start of the optimiser reached, best first."""
    ordered = sorted(fit.starts, key=lambda start: start.cost)
    with styled():
        figure = new_figure(1.9, width=4.2)
        (axes,) = make_panels(figure, 1, 1)
        ranks = np.arange(1, len(ordered) + 1)
        axes.plot(ranks, [start.cost for start in ordered], color=FAINT, linewidth=0.8, zorder=1)
        for converged, colour, marker, label in ((True, TREATED, "o", "converged"), (False, CONTROL, "X", "did not converge")):
            chosen = [(x, start.cost) for x, start in zip(ranks, ordered, strict=True) if start.converged is converged]
            if chosen:
                axes.plot(*zip(*chosen, strict=True), marker, color=colour, markersize=4.0, linestyle="none", label=label)
        axes.set_xticks(ranks)
        axes.set_xlabel("Starts, best first")
        axes.set_ylabel("Sum of squares [1]")
        costs = [start.cost for start in ordered]
        room = max(0.15 * (costs[-1] - costs[0]), 0.02 * abs(costs[0]), 1e-12)
        axes.set_ylim(costs[0] - room, costs[-1] + 2.0 * room)
        axes.ticklabel_format(axis="y", useOffset=False)
        add_legend(figure, axes)
    return figure
