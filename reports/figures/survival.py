"""Figures of the virtual trial over time: survival, time to progression, incidences, hazard ratios, time on treatment.

Start with `plot_survival`.  Solid lines are followed, dashed ones lie past the longest follow-up.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import PercentFormatter

from kinimmune.fitting.estimation.outcome_rows import ContrastResult, ObservedRow
from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.estimation.trial_results import ArmResult, TrialResult
from kinimmune.models.arrays import Array
from kinimmune.reports.figures.legends import ROW, add_legend, head_panels
from kinimmune.reports.figures.observed import RiskLine, draw_observed, mark_reported, select_observed, write_at_risk
from kinimmune.reports.figures.style import (
    FAINT,
    FOURTH,
    NEUTRAL,
    THIRD,
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

_SHOWN_MONTHS = 24.0
_TICKED_MONTHS = 36.0
"""Length of an axis up to which every third month has a tick; of a longer one every year has."""
_RISK_LINE = 0.125
"""Height of a line of numbers at risk [inch]."""
_RATIOS_BESIDE = 3
"""Panels of hazard ratios in a row."""
LEAST_RATIO, LARGEST_RATIO = 0.25, 2.5
"""Ends of the axis of hazard ratios, beyond which they are cut off."""
_SHARES = {"os": "Alive", "ttp": "Without detected progression", "pfs": "Alive without progression"}


def plot_survival(trial: TrialResult, reported: Sequence[ComparisonRow] = (), labels: Labels = PLAIN) -> Figure:
    """Return a figure of overall survival, a panel per study, with the number at risk under the time axis.

    Parameters
    ----------
    trial
        a virtual trial; of several arms of a study the last is drawn as the control, where it has one; published curves and
        patients are drawn behind those of the virtual trial, with their numbers at risk
    reported
        reported and predicted medians [month], marked where the curves cross one half, and shares that survive to a month
    labels
        titles of studies
    """
    return _plot_by_study(trial, reported, "os", labels)


def plot_progression(trial: TrialResult, reported: Sequence[ComparisonRow] = (), labels: Labels = PLAIN) -> Figure:
    """Return a figure of the probability of no detected progression, a step at every scan; parameters as in `plot_survival`."""
    return _plot_by_study(trial, reported, "ttp", labels)


def plot_progression_free(trial: TrialResult, reported: Sequence[ComparisonRow] = (), labels: Labels = PLAIN) -> Figure:
    """Return a figure of progression-free survival, which falls by a step at every scan and by deaths between them.

    Parameters as in `plot_survival`; a trial from before there was PFS cannot be drawn.
    """
    return _plot_by_study(trial, reported, "pfs", labels)


def _plot_by_study(trial: TrialResult, reported: Sequence[ComparisonRow], endpoint: str, labels: Labels) -> Figure:
    studies = list(dict.fromkeys(arm.study for arm in trial.arms))
    observed = {study: select_observed(trial.observed, study, endpoint) for study in studies}
    with styled():
        most = max(sum(arm.study == study for arm in trial.arms) for study in studies)
        published = max(len(rows) + bool(rows) for rows in observed.values())
        figure = new_figure(2.5 + _RISK_LINE * (max(most - 2, 0) + published), gap=0.06)
        axes = make_panels(figure, 1, len(studies), share_y=True)
        for panel, study in zip(axes, studies, strict=True):
            own = [arm for arm in trial.arms if arm.study == study]
            colours = dict(zip([arm.arm for arm in own], colour_arms(len(own)), strict=True))
            _draw_curves(panel, own, endpoint, _last_month(own, endpoint, observed[study]))
            draw_observed(panel, observed[study], colours)
            mark_reported(panel, [row for row in reported if row.study == study], colours)
            known = [RiskLine(colours.get(row.arm, NEUTRAL), row.risk_months, row.at_risk) for row in observed[study]]
            write_at_risk(panel, {"Expected at risk": _list_expected(own, endpoint), "Published at risk": known})
        head_panels(figure, axes, [labels.study(study) for study in studies], len(studies))
        axes[0].set_ylabel(_SHARES[endpoint])
        axes[0].yaxis.set_major_formatter(PercentFormatter(1.0))
    return figure


def _draw_curves(axes: Axes, arms: Sequence[ArmResult], endpoint: str, last: float) -> None:
    for arm, colour in zip(arms, colour_arms(len(arms)), strict=True):
        months, values, longest = _curve(arm, endpoint)
        style = "steps-post" if endpoint == "ttp" else "default"
        followed = months <= longest
        axes.plot(months[followed], values[followed], color=colour, drawstyle=style, label=_label(arm))
        beyond = months >= months[followed][-1]
        axes.plot(months[beyond], values[beyond], color=colour, drawstyle=style, linestyle=(0, (2, 1.5)), linewidth=1.0)
    if endpoint != "os":
        scans = [month for month in arms[0].scan_months if month <= last]
        axes.plot(scans, np.zeros(len(scans)), "|", color=NEUTRAL, markersize=4, clip_on=False, label="scan")
    axes.axhline(0.5, color=FAINT, linewidth=0.6, zorder=0)
    axes.set_xlim(0.0, last)
    axes.set_ylim(0.0, 1.0)
    axes.set_xticks(np.arange(0.0, last + 0.1, 3.0 if last <= _TICKED_MONTHS else 12.0))
    axes.set_xlabel("Months since randomisation")


def _curve(arm: ArmResult, endpoint: str) -> tuple[Array, Array, float]:
    if endpoint == "os":
        return np.array(arm.months), np.array(arm.survival), arm.follow_up_os[1]
    if endpoint == "pfs" and arm.follow_up_pfs is not None:
        return np.array(arm.pfs_months), np.array(arm.pfs_survival), arm.follow_up_pfs[1]
    return np.array((0.0, *arm.scan_months)), np.array((1.0, *arm.ttp_survival)), arm.follow_up_ttp[1]


def _last_month(arms: Sequence[ArmResult], endpoint: str, observed: Sequence[ObservedRow]) -> float:
    """Return where the axis ends: at a month that is the same for all trials, or where a published curve does."""
    ends = [_curve(arm, endpoint)[0][-1] for arm in arms]
    shown = _SHOWN_MONTHS if endpoint == "os" else 18.0
    return float(max([min(shown, *ends), *(row.months[-1] for row in observed)]))


def _label(arm: ArmResult) -> str:
    return f"{arm.arm} (n = {arm.n})"


def _list_expected(arms: Sequence[ArmResult], endpoint: str) -> list[RiskLine]:
    counts = {"os": "at_risk_os", "ttp": "at_risk_ttp", "pfs": "at_risk_pfs"}[endpoint]
    named = zip(arms, colour_arms(len(arms)), strict=True)
    return [RiskLine(colour, arm.risk_months, getattr(arm, counts)) for arm, colour in named]


def plot_incidence(trial: TrialResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of cumulative incidences after each scan, a panel per arm: progression detected, and death without it."""
    arms = trial.arms
    with styled():
        columns = min(len(arms), 4)
        rows = -(-len(arms) // columns)
        figure = new_figure(1.6 * rows + 0.3)
        panels = make_panels(figure, rows, columns, share_x=True, share_y=True)
        for axes, arm in zip(panels, arms, strict=False):
            months = np.array((0.0, *arm.scan_months))
            progressed = np.array((0.0, *arm.progression_incidence))
            died = np.array((0.0, *arm.death_incidence))
            shown = months <= 18.0
            either = (progressed + died)[shown]
            nothing = np.zeros_like(either)
            _fill(axes, months[shown], nothing, progressed[shown], TREATED, "progression detected")
            _fill(axes, months[shown], progressed[shown], either, NEUTRAL, "died without it")
            name_panel(axes, f"{labels.study(arm.study)}, {arm.arm}", columns, 7.5)
            axes.set_xlim(0.0, months[shown][-1])
            axes.set_xticks(np.arange(0.0, months[shown][-1] + 0.1, 6.0))
            axes.set_ylim(0.0, 1.0)
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        hide_rest(panels, len(arms), columns)
        add_legend(figure, panels[0])
        _label_outside(panels, "Months since randomisation", "Share of patients")
    return figure


def _fill(axes: Axes, months: Array, lower: Array, upper: Array, colour: str, label: str) -> None:
    axes.fill_between(months, lower, upper, step="post", color=colour, alpha=0.75, linewidth=0.0, label=label)


def _label_outside(panels: Sequence[Axes], x: str, y: str) -> None:
    figure = panels[0].figure
    if isinstance(figure, SubFigure):
        raise TypeError("panels of a sub-figure have no labels of their own")
    figure.supxlabel(x, fontsize=7.5)
    figure.supylabel(y, fontsize=7.5)


def plot_hazard_ratios(trial: TrialResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of the ratio of the arms' hazards over time, with the ratio over the whole follow-up."""
    contrasts = trial.contrasts
    compared = list(dict.fromkeys((row.study, row.arm) for row in contrasts))
    with styled():
        columns = min(len(compared), _RATIOS_BESIDE)
        rows = -(-len(compared) // columns)
        figure = new_figure(2.05 * rows + ROW)
        panels = make_panels(figure, rows, columns, share_y=True)
        for axes, pair in zip(panels, compared, strict=False):
            for row in (row for row in contrasts if (row.study, row.arm) == pair):
                colour = {"os": TREATED, "ttp": THIRD}.get(row.endpoint, FOURTH)
                axes.plot(row.months, row.hazard_ratio_course, color=colour, label=print_endpoint(row.endpoint))
                if row.hazard_ratio is not None:
                    axes.axhline(row.hazard_ratio, color=colour, linewidth=0.8, linestyle=(0, (1, 2)))
            axes.axhline(1.0, color=FAINT, linewidth=0.6, zorder=0)
            name_panel(axes, labels.comparison(*pair), columns)
            axes.set_xlabel("Months since randomisation")
            last = max([0.0, *(row.months[-1] for row in contrasts if row.months)])
            axes.set_xticks(np.arange(0.0, last + 0.1, 3.0 if last <= _SHOWN_MONTHS + 3.0 else 6.0))
        _scale_ratios(panels, contrasts)
        hide_rest(panels, len(compared), columns)
        for axes in panels[::columns]:
            axes.set_ylabel("Hazard ratio [1]")
        add_legend(figure, *panels[: len(compared)])
    return figure


def _scale_ratios(panels: Sequence[Axes], contrasts: Sequence[ContrastResult]) -> None:
    """Give all panels one logarithmic axis that shows every ratio between 0.25 and 2.5; what lies beyond is cut off."""
    values = [value for row in contrasts for value in (*row.hazard_ratio_course, row.hazard_ratio) if value is not None]
    low = max(min([*values, 0.8]) * 0.95, LEAST_RATIO)
    high = min(max([*values, 1.0]) * 1.08, LARGEST_RATIO)
    for axes in panels:
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        ticks = [tick for tick in (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0) if low <= tick <= high]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()


def plot_treatment(trial: TrialResult, labels: Labels = PLAIN) -> Figure:
    """Return a figure of who is alive and still on treatment beside who is alive, a panel per study."""
    arms = trial.arms
    studies = list(dict.fromkeys(arm.study for arm in arms))
    with styled():
        figure = new_figure(2.05)
        panels = make_panels(figure, 1, len(studies), share_y=True)
        for axes, study in zip(panels, studies, strict=True):
            own = [arm for arm in arms if arm.study == study]
            for arm, colour in zip(own, colour_arms(len(own)), strict=True):
                axes.plot(arm.months, arm.survival, color=colour, linewidth=0.8, alpha=0.6)
                axes.plot(arm.months, arm.on_treatment, color=colour, label=f"{arm.arm}, on treatment")
            axes.axhline(0.5, color=FAINT, linewidth=0.6, zorder=0)
            axes.set_xlim(0.0, min(_SHOWN_MONTHS, max(own[0].months)))
            axes.set_ylim(0.0, 1.0)
            axes.set_xticks(np.arange(0.0, axes.get_xlim()[1] + 0.1, 3.0))
            axes.set_xlabel("Months since randomisation")
        head_panels(figure, panels, [labels.study(study) for study in studies], len(studies))
        panels[0].set_ylabel("Share of patients")
        panels[0].yaxis.set_major_formatter(PercentFormatter(1.0))
    return figure
