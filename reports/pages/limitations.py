"""What a reader must not read into a report, in plain words.

Start with `list_limitations`.
"""

from collections.abc import Iterable

from kinimmune.fitting.estimation.results import FitResult
from kinimmune.fitting.problem.targets import Role
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.limitations import Limitation
from kinimmune.reports.model.tables import count_statuses
from kinimmune.reports.typesetting.blocks import Cell, Strong
from kinimmune.reports.typesetting.formats import print_fixed
from kinimmune.reports.typesetting.statistics import are_medians, count_fitted


def list_limitations(model: OdeModel, limitations: Iterable[Limitation]) -> tuple[Cell, ...]:
    """Return the limits that belong to a model: that of its constants, and those of the tables that concern it."""
    constants = (
        Strong("Constants are uncertain too. "),
        f"The model has {count_statuses(model)}. Assumed means that nobody has measured it; recalled means that it was not "
        "checked against its source.",
    )
    return (constants, *((Strong(f"{item.title}. "), item.text) for item in limitations if item.concerns(model)))


def list_fit_limitations(fit: FitResult) -> tuple[Cell, ...]:
    """Return the limits of a fit and its virtual trial."""
    medians = are_medians(fit.targets)
    fitted = f"{len(fit.targets)} published numbers" if medians else count_fitted(fit.targets)
    return (
        (
            Strong("Flexibility is not validity. "),
            f"{fitted[:1].upper()}{fitted[1:]} were fitted with {len(fit.parameters)} parameters and their priors, "
            f"{print_fixed(fit.effective_parameters, 1)} of them effective. As far as the {'medians' if medians else 'numbers'} "
            "are met, that says that the model can bend that far, nothing more.",
        ),
        *_limit_unfitted(fit),
        *_count_recalled(fit),
        *_limit_trials(fit),
        *_limit_ratios(fit),
        (
            Strong("Intervals are local. "),
            "Those of the estimates follow from the curvature at the optimum and are symmetric on the prior's scale.",
        ),
    )


def _limit_trials(fit: FitResult) -> tuple[Cell, ...]:
    """Return the limits of virtual trials; none where nothing but experiments was fitted."""
    if fit.targets and all(row.read_out is not None for row in fit.targets):
        return ()
    shared = _SHARED if are_medians(fit.targets) else "All numbers and curves of one arm"
    return (
        (
            Strong("Arms share patients. "),
            f"{shared} come from the same patients; {_INDEPENDENT if fit.whitening is None else _CORRELATED}.",
        ),
        (
            Strong("The reading error of diameters is assumed. "),
            "Every reading errs on its own; how far stands in the tables, not in what the trial published, and by it "
            "progressions are seen that are none.",
        ),
    )


_INDEPENDENT = "the fit treats them as independent"
_CORRELATED = "the fit takes their correlations from trials drawn at a first optimum, as if they held at every point"
_SHARED = "The median of survival and that of progression in one arm"


def _limit_unfitted(fit: FitResult) -> tuple[Cell, ...]:
    """Return that what was not fitted was known all the same; nothing where all was fitted, or held out."""
    if are_medians(fit.targets):
        text = "Hazard ratios and response rates were not in the objective, but the structure was chosen by people who knew them."
    elif any(row.role != Role.HELD_OUT for row in fit.unfitted):
        text = "They were not in the objective, but the structure was chosen by people who knew them, unless they are held out."
    else:
        return ()
    return ((Strong("The unfitted numbers were known. "), text),)


def _limit_ratios(fit: FitResult) -> tuple[Cell, ...]:
    statistics = {*(row.statistic for row in fit.predicted), *(row.statistic for row in (*fit.targets, *fit.unfitted))}
    if "hazard_ratio" not in statistics:
        return ()
    text = "They compare whole arms; where the published ratio was stratified or adjusted the two are not the same quantity."
    return ((Strong("Hazard ratios are marginal. "), text),)


def _count_recalled(fit: FitResult) -> tuple[Cell, ...]:
    recalled = sum("recalled" in (row.value_status, row.interval_status) for row in (*fit.targets, *fit.unfitted))
    if not recalled:
        return ()
    text = f"{recalled} of the published numbers or intervals used here are recalled rather than read; the tables say which."
    return ((Strong("Some inputs are recalled. "), text),)
