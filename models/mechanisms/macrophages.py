"""Macrophages of the tumour: M1 and M2, what turns one into the other, and what M1 do for CD8 cells.

Start with `m1_and_m2` and `m1_action`; the functions `untreated_...` give the steady states a course starts from.
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol

ONE = sp.Integer(1)


def untreated_macrophages(volume: sp.Expr, signal: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Return M1 and M2 at rest in a tumour of a volume under a constant MIF signal; the two balances are linear."""
    recruited = _recruitment(volume)
    extra = recruited * symbol("m1_share") * symbol("m1_recruitment_gain") * signal
    death, backward = symbol("macrophage_death"), symbol("m2_to_m1_rate") * signal
    total = (recruited + extra) / death
    forward = _m2_polarisation(volume, signal)
    first = (recruited * symbol("m1_share") + extra + backward * total) / (backward + forward + death)
    return first, total - first


def untreated_presentation(m1: sp.Expr, signal: sp.Expr) -> sp.Expr:
    """Return antigen presentation at rest, relative to that without trained M1."""
    return 1 + _presentation(m1, signal)


def untreated_factors(m1: sp.Expr, presentation: sp.Expr, reference: sp.Expr) -> sp.Expr:
    """Return soluble factors of M1 at rest, over those of the reference number of untrained M1."""
    return presentation * m1 / reference


def recruitment_factor(factors: sp.Expr) -> sp.Expr:
    """Return CD8 recruitment over its maximum: q_0 + (1 - q_0) Q / (K_Q + Q)."""
    floor = symbol("factor_floor")
    return floor + (1 - floor) * factors / (factors + symbol("factor_half"))


def m2_brake(m2: sp.Expr) -> sp.Expr:
    """Return the factor 1 / (1 + M2 / K_M2) by which M2 hold CD8 recruitment down."""
    return 1 / (1 + m2 / symbol("m2_half_suppression"))


def m1_and_m2(start: tuple[sp.Expr, sp.Expr]) -> Mechanism:
    """Return M1' = R w (1 + e_M phi) + k_21 phi M2 - k_12 h M1 - d M1 and M2' with the flows the other way.

    R = r_M [m_0 + (1 - m_0) h] is recruitment and h = T / (h_M + T); a rival in which MIF drives M2 multiplies k_12 by
    (1 + e_12 phi).

    Parameters
    ----------
    start
        M1 and M2 at the start
    """
    m1, m2, signal, volume = symbol("m1"), symbol("m2"), symbol("mif_signal"), symbol("viable_volume")
    recruited, death = _recruitment(volume), symbol("macrophage_death")
    matured = symbol("m2_to_m1_rate") * signal * m2
    polarised = _m2_polarisation(volume, signal) * m1
    return Mechanism(
        name="macrophages",
        reason="tumours hold macrophages as M2; MIF from arrested cells turns them to M1",
        states=(
            State("m1", "M_1", "1", "M1 macrophages, relative density", start[0], label="M1 macrophages"),
            State("m2", "M_2", "1", "M2 macrophages, relative density", start[1], label="M2 macrophages"),
        ),
        definitions=(
            Definition(
                "m1_accumulation",
                "ε_M",
                "1",
                symbol("m1_recruitment_gain") * signal,
                "relative rise of M1 recruitment by MIF",
                neutral=sp.Integer(0),
            ),
        ),
        terms=(
            Term(
                "m1_recruitment",
                "m1",
                recruited * symbol("m1_share") * (1 + symbol("m1_accumulation")),
                "monocytes that become M1",
            ),
            Term("m2_recruitment", "m2", recruited * (1 - symbol("m1_share")), "monocytes that become M2"),
            Term("m2_to_m1", "m1", matured, "repolarisation by MIF through CD44/CD74", label="M2 to M1"),
            Term("m2_to_m1", "m2", -matured, "repolarisation by MIF through CD44/CD74", label="M2 to M1"),
            Term("m1_to_m2", "m1", -polarised, "the tumour turns M1 to M2", label="M1 to M2"),
            Term("m1_to_m2", "m2", polarised, "the tumour turns M1 to M2", label="M1 to M2"),
            Term("m1_death", "m1", -death * m1, "death"),
            Term("m2_death", "m2", -death * m2, "death"),
        ),
    )


def m1_action(start: tuple[sp.Expr, sp.Expr], reference: sp.Expr) -> Mechanism:
    """Return antigen presentation A and soluble factors Q of M1, and what both do to CD8 cells.

    A' = k_A [1 + e_A1 phi M1 / (K_A + M1) + e_A2 (1 - B) - A];  Q' = d_Q (A M1 / M1_ref + medium - Q).

    Parameters
    ----------
    start
        presentation and factors at the start
    reference
        M1 of an untreated tumour of the reference volume, whose factors are 1 when M1 are untrained
    """
    m1, m2, presentation, factors = symbol("m1"), symbol("m2"), symbol("presentation"), symbol("m1_factors")
    clearance = symbol("factor_clearance")
    return Mechanism(
        name="m1_action",
        label="Action of M1",
        reason="trained M1 present antigen on MHC-I and release factors that bring CD8 cells in",
        inputs=(
            Input(
                "m1_medium",
                'upright("medium")',
                "1",
                "factors held up by medium of trained M1 macrophages",
            ),
        ),
        states=(
            State(
                "presentation",
                "A",
                "1",
                "antigen presentation on MHC-I over that without trained M1",
                start[0],
                label="MHC-I presentation",
            ),
            State("m1_factors", "Q", "1", "soluble factors of M1 over those of an untreated tumour", start[1]),
        ),
        definitions=(
            Definition(
                "m1_presentation",
                "α_1",
                "1",
                _presentation(m1, symbol("mif_signal")),
                "MHC-I of M1 that MIF has trained",
                neutral=sp.Integer(0),
                label="MHC-I of M1",
            ),
            Definition(
                "arrest_presentation",
                "α_2",
                "1",
                symbol("arrest_presentation_gain") * (1 - symbol("e2f_activity")),
                "MHC-I of arrested tumour cells through interferon III",
                neutral=sp.Integer(0),
                label="MHC-I of arrested cells",
            ),
            Definition(
                "factor_recruitment",
                "ρ_Q",
                "1",
                recruitment_factor(factors),
                "CD8 recruitment by factors of M1, of its maximum",
                neutral=symbol("factor_floor"),
                label="Recruitment by M1 factors",
            ),
            Definition(
                "m2_suppression",
                "q_2",
                "1",
                m2_brake(m2),
                "factor by which M2 hold CD8 recruitment down",
                neutral=ONE,
            ),
        ),
        terms=(
            Term(
                "presentation_gain",
                "presentation",
                symbol("presentation_rate") * (1 + symbol("m1_presentation") + symbol("arrest_presentation")),
                "MHC-I follows training and arrest",
            ),
            Term("presentation_loss", "presentation", -symbol("presentation_rate") * presentation, "turnover of MHC-I"),
            Term("factor_secretion", "m1_factors", clearance * presentation * m1 / reference, "secretion by M1"),
            Term("medium_given", "m1_factors", clearance * symbol("m1_medium"), "medium of trained M1, averaged over time"),
            Term("factor_loss", "m1_factors", -clearance * factors, "clearance"),
        ),
    )


def _presentation(m1: sp.Expr, signal: sp.Expr) -> sp.Expr:
    return symbol("m1_presentation_gain") * signal * m1 / (m1 + symbol("m1_half_presentation"))


def _recruitment(volume: sp.Expr) -> sp.Expr:
    resident = symbol("resident_share")
    return symbol("macrophage_recruitment") * (resident + (1 - resident) * _influence(volume))


def _m2_polarisation(volume: sp.Expr, signal: sp.Expr) -> sp.Expr:
    return symbol("m1_to_m2_rate") * _influence(volume) * (1 + symbol("mif_m2_gain") * signal)


def _influence(volume: sp.Expr) -> sp.Expr:
    return volume / (volume + symbol("macrophage_volume"))
