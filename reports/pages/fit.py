"""Pages about a fit: what was fitted, what was predicted, and what the data determined.

Start with `compose_fit`.
"""

from kinimmune.models.tables.limitations import Outcome
from kinimmune.reports.content import Content
from kinimmune.reports.figures.recipes import DrawnFigures, show_figures
from kinimmune.reports.model.tables import list_changes, list_constants, list_estimates
from kinimmune.reports.pages import tables
from kinimmune.reports.typesetting.blocks import Block, Bullets, Cell, Heading, Paragraph, Strong, TableBlock
from kinimmune.reports.typesetting.formats import print_fixed


def compose_fit(content: Content, figures: DrawnFigures) -> list[Block]:
    """Return the page of fitted numbers beside what was reported."""
    fit = content.fit
    caption = (
        "Fitted numbers, in months. Residual: in standard errors of the logarithm, for medians of time to progression the signed "
        "root of the deviance. Scan: reported | predicted; such a median can only fall on a scan, so the scan is what was fitted."
    )
    text = (
        f"Sum of squares of the data {print_fixed(fit.chi_square_data, 2)}, of the priors "
        f"{print_fixed(fit.chi_square_prior, 2)}; "
        f"{print_fixed(fit.effective_parameters, 1)} effective parameters for {len(fit.targets)} numbers leave "
        f"{print_fixed(fit.degrees_of_freedom, 1)} degrees of freedom. No p-value is given: with so few left there is "
        "nothing to test."
    )
    return [
        Heading("The fit"),
        TableBlock(tables.list_targets(fit, content.labels), caption),
        Paragraph(text),
        *show_figures(figures, "medians"),
    ]


def compose_predictions(content: Content, figures: DrawnFigures) -> list[Block]:
    """Return the pages of predictions that were not fitted; none where there are none."""
    fit = content.fit
    ratios = content.hazard_ratios
    blocks: list[Block] = [Heading("Predictions that were not fitted")]
    if ratios:
        caption = (
            "Hazard ratios, none fitted. Null: ratio of the fitted medians, which needs no model. Intervals of the "
            "prediction: for "
            "the parameters; for parameters and constants; for one trial of that size. Inside: whether the prediction "
            "lies in the "
            "reported interval; the null usually does too, so that alone is no evidence."
        )
        blocks += [
            TableBlock(tables.list_ratios(ratios, content.labels), caption, small=True),
            *_describe_scores(content),
            *show_figures(figures, "forest"),
        ]
    if content.unfitted_medians:
        caption = (
            "Medians that were not fitted [months]. Null: the control median times the ratio of the other study. Residual of "
            "progression-free survival: the signed root of the deviance."
        )
        blocks.append(TableBlock(tables.list_transport(content.unfitted_medians, content.labels), caption, small=True))
    if fit.transport:
        caption = (
            "An arm left out: the fit sees the other study and this study's control arm and predicts the treated arm [months]. "
            "Null: the control median times the ratio of the other study."
        )
        blocks.append(TableBlock(tables.list_transport(fit.transport, content.labels), caption, small=True))
    if content.observations:
        table = tables.list_observations(content.observations, fit, content.trial, content.labels)
        limits = "".join(f" {title}; see the limitations." for title in content.list_limits(Outcome.RESPONSE))
        caption = f"Other published numbers, never fitted, beside the virtual trial.{limits}"
        blocks += [TableBlock(table, caption)] if table.rows else []
    return blocks if len(blocks) > 1 else []


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
        f". Sampling error of the trials alone would give about {len(content.hazard_ratios)}.",
    )
    return [Paragraph(text)]


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
    """Return what was told of parameters at the call, and what is doubtful about their priors."""
    fit = content.fit
    blocks: list[Block] = []
    if fit.changes:
        caption = (
            "Parameters that were held, freed, or given another prior or start at the call; this fit is not that of the tables."
        )
        blocks.append(TableBlock(list_changes(fit.changes, content.labels), caption, small=True))
    if fit.warnings:
        blocks += [Paragraph((Strong("Doubtful priors."),)), Bullets(fit.warnings)]
    return blocks


def compose_constants(content: Content) -> list[Block]:
    """Return the page of parameters the fit did not move."""
    caption = (
        "Parameters the fit did not move. Prior sd: standard deviation, on the scale named, of the distribution about the value "
        "from which they are drawn for the second interval of predictions."
    )
    return [Heading("Constants"), TableBlock(list_constants(content.fit.constants), caption, small=True)]
