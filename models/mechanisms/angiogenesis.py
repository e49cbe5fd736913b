"""Vascular support of the tumour and its suppression through VEGFR-2 and PDGFR-beta.

Start with `vascular_support`.
"""

import sympy as sp

from kinimmune.models.model import Definition, Mechanism, State, Term, symbol


def vascular_support() -> Mechanism:
    """Return v' = k_v [(1 - b_VEGFR2) (1 - b_PDGFR) - v], relative to untreated vessels.

    Blocking VEGFR-2 takes endothelial cells, blocking PDGFR-beta their pericytes; the two act on what the other leaves.
    """
    support = symbol("vascular_support")
    blocks = tuple(
        Definition(
            f"{kinase}_block",
            f'b_"{printed}"',
            "1",
            symbol(f"{kinase}_effect") * symbol(f"occupancy_{kinase}"),
            f"share of {cells} lost to blocked {printed}",
            neutral=sp.Integer(0),
        )
        for kinase, printed, cells in (
            ("vegfr2", "VEGFR-2", "endothelial support"),
            ("pdgfrb", "PDGFR-β", "pericyte support"),
        )
    )
    return Mechanism(
        name="angiogenesis",
        reason="the drug's indirect action on the tumour through its vessels",
        states=(State("vascular_support", "v", "1", "perfused vessels relative to untreated", sp.Integer(1)),),
        definitions=blocks,
        terms=(
            Term(
                "vessel_growth",
                "vascular_support",
                symbol("vascular_rate") * (1 - symbol("vegfr2_block")) * (1 - symbol("pdgfrb_block")),
                "vessels form as far as VEGF and PDGF still signal",
            ),
            Term("vessel_regression", "vascular_support", -symbol("vascular_rate") * support, "unsupported vessels regress"),
        ),
    )
