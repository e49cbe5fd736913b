"""The figures of a report: which there are, what to see in each, and how each is drawn.

Start with `list_figures`; `kinimmune.reports.figures.recipes.draw_all` draws them.
"""

from collections.abc import Sequence

from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.fitting.sensitivity.results import SensitivityResult
from kinimmune.reports.content import Content, ModelContent
from kinimmune.reports.figures import data
from kinimmune.reports.figures.claims import draw_claims
from kinimmune.reports.figures.fit import (
    draw_correlation,
    draw_forest,
    draw_medians,
    draw_priors,
    draw_start_ladder,
    draw_stop_rules,
)
from kinimmune.reports.figures.identifiability import list_identifiability_figures
from kinimmune.reports.figures.panels import draw_picture, list_picture
from kinimmune.reports.figures.patients import draw_courses, draw_lines, draw_spiders, draw_waterfall
from kinimmune.reports.figures.profile import list_profile_figures
from kinimmune.reports.figures.recipes import FigureRecipe
from kinimmune.reports.figures.sample import list_sample
from kinimmune.reports.figures.sensitivity import describe_figures
from kinimmune.reports.figures.survival import (
    draw_hazard_ratios,
    draw_incidence,
    draw_progression,
    draw_survival,
    draw_treatment,
)
from kinimmune.reports.panels import Picture
from kinimmune.reports.typesetting.formats import print_name


def list_figures(content: Content) -> tuple[FigureRecipe, ...]:
    """Return the figures of a run's report, in its order."""
    return (
        *_list_comparisons(content),
        *_list_curves(content),
        *_list_patients(content),
        *_list_estimation(content),
        *(FigureRecipe(*parts) for parts in list_identifiability_figures(content.identifiability)),
        *(FigureRecipe(*parts) for parts in list_profile_figures(content.profiles)),
        *list_sensitivity_figures(content.sensitivities),
        *_list_sample(content),
        *_list_claims(content.claims),
    )


def _list_comparisons(content: Content) -> list[FigureRecipe]:
    fit = content.fit
    ratios = [row for row in fit.unfitted if row.statistic == "hazard_ratio"]
    return [
        FigureRecipe(
            "medians",
            "The fitted medians. Grey bars: reported 95 % interval. These numbers are in the objective, so dots near squares "
            "show that the model is flexible enough, not that it is right.",
            lambda: draw_medians(fit.targets),
            lambda: data.list_rows(fit.targets),
        ),
        FigureRecipe(
            "forest",
            "Hazard ratios, none of them fitted. A prediction is worth something only where it lies nearer to the reported "
            "ratio than the null does, which needs no model.",
            lambda: draw_forest(ratios),
            lambda: data.list_rows(ratios),
        ),
    ]


def _list_curves(content: Content) -> list[FigureRecipe]:
    arms, contrasts = content.ordered_arms, content.trial.contrasts
    marks = "Open circle and bar: reported median with its 95 % interval (fitted); small dot: predicted median."
    return [
        FigureRecipe(
            "survival",
            f"Overall survival in the virtual trial; dashed where no patient was followed that long. {marks}",
            lambda: draw_survival(arms, content.medians("os")),
            lambda: data.list_survival(arms),
        ),
        FigureRecipe(
            "progression",
            f"Time to detected progression, deaths censored; ticks on the axis are scans. {marks} Only the scan at which the "
            "median falls was fitted; the shape was not.",
            lambda: draw_progression(arms, content.medians("ttp")),
            lambda: data.list_progression(arms),
        ),
        FigureRecipe(
            "incidence",
            "What happened first. Where many die before progression is seen, time to progression speaks for the others only. "
            "Not fitted.",
            lambda: draw_incidence(arms),
            lambda: data.list_incidence(arms),
        ),
        FigureRecipe(
            "hazard_ratios",
            "Hazard of the treated over that of the control arm, around each time (lines) and over the whole follow-up (dotted). "
            "Frail patients die first and drug is stopped, so a marginal ratio drifts even if the effect on each does not. "
            "Not fitted.",
            lambda: draw_hazard_ratios(contrasts),
            lambda: data.list_hazard_ratios(contrasts),
        ),
        FigureRecipe(
            "treatment",
            "Alive (thin) and alive on treatment (thick). Their gap is time off drug. Not fitted.",
            lambda: draw_treatment(arms),
            lambda: data.list_treatment(arms),
        ),
    ]


def _list_patients(content: Content) -> list[FigureRecipe]:
    arms = content.ordered_arms
    recipes = [
        FigureRecipe(
            "waterfall",
            "Best change of the sum of diameters per virtual patient. Dashed: RECIST limits of progression (+20 %) and "
            "response (−30 %); growth above 100 % is cut off. Few responses are expected by construction: how fast necrosis is "
            "cleared decides them.",
            lambda: draw_waterfall(arms),
            lambda: data.list_waterfall(arms),
        ),
        FigureRecipe(
            "spiders",
            "Sum of diameters of some virtual patients while observed; a dot ends each course. Not fitted.",
            lambda: draw_spiders(arms),
            lambda: data.list_spiders(arms),
        ),
    ]
    return recipes + [_recipe_of_courses(content, study) for study in content.studies]


def _recipe_of_courses(content: Content, study: str) -> FigureRecipe:
    arms = content.arms(study)
    return FigureRecipe(
        f"courses_{study}",
        f"{print_name(study)}: mean over the patients still alive. Deaths remove the patients with the largest tumours, so a "
        "falling mean need not be a shrinking tumour. No course was fitted.",
        lambda: draw_courses(arms, collect_units(content)),
        lambda: data.list_courses(arms),
    )


def collect_units(content: Content | ModelContent) -> dict[str, str]:
    """Return the unit of every state, definition and output."""
    model = content.model
    units = {state.name: state.unit for state in model.states}
    units |= {item.name: item.unit for item in (*model.definitions, *model.outputs)}
    return units | {"tumour_volume": units.get("viable_volume", "mL")}


def _list_estimation(content: Content) -> list[FigureRecipe]:
    fit, rules = content.fit, content.trial.stop_rules
    recipes = [
        FigureRecipe(
            "priors",
            "What the published numbers taught. Where the blue bar is as wide as the grey one (sd ratio near 1) the data said "
            "nothing and the prior speaks.",
            lambda: draw_priors(fit.parameters),
            lambda: data.list_rows(fit.parameters),
        ),
        FigureRecipe(
            "correlation",
            "Correlations of the estimates by the curvature at the optimum. Values near −1 or 1: only a combination is known.",
            lambda: draw_correlation(fit.parameters, fit.correlation),
            lambda: data.list_correlation(fit.parameters, fit.correlation),
        ),
        FigureRecipe(
            "start_ladder",
            "Start ladder: the sum of squares (data and priors) that each start of the optimiser reached. A flat left end means "
            "that several starts found the same optimum.",
            lambda: draw_start_ladder(fit.starts),
            lambda: data.list_rows(fit.starts),
        ),
        FigureRecipe(
            "stop_rules",
            "The same drug effect under different rules for stopping treatment. When treatment stops is the largest lever on "
            "survival, and for one of the trials it is an assumption.",
            lambda: draw_stop_rules(rules),
            lambda: data.list_stop_rules(rules),
        ),
    ]
    absent = {"correlation"} if len(fit.correlation) < 2 else set()
    absent |= {"start_ladder"} if not fit.starts else set()
    absent |= {"stop_rules"} if not rules else set()
    return [recipe for recipe in recipes if recipe.name not in absent]


def list_sensitivity_figures(studies: Sequence[SensitivityResult]) -> tuple[FigureRecipe, ...]:
    """Return the figures of sensitivity studies."""
    return tuple(FigureRecipe(*figure) for study in studies for figure in describe_figures(study))


def _list_sample(content: Content) -> list[FigureRecipe]:
    return [FigureRecipe(*recipe) for recipe in list_sample(content)]


def _list_claims(claims: Sequence[ClaimRecord]) -> list[FigureRecipe]:
    if not claims:
        return []
    return [
        FigureRecipe(
            "claims",
            "Claims and the mechanisms they rest on. Left: share of prior draws that satisfy each, with Wilson intervals; "
            "dashed: 0.8. Right, at the values of the tables: blue where the claim breaks once the mechanism is removed, grey "
            "where it survives; framed where the claim names the mechanism, with the share of draws that still satisfy it.",
            lambda: draw_claims(claims),
            lambda: data.list_claims(claims),
        )
    ]


def list_model_figures(content: ModelContent) -> tuple[FigureRecipe, ...]:
    """Return the figures of a report about a model alone."""
    return (
        *_list_picture(content.picture),
        *_list_nominal(content),
        *list_sensitivity_figures(content.sensitivities),
        *_list_claims(content.claims),
    )


def _list_picture(picture: Picture | None) -> list[FigureRecipe]:
    if picture is None:
        return []
    return [
        FigureRecipe(
            "experiments",
            "What an experiment would show: courses, and bars at a read-out day, of one typical individual per experiment at the "
            "values of the tables. Nothing was fitted here.",
            lambda: draw_picture(picture),
            lambda: list_picture(picture),
        )
    ]


def _list_nominal(content: ModelContent) -> list[FigureRecipe]:
    if not content.courses:
        return []
    lines = {
        course.arm: (course.days.tolist(), {name: values.tolist() for name, values in course.values.items()})
        for course in content.courses
    }
    names = list(dict.fromkeys(name for course in content.courses for name in course.values))
    return [
        FigureRecipe(
            "nominal",
            "Every state and read-out of the typical individual at the values of the tables. Nothing was fitted here.",
            lambda: draw_lines(names, lines, collect_units(content), "Days"),
            lambda: data.list_lines(lines),
        )
    ]
