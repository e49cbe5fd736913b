"""Sorafenib in mice with and without liver tumours (document000): Tregs, CD8 cells and the tumour under daily gavage.

Start with `hcc_mouse`.  A mouse without a tumour is the same model with `initial_volume` 0.  The drug enters as free
concentration: RAF-1 occupancy acts on tumour cells, VEGFR-2 and PDGFR-beta occupancy on vessels, VEGFR-2 on PD-1 of CD8 cells,
the Treg kinase (FLT-3) on Tregs, and the concentration itself on priming and division of CD8 cells.
"""

import sympy as sp

from kinimmune.models.mechanisms import angiogenesis, depletion, effectors, kinases, mapk, pharmacokinetics, tregs, tumour
from kinimmune.models.symbolic.components import Definition, Mechanism, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter

KINASES = {"raf": "RAF", "vegfr2": "VEGFR-2", "pdgfrb": "PDGFR-β", "treg": "FLT-3"}
DAYS = 28.0
"""Horizon of a course [d]: tumours are implanted at day 0 and treated up to day 28, when they are read."""
BASAL = symbol("basal_priming")
NONE, FULL = sp.Integer(0), sp.Integer(1)
"""Antigen signal before the tumour is implanted, at which T cells rest at day 0, and that of a large tumour."""


def hcc_mouse(parameters: tuple[Parameter, ...]) -> OdeModel:
    """Return the model of one mouse, from the tables' rows for `hcc_mouse`."""
    naive = BASAL * _resting_suppression(NONE) / symbol("effector_death")
    mechanisms = (
        pharmacokinetics.daily_gavage(),
        pharmacokinetics.pd1_antibody(),
        kinases.occupancy(tuple(KINASES), KINASES),
        mapk.raf_mek_erk(resistant=sp.Integer(0)),
        angiogenesis.angiogenic_capacity("uL", angiogenesis.vessel_blocks()),
        _signals(),
        tregs.regulatory_t_cells(NONE),
        tregs.division_marker(NONE),
        tregs.conventional_t_cells(),
        tregs.hypoxic_recruitment(),
        effectors.effector_t_cells((naive, NONE), effectors.vegf_pd1_block(), _coupling()),
        depletion.depletion("cd8", "CD8", "E", ("effector_cells", "pd1_cells")),
        tumour.fed_tumour("uL", _killing(), symbol("cyclin_d1"), tumour.erk_apoptosis()),
    )
    return OdeModel("hcc_mouse", "Sorafenib in mice with liver tumours", mechanisms, parameters, _outputs(), usual_days=DAYS)


def _signals() -> Mechanism:
    definitions = (tregs.antigen_signal(), *effectors.concentration_effects())
    return Mechanism("signals", "what T cells see of tumour and drug", definitions=definitions)


def _coupling() -> effectors.Coupling:
    drug = symbol("drug_stimulation") * symbol("drug_inhibition")
    held = symbol("pd1_occupancy")
    return effectors.Coupling(
        basal=BASAL * drug,
        priming=drug,
        division=drug,
        induction=1 - held,
        recovery=1 + symbol("antibody_recovery_gain") * held,
    )


def _killing() -> sp.Expr:
    """Return killing relative to what CD8 cells at rest under full antigen do, since their density has no unit of its own."""
    saturation = symbol("kill_saturation")
    crowded = saturation / (saturation + symbol("viable_volume"))
    active = _active(symbol("effector_cells"), symbol("pd1_cells")) * symbol("treg_suppression")
    return symbol("immune_kill") * crowded * active / (_active(*_untreated(FULL)) * _resting_suppression(FULL))


def _active(functional: sp.Expr, exhausted: sp.Expr) -> sp.Expr:
    return functional + symbol("exhausted_killing") * exhausted


def _untreated(signal: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    return effectors.untreated_effectors(signal, _resting_suppression(signal), effectors.Coupling(basal=BASAL))


def _resting_suppression(signal: sp.Expr) -> sp.Expr:
    return tregs.suppression(tregs.untreated_number(signal), sp.Integer(1))


def _outputs() -> tuple[Definition, ...]:
    regulatory, conventional = symbol("treg_number"), symbol("conventional_cells")
    functional, exhausted = symbol("effector_cells"), symbol("pd1_cells")
    cd8 = functional + exhausted
    return (
        Definition(
            "tumour_volume", "T", "uL", tumour.viable_volume(), "viable tumour volume, 1 uL = 1 mm^3", label="Viable tumour"
        ),
        Definition(
            "treg_fraction",
            "R / (R + H)",
            "1",
            regulatory / (regulatory + conventional),
            "share of Tregs among CD4 cells",
            label="Tregs among CD4",
        ),
        Definition(
            "annexin_fraction", 'm_"annexin"', "1", tregs.apoptosis_marker(), "annexin+ share of Tregs", label="Annexin+ Tregs"
        ),
        Definition(
            "suppression_assay", 'q_"assay"', "1", tregs.suppression_assay(), "suppression in culture, equal number of Tregs"
        ),
        Definition("cd8_cells", "E + X", "1", cd8, "all CD8 cells", label="CD8 T cells"),
        Definition("pd1_fraction", "X / (E + X)", "1", exhausted / cd8, "PD-1+ share of CD8 cells", label="PD-1+ share of CD8"),
        Definition(
            "functional_fraction",
            "E / (E + X)",
            "1",
            functional / cd8,
            "functional share of CD8 cells",
            label="Functional share of CD8",
        ),
        Definition("cd8_to_treg", "(E + X) / R", "1", cd8 / regulatory, "CD8 cells per Treg", label="CD8 per Treg"),
        Definition(
            "effector_activity",
            "E q",
            "1",
            functional * symbol("treg_suppression"),
            "functional CD8 cells times what Tregs leave of their function",
        ),
    )
