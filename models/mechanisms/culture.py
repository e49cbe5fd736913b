"""Cells in culture: the drug in their medium, and the growth and death of one cell line.

Start with `medium` and `cell_line`.
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Mechanism, State, Term, symbol


def medium() -> Mechanism:
    """Return free drug in medium with serum, C_f = C / [1 + s (1 / f_u - 1)].

    Bound over free is in proportion to protein, of which the medium holds the share s of that in plasma; f_u is the unbound
    fraction in plasma.  The concentration stays as it was given.
    """
    bound_over_free = symbol("serum_protein_share") * (1 / symbol("unbound_fraction") - 1)
    return Mechanism(
        name="exposure",
        reason="drug in medium binds to the protein of its serum",
        definitions=(
            Definition(
                "free_concentration",
                'C_"f"',
                "nmol/L",
                symbol("medium_concentration") / (1 + bound_over_free),
                "unbound drug, the only part that reaches kinases",
                label="Free drug",
            ),
        ),
    )


def cell_line(name: str, printed: str) -> Mechanism:
    """Return x' = g [(1 - b) + b D] - a (1 - P) of one line, x = ln of its number over that at the start.

    Parameters
    ----------
    name
        last part of the names of its parameters and its state
    printed
        name of the line, subscript in equations
    """
    dependence = symbol(f"raf_dependence_{name}")
    growth, death = f"division_{name}", f"apoptosis_{name}"
    return Mechanism(
        name=f"line_{name}",
        label=f"{printed} cells",
        reason=f"{printed} cells divide as far as cyclin D1 lets them and die without pERK",
        states=(
            State(
                f"log_{name}",
                f'x_"{printed}"',
                "1",
                f"ln of {printed} cells over their start",
                sp.Integer(0),
                nonnegative=False,
                size=1.0,
                label=f"ln {printed} cells",
            ),
        ),
        definitions=(
            Definition(
                growth,
                f'π_"{printed}"',
                "1/d",
                symbol(f"growth_{name}") * (1 - dependence + dependence * symbol("cyclin_d1")),
                f"division of {printed} cells, a share of which needs cyclin D1",
                label=f"Division of {printed} cells",
            ),
            Definition(
                death,
                f'a_"{printed}"',
                "1/d",
                symbol(f"death_{name}") * (1 - symbol("phospho_erk")),
                f"apoptosis of {printed} cells that lost their pERK survival signal",
                neutral=sp.Integer(0),
                label=f"Apoptosis of {printed} cells",
            ),
        ),
        terms=(
            Term(f"growth_of_{name}", f"log_{name}", symbol(growth), "division", label=f"Growth of {printed} cells"),
            Term(f"death_of_{name}", f"log_{name}", -symbol(death), "apoptosis under drug", label=f"Death of {printed} cells"),
        ),
    )
