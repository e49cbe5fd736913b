"""Temozolomide: exposure, damage, and what it does to lymphocytes and tumour.

Start with `temozolomide`; `apoptosis` is its action on the tumour, for the tumour's mechanism.
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.drugs import DrugRole

ZERO = sp.Integer(0)


def temozolomide() -> Mechanism:
    """Return exposure C_t = dose rate / CL, damage W' = k_W (C_t / C_W - W) and the loss of lymphocytes.

    The drug is gone within hours, so concentration is its average over the day; damage lasts for days.
    """
    exposure, damage = symbol("temozolomide_concentration"), symbol("damage")
    return Mechanism(
        name="temozolomide",
        reason="the alkylating agent kills tumour cells and lymphocytes, and damaged cells show NKG2D ligands",
        inputs=(
            Input(
                "temozolomide_rate",
                'upright("TMZ")',
                "mg/d",
                "amount of temozolomide taken per day",
                label="Temozolomide dose rate",
            ),
        ),
        states=(State("damage", "W", "1", "DNA damage in the tumour over its reference", ZERO, label="DNA damage"),),
        definitions=(
            Definition(
                "temozolomide_concentration",
                "C_t",
                "mg/L",
                symbol("temozolomide_rate") / symbol("temozolomide_clearance"),
                "plasma concentration, average over the day",
                label="Temozolomide in plasma",
            ),
            Definition(
                "damage_response",
                "a",
                "1",
                damage / (1 + damage),
                "share of the largest rise of NKG2D ligands",
                neutral=ZERO,
            ),
            Definition(
                "lymphocyte_kill",
                "l",
                "1/d",
                symbol("lymphocyte_sensitivity") * exposure,
                "rate at which lymphocytes are lost",
                neutral=ZERO,
                label="Loss of lymphocytes",
            ),
        ),
        terms=(
            Term(
                "damage_onset",
                "damage",
                symbol("damage_rate") * exposure / symbol("damage_concentration"),
                "alkylation in proportion to exposure",
            ),
            Term("damage_repair", "damage", -symbol("damage_rate") * damage, "repair"),
        ),
    )


def alkylating_agent(clearance: str, others: tuple[str, ...]) -> DrugRole:
    """Return where an alkylating agent is given: a rate, never a dose that is there at once, since exposure follows the rate.

    Parameters
    ----------
    clearance
        quantity of `drugs.csv`: dose rate of an agent over the exposure to temozolomide that does the same
    others
        agents that are given beside temozolomide
    """
    return DrugRole(
        name="alkylating agent",
        drug="temozolomide",
        rate_input="temozolomide_rate",
        properties={clearance: "temozolomide_clearance"},
        others=tuple(drug for drug in others if drug != "temozolomide"),
    )


def apoptosis() -> Definition:
    """Return death of tumour cells under temozolomide [1/d]."""
    return Definition(
        "drug_apoptosis",
        'a_"t"',
        "1/d",
        symbol("tumour_sensitivity") * symbol("temozolomide_concentration"),
        "tumour cells killed by temozolomide",
        neutral=ZERO,
        label="Apoptosis under drug",
    )
