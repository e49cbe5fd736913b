"""A CDK4/6 inhibitor in mice with breast tumours: arrest, HIF-1alpha, MIF, macrophages and CD8 cells (document003).

Start with `breast`.  One occupancy of CDK4/6 by free drug acts on tumour cells, on dividing Tregs and on dividing CD8 cells;
what reaches macrophages is MIF from arrested tumour cells.
"""

from dataclasses import dataclass

import sympy as sp

from kinimmune.models.mechanisms import (
    cell_cycle,
    depletion,
    effectors,
    kinases,
    macrophages,
    mif,
    pharmacokinetics,
    tregs,
    tumour,
)
from kinimmune.models.symbolic.components import Definition, Mechanism, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter

ZERO = sp.Integer(0)
DAYS = 28.0
"""Horizon of a course [d]: tumours are implanted at day 0 and treated up to day 28, when they are read."""


def breast(parameters: tuple[Parameter, ...]) -> OdeModel:
    """Return the model of one mouse from implantation on, from the tables' rows for `breast`."""
    volume = symbol("initial_volume")
    start = _untreated(volume, mif.kept_mif())
    reference = _untreated(symbol("reference_volume"), sp.Integer(1))
    mechanisms = (
        pharmacokinetics.averaged_exposure(),
        kinases.occupancy(("cdk46",), {"cdk46": "CDK4/6"}),
        cell_cycle.g1_s_control(),
        mif.hif_and_mif(volume),
        macrophages.m1_and_m2(start.macrophages),
        macrophages.m1_action((start.presentation, start.factors), reference.macrophages[0]),
        tregs.tumour_antigen("A_T"),
        tregs.treg_numbers(tregs.antigen(volume), _treg_block()),
        pharmacokinetics.pd1_antibody(),
        effectors.effector_t_cells(start.effectors, None, _coupling()),
        _division_block(),
        depletion.depletion("cd8", "CD8", "E", ("effector_cells", "pd1_cells")),
        depletion.depletion("macrophage", "Macrophage", "M", ("m1", "m2")),
        tumour.fed_tumour("mm^3", _killing(reference), symbol("division_activity"), None),
    )
    return OdeModel(
        "breast", "CDK4/6 inhibition in mice with breast tumours", mechanisms, parameters, _outputs(), usual_days=DAYS
    )


@dataclass(frozen=True)
class _Untreated:
    """Immune cells at rest in an untreated tumour."""

    macrophages: tuple[sp.Expr, sp.Expr]
    """M1 and M2"""
    presentation: sp.Expr
    factors: sp.Expr
    effectors: tuple[sp.Expr, sp.Expr]
    """Functional and PD-1+ CD8 cells"""
    activity: sp.Expr
    """Functional cells times what Tregs leave of their function"""


def _reference_macrophages() -> tuple[sp.Expr, sp.Expr]:
    volume = symbol("reference_volume")
    return macrophages.untreated_macrophages(volume, mif.untreated_signal(volume, sp.Integer(1)))


def _untreated(volume: sp.Expr, kept_mif: sp.Expr) -> _Untreated:
    antigen, signal = tregs.antigen(volume), mif.untreated_signal(volume, kept_mif)
    m1, m2 = macrophages.untreated_macrophages(volume, signal)
    presented = macrophages.untreated_presentation(m1, signal)
    factors = macrophages.untreated_factors(m1, presented, _reference_macrophages()[0])
    recruited = macrophages.recruitment_factor(factors) * macrophages.m2_brake(m2)
    suppressed = tregs.suppression(tregs.untreated_number(antigen), sp.Integer(1))
    coupling = effectors.Coupling(priming=presented * recruited, division=presented)
    cells = effectors.untreated_effectors(antigen, suppressed, coupling)
    return _Untreated((m1, m2), presented, factors, cells, cells[0] * suppressed)


def _coupling() -> effectors.Coupling:
    presented = symbol("presentation")
    return effectors.pd1_blockade(
        effectors.Coupling(
            priming=presented * symbol("factor_recruitment") * symbol("m2_suppression"),
            division=presented * (1 - symbol("cd8_division_block")),
        )
    )


def _treg_block() -> Definition:
    blocked = symbol("treg_proliferation_effect") * symbol("occupancy_cdk46")
    return Definition("treg_proliferation_block", 'b_"prol"', "1", blocked, "Treg division lost to CDK4/6 inhibition", ZERO)


def _division_block() -> Mechanism:
    blocked = symbol("cd8_division_effect") * symbol("occupancy_cdk46")
    definition = Definition(
        "cd8_division_block", "b_E", "1", blocked, "CD8 division lost to CDK4/6 inhibition", ZERO, label="CD8 division block"
    )
    return Mechanism("cd8_cell_cycle", "CD8 cells need CDK4/6 to divide too", definitions=(definition,), label="CD8 cell cycle")


def _killing(reference: _Untreated) -> sp.Expr:
    """Return killing by CD8 cells, relative to the untreated activity at the reference volume, and by M1."""
    by_cd8 = symbol("kill_rate") * symbol("effector_cells") * symbol("treg_suppression") / reference.activity
    by_m1 = symbol("m1_kill_rate") * symbol("m1") / reference.macrophages[0]
    half = symbol("kill_saturation")
    return (by_cd8 + by_m1) * (half + symbol("reference_volume")) / (half + symbol("viable_volume"))


def _outputs() -> tuple[Definition, ...]:
    functional, exhausted, m1, m2 = (symbol(name) for name in ("effector_cells", "pd1_cells", "m1", "m2"))
    return (
        Definition("tumour_volume", "T", "mm^3", tumour.viable_volume(), "tumour volume"),
        Definition(
            "g1_s_activity", "D", "1", symbol("division_activity"), "entry into S phase over untreated", label="G1/S activity"
        ),
        Definition("m1_fraction", "M_1 / (M_1 + M_2)", "1", m1 / (m1 + m2), "M1 share of macrophages", label="M1 share"),
        Definition("repolarisation", "k_21 φ M_2", "1/d", symbol("m2_to_m1_rate") * symbol("mif_signal") * m2, "M2 that turn M1"),
        Definition("mif_signalling", "φ", "1", symbol("mif_signal"), "signal of MIF through CD44/CD74", label="MIF signalling"),
        Definition("cd8_cells", "E + X", "1", functional + exhausted, "all CD8 cells", label="CD8 T cells"),
        Definition(
            "functional_fraction",
            "E / (E + X)",
            "1",
            functional / (functional + exhausted),
            "CD8 cells without PD-1",
            label="Functional share of CD8",
        ),
        Definition("growth_room", "T / K", "1", tumour.viable_volume() / symbol("vascular_capacity"), "tumour over capacity"),
    )
