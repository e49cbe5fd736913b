"""What to see in the figures of analyses: identifiability, profiles, sensitivity studies, the sampled posterior, claims.

Start with `list_study_figures`; every function here returns no figure for what a run or model does not have.
"""

from collections.abc import Sequence
from functools import partial

from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.fitting.identifiability.results import IdentifiabilityResult
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.fitting.sampling.results import SampleResult
from kinimmune.fitting.sensitivity.results import SensitivityResult
from kinimmune.reports.content import Content
from kinimmune.reports.figures import data, identifiability, profile, sample, sample_curves, sensitivity, sensitivity_courses
from kinimmune.reports.figures.captions.trial import describe_observed
from kinimmune.reports.figures.claims import plot_claims
from kinimmune.reports.figures.recipes import FigureRecipe
from kinimmune.reports.typesetting.labels import PLAIN, Labels


def list_identifiability_figures(result: IdentifiabilityResult | None, labels: Labels = PLAIN) -> list[FigureRecipe]:
    """Return the figures of what the published numbers hold."""
    if result is None:
        return []
    recipes = [
        FigureRecipe(
            "spectrum",
            "Left: eigenvalues at the fit (dots) and at draws from the posterior (dashes); above the dashed line the data say "
            "more than the priors. Right: which parameters each direction consists of.",
            partial(identifiability.plot_spectrum, result, labels),
            partial(identifiability.list_spectrum, result),
        ),
        FigureRecipe(
            "sensitivity",
            "Change of each estimate [prior sd] when a published number rises by one standard error, to first order.",
            partial(identifiability.plot_sensitivity, result, labels),
            partial(identifiability.list_sensitivity, result),
        ),
    ]
    if result.shares is not None:
        caption = (
            "Share of the survival benefit that is lost without the mechanism, under each rule for stopping treatment. Where the "
            "posterior is as wide as the prior, the published numbers say nothing of it."
        )
        plot = partial(identifiability.plot_shares, result.shares, labels)
        recipes.append(FigureRecipe("mechanism_share", caption, plot, partial(identifiability.list_shares, result.shares)))
    return recipes


def list_profile_figures(content: Content) -> list[FigureRecipe]:
    """Return the figures of a run's profiles."""
    result, labels = content.profiles, content.labels
    if result is None:
        return []
    rows = partial(profile.list_profiles, result.parameters)
    recipes = [
        FigureRecipe(
            "profiles",
            "Deviance along each parameter, all others fitted again. Dotted: what the curvature at the optimum would make of it. "
            "Dashed: 3.84 and 2.71, nominal 95 and 90 %. A line that stays below them to the edge leaves the parameter open.",
            partial(profile.plot_profiles, result, labels),
            rows,
        ),
        FigureRecipe(
            "profile_paths",
            "How the three others that move most follow, with the data alone; thin where the deviance is above 3.84. A straight "
            "line across the panel: the data know a combination, not the parameter.",
            partial(profile.plot_paths, result, labels),
            rows,
        ),
    ]
    if result.predictions:
        told = "" if any(content.is_fitted(item.name) for item in result.predictions) else " None of these was fitted."
        caption = f"Deviance along each prediction, data and priors; thin line: the estimate.{told}"
        plot = partial(profile.plot_prediction_profiles, result, labels)
        listed = partial(profile.list_prediction_profiles, result.predictions)
        recipes.append(FigureRecipe("profile_predictions", caption, plot, listed))
    return recipes


_INDICES = {
    "local": (
        "Each parameter alone, the others at their values: the output one prior standard deviation below (orange) and above "
        "(blue), or at the ends of a range."
    ),
    "morris": (
        "Screening: mean size of the elementary effects (change of the output over all the parameter spans) against their "
        "standard deviation. Near the axis below: the effect is the same everywhere. Above the line: it depends on the other "
        "parameters."
    ),
    "sobol": (
        "Shares of the variance of the output: of each alone (blue), and with all its interactions (orange). Bars: 95 % "
        "intervals by bootstrap."
    ),
    "prcc": "Partial rank correlations with 95 % intervals: whether the output rises or falls with each, the others held.",
}
"""Method -> what to see in the figure of its indices."""
_PAIRS = "Interactions: the share of the variance that a pair explains beyond what each explains alone."
_COURSE = "The same correlations in time, for the largest. Grey band: not distinguishable from none at p = 0.05."
_SETTLING = "From the first quarter and half of the rows, and from all: indices that matter should stay inside their intervals."


def list_study_figures(result: SensitivityResult, labels: Labels = PLAIN) -> list[FigureRecipe]:
    """Return the figures of one sensitivity study, in order."""
    caption = f"{sensitivity.describe_output(result, labels)}. {_INDICES[result.method]}"
    plot, listed = partial(sensitivity.plot_indices, result, labels), partial(sensitivity.list_indices, result)
    recipes = [FigureRecipe(result.label, caption, plot, listed)]
    if result.S2 is not None:
        plot, listed = partial(sensitivity.plot_interactions, result, labels), partial(sensitivity.list_interactions, result)
        recipes.append(FigureRecipe(f"{result.label}-pairs", _PAIRS, plot, listed))
    if result.course:
        plot = partial(sensitivity_courses.plot_rank_courses, result, labels)
        listed = partial(sensitivity_courses.list_rank_courses, result)
        recipes.append(FigureRecipe(f"{result.label}-course", _COURSE, plot, listed))
    if len(result.convergence) > 1:
        plot = partial(sensitivity_courses.plot_convergence, result, labels)
        listed = partial(sensitivity_courses.list_convergence, result)
        recipes.append(FigureRecipe(f"{result.label}-convergence", _SETTLING, plot, listed))
    return recipes


def list_sample_figures(content: Content) -> list[FigureRecipe]:
    """Return the figures of a run's sampled posterior."""
    result, labels = content.ordered_sample, content.labels
    if result is None or content.sample is None:
        return []
    _, draws = content.sample
    priors = {item.key: item.prior for item in content.model.parameters}
    survivals = [row for row in (*content.fit.targets, *content.fit.unfitted) if row.statistic == Statistic.SURVIVAL]
    reported = [*content.list_fitted(Statistic.MEDIAN), *survivals]
    recipes = [
        FigureRecipe(
            "sample_marginals",
            "Posterior of each parameter (filled), its prior (grey) and the normal approximation by the curvature at the fit "
            "(orange), in prior standard deviations from the prior median. Where it and the grey line agree, the data said "
            "nothing; where it and the orange line differ, intervals by the curvature mislead.",
            partial(sample.plot_marginals, content.fit, draws, priors, labels),
            partial(sample.list_scores, draws, priors),
        ),
        FigureRecipe(
            "sample_ensembles",
            "Left: log probability of each ensemble, median of its walkers and the range of all; grey: left out. Right: ranks "
            "of the parameter with the largest R-hat among all draws, counted by ensemble; even where ensembles agree.",
            partial(sample.plot_ensembles, result, draws, labels),
            partial(sample.list_traces, result),
        ),
        FigureRecipe(
            "sample_corner",
            "Draws of the most correlated parameters, in prior standard deviations, and their correlation. A narrow band at a "
            "slant: only a combination of the two is known.",
            partial(sample.plot_corner, result, draws, priors, labels),
            partial(sample.list_scores, draws, priors),
        ),
        FigureRecipe(
            "sample_bands",
            "Survival curves over the posterior, pointwise: median, 50 % (dark) and 90 % (light) bands. "
            f"{_describe_marks(content)}Bands tell how uncertain the population's curve is, not how one trial scatters.",
            partial(sample_curves.plot_bands, result, reported, content.trial.observed, labels),
            partial(sample_curves.list_bands, content.sample[0].bands),
        ),
    ]
    return recipes + _describe_ratios(content, result)


def _describe_marks(content: Content) -> str:
    """Say what is marked over the bands, a blank after each sentence."""
    circles = "Open circle and bar: reported median with its 95 % interval (fitted)."
    others = [text for endpoint in ("os", "ttp", "pfs") for text in describe_observed(content, endpoint)]
    medians = [circles] if content.list_fitted(Statistic.MEDIAN) else []
    return "".join(f"{text} " for text in dict.fromkeys([*medians, *others]))


def _describe_ratios(content: Content, result: SampleResult) -> list[FigureRecipe]:
    """Return the figure of sampled hazard ratios; none where no study has a control."""
    if not result.ratios:
        return []
    fitted = content.list_fitted(Statistic.HAZARD_RATIO)
    return [
        FigureRecipe(
            "sample_ratios",
            "Hazard ratios over the posterior: of the population (filled), and of one trial of the reported size (line). Below: "
            f"the reported ratio with its 95 % interval{'' if fitted else ', not fitted'}.",
            partial(sample_curves.plot_ratios, result, (*fitted, *content.hazard_ratios), content.labels),
            partial(sample_curves.list_ratios, result.ratios),
        ),
    ]


def list_claim_figures(claims: Sequence[ClaimRecord], labels: Labels = PLAIN) -> list[FigureRecipe]:
    """Return the figure of tested claims."""
    if not claims:
        return []
    return [
        FigureRecipe(
            "claims",
            "Claims and the mechanisms they rest on. Left: share of prior draws that satisfy each, with Wilson intervals; "
            "dashed: 0.8. Right, at the values of the tables: blue where the claim breaks once the mechanism is removed, grey "
            "where it survives; framed where the claim names the mechanism, with the share of draws that still satisfy it.",
            partial(plot_claims, claims, labels),
            partial(data.list_claims, claims),
        )
    ]
