"""How well a state or an output is known, from the error of the states it is read from.

Start with `read_error`.  An output can be worse known than any state it is made of (a difference of large numbers), or better.
"""

import numpy as np

from kinimmune.models.arrays import Array, real
from kinimmune.models.symbolic.compile import CompiledModel, read_output

UNKNOWN = 1e300
"""Error of an output where that of the states leads out of its domain, such as a logarithm of nothing: larger than any value, and
still a number that can be added and stored."""


def read_error(
    compiled: CompiledModel, name: str, moment: float | Array, states: Array, parameters: Array, errors: Array
) -> Array:
    """Return the error of a state or output of a model, shape (...).

    With y the states and e their errors, an output g is known to the sum over the states it depends on of
    max(|g(y + e_i) - g(y)|, |g(y - e_i) - g(y)|): to first order |dg/dy_i| e_i, whatever their signs.

    Parameters
    ----------
    compiled
        the model
    name
        state or output
    moment
        time [d], which broadcasts against `...`
    states
        all states, shape (n_states, ...)
    parameters
        parameters with inputs, shape (n_parameters + n_inputs, ...)
    errors
        of the states, shape of `states`
    """
    names = compiled.model.state_names
    if name in names:
        return real(errors[names.index(name)])
    reading = read_output(compiled, name)
    rows = [names.index(state) for state in reading.states]
    here = states[rows]
    value = reading.value(moment, here, parameters)
    total = np.zeros(value.shape)
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is said below
        for row, allowed in enumerate(errors[rows]):
            above, below = here.copy(), here.copy()
            above[row] += allowed
            below[row] -= allowed
            moved = [np.abs(reading.value(moment, shifted, parameters) - value) for shifted in (above, below)]
            total += np.fmax(*moved)  # where one side leads out of the domain, the other tells
    return real(np.nan_to_num(total, nan=UNKNOWN, posinf=UNKNOWN))
