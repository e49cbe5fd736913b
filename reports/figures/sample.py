"""Figures of a sampled posterior: marginals, ensembles, correlations.

Start with `plot_marginals`; curves and hazard ratios are in `kinimmune.reports.figures.sample_curves`.
"""

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinimmune.fitting.estimation.results import FitResult
from kinimmune.fitting.sampling.results import Draws, SampleResult
from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.parameters import Prior
from kinimmune.reports.figures.data import FigureData, Value
from kinimmune.reports.figures.legends import add_legend
from kinimmune.reports.figures.sample_curves import normal_density
from kinimmune.reports.figures.style import (
    CONTROL,
    FAINT,
    NEUTRAL,
    PALETTE,
    TEXT_WIDTH,
    TREATED,
    make_panels,
    name_panel,
    new_figure,
    styled,
)
from kinimmune.reports.typesetting.formats import print_fixed
from kinimmune.reports.typesetting.labels import PLAIN, Labels

CORNER = 4
"""Parameters in the figure of correlations."""
LABEL = 12
"""Letters in a line of an axis' name."""
RANK_BINS = 20


def standardise(draws: Draws, priors: Mapping[str, Prior]) -> Array:
    """Return draws in prior standard deviations from the prior medians, shape (k, n).

    Parameters
    ----------
    draws
        k draws of n parameters
    priors
        key of a parameter -> its prior
    """
    columns = [
        [priors[name].to_z(float(value)) for value in column] for name, column in zip(draws.names, draws.values.T, strict=True)
    ]
    return np.array(columns).T


def plot_marginals(fit: FitResult, draws: Draws, priors: Mapping[str, Prior], labels: Labels = PLAIN) -> Figure:
    """Return a figure of each posterior beside its prior and the normal approximation.

    Parameters
    ----------
    fit
        the fit whose posterior was sampled
    draws
        draws of its parameters, in the order of its estimates
    priors
        key of a parameter -> its prior
    labels
        words for parameters
    """
    rows, columns = fit.parameters, 3
    with styled():
        figure = new_figure(1.25 * -(-len(rows) // columns) + 0.5)
        panels = make_panels(figure, -(-len(rows) // columns), columns)
        for axes in panels[len(rows) :]:
            axes.set_visible(False)
        for axes, row, column in zip(panels, rows, standardise(draws, priors).T, strict=False):
            line = np.linspace(-3.5, 3.5, 281)
            axes.hist(column, bins=40, density=True, histtype="stepfilled", color=TREATED, alpha=0.45, label="posterior")
            axes.plot(line, normal_density(line, 0.0, 1.0), color=NEUTRAL, linewidth=1.0, label="prior")
            near = normal_density(line, priors[row.name].to_z(row.value), row.contraction)
            axes.plot(line, near, color=CONTROL, label="normal by the curvature")
            name_panel(axes, labels.parameter(row.name), columns)
            axes.set_xlim(-3.5, 3.5)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
        figure.supxlabel("Prior standard deviations from the prior median", fontsize=7.5)
        add_legend(figure, panels[0])
    return figure


def plot_ensembles(result: SampleResult, draws: Draws, labels: Labels = PLAIN) -> Figure:
    """Return a figure of the course of the log probability, and of the ranks of the parameter that agrees least."""
    worst = max(result.parameters, key=lambda row: np.inf if row.r_hat is None else row.r_hat)
    values = draws.values[:, draws.names.index(worst.name)]
    ranks = np.argsort(np.argsort(values)) / values.size
    with styled():
        figure = new_figure(2.2, gap=0.06)
        left, right = make_panels(figure, 1, 2)
        left.axvspan(0, result.burn_in, color=FAINT, alpha=0.5, linewidth=0.0)
        for trace, colour in zip(result.traces, _cycle(len(result.traces)), strict=True):
            left.fill_between(trace.steps, trace.lower, trace.upper, color=colour, alpha=0.12, linewidth=0.0)
            left.plot(trace.steps, trace.median, color=colour, linewidth=0.9, label=f"ensemble {trace.ensemble}")
            own = ranks[draws.ensembles == trace.ensemble]
            right.hist(own, bins=RANK_BINS, range=(0.0, 1.0), histtype="step", color=colour)
        settled = [value for trace in result.traces for step, value in zip(trace.steps, trace.lower, strict=True)
                   if step >= result.burn_in]  # fmt: skip
        top = max(max(trace.upper) for trace in result.traces)
        left.set_ylim(min(settled) - 0.5 * (top - min(settled)), top + 1.0)
        left.set_xlabel("Step")
        left.set_ylabel("Log probability [1]")
        right.axhline(values.size / len(result.traces) / RANK_BINS, color=NEUTRAL, linewidth=0.6, linestyle=":")
        right.set_ylim(bottom=0.0)
        right.set_xlabel(f"Rank of {labels.parameter(worst.name)} (R-hat {print_fixed(worst.r_hat, 3)})")
        right.set_ylabel("Draws")
        add_legend(figure, left)
    return figure


def plot_corner(result: SampleResult, draws: Draws, priors: Mapping[str, Prior], labels: Labels = PLAIN) -> Figure:
    """Return a figure of pairs of the most correlated parameters; parameters as in `plot_marginals`."""
    scores = standardise(draws, priors)
    chosen = choose_correlated(np.array(result.correlation), CORNER)
    names = [textwrap.fill(labels.parameter(result.parameters[place].name), LABEL, break_on_hyphens=False) for place in chosen]
    with styled():
        figure = new_figure(0.95 * len(chosen) + 0.4, width=min(1.25 * len(chosen) + 0.8, TEXT_WIDTH))
        grid = figure.subplots(len(chosen), len(chosen), squeeze=False, sharex="col")
        for i, row in enumerate(chosen):
            for j, column in enumerate(chosen):
                if j > i:
                    _write_correlation(grid[i, j], scores[:, column], scores[:, row])
                    continue
                _draw_pair(grid[i, j], scores[:, column], None if i == j else scores[:, row])
                grid[i, j].tick_params(labelleft=j == 0 and i > 0, labelbottom=i == len(chosen) - 1)
            grid[i, 0].set_ylabel(names[i] if i else "")
            grid[-1, i].set_xlabel(names[i])
            grid[i, i].set_title(names[i] if i == 0 else "")
    return figure


def _draw_pair(axes: Axes, across: Array, up: Array | None) -> None:
    if up is None:
        axes.hist(across, bins=30, histtype="stepfilled", color=TREATED, alpha=0.45)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    else:
        axes.plot(across, up, ".", color=TREATED, markersize=1.2, alpha=0.35, rasterized=False)


def _write_correlation(axes: Axes, across: Array, up: Array) -> None:
    axes.set_axis_off()
    text = f"{np.corrcoef(across, up)[0, 1]:.2f}".replace("-", "−")
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=NEUTRAL)


def choose_correlated(correlation: Array, count: int) -> list[int]:
    """Return the places of the parameters in the strongest correlations, so many at most, in their order.

    >>> choose_correlated(np.array([[1.0, 0.1, -0.9], [0.1, 1.0, 0.2], [-0.9, 0.2, 1.0]]), 2)
    [0, 2]
    """
    strength = np.abs(np.triu(correlation, 1))
    chosen: list[int] = []
    for place in np.argsort(-strength, axis=None):
        for index in map(int, np.unravel_index(place, strength.shape)):
            if index not in chosen and len(chosen) < count:
                chosen.append(index)
    return sorted(chosen)


def _cycle(count: int) -> list[str]:
    return [PALETTE[place % len(PALETTE)] for place in range(count)]


def list_scores(draws: Draws, priors: Mapping[str, Prior]) -> FigureData:
    """Return draws in prior standard deviations from the prior medians."""
    rows: tuple[tuple[Value, ...], ...] = tuple(map(tuple, standardise(draws, priors).tolist()))
    return FigureData(draws.names, rows)


def list_traces(result: SampleResult) -> FigureData:
    """Return the log probability of each ensemble: lowest, median and highest walker."""
    rows = [
        (trace.ensemble, *row)
        for trace in result.traces
        for row in zip(trace.steps, trace.lower, trace.median, trace.upper, strict=True)
    ]
    return FigureData(("ensemble", "step", "lowest", "median", "highest"), tuple(rows))
