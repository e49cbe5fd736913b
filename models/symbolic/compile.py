"""From an `OdeModel` to functions of arrays: right-hand side, analytic Jacobian, initial values and outputs.

Start with `compile_model`.  A function is made when it is first called: generated kernels integrate without most of them, and
making them takes longer than a small virtual trial.

Shape law: `y` is `(n_states, ...)`, `p` is `(n_parameters + n_inputs, ...)` with the inputs last, `t` broadcasts against `...`;
results are `(n_states, ...)`, `(n_states, n_states, ...)` and `(n_outputs, ...)`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from threading import Lock
from typing import Protocol

import numpy as np
import sympy as sp

from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.symbolic.components import TIME, symbol
from kinimmune.models.symbolic.model import OdeModel


class Field(Protocol):
    """A compiled function of time, states and parameters; see the shape law of this module."""

    def __call__(self, t: float | Array, y: Array, p: Array) -> Array:
        """Return the values, with the trailing shape of `y`."""
        ...


@dataclass(frozen=True)
class Reading:
    """One output as a function of the states it depends on alone."""

    states: tuple[str, ...]
    """Rows of `y`, in the order of the model's states."""
    value: Field
    """Values of the output, with the trailing shape of `y`."""


@dataclass(frozen=True, eq=False)  # functions are equal only to themselves, so a compiled model is
class CompiledModel:
    """A model and its functions."""

    model: OdeModel
    rhs: Field
    """Rates [unit of each state per day]."""
    jacobian: Field
    """Element `[i, j]` is the derivative of rate i by state j."""
    outputs: Field
    """Outputs in the order of `model.outputs`."""
    initial: Callable[[Array], Array]
    """p -> initial states, shape (n_states, ...)."""

    def __repr__(self) -> str:
        """Return the model that was compiled."""
        return f"CompiledModel({self.model!r})"

    @cached_property
    def parameter_names(self) -> tuple[str, ...]:
        """Rows of `p`: parameters, then inputs."""
        return (*self.model.parameter_names, *(item.name for item in self.model.inputs))

    def vector(self, values: Mapping[str, float]) -> Array:
        """Return `p`, shape (n_parameters + n_inputs,); inputs that are not given are 0.

        Raises
        ------
        UsageError
            for a name the model does not have, or a parameter that is missing
        """
        for name in values:
            if name not in self.parameter_names:
                message = f"model '{self.model.name}' has no parameter '{name}'"
                raise UsageError(f"{message}; {nearest(name, self.parameter_names)}")
        missing = [name for name in self.model.parameter_names if name not in values]
        if missing:
            raise UsageError(f"model '{self.model.name}': no value for parameter {', '.join(missing)}; give one in its unit")
        return np.array([values.get(name, 0.0) for name in self.parameter_names], dtype=float)


@lru_cache(maxsize=8)
def compile_model(model: OdeModel) -> CompiledModel:
    """Compile a model by sympy: common subexpressions shared, Jacobian by exact differentiation.

    Making the functions takes a second or more, so equal models share them in a process.
    """
    states = [symbol(name) for name in model.state_names]
    n = len(states)

    def rates() -> list[sp.Expr]:
        return [model.expand(rate) for rate in model.rates.values()]

    def jacobian() -> list[sp.Expr]:
        return [sp.diff(rate, state) for rate in rates() for state in states]

    def outputs() -> list[sp.Expr]:
        return [model.expand(item.expression) for item in model.outputs]

    return CompiledModel(
        model=model,
        rhs=make_field(model, rates, (n,)),
        jacobian=make_field(model, jacobian, (n, n)),
        outputs=make_field(model, outputs, (len(model.outputs),)),
        initial=_initial(model),
    )


@lru_cache(maxsize=32)
def read_output(compiled: CompiledModel, name: str) -> Reading:
    """Return one output as a function of the states it depends on alone; made once for a compiled model.

    Raises
    ------
    UsageError
        for an output the model does not have
    """
    model = compiled.model
    expressions = {item.name: item.expression for item in model.outputs}
    if name not in expressions:
        raise UsageError(f"model '{model.name}' has no output '{name}'; {nearest(name, expressions)}")
    expression = model.expand(expressions[name])
    needed = tuple(state for state in model.state_names if symbol(state) in expression.free_symbols)
    return Reading(needed, make_field(model, lambda: [expression], (), needed))


def _parameter_symbols(model: OdeModel) -> list[sp.Symbol]:
    return [symbol(name) for name in (*model.parameter_names, *(item.name for item in model.inputs))]


def _argument(used: sp.Symbol) -> sp.Symbol:
    # in the text of the function a name such as `exp` or `pi` would hide numpy's
    return symbol(f"of_{used.name}")


def _lambdify(arguments: Sequence[sp.Symbol | list[sp.Symbol]], expressions: Sequence[sp.Expr]) -> Callable[..., list[Array]]:
    groups = [item if isinstance(item, list) else [item] for item in arguments]
    renamed = {used: _argument(used) for group in groups for used in group}
    renamed_arguments = [[renamed[used] for used in item] if isinstance(item, list) else renamed[item] for item in arguments]
    values = [expression.xreplace(renamed) for expression in expressions]
    function: Callable[..., list[Array]] = sp.lambdify(renamed_arguments, values, modules="numpy", cse=True)
    return function


def make_field(
    model: OdeModel, expressions: Callable[[], Sequence[sp.Expr]], shape: tuple[int, ...], rows: Sequence[str] | None = None
) -> Field:
    """Return expressions in states, parameters and inputs as a function, which is made when it is first called.

    Parameters
    ----------
    model
        whose symbols they use
    expressions
        gives them, definitions put in
    shape
        of their values
    rows
        states in `y`; all of the model by default
    """
    states = [symbol(name) for name in (model.state_names if rows is None else rows)]
    lock = Lock()

    @cache
    def make() -> Callable[..., list[Array]]:
        return _lambdify([TIME, states, _parameter_symbols(model)], expressions())

    def function() -> Callable[..., list[Array]]:
        with lock:  # threads that need it at the same time wait for one
            return make()

    def evaluate(t: float | Array, y: Array, p: Array) -> Array:
        trailing = np.broadcast_shapes(np.shape(t), y.shape[1:], p.shape[1:])
        out = np.empty((math.prod(shape), *trailing))
        with np.errstate(all="ignore"):  # here, since it holds for one thread; what is not finite the caller sees
            for i, value in enumerate(function()(t, y, p)):
                out[i] = value
        return out.reshape(shape + trailing)

    return evaluate


def _initial(model: OdeModel) -> Callable[[Array], Array]:
    expressions = [model.expand(state.initial) for state in model.states]
    function = _lambdify([_parameter_symbols(model)], expressions)

    def evaluate(p: Array) -> Array:
        out = np.empty((len(expressions), *p.shape[1:]))
        with np.errstate(all="ignore"):
            for i, value in enumerate(function(p)):
                out[i] = value
        return out

    return evaluate
