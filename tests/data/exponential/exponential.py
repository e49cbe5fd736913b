"""Death at a constant rate that a drug multiplies by a ratio, the same for every patient: trials with closed forms."""

import sympy as sp

from kinimmune.models.symbolic.components import Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.drugs import DrugRole
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.roles import TrialRoles


def exponential(parameters):
    """Return S(t) = exp(-rate t), on the full dose exp(-ratio rate t)."""
    eased = 1 + (symbol("ratio") - 1) * symbol("dose_rate") / symbol("full_dose")
    alone = Mechanism(
        "alone",
        "a hazard that a drug multiplies",
        states=(State("death", "H", "1", "cumulative hazard of death", sp.Integer(0)),),
        inputs=(Input("dose_rate", "r", "mg/d", "dose rate"),),
        terms=(Term("dying", "death", symbol("rate") * eased, "constant"),),
    )
    return OdeModel(
        "exponential",
        "Exponential",
        (alone,),
        parameters,
        trial=TrialRoles({"any cause": "death"}),
        drugs=(DrugRole("drug", "sorafenib", rate_input="dose_rate"),),
    )
