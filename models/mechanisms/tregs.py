"""Regulatory T cells: their number, their suppressive function, and what the drug does to each.

Start with `regulatory_t_cells`; `untreated_number` is the steady state a course starts from.  Proliferation, death and
function are separate arrows: the drug lowers the first and third and raises the second (document000).
"""

import sympy as sp

from kinimmune.models.model import Definition, Mechanism, State, Term, symbol


def antigen(volume: sp.Expr, half: str = "antigen_volume") -> sp.Expr:
    """Return the antigen signal T / (h_A + T), between 0 and 1, of a tumour volume [mL]."""
    return volume / (volume + symbol(half))


def untreated_number(signal: sp.Expr) -> sp.Expr:
    """Return the number of Tregs at which the untreated pool rests under an antigen signal.

    The positive root of s_R + r R (1 - R / R_max) - d_R R with r = rho_R (1 + a_R A).
    """
    rate = symbol("treg_proliferation") * (1 + symbol("treg_antigen_gain") * signal)
    net = rate - symbol("treg_death")
    curvature = rate / symbol("treg_capacity")
    return 2 * symbol("treg_source") / (sp.sqrt(net**2 + 4 * curvature * symbol("treg_source")) - net)


def suppression(number: sp.Expr, function: sp.Expr) -> sp.Expr:
    """Return the factor 1 / (1 + R F / K_R) by which Tregs scale effector priming and killing."""
    return 1 / (1 + number * function / symbol("treg_half_suppression"))


def regulatory_t_cells(start: sp.Expr) -> Mechanism:
    """Return number R and function F of Tregs under an antigen signal and the occupancy of their kinase.

    Parameters
    ----------
    start
        antigen signal at the start, at which the untreated pool rests
    """
    number, function, signal = symbol("treg_number"), symbol("treg_function"), symbol("antigen_signal")
    occupied = symbol("occupancy_treg")
    gain = symbol("treg_proliferation") * number * (1 + symbol("treg_antigen_gain") * signal)
    return Mechanism(
        name="tregs",
        reason="Tregs suppress effector cells; the drug lowers their number and their function",
        states=(
            State("treg_number", "R", "1", "regulatory T cells in the tumour, relative density", untreated_number(start)),
            State("treg_function", "F", "1", "suppressive function per Treg relative to untreated", sp.Integer(1)),
        ),
        definitions=(
            _effect("treg_proliferation_block", 'b_"prol"', symbol("treg_proliferation_effect") * occupied, "proliferation lost"),
            _effect("treg_death_induction", 'a_"R"', symbol("treg_death_effect") * occupied, "relative rise of Treg death"),
            _effect("treg_function_block", 'b_"F"', symbol("treg_function_effect") * occupied, "suppressive function lost"),
            Definition(
                "treg_suppression",
                "q",
                "1",
                suppression(number, function),
                "factor by which Tregs hold effector cells down",
                neutral=sp.Integer(1),
            ),
        ),
        terms=(
            Term("treg_recruitment", "treg_number", symbol("treg_source"), "entry from blood"),
            Term(
                "treg_division",
                "treg_number",
                gain * (1 - symbol("treg_proliferation_block")) * (1 - number / symbol("treg_capacity")),
                "division, faster with antigen, limited by space",
            ),
            Term(
                "treg_loss",
                "treg_number",
                -symbol("treg_death") * (1 + symbol("treg_death_induction")) * number,
                "death, faster under drug",
            ),
            Term(
                "treg_function_recovery",
                "treg_function",
                symbol("treg_function_rate") * (1 - symbol("treg_function_block") - function),
                "expression of suppressive molecules follows the drug within days",
            ),
        ),
    )


def _effect(name: str, printed: str, expression: sp.Expr, reason: str) -> Definition:
    return Definition(name, printed, "1", expression, reason, neutral=sp.Integer(0))
