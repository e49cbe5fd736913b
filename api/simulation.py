"""One individual of a model, for programs and notebooks.

Start with `simulate`.
"""

from collections.abc import Mapping

from kinimmune.models.catalogue import load_model
from kinimmune.models.experiments.individual import IndividualCourse, IndividualRequest, plan_individual, simulate_individual
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.tables.readers import read_designs
from kinimmune.models.tables.rows import Tables


def simulate(
    model: OdeModel | str,
    *,
    arm: str | None = None,
    days: float | None = None,
    changes: Mapping[str, float] | None = None,
    tables: Tables | None = None,
) -> IndividualCourse:
    """Return the course of one individual, day by day.

    Parameters
    ----------
    model
        a model, such as one with an interaction cut (`model.without("treg_suppression")`), or its name
    arm
        `STUDY:ARM` of a trial or the name of an experiment; None for an untreated individual
    days
        horizon [d]; None for the last read-out day of an experiment, else that of the model
    changes
        parameter -> value in place of the tables', in the parameter's unit
    tables
        where arms, experiments and, for a name, parameters stand; the package's if None

    Raises
    ------
    UsageError
        for an unknown name, with the nearest one, or a value outside its range
    NumericalError
        when the individual cannot be integrated

    Examples
    --------
    >>> course = simulate("gompertz", days=10, changes={"retardation": 0.05})
    >>> course["volume"].shape
    (11,)
    """
    known = tables or Tables()
    built = load_model(model, known) if isinstance(model, str) else model
    request = IndividualRequest(arm, days, dict(changes or {}))
    return simulate_individual(plan_individual(built, request, read_designs(built, known)))
