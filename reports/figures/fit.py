"""Figures of the fit: predictions beside what was reported, and under other rules for stopping treatment.

Start with `plot_forest`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinimmune.fitting.estimation.outcome_rows import StopRuleRow
from kinimmune.fitting.estimation.results import ComparisonRow, FitResult
from kinimmune.fitting.estimation.trial_results import TrialResult
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.reports.figures.comparisons import name_reported
from kinimmune.reports.figures.legends import add_legend
from kinimmune.reports.figures.style import (
    CONTROL,
    FAINT,
    FOURTH,
    NEUTRAL,
    THIRD,
    TREATED,
    make_panels,
    new_figure,
    styled,
)
from kinimmune.reports.typesetting.formats import print_endpoint, print_fixed, print_interval
from kinimmune.reports.typesetting.labels import PLAIN, Labels

_TICKS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)


def plot_forest(fit: FitResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of hazard ratios: reported and predicted with intervals, and the null of those that were not fitted.

    Parameters
    ----------
    fit
        a fit
    labels
        titles of studies
    """
    fitted = [row for row in fit.targets if row.statistic == Statistic.HAZARD_RATIO]
    rows = [*fitted, *(row for row in fit.unfitted if row.statistic == Statistic.HAZARD_RATIO)]
    names = [
        f"{print_endpoint(row.endpoint)}, {labels.comparison(row.study, row.arm)}{', fitted' if row in fitted else ''}"
        for row in rows
    ]
    with styled():
        figure = new_figure(0.5 * len(rows) + 0.9)
        (axes,) = make_panels(figure, 1, 1)
        for line, row in enumerate(rows):
            _draw_forest_row(axes, -line, row, replace(_REPORTED, label=name_reported(rows)))
            if row not in fitted and row.null_prediction is not None:
                _draw_estimate(axes, -line - 0.2, row.null_prediction, print_fixed(row.null_prediction, 2), _NULL)
        axes.axvline(1.0, color=NEUTRAL, linewidth=0.6)
        axes.set_xscale("log")
        axes.set_xticks(_TICKS, [f"{tick:g}" for tick in _TICKS])
        axes.minorticks_off()
        axes.set_xlim(*_forest_limits(rows))
        axes.set_ylim(-len(rows) + 0.35, 0.75)
        axes.set_yticks([-line for line in range(len(rows))], names)
        axes.tick_params(axis="y", length=0.0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"Hazard ratio, treated over control (below 1 favours treatment){'' if fitted else _NONE_FITTED}")
        add_legend(figure, axes)
    return figure


_NONE_FITTED = "; none of these was fitted"


def _forest_limits(rows: Sequence[ComparisonRow]) -> tuple[float, float]:
    shown = [
        value
        for row in rows
        for value in (
            row.observed,
            row.lower,
            row.upper,
            row.predicted,
            row.null_prediction,
            row.predicted_lower,
            row.predicted_upper,
        )
        if value is not None
    ]
    return min(0.35, 0.9 * min(shown)), max(1.15, 1.3 * max(shown))


@dataclass(frozen=True)
class _Look:
    """How one kind of estimate is marked."""

    colour: str
    marker: str
    label: str


_REPORTED = _Look(NEUTRAL, "s", "reported")
_PREDICTED = _Look(TREATED, "o", "predicted, interval of the parameters")
_NULL = _Look(CONTROL, "D", "null: ratio of the published medians")


def _draw_forest_row(axes: Axes, level: float, row: ComparisonRow, look: _Look) -> None:
    interval = "" if row.lower is None else f" ({print_interval(row.lower, row.upper, 2)})"
    reported = f"{print_fixed(row.observed, 2)}{interval}"
    _draw_interval(axes, level + 0.2, row.lower, row.upper, look)
    _draw_estimate(axes, level + 0.2, row.observed, reported, look)
    if row.predicted is not None:
        _draw_interval(axes, level, row.predicted_lower, row.predicted_upper, _PREDICTED)
    _draw_estimate(axes, level, row.predicted, print_fixed(row.predicted, 2), _PREDICTED)


def _draw_interval(axes: Axes, level: float, lower: float | None, upper: float | None, look: _Look) -> None:
    if lower is not None and upper is not None:
        axes.plot([lower, upper], [level, level], color=look.colour, linewidth=1.4)


def _draw_estimate(axes: Axes, level: float, value: float | None, text: str, look: _Look) -> None:
    if value is not None:
        axes.plot(value, level, look.marker, color=look.colour, markersize=4.5, label=look.label, linestyle="none")
    axes.text(1.01, level, text, color=look.colour, va="center", fontsize=6.5, transform=axes.get_yaxis_transform())


def plot_stop_rules(trial: TrialResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of predictions under each stop rule side by side: medians on the left, hazard ratios on the right."""
    rules = trial.stop_rules
    outputs = list(dict.fromkeys(name for rule in rules for name in rule.predictions))
    groups = [[name for name in outputs if name.startswith(statistic)] for statistic in ("median", "hazard")]
    groups = [group for group in groups if group]
    with styled():
        figure = new_figure(0.25 * max(len(group) for group in groups) + 0.9)
        panels = make_panels(figure, 1, len(groups))
        for axes, group in zip(panels, groups, strict=True):
            _draw_rules(axes, group, rules)
            axes.set_yticks([-line for line in range(len(group))], [_write_output(name, labels) for name in group])
        add_legend(figure, panels[0])
    return figure


def _write_output(name: str, labels: Labels) -> str:
    study, *arm, endpoint = name.split(":")[1:]
    return " ".join([f"{print_endpoint(endpoint)}, {labels.study(study)}", *arm])


def _draw_rules(axes: Axes, outputs: Sequence[str], rules: Sequence[StopRuleRow]) -> None:
    colours, markers = (TREATED, CONTROL, THIRD, FOURTH), ("o", "s", "D", "^")
    for rule, colour, marker in zip(rules, colours, markers, strict=False):
        values = [rule.predictions.get(output) for output in outputs]
        known = [(value, -line) for line, value in enumerate(values) if value is not None]
        name = rule.rule.replace("_", " ")
        axes.plot(*zip(*known, strict=True), marker, color=colour, markersize=4.0, linestyle="none", alpha=0.8, label=name)
    for line in range(len(outputs)):
        axes.axhline(-line, color=FAINT, linewidth=0.4, zorder=0)
    axes.set_xlabel("Median [months]" if outputs[0].startswith("median") else "Hazard ratio [1]")
    axes.tick_params(axis="y", length=0.0)
