"""A model of one's own: five states, a drug, and a trial that it is fitted to.

A function of the file's name takes the parameters of `parameters.csv` and returns an `OdeModel`: a list of mechanisms.  Change
it, and try `kinimmune show`, `simulate`, `claims` and `fit` on the folder.
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.drugs import DrugRole
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter
from kinimmune.models.symbolic.roles import TrialRoles

volume, effectors, tregs, drug = symbol("tumour_volume"), symbol("effector_cells"), symbol("regulatory_cells"), symbol("drug")


def five_states(parameters: tuple[Parameter, ...]) -> OdeModel:
    """Return a tumour under attack by cells that regulatory T cells hold back, and a kinase inhibitor that acts on both."""
    log_diameter = Definition(
        "log_diameter", "x", "1", sp.log(volume / symbol("first_volume")) / 3, "ln of the diameter over its start"
    )
    return OdeModel(
        "five_states",
        "A tumour, two kinds of T cell and a drug",
        (tumour(), immunity(), pharmacokinetics(), death()),
        parameters,
        outputs=(log_diameter,),
        trial=TrialRoles({"the tumour": "death"}, log_diameter="log_diameter"),
        drugs=(DrugRole("kinase inhibitor", "sorafenib", rate_input="dose_rate"),),
        reported_courses=("tumour_volume", "effector_cells", "regulatory_cells"),
    )


def tumour() -> Mechanism:
    """Return exponential growth that the drug slows, and killing by effector cells."""
    slowing = Definition(
        "slowing", "s", "1", 1 / (1 + drug / symbol("half_amount")), "share of growth the drug leaves", neutral=sp.Integer(1)
    )
    return Mechanism(
        "tumour",
        "the tumour grows, and cells kill it",
        states=(State("tumour_volume", "V", "mL", "viable tumour", symbol("first_volume"), label="Tumour volume"),),
        definitions=(slowing,),
        terms=(
            Term("growth", "tumour_volume", symbol("growth") * symbol("slowing") * volume, "cells divide"),
            Term("killing", "tumour_volume", -symbol("kill") * symbol("release") * effectors * volume, "effector cells kill"),
        ),
    )


def immunity() -> Mechanism:
    """Return effector cells that the tumour calls, and regulatory cells that suppress them unless the drug removes them."""
    release = Definition(
        "release", "f", "1", 2 / (1 + tregs), "killing over that at the regulatory cells of rest", neutral=sp.Integer(1)
    )
    loss = Definition(
        "loss", "l", "1", 1 + symbol("depletion") * drug / (drug + symbol("half_amount")), "loss over that without drug",
        neutral=sp.Integer(1),
    )  # fmt: skip
    call = 2 * volume / (volume + symbol("first_volume"))
    return Mechanism(
        "immunity",
        "both kinds of T cell turn over",
        states=(
            State("effector_cells", "E", "1", "effector cells over their first number", sp.Integer(1), label="Effector T cells"),
            State("regulatory_cells", "R", "1", "Tregs over their first number", sp.Integer(1), label="Regulatory T cells"),
        ),
        definitions=(release, loss),
        terms=(
            Term("recruitment", "effector_cells", symbol("turnover") * call, "the tumour calls them"),
            Term("effector_death", "effector_cells", -symbol("turnover") * effectors, "they die"),
            Term("treg_source", "regulatory_cells", symbol("turnover"), "they come from blood"),
            Term(
                "treg_loss", "regulatory_cells", -symbol("turnover") * symbol("loss") * tregs, "they die, sooner under the drug"
            ),
        ),
    )


def pharmacokinetics() -> Mechanism:
    """Return one compartment that the dose of an arm fills."""
    return Mechanism(
        "pharmacokinetics",
        "the drug is given and eliminated",
        states=(State("drug", "D", "mg", "drug in the body", sp.Integer(0), label="Drug"),),
        inputs=(Input("dose_rate", "r", "mg/d", "dose rate"),),
        terms=(
            Term("dosing", "drug", symbol("dose_rate"), "what is given"),
            Term("elimination", "drug", -symbol("elimination_rate") * drug, "what is eliminated"),
        ),
    )


def death() -> Mechanism:
    """Return the hazard of death, which rises with the tumour."""
    rise = (volume / symbol("first_volume")) ** symbol("burden_exponent")
    return Mechanism(
        "death",
        "a larger tumour kills sooner",
        states=(State("death", "H", "1", "cumulative hazard of death", sp.Integer(0)),),
        terms=(Term("dying", "death", symbol("hazard") * rise, "hazard of death"),),
    )
