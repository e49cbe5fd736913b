"""Liver reserve and the cumulative hazards of death and of new lesions.

Start with `death`, by two causes, or `death_by_burden`, by tumour alone; S(t) of one individual is exp(-(sum of the cumulative
hazards of death)).
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Mechanism, State, Term, symbol


def liver_reserve() -> Mechanism:
    """Return the functional reserve of the liver: L' = -k_L L T / (h_L + T)."""
    reserve, volume = symbol("liver_reserve"), symbol("viable_volume")
    share = volume / (volume + symbol("liver_half_volume"))
    return Mechanism(
        name="liver",
        reason="tumour replaces liver; patients also die of liver failure",
        states=(
            State("liver_reserve", "L", "1", "functional reserve, 1 in a typical patient at the start", symbol("liver_start")),
        ),
        terms=(Term("liver_loss", "liver_reserve", -symbol("liver_loss_rate") * reserve * share, "replacement by tumour"),),
    )


def death(burden_of_lesions: bool = False) -> Mechanism:
    """Return two cumulative hazards, of death by tumour and by liver failure, each a state that starts at 0.

    h = h0 [(1 - w) (T/T_ref)^b u + w exp(b_L (1 - L))].

    Parameters
    ----------
    burden_of_lesions
        whether a new lesion adds to the hazard by tumour: with G its cumulative hazard u = 1 + v (1 - exp(-G)) is the mean
        over patients with the same course, a share 1 - exp(-G) of whom has one; that those die sooner is left out of the mean.
        Else u = 1.
    """
    baseline, share = symbol("baseline_hazard"), symbol("liver_death_share")
    by_tumour = baseline * (1 - share) * _burden_factor()
    definitions = (_burden_of_lesions(),) if burden_of_lesions else ()
    if definitions:
        by_tumour *= symbol("lesion_factor")
    by_liver = baseline * share * sp.exp(symbol("liver_hazard_slope") * (1 - symbol("liver_reserve")))
    return Mechanism(
        name="death",
        reason="risk of death rises with tumour burden and as liver reserve is lost",
        states=(
            State(
                "tumour_hazard",
                'Λ_"T"',
                "1",
                "cumulative hazard of death by tumour",
                sp.Integer(0),
                label="Hazard of tumour death",
            ),
            State(
                "liver_hazard",
                'Λ_"L"',
                "1",
                "cumulative hazard of death by liver failure",
                sp.Integer(0),
                label="Hazard of liver death",
            ),
        ),
        definitions=definitions,
        terms=(
            Term("tumour_death", "tumour_hazard", by_tumour, "a power of viable volume over the reference"),
            Term("liver_death", "liver_hazard", by_liver, "exponential in lost reserve"),
        ),
    )


def death_by_burden() -> Mechanism:
    """Return the cumulative hazard of death by tumour alone: h = h0 (T / T_ref)^b."""
    return Mechanism(
        name="death",
        reason="risk of death rises with tumour burden",
        states=(State("death_hazard", "Λ", "1", "cumulative hazard of death", sp.Integer(0), label="Hazard of death"),),
        terms=(
            Term(
                "burden_death",
                "death_hazard",
                symbol("baseline_hazard") * _burden_factor(),
                "a power of viable volume over the reference",
            ),
        ),
    )


def new_lesions(action: sp.Expr, reason: str, printed: str = "G") -> Mechanism:
    """Return the cumulative hazard of a new lesion: G' = g_N (g / g_ref) u, seeding in proportion to proliferation.

    Parameters
    ----------
    action
        u, what the drugs leave of outgrowth, 1 without any
    reason
        why they act on it so
    printed
        symbol of the hazard in equations
    """
    rate = symbol("new_lesion_rate") * symbol("growth") / symbol("reference_growth")
    return Mechanism(
        name="new_lesions",
        reason="progression is also a lesion that was not there",
        states=(
            State(
                "lesion_hazard", printed, "1", "cumulative hazard of a new lesion", sp.Integer(0), label="Hazard of new lesions"
            ),
        ),
        definitions=(
            Definition(
                "lesion_drug_action",
                'u_"N"',
                "1",
                action,
                reason,
                neutral=sp.Integer(1),
                label="Drug action on new lesions",
            ),
        ),
        terms=(Term("seeding", "lesion_hazard", rate * symbol("lesion_drug_action"), "outgrowth of seeded cells"),),
    )


def _burden_of_lesions() -> Definition:
    return Definition(
        "lesion_factor",
        'u_"L"',
        "1",
        1 + symbol("lesion_burden") * (1 - sp.exp(-symbol("lesion_hazard"))),
        "who has a new lesion is at a higher risk of death by tumour",
        neutral=sp.Integer(1),
        label="Burden of new lesions",
    )


def _burden_factor() -> sp.Expr:
    """Return (T / T_ref)^b, by logarithms since T may underflow."""
    logarithm = symbol("log_volume") + sp.log(symbol("initial_volume") / symbol("reference_volume"))
    return sp.exp(symbol("burden_exponent") * logarithm)
