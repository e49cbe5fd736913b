"""HIF-1alpha of tumour cells, the MIF they secrete, and the signal macrophages receive through CD44/CD74.

Start with `hif_and_mif`; `untreated_signal` is where a course starts.  The gain of HIF-1alpha has either
sign: that CDK4/6 inhibition raises it is the hypothesis of document003, and reports that it destabilises it exist.
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol


def untreated_mif(volume: sp.Expr) -> sp.Expr:
    """Return MIF in an untreated tumour of a volume, over that of a large one: T / (h_F + T)."""
    return volume / (volume + symbol("mif_volume"))


def untreated_signal(volume: sp.Expr, kept: sp.Expr) -> sp.Expr:
    """Return the signal of untreated MIF in a tumour of a volume whose cells have kept a share of it, without inhibitors."""
    return _signal(kept * untreated_mif(volume))


def kept_mif() -> sp.Expr:
    """Return the share of MIF that was not deleted."""
    return 1 - symbol("mif_deletion")


def hif_and_mif(start: sp.Expr) -> Mechanism:
    """Return HIF-1alpha H and MIF F, each over its untreated level, and the signal phi of CD44/CD74.

    H' = k_H [exp(e_H (1 - B)) - H];  F' = d_F [(f_0 + (1 - f_0) s(H) / s(1)) T / (h_F + T) (1 - deleted) - F] with the
    promoter's response s(H) = H^2 / (K_H^2 + H^2);  phi = (1 - blocked) S^2 / (K_F^2 + S^2) with S = (1 - inhibited) F.

    Parameters
    ----------
    start
        tumour volume at the start, at which MIF rests
    """
    hif, mif, share, half = (symbol(name) for name in ("hif", "mif", "mif_baseline_share", "hif_half"))
    return Mechanism(
        name="mif",
        label="HIF-1α and MIF",
        reason="how arrested tumour cells speak to macrophages",
        inputs=(
            Input("mif_inhibitor", 'upright("MIFi")', "1", "share of MIF that an inhibitor neutralises", label="MIF inhibitor"),
            Input("receptor_block", 'upright("block")', "1", "share of CD44/CD74 that is blocked", label="CD44/CD74 block"),
        ),
        states=(
            State("hif", "H", "1", "HIF-1alpha in tumour cells over untreated", sp.Integer(1), label="HIF-1α"),
            State(
                "mif",
                "F",
                "1",
                "MIF in the tumour over that of a large untreated one",
                kept_mif() * untreated_mif(start),
                label="MIF",
            ),
        ),
        definitions=(
            Definition(
                "hif_induction",
                "η_H",
                "1",
                sp.exp(symbol("hif_gain") * (1 - symbol("e2f_activity"))),
                "HIF-1alpha production over untreated as E2F activity is lost",
                neutral=sp.Integer(1),
                label="HIF-1α induction",
            ),
            Definition(
                "mif_induction",
                "η_F",
                "1",
                share + (1 - share) * hif**2 * (1 + half**2) / (half**2 + hif**2),
                "MIF secretion over untreated: a share needs no HIF-1alpha",
                neutral=sp.Integer(1),
                label="MIF induction",
            ),
            Definition(
                "mif_signal",
                "φ",
                "1",
                (1 - symbol("receptor_block")) * _signal((1 - symbol("mif_inhibitor")) * mif),
                "signal of MIF through CD44/CD74 on macrophages, of its maximum",
                neutral=sp.Integer(0),
                label="MIF signal",
            ),
        ),
        terms=(
            Term(
                "hif_synthesis",
                "hif",
                symbol("hif_rate") * symbol("hif_induction"),
                "HIF-1alpha follows the arrest",
                label="HIF-1α synthesis",
            ),
            Term("hif_degradation", "hif", -symbol("hif_rate") * hif, "proteasome", label="HIF-1α degradation"),
            Term(
                "mif_secretion",
                "mif",
                symbol("mif_rate") * symbol("mif_induction") * kept_mif() * untreated_mif(symbol("viable_volume")),
                "secretion by tumour cells",
                label="MIF secretion",
            ),
            Term("mif_clearance", "mif", -symbol("mif_rate") * mif, "clearance", label="MIF clearance"),
        ),
    )


def _signal(level: sp.Expr) -> sp.Expr:
    return level**2 / (symbol("mif_half_signal") ** 2 + level**2)
