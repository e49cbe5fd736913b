"""Which state, and which term of its rate, an integration broke on.

Start with `choose_failed_state`, the rule of all integrators; `Failure` describes one individual's failure.
"""

from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.symbolic.compile import CompiledModel, make_field


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
        """Return day, state and term for a message."""
        at = "" if self.term is None else f", term '{self.term}'"
        return f"on day {self.time:.6g}, state '{self.state}'{at}"


def choose_failed_state(states: Array, rates: Array, allowed: Array) -> int:
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
    >>> choose_failed_state(np.array([1.0, 2.0]), np.array([3.0, np.inf]), np.array([1e-6, 1e-6]))
    1
    """
    broken = ~(np.isfinite(states) & np.isfinite(rates))
    with np.errstate(over="ignore"):  # beyond all numbers is largest
        return int(np.argmax(broken)) if broken.any() else int(np.argmax(np.abs(rates) / allowed))


def find_failure(compiled: CompiledModel, time: float, y: Array, p: Array, allowed: Array) -> Failure:
    """Return the state and the term that broke; arguments as in `find_failed_state`."""
    model = compiled.model
    state = model.state_names[find_failed_state(compiled, time, y, p, allowed)]
    terms = [term for term in model.terms if term.state == state]
    if not terms:
        return Failure(time, state, None)
    values = make_field(model, lambda: [model.expand(term.expression) for term in terms], (len(terms),))(time, y, p)
    broken = ~np.isfinite(values)
    return Failure(time, state, terms[int(np.argmax(broken if broken.any() else np.abs(values)))].name)


def find_failed_state(compiled: CompiledModel, time: float, y: Array, p: Array, allowed: Array) -> int:
    """Return the row of the state that broke.

    Parameters
    ----------
    compiled
        the model
    time
        last time reached [d]
    y
        state at that time, shape (n_states,)
    p
        parameters, inputs last, shape (n_parameters + n_inputs,)
    allowed
        error allowed of each state, shape (n_states,)
    """
    return choose_failed_state(y, compiled.rhs(time, y, p), allowed)
