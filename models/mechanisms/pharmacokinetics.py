"""Exposure: from a dose rate to the free concentration of drug that kinases see.

Start with `oral_exposure`.  One compartment with a clearance that rises over months, which is how exposure to sorafenib
falls at constant dose (arrondeau2012).
"""

import sympy as sp

from kinimmune.models.model import Definition, Input, Mechanism, State, Term, symbol


def oral_exposure() -> Mechanism:
    """Return the average concentration under a constant dose rate, with induced clearance and protein binding.

    C' = dose_rate / V - CL (1 + E_ind W) C / V;  W' = k_ind (C / (C + C_ind) - W): induction follows presence of drug.
    Free drug is f_u C / M.  Absorption and the swing between doses are left out: steady peak over trough is below 2.
    """
    concentration, induction, rate = symbol("concentration"), symbol("induction"), symbol("dose_rate")
    clearance, volume = symbol("clearance"), symbol("distribution_volume")
    return Mechanism(
        name="exposure",
        reason="plasma concentration of the drug and its decline over months",
        inputs=(Input("dose_rate", 'upright("dose")', "mg/d", "amount of drug taken per day"),),
        states=(
            State("concentration", "C", "mg/L", "total plasma concentration of the drug", sp.Integer(0)),
            State("induction", "W", "1", "progress of clearance induction, 0 at the start and 1 when complete", sp.Integer(0)),
        ),
        definitions=(
            Definition(
                "clearance_induction",
                'E_"ind" W',
                "1",
                symbol("induction_strength") * induction,
                "relative rise of clearance since the start of treatment",
                neutral=sp.Integer(0),
            ),
            Definition(
                "drug_presence",
                "p_C",
                "1",
                concentration / (concentration + symbol("induction_concentration")),
                "share of the full inducing stimulus, near 1 at therapeutic concentrations",
            ),
            Definition(
                "free_concentration",
                'C_"f"',
                "nmol/L",
                symbol("unbound_fraction") * concentration / symbol("molar_mass"),
                "unbound drug, the only part that reaches kinases",
            ),
        ),
        terms=(
            Term("absorption", "concentration", rate / volume, "drug taken, averaged over the day"),
            Term(
                "elimination",
                "concentration",
                -clearance / volume * (1 + symbol("clearance_induction")) * concentration,
                "clearance, rising with induction",
            ),
            Term(
                "induction_onset",
                "induction",
                symbol("induction_rate") * (symbol("drug_presence") - induction),
                "slow adaptation of clearance to the presence of drug",
            ),
        ),
    )
