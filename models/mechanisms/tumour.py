"""The tumour: growth, killing by effector cells, drug-induced apoptosis, necrosis, and the diameter a scan measures.

Start with `tumour` (growth seen in patients, with necrosis) or `fed_tumour` (growth towards what vessels can feed).  Viable
volume is kept as x = ln(T / T0), so that it stays positive whatever the rates, and so that T0 = 0 is no tumour.
"""

import sympy as sp

from kinimmune.models.symbolic.components import Definition, Mechanism, State, Term, symbol


def viable_volume() -> sp.Expr:
    """Return the viable volume T = T0 exp(x) [mL]."""
    return symbol("initial_volume") * sp.exp(symbol("log_volume"))


def untreated_kill() -> sp.Expr:
    """Return the untreated specific rate of killing k [1/d] at the reference volume, in proportion to growth."""
    return symbol("immune_kill") * symbol("growth") / symbol("reference_growth")


def balanced_necrosis() -> sp.Expr:
    """Return the necrotic volume over T0 that an untreated tumour carries: N = k / (k_N + g), at which N/T stays constant."""
    return untreated_kill() / (symbol("necrosis_clearance") + symbol("growth"))


def tumour(activity: sp.Expr, reference_activity: sp.Expr) -> Mechanism:
    """Return viable and necrotic volume.

    x' = (g + k) D v (1 - T/T_max) - a (1 - P) - k K,  N' = (k K + a (1 - P)) e^x - k_N N.
    g is the growth seen without treatment: proliferation g + k makes up for the untreated killing k, which is in
    proportion to g, because faster tumours are met by more effector cells.

    Parameters
    ----------
    activity
        effector cells times what Tregs leave of their function, E q
    reference_activity
        the same, untreated, at the reference volume, where killing K is 1
    """
    growth, kill = symbol("growth"), symbol("patient_kill")
    saturation, reference = symbol("kill_saturation"), symbol("reference_volume")
    volume, died = symbol("viable_volume"), symbol("killing") + symbol("drug_apoptosis")
    return Mechanism(
        name="tumour",
        reason="viable tumour grows, is killed, and leaves necrotic volume that a scan still sees",
        states=(
            State(
                "log_volume",
                "x",
                "1",
                "ln of viable volume over its start",
                sp.Integer(0),
                nonnegative=False,
                size=1.0,
                label="ln viable volume",
            ),
            State("necrosis", "N", "1", "necrotic volume over the viable volume at the start", balanced_necrosis()),
        ),
        definitions=(
            Definition("viable_volume", "T", "mL", viable_volume(), "volume of living tumour"),
            Definition(
                "patient_kill",
                "k",
                "1/d",
                untreated_kill(),
                "untreated killing of this patient, in proportion to growth",
                label="Untreated killing",
            ),
            Definition(
                "killing",
                "K",
                "1/d",
                kill * activity / reference_activity * (saturation + reference) / (saturation + volume),
                "specific rate of killing by functional effector cells, fewer per volume in a large tumour",
                neutral=sp.Integer(0),
            ),
            erk_apoptosis(),
            Definition(
                "proliferation",
                "π",
                "1/d",
                (growth + kill) * symbol("cyclin_d1") * symbol("vascular_support") * (1 - volume / symbol("volume_capacity")),
                "division needs cyclin D1, vessels and space",
            ),
        ),
        terms=(
            Term("proliferation_of_tumour", "log_volume", symbol("proliferation"), "division of tumour cells"),
            Term("immune_killing", "log_volume", -symbol("killing"), "lysis by effector cells"),
            Term("apoptosis", "log_volume", -symbol("drug_apoptosis"), "apoptosis under drug"),
            Term("necrosis_formation", "necrosis", died * sp.exp(symbol("log_volume")), "dead cells stay in place"),
            Term(
                "necrosis_clearance_flow",
                "necrosis",
                -symbol("necrosis_clearance") * symbol("necrosis"),
                "removal of debris",
                label="Necrosis clearance",
            ),
        ),
    )


def fed_tumour(unit: str, killing: sp.Expr, cytostasis: sp.Expr, apoptosis: Definition | None) -> Mechanism:
    """Return Gompertz growth towards the vascular capacity K, with what slows division acting on growth alone.

    x' = l [D s(u) - s(-u)] - a - K_T with u = ln((K + e)/(T + e)), s(u) = ln(1 + exp(u)) and D the cell cycle's activity:
    without drug s(u) - s(-u) = u is Gompertz growth; blocking division never slows regression where K < T.

    Parameters
    ----------
    unit
        of volumes
    killing
        specific rate of killing by the immune system K_T [1/d]
    cytostasis
        activity of the cell cycle D relative to untreated
    apoptosis
        definition of `drug_apoptosis` [1/d], or None where the drug kills no tumour cells directly
    """
    small, volume = symbol("smallest_volume"), symbol("viable_volume")
    push = sp.log((symbol("vascular_capacity") + small) / (volume + small))
    growth, regression = sp.log(1 + sp.exp(push)), sp.log(1 + sp.exp(-push))
    rate = symbol("growth")
    definitions = (
        Definition("viable_volume", "T", unit, viable_volume(), "volume of living tumour"),
        Definition("killing", "K_T", "1/d", killing, "specific rate of killing by the immune system", neutral=sp.Integer(0)),
        *(() if apoptosis is None else (apoptosis,)),
    )
    terms = (
        Term("division_of_tumour", "log_volume", rate * cytostasis * growth, "growth towards what vessels can feed"),
        Term("starvation", "log_volume", -rate * regression, "regression of what vessels cannot feed"),
        Term("immune_killing", "log_volume", -symbol("killing"), "lysis by immune cells"),
        *(() if apoptosis is None else (Term("apoptosis", "log_volume", -symbol("drug_apoptosis"), "apoptosis under drug"),)),
    )
    return Mechanism(
        name="tumour",
        reason="tumour grows towards what its vessels can feed, is killed and starves",
        states=(
            State(
                "log_volume",
                "x",
                "1",
                "ln of viable volume over its start",
                sp.Integer(0),
                nonnegative=False,
                size=1.0,
                label="ln viable volume",
            ),
        ),
        definitions=definitions,
        terms=terms,
    )


def erk_apoptosis() -> Definition:
    """Return apoptosis of tumour cells that lost their pERK survival signal [1/d]."""
    return Definition(
        "drug_apoptosis",
        'a_"drug"',
        "1/d",
        symbol("apoptosis_rate") * (1 - symbol("phospho_erk")),
        "apoptosis of cells that lost their pERK survival signal",
        neutral=sp.Integer(0),
        label="Apoptosis under drug",
    )


def log_diameter() -> sp.Expr:
    """Return ln of the sum of diameters over its start: one third of the ln of viable plus necrotic volume.

    With volume in proportion to the cube of the diameter; RECIST sees viable and dead tissue alike.
    """
    seen = (sp.exp(symbol("log_volume")) + symbol("necrosis")) / (1 + balanced_necrosis())
    return sp.log(seen) / 3
