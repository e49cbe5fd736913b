"""NKG2D: its ligands MICA/B on the tumour and shed, and the CD4+NKG2D+ T cells that need both it and IL-15.

Start with `cd4_nkg2d_cells`.  Supply needs neither signal; expansion and Th1 polarisation need IL-15 AND the trigger.
"""

import sympy as sp

from kinimmune.models.mechanisms import il15
from kinimmune.models.mechanisms.steady_state import steady_state
from kinimmune.models.symbolic.components import Definition, Mechanism, State, Term, symbol

ONE = sp.Integer(1)


def untreated_ligand() -> sp.Expr:
    """Return MICA/B on tumour cells before treatment: m k_M / (k_M + k_s)."""
    turnover = symbol("mica_turnover")
    return symbol("mica_expression") * turnover / (turnover + symbol("shedding_rate"))


def untreated_shed() -> sp.Expr:
    """Return soluble MICA/B before treatment, release balanced by clearance."""
    return symbol("shed_release") * untreated_ligand() * symbol("initial_volume") / symbol("reference_volume")


def contact(volume: sp.Expr) -> sp.Expr:
    """Return T / (T + h_c), how much of the blood's T cells meet tumour."""
    return volume / (volume + symbol("contact_volume"))


def trigger(ligand: sp.Expr) -> sp.Expr:
    """Return M / (M + K_M), NKG2D engaged by a tumour cell."""
    return ligand / (ligand + symbol("mica_half"))


def down_modulation(shed: sp.Expr) -> sp.Expr:
    """Return 1 / (1 + S / K_S), NKG2D that shed ligand leaves on T cells."""
    return 1 / (1 + shed / symbol("soluble_half"))


def untreated_both(steepness: int) -> sp.Expr:
    """Return gate times trigger before treatment."""
    met = contact(symbol("initial_volume")) * trigger(untreated_ligand()) * down_modulation(untreated_shed())
    return il15.open_gate(ONE, steepness) * met


def untreated_cells(steepness: int) -> sp.Expr:
    """Return CD4+NKG2D+ cells at which the untreated pool rests [1/uL].

    The positive root of s + p b N (1 - N / N_max) - d N with b gate times trigger.
    """
    gain = symbol("cell_expansion") * untreated_both(steepness)
    return steady_state(symbol("cell_supply"), gain, symbol("cell_death"), 1 / symbol("cell_capacity"))


def untreated_th1(steepness: int) -> sp.Expr:
    """Return Th1 effector cells before treatment [1/uL], the share of cells that meets both signals."""
    return untreated_both(steepness) * untreated_cells(steepness)


def ligands() -> Mechanism:
    """Return MICA/B on tumour cells and shed: M' = k_M [m (1 + e_M a) - M] - k_s M;  S' = d_S (r M T / T_ref - S).

    a is the damage response, `damage_response`, of a model's chemotherapy.
    """
    bound, shed = symbol("membrane_mica"), symbol("soluble_mica")
    turnover, shedding = symbol("mica_turnover"), symbol("shedding_rate")
    released = symbol("shed_release") * bound * symbol("viable_volume") / symbol("reference_volume")
    return Mechanism(
        name="mica",
        label="MICA/B",
        reason="stressed tumour cells show MICA/B and lose it into blood",
        states=(
            State(
                "membrane_mica", "M", "1", "MICA/B on tumour cells, relative", untreated_ligand(), label="MICA/B on the tumour"
            ),
            State("soluble_mica", "S", "1", "soluble MICA/B in serum, relative", untreated_shed(), label="Soluble MICA/B"),
        ),
        definitions=(
            Definition("tumour_contact", "c", "1", contact(symbol("viable_volume")), "share of T cells that meet tumour"),
            Definition(
                "nkg2d_down_modulation",
                "q_S",
                "1",
                down_modulation(shed),
                "NKG2D that shed ligand leaves on T cells",
                neutral=ONE,
                label="NKG2D down-modulation",
            ),
            Definition(
                "nkg2d_trigger",
                "τ",
                "1",
                symbol("tumour_contact") * trigger(bound) * symbol("nkg2d_down_modulation"),
                "NKG2D engaged by MICA/B",
                neutral=sp.Integer(0),
                label="NKG2D trigger",
            ),
        ),
        terms=(
            Term(
                "mica_synthesis",
                "membrane_mica",
                turnover * symbol("mica_expression") * (1 + symbol("mica_damage_gain") * symbol("damage_response")),
                "expression, raised by DNA damage",
                label="MICA/B synthesis",
            ),
            Term(
                "mica_internalisation",
                "membrane_mica",
                -turnover * bound,
                "turnover at the membrane",
                label="MICA/B internalisation",
            ),
            Term("mica_shedding", "membrane_mica", -shedding * bound, "cleavage from the membrane", label="MICA/B shedding"),
            Term(
                "mica_release",
                "soluble_mica",
                symbol("soluble_clearance") * released,
                "shed ligand reaches blood in proportion to tumour",
                label="MICA/B release",
            ),
            Term(
                "soluble_mica_clearance",
                "soluble_mica",
                -symbol("soluble_clearance") * shed,
                "clearance from blood",
                label="Clearance of soluble MICA/B",
            ),
        ),
    )


def cd4_nkg2d_cells(steepness: int) -> Mechanism:
    """Return CD4+NKG2D+ cells N in blood and their Th1 effectors G, from rest.

    N' = s + p gate trigger N (1 - N / N_max) - d N - l N;  G' = k_G (gate trigger N - G); l is `lymphocyte_kill`.

    Parameters
    ----------
    steepness
        Hill exponent of the IL-15 gate, for the state of rest
    """
    cells, effectors = symbol("cd4_nkg2d_cells"), symbol("th1_effectors")
    both = symbol("il15_gate") * symbol("nkg2d_trigger")
    division = symbol("cell_expansion") * both * cells * (1 - cells / symbol("cell_capacity"))
    return Mechanism(
        name="cd4_nkg2d",
        label="CD4+NKG2D+ T cells",
        reason="CD4+NKG2D+ cells divide and turn Th1 where IL-15 and NKG2D ligands come together",
        states=(
            State(
                "cd4_nkg2d_cells",
                "N",
                "1/uL",
                "CD4+NKG2D+ T cells in blood",
                untreated_cells(steepness),
                label="CD4+NKG2D+ T cells",
            ),
            State("th1_effectors", "G", "1/uL", "Th1 effector cells among them", untreated_th1(steepness), label="Th1 effectors"),
        ),
        terms=(
            Term(
                "cell_supply_flow",
                "cd4_nkg2d_cells",
                symbol("cell_supply"),
                "entry that needs neither signal",
                label="Cell supply",
            ),
            Term("cell_division", "cd4_nkg2d_cells", division, "division on IL-15 AND NKG2D, limited by space"),
            Term("cell_loss", "cd4_nkg2d_cells", -symbol("cell_death") * cells, "death"),
            Term("lymphopenia", "cd4_nkg2d_cells", -symbol("lymphocyte_kill") * cells, "lymphocytes lost to chemotherapy"),
            Term("th1_polarisation", "th1_effectors", symbol("th1_rate") * both * cells, "cells that meet both signals turn Th1"),
            Term("th1_loss", "th1_effectors", -symbol("th1_rate") * effectors, "effector state is lost"),
        ),
    )
