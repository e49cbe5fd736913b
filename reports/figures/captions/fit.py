"""What to see in the figures of a fit.

Start with `list_comparisons` and `list_estimation`.
"""

from collections.abc import Sequence
from functools import partial

from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.problem.targets import COUNTS, SHARES, Statistic
from kinimmune.models.symbolic.parameters import Status
from kinimmune.reports.content import Content
from kinimmune.reports.figures import data
from kinimmune.reports.figures.comparisons import (
    list_residuals,
    plot_counts,
    plot_cutoffs,
    plot_medians,
    plot_residuals,
    plot_shares,
)
from kinimmune.reports.figures.estimates import plot_correlation, plot_priors, plot_start_ladder
from kinimmune.reports.figures.fit import plot_forest, plot_stop_rules
from kinimmune.reports.figures.measurements import plot_measurements
from kinimmune.reports.figures.recipes import FigureRecipe
from kinimmune.reports.typesetting.formats import list_words
from kinimmune.reports.typesetting.statistics import has_number, is_range


def list_comparisons(content: Content) -> list[FigureRecipe]:
    """Return the figures of predictions beside what was reported, as far as there are any."""
    return [
        *_list_medians(content),
        *_list_shares(content),
        *_list_counts(content),
        *_list_cutoffs(content),
        *_list_measurements(content),
        *_list_residuals(content),
        *_list_ratios(content),
    ]


_FLEXIBLE = (
    "These numbers are in the objective, so dots near squares show that the model is flexible enough, not that it is right."
)


def _list_medians(content: Content) -> list[FigureRecipe]:
    rows = content.list_fitted(Statistic.MEDIAN)
    if not rows:
        return []
    caption = f"The fitted medians. {_describe_bars(rows)}{_FLEXIBLE}"
    plot = partial(plot_medians, content.fit, content.labels)
    return [FigureRecipe("medians", caption, plot, partial(data.list_rows, rows))]


def _describe_bars(rows: Sequence[ComparisonRow]) -> str:
    """Say what bars are, where there are any."""
    return "Grey bars: reported 95 % interval. " if any(row.lower is not None for row in rows) else ""


def _list_shares(content: Content) -> list[FigureRecipe]:
    rows = _select(content, SHARES)
    if not rows:
        return []
    caption = f"Shares of patients: at a month, with a response, with disease control. {_describe_bars(rows)}{_ROLES}"
    plot = partial(plot_shares, rows, content.labels)
    return [FigureRecipe("shares", caption, plot, partial(data.list_rows, rows))]


def _list_counts(content: Content) -> list[FigureRecipe]:
    rows = _select(content, COUNTS)
    if not rows:
        return []
    caption = f"Deaths and events by the cut-off, reported and expected, with the patients they are among. {_ROLES}"
    plot = partial(plot_counts, rows, [content.count_patients(row) for row in rows], content.labels)
    return [FigureRecipe("counts", caption, plot, partial(data.list_rows, rows))]


def _list_cutoffs(content: Content) -> list[FigureRecipe]:
    rows = _select(content, frozenset({Statistic.CUTOFF}))
    if not rows:
        return []
    caption = f"When analyses were cut off that waited for a number of events, and when the virtual trial has as many. {_ROLES}"
    plot = partial(plot_cutoffs, rows, content.labels)
    return [FigureRecipe("cutoffs", caption, plot, partial(data.list_rows, rows))]


def _list_measurements(content: Content) -> list[FigureRecipe]:
    rows = tuple(row for row in (*content.fit.targets, *content.fit.unfitted) if row.read_out is not None)
    if not rows:
        return []
    caption = (
        "Measurements in experiments, a panel for each unit. Grey bars: 95 % interval of a value, or the range in which it lay, "
        f"open where it has no end. {_ROLES}"
    )
    plot = partial(plot_measurements, rows, content.labels)
    return [FigureRecipe("measurements", caption, plot, partial(data.list_rows, rows))]


_ROLES = "Fitted unless a line says otherwise."


def _select(content: Content, statistics: frozenset[Statistic]) -> tuple[ComparisonRow, ...]:
    """Return the rows of some statistics, the fitted ones first."""
    return tuple(row for row in (*content.fit.targets, *content.fit.unfitted) if row.statistic in statistics)


def _list_residuals(content: Content) -> list[FigureRecipe]:
    """Return the figure of all residuals; none for a fit to medians alone, whose figure shows as much."""
    if content.fits_medians_alone:
        return []
    rows = (*content.fit.targets, *content.fit.unfitted)
    caption = (
        f"Residuals of everything that was published, raw{': numbers of one arm share patients' if content.studies else ''}."
    )
    if content.fit.unfitted:
        caption += " Open circles and grey bars: not fitted."
    if not all(map(has_number, rows)):
        caption += " Bars: the root mean square over the intervals of a curve or of patients, which has no sign."
    if any(map(is_range, rows)):
        caption += " Of a range: the root of its deviance, which has no sign."
    plot = partial(plot_residuals, content.fit, content.labels)
    return [FigureRecipe("residuals", caption, plot, partial(list_residuals, rows))]


def _list_ratios(content: Content) -> list[FigureRecipe]:
    fitted = content.list_fitted(Statistic.HAZARD_RATIO)
    if not (fitted or content.hazard_ratios):
        return []
    told = "those that were fitted first" if fitted else "none of them fitted"
    caption = (
        f"Hazard ratios, {told}.{_NEARER if any(row.null_prediction is not None for row in content.hazard_ratios) else ''}"
        if content.hazard_ratios
        else f"The fitted hazard ratios. {_FLEXIBLE}"
    )
    plot = partial(plot_forest, content.fit, content.labels)
    return [FigureRecipe("forest", caption, plot, partial(data.list_rows, (*fitted, *content.hazard_ratios)))]


_NEARER = (
    " A prediction is worth something only where it lies nearer to the reported ratio than the null does, which needs no model."
)


def list_estimation(content: Content) -> list[FigureRecipe]:
    """Return the figures of estimates, of the optimiser's starts and of rules for stopping treatment, as far as there are any."""
    fit, trial, labels = content.fit, content.trial, content.labels
    assumed = [labels.study(study) for study, source in content.stop_rule_sources.items() if source.status is Status.ASSUMED]
    note = f" The rule of {list_words(assumed)} is an assumption." if assumed else ""
    recipes = [
        FigureRecipe(
            "priors",
            "What the published numbers taught. Where the blue bar is as wide as the grey one (sd ratio near 1) the data said "
            "nothing and the prior speaks.",
            partial(plot_priors, fit, labels),
            partial(data.list_rows, fit.parameters),
        ),
        FigureRecipe(
            "correlation",
            "Correlations of the estimates by the curvature at the optimum. Values near −1 or 1: only a combination is known.",
            partial(plot_correlation, fit, labels),
            partial(data.list_correlation, fit.parameters, fit.correlation),
        ),
        FigureRecipe(
            "start_ladder",
            "Start ladder: the sum of squares (data and priors) that each start of the optimiser reached. A flat left end means "
            "that several starts found the same optimum.",
            partial(plot_start_ladder, fit),
            partial(data.list_rows, fit.starts),
        ),
        FigureRecipe(
            "stop_rules",
            "The same drug effect under different rules for stopping treatment: how far apart the marks of a row lie is what "
            f"the rule decides.{note}",
            partial(plot_stop_rules, trial, labels),
            partial(data.list_stop_rules, trial.stop_rules),
        ),
    ]
    absent = {"correlation"} if len(fit.correlation) < 2 else set()
    absent |= {"start_ladder"} if len(fit.starts) < 2 else set()
    absent |= {"stop_rules"} if not trial.stop_rules else set()
    return [recipe for recipe in recipes if recipe.name not in absent]
