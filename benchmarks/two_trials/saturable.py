"""A toy for drawn trials on different regimens: drug in plasma, ln of a tumour, and a hazard that grows with it.

Start with `saturable`.  The effect of the drug saturates, so that the same amount acts differently as a rate and in doses.
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.drugs import DrugRole
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.symbolic.roles import TrialRoles


def saturable(parameters: tuple[Parameter, ...]) -> OdeModel:
    """Return C' = rate/V - CL C/V, L' = g - k C/(C + h), H' = h_0 exp(b L); diameters go with exp(L/3)."""
    concentration, burden = symbol("concentration"), symbol("log_burden")
    exposure = Mechanism(
        name="exposure",
        reason="one compartment",
        inputs=(Input("dose_rate", "R", "mg/d", "amount of drug given per day"),),
        states=(State("concentration", "C", "mg/L", "drug in plasma", sp.Integer(0), label="Drug in plasma"),),
        terms=(
            Term("infusion", "concentration", symbol("dose_rate") / symbol("volume"), "drug given at a rate"),
            Term("elimination", "concentration", -symbol("clearance") / symbol("volume") * concentration, "clearance"),
        ),
    )
    growth = Mechanism(
        name="growth",
        reason="exponential growth, and killing that saturates",
        states=(State("log_burden", "L", "1", "ln of the volume over the first", sp.Integer(0), nonnegative=False),),
        terms=(
            Term("division", "log_burden", symbol("growth"), "growth"),
            Term(
                "killing",
                "log_burden",
                -symbol("kill") * concentration / (concentration + symbol("half_concentration")),
                "killing by the drug",
            ),
        ),
    )
    death = Mechanism(
        name="death",
        reason="the hazard grows with the tumour",
        states=(State("cumulative_hazard", "H", "1", "cumulative hazard of death", sp.Integer(0)),),
        terms=(Term("dying", "cumulative_hazard", symbol("baseline_hazard") * sp.exp(burden / 2), "hazard of death"),),
    )
    return OdeModel(
        "saturable",
        "Toy of a drug whose effect saturates",
        (exposure, growth, death),
        parameters,
        outputs=(Definition("log_diameter", "D", "1", burden / 3, "ln of the sum of diameters over the first"),),
        trial=TrialRoles({"disease": "cumulative_hazard"}, None, "log_diameter"),
        drugs=(DrugRole("inhibitor", "toydrug", rate_input="dose_rate", dose_state="concentration", dose_volume="volume"),),
        reported_courses=("concentration", "log_burden"),
    )
