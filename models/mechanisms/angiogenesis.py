"""Vessels of the tumour and their suppression through VEGFR-2 and PDGFR-beta.

Start with `vascular_support`, vessels relative to untreated, or `angiogenic_capacity`, the volume that vessels can feed.
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Mechanism, State, Term, symbol


def vessel_blocks() -> tuple[Definition, ...]:
    """Return `vegfr2_block` and `pdgfrb_block`, the shares of vascular growth lost to occupied kinases.

    Blocking VEGFR-2 takes endothelial cells, blocking PDGFR-beta their pericytes; the two act on what the other leaves.
    """
    return tuple(
        Definition(
            f"{kinase}_block",
            f'b_"{printed}"',
            "1",
            symbol(f"{kinase}_effect") * symbol(f"occupancy_{kinase}"),
            f"share of {cells} lost to blocked {printed}",
            neutral=sp.Integer(0),
            label=f"{printed} block",
        )
        for kinase, printed, cells in (
            ("vegfr2", "VEGFR-2", "endothelial support"),
            ("pdgfrb", "PDGFR-β", "pericyte support"),
        )
    )


def vascular_support() -> Mechanism:
    """Return v' = k_v [(1 - b_VEGFR2) (1 - b_PDGFR) - v], relative to untreated vessels."""
    support = symbol("vascular_support")
    return Mechanism(
        name="angiogenesis",
        reason="the drug's indirect action on the tumour through its vessels",
        states=(State("vascular_support", "v", "1", "perfused vessels relative to untreated", sp.Integer(1)),),
        definitions=vessel_blocks(),
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


def angiogenic_capacity(unit: str, blocks: tuple[Definition, ...]) -> Mechanism:
    """Return K' = b (1 - b_VEGFR2) (1 - b_PDGFR) T - d K T^(2/3), the volume vessels can feed (hahnfeldt1999, equation 12).

    Parameters
    ----------
    unit
        of volumes
    blocks
        definitions `vegfr2_block` and `pdgfrb_block`, or none where the drug does not touch vessels
    """
    volume, capacity = symbol("viable_volume"), symbol("vascular_capacity")
    signalling = sp.Integer(1)
    for block in blocks:
        signalling *= 1 - symbol(block.name)
    surface = volume ** sp.Rational(2, 3)
    return Mechanism(
        name="angiogenesis",
        reason="the tumour calls for vessels and its surface loses them",
        states=(State("vascular_capacity", "K", unit, "tumour volume that vessels can feed", symbol("initial_capacity")),),
        definitions=blocks,
        terms=(
            Term(
                "vessel_stimulation",
                "vascular_capacity",
                symbol("stimulation_rate") * signalling * volume,
                "growth factors from the tumour, as far as VEGF and PDGF still signal",
            ),
            Term(
                "vessel_inhibition",
                "vascular_capacity",
                -symbol("inhibition_rate") * capacity * surface,
                "inhibitors reach vessels through the tumour's surface",
            ),
        ),
    )
