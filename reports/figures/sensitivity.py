"""Figures of the indices of a sensitivity study: swings, shares of the variance, elementary effects, rank correlations.

Start with `plot_indices`; how indices move in time and settle is in `kinimmune.reports.figures.sensitivity_courses`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinimmune.fitting.sensitivity.results import IMPORTANT, Indices, SensitivityResult
from kinimmune.models.arrays import Array
from kinimmune.reports.figures.data import FigureData
from kinimmune.reports.figures.legends import add_legend
from kinimmune.reports.figures.style import CONTROL, FAINT, NEUTRAL, TREATED, make_panels, new_figure, styled
from kinimmune.reports.typesetting.formats import print_endpoint
from kinimmune.reports.typesetting.labels import PLAIN, Labels

MOST = 20
"""Parameters in a figure; the table of results has all."""
MOST_LINES = 6
"""Parameters drawn as lines."""
_FIELDS = {
    "local": ("elasticity", "effect", "low", "high"),
    "morris": ("mu", "mu_star", "mu_star_conf", "sigma"),
    "sobol": ("S1", "S1_conf", "ST", "ST_conf"),
    "prcc": ("prcc", "prcc_lower", "prcc_upper", "p"),
}
"""Method -> fields of the result that its figure shows."""


def describe_output(result: SensitivityResult, labels: Labels = PLAIN) -> str:
    """Return the output of a study in words."""
    kind, *parts = result.output.split(":")
    if kind == "state":
        at = f", {' '.join([*map(labels.study, parts[2:3]), *parts[3:]])}" if len(parts) > 2 else ""
        return f"{labels.quantity(parts[0])} on day {parts[1]}{at}"
    if kind == "survival":
        study, arm, endpoint, month = parts
        return f"Without event of {print_endpoint(endpoint)} at month {month}, {labels.study(study)} {arm}"
    return labels.output(result.output)


def plot_indices(result: SensitivityResult, labels: Labels = PLAIN) -> Figure:
    """Return the figure of the main indices of a study, whatever its method."""
    plots = {"local": plot_tornado, "morris": plot_morris, "sobol": plot_sobol, "prcc": plot_ranks}
    return plots[result.method](result, labels)


def pick_largest(result: SensitivityResult, most: int) -> list[int]:
    """Return the places of the largest indices that exist."""
    return [place for place in result.order if result.main[place] is not None][:most]


def take_values(values: Indices | None, places: Sequence[int]) -> Array:
    """Return some of the numbers, NaN for one that does not exist: nothing is drawn there."""
    return np.array([np.nan if values is None or values[place] is None else values[place] for place in places], dtype=float)


def _name_rows(axes: Axes, result: SensitivityResult, places: Sequence[int], labels: Labels) -> None:
    axes.set_yticks(-np.arange(len(places)), [labels.parameter(result.names[place]) for place in places])
    axes.set_ylim(-len(places) + 0.4, 0.6)
    axes.tick_params(axis="y", length=0.0)


def plot_tornado(result: SensitivityResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of how far each parameter alone moves the output, the widest swing on top."""
    swings = np.abs(take_values(result.high, range(len(result.names))) - take_values(result.low, range(len(result.names))))
    order = sorted((place for place in range(len(result.names)) if np.isfinite(swings[place])), key=lambda place: -swings[place])
    places, value = order[:MOST], result.value or 0.0
    with styled():
        figure = new_figure(0.2 * len(places) + 0.8)
        (axes,) = make_panels(figure, 1, 1)
        rows = -np.arange(len(places))
        for ends, colour, label in ((result.low, CONTROL, "parameter lower"), (result.high, TREATED, "parameter higher")):
            axes.barh(rows, take_values(ends, places) - value, left=value, height=0.6, color=colour, label=label)
        axes.axvline(value, color=NEUTRAL, linewidth=0.8)
        for row, place in zip(rows, places, strict=True):
            elasticity = None if result.elasticity is None else result.elasticity[place]
            text = "" if elasticity is None else f"{elasticity:+.2f}".replace("-", "−")
            axes.text(1.01, float(row), text, va="center", fontsize=6.5, color=NEUTRAL, transform=axes.get_yaxis_transform())
        axes.set_title("elasticity", loc="right", fontweight="normal", fontsize=6.5, color=NEUTRAL)
        _name_rows(axes, result, places, labels)
        axes.set_xlabel(f"{describe_output(result, labels)} [{result.unit}]")
        add_legend(figure, axes)
    return figure


def plot_sobol(result: SensitivityResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of first and total indices with their intervals."""
    places = pick_largest(result, MOST)
    with styled():
        figure = new_figure(0.24 * len(places) + 0.8)
        (axes,) = make_panels(figure, 1, 1)
        rows = -np.arange(len(places), dtype=float)
        for values, halves, shift, colour, label in (
            (result.S1, result.S1_conf, 0.18, TREATED, "first: alone"),
            (result.ST, result.ST_conf, -0.18, CONTROL, "total: with interactions"),
        ):
            bars: dict[str, Any] = {"height": 0.34, "color": colour, "error_kw": {"elinewidth": 0.8, "ecolor": NEUTRAL}}
            axes.barh(rows + shift, take_values(values, places), xerr=take_values(halves, places), label=label, **bars)
        axes.axvline(IMPORTANT, color=FAINT, linewidth=0.6, linestyle="--", zorder=0)
        axes.axvline(0.0, color=NEUTRAL, linewidth=0.6)
        _name_rows(axes, result, places, labels)
        axes.set_xlabel("Share of the variance of the output [1]")
        add_legend(figure, axes)
    return figure


def plot_interactions(result: SensitivityResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of the second-order indices of the most important parameters, one cell a pair."""
    places = sorted(pick_largest(result, MOST // 2))
    table = np.array([take_values(row, range(len(result.names))) for row in result.S2 or ()])
    whole = np.fmax(table, table.T)[np.ix_(places, places)]
    names = [labels.parameter(result.names[place]) for place in places]
    with styled():
        figure = new_figure(0.26 * len(names) + 1.3, width=5.4)
        (axes,) = make_panels(figure, 1, 1)
        limit = max(0.05, float(np.nanmax(np.abs(whole))))
        sns.heatmap(
            whole,
            mask=np.triu(np.ones_like(whole, dtype=bool)) | np.isnan(whole),
            ax=axes,
            cmap="vlag",
            vmin=-limit,
            vmax=limit,
            annot=True,
            fmt=".2f",
            annot_kws={"size": 6.0},
            linewidths=0.5,
            cbar_kws={"label": "Share of the variance", "shrink": 0.7},
        )
        axes.set_xticks(np.arange(len(names) - 1) + 0.5, names[:-1], rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(np.arange(1, len(names)) + 0.5, names[1:], rotation=0)
        axes.set_ylim(len(names), 1)
        axes.set_xlim(0, len(names) - 1)
        axes.tick_params(length=0)
    return figure


def plot_morris(result: SensitivityResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of mean size against spread of elementary effects; a group, which has no spread, on the axis."""
    places = pick_largest(result, len(result.names))
    across, up = take_values(result.mu_star, places), np.nan_to_num(take_values(result.sigma, places))
    with styled():
        figure = new_figure(3.4, width=5.4)
        (axes,) = make_panels(figure, 1, 1)
        end = 1.15 * max(float(across.max()), 1e-300)
        axes.plot([0.0, end], [0.0, end], color=FAINT, linewidth=0.8, zorder=0)
        half = take_values(result.mu_star_conf, places)
        look: dict[str, Any] = {"color": TREATED, "markersize": 3.5, "elinewidth": 0.6, "linestyle": "none"}
        axes.errorbar(across, up, xerr=half, marker="o", **look)
        for place, x, y in list(zip(places, across, up, strict=True))[: MOST_LINES + 4]:
            axes.annotate(labels.parameter(result.names[place]), (x, y), (3, 3), textcoords="offset points", fontsize=6.5)
        axes.set_xlim(0.0, end)
        axes.set_ylim(bottom=0.0)
        axes.set_xlabel(f"Mean size μ* of the elementary effects [{result.unit}]")
        axes.set_ylabel(f"Their standard deviation σ [{result.unit}]")
    return figure


def plot_ranks(result: SensitivityResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of partial rank correlations with their intervals."""
    places = pick_largest(result, MOST)
    found = take_values(result.prcc, places)
    ends = np.abs(np.stack([take_values(result.prcc_lower, places), take_values(result.prcc_upper, places)]) - found)
    with styled():
        figure = new_figure(0.2 * len(places) + 0.7)
        (axes,) = make_panels(figure, 1, 1)
        colours = [TREATED if value >= 0.0 else CONTROL for value in found]
        bars: dict[str, Any] = {"height": 0.6, "color": colours, "error_kw": {"elinewidth": 0.8, "ecolor": NEUTRAL}}
        axes.barh(-np.arange(len(places)), found, xerr=ends, **bars)
        axes.axvline(0.0, color=NEUTRAL, linewidth=0.6)
        axes.set_xlim(-1.0, 1.0)
        _name_rows(axes, result, places, labels)
        axes.set_xlabel("Partial rank correlation with the output [1]")
    return figure


def list_indices(result: SensitivityResult) -> FigureData:
    """Return the indices that the figure of a study shows."""
    fields = _FIELDS[result.method]
    columns = [getattr(result, field) or (None,) * len(result.names) for field in fields]
    return FigureData(("name", *fields), tuple(zip(result.names, *columns, strict=True)))


def list_interactions(result: SensitivityResult) -> FigureData:
    """Return the second-order index of every pair that has one."""
    rows = [
        (name, other, value)
        for name, row in zip(result.names, result.S2 or (), strict=False)
        for other, value in zip(result.names, row, strict=True)
        if value is not None
    ]
    return FigureData(("name", "other", "S2"), tuple(rows))
