"""Exposure: from doses to the free concentration of drug that kinases see, and the antibody that holds PD-1.

Start with `oral_exposure` (patients, an average over the day): one compartment with a clearance that rises over months, which is
how exposure to sorafenib falls at constant dose (arrondeau2012).  `daily_gavage` (mice) keeps the peaks of single doses.
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.drugs import DrugRole


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
            State("concentration", "C", "mg/L", "total plasma concentration of the drug", sp.Integer(0), label="Drug in plasma"),
            State(
                "induction",
                "W",
                "1",
                "progress of clearance induction, 0 at the start and 1 when complete",
                sp.Integer(0),
                label="Progress of induction",
            ),
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
            _free_concentration(),
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


def oral_kinase_inhibitor(drug: str, kinases: tuple[str, ...]) -> DrugRole:
    """Return where a kinase inhibitor is given in a model with `oral_exposure`, and which parameters are its properties.

    Parameters
    ----------
    drug
        whose properties the parameters have
    kinases
        short names, as `kinimmune.models.mechanisms.kinases.occupancy` takes them
    """
    own = ("clearance", "distribution_volume", "induction_strength", "induction_rate", "induction_concentration")
    return DrugRole(
        name="kinase inhibitor",
        drug=drug,
        rate_input="dose_rate",
        dose_state="concentration",
        dose_volume="distribution_volume",
        properties={name: name for name in (*own, "unbound_fraction", "molar_mass")},
        kinases=kinases,
    )


def daily_gavage() -> Mechanism:
    """Return the course after single oral doses, each added to the state `gut_drug` [mg/kg], with absorption that saturates.

    A' = -v A / (A_50 + A) - k_G A;  C' = v A / (A_50 + A) / V - k_e C.  Transit k_G competes with absorption, so that a large
    dose is absorbed in part only: exposure rises less than the dose.
    """
    gut, concentration = symbol("gut_drug"), symbol("concentration")
    absorbed = symbol("absorption_capacity") * gut / (symbol("absorption_half") + gut)
    return Mechanism(
        name="exposure",
        reason="plasma concentration of the drug between daily doses",
        states=(
            State("gut_drug", "A", "mg/kg", "drug in the gut, not yet absorbed", sp.Integer(0), label="Drug in the gut"),
            State("concentration", "C", "mg/L", "total plasma concentration of the drug", sp.Integer(0), label="Drug in plasma"),
        ),
        definitions=(_free_concentration(),),
        terms=(
            Term("absorption", "gut_drug", -absorbed, "uptake from the gut, limited by dissolution"),
            Term("absorption", "concentration", absorbed / symbol("distribution_volume"), "uptake from the gut"),
            Term("gut_transit_loss", "gut_drug", -symbol("gut_transit") * gut, "drug that leaves with the faeces"),
            Term("elimination", "concentration", -symbol("elimination_rate") * concentration, "metabolism"),
        ),
    )


def averaged_exposure() -> Mechanism:
    """Return C' = dose_rate / V - CL C / V: one compartment, dose per weight averaged over the day, constant clearance."""
    concentration, volume = symbol("concentration"), symbol("distribution_volume")
    return Mechanism(
        name="exposure",
        reason="plasma concentration of the drug, averaged over the day",
        inputs=(Input("dose_rate", 'upright("dose")', "mg/kg/d", "amount of drug given per weight and day"),),
        states=(
            State("concentration", "C", "mg/L", "total plasma concentration of the drug", sp.Integer(0), label="Drug in plasma"),
        ),
        definitions=(_free_concentration(),),
        terms=(
            Term("absorption", "concentration", symbol("dose_rate") / volume, "drug taken, averaged over the day"),
            Term("elimination", "concentration", -symbol("clearance") / volume * concentration, "clearance"),
        ),
    )


def pd1_antibody(elimination: sp.Expr | None = None, volume: sp.Expr | None = None) -> Mechanism:
    """Return a PD-1 antibody, doses added to `antibody` [mg/L], and the share of PD-1 it holds, omega = Ab / (Ab + K_Ab).

    Parameters
    ----------
    elimination
        rate of elimination [1/d]; the parameter `antibody_elimination` when None
    volume
        it is infused into [L], at the input `antibody_rate` [mg/d]; no infusion is taken when None
    """
    antibody, rate = symbol("antibody"), symbol("antibody_elimination") if elimination is None else elimination
    given: tuple[Input, ...] = ()
    infusion: tuple[Term, ...] = ()
    if volume is not None:
        given = (Input("antibody_rate", 'upright("Ab")', "mg/d", "amount of antibody infused per day", label="Antibody infused"),)
        infusion = (Term("antibody_infusion", "antibody", symbol("antibody_rate") / volume, "infusion into a vein"),)
    return Mechanism(
        name="pd1_antibody",
        label="PD-1 antibody",
        reason="an antibody keeps PD-1 from its ligand",
        inputs=given,
        states=(
            State(
                "antibody", '"Ab"', "mg/L", "plasma concentration of the antibody to PD-1", sp.Integer(0), label="PD-1 antibody"
            ),
        ),
        definitions=(
            Definition(
                "pd1_occupancy",
                "ω",
                "1",
                antibody / (antibody + symbol("antibody_half")),
                "share of PD-1 held by antibody",
                neutral=sp.Integer(0),
                label="PD-1 occupancy",
            ),
        ),
        terms=(*infusion, Term("antibody_elimination", "antibody", -rate * antibody, "catabolism, first order")),
    )


def _free_concentration() -> Definition:
    return Definition(
        "free_concentration",
        'C_"f"',
        "nmol/L",
        symbol("unbound_fraction") * symbol("concentration") / symbol("molar_mass"),
        "unbound drug, the only part that reaches kinases",
        label="Free drug",
    )
