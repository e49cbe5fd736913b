"""Occupancy of kinases by free drug, from biochemical IC50s and one shared shift between assay and tissue.

Start with `occupancy`.
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Mechanism, symbol


def occupancy(kinases: tuple[str, ...], printed: dict[str, str]) -> Mechanism:
    """Return theta_k = C_f / (C_f + kappa IC50_k) for each kinase; the one shift kappa keeps the ratios of the IC50s.

    Parameters
    ----------
    kinases
        short names; `raf` gives the definition `occupancy_raf` from the parameter `ic50_raf` [nmol/L]
    printed
        short name -> name of the kinase, subscript in equations
    """
    free, shift = symbol("free_concentration"), symbol("kinase_shift")
    definitions = tuple(
        Definition(
            f"occupancy_{kinase}",
            f'theta_"{printed[kinase]}"',
            "1",
            free / (free + shift * symbol(f"ic50_{kinase}")),
            f"fraction of {printed[kinase]} held by drug",
            neutral=sp.Integer(0),
            label=f"{printed[kinase]} occupancy",
        )
        for kinase in kinases
    )
    return Mechanism("kinases", "reversible binding at equilibrium with free drug", definitions=definitions)
