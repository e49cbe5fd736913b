"""What to see in the figures of a virtual trial and of its patients.

Start with `list_curves` and `list_patients`.
"""

from functools import partial

from kinimmune.fitting.estimation.results import ComparisonRow
from kinimmune.fitting.problem.targets import Role, Statistic
from kinimmune.models.tables.limitations import Outcome
from kinimmune.reports.content import Content
from kinimmune.reports.figures import data
from kinimmune.reports.figures.observed import select_endpoint
from kinimmune.reports.figures.patients import plot_courses, plot_spiders, plot_waterfall
from kinimmune.reports.figures.recipes import FigureRecipe
from kinimmune.reports.figures.survival import (
    LARGEST_RATIO,
    LEAST_RATIO,
    plot_hazard_ratios,
    plot_incidence,
    plot_progression,
    plot_progression_free,
    plot_survival,
    plot_treatment,
)


def list_curves(content: Content) -> list[FigureRecipe]:
    """Return the figures of the trial over time; none where there was no trial."""
    if not content.trial.arms:
        return []
    trial, labels = content.ordered_trial, content.labels
    return [
        FigureRecipe(
            "survival",
            f"Overall survival in the virtual trial; dashed where no patient was followed that long. "
            f"{_describe_marks(content, 'os')}",
            partial(plot_survival, trial, _list_marked(content, "os"), labels),
            partial(data.list_survival, trial.arms, select_endpoint(trial.observed, "os")),
        ),
        FigureRecipe(
            "progression",
            f"Time to detected progression, deaths censored; ticks on the axis are scans. {_describe_marks(content, 'ttp')}"
            f"{_describe_fitted_shape(content)}",
            partial(plot_progression, trial, _list_marked(content, "ttp"), labels),
            partial(data.list_progression, trial.arms, select_endpoint(trial.observed, "ttp")),
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


def _list_marked(content: Content, endpoint: str) -> tuple[ComparisonRow, ...]:
    """Return the numbers that are marked beside curves: medians and survival at a month, fitted or not."""
    return (*content.medians(endpoint), *_list_unfitted(content, endpoint), *content.survivals(endpoint))


def _list_unfitted(content: Content, endpoint: str) -> tuple[ComparisonRow, ...]:
    """Return the medians of an endpoint that were published and not fitted."""
    return tuple(row for row in content.unfitted_medians if row.endpoint == endpoint)


def _describe_marks(content: Content, endpoint: str) -> str:
    """Say what is marked beside the curves of an endpoint, and where nothing of it was fitted that too."""
    fitted = any(row.endpoint == endpoint and row.statistic in _CURVES for row in content.fit.targets)
    parts = [*_describe_medians(content, endpoint), *describe_observed(content, endpoint)]
    return " ".join(parts if fitted else [*parts, "Not fitted."])


_CURVES = (Statistic.MEDIAN, Statistic.SURVIVAL, Statistic.CURVE, Statistic.PATIENTS)
"""Statistics that a curve shows."""


def _describe_medians(content: Content, endpoint: str) -> list[str]:
    """Say what marks the medians of an endpoint; nothing where none was published."""
    fitted, others = content.medians(endpoint), _list_unfitted(content, endpoint)
    if not fitted and not others:
        return []
    mark = "circle" if fitted else "diamond"
    role = " (fitted; a diamond where it was not)" if fitted and others else " (fitted)" if fitted else ""
    known = any(row.lower is not None for row in (*fitted, *others))
    reported = f"{mark} and bar: reported median with its 95 % interval" if known else f"{mark}: reported median"
    return [f"Open {reported}{role}; small dot: predicted median."]


def describe_observed(content: Content, endpoint: str) -> list[str]:
    """Say what is marked besides medians."""
    known = {row.statistic for row in select_endpoint(content.trial.observed, endpoint)}
    parts = []
    if content.survivals(endpoint):
        parts.append(
            "Open square and bar: reported share at a month with its 95 % interval (fitted; a diamond where it was not)."
        )
    if Statistic.CURVE in known:
        parts.append("Pale steps with dots: a published curve, known at the dots alone.")
    if Statistic.PATIENTS in known:
        parts.append("Pale steps: the patients of the trial.")
    if any(row.role != Role.FIT for row in select_endpoint(content.trial.observed, endpoint)):
        parts.append("Dotted: not fitted.")
    return parts


_SHAPES = (Statistic.CURVE, Statistic.PATIENTS, Statistic.SURVIVAL)
"""Statistics that tell the shape of a curve."""


def _describe_fitted_shape(content: Content) -> str:
    """Say that the shape of progression was not fitted, where it was not."""
    if content.list_fitted(*_SHAPES, endpoint="ttp") or not content.medians("ttp"):
        return ""
    return " Only the scan at which the median falls was fitted; the shape was not."


def _describe_pfs(content: Content) -> list[FigureRecipe]:
    """Return the figure of progression-free survival; none where a result has none."""
    trial = content.ordered_trial
    if not all(arm.pfs_months for arm in trial.arms):
        return []
    caption = (
        "Progression-free survival: alive with no progression detected. It falls by a step at every scan and by deaths between "
        "scans, and is not the product of the two curves before: growth drives progression and death alike. "
        f"{_describe_marks(content, 'pfs')}"
    )
    draw = partial(plot_progression_free, trial, _list_marked(content, "pfs"), content.labels)
    rows = partial(data.list_progression_free, trial.arms, select_endpoint(trial.observed, "pfs"))
    return [FigureRecipe("progression_free", caption, draw, rows)]


def _describe_ratios(content: Content) -> list[FigureRecipe]:
    """Return the figure of hazard ratios; none where no study has a control."""
    trial = content.ordered_trial
    if not trial.contrasts:
        return []
    told = "" if content.list_fitted(Statistic.HAZARD_RATIO) else " Not fitted."
    ends = f"{LEAST_RATIO:g} or above {LARGEST_RATIO:g}"
    caption = (
        f"Hazard of the treated over that of the control arm, around each time (lines; what lies below {ends} is cut off) and "
        "over the whole follow-up (dotted). "
        f"Frail patients die first and drug is stopped, so a marginal ratio drifts even if the effect on each does not.{told}"
    )
    draw = partial(plot_hazard_ratios, trial, content.labels)
    return [FigureRecipe("hazard_ratios", caption, draw, partial(data.list_hazard_ratios, trial.contrasts))]


def list_patients(content: Content) -> list[FigureRecipe]:
    """Return the figures of virtual patients, and of their mean courses in each study; none where there was no trial."""
    if not content.trial.arms:
        return []
    trial, labels = content.ordered_trial, content.labels
    limits = "".join(f" {title}; see the limitations." for title in content.list_limits(Outcome.RESPONSE))
    recipes = [
        FigureRecipe(
            "waterfall",
            "Best change of the sum of diameters per virtual patient. Dashed: RECIST limits of progression (+20 %, beyond it "
            f"orange) and response (−30 %, beyond it green); growth above 100 % is cut off.{limits}",
            partial(plot_waterfall, trial, labels),
            partial(data.list_waterfall, trial.arms),
        ),
        FigureRecipe(
            "spiders",
            "Sum of diameters of some virtual patients while observed; a dot ends each course, orange from 20 % above the start "
            "on, green from 30 % below it. Not fitted.",
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
