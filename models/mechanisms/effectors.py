"""CD8 effector T cells: functional cells, PD-1+ cells, and the traffic between them.

Start with `effector_t_cells`; `untreated_effectors` is the steady state a course starts from.  A model couples them to its
drug by `Coupling`: what helps or hinders priming, division, PD-1 induction and recovery.
"""

from dataclasses import dataclass, replace

import sympy as sp

from kinimmune.models.mechanisms.steady_state import steady_state
from kinimmune.models.symbolic.components import Definition, Mechanism, State, Term, symbol

ONE = sp.Integer(1)
ZERO = sp.Integer(0)


@dataclass(frozen=True)
class Coupling:
    """Factors by which a model acts on effector cells; neutral where it does not."""

    basal: sp.Expr = ZERO
    """Priming [1/d] that needs no tumour antigen."""
    priming: sp.Expr = ONE
    """Factor on antigen-driven priming."""
    division: sp.Expr = ONE
    """Factor on division."""
    induction: sp.Expr = ONE
    """Factor on PD-1 induction."""
    recovery: sp.Expr = ONE
    """Factor on recovery of PD-1+ cells."""


def untreated_effectors(signal: sp.Expr, suppressed: sp.Expr, coupling: Coupling | None = None) -> tuple[sp.Expr, sp.Expr]:
    """Return functional and PD-1+ cells at which the untreated pools rest.

    With c = k_x A / (r + d_X) PD-1+ cells per functional cell, the positive root of
    (s_0 + s_E A) q + p_E A q E (1 - (1 + c) E / E_max) - (k_x A - r c + d_E) E, in the form that also holds without antigen.

    Parameters
    ----------
    signal
        antigen signal A
    suppressed
        factor q of Treg suppression
    coupling
        the untreated factors, expressions in parameters
    """
    factors = coupling or Coupling()
    exhaustion, recovery = factors.induction * symbol("exhaustion_rate") * signal, factors.recovery * symbol("recovery_rate")
    ratio = exhaustion / (recovery + symbol("exhausted_death"))
    division = factors.division * symbol("effector_proliferation") * suppressed * signal
    loss = symbol("effector_death") + exhaustion * symbol("exhausted_death") / (recovery + symbol("exhausted_death"))
    source = (factors.basal + factors.priming * symbol("effector_priming") * signal) * suppressed
    functional = steady_state(source, division, loss, (1 + ratio) / symbol("effector_capacity"))
    return functional, ratio * functional


def effector_t_cells(start: tuple[sp.Expr, sp.Expr], block: Definition | None, coupling: Coupling | None = None) -> Mechanism:
    """Return functional cells E and PD-1+ cells X under antigen and Treg suppression.

    Parameters
    ----------
    start
        functional and PD-1+ cells at the start
    block
        definition of `pd1_block`, the share of PD-1 induction the drug takes away; None when it takes none
    coupling
        further factors of the model
    """
    factors = coupling or Coupling()
    functional, exhausted = symbol("effector_cells"), symbol("pd1_cells")
    signal, suppressed = symbol("antigen_signal"), symbol("treg_suppression")
    unblocked = ONE if block is None else 1 - symbol(block.name)
    induced = factors.induction * symbol("exhaustion_rate") * unblocked * signal * functional
    recovered = factors.recovery * symbol("recovery_rate") * exhausted
    primed = (factors.basal + factors.priming * symbol("effector_priming") * signal) * suppressed
    crowding = 1 - (functional + exhausted) / symbol("effector_capacity")
    division = factors.division * symbol("effector_proliferation") * suppressed * signal * functional * crowding
    return Mechanism(
        name="effectors",
        label="Effector T cells",
        reason="effector cells kill the tumour; chronic antigen turns them PD-1+",
        states=(
            State(
                "effector_cells",
                "E",
                "1",
                "functional CD8 effector cells, relative density",
                start[0],
                label="Effector CD8 T cells",
            ),
            State("pd1_cells", "X", "1", "PD-1+ exhausted CD8 cells, relative density", start[1], label="PD-1+ CD8 T cells"),
        ),
        definitions=() if block is None else (block,),
        terms=(
            Term("priming", "effector_cells", primed, "naive cells primed by antigen"),
            Term("effector_division", "effector_cells", division, "division on antigen, limited by space"),
            Term("effector_death", "effector_cells", -symbol("effector_death") * functional, "death"),
            Term("pd1_induction", "effector_cells", -induced, "chronic antigen induces PD-1", label="PD-1 induction"),
            Term("pd1_induction", "pd1_cells", induced, "chronic antigen induces PD-1", label="PD-1 induction"),
            Term("reinvigoration", "effector_cells", recovered, "recovery of function"),
            Term("reinvigoration", "pd1_cells", -recovered, "recovery of function"),
            Term("exhausted_death", "pd1_cells", -symbol("exhausted_death") * exhausted, "death"),
        ),
    )


def pd1_blockade(basis: Coupling | None = None) -> Coupling:
    """Return what an antibody that holds a share omega of PD-1 does: less induction, 1 - e omega, and more recovery, 1 + g omega.

    Parameters
    ----------
    basis
        the other factors of the model; those of induction and recovery are multiplied
    """
    factors, blocked = basis or Coupling(), symbol("pd1_occupancy")
    return replace(
        factors,
        induction=factors.induction * (1 - symbol("blockade_effect") * blocked),
        recovery=factors.recovery * (1 + symbol("blockade_recovery") * blocked),
    )


def vegf_pd1_block() -> Definition:
    """Return the share of PD-1 induction lost when VEGF no longer signals to CD8 cells through VEGFR-2."""
    return Definition(
        "pd1_block",
        'b_"PD1"',
        "1",
        symbol("pd1_effect") * symbol("occupancy_vegfr2"),
        "share of PD-1 induction lost when VEGF no longer signals to CD8 cells",
        neutral=ZERO,
        label="PD-1 induction block",
    )


def concentration_effects() -> tuple[Definition, ...]:
    """Return `drug_stimulation` and `drug_inhibition` of T cells, the two limbs of a biphasic effect of free drug.

    Their product is (1 + e_lo C / (C + C_lo)) / (1 + (C / C_hi)^2): little drug helps T cells, much of it harms them
    (cabrera2013).
    """
    free = symbol("free_concentration")
    gain = symbol("stimulation_effect") * free / (free + symbol("stimulation_concentration"))
    return (
        Definition("drug_stimulation", 'τ_"lo"', "1", 1 + gain, "rise of priming and division at little drug", neutral=ONE),
        Definition(
            "drug_inhibition",
            'τ_"hi"',
            "1",
            1 / (1 + (free / symbol("inhibition_concentration")) ** 2),
            "what much drug leaves of priming and division",
            neutral=ONE,
        ),
    )
