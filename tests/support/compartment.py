"""One compartment that takes a drug by rate and by dose: its courses under any regimen are sums of exponentials."""

from plain_models import make_parameter

from kinimmune.models.symbolic.components import Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.drugs import DrugRole
from kinimmune.models.symbolic.model import OdeModel

RATE, VOLUME, WEIGHT, SURFACE = 0.25, 20.0, 70.0, 1.8
VALUES = {"elimination": RATE, "volume": VOLUME, "body_weight": WEIGHT, "body_surface_area": SURFACE}


def make_compartment():
    """Return one compartment: C' = rate / V - k C, doses [mg] diluted in V."""
    concentration = symbol("concentration")
    mechanism = Mechanism(
        "washout",
        "first order",
        states=(State("concentration", "C", "mg/L", "drug", 0 * symbol("elimination")),),
        terms=(
            Term("loss", "concentration", -symbol("elimination") * concentration, "leaves"),
            Term("gain", "concentration", symbol("rate") / symbol("volume"), "is fed"),
        ),
        inputs=(Input("rate", "u", "mg/d", "rate"),),
    )
    parameters = (
        make_parameter("elimination", RATE, "1/d"),
        make_parameter("volume", VOLUME, "L"),
        make_parameter("body_weight", WEIGHT, "kg"),
        make_parameter("body_surface_area", SURFACE, "m^2"),
    )
    role = DrugRole("any", "drug", rate_input="rate", dose_state="concentration", dose_volume="volume")
    return OdeModel("compartment", "one compartment", (mechanism,), parameters, drugs=(role,))


COMPARTMENT = make_compartment()
