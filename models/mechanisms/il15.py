"""IL-15: its receptor alpha on monocytes and in the tumour, and the complex both hand to T cells (trans-presentation).

Start with `trans_presentation`.  Sorafenib raises the receptor (document001); through which kinase is not known, RAF-1 stands in.
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol

ONE = sp.Integer(1)


def met(circulating: sp.Expr, local: sp.Expr) -> sp.Expr:
    """Return the IL-15 that T cells meet over what they meet untreated: [(1 - w) I + w J] / [(1 - w) + w b_T]."""
    share = symbol("tumour_presentation")
    return ((1 - share) * circulating + share * local) / (1 - share + share * symbol("tumour_il15ra_start"))


def open_gate(il15: sp.Expr, steepness: int) -> sp.Expr:
    """Return Y^n / (K^n + Y^n), K = 1 + D, the share of T cells whose IL-15 receptors are occupied beyond their threshold.

    The threshold lies a distance D above the untreated level 1.
    """
    return 1 / (1 + ((1 + symbol("il15_threshold_distance")) / il15) ** steepness)


def trans_presentation(steepness: int) -> Mechanism:
    """Return receptor and complex on monocytes and in the tumour, and the gate that IL-15 opens.

    A' = k_A [1 + i - A], i = rho e_A theta_RAF;  B' = k_A [b_T (1 + i) - B];  I' = k_I (m A - I) + given;  J' = k_I (B - J).
    Y = [(1 - w) I + w J] over its untreated value; gate Y^n / (K^n + Y^n).  Occupancy of the receptor has a threshold (zhao2013).

    Parameters
    ----------
    steepness
        Hill exponent n of the gate
    """
    monocytes, tumour = symbol("il15ra_monocytes"), symbol("il15ra_tumour")
    circulating, local = symbol("il15_complex"), symbol("il15_tumour")
    start, rate, turnover = symbol("tumour_il15ra_start"), symbol("il15ra_rate"), symbol("il15_rate")
    induced = symbol("il15ra_induction")
    return Mechanism(
        name="il15",
        label="IL-15",
        reason="T cells meet IL-15 on the receptor alpha of other cells",
        inputs=(
            Input(
                "il15_infusion",
                'upright("IL15")',
                "1/d",
                "IL-15 complex given, per day, over its untreated level",
                label="IL-15 infusion",
            ),
        ),
        states=(
            State(
                "il15ra_monocytes",
                "A",
                "1",
                "IL-15 receptor alpha on monocytes relative to untreated",
                ONE,
                label="IL-15Rα on monocytes",
            ),
            State(
                "il15ra_tumour",
                "B",
                "1",
                "IL-15 receptor alpha in the tumour relative to untreated monocytes",
                start,
                label="IL-15Rα in the tumour",
            ),
            State("il15_complex", "I", "1", "circulating IL-15 complex relative to untreated", ONE, label="IL-15 complex"),
            State(
                "il15_tumour",
                "J",
                "1",
                "IL-15 complex in the tumour relative to untreated blood",
                start,
                label="IL-15 in the tumour",
            ),
        ),
        definitions=(
            Definition(
                "il15ra_induction",
                "i",
                "1",
                symbol("il15ra_inducibility") * symbol("il15ra_effect") * symbol("occupancy_raf"),
                "relative rise of the receptor under occupied RAF-1",
                neutral=sp.Integer(0),
                label="IL-15Rα induction",
            ),
            Definition("il15", "Y", "1", met(circulating, local), "IL-15 that T cells meet, over untreated", label="IL-15"),
            Definition(
                "il15_gate",
                "γ",
                "1",
                open_gate(symbol("il15"), steepness),
                "share of T cells with IL-15 beyond their threshold",
                neutral=ONE,
                label="IL-15 gate",
            ),
        ),
        terms=(
            Term("monocyte_receptor", "il15ra_monocytes", rate * (1 + induced - monocytes), "follows its induction in days"),
            Term("tumour_receptor", "il15ra_tumour", rate * (start * (1 + induced) - tumour), "the same, from a lower level"),
            Term(
                "monocyte_presentation",
                "il15_complex",
                turnover * symbol("monocytes") * monocytes,
                "IL-15 presented by monocytes",
            ),
            Term("il15_given", "il15_complex", symbol("il15_infusion"), "IL-15 complex infused", label="IL-15 given"),
            Term("il15_clearance", "il15_complex", -turnover * circulating, "consumption and clearance", label="IL-15 clearance"),
            Term("tumour_complex", "il15_tumour", turnover * (tumour - local), "IL-15 presented in the tumour"),
        ),
    )
