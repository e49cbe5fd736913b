"""Six liver cancer cell lines under sorafenib in culture, and all kinases of Table 1 (document002, Tables 1 and 2).

Start with `hcc_cells`.  The drug enters as a constant concentration in medium; free drug, kinases and the RAF cascade are those
of `hcc_trial`, and `kinase_shift` has the same meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import sympy as sp

from kinimmune.models.arrays import Array
from kinimmune.models.mechanisms import culture, kinases, mapk
from kinimmune.models.symbolic.components import Definition, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter

KINASES = {
    "raf": "RAF",
    "braf": "BRAF",
    "braf_v600e": "BRAF V600E",
    "vegfr1": "VEGFR-1",
    "vegfr2": "VEGFR-2",
    "vegfr3": "VEGFR-3",
    "pdgfrb": "PDGFR-β",
    "kit": "KIT",
    "treg": "FLT-3",
    "ret": "RET",
}
"""Short name -> printed; FLT-3 is called `treg` where it stands for the kinase of Tregs."""
LINES = {"hepg2": "HepG2", "huh7": "Huh7", "plc_prf_5": "PLC/PRF/5", "hle": "HLE", "hlf": "HLF", "hep3b": "Hep3B"}
"""Short name -> printed name of a cell line."""
DRIVER = "raf"
"""The kinase that drives division and survival of the lines."""
SHIFT, MEDIUM = "kinase_shift", "medium_concentration"
"""Parameters: shift between assay and cells, and total concentration of the drug in medium [nmol/L]."""
DAYS = 3.0
"""Horizon of a course [d]: 72 h, when cultures are counted; nothing here limits their number, so that later it means nothing."""
LAST_DAY = "h72"
"""Read-out day of an IC50."""


@dataclass(frozen=True)
class LineNames:
    """Names of the parameters and of the state of one cell line."""

    growth_rate: str
    """Parameter: rate of division of untreated cells [1/d]."""
    dependence: str
    """Parameter: share of division that needs cyclin D1."""
    death_rate: str
    """Parameter: rate of apoptosis of cells without pERK [1/d]."""
    log_number: str
    """State: ln of the number of cells over that at the start."""


def line_names(line: str) -> LineNames:
    """Return the names of what belongs to a cell line, given by its short name."""
    return LineNames(f"growth_{line}", f"raf_dependence_{line}", f"death_{line}", f"log_{line}")


def half_occupancy_concentration(values: Mapping[str, Array | float], kinase: str) -> Array:
    """Return the total concentration in medium [nmol/L] at which half of a kinase is occupied.

    kappa IC50 [1 + s (1 / f_u - 1)], with the binding of `kinimmune.models.mechanisms.culture.medium`.

    Parameters
    ----------
    values
        parameter name -> value, or values of shape (n,)
    kinase
        short name
    """
    bound_over_free = values["serum_protein_share"] * (1.0 / values["unbound_fraction"] - 1.0)
    return np.asarray(values[SHIFT] * values[f"ic50_{kinase}"] * (1.0 + bound_over_free))


def hcc_cells(parameters: tuple[Parameter, ...]) -> OdeModel:
    """Return the model of all lines side by side, from the tables' rows for `hcc_cells`."""
    mechanisms = (
        culture.medium(),
        kinases.occupancy(tuple(KINASES), KINASES),
        mapk.raf_mek_erk(resistant=sp.Integer(0)),
        *(culture.cell_line(name, printed) for name, printed in LINES.items()),
    )
    return OdeModel(
        "hcc_cells", "Sorafenib on liver cancer cells in culture", mechanisms, parameters, _outputs(), usual_days=DAYS
    )


def _outputs() -> tuple[Definition, ...]:
    held = tuple(
        Definition(
            f"held_{name}",
            f'theta_"{printed}"',
            "1",
            symbol(f"occupancy_{name}"),
            f"share of {printed} held by drug",
            label=f"{printed} held by drug",
        )
        for name, printed in KINASES.items()
    )
    numbers = tuple(
        Definition(
            f"cells_{name}",
            f'N_"{printed}"',
            "1",
            sp.exp(symbol(f"log_{name}")),
            f"{printed} cells over their start",
            label=f"{printed} cells",
        )
        for name, printed in LINES.items()
    )
    dying = tuple(
        Definition(
            f"dying_{name}",
            f'a_"{printed}"',
            "1/d",
            symbol(f"apoptosis_{name}"),
            f"rate of apoptosis of {printed} cells",
            label=f"{printed} apoptosis",
        )
        for name, printed in LINES.items()
    )
    return (*held, *numbers, *dying)
