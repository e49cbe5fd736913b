"""Sorafenib in advanced hepatocellular carcinoma: one patient of the SHARP or Asia-Pacific trial (document002).

Start with `hcc_trial`.  The drug enters as free concentration; RAF-1 occupancy acts on tumour cells, VEGFR-2 and PDGFR-beta
occupancy on vessels, VEGFR-2 on PD-1 of effector cells and the Treg kinase (FLT-3) on Tregs.
"""

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from kinimmune.models.mechanisms import angiogenesis, effectors, hazards, kinases, mapk, pharmacokinetics, tregs, tumour
from kinimmune.models.symbolic.components import Definition, Mechanism, symbol
from kinimmune.models.symbolic.drugs import DrugRole
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.symbolic.roles import TrialRoles

KINASES = {"raf": "RAF", "vegfr2": "VEGFR-2", "pdgfrb": "PDGFR-β", "treg": "FLT-3"}

DAYS = 360.0
"""Horizon of a course [d]: a year of the patient, beyond the median survival in every arm of both trials."""
IMMUNE_PARTS = ("antigen", "tregs", "suppression", "effectors", "pd1")
REFERENCE_PARTS = IMMUNE_PARTS[:-1]
"""Killing is stated in effector cells and what Tregs leave of their function; PD-1+ cells do not kill."""

DIAMETER_ERROR, LESION_BURDEN = "diameter_error", "lesion_burden"
"""Parameters that tables of before do not have."""
TRIAL_ROLES = TrialRoles(
    causes_of_death={"tumour": "tumour_hazard", "liver failure": "liver_hazard"},
    new_lesions="lesion_hazard",
    log_diameter="log_diameter",
)
KINASE_INHIBITOR = pharmacokinetics.oral_kinase_inhibitor("sorafenib", tuple(KINASES))
PD1_ANTIBODY = "pd1_half_occupancy"
DRUG_KINDS: Mapping[str, tuple[str, ...]] = {
    PD1_ANTIBODY: (
        "antibody_clearance",
        "antibody_volume",
        "antibody_half",
        "blockade_effect",
        "blockade_recovery",
        "body_weight",
    )
}
"""Quantity of `drugs.csv` that only drugs of a kind have -> parameters that the model has only where an arm gives one."""
REPORTED_COURSES = (
    "tumour_volume",
    "treg_number",
    "treg_function",
    "effector_cells",
    "pd1_cells",
    "pd1_fraction",
    "phospho_erk",
    "cyclin_d1",
    "vascular_support",
    "concentration",
    "resistance",
    "liver_reserve",
)


def hcc_trial(parameters: tuple[Parameter, ...], given: Mapping[str, tuple[str, ...]]) -> OdeModel:
    """Return the model of one patient, from the tables' rows for `hcc_trial` and the drugs of `DRUG_KINDS` that arms give.

    How well diameters are read is a parameter; tables of before, which lack its row, have the number of `design.csv`.  Where they
    lack `lesion_burden`, new lesions add nothing to the risk of death.

    An antibody to PD-1 joins it where an arm gives one: it keeps effector cells from turning PD-1+ and lets those that are
    recover, as in mice with breast tumours (document003); that sorafenib prepares for it is what document000 suggests.
    """
    antibodies = given.get(PD1_ANTIBODY, ())
    known = {item.name for item in parameters}
    cells = symbol("effector_cells") * symbol("treg_suppression")
    mechanisms = (
        pharmacokinetics.oral_exposure(),
        kinases.occupancy(tuple(KINASES), KINASES),
        mapk.resistance(),
        mapk.raf_mek_erk(),
        angiogenesis.vascular_support(),
        tregs.tumour_antigen(),
        untreated_state("start", "0", symbol("initial_volume")),
        untreated_state("reference", "ref", symbol("reference_volume"), REFERENCE_PARTS),
        tregs.regulatory_t_cells(symbol("start_antigen")),
        *(_pd1_antibody() if antibodies else ()),
        effectors.effector_t_cells(
            (symbol("start_effectors"), symbol("start_pd1")),
            effectors.vegf_pd1_block(),
            effectors.pd1_blockade() if antibodies else None,
        ),
        tumour.tumour(cells, symbol("reference_effectors") * symbol("reference_suppression")),
        hazards.liver_reserve(),
        hazards.death(burden_of_lesions=LESION_BURDEN in known),
        hazards.new_lesions(
            symbol("cyclin_d1") * symbol("vascular_support"), "new lesions need proliferation and vessels as the old ones do"
        ),
    )
    return OdeModel(
        "hcc_trial",
        "Sorafenib in advanced hepatocellular carcinoma",
        mechanisms,
        parameters,
        _outputs(),
        trial=replace(TRIAL_ROLES, reading_error=DIAMETER_ERROR if DIAMETER_ERROR in known else None),
        drugs=(KINASE_INHIBITOR, *(_antibody_role(antibodies) if antibodies else ())),
        reported_courses=(*REPORTED_COURSES, *(("antibody",) if antibodies else ())),
        usual_days=DAYS,
    )


def _pd1_antibody() -> tuple[Mechanism, ...]:
    volume = symbol("antibody_volume")
    return (pharmacokinetics.pd1_antibody(symbol("antibody_clearance") / volume, volume),)


def _antibody_role(antibodies: tuple[str, ...]) -> tuple[DrugRole, ...]:
    own = "pembrolizumab"
    return (
        DrugRole(
            name="antibody to PD-1",
            drug=own,
            rate_input="antibody_rate",
            dose_state="antibody",
            dose_volume="antibody_volume",
            properties={
                "clearance": "antibody_clearance",
                "distribution_volume": "antibody_volume",
                PD1_ANTIBODY: "antibody_half",
            },
            others=tuple(drug for drug in antibodies if drug != own),
        ),
    )


def untreated_state(name: str, printed: str, volume: sp.Expr, parts: tuple[str, ...] = IMMUNE_PARTS) -> Mechanism:
    """Return the immune state that rests, untreated, under a tumour of a volume: antigen, Tregs and effector cells.

    Parameters
    ----------
    name
        prefix of the definitions, such as `start`
    printed
        their subscript in equations
    volume
        tumour volume, an expression in parameters
    parts
        the definitions that are wanted
    """
    signal, suppressed = symbol(f"{name}_antigen"), symbol(f"{name}_suppression")
    functional, exhausted = effectors.untreated_effectors(signal, suppressed)
    left = tregs.suppression(symbol(f"{name}_tregs"), sp.Integer(1))
    rows = (
        ("antigen", f'A_"{printed}"', tregs.antigen(volume), "antigen signal", "Antigen signal"),
        ("tregs", f'R_"{printed}"', tregs.untreated_number(signal), "Tregs at rest", "Tregs"),
        ("suppression", f'q_"{printed}"', left, "factor they leave", "Treg suppression"),
        ("effectors", f'E_"{printed}"', functional, "functional effector cells at rest", "Effector CD8 T cells"),
        ("pd1", f'X_"{printed}"', exhausted, "PD-1+ cells at rest", "PD-1+ CD8 T cells"),
    )
    definitions = tuple(
        Definition(f"{name}_{part}", symbol_, "1", value, reason, label=f"{label}, {name}")
        for part, symbol_, value, reason, label in rows
        if part in parts
    )
    return Mechanism(
        f"untreated_{name}", f"immune state at rest under the {name} volume", definitions=definitions, label=f"Untreated, {name}"
    )


def _outputs() -> tuple[Definition, ...]:
    functional, exhausted = symbol("effector_cells"), symbol("pd1_cells")
    return (
        Definition(
            "log_diameter", "ln d", "1", tumour.log_diameter(), "ln of the sum of diameters over its start", label="ln diameter"
        ),
        Definition("division", "π", "1/d", symbol("proliferation"), "rate at which tumour cells divide", label="Division rate"),
        Definition("apoptosis_of_tumour", "a", "1/d", symbol("drug_apoptosis"), "rate at which the drug kills tumour cells"),
        Definition(
            "pd1_fraction",
            "X / (E + X)",
            "1",
            exhausted / (functional + exhausted),
            "PD-1+ share of CD8 cells",
            label="PD-1+ share of CD8",
        ),
        Definition("tumour_volume", "T", "mL", tumour.viable_volume(), "viable tumour volume", label="Viable tumour"),
        Definition(
            "effector_activity",
            "E q",
            "1",
            functional * symbol("treg_suppression"),
            "functional effector cells times what Tregs leave of their function",
        ),
        Definition(
            "death_hazard",
            "Λ",
            "1",
            symbol("tumour_hazard") + symbol("liver_hazard"),
            "cumulative hazard of death",
            label="Hazard of death",
        ),
    )
