"""Death by Weibull's hazard and progression by a constant one, the same for every patient: trials with closed forms."""

import sympy as sp

from kinimmune.models.symbolic.components import Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.drugs import DrugRole
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.roles import TrialRoles


def weibull(parameters):
    """Return S(t) = exp(-(t/scale)^shape) of death, and exp(-rate t) of progression; `begin` keeps t from being 0."""
    time, scale, shape = symbol("t") + symbol("begin"), symbol("scale"), symbol("shape")
    alone = Mechanism(
        "alone",
        "hazards that nothing changes",
        states=(
            State("death", "H", "1", "cumulative hazard of death", sp.Integer(0)),
            State("lesions", "G", "1", "cumulative hazard of progression", sp.Integer(0)),
            State("drug", "D", "mg", "drug given", sp.Integer(0)),
        ),
        inputs=(Input("dose_rate", "r", "mg/d", "dose rate"),),
        terms=(
            Term("dying", "death", shape / scale * (time / scale) ** (shape - 1), "Weibull"),
            Term("progressing", "lesions", symbol("rate"), "constant"),
            Term("dosing", "drug", symbol("dose_rate"), "what is given"),
        ),
    )
    return OdeModel(
        "weibull",
        "Weibull",
        (alone,),
        parameters,
        trial=TrialRoles({"any cause": "death"}, new_lesions="lesions"),
        drugs=(DrugRole("drug", "sorafenib", rate_input="dose_rate"),),
    )
