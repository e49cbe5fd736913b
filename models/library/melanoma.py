"""Sorafenib and temozolomide in metastatic melanoma: one patient of the trial of document001.

Start with `melanoma`.  Sorafenib enters as free concentration; RAF-1 occupancy raises IL-15 receptor alpha on monocytes and in
the tumour, B-RAF (V600E) occupancy slows the tumour.  CD4+NKG2D+ cells expand where IL-15 and MICA/B come together, and kill.
"""

from collections.abc import Mapping

import sympy as sp

from kinimmune.models.mechanisms import chemotherapy, hazards, il15, kinases, nkg2d, pharmacokinetics, tumour
from kinimmune.models.symbolic.components import Definition, Mechanism, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.symbolic.roles import TrialRoles

KINASES = {"raf": "RAF", "braf_v600e": "B-RAF"}
DAYS = 360.0
"""Horizon of a course [d]: the trials give the drugs for 336 days, in twelve cycles of four weeks or sixteen of three."""
STEEPNESS = 4
"""Hill exponent of the IL-15 gate: without a threshold CD4+NKG2D+ cells follow MICA/B and survival in every arm."""
TRIAL_ROLES = TrialRoles(causes_of_death={"tumour": "death_hazard"}, new_lesions="lesion_hazard", log_diameter="log_diameter")
ALKYLATING = "alkylating_clearance"
DRUG_KINDS: Mapping[str, tuple[str, ...]] = {ALKYLATING: ()}
"""Quantity of `drugs.csv` that only drugs of a kind have -> parameters that only they need."""
REPORTED_COURSES = (
    "tumour_volume",
    "cd4_nkg2d_cells",
    "th1_effectors",
    "il15ra_monocytes",
    "soluble_mica",
    "damage",
    "concentration",
    "induction",
)


def melanoma(parameters: tuple[Parameter, ...], given: Mapping[str, tuple[str, ...]]) -> OdeModel:
    """Return the model of one patient, from the tables' rows for `melanoma` and the drugs of `DRUG_KINDS` that arms give."""
    return build(parameters, STEEPNESS, given.get(ALKYLATING, ()))


def build(parameters: tuple[Parameter, ...], steepness: int, alkylating: tuple[str, ...] = ()) -> OdeModel:
    """Return the model with another steepness of the gate, for the comparison of structures."""
    reach = symbol("kill_volume") / (symbol("kill_volume") + symbol("viable_volume"))
    mechanisms = (
        pharmacokinetics.oral_exposure(),
        kinases.occupancy(tuple(KINASES), KINASES),
        chemotherapy.temozolomide(),
        il15.trans_presentation(steepness),
        nkg2d.ligands(),
        nkg2d.cd4_nkg2d_cells(steepness),
        _cytostasis(),
        tumour.fed_tumour(
            "mL",
            killing=symbol("th1_kill") * symbol("th1_effectors") * reach,
            cytostasis=1 - symbol("braf_block"),
            apoptosis=chemotherapy.apoptosis(),
        ),
        hazards.death_by_burden(),
        hazards.new_lesions(1 - symbol("braf_block"), "new lesions need the signal of B-RAF as the old ones do", 'Λ_"N"'),
    )
    title = "Sorafenib and temozolomide in metastatic melanoma"
    return OdeModel(
        "melanoma",
        title,
        mechanisms,
        parameters,
        _outputs(steepness),
        trial=TRIAL_ROLES,
        drugs=(
            pharmacokinetics.oral_kinase_inhibitor("sorafenib", tuple(KINASES)),
            chemotherapy.alkylating_agent(ALKYLATING, alkylating),
        ),
        reported_courses=REPORTED_COURSES,
        usual_days=DAYS,
    )


def _cytostasis() -> Mechanism:
    block = Definition(
        "braf_block",
        'b_"B-RAF"',
        "1",
        symbol("braf_effect") * symbol("occupancy_braf_v600e"),
        "share of tumour growth lost to occupied B-RAF",
        neutral=sp.Integer(0),
        label="B-RAF block",
    )
    return Mechanism("cytostasis", "the drug's direct action on tumour cells", definitions=(block,))


def _outputs(steepness: int) -> tuple[Definition, ...]:
    cells, effectors = symbol("cd4_nkg2d_cells"), symbol("th1_effectors")
    rise = cells / nkg2d.untreated_cells(steepness)
    return (
        Definition(
            "rise", "N / N_0", "1", rise, "CD4+NKG2D+ cells over their number before treatment", label="Rise of CD4+NKG2D+"
        ),
        Definition("th1_fraction", "G / N", "1", effectors / cells, "Th1 effector cells per CD4+NKG2D+ cell", label="Th1 share"),
        Definition("th1_killing", "K_T", "1/d", symbol("killing"), "specific rate of tumour killing by Th1 effectors"),
        Definition("tumour_volume", "T", "mL", symbol("viable_volume"), "viable tumour volume", label="Viable tumour"),
        Definition(
            "log_diameter",
            "ln d",
            "1",
            symbol("log_volume") / 3,
            "ln of the sum of diameters over its start, volume being in proportion to the cube",
            label="ln diameter",
        ),
    )
