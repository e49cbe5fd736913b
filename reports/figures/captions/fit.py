"""What to see in the figures of a fit.

Start with `list_comparisons` and `list_estimation`.
"""

from functools import partial

from kinimmune.models.symbolic.parameters import Status
from kinimmune.reports.content import Content
from kinimmune.reports.figures import data
from kinimmune.reports.figures.estimates import plot_correlation, plot_priors, plot_start_ladder
from kinimmune.reports.figures.fit import plot_forest, plot_medians, plot_stop_rules
from kinimmune.reports.figures.recipes import FigureRecipe
from kinimmune.reports.typesetting.formats import list_words


def list_comparisons(content: Content) -> list[FigureRecipe]:
    """Return the figures of predictions beside what was reported."""
    fit, labels = content.fit, content.labels
    recipes = [
        FigureRecipe(
            "medians",
            "The fitted medians. Grey bars: reported 95 % interval. These numbers are in the objective, so dots near squares "
            "show that the model is flexible enough, not that it is right.",
            partial(plot_medians, fit, labels),
            partial(data.list_rows, fit.targets),
        ),
        FigureRecipe(
            "forest",
            "Hazard ratios, none of them fitted. A prediction is worth something only where it lies nearer to the reported "
            "ratio than the null does, which needs no model.",
            partial(plot_forest, fit, labels),
            partial(data.list_rows, content.hazard_ratios),
        ),
    ]
    return recipes if content.hazard_ratios else recipes[:1]


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
    absent |= {"start_ladder"} if not fit.starts else set()
    absent |= {"stop_rules"} if not trial.stop_rules else set()
    return [recipe for recipe in recipes if recipe.name not in absent]
