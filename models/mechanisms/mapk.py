"""RAF -> pMEK -> pERK -> cyclin D1 -> proliferation, each relative to its untreated level.

Start with `raf_mek_erk`.  Limit: in cells with wild-type RAF a RAF inhibitor can activate the pathway at low occupancy
(paradoxical activation); this cascade only knows inhibition.
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Mechanism, State, Term, symbol


def raf_mek_erk(resistant: sp.Expr | None = None) -> Mechanism:
    """Return the cascade with negative feedback of pERK on RAF.

    M' = k_M [(1 - i) (1 + f (1 - P)) - M];  P' = k_P (M - P);  D' = k_D [d0 + (1 - d0) P - D], i the inhibition of RAF.
    Steady state: P = (1 - i) (1 + f) / (1 + f (1 - i)).

    Parameters
    ----------
    resistant
        share of RAF inhibition that is lost; by default the state of `resistance`
    """
    lost = symbol("resistance") if resistant is None else resistant
    mek, erk, cyclin = symbol("phospho_mek"), symbol("phospho_erk"), symbol("cyclin_d1")
    floor = symbol("cyclin_floor")
    one = sp.Integer(1)
    return Mechanism(
        name="mapk",
        label="RAF/MEK/ERK",
        reason="the drug's direct action on tumour cells",
        states=(
            State("phospho_mek", "M", "1", "phosphorylated MEK relative to untreated", one, label="pMEK"),
            State("phospho_erk", "P", "1", "phosphorylated ERK relative to untreated", one, label="pERK"),
            State("cyclin_d1", "D", "1", "cyclin D1 relative to untreated; scales proliferation", one, label="Cyclin D1"),
        ),
        definitions=(
            Definition(
                "raf_inhibition",
                'i_"RAF"',
                "1",
                symbol("occupancy_raf") * (1 - lost),
                "occupied RAF, as far as the tumour is not resistant",
                neutral=sp.Integer(0),
                label="RAF inhibition",
            ),
        ),
        terms=(
            Term(
                "mek_phosphorylation",
                "phospho_mek",
                symbol("mek_rate") * (1 - symbol("raf_inhibition")) * (1 + symbol("erk_feedback") * (1 - erk)),
                "free RAF phosphorylates MEK; less pERK means less negative feedback on RAF",
                label="MEK phosphorylation",
            ),
            Term(
                "mek_dephosphorylation", "phospho_mek", -symbol("mek_rate") * mek, "phosphatases", label="MEK dephosphorylation"
            ),
            Term(
                "erk_phosphorylation",
                "phospho_erk",
                symbol("erk_rate") * mek,
                "pMEK phosphorylates ERK",
                label="ERK phosphorylation",
            ),
            Term(
                "erk_dephosphorylation", "phospho_erk", -symbol("erk_rate") * erk, "phosphatases", label="ERK dephosphorylation"
            ),
            Term(
                "cyclin_synthesis",
                "cyclin_d1",
                symbol("cyclin_rate") * (floor + (1 - floor) * erk),
                "transcription driven by pERK over a floor that does not need it",
            ),
            Term("cyclin_degradation", "cyclin_d1", -symbol("cyclin_rate") * cyclin, "proteasome"),
        ),
    )


def resistance() -> Mechanism:
    """Return acquired resistance of tumour cells: S' = k_S theta_RAF (1 - S)."""
    state = symbol("resistance")
    return Mechanism(
        name="resistance",
        reason="tumour cells escape RAF inhibition the longer it lasts",
        states=(State("resistance", "S", "1", "share of RAF inhibition that has been lost", sp.Integer(0)),),
        terms=(
            Term(
                "resistance_onset",
                "resistance",
                symbol("resistance_rate") * symbol("occupancy_raf") * (1 - state),
                "selection in proportion to occupied RAF",
            ),
        ),
    )
