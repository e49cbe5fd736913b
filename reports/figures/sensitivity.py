"""Figures of a sensitivity study: swings, shares of the variance, elementary effects, rank correlations, and their settling.

Start with `describe_figures`, which says what a study shows.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinimmune.fitting.sensitivity.results import IMPORTANT, Indices, SensitivityResult
from kinimmune.reports.figures.data import FigureData
from kinimmune.reports.figures.style import CONTROL, FAINT, NEUTRAL, PALETTE, TREATED, make_panels, new_figure, styled
from kinimmune.reports.typesetting.formats import print_name, print_output

MOST = 20
"""Parameters in a figure; the table of results has all."""
MOST_LINES = 6
"""Parameters drawn as lines."""
Description = tuple[str, str, Callable[[], Figure], Callable[[], FigureData]]
"""File name without suffix, caption, how it is drawn, and its data."""


def describe_figures(result: SensitivityResult) -> tuple[Description, ...]:
    """Return the figures of a study, in order."""
    main = {
        "local": (_TORNADO, draw_tornado, ("elasticity", "effect", "low", "high")),
        "morris": (_MORRIS, draw_morris, ("mu", "mu_star", "mu_star_conf", "sigma")),
        "sobol": (_SOBOL, draw_sobol, ("S1", "S1_conf", "ST", "ST_conf")),
        "prcc": (_PRCC, draw_ranks, ("prcc", "prcc_lower", "prcc_upper", "p")),
    }
    caption, draw, fields = main[result.method]
    found: list[Description] = [
        (result.label, f"{tell_output(result)}. {caption}", partial(draw, result), partial(_list_fields, result, fields))
    ]
    if result.S2 is not None:
        found.append((f"{result.label}-pairs", _PAIRS, partial(draw_interactions, result), partial(_list_pairs, result)))
    if result.course:
        found.append((f"{result.label}-course", _COURSE, partial(draw_course_of_ranks, result), partial(_list_course, result)))
    if len(result.convergence) > 1:
        found.append(
            (f"{result.label}-convergence", _SETTLING, partial(draw_convergence, result), partial(_list_convergence, result))
        )
    return tuple(found)


def tell_output(result: SensitivityResult) -> str:
    """Return the output in words."""
    kind, *parts = result.output.split(":")
    if kind == "state":
        place = f", {' '.join([*map(print_name, parts[2:3]), *parts[3:]])}" if len(parts) > 2 else ""
        return f"{print_name(parts[0])} on day {parts[1]}{place}"
    if kind == "survival":
        study, arm, endpoint, month = parts
        return f"Without event of {print_name(endpoint)} at month {month}, {print_name(study)} {arm}"
    return print_output(result.output)


_TORNADO = (
    "Each parameter alone, the others at their values: the output one prior standard deviation below (orange) and above (blue), "
    "or at the ends of a range."
)
_MORRIS = (
    "Screening: mean size of the elementary effects (change of the output over all the parameter spans) against their standard "
    "deviation. Near the axis below: the effect is the same everywhere. Above the line: it depends on the other parameters."
)
_SOBOL = (
    "Shares of the variance of the output: of each alone (blue), and with all its interactions (orange). Bars: 95 % intervals by "
    "bootstrap."
)
_PRCC = "Partial rank correlations with 95 % intervals: whether the output rises or falls with each, the others held."
_PAIRS = "Interactions: the share of the variance that a pair explains beyond what each explains alone."
_COURSE = "The same correlations in time, for the largest. Grey band: not distinguishable from none at p = 0.05."
_SETTLING = "From the first quarter and half of the rows, and from all: indices that matter should stay inside their intervals."


def _spell(key: str) -> str:
    name, _, study = key.partition(":")
    return f"{name.replace('_', ' ')}{f', {print_name(study)}' if study else ''}"


def _pick(result: SensitivityResult, most: int) -> list[int]:
    """Return the places of the largest indices that exist."""
    return [place for place in result.order if result.main[place] is not None][:most]


def _take(values: Indices | None, places: Sequence[int]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return some of the numbers, NaN for one that does not exist: nothing is drawn there."""
    return np.array([np.nan if values is None or values[place] is None else values[place] for place in places], dtype=float)


def _name_rows(axes: Axes, result: SensitivityResult, places: Sequence[int]) -> None:
    axes.set_yticks(-np.arange(len(places)), [_spell(result.names[place]) for place in places])
    axes.set_ylim(-len(places) + 0.4, 0.6)
    axes.tick_params(axis="y", length=0.0)


def draw_tornado(result: SensitivityResult) -> Figure:
    """Draw how far each parameter alone moves the output, the widest swing on top."""
    swings = np.abs(_take(result.high, range(len(result.names))) - _take(result.low, range(len(result.names))))
    order = sorted((place for place in range(len(result.names)) if np.isfinite(swings[place])), key=lambda place: -swings[place])
    places, value = order[:MOST], result.value or 0.0
    with styled():
        figure = new_figure(0.2 * len(places) + 0.8)
        (axes,) = make_panels(figure, 1, 1)
        rows = -np.arange(len(places))
        for ends, colour, label in ((result.low, CONTROL, "parameter lower"), (result.high, TREATED, "parameter higher")):
            axes.barh(rows, _take(ends, places) - value, left=value, height=0.6, color=colour, label=label)
        axes.axvline(value, color=NEUTRAL, linewidth=0.8)
        for row, place in zip(rows, places, strict=True):
            elasticity = None if result.elasticity is None else result.elasticity[place]
            text = "" if elasticity is None else f"{elasticity:+.2f}".replace("-", "−")
            axes.text(1.01, float(row), text, va="center", fontsize=6.5, color=NEUTRAL, transform=axes.get_yaxis_transform())
        axes.set_title("elasticity", loc="right", fontweight="normal", fontsize=6.5, color=NEUTRAL)
        _name_rows(axes, result, places)
        axes.set_xlabel(f"{tell_output(result)} [{result.unit}]")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def draw_sobol(result: SensitivityResult) -> Figure:
    """Draw first and total indices with their intervals."""
    places = _pick(result, MOST)
    with styled():
        figure = new_figure(0.24 * len(places) + 0.8)
        (axes,) = make_panels(figure, 1, 1)
        rows = -np.arange(len(places), dtype=float)
        for values, halves, shift, colour, label in (
            (result.S1, result.S1_conf, 0.18, TREATED, "first: alone"),
            (result.ST, result.ST_conf, -0.18, CONTROL, "total: with interactions"),
        ):
            bars: dict[str, Any] = {"height": 0.34, "color": colour, "error_kw": {"elinewidth": 0.8, "ecolor": NEUTRAL}}
            axes.barh(rows + shift, _take(values, places), xerr=_take(halves, places), label=label, **bars)
        axes.axvline(IMPORTANT, color=FAINT, linewidth=0.6, linestyle="--", zorder=0)
        axes.axvline(0.0, color=NEUTRAL, linewidth=0.6)
        _name_rows(axes, result, places)
        axes.set_xlabel("Share of the variance of the output [1]")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def draw_interactions(result: SensitivityResult) -> Figure:
    """Draw the second-order indices of the most important parameters, one cell a pair."""
    places = sorted(_pick(result, MOST // 2))
    table = np.array([_take(row, range(len(result.names))) for row in result.S2 or ()])
    whole = np.fmax(table, table.T)[np.ix_(places, places)]
    names = [_spell(result.names[place]) for place in places]
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


def draw_morris(result: SensitivityResult) -> Figure:
    """Draw mean size against spread of elementary effects; a group, which has no spread, on the axis."""
    places = _pick(result, len(result.names))
    across, up = _take(result.mu_star, places), np.nan_to_num(_take(result.sigma, places))
    with styled():
        figure = new_figure(3.4, width=5.4)
        (axes,) = make_panels(figure, 1, 1)
        end = 1.15 * max(float(across.max()), 1e-300)
        axes.plot([0.0, end], [0.0, end], color=FAINT, linewidth=0.8, zorder=0)
        half = _take(result.mu_star_conf, places)
        look: dict[str, Any] = {"color": TREATED, "markersize": 3.5, "elinewidth": 0.6, "linestyle": "none"}
        axes.errorbar(across, up, xerr=half, marker="o", **look)
        for place, x, y in list(zip(places, across, up, strict=True))[: MOST_LINES + 4]:
            axes.annotate(_spell(result.names[place]), (x, y), (3, 3), textcoords="offset points", fontsize=6.5)
        axes.set_xlim(0.0, end)
        axes.set_ylim(bottom=0.0)
        axes.set_xlabel(f"Mean size μ* of the elementary effects [{result.unit}]")
        axes.set_ylabel(f"Their standard deviation σ [{result.unit}]")
    return figure


def draw_ranks(result: SensitivityResult) -> Figure:
    """Draw partial rank correlations with their intervals."""
    places = _pick(result, MOST)
    found = _take(result.prcc, places)
    ends = np.abs(np.stack([_take(result.prcc_lower, places), _take(result.prcc_upper, places)]) - found)
    with styled():
        figure = new_figure(0.2 * len(places) + 0.7)
        (axes,) = make_panels(figure, 1, 1)
        colours = [TREATED if value >= 0.0 else CONTROL for value in found]
        bars: dict[str, Any] = {"height": 0.6, "color": colours, "error_kw": {"elinewidth": 0.8, "ecolor": NEUTRAL}}
        axes.barh(-np.arange(len(places)), found, xerr=ends, **bars)
        axes.axvline(0.0, color=NEUTRAL, linewidth=0.6)
        axes.set_xlim(-1.0, 1.0)
        _name_rows(axes, result, places)
        axes.set_xlabel("Partial rank correlation with the output [1]")
    return figure


def draw_course_of_ranks(result: SensitivityResult) -> Figure:
    """Draw partial rank correlations in time for the parameters with the largest at any time."""
    table = np.array([_take(moment.prcc, range(len(result.names))) for moment in result.course])
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
            axes.plot(times, table[:, place], label=_spell(result.names[place]), **look)
        axes.set_ylim(-1.0, 1.0)
        axes.set_xlabel({"d": "Days", "month": "Months"}[result.course_unit])
        axes.set_ylabel("Partial rank correlation [1]")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")
    return figure


def draw_convergence(result: SensitivityResult) -> Figure:
    """Draw the main index of the most important from more and more rows, with intervals."""
    places = _pick(result, MOST_LINES)
    sizes = np.array([step.n for step in result.convergence], dtype=float)
    name = {"sobol": "Total index", "morris": "μ*", "prcc": "Partial rank correlation"}[result.method]
    with styled():
        figure = new_figure(2.4)
        (axes,) = make_panels(figure, 1, 1)
        for line, place in enumerate(places):
            values = _take(tuple(step.values[place] for step in result.convergence), range(sizes.size))
            halves = _take(tuple(step.half_widths[place] for step in result.convergence), range(sizes.size))
            look: dict[str, Any] = {"color": PALETTE[line], "marker": "os^Dv*"[line], "markersize": 3.0, "elinewidth": 0.8}
            moved = sizes * 1.03 ** (line - len(places) / 2.0)
            axes.errorbar(moved, values, yerr=halves, label=_spell(result.names[place]), **look)
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [f"{size:g}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("Rows")
        axes.set_ylabel(name)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")
    return figure


def _list_fields(result: SensitivityResult, fields: Sequence[str]) -> FigureData:
    columns = [getattr(result, field) or (None,) * len(result.names) for field in fields]
    return FigureData(("name", *fields), tuple(zip(result.names, *columns, strict=True)))


def _list_pairs(result: SensitivityResult) -> FigureData:
    rows = [
        (name, other, value)
        for name, row in zip(result.names, result.S2 or (), strict=False)
        for other, value in zip(result.names, row, strict=True)
        if value is not None
    ]
    return FigureData(("name", "other", "S2"), tuple(rows))


def _list_course(result: SensitivityResult) -> FigureData:
    rows = [
        (name, moment.time, value, p)
        for moment in result.course
        for name, value, p in zip(result.names, moment.prcc, moment.p, strict=True)
    ]
    return FigureData(("name", f"time [{result.course_unit}]", "prcc", "p"), tuple(rows))


def _list_convergence(result: SensitivityResult) -> FigureData:
    rows = [
        (name, step.n, value, half)
        for step in result.convergence
        for name, value, half in zip(result.names, step.values, step.half_widths, strict=True)
    ]
    return FigureData(("name", "n", "value", "half_width"), tuple(rows))
