"""Figures of the fit: predictions beside what was reported, estimates beside their priors, starts, stop rules.

Start with `draw_forest`.
"""

from collections.abc import Sequence

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinimmune.fitting.estimation.results import ComparisonRow, EstimateRow, StartRow, StopRuleRow
from kinimmune.models.arrays import NORMAL_95
from kinimmune.reports.figures.style import CONTROL, FAINT, FOURTH, NEUTRAL, THIRD, TREATED, make_panels, new_figure, styled
from kinimmune.reports.typesetting.formats import print_fixed, print_interval, print_name

_TICKS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)


def draw_forest(rows: Sequence[ComparisonRow]) -> Figure:
    """Draw hazard ratios: reported with its interval, predicted with the interval for the parameters, and the null.

    Parameters
    ----------
    rows
        hazard ratios that were not fitted
    """
    with styled():
        figure = new_figure(0.5 * len(rows) + 0.9)
        (axes,) = make_panels(figure, 1, 1)
        for line, row in enumerate(rows):
            _draw_forest_row(axes, -line, row)
        axes.axvline(1.0, color=NEUTRAL, linewidth=0.6)
        axes.set_xscale("log")
        axes.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
        axes.minorticks_off()
        axes.set_xlim(*_forest_limits(rows))
        axes.set_ylim(-len(rows) + 0.35, 0.75)
        axes.set_yticks([-line for line in range(len(rows))], [f"{print_name(r.endpoint)}, {print_name(r.study)}" for r in rows])
        axes.tick_params(axis="y", length=0.0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("Hazard ratio, treated over control (below 1 favours treatment); none of these was fitted")
        handles, labels = axes.get_legend_handles_labels()
        found = dict(zip(labels, handles, strict=True))
        figure.legend(found.values(), found.keys(), loc="outside upper center", ncols=len(found))
    return figure


def _forest_limits(rows: Sequence[ComparisonRow]) -> tuple[float, float]:
    shown = [row.observed for row in rows]
    for row in rows:
        ends = (row.lower, row.upper, row.predicted, row.null_prediction, row.predicted_lower, row.predicted_upper)
        shown += [value for value in ends if value is not None]
    return min(0.35, 0.9 * min(shown)), max(1.15, 1.3 * max(shown))


def _draw_forest_row(axes: Axes, level: float, row: ComparisonRow) -> None:
    _draw_estimate(axes, level + 0.2, row.observed, (row.lower, row.upper), (NEUTRAL, "s", "reported, 95 % interval"))
    if row.predicted is not None:
        interval = (row.predicted_lower, row.predicted_upper)
        _draw_estimate(axes, level, row.predicted, interval, (TREATED, "o", "predicted, interval of the parameters"))
    if row.null_prediction is not None:
        _draw_estimate(axes, level - 0.2, row.null_prediction, (None, None), (CONTROL, "D", "null: ratio of the fitted medians"))
    reported = f"{print_fixed(row.observed, 2)} ({print_interval(row.lower, row.upper, 2)})"
    written = (
        (0.2, NEUTRAL, reported),
        (0.0, TREATED, print_fixed(row.predicted, 2)),
        (-0.2, CONTROL, print_fixed(row.null_prediction, 2)),
    )
    for offset, colour, text in written:
        axes.text(1.01, level + offset, text, color=colour, va="center", fontsize=6.5, transform=axes.get_yaxis_transform())


def _draw_estimate(
    axes: Axes, level: float, value: float, interval: tuple[float | None, float | None], look: tuple[str, str, str]
) -> None:
    colour, marker, label = look
    low, high = interval
    if low is not None and high is not None:
        axes.plot([low, high], [level, level], color=colour, linewidth=1.4)
    axes.plot(value, level, marker, color=colour, markersize=4.5, label=label, linestyle="none")


def draw_medians(rows: Sequence[ComparisonRow]) -> Figure:
    """Draw the fitted medians: reported with interval, predicted as a dot, one line per arm and endpoint."""
    with styled():
        figure = new_figure(0.2 * len(rows) + 0.7, width=5.6)
        (axes,) = make_panels(figure, 1, 1)
        for line, row in enumerate(rows):
            if row.lower is not None and row.upper is not None:
                axes.plot([row.lower, row.upper], [-line, -line], color=FAINT, linewidth=4.0, solid_capstyle="butt")
            axes.plot(row.observed, -line, "s", color=NEUTRAL, markersize=4.5, linestyle="none", label="reported, 95 % interval")
            if row.predicted is not None:
                axes.plot(
                    row.predicted, -line, "o", color=TREATED, markersize=4.0, linestyle="none", label="predicted by the fit"
                )
        names = [f"{print_name(row.endpoint)}, {print_name(row.study)}, {row.arm}" for row in rows]
        axes.set_yticks([-line for line in range(len(rows))], names)
        axes.set_ylim(-len(rows) + 0.4, 0.6)
        axes.set_xlim(left=0.0)
        axes.set_xlabel("Median [months]")
        handles, labels = axes.get_legend_handles_labels()
        found = dict(zip(labels, handles, strict=True))
        figure.legend(found.values(), found.keys(), loc="outside upper center", ncols=2)
    return figure


def draw_priors(estimates: Sequence[EstimateRow]) -> Figure:
    """Draw each estimate with its 95 % interval over its prior, in prior standard deviations from the prior median.

    The coordinate is ln for positive quantities and logit for fractions, as the prior is; the ends of the prior's 95 %
    interval fix its scale.
    """
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
        axes.set_yticks([-line for line in range(len(estimates))], [_spell(row.name) for row in estimates])
        axes.set_ylim(-len(estimates) + 0.4, 0.6)
        axes.set_xlabel("Prior standard deviations from the prior median, on the prior's own scale")
        handles, labels = axes.get_legend_handles_labels()
        found = dict(zip(labels, handles, strict=True))
        figure.legend(found.values(), found.keys(), loc="outside upper center", ncols=2)
    return figure


def _spell(key: str) -> str:
    name, _, study = key.partition(":")
    return f"{name.replace('_', ' ')}{f', {print_name(study)}' if study else ''}"


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


def draw_correlation(estimates: Sequence[EstimateRow], correlation: Sequence[Sequence[float]]) -> Figure:
    """Draw the correlations of the estimates, on the scales of their priors; the lower triangle."""
    names = [_spell(row.name) for row in estimates]
    values = np.array(correlation)
    with styled():
        figure = new_figure(0.22 * len(names) + 1.2, width=5.2)
        (axes,) = make_panels(figure, 1, 1)
        sns.heatmap(
            values,
            mask=np.triu(np.ones_like(values, dtype=bool)),
            ax=axes,
            cmap="vlag",
            vmin=-1.0,
            vmax=1.0,
            square=False,
            annot=True,
            fmt=".2f",
            annot_kws={"size": 6.5},
            linewidths=0.5,
            cbar_kws={"label": "Correlation", "shrink": 0.7},
        )
        axes.set_xticks(np.arange(len(names) - 1) + 0.5, names[:-1], rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(np.arange(1, len(names)) + 0.5, names[1:], rotation=0)
        axes.set_ylim(len(names), 1)
        axes.set_xlim(0, len(names) - 1)
        axes.tick_params(length=0)
    return figure


def draw_start_ladder(starts: Sequence[StartRow]) -> Figure:
    """Draw the sum of squares each start of the optimiser reached, best first."""
    ordered = sorted(starts, key=lambda start: start.cost)
    with styled():
        figure = new_figure(1.7, width=4.2)
        (axes,) = make_panels(figure, 1, 1)
        places = np.arange(1, len(ordered) + 1)
        axes.plot(places, [start.cost for start in ordered], color=FAINT, linewidth=0.8, zorder=1)
        for converged, colour, marker, label in ((True, TREATED, "o", "converged"), (False, CONTROL, "X", "did not converge")):
            chosen = [(x, start.cost) for x, start in zip(places, ordered, strict=True) if start.converged is converged]
            if chosen:
                axes.plot(*zip(*chosen, strict=True), marker, color=colour, markersize=4.0, linestyle="none", label=label)
        axes.set_xticks(places)
        axes.set_xlabel("Starts, best first")
        axes.set_ylabel("Sum of squares [1]")
        costs = [start.cost for start in ordered]
        room = max(0.15 * (costs[-1] - costs[0]), 0.02 * abs(costs[0]), 1e-12)
        axes.set_ylim(costs[0] - room, costs[-1] + 2.0 * room)
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.legend(loc="best")
    return figure


def draw_stop_rules(rules: Sequence[StopRuleRow]) -> Figure:
    """Draw predictions under each stop rule side by side: medians on the left, hazard ratios on the right."""
    labels = list(dict.fromkeys(label for rule in rules for label in rule.predictions))
    groups = [
        [label for label in labels if label.startswith("median")],
        [label for label in labels if label.startswith("hazard")],
    ]
    groups = [group for group in groups if group]
    with styled():
        figure = new_figure(0.25 * max(len(group) for group in groups) + 0.9)
        panels = make_panels(figure, 1, len(groups))
        for axes, group in zip(panels, groups, strict=True):
            _draw_rule_panel(axes, group, rules)
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=len(rules))
    return figure


def _spell_output(label: str) -> str:
    study, *arm, endpoint = label.split(":")[1:]
    return " ".join([f"{print_name(endpoint)}, {print_name(study)}", *arm])


def _draw_rule_panel(axes: Axes, labels: Sequence[str], rules: Sequence[StopRuleRow]) -> None:
    colours, markers = (TREATED, CONTROL, THIRD, FOURTH), ("o", "s", "D", "^")
    for rule, colour, marker in zip(rules, colours, markers, strict=False):
        values = [rule.predictions.get(label) for label in labels]
        known = [(value, -line) for line, value in enumerate(values) if value is not None]
        name = rule.rule.replace("_", " ")
        axes.plot(*zip(*known, strict=True), marker, color=colour, markersize=4.0, linestyle="none", alpha=0.8, label=name)
    for line in range(len(labels)):
        axes.axhline(-line, color=FAINT, linewidth=0.4, zorder=0)
    axes.set_yticks([-line for line in range(len(labels))], [_spell_output(label) for label in labels])
    axes.set_xlabel("Median [months]" if labels[0].startswith("median") else "Hazard ratio [1]")
    axes.tick_params(axis="y", length=0.0)
