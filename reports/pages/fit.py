"""Pages about a fit: what was fitted, and what the data determined.

Start with `compose_fit`.
"""

from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.reports.content import Content
from kinimmune.reports.figures.recipes import DrawnFigures, show_figures
from kinimmune.reports.model.tables import list_changes, list_constants, list_estimates, list_experiments
from kinimmune.reports.pages import tables
from kinimmune.reports.pages.comparisons import list_correlations, list_targets
from kinimmune.reports.typesetting.blocks import Block, Bullets, Heading, Paragraph, Strong, TableBlock
from kinimmune.reports.typesetting.formats import list_words, print_fixed, print_words
from kinimmune.reports.typesetting.statistics import count_fitted, has_number, is_range, name_arms

OTHER_KINDS = ("shares", "counts", "cutoffs", "measurements")
"""Figures of published numbers that are neither medians nor ratios."""


def compose_fit(content: Content, figures: DrawnFigures) -> list[Block]:
    """Return the page of fitted numbers beside what was reported."""
    medians = content.fits_medians_alone
    ratios = () if content.hazard_ratios else ("forest",)  # else they stand with those that were not fitted
    caption = _describe_medians(content) if medians else _describe_residuals(content)
    return [
        Heading("The fit"),
        TableBlock(list_targets(content.fit, content.labels), caption, small=not medians),
        *_compose_experiments(content),
        Paragraph(_count_squares(content)),
        *_compose_correlations(content),
        *show_figures(figures, "medians", *OTHER_KINDS, *ratios, "residuals"),
    ]


def _describe_medians(content: Content) -> str:
    """Return the caption of a table of medians, which says nothing of endpoints that are not in it."""
    words = {"os": "", "ttp": "time to progression", "pfs": "progression-free survival"}
    others = [name for endpoint, name in words.items() if name and content.medians(endpoint)]
    parts = ["Fitted numbers, in months. Residual: "]
    parts.append("in standard errors of the logarithm" if content.medians("os") else "")
    parts.append(", " if content.medians("os") and others else "")
    parts.append(f"for medians of {list_words(others)} the signed root of the deviance" if others else "")
    parts.append(".")
    if content.medians("ttp"):
        such = "a median of time to progression" if content.medians("pfs") else "such a median"
        parts.append(f" Scan: reported | predicted; {such} can only fall on a scan, so the scan is what was fitted.")
    return "".join(parts)


def _compose_experiments(content: Content) -> list[Block]:
    """Return what the experiments are in which something was measured; none where nothing was."""
    table = list_experiments(content.experiments)
    return [TableBlock(table, "The experiments of the measurements.", small=True)] if table.rows else []


def _compose_correlations(content: Content) -> list[Block]:
    """Return the table of correlations that a fit took into account; none where it took none."""
    whitening = content.fit.whitening
    if whitening is None:
        return []
    caption = (
        "Numbers that share patients, fitted with their correlations: those of trials of the published size, drawn at a first "
        "optimum. The sum of squares is that of residuals made independent by them; the table above has them raw."
    )
    return [TableBlock(list_correlations(whitening.blocks, content.labels), caption, small=True)]


def _describe_residuals(content: Content) -> str:
    """Return the caption of a table with numbers of several kinds, in the order in which they may stand there."""
    rows, parts = content.fit.targets, ["Fitted numbers; shares lie between 0 and 1. Residual, raw: in standard errors"]
    if any(row.read_out is None and has_number(row) for row in rows):
        parts.append(
            ", of the logarithm for medians of overall survival, hazard ratios and cut-offs, of the complementary log-log for "
            "survival at a month; the signed root of the deviance for other medians, rates and counts"
        )
    parts.append(".")
    if any(map(is_range, rows)):
        parts.append(
            " Of a measurement of which only a range is known: the root of the deviance, without a sign; how sharp the ends of a "
            "range are stands in the tables."
        )
    if any(not has_number(row) for row in rows):
        parts.append(" Of a curve or patients: the number of intervals, and the sum of their deviances.")
    parts += [_describe_strata(row) for row in rows if row.strata is not None]
    if content.list_fitted(Statistic.MEDIAN, endpoint="ttp"):
        parts.append(" Scan: reported | predicted; a median of time to progression can only fall on a scan.")
    return "".join(parts)


def _describe_strata(row: ComparisonRow) -> str:
    """Return by what patients were divided who are held against virtual patients of the same covariates."""
    return f" {print_words(row.study)}, {name_arms(row)}, {row.endpoint}, by stratum: {row.strata}."


def _count_squares(content: Content) -> str:
    fit = content.fit
    squares = (
        f"Sum of squares of the data {print_fixed(fit.chi_square_data, 2)}, of the priors "
        f"{print_fixed(fit.chi_square_prior, 2)}; {print_fixed(fit.effective_parameters, 1)} effective parameters for "
    )
    left = f"leave {print_fixed(fit.degrees_of_freedom, 1)} degrees of freedom. No p-value is given: "
    if content.fits_medians_alone:
        return f"{squares}{len(fit.targets)} numbers {left}with so few left there is nothing to test."
    if any(map(is_range, fit.targets)):
        return f"{squares}{count_fitted(fit.targets)} {left}a range that is met adds next to nothing to the sum."
    if not content.trial.arms:
        return f"{squares}{count_fitted(fit.targets)} {left}with so few left there is nothing to test."
    return f"{squares}{count_fitted(fit.targets)} {left}numbers of one arm come from the same patients."


def compose_estimates(content: Content, figures: DrawnFigures) -> list[Block]:
    """Return the pages of estimates and of the optimiser's starts."""
    fit = content.fit
    caption = (
        "Estimated parameters: median and 95 % range of the prior, estimate with 95 % interval by the curvature, and the "
        "ratio of "
        "posterior to prior standard deviation (1: the data said nothing). Status and source are those of the prior."
    )
    blocks: list[Block] = [
        Heading("What the data determined"),
        TableBlock(list_estimates(fit.parameters, content.labels), caption, small=True),
        *_compose_changes(content),
        *show_figures(figures, "priors", "correlation"),
    ]
    if fit.starts:
        blocks += [
            *show_figures(figures, "start_ladder"),
            TableBlock(tables.list_starts(fit), "Starts of the optimiser.", small=True),
        ]
    return blocks


def _compose_changes(content: Content) -> list[Block]:
    """Return what was told of parameters at the call, and what the fit warned of."""
    fit = content.fit
    blocks: list[Block] = []
    if fit.changes:
        caption = (
            "Parameters that were held, freed, or given another prior or start at the call; this fit is not that of the tables."
        )
        blocks.append(TableBlock(list_changes(fit.changes, content.labels), caption, small=True))
    if fit.warnings:
        blocks += [Paragraph((Strong("Warnings of the fit."),)), Bullets(fit.warnings)]
    return blocks


def compose_constants(content: Content) -> list[Block]:
    """Return the page of parameters the fit did not move."""
    caption = (
        "Parameters the fit did not move. Prior sd: standard deviation, on the scale named, of the distribution about the value "
        "from which they are drawn for the second interval of predictions."
    )
    return [Heading("Constants"), TableBlock(list_constants(content.fit.constants), caption, small=True)]
