"""Pages about a virtual trial: its curves, its patients, its rules and its numerical accuracy.

Start with `compose_trial`.
"""

from kinimmune.fitting.problem.targets import Statistic
from kinimmune.reports.content import Content
from kinimmune.reports.figures.recipes import DrawnFigures, show_figures
from kinimmune.reports.pages import tables
from kinimmune.reports.typesetting.blocks import Block, Bullets, Heading, Paragraph, TableBlock
from kinimmune.reports.typesetting.formats import print_endpoint


def compose_trial(content: Content, figures: DrawnFigures) -> list[Block]:
    """Return the pages of the virtual trial: survival and progression, the size of the effect, rates and shares.

    None where nothing but experiments was fitted.
    """
    if not content.trial.arms:
        return []
    return [
        Heading("The virtual trial"),
        Heading("Survival and progression", 2),
        *show_figures(figures, "survival", "progression", "progression_free", "incidence"),
        Heading("The size of the effect", 2),
        *_tabulate_contrasts(content),
        *[Paragraph(text) for text in _tell_missing(content)],
        *show_figures(figures, "hazard_ratios"),
        Heading("Rates, shares and time on treatment", 2),
        *_tabulate_outcomes(content),
        *show_figures(figures, "treatment"),
    ]


def _tabulate_contrasts(content: Content) -> list[Block]:
    """Return the table of treated arms beside their controls; none where no study has a control."""
    if not content.trial.contrasts:
        return []
    told = "Fitted ratios stand in the table of the fit." if content.list_fitted(Statistic.HAZARD_RATIO) else "Not fitted."
    caption = f"Treated minus or over control, over the follow-up of each study. {told}"
    return [TableBlock(tables.list_contrasts(content.trial, content.labels), caption)]


def _tell_missing(content: Content) -> list[str]:
    """Return why there are no ratios, of studies without a control, and of those that stand as a dash."""
    compared = {row.study for row in content.trial.contrasts}
    alone = [
        f"{content.labels.study(study)} has no control arm: none of its arms has a hazard ratio or a gain over another."
        for study in content.studies
        if study not in compared
    ]
    return alone + [
        f"No hazard ratio of {print_endpoint(row.endpoint)} in {content.labels.comparison(row.study, row.arm)}: {row.reason}."
        for row in content.trial.contrasts
        if row.reason
    ]


def _tabulate_outcomes(content: Content) -> list[Block]:
    roles = content.model.trial
    if roles is None:
        return []
    table = tables.list_outcomes(content.fit, content.trial, roles, content.labels)
    told = "What was fitted of them stands in the table of the fit." if content.fits_outcomes else "None of them was fitted."
    return [TableBlock(table, f"Outcomes per arm. {told}")]


def compose_patients(content: Content, figures: DrawnFigures) -> list[Block]:
    """Return the pages of virtual patients and their mean courses; none where there was no trial."""
    if not content.trial.arms:
        return []
    blocks: list[Block] = [Heading("Virtual patients"), *show_figures(figures, "waterfall", "spiders")]
    if any(arm.courses for arm in content.trial.arms):
        blocks += [Heading("Mean courses", 2), *show_figures(figures, *(f"courses_{study}" for study in content.studies))]
    return blocks


def compose_stop_rules(content: Content, figures: DrawnFigures) -> list[Block]:
    """Return the page of predictions under each rule for stopping treatment; none where none were compared."""
    rules = content.trial.stop_rules
    if not rules:
        return []
    caption = "Predictions under each rule for stopping treatment; medians in months."
    return [
        Heading("When treatment stops"),
        TableBlock(tables.list_stop_rules(rules, content.labels), caption, small=True),
        *show_figures(figures, "stop_rules"),
    ]


def compose_accuracy(content: Content) -> list[Block]:
    """Return the page of numerical accuracy: patients lost, and how far other virtual patients move predictions.

    None where there was no trial.
    """
    if not content.trial.arms:
        return []
    failed = content.fit.failed_patients
    told = (
        "No virtual patient failed to integrate."
        if failed == 0
        else f"{failed} virtual patients failed to integrate and were left out."
    )
    blocks: list[Block] = [
        Heading("Numerical accuracy"),
        Paragraph(
            f"Survival is a mean over {content.trial.patients} quasi-random virtual patients per arm, the same in every arm of a "
            f"study, without sampling of events. {told}"
        ),
    ]
    if content.trial.quadrature:
        caption = "Quadrature error: how far a prediction moves when other virtual patients of the same number are used."
        blocks.append(TableBlock(tables.list_quadrature(content.trial, content.labels), caption))
    if content.trial.notes:
        blocks.append(Bullets(tuple(content.trial.notes)))
    return blocks
