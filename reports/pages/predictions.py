"""Pages about what a fit predicts and was not fitted to: each number beside its null, its intervals, and where the report falls.

Start with `compose_predictions`.
"""

from collections.abc import Sequence

from kinimmune.fitting.estimation.results import ComparisonRow, FitResult
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.models.tables.limitations import Outcome
from kinimmune.reports.content import Content
from kinimmune.reports.figures.recipes import DrawnFigures, show_figures
from kinimmune.reports.pages import tables
from kinimmune.reports.pages.comparisons import list_intervals, list_predicted, list_ratios, name_place
from kinimmune.reports.typesetting.blocks import Block, Cell, Heading, Paragraph, Strong, TableBlock
from kinimmune.reports.typesetting.formats import list_words, print_fixed
from kinimmune.reports.typesetting.statistics import are_medians, name_row

_INTERVALS = (
    "Intervals of the prediction: for the parameters; for parameters and constants; for one trial of that size. Report at: "
    "probability that such a trial reports less than was reported; from .025 to .975 it lies in the interval for one."
)


def compose_predictions(content: Content, figures: DrawnFigures) -> list[Block]:
    """Return the pages of predictions that were not fitted; none where there are none."""
    blocks: list[Block] = [
        *_compose_ratios(content, figures),
        *_compose_companion(content),
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
        *_explain_missing(ratios, content),
        *(_describe_scores(content.fit, len(ratios)) if content.fit.companion is None else ()),
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
        *(
            [f"Null: ratio of the {'fitted' if content.fits_medians_alone else 'published'} medians, which needs no model."]
            if null
            else []
        ),
        _INTERVALS,
    ]
    if any(row.inside is not None for row in ratios):
        parts.append(f"{inside}; the null usually does too, so that alone is no evidence." if null else f"{inside}.")
    return " ".join(parts)


def _compose_companion(content: Content) -> list[Block]:
    """Return the hazard ratios that a refit to medians alone predicts, with their score; else why fitted ones have none."""
    companion = content.fit.companion
    if companion is None or not companion.ratios:
        fitted = content.list_fitted(Statistic.HAZARD_RATIO)
        return _describe_scores(content.fit, 0) if fitted and not content.hazard_ratios else []
    caption = (
        f"Hazard ratios as the same model predicts them, fitted once more, from its optimum, to its {len(companion.medians)} "
        f"medians alone: what else was fitted may tell the ratios. Null: ratio of the published medians. {_INTERVALS}"
    )
    return [
        TableBlock(list_ratios(companion.ratios, content.labels), caption, small=True),
        *_explain_missing(companion.ratios, content),
        *_describe_scores(content.fit, len(companion.ratios)),
    ]


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
    return [*blocks, *_compose_intervals((*content.unfitted_medians, *content.unfitted_others), content)]


def _compose_intervals(rows: Sequence[ComparisonRow], content: Content) -> list[Block]:
    """Return the table of intervals of numbers that were not fitted, and why any is missing."""
    table = list_intervals(rows, content.labels)
    shown = [TableBlock(table, f"The same predictions. {_INTERVALS}", small=True)] if table.rows else []
    return [*shown, *_explain_missing(rows, content)]


def _explain_missing(rows: Sequence[ComparisonRow], content: Content) -> list[Block]:
    """Say why intervals or places are missing, each reason once."""
    found = []
    for reason in dict.fromkeys(row.interval_reason for row in rows if row.interval_reason):
        own = [row for row in rows if row.interval_reason == reason]
        names = [f"{name_row(row, content.labels.quantity)} of {name_place(row, content.labels)}" for row in own]
        found.append(f"Not all intervals of {list_words(names)}: {reason}.")
    return [Paragraph((" ".join(found),))] if found else []


def _compose_transport(content: Content) -> list[Block]:
    rows = content.fit.transport
    if not rows:
        return []
    caption = (
        "An arm left out: the fit sees what is fitted of all other arms and predicts this one"
        f"{' [months]' if are_medians(rows) else ''}.{_describe_null(rows)}"
    )
    return [TableBlock(list_predicted(rows, content.labels), caption, small=True), *_compose_intervals(rows, content)]


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


def _describe_scores(fit: FitResult, ratios: int) -> list[Block]:
    if fit.q_model is None or fit.q_null is None:
        return [Paragraph((f"There is no score Q of hazard ratios: {fit.q_reason}.",))] if fit.q_reason else []
    verdict = "no better than" if fit.q_model >= fit.q_null else "nearer to the reports than"
    whose = "the refitted model" if fit.q_basis == "companion" else "the model"
    text: Cell = (
        "Score Q, the sum of squared errors of ln hazard ratio in reported standard errors: "
        f"{print_fixed(fit.q_model, 2)} for {whose}, {print_fixed(fit.q_null, 2)} for the null. On these ratios the model is ",
        Strong(f"{verdict} its null"),
        f". {_describe_reference(fit, ratios)}",
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
