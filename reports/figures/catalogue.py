"""The figures of a report, in its order.

Start with `list_figures`; what to see in each is in `kinimmune.reports.figures.captions`, and
`kinimmune.reports.figures.recipes.draw_all` draws them.
"""

from collections.abc import Sequence

from kinimmune.fitting.sensitivity.results import SensitivityResult
from kinimmune.reports.content import Content, ModelContent
from kinimmune.reports.figures.captions.analyses import (
    list_claim_figures,
    list_identifiability_figures,
    list_profile_figures,
    list_sample_figures,
    list_study_figures,
)
from kinimmune.reports.figures.captions.fit import list_comparisons, list_estimation
from kinimmune.reports.figures.captions.model import list_nominal_figures, list_picture_figures
from kinimmune.reports.figures.captions.trial import list_curves, list_patients
from kinimmune.reports.figures.recipes import FigureRecipe
from kinimmune.reports.typesetting.labels import PLAIN, Labels


def list_figures(content: Content) -> tuple[FigureRecipe, ...]:
    """Return the figures of a run's report, in its order."""
    labels = content.labels
    return (
        *list_comparisons(content),
        *list_curves(content),
        *list_patients(content),
        *list_estimation(content),
        *list_identifiability_figures(content.identifiability, labels),
        *list_profile_figures(content),
        *list_sensitivity_figures(content.sensitivities, labels),
        *list_sample_figures(content),
        *list_claim_figures(content.claims, labels),
    )


def list_model_figures(content: ModelContent) -> tuple[FigureRecipe, ...]:
    """Return the figures of a report about a model alone, in its order."""
    return (
        *list_picture_figures(content),
        *list_nominal_figures(content),
        *list_sensitivity_figures(content.sensitivities, content.labels),
        *list_claim_figures(content.claims, content.labels),
    )


def list_sensitivity_figures(studies: Sequence[SensitivityResult], labels: Labels = PLAIN) -> tuple[FigureRecipe, ...]:
    """Return the figures of sensitivity studies."""
    return tuple(recipe for study in studies for recipe in list_study_figures(study, labels))
