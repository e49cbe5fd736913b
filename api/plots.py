"""Figures of results without a report: each function takes a result and returns a matplotlib `Figure`.

Start with `plot_course` and `plot_survival`.  A figure is drawn without a screen and shows itself in a notebook;
`figure.savefig("a.svg")` writes it.
"""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure

from kinimmune.fitting.estimation.results import FitResult, TrialResult
from kinimmune.fitting.sensitivity.results import SensitivityResult
from kinimmune.models.experiments.individual import IndividualCourse
from kinimmune.reports.figures.fit import draw_forest, draw_priors
from kinimmune.reports.figures.panels import draw_course
from kinimmune.reports.figures.sensitivity import draw_morris, draw_ranks, draw_sobol, draw_tornado
from kinimmune.reports.figures.survival import draw_progression, draw_survival

_STUDIES: dict[str, Callable[[SensitivityResult], Figure]] = {
    "local": draw_tornado,
    "morris": draw_morris,
    "sobol": draw_sobol,
    "prcc": draw_ranks,
}


def plot_course(course: IndividualCourse, quantities: Sequence[str] = ()) -> Figure:
    """Return a figure of an individual's course: one panel for each quantity, all of them when none are named.

    Raises
    ------
    KeyError
        for a quantity the course does not have
    """
    names = tuple(quantities) or tuple(item.name for item in course.quantities)
    units = {item.name: item.unit for item in course.quantities}
    values = np.stack([course[name] for name in names])
    title = f"{course.model}, {course.arm or 'untreated'}"
    return draw_course(title, course.time, [(name, units[name]) for name in names], values)


def plot_survival(trial: TrialResult, fit: FitResult | None = None, endpoint: str = "os") -> Figure:
    """Return the survival curves of a virtual trial, all arms, with the numbers at risk.

    Parameters
    ----------
    trial
        a virtual trial, such as `run.trial`
    fit
        the fit whose reported and predicted medians are marked, None for none
    endpoint
        `os` or `ttp`

    Raises
    ------
    ValueError
        for another endpoint
    """
    drawings = {"os": draw_survival, "ttp": draw_progression}
    if endpoint not in drawings:
        raise ValueError(f"no endpoint '{endpoint}'; allowed: {', '.join(drawings)}")
    rows = () if fit is None else (*fit.targets, *fit.unfitted)
    medians = [row for row in rows if row.statistic == "median" and row.endpoint == endpoint]
    return drawings[endpoint](trial.arms, medians)


def plot_comparisons(fit: FitResult) -> Figure:
    """Return reported and predicted numbers side by side, fitted ones and those that were not fitted."""
    return draw_forest((*fit.targets, *fit.unfitted))


def plot_estimates(fit: FitResult) -> Figure:
    """Return estimates with their standard errors beside their priors, in prior standard deviations."""
    return draw_priors(fit.parameters)


def plot_sensitivity(study: SensitivityResult) -> Figure:
    """Return the figure of a sensitivity study by its method: tornado, screening, shares of variance or rank correlations."""
    return _STUDIES[study.method](study)
