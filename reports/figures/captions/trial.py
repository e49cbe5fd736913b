"""What to see in the figures of a virtual trial and of its patients.

Start with `list_curves` and `list_patients`.
"""

from functools import partial

from kinimmune.models.tables.limitations import Outcome
from kinimmune.reports.content import Content
from kinimmune.reports.figures import data
from kinimmune.reports.figures.patients import plot_courses, plot_spiders, plot_waterfall
from kinimmune.reports.figures.recipes import FigureRecipe
from kinimmune.reports.figures.survival import (
    plot_hazard_ratios,
    plot_incidence,
    plot_progression,
    plot_progression_free,
    plot_survival,
    plot_treatment,
)

_MARKS = "Open circle and bar: reported median with its 95 % interval (fitted); small dot: predicted median."


def list_curves(content: Content) -> list[FigureRecipe]:
    """Return the figures of the trial over time."""
    trial, labels = content.ordered_trial, content.labels
    return [
        FigureRecipe(
            "survival",
            f"Overall survival in the virtual trial; dashed where no patient was followed that long. {_MARKS}",
            partial(plot_survival, trial, content.medians("os"), labels),
            partial(data.list_survival, trial.arms),
        ),
        FigureRecipe(
            "progression",
            f"Time to detected progression, deaths censored; ticks on the axis are scans. {_MARKS} Only the scan at which the "
            "median falls was fitted; the shape was not.",
            partial(plot_progression, trial, content.medians("ttp"), labels),
            partial(data.list_progression, trial.arms),
        ),
        *_describe_pfs(content),
        FigureRecipe(
            "incidence",
            "What happened first. Where many die before progression is seen, time to progression speaks for the others only. "
            "Not fitted.",
            partial(plot_incidence, trial, labels),
            partial(data.list_incidence, trial.arms),
        ),
        *_describe_ratios(content),
        FigureRecipe(
            "treatment",
            "Alive (thin) and alive on treatment (thick). Their gap is time off drug. Not fitted.",
            partial(plot_treatment, trial, labels),
            partial(data.list_treatment, trial.arms),
        ),
    ]


def _describe_pfs(content: Content) -> list[FigureRecipe]:
    """Return the figure of progression-free survival; none where a result has none."""
    trial = content.ordered_trial
    if not all(arm.pfs_months for arm in trial.arms):
        return []
    caption = (
        "Progression-free survival: alive with no progression detected. It falls by a step at every scan and by deaths between "
        "scans, and is not the product of the two curves before: growth drives progression and death alike. Circle and "
        "bar: reported median with its interval, where one was published; small dot: predicted."
    )
    medians = [row for row in (*content.medians("pfs"), *content.unfitted_medians) if row.endpoint == "pfs"]
    draw = partial(plot_progression_free, trial, medians, content.labels)
    return [FigureRecipe("progression_free", caption, draw, partial(data.list_progression_free, trial.arms))]


def _describe_ratios(content: Content) -> list[FigureRecipe]:
    """Return the figure of hazard ratios; none where no study has a control."""
    trial = content.ordered_trial
    if not trial.contrasts:
        return []
    caption = (
        "Hazard of the treated over that of the control arm, around each time (lines) and over the whole follow-up (dotted). "
        "Frail patients die first and drug is stopped, so a marginal ratio drifts even if the effect on each does not. "
        "Not fitted."
    )
    draw = partial(plot_hazard_ratios, trial, content.labels)
    return [FigureRecipe("hazard_ratios", caption, draw, partial(data.list_hazard_ratios, trial.contrasts))]


def list_patients(content: Content) -> list[FigureRecipe]:
    """Return the figures of virtual patients, and of their mean courses in each study."""
    trial, labels = content.ordered_trial, content.labels
    limits = "".join(f" {title}; see the limitations." for title in content.list_limits(Outcome.RESPONSE))
    recipes = [
        FigureRecipe(
            "waterfall",
            "Best change of the sum of diameters per virtual patient. Dashed: RECIST limits of progression (+20 %) and "
            f"response (−30 %); growth above 100 % is cut off.{limits}",
            partial(plot_waterfall, trial, labels),
            partial(data.list_waterfall, trial.arms),
        ),
        FigureRecipe(
            "spiders",
            "Sum of diameters of some virtual patients while observed; a dot ends each course. Not fitted.",
            partial(plot_spiders, trial, labels),
            partial(data.list_spiders, trial.arms),
        ),
    ]
    return recipes + [_describe_courses(content, study) for study in content.studies]


def _describe_courses(content: Content, study: str) -> FigureRecipe:
    return FigureRecipe(
        f"courses_{study}",
        f"{content.labels.study(study)}: mean over the patients still alive. Deaths remove the sickest, so a mean can fall "
        "without falling in any patient. No course was fitted.",
        partial(plot_courses, content.ordered_trial, study, content.labels, content.model.units),
        partial(data.list_courses, content.arms(study)),
    )
