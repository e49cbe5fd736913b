"""Regulatory T cells: their number, their suppressive function, and what the drug does to each.

Start with `regulatory_t_cells`; `untreated_number` is the steady state a course starts from.  Proliferation, death and
function are separate interactions: the drug lowers the first and third and raises the second (document000).  `division_marker`,
`apoptosis_marker` and `suppression_assay` are what a laboratory sees of the three; `conventional_t_cells` is the pool that Tregs
are a share of; `hypoxic_recruitment` draws Tregs into a tumour whose vessels are blocked.
"""

import sympy as sp

from kinimmune.models.mechanisms.steady_state import steady_state
from kinimmune.models.symbolic.components import Definition, Mechanism, State, Term, symbol


def antigen(volume: sp.Expr, half: str = "antigen_volume") -> sp.Expr:
    """Return the antigen signal T / (h_A + T), between 0 and 1, of a tumour volume [mL]."""
    return volume / (volume + symbol(half))


def tumour_antigen(printed: str = "A") -> Mechanism:
    """Return the antigen signal of the tumour as a mechanism of its own; `printed` is its symbol in equations."""
    reason = "tumour volume decides how much antigen T cells see"
    return Mechanism("antigen", reason, definitions=(antigen_signal(printed),))


def antigen_signal(printed: str = "A") -> Definition:
    """Return the definition of `antigen_signal`, that of the viable volume; `printed` is its symbol in equations."""
    return Definition(
        "antigen_signal", printed, "1", antigen(symbol("viable_volume")), "antigen released by the tumour, saturating"
    )


def untreated_number(signal: sp.Expr) -> sp.Expr:
    """Return the number of Tregs at which the untreated pool rests under an antigen signal.

    The positive root of s_R + r R (1 - R / R_max) - d_R R with r = rho_R (1 + a_R A).
    """
    rate = symbol("treg_proliferation") * (1 + symbol("treg_antigen_gain") * signal)
    return steady_state(symbol("treg_source"), rate, symbol("treg_death"), 1 / symbol("treg_capacity"))


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
    function, occupied = symbol("treg_function"), symbol("occupancy_treg")
    block = _effect("treg_proliferation_block", 'b_"prol"', symbol("treg_proliferation_effect") * occupied, "proliferation lost")
    death = symbol("treg_death") * (1 + symbol("treg_death_induction"))
    return Mechanism(
        name="tregs",
        label="Regulatory T cells",
        reason="Tregs suppress effector cells; the drug lowers their number and their function",
        states=(
            _number(start),
            State(
                "treg_function",
                "F",
                "1",
                "suppressive function per Treg relative to untreated",
                sp.Integer(1),
                label="Function per Treg",
            ),
        ),
        definitions=(
            block,
            _effect("treg_death_induction", 'a_"R"', symbol("treg_death_effect") * occupied, "relative rise of Treg death"),
            _effect("treg_function_block", 'b_"F"', symbol("treg_function_effect") * occupied, "suppressive function lost"),
            _suppression(function),
        ),
        terms=(
            *_turnover(block, death, "death, faster under drug"),
            Term(
                "treg_function_recovery",
                "treg_function",
                symbol("treg_function_rate") * (1 - symbol("treg_function_block") - function),
                "expression of suppressive molecules follows the drug within days",
            ),
        ),
    )


def treg_numbers(start: sp.Expr, division_block: Definition) -> Mechanism:
    """Return the number R of Tregs alone, for a drug that is known to slow their division and nothing else.

    R' = s_R + rho_R (1 + a_R A) (1 - b) R (1 - R / R_max) - d_R R; suppression as in `regulatory_t_cells` with function 1.

    Parameters
    ----------
    start
        antigen signal at the start, at which the untreated pool rests
    division_block
        definition of the share b of division the drug takes away
    """
    return Mechanism(
        name="tregs",
        label="Regulatory T cells",
        reason="Tregs suppress effector cells; the drug lowers their number",
        states=(_number(start),),
        definitions=(division_block, _suppression(sp.Integer(1))),
        terms=_turnover(division_block, symbol("treg_death"), "death"),
    )


def division_marker(start: sp.Expr) -> Mechanism:
    """Return the Ki67+ fraction of Tregs: m' = p (1 - m) - k_m m, p the rate at which a Treg enters division.

    The limit by space in `regulatory_t_cells` counts as loss of daughter cells: the marker follows entry into division, and
    neither death nor crowding moves it.

    Parameters
    ----------
    start
        antigen signal at the start, at which the untreated marker rests
    """
    marker, loss = symbol("ki67_fraction"), symbol("ki67_loss")
    resting = _entry(start)
    entering = symbol("treg_entry_into_division")
    return Mechanism(
        name="division_marker",
        label="Ki67 of Tregs",
        reason="a Treg carries Ki67 from its entry into division until some days later",
        states=(
            State("ki67_fraction", 'm_"Ki67"', "1", "Ki67+ share of Tregs", resting / (resting + loss), label="Ki67+ Tregs"),
        ),
        definitions=(
            Definition(
                "treg_entry_into_division",
                "p_R",
                "1/d",
                _entry(symbol("antigen_signal")) * (1 - symbol("treg_proliferation_block")),
                "rate at which a Treg enters division",
            ),
        ),
        terms=(
            Term("ki67_gain", "ki67_fraction", entering * (1 - marker), "cells without Ki67 enter division"),
            Term("ki67_decay", "ki67_fraction", -loss * marker, "Ki67 fades after division"),
        ),
    )


def apoptosis_marker() -> sp.Expr:
    """Return the annexin+ fraction of Tregs, d / (d + k_a): death at rate d, seen until the dying cell is cleared at rate k_a."""
    dying = symbol("treg_death") * (1 + symbol("treg_death_induction"))
    return dying / (dying + symbol("annexin_clearance"))


def suppression_assay() -> sp.Expr:
    """Return the share of responder division suppressed in culture at equal number of Tregs, n F / (1 + n F)."""
    effective = symbol("assay_ratio") * symbol("treg_function")
    return effective / (1 + effective)


def conventional_t_cells() -> Mechanism:
    """Return conventional CD4 cells H, which neither tumour nor drug moves: H' = s_H - d_H H."""
    number, source, death = symbol("conventional_cells"), symbol("conventional_source"), symbol("conventional_death")
    return Mechanism(
        name="conventional_t_cells",
        label="Conventional T cells",
        reason="Tregs are reported as a share of CD4 cells",
        states=(
            State(
                "conventional_cells",
                "H",
                "1",
                "conventional CD4 cells, relative density",
                source / death,
                label="Conventional CD4 T cells",
            ),
        ),
        terms=(
            Term("conventional_entry", "conventional_cells", source, "entry from thymus and blood"),
            Term("conventional_loss", "conventional_cells", -death * number, "death"),
        ),
    )


def hypoxic_recruitment() -> Mechanism:
    """Return entry of Tregs into a tumour that the drug makes hypoxic, R' += a_H A [1 - (1 - b_VEGFR2) (1 - b_PDGFR)].

    Sorafenib brought Tregs into tumours by this route, through SDF-1 alpha, in chen2015: the opposite of document000.
    """
    lost = 1 - (1 - symbol("vegfr2_block")) * (1 - symbol("pdgfrb_block"))
    return Mechanism(
        name="hypoxia",
        reason="a tumour whose vessels the drug blocks draws Tregs in",
        definitions=(
            Definition("hypoxia", "y", "1", symbol("antigen_signal") * lost, "vascular support lost, as far as there is tumour"),
        ),
        terms=(
            Term(
                "hypoxic_recruitment",
                "treg_number",
                symbol("treg_hypoxic_recruitment") * symbol("hypoxia"),
                "SDF-1 alpha of the hypoxic tumour attracts Tregs",
            ),
        ),
    )


def _number(start: sp.Expr) -> State:
    resting = untreated_number(start)
    return State("treg_number", "R", "1", "regulatory T cells in the tumour, relative density", resting, label="Tregs")


def _suppression(function: sp.Expr) -> Definition:
    return Definition(
        "treg_suppression",
        "q",
        "1",
        suppression(symbol("treg_number"), function),
        "factor by which Tregs hold effector cells down",
        neutral=sp.Integer(1),
    )


def _turnover(division_block: Definition, death: sp.Expr, dying: str) -> tuple[Term, ...]:
    """Return R' = s_R + rho_R (1 + a_R A) (1 - b) R (1 - R / R_max) - d R as terms.

    Parameters
    ----------
    division_block
        definition of the share b of division the drug takes away
    death
        rate d of death [1/d]
    dying
        what the term of death says
    """
    number = symbol("treg_number")
    divided = _entry(symbol("antigen_signal")) * (1 - symbol(division_block.name)) * number
    return (
        Term("treg_recruitment", "treg_number", symbol("treg_source"), "entry from blood"),
        Term(
            "treg_division",
            "treg_number",
            divided * (1 - number / symbol("treg_capacity")),
            "division, faster with antigen, limited by space",
        ),
        Term("treg_loss", "treg_number", -death * number, dying),
    )


def _entry(signal: sp.Expr) -> sp.Expr:
    """Return the rate at which an untreated Treg enters division [1/d]."""
    return symbol("treg_proliferation") * (1 + symbol("treg_antigen_gain") * signal)


def _effect(name: str, printed: str, expression: sp.Expr, reason: str) -> Definition:
    return Definition(name, printed, "1", expression, reason, neutral=sp.Integer(0))
