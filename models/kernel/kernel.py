"""From an `OdeModel` to the compiled ensemble kernel, by way of a generated module that is cached on disk.

Start with `load_kernel`; `kinimmune.models.solvers.ensemble` runs what it returns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.kernel.cache import load_equations, load_loop
from kinimmune.models.kernel.workspace import Machine
from kinimmune.models.symbolic.model import OdeModel


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
