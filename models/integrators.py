"""The two ways a virtual trial integrates its patients: the generated kernel, and scipy as the reference.

Start with `by_kernel`; `by_scipy` answers the same call hundreds of times slower.
"""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.compile import CompiledModel
from kinimmune.models.dosing import Schedule
from kinimmune.models.ensemble import EnsembleTrajectories, integrate
from kinimmune.models.errors import UsageError
from kinimmune.models.kernels import Rise, load_kernel
from kinimmune.models.model import nearest
from kinimmune.models.reference import integrate_by_scipy
from kinimmune.models.simulate import Tolerances

INTEGRATORS = ("kernel", "scipy")


class Integrator(Protocol):
    """Integrates n individuals; arguments and result as in `kinimmune.models.ensemble.integrate`."""

    def __call__(  # noqa: PLR0913 - the parts of a virtual trial, all by name
        self,
        *,
        initial: Array,
        parameters: Array,
        time: Array,
        start: Integers | None = None,
        schedule: Schedule | None = None,
        rise: Rise | None = None,
        nadir: Array | None = None,
        keep: Sequence[str] | None = None,
        tolerances: Tolerances = ...,
    ) -> EnsembleTrajectories:
        """Return the courses of all individuals."""
        ...


def by_kernel(compiled: CompiledModel, watch: str) -> Integrator:
    """Return the ensemble kernel of a model, generated and cached on first use, that can locate rises of an output."""
    return partial(integrate, load_kernel(compiled.model, watch))


def by_scipy(compiled: CompiledModel) -> Integrator:
    """Return scipy's LSODA, one individual after the other."""
    return partial(integrate_by_scipy, compiled)


def choose_integrator(name: str, compiled: CompiledModel, watch: str) -> Integrator:
    """Return the integrator of a name, `kernel` or `scipy`."""
    if name not in INTEGRATORS:
        raise UsageError(f"unknown integrator '{name}'; {nearest(name, INTEGRATORS)}")
    return by_kernel(compiled, watch) if name == "kernel" else by_scipy(compiled)
