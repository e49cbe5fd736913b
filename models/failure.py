"""Which state, and which term of its rate, an integration broke on.

Start with `blame_state`, the rule of all integrators; `Failure` is what one individual's failure tells.
"""

import math
from dataclasses import dataclass

import numpy as np
import sympy as sp

from kinimmune.models.arrays import Array
from kinimmune.models.compile import CompiledModel
from kinimmune.models.model import TIME, OdeModel, Term, symbol


@dataclass(frozen=True)
class Failure:
    """Where an integration broke."""

    time: float
    """Last time [d] reached."""
    state: str
    """The first state that is not finite or whose rate is not, or else the one that moves fastest in units of its tolerance."""
    term: str | None
    """The first term of its rate that is not finite, or else the largest; None where nothing feeds the state."""

    def __str__(self) -> str:
        """Return the place for a message."""
        at = "" if self.term is None else f", term '{self.term}'"
        return f"on day {self.time:.6g}, state '{self.state}'{at}"


def blame_state(states: Array, rates: Array, allowed: Array) -> int:
    """Return the row of the state that broke.

    The first whose value or rate is not finite; where all are finite, the one whose rate is largest in units of its tolerance.

    Parameters
    ----------
    states, rates
        at the last time reached, shape (n_states,)
    allowed
        error allowed of each state, positive, shape (n_states,)

    Examples
    --------
    >>> blame_state(np.array([1.0, 2.0]), np.array([3.0, np.inf]), np.array([1e-6, 1e-6]))
    1
    """
    broken = ~(np.isfinite(states) & np.isfinite(rates))
    return int(np.argmax(broken)) if broken.any() else int(np.argmax(np.abs(rates) / allowed))


def find_failure(compiled: CompiledModel, time: float, y: Array, p: Array, allowed: Array) -> Failure:
    """Return what broke at a time [d], state (n_states,) and parameters with inputs (n_parameters + n_inputs,)."""
    state = compiled.model.states[blame_state(y, compiled.rhs(time, y, p), allowed)].name
    terms = [term for term in compiled.model.terms if term.state == state]
    if not terms:
        return Failure(time, state, None)
    values = np.array([_evaluate(compiled.model, term, time, y, p) for term in terms])
    broken = ~np.isfinite(values)
    place = int(np.argmax(broken)) if broken.any() else int(np.argmax(np.abs(values)))
    return Failure(time, state, terms[place].name)


def _evaluate(model: OdeModel, term: Term, time: float, y: Array, p: Array) -> float:
    """Return a term; NaN where it has no real value."""
    names = [*(state.name for state in model.states), *model.parameter_names, *(item.name for item in model.inputs)]
    symbols = [TIME, *(symbol(name) for name in names)]
    plain = [sp.Symbol(f"of_{used.name}") for used in symbols]  # a name such as `exp` would hide numpy's
    expression = model.expand(term.expression).xreplace(dict(zip(symbols, plain, strict=True)))
    with np.errstate(all="ignore"):
        value = sp.lambdify(plain, expression, modules="numpy")(np.float64(time), *y, *p)
    return float(value) if np.isrealobj(value) else math.nan
