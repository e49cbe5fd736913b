"""Pages about predictions that were not fitted: ratios beside their null, medians and other numbers, an arm left out.

Start with `compose_predictions`.
"""

from collections.abc import Sequence

from kinimmune.fitting.estimation.results import ComparisonRow, FitResult
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.models.tables.limitations import Outcome
from kinimmune.reports.content import Content
from kinimmune.reports.figures.recipes import DrawnFigures, show_figures
from kinimmune.reports.pages import tables
from kinimmune.reports.pages.comparisons import list_predicted, list_ratios
from kinimmune.reports.typesetting.blocks import Block, Cell, Heading, Paragraph, Strong, TableBlock
from kinimmune.reports.typesetting.formats import print_fixed
from kinimmune.reports.typesetting.statistics import are_medians


def compose_predictions(content: Content, figures: DrawnFigures) -> list[Block]:
    """Return the pages of predictions that were not fitted; none where there are none."""
    blocks: list[Block] = [
        *_compose_ratios(content, figures),
        *_compose_unfitted(content),
        *_compose_transport(content),
        *_compose_observations(content),
    ]
    return [Heading("Predictions that were not fitted"), *blocks] if blocks else []


def _compose_ratios(content: Content, figures: DrawnFigures) -> list[Block]:
    ratios = content.hazard_ratios
    if not ratios:
        return []
    return [
        TableBlock(list_ratios(ratios, content.labels), _describe_ratios(content), small=True),
        *_describe_scores(content),
        *show_figures(figures, "forest"),
    ]


def _describe_ratios(content: Content) -> str:
    """Return the caption of the table of ratios, which says nothing of columns that are not in it."""
    ratios = content.hazard_ratios
    which = " that were not" if content.list_fitted(Statistic.HAZARD_RATIO) else ", none"
    null = any(row.null_prediction is not None for row in ratios)
    inside = "Inside: whether the prediction lies in the reported interval"
    parts = [
        f"Hazard ratios{which} fitted.",
        *(["Null: ratio of the published medians, which needs no model."] if null else []),
        "Intervals of the prediction: for the parameters; for parameters and constants; for one trial of that size.",
    ]
    if any(row.inside is not None for row in ratios):
        parts.append(f"{inside}; the null usually does too, so that alone is no evidence." if null else f"{inside}.")
    return " ".join(parts)


def _compose_unfitted(content: Content) -> list[Block]:
    """Return the tables of medians and of other numbers that were not fitted."""
    blocks: list[Block] = []
    if content.unfitted_medians:
        caption = (
            f"Medians that were not fitted [months].{_describe_null(content.unfitted_medians)} Residual of medians of overall "
            "survival: in standard errors of the logarithm; of others: the signed root of the deviance."
        )
        blocks.append(TableBlock(list_predicted(content.unfitted_medians, content.labels), caption, small=True))
    if content.unfitted_others:
        caption = (
            "What was published of other kinds and not fitted; shares lie between 0 and 1. Of a curve or patients: the number of "
            "intervals, and the sum of their deviances."
        )
        blocks.append(TableBlock(list_predicted(content.unfitted_others, content.labels), caption, small=True))
    return blocks


def _compose_transport(content: Content) -> list[Block]:
    rows = content.fit.transport
    if not rows:
        return []
    caption = (
        "An arm left out: the fit sees what is fitted of all other arms and predicts this one"
        f"{' [months]' if are_medians(rows) else ''}.{_describe_null(rows)}"
    )
    return [TableBlock(list_predicted(rows, content.labels), caption, small=True)]


def _describe_null(rows: Sequence[ComparisonRow]) -> str:
    """Say what the null of medians is, where any has one."""
    known = any(row.null_prediction is not None for row in rows)
    return " Null: the control median times the ratio of the other study." if known else ""


def _compose_observations(content: Content) -> list[Block]:
    if not content.observations:
        return []
    table = tables.list_observations(content.unfitted_observations, content.fit, content.trial, content.labels)
    limits = "".join(f" {title}; see the limitations." for title in content.list_limits(Outcome.RESPONSE))
    caption = f"Other published numbers, never fitted, beside the virtual trial.{limits}"
    return [TableBlock(table, caption)] if table.rows else []


def _describe_scores(content: Content) -> list[Block]:
    fit = content.fit
    if fit.q_model is None or fit.q_null is None:
        return []
    verdict = "no better than" if fit.q_model >= fit.q_null else "nearer to the reports than"
    text: Cell = (
        f"Score Q, the sum of squared errors of ln hazard ratio in reported standard errors: {print_fixed(fit.q_model, 2)} "
        "for the "
        f"model, {print_fixed(fit.q_null, 2)} for the null. On these ratios the model is ",
        Strong(f"{verdict} its null"),
        f". {_describe_reference(fit, len(content.hazard_ratios))}",
    )
    return [Paragraph(text)]


def _describe_reference(fit: FitResult, ratios: int) -> str:
    """Say what Q a true model would have: what lies far below is a warning, not a merit."""
    found = fit.q_reference
    if found is None:
        return f"Sampling error of the trials alone would give about {ratios}."
    return (
        f"Were the model exactly true and its fitted medians matched, sampling error would give {print_fixed(found.mean, 2)} on "
        f"average ({print_fixed(found.lower, 2)} to {print_fixed(found.upper, 2)} in 95 % of {found.trials} drawn trials) and no "
        f"more than the model has with probability {print_fixed(found.probability_below, 3)}; a score far below that average is "
        "no merit."
    )
