"""G1/S control of tumour cells: CDK4/6 -> phosphorylated Rb and E2F -> division.

Start with `g1_s_control`.  Limit: resistance (loss of Rb, cyclin E) and the return of CDK2 are left out.
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Mechanism, State, Term, symbol


def g1_s_control() -> Mechanism:
    """Return E2F activity B' = k_B [(1 - i) - B] and the division it permits, (1 - b_B) + b_B B, i the inhibition of CDK4/6."""
    activity, share = symbol("e2f_activity"), symbol("e2f_share")
    return Mechanism(
        name="cell_cycle",
        label="G1/S control",
        reason="the drug's direct action on tumour cells: arrest between G1 and S phase",
        states=(
            State(
                "e2f_activity", "B", "1", "phosphorylated Rb and E2F activity over untreated", sp.Integer(1), label="E2F activity"
            ),
        ),
        definitions=(
            Definition(
                "cdk46_inhibition",
                'i_"CDK"',
                "1",
                symbol("occupancy_cdk46"),
                "CDK4/6 of tumour cells held by drug",
                neutral=sp.Integer(0),
                label="CDK4/6 inhibition",
            ),
            Definition(
                "division_activity",
                "D",
                "1",
                1 - share + share * activity,
                "division over untreated: the part that needs E2F falls with it",
                neutral=sp.Integer(1),
            ),
        ),
        terms=(
            Term(
                "rb_phosphorylation",
                "e2f_activity",
                symbol("rb_rate") * (1 - symbol("cdk46_inhibition")),
                "free CDK4/6 phosphorylates Rb and sets E2F free",
            ),
            Term(
                "rb_dephosphorylation",
                "e2f_activity",
                -symbol("rb_rate") * activity,
                "phosphatases",
            ),
        ),
    )
