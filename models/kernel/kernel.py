"""From an `OdeModel` to the compiled ensemble kernel, by way of a generated module that is cached on disk.

Start with `load_kernel`; `kinimmune.models.solvers.ensemble` runs what it returns.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.kernel.cache import load_equations, load_loop
from kinimmune.models.kernel.workspace import KernelLayout
from kinimmune.models.symbolic.model import OdeModel


@dataclass(frozen=True)
class Kernel:
    """A model and its compiled integrator."""

    model: OdeModel
    event_output: str | None
    """Output whose running minimum is followed and whose crossing is located; None for none."""
    source: Path | None
    """The generated module of the model; None when it could not be written anywhere."""
    layout: KernelLayout
    """Addresses of the compiled functions and places in the work space; valid while this kernel lives."""
    run: Callable[..., None]
    """`integrate_lanes` of the generated loop; see `kinimmune.models.kernel.step_loop`."""
    functions: tuple[object, ...]
    """The compiled functions, which are freed when nothing refers to them."""

    def __repr__(self) -> str:
        """Return the model and the event output."""
        event = "no event output" if self.event_output is None else f"event output {self.event_output}"
        return f"Kernel({self.model!r}, {event})"

    @property
    def state_names(self) -> tuple[str, ...]:
        """Rows of initial and final states."""
        return self.model.state_names

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Rows of the parameters; inputs come from the schedule."""
        return self.model.parameter_names


def load_kernel(model: OdeModel, event_output: str | None = None) -> Kernel:
    """Return the kernel of a model, generated when the cache does not hold it.

    Parameters
    ----------
    model
        the equations
    event_output
        name of the output whose crossings are to be located; None for none

    Raises
    ------
    UsageError
        for an event output the model does not have
    ModelError
        for a function the kernel cannot compute
    """
    names = [item.name for item in model.outputs]
    if event_output is not None and event_output not in names:
        raise UsageError(f"model '{model.name}' has no output '{event_output}'; {nearest(event_output, names)}")
    module = load_equations(model, event_output)
    functions = {name: getattr(module, name) for name in ("advance", "find_rates", "find_constants", "find_event_output")}
    constants = {name: getattr(module, name.upper()) for name in KernelLayout._fields if name not in functions}
    layout = KernelLayout(**{name: function.address for name, function in functions.items()}, **constants)
    source = None if module.__file__ is None else Path(module.__file__)
    return Kernel(model, event_output, source, layout, load_loop().integrate_lanes, tuple(functions.values()))
