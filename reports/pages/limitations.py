"""What a reader must not read into a report, in plain words.

Start with `list_limitations`.
"""

from kinimmune.fitting.estimation.results import FitResult
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.reports.model.tables import count_statuses
from kinimmune.reports.typesetting.blocks import Cell, Strong
from kinimmune.reports.typesetting.formats import print_fixed

_OF_MECHANISM = {
    "mapk": (
        "Paradoxical RAF activation is absent. ",
        "In cells with wild-type RAF an inhibitor can activate the pathway at low occupancy; the cascade of this model "
        "only knows inhibition.",
    ),
    "kinases": (
        "Binding is biochemical. ",
        "Occupancy comes from assays at low ATP and without protein; one shared shift stands for everything between assay "
        "and tissue, and several of "
        "the enzymes were murine.",
    ),
    "tregs": (
        "Immune densities are relative. ",
        "No trial measured Tregs or effector cells, so their courses follow from priors and structure; how much of the "
        "benefit runs through "
        "them is not identified.",
    ),
    "tumour": (
        "The response rate is calibrated, not predicted. ",
        "It is set by how fast necrotic volume is cleared, a constant nobody has measured.",
    ),
    "exposure": (
        "Exposure is an average. ",
        "Absorption, the swing between doses and dose reductions are left out.",
    ),
}


def list_limitations(model: OdeModel) -> tuple[Cell, ...]:
    """Return the limits that belong to a model."""
    names = {mechanism.name for mechanism in model.mechanisms}
    general: list[Cell] = [
        (
            Strong("Constants are uncertain too. "),
            f"The model has {count_statuses(model)}. Assumed means that nobody has measured it; recalled means that it was not "
            "checked against its source.",
        ),
    ]
    return (*general, *((Strong(head), body) for name, (head, body) in _OF_MECHANISM.items() if name in names))


def list_fit_limitations(fit: FitResult) -> tuple[Cell, ...]:
    """Return the limits of a fit and its virtual trial."""
    numbers, parameters = len(fit.targets), len(fit.parameters)
    return (
        (
            Strong("Flexibility is not validity. "),
            f"{numbers} published numbers were fitted with {parameters} parameters and their priors, "
            f"{print_fixed(fit.effective_parameters, 1)} of them effective. That the medians are met says that the model "
            "can bend that far, "
            "nothing more.",
        ),
        (
            Strong("The unfitted numbers were known. "),
            "Hazard ratios and response rates were not in the objective, but the structure was chosen by people who knew them.",
        ),
        *_tell_recalled(fit),
        (
            Strong("Arms share patients. "),
            "The median of survival and that of progression in one arm come from the same patients; the fit treats them "
            "as independent.",
        ),
        (
            Strong("The reading error of diameters is assumed. "),
            "It is one deviation for all scans of a patient; errors of single readings would add early progressions.",
        ),
        (
            Strong("Hazard ratios are marginal. "),
            "They compare whole arms; where the published ratio was stratified or adjusted the two are not the same quantity.",
        ),
        (
            Strong("Intervals are local. "),
            "Those of the estimates follow from the curvature at the optimum and are symmetric on the prior's scale.",
        ),
    )


def _tell_recalled(fit: FitResult) -> tuple[Cell, ...]:
    recalled = sum("recalled" in (row.value_status, row.interval_status) for row in (*fit.targets, *fit.unfitted))
    if not recalled:
        return ()
    text = f"{recalled} of the published numbers or intervals used here are recalled rather than read; the tables say which."
    return ((Strong("Some inputs are recalled. "), text),)
