"""Figures of results without a report: each function takes a result and returns a matplotlib `Figure`.

Start with `plot_course` and `plot_survival`.  A figure is drawn without a screen and shows itself in a notebook;
`figure.savefig("a.svg")` writes it.  Words for names are those of the model's labels and of the titles in `trials.csv`.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure

from kinimmune.fitting.estimation.results import ComparisonRow, FitResult
from kinimmune.fitting.estimation.trial_results import TrialResult
from kinimmune.fitting.problem.targets import DATA, Statistic
from kinimmune.fitting.sensitivity.results import SensitivityResult
from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.experiments.individual import IndividualCourse
from kinimmune.models.tables.readers import read_trials
from kinimmune.reports.figures import comparisons, survival
from kinimmune.reports.figures import course as individual_course
from kinimmune.reports.figures.estimates import plot_priors
from kinimmune.reports.figures.fit import plot_forest
from kinimmune.reports.figures.measurements import plot_measurements
from kinimmune.reports.figures.sensitivity import plot_indices
from kinimmune.reports.typesetting.labels import PLAIN, Labels, collect_labels


def plot_course(course: IndividualCourse, quantities: Sequence[str] = ()) -> Figure:
    """Return a figure of an individual's course: one panel for each quantity, all of them when none are named.

    Raises
    ------
    KeyError
        for a quantity the course does not have
    """
    names = tuple(quantities) or tuple(item.name for item in course.quantities)
    units = {item.name: item.unit for item in course.quantities}
    courses = {name: course[name] for name in names}
    title = f"{course.model}, {course.arm or 'untreated'}"
    return individual_course.plot_course(course.time, courses, title, _find_labels(course.model), units)


def plot_survival(trial: TrialResult, fit: FitResult | None = None, endpoint: str = "os") -> Figure:
    """Return the survival curves of a virtual trial, all arms, with the numbers at risk, over published curves and patients.

    Parameters
    ----------
    trial
        a virtual trial, such as `run.trial`
    fit
        the fit whose reported and predicted medians are marked, and what was reported at a month; None for none
    endpoint
        `os`, `ttp` or `pfs`

    Raises
    ------
    ValueError
        for another endpoint, or PFS of a result from before there was any
    """
    plots = {"os": survival.plot_survival, "ttp": survival.plot_progression, "pfs": survival.plot_progression_free}
    if endpoint not in plots:
        raise ValueError(f"no endpoint '{endpoint}'; allowed: {', '.join(plots)}")
    if endpoint == "pfs" and not all(arm.pfs_months for arm in trial.arms):
        raise ValueError("this result has no progression-free survival; fit again with this version")
    rows = () if fit is None else (*fit.targets, *fit.unfitted)
    marked = [row for row in rows if row.statistic in (Statistic.MEDIAN, Statistic.SURVIVAL) and row.endpoint == endpoint]
    return plots[endpoint](trial, marked, _find_labels(trial.model))


def plot_comparisons(fit: FitResult, statistic: str = "median") -> Figure:
    """Return reported and predicted numbers of one statistic side by side, or the residuals of all.

    Medians are those that were fitted; of every other statistic what was not fitted is shown too, and marked.

    Parameters
    ----------
    fit
        a fit, such as `run.fit`
    statistic
        `median`, `hazard_ratio`, `survival`, `response_rate`, `control_rate`, `deaths`, `events`, `cutoff`,
        `measurement` (in experiments), or `residual`; curves and patients are drawn by `plot_survival`

    Raises
    ------
    ValueError
        for another statistic, or one of which the fit has no number
    """
    allowed = (*(str(item) for item in Statistic if item not in DATA), "measurement", "residual")
    if statistic not in allowed:
        raise ValueError(f"no statistic '{statistic}'; allowed: {', '.join(allowed)}")
    labels = _find_labels(fit.model)
    if statistic == "residual":
        return comparisons.plot_residuals(fit, labels)
    unfitted = (row for row in fit.unfitted if row.statistic != Statistic.MEDIAN)
    drawable = [row for row in (*fit.targets, *unfitted) if row.statistic not in DATA]
    shown = [row for row in drawable if _kind(row) == statistic]
    if not shown:
        known = dict.fromkeys((*map(_kind, drawable), "residual"))
        raise ValueError(f"this fit has no {statistic}; it has: {', '.join(known)}")
    return _plot_shown(fit, shown, statistic, labels)


def _plot_shown(fit: FitResult, rows: Sequence[ComparisonRow], statistic: str, labels: Labels) -> Figure:
    match statistic:
        case Statistic.MEDIAN:
            return comparisons.plot_medians(fit, labels)
        case Statistic.HAZARD_RATIO:
            return plot_forest(fit, labels)
        case "measurement":
            return plot_measurements(rows, labels)
        case Statistic.CUTOFF:
            return comparisons.plot_cutoffs(rows, labels)
        case Statistic.DEATHS | Statistic.EVENTS:
            return comparisons.plot_counts(rows, [None] * len(rows), labels)
    return comparisons.plot_shares(rows, labels)


def _kind(row: ComparisonRow) -> str:
    return row.statistic if row.read_out is None else "measurement"


def plot_estimates(fit: FitResult) -> Figure:
    """Return estimates with their 95 % intervals beside their priors, in prior standard deviations."""
    return plot_priors(fit, _find_labels(fit.model))


def plot_sensitivity(study: SensitivityResult) -> Figure:
    """Return the figure of a sensitivity study by its method: tornado, screening, shares of variance or rank correlations."""
    return plot_indices(study, _find_labels(study.model))


def _find_labels(model: str) -> Labels:
    """Return the words of a model of the library; names as they are for any other."""
    return collect_labels(load_model(model), read_trials()) if model in model_names() else PLAIN
