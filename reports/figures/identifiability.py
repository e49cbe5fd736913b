"""Figures of what the published numbers hold: spectrum of J'J, sensitivity of estimates to numbers, share of a mechanism.

Start with `plot_spectrum`.
"""

from collections.abc import Sequence

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinimmune.fitting.identifiability.results import IdentifiabilityResult, MechanismShare, ShareRow
from kinimmune.models.arrays import Array
from kinimmune.reports.figures.data import FigureData, Value
from kinimmune.reports.figures.legends import add_legend
from kinimmune.reports.figures.style import (
    CONTROL,
    FAINT,
    NAME_CHARACTERS,
    NEUTRAL,
    TREATED,
    break_words,
    make_panels,
    name_panel,
    new_figure,
    styled,
)
from kinimmune.reports.typesetting.labels import PLAIN, Labels

_ORIGINS = {"prior": (FAINT, "prior"), "posterior": (TREATED, "posterior")}


def plot_spectrum(result: IdentifiabilityResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of the eigenvalues of J'J at the fit and at posterior draws, and of the vectors at the fit."""
    names = _name_rows(result, labels)
    with styled():
        figure = new_figure(0.2 * len(result.names) + 1.6)
        left, right = figure.subplots(1, 2, width_ratios=(0.8, 1.3))
        directions = np.arange(1, len(result.eigenvalues) + 1)
        for values in result.drawn_eigenvalues:
            left.plot(directions, np.maximum(values, 1e-6), "_", color=FAINT, markersize=7.0)
        left.plot(directions, np.maximum(result.eigenvalues, 1e-6), "o", color=TREATED, markersize=3.5)
        left.axhline(1.0, color=NEUTRAL, linewidth=0.6, linestyle=(0, (3, 2)))
        left.set_yscale("log")
        left.set_xticks(directions)
        left.set_xlabel("Direction")
        left.set_ylabel("Eigenvalue of J'J [1 / prior sd²]")
        _draw_map(right, np.array(result.eigenvectors).T, names, list(map(str, directions)), "Part of the vector")
        right.set_xlabel("Direction")
    return figure


def plot_sensitivity(result: IdentifiabilityResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of how far each estimate moves when a published number rises by one standard error."""
    targets = [break_words(labels.output(name).removeprefix("Median "), NAME_CHARACTERS) for name in result.targets]
    names = _name_rows(result, labels)
    with styled():
        figure = new_figure(0.22 * len(result.names) + 1.7)
        (axes,) = make_panels(figure, 1, 1)
        values = np.array(result.sensitivity)
        limit = max(float(np.abs(values).max()), 1e-9)
        _draw_map(axes, values / limit, names, targets, None)
        for (row, column), value in np.ndenumerate(values):
            colour = "white" if abs(value) > 0.7 * limit else "black"
            axes.text(
                column + 0.5, row + 0.5, f"{value:+.2f}".replace("-", "−"), ha="center", va="center", fontsize=6.0, color=colour
            )
        axes.set_xticks(axes.get_xticks(), targets, rotation=35, ha="right", rotation_mode="anchor")
    return figure


def _name_rows(result: IdentifiabilityResult, labels: Labels) -> list[str]:
    return [break_words(labels.parameter(name), NAME_CHARACTERS) for name in result.names]


def _draw_map(
    axes: Axes,
    values: Array,
    rows: Sequence[str],
    columns: Sequence[str],
    label: str | None,
) -> None:
    sns.heatmap(
        values,
        ax=axes,
        cmap="vlag",
        vmin=-1.0,
        vmax=1.0,
        linewidths=0.5,
        cbar=label is not None,
        cbar_kws={"label": label} if label is not None else None,
        xticklabels=list(columns),
        yticklabels=list(rows),
    )
    axes.tick_params(length=0.0)
    axes.set_yticklabels(axes.get_yticklabels(), rotation=0)


def plot_shares(shares: MechanismShare, labels: Labels = PLAIN, measure: str = "hazard_ratio") -> Figure:
    """Return a figure of the share of the benefit that runs through the mechanism: prior above posterior, a panel per study."""
    rows = [row for row in shares.rows if row.measure == measure]
    compared = list(dict.fromkeys((row.study, row.arm) for row in rows))
    rules = list(dict.fromkeys(row.rule for row in rows))
    with styled():
        figure = new_figure(0.4 * len(rules) + 0.9)
        panels = make_panels(figure, 1, len(compared), share_y=True)
        for axes, pair in zip(panels, compared, strict=True):
            for row in (row for row in rows if (row.study, row.arm) == pair):
                _draw_share(axes, row, rules.index(row.rule))
            name_panel(axes, labels.comparison(*pair), len(compared))
            axes.set_xlim(-0.05, 1.05)
            axes.set_ylim(len(rules) - 0.5, -0.5)
        panels[0].set_yticks(range(len(rules)), [rule.replace("_", " ") for rule in rules])
        figure.supxlabel("Share of −ln hazard ratio of death that is lost without the mechanism", fontsize=7.5)
        add_legend(figure, panels[0])
    return figure


def _draw_share(axes: Axes, row: ShareRow, line: int) -> None:
    colour, label = _ORIGINS[row.draws_from]
    level = line + (-0.13 if row.draws_from == "prior" else 0.13)
    if row.lower is not None and row.upper is not None:
        axes.plot((row.lower, row.upper), (level, level), color=colour, linewidth=3.0, label=f"{label}, 5 to 95 %")
    if row.median is not None:
        axes.plot(row.median, level, "|", color="black", markersize=6.0)
    if row.at_fit is not None and row.draws_from == "posterior":
        axes.plot(row.at_fit, line, "D", color=CONTROL, markersize=3.5, linestyle="none", label="at the estimates")


def list_spectrum(result: IdentifiabilityResult) -> FigureData:
    """Return the eigenvalues at the fit and at the draws, and the vectors at the fit."""
    pairs = zip(result.eigenvalues, result.eigenvectors, strict=True)
    rows: list[tuple[Value, ...]] = [("fit", place, value, *vector) for place, (value, vector) in enumerate(pairs, 1)]
    empty = (None,) * len(result.names)
    for number, values in enumerate(result.drawn_eigenvalues, 1):
        rows += [(f"draw {number}", place, value, *empty) for place, value in enumerate(values, 1)]
    return FigureData(("at", "direction", "eigenvalue", *result.names), tuple(rows))


def list_sensitivity(result: IdentifiabilityResult) -> FigureData:
    """Return the sensitivity of each estimate [prior sd] to each number [standard error]."""
    rows: list[tuple[Value, ...]] = [(name, *row) for name, row in zip(result.names, result.sensitivity, strict=True)]
    return FigureData(("parameter", *result.targets), tuple(rows))


def list_shares(shares: MechanismShare) -> FigureData:
    """Return the shares with their intervals."""
    names = ("study", "arm", "rule", "measure", "draws_from", "at_fit", "median", "lower", "upper", "draws", "without_benefit")
    return FigureData(names, tuple(tuple(getattr(row, name) for name in names) for row in shares.rows))
