"""Models of plain numbers from rates as text, for tests of integrators."""

import math
from collections.abc import Mapping

import numpy as np
import sympy as sp

from kinimmune.models.kernel.kernel import Kernel
from kinimmune.models.library.gompertz import gompertz
from kinimmune.models.symbolic.components import Definition, Input, Mechanism, State, Term, symbol
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Source, Status

Rates = Mapping[str, str]


def small_gompertz() -> OdeModel:
    """Return Gompertz growth from 10 to 1000 mL at 0.1/d, without a table."""
    values = {"retardation": (0.1, "1/d"), "capacity": (1e3, "mL"), "start_volume": (10.0, "mL")}
    return gompertz(tuple(make_parameter(name, *given) for name, given in values.items()))


def _print(name: str) -> str:
    """Return the printed symbol of a name: its words."""
    return f'"{name.replace("_", " ")}"'


def make_parameter(name: str, value: float, unit: str = "1") -> Parameter:
    source = Source("test", "", Status.ASSUMED)
    return Parameter(
        name, _print(name), value, unit, -math.inf, math.inf, Prior(Scale.FIXED, value, 0.0), False, None, None, name, source
    )


def make_model(
    name: str,
    rates: Rates,
    initial: Mapping[str, float],
    values: Mapping[str, float] | None = None,
    inputs: tuple[str, ...] = (),
    outputs: Mapping[str, str] | None = None,
) -> OdeModel:
    """Return a model of plain numbers; `per_day` carries the unit of every rate."""
    values = {"per_day": 1.0, **(values or {})}
    names = [*rates, *values, *inputs, "t"]
    local = {item: symbol(item) for item in names}
    day = symbol("per_day")
    local["t"] = symbol("t") * day
    mechanism = Mechanism(
        name,
        "test",
        states=tuple(State(state, _print(state), "1", state, sp.Float(initial[state])) for state in rates),
        terms=tuple(Term(f"rate_{state}", state, day * sp.parse_expr(text, local), "test") for state, text in rates.items()),
        inputs=tuple(Input(item, _print(item), "1", item) for item in inputs),
    )
    parameters = tuple(make_parameter(item, value, "1/d" if item == "per_day" else "1") for item, value in values.items())
    found = tuple(
        Definition(item, _print(item), "1", sp.parse_expr(text, local), "test") for item, text in (outputs or {}).items()
    )
    return OdeModel(name, name, (mechanism,), parameters, found)


def columns(kernel: Kernel, n: int, **changed: np.ndarray | float) -> dict[str, np.ndarray]:
    """Return nominal initial states and parameters of n patients, some changed by name."""
    given = {item.name: item.value for item in kernel.model.parameters}
    parameters = np.array([np.broadcast_to(changed.get(name, given[name]), n) for name in kernel.parameter_names], dtype=float)
    start = [np.broadcast_to(changed.get(state.name, float(state.initial)), n) for state in kernel.model.states]
    return {"initial": np.array(start, dtype=float).reshape(len(start), n), "parameters": parameters}
