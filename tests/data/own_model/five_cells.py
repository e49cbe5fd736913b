"""A model of a user's own, smaller than any of the library: five states, one drug, tried in a trial."""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.drugs import DrugRole
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.roles import TrialRoles

size, cells, drug = symbol("log_size"), symbol("cells"), symbol("drug")


def five_cells(parameters):
    """Return a tumour that grows, effector cells that kill it, a drug that slows it, and two hazards."""
    slowed = Definition(
        "slowed", "s", "1", 1 / (1 + drug / symbol("half")), "share of growth left by the drug", neutral=sp.Integer(1)
    )
    disease = Mechanism(
        "disease",
        "a tumour under attack",
        states=(
            State("log_size", "x", "1", "ln of the diameter over its start", sp.Integer(0), nonnegative=False, size=1.0),
            State("cells", "E", "1", "effector cells over their number at rest", sp.Integer(1)),
            State("drug", "D", "mg", "drug in the body", sp.Integer(0)),
            State("death", "H", "1", "cumulative hazard of death", sp.Integer(0)),
            State("lesions", "L", "1", "cumulative hazard of a new lesion", sp.Integer(0)),
        ),
        inputs=(Input("dose_rate", "r", "mg/d", "dose rate"),),
        definitions=(slowed,),
        terms=(
            Term("growth", "log_size", symbol("growth_rate") * symbol("slowed"), "growth"),
            Term("killing", "log_size", -symbol("kill_rate") * cells, "killing by effector cells"),
            Term("exhaustion", "cells", -symbol("loss_rate") * cells, "cells are lost"),
            Term("dosing", "drug", symbol("dose_rate"), "what is given"),
            Term("clearance", "drug", -symbol("elimination") * drug, "what is cleared"),
            Term("dying", "death", symbol("death_rate") * sp.exp(size), "a larger tumour kills sooner"),
            Term("spreading", "lesions", symbol("lesion_rate") * sp.exp(size), "a larger tumour spreads sooner"),
        ),
    )
    return OdeModel(
        "five_cells",
        "Five states",
        (disease,),
        parameters,
        outputs=(Definition("log_diameter", "x", "1", size, "ln of the diameter over its start"),),
        trial=TrialRoles({"the tumour": "death"}, new_lesions="lesions", log_diameter="log_diameter"),
        drugs=(DrugRole("kinase inhibitor", "sorafenib", rate_input="dose_rate"),),
        reported_courses=("log_size", "cells"),
    )
