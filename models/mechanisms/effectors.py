"""CD8 effector T cells: functional cells, PD-1+ cells, and the traffic between them.

Start with `effector_t_cells`; `untreated_effectors` is the steady state a course starts from.
"""

import sympy as sp

from kinimmune.models.model import Definition, Mechanism, State, Term, symbol


def untreated_effectors(signal: sp.Expr, suppressed: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Return functional and PD-1+ cells at which the untreated pools rest.

    With c = k_x A / (r + d_X) PD-1+ cells per functional cell, the positive root of
    s_E A q + p_E A q E (1 - (1 + c) E / E_max) - (k_x A - r c + d_E) E.

    Parameters
    ----------
    signal
        antigen signal A
    suppressed
        factor q of Treg suppression
    """
    exhaustion, recovery = symbol("exhaustion_rate") * signal, symbol("recovery_rate")
    ratio = exhaustion / (recovery + symbol("exhausted_death"))
    division = symbol("effector_proliferation") * suppressed * signal
    net = division - exhaustion + recovery * ratio - symbol("effector_death")
    curvature = division * (1 + ratio) / symbol("effector_capacity")
    source = symbol("effector_priming") * signal * suppressed
    functional = (net + sp.sqrt(net**2 + 4 * curvature * source)) / (2 * curvature)
    return functional, ratio * functional


def effector_t_cells(start: tuple[sp.Expr, sp.Expr]) -> Mechanism:
    """Return functional cells E and PD-1+ cells X under antigen, Treg suppression and VEGFR-2 blockade.

    Parameters
    ----------
    start
        functional and PD-1+ cells at the start
    """
    functional, exhausted = symbol("effector_cells"), symbol("pd1_cells")
    signal, suppressed = symbol("antigen_signal"), symbol("treg_suppression")
    induced = symbol("exhaustion_rate") * (1 - symbol("pd1_block")) * signal * functional
    crowding = 1 - (functional + exhausted) / symbol("effector_capacity")
    division = symbol("effector_proliferation") * suppressed * signal * functional * crowding
    return Mechanism(
        name="effectors",
        reason="effector cells kill the tumour; chronic antigen turns them PD-1+",
        states=(
            State("effector_cells", "E", "1", "functional CD8 effector cells, relative density", start[0]),
            State("pd1_cells", "X", "1", "PD-1+ exhausted CD8 cells, relative density", start[1]),
        ),
        definitions=(
            Definition(
                "pd1_block",
                'b_"PD1"',
                "1",
                symbol("pd1_effect") * symbol("occupancy_vegfr2"),
                "share of PD-1 induction lost when VEGF no longer signals to CD8 cells",
                neutral=sp.Integer(0),
            ),
        ),
        terms=(
            Term("priming", "effector_cells", symbol("effector_priming") * signal * suppressed, "naive cells primed by antigen"),
            Term("effector_division", "effector_cells", division, "division on antigen, limited by space"),
            Term("effector_death", "effector_cells", -symbol("effector_death") * functional, "death"),
            Term("pd1_induction", "effector_cells", -induced, "chronic antigen induces PD-1"),
            Term("pd1_induction", "pd1_cells", induced, "chronic antigen induces PD-1"),
            Term("reinvigoration", "effector_cells", symbol("recovery_rate") * exhausted, "recovery of function"),
            Term("reinvigoration", "pd1_cells", -symbol("recovery_rate") * exhausted, "recovery of function"),
            Term("exhausted_death", "pd1_cells", -symbol("exhausted_death") * exhausted, "death"),
        ),
    )
