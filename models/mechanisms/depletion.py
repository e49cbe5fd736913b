"""Depletion of cells by antibodies, which shows what the cells contribute.

Start with `depletion`.
"""

from kinimmune.models.symbolic.components import Input, Mechanism, Term, symbol


def depletion(cells: str, label: str, printed: str, states: tuple[str, ...]) -> Mechanism:
    """Return extra death of cells at the input rate `CELLS_depletion` [1/d]: x' = -rate x for each state x.

    Parameters
    ----------
    cells
        what is depleted, first part of the input's name
    label
        the cells as a reader knows them, such as `CD8`
    printed
        subscript of the rate in equations
    states
        states that hold such cells
    """
    name = f"{cells}_depletion"
    return Mechanism(
        name=name,
        label=f"{label} depletion",
        reason="an experiment: depletion shows what the cells contribute",
        inputs=(
            Input(
                name,
                f"δ_{printed}",
                "1/d",
                f"extra death of {cells} cells under a depleting antibody",
                label=f"{label} depletion",
            ),
        ),
        terms=tuple(
            Term(
                f"{cells}_depleted",
                state,
                -symbol(name) * symbol(state),
                "lysis of coated cells",
                label=f"{label} depletion",
            )
            for state in states
        ),
    )
