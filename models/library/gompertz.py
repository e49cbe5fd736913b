"""Gompertz growth: a model whose solution is known, the yardstick of every integrator.

ln(V/K) decays exponentially: V(t) = K exp(ln(V0/K) exp(-a t)).  Start with `gompertz` and `gompertz_volume`.
"""

import numpy as np
import sympy as sp

from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.components import Mechanism, State, Term, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter

DAYS = 360.0
"""Horizon of a course [d]: seven times 1/retardation, by when the volume is within 1 % of its capacity."""


def gompertz(parameters: tuple[Parameter, ...]) -> OdeModel:
    """Return V' = a V ln(K/V) [mL/d] with V(0) = V0; parameters `retardation` [1/d], `capacity`, `start_volume` [mL]."""
    retardation, capacity, start, volume = (symbol(name) for name in ("retardation", "capacity", "start_volume", "volume"))
    growth = Mechanism(
        name="growth",
        reason="the specific growth rate falls with the logarithm of the volume",
        states=(State("volume", "V", "mL", "tumour volume", start, label="Tumour volume"),),
        terms=(Term("growth", "volume", retardation * volume * sp.log(capacity / volume), "growth towards capacity"),),
    )
    return OdeModel("gompertz", "Gompertz growth, closed form known", (growth,), parameters, usual_days=DAYS)


def gompertz_volume(time: Array, retardation: float, capacity: float, start_volume: float) -> Array:
    """Return the closed form V(t) [mL] at `time` [d]: K exp(ln(V0/K) exp(-a t)).

    >>> float(gompertz_volume(np.array([0.0]), 0.1, 1000.0, 10.0)[0])
    10.0
    """
    volume: Array = capacity * (start_volume / capacity) ** np.exp(-retardation * np.asarray(time, dtype=float))
    return volume
