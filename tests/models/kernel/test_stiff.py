"""Stiff problems with published end values, by the ensemble kernel."""

from collections.abc import Mapping

import numpy as np
import plain_models as plain
import pytest

from kinimmune.models.kernel.kernel import load_kernel
from kinimmune.models.solvers.ensemble import integrate
from kinimmune.models.solvers.tolerances import Tolerances

Rates = Mapping[str, str]
make_model, columns = plain.make_model, plain.columns


STIFF: dict[str, tuple[Rates, Mapping[str, float], float, Mapping[str, float]]] = {
    # E. Hairer, G. Wanner, Solving ODEs II, IV.10; end values: Mazzia & Magherini, Test Set for IVP Solvers, release 2.4 (2008)
    "robertson": (
        {"a": "-0.04*a + 1e4*b*c", "b": "0.04*a - 1e4*b*c - 3e7*b**2", "c": "3e7*b**2"},
        {"a": 1.0, "b": 0.0, "c": 0.0},
        1e11,
        {"a": 0.2083340149701255e-07, "c": 0.9999999791665050},
    ),
    "van_der_pol": ({"x": "z", "z": "1000*((1 - x**2)*z) - x"}, {"x": 2.0, "z": 0.0}, 2000.0, {"x": 1.706167732170469}),
    "oregonator": (
        {"a": "77.27*(b + a*(1 - 8.375e-6*a - b))", "b": "(c - (1 + a)*b)/77.27", "c": "0.161*(a - c)"},
        {"a": 1.0, "b": 2.0, "c": 3.0},
        360.0,
        {"a": 0.1000814870318523e1, "b": 0.1228178521549917e4, "c": 0.1320554942846706e3},
    ),
    "hires": (
        {
            "a": "-1.71*a + 0.43*b + 8.32*c + 0.0007",
            "b": "1.71*a - 8.75*b",
            "c": "-10.03*c + 0.43*d + 0.035*e",
            "d": "8.32*b + 1.71*c - 1.12*d",
            "e": "-1.745*e + 0.43*f + 0.43*g",
            "f": "-280*f*h + 0.69*d + 1.71*e - 0.43*f + 0.69*g",
            "g": "280*f*h - 1.81*g",
            "h": "-280*f*h + 1.81*g",
        },
        {"a": 1.0, "b": 0.0, "c": 0.0, "d": 0.0, "e": 0.0, "f": 0.0, "g": 0.0, "h": 0.0057},
        321.8122,
        {
            "a": 0.7371312573325668e-3,
            "b": 0.1442485726316185e-3,
            "c": 0.5888729740967575e-4,
            "d": 0.1175651343283149e-2,
            "e": 0.2386356198831331e-2,
            "f": 0.6238968252742796e-2,
            "g": 0.2849998395185769e-2,
            "h": 0.2850001604814231e-2,
        },
    ),
}


# J. G. Verwer, SIAM J. Sci. Comput. 15 (1994) 1243: the 25 reactions of the air pollution problem, reactants and products
REACTIONS = """
    .35 y1 > y2 y3; 26.6 y2 y4 > y1; 1.23e4 y5 y2 > y1 y6; 8.6e-4 y7 > y5 y5 y8; 8.2e-4 y7 > y8; 1.5e4 y7 y6 > y5 y8;
    1.3e-4 y9 > y5 y8 y10; 2.4e4 y9 y6 > y11; 1.65e4 y11 y2 > y1 y10 y12; 9e3 y11 y1 > y13; .022 y13 > y11 y1;
    1.2e4 y10 y2 > y14 y1;
    1.88 y14 > y5 y7; 1.63e4 y1 y6 > y15; 4.8e6 y3 > y4; 3.5e-4 y4 > y16; .0175 y4 > y3; 1e8 y16 > y6 y6; 4.44e11 y16 > y3;
    1.24e3 y17 y6 > y18 y5; 2.1 y19 > y2; 5.78 y19 > y1 y3; .0474 y1 y4 > y19; 1.78e3 y19 y1 > y20; 3.12 y20 > y19 y1
"""


def pollution() -> tuple[Rates, Mapping[str, float], float, Mapping[str, float]]:
    rates = {f"y{i}": "0" for i in range(1, 21)}
    for reaction in REACTIONS.split(";"):
        (constant, *reactants), products = (side.split() for side in reaction.split(">"))
        speed = f"{constant}*{'*'.join(reactants)}"
        for sign, side in (("-", reactants), ("+", products)):
            for name in side:
                rates[name] += f" {sign} {speed}"
    initial = dict.fromkeys(rates, 0.0) | {"y2": 0.2, "y4": 0.04, "y7": 0.1, "y8": 0.3, "y9": 0.01, "y17": 0.007}
    published = {"y1": 0.5646255480022769e-1, "y2": 0.1342484130422339, "y4": 0.5523140207484359e-2, "y7": 0.7784249118997964e-1}
    published |= {"y12": 0.2230505975721359e-2, "y15": 0.8964884856898295e-2, "y20": 0.5682943292316392e-4}
    return rates, initial, 60.0, published


STIFF["pollution"] = pollution()


@pytest.mark.slow
@pytest.mark.parametrize("name", STIFF)
def test_stiff_problems_reach_their_published_end(name: str) -> None:
    rates, initial, end, published = STIFF[name]
    kernel = load_kernel(make_model(name, rates, initial))
    for tolerances, digits in ((Tolerances(1e-6, 1e-12), 4), (Tolerances(1e-8, 1e-14), 6)):
        found = integrate(kernel, **columns(kernel, 1), time=np.array([0.0, end]), tolerances=tolerances)
        assert found.failures == {}
        reached = dict(zip(kernel.state_names, found.final[:, 0], strict=True))
        for state, value in published.items():
            assert reached[state] == pytest.approx(value, rel=10.0**-digits), (state, tolerances)
