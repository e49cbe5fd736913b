"""From an `OdeModel` to the compiled ensemble kernel, by way of a generated module that is cached on disk.

Start with `load_kernel`; `kinimmune.models.solvers.ensemble` runs what it returns.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kinimmune.models.errors import UsageError
from kinimmune.models.kernel.cache import load_equations, load_loop
from kinimmune.models.kernel.workspace import Machine
from kinimmune.models.symbolic.model import OdeModel, nearest


@dataclass(frozen=True)
class Rise:
    """What a crossing as by RECIST watches."""

    quantity: str
    """Name of an output of the model, a logarithm such as `log_burden`."""
    by: float
    """A crossing is where the quantity first stands this much above its running minimum."""

    @property
    def rise(self) -> float:
        """Above the running minimum."""
        return self.by

    @property
    def level(self) -> float:
        """No level counts as a crossing."""
        return math.inf

    def __post_init__(self) -> None:
        """Refuse a rise that is none."""
        if not self.by > 0.0:
            raise UsageError(f"rise of '{self.quantity}' by {self.by:g}: the rise must be positive")


@dataclass(frozen=True)
class Level:
    """What a crossing of a threshold watches; for one from above watch an output of opposite sign."""

    quantity: str
    """Name of an output of the model."""
    value: float
    """A crossing is where the quantity first stands at this or above, in its unit."""

    @property
    def rise(self) -> float:
        """No rise counts as a crossing."""
        return math.inf

    @property
    def level(self) -> float:
        """Of the quantity itself."""
        return self.value

    def __post_init__(self) -> None:
        """Refuse a level that is none."""
        if not math.isfinite(self.value):
            raise UsageError(f"level of '{self.quantity}' at {self.value:g}: the level must be finite")


Event = Rise | Level
"""What is located exactly on the way."""


@dataclass(frozen=True)
class Kernel:
    """A model and its compiled integrator."""

    model: OdeModel
    watch: str | None
    """Output whose running minimum is followed and whose crossing is located."""
    source: Path | None
    """The generated module of the model; None when it could not be written anywhere."""
    machine: Machine
    """Addresses of its compiled functions and places in the work space; valid while this kernel lives."""
    run: Callable[..., None]
    """`integrate_lanes` of the generated loop; see `kinimmune.models.kernel.step_loop`."""
    functions: tuple[object, ...]
    """What owns the compiled functions."""

    @property
    def state_names(self) -> tuple[str, ...]:
        """Rows of initial and final states."""
        return self.model.state_names

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Rows of the parameters; inputs come from the schedule."""
        return self.model.parameter_names


def load_kernel(model: OdeModel, watch: str | None = None) -> Kernel:
    """Return the kernel of a model, generated when the cache does not hold it.

    Parameters
    ----------
    model
        the equations
    watch
        name of the output whose crossings are to be located; None for none

    Raises
    ------
    UsageError
        for a watched output the model does not have
    ModelError
        for a function the kernel cannot compute
    """
    names = [item.name for item in model.outputs]
    if watch is not None and watch not in names:
        raise UsageError(f"model '{model.name}' has no output '{watch}'; {nearest(watch, names)}")
    module = load_equations(model, watch)
    functions = {name: getattr(module, name) for name in ("advance", "find_rates", "find_constants", "find_watched")}
    places = {name: getattr(module, name.upper()) for name in Machine._fields if name not in functions}
    machine = Machine(**{name: item.address for name, item in functions.items()}, **places)
    source = None if module.__file__ is None else Path(module.__file__)
    return Kernel(model, watch, source, machine, load_loop().integrate_lanes, tuple(functions.values()))
