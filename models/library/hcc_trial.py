"""Sorafenib in advanced hepatocellular carcinoma: one patient of the SHARP or Asia-Pacific trial (document002).

Start with `hcc_trial`.  The drug enters as free concentration; RAF-1 occupancy acts on tumour cells, VEGFR-2 and PDGFR-beta
occupancy on vessels, VEGFR-2 on PD-1 of effector cells and the Treg kinase (FLT-3) on Tregs.
"""

import sympy as sp

from kinimmune.models.mechanisms import angiogenesis, effectors, hazards, kinases, mapk, pharmacokinetics, tregs, tumour
from kinimmune.models.model import Definition, Mechanism, OdeModel, symbol
from kinimmune.models.parameters import Parameter

KINASES = {"raf": "RAF", "vegfr2": "VEGFR-2", "pdgfrb": "PDGFR-β", "treg": "FLT-3"}


def hcc_trial(parameters: tuple[Parameter, ...]) -> OdeModel:
    """Return the model of one patient, from the tables' rows for `hcc_trial`."""
    start = tregs.antigen(symbol("initial_volume"))
    reference = tregs.antigen(symbol("reference_volume"))
    cells = symbol("effector_cells") * symbol("treg_suppression")
    mechanisms = (
        pharmacokinetics.oral_exposure(),
        kinases.occupancy(tuple(KINASES), KINASES),
        mapk.resistance(),
        mapk.raf_mek_erk(),
        angiogenesis.vascular_support(),
        _antigen(),
        tregs.regulatory_t_cells(start),
        effectors.effector_t_cells(_untreated(start), effectors.vegf_pd1_block()),
        tumour.tumour(cells, _untreated(reference)[0] * _suppression(reference)),
        hazards.liver_reserve(),
        hazards.death(),
        hazards.new_lesions(),
    )
    return OdeModel("hcc_trial", "Sorafenib in advanced hepatocellular carcinoma", mechanisms, parameters, _outputs())


def _untreated(signal: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    return effectors.untreated_effectors(signal, _suppression(signal))


def _suppression(signal: sp.Expr) -> sp.Expr:
    return tregs.suppression(tregs.untreated_number(signal), sp.Integer(1))


def _antigen() -> Mechanism:
    signal = Definition(
        "antigen_signal",
        "A",
        "1",
        tregs.antigen(symbol("viable_volume")),
        "antigen released by the tumour, saturating",
    )
    return Mechanism("antigen", "tumour volume decides how much antigen T cells see", definitions=(signal,))


def _outputs() -> tuple[Definition, ...]:
    functional, exhausted = symbol("effector_cells"), symbol("pd1_cells")
    return (
        Definition("log_diameter", "ln d", "1", tumour.log_diameter(), "ln of the sum of diameters over its start"),
        Definition("division", "π", "1/d", symbol("proliferation"), "rate at which tumour cells divide"),
        Definition("apoptosis_of_tumour", "a", "1/d", symbol("drug_apoptosis"), "rate at which the drug kills tumour cells"),
        Definition("pd1_fraction", "X / (E + X)", "1", exhausted / (functional + exhausted), "PD-1+ share of CD8 cells"),
        Definition("tumour_volume", "T", "mL", tumour.viable_volume(), "viable tumour volume"),
        Definition(
            "effector_activity",
            "E q",
            "1",
            functional * symbol("treg_suppression"),
            "functional effector cells times what Tregs leave of their function",
        ),
        Definition("death_hazard", "Λ", "1", symbol("tumour_hazard") + symbol("liver_hazard"), "cumulative hazard of death"),
    )
