"""Six liver cancer cell lines under sorafenib in culture, and all kinases of Table 1 (document002, Tables 1 and 2).

Start with `hcc_cells`.  The drug enters as a constant concentration in medium; free drug, kinases and the RAF cascade are those
of `hcc_trial`, and `kinase_shift` has the same meaning.
"""

import sympy as sp

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


def hcc_cells(parameters: tuple[Parameter, ...]) -> OdeModel:
    """Return the model of all lines side by side, from the tables' rows for `hcc_cells`."""
    mechanisms = (
        culture.medium(),
        kinases.occupancy(tuple(KINASES), KINASES),
        mapk.raf_mek_erk(resistant=sp.Integer(0)),
        *(culture.cell_line(name, printed) for name, printed in LINES.items()),
    )
    return OdeModel("hcc_cells", "Sorafenib on liver cancer cells in culture", mechanisms, parameters, _outputs())


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
