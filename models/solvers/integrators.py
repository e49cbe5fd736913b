"""The two ways a virtual trial integrates its patients: the generated kernel, and scipy as the reference.

Start with `by_kernel`; `by_scipy` answers the same call hundreds of times slower.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.kernel.completion import Completion
from kinimmune.models.kernel.kernel import Kernel, load_kernel
from kinimmune.models.solvers.dosing import Schedule
from kinimmune.models.solvers.ensemble import EnsembleTrajectories, integrate
from kinimmune.models.solvers.events import Event
from kinimmune.models.solvers.scipy_ensemble import integrate_by_scipy
from kinimmune.models.solvers.tolerances import MOST_STEPS, Tolerances
from kinimmune.models.symbolic.compile import CompiledModel

INTEGRATORS = ("kernel", "scipy")
RETRIED_SHARE = 0.125
"""Share of failed patients above which the parameters are at fault and no patient is integrated again."""


class Integrator(Protocol):
    """Integrates n individuals; arguments and result as in `kinimmune.models.solvers.ensemble.integrate`."""

    def __call__(  # noqa: PLR0913 - the parts of a virtual trial, all by name
        self,
        *,
        initial: Array,
        parameters: Array,
        time: Array,
        start: Integers | None = None,
        schedule: Schedule | None = None,
        event: Event | None = None,
        nadir: Array | None = None,
        keep: Sequence[str] | None = None,
        tolerances: Tolerances = ...,
    ) -> EnsembleTrajectories:
        """Return the trajectories of all individuals."""
        ...


def by_kernel(compiled: CompiledModel, event_output: str | None = None, most_steps: int = MOST_STEPS) -> Integrator:
    """Return the ensemble kernel of a model, generated and cached on first use.

    Trajectories are not checked by a second integration: a mean over patients does not need the last digit of the few whose
    errors grow.

    Parameters
    ----------
    compiled
        the model
    event_output
        output whose events it can locate, if any
    most_steps
        steps after which the kernel ends a patient's integration and scipy repeats it
    """
    return partial(_integrate_with_retry, load_kernel(compiled.model, event_output), compiled, most_steps=most_steps)


def _integrate_with_retry(  # noqa: PLR0913 - the protocol's arguments, and what integrates them
    kernel: Kernel,
    compiled: CompiledModel,
    *,
    most_steps: int,
    initial: Array,
    parameters: Array,
    start: Integers | None = None,
    nadir: Array | None = None,
    **others: Any,  # noqa: ANN401  # passed on to both integrators, whose signatures are the protocol's
) -> EnsembleTrajectories:
    """Integrate by the kernel, and by scipy the few patients whose integration failed there."""
    options = {"start": start, "nadir": nadir, "most_steps": most_steps, **others}
    first = integrate(kernel, initial=initial, parameters=parameters, checked=False, **options)
    usable = np.isfinite(initial).all(axis=0) & np.isfinite(parameters).all(axis=0)
    lost = np.flatnonzero((first.completion != Completion.COMPLETE) & usable)
    if lost.size == 0 or lost.size > max(1, RETRIED_SHARE * first.completion.size):
        return first
    again = integrate_by_scipy(
        compiled,
        initial=initial[:, lost],
        parameters=parameters[:, lost],
        start=None if start is None else start[lost],
        nadir=None if nadir is None else nadir[lost],
        **others,
    )
    return _replace_patients(first, lost, again)


def _replace_patients(first: EnsembleTrajectories, columns: Integers, again: EnsembleTrajectories) -> EnsembleTrajectories:
    """Return the first trajectories with some patients replaced by those of a second integration."""
    changed = {}
    for name in ("states", "final", "crossing", "nadir", "completion", "failed_at", "failed_state", "steps"):
        array = getattr(first, name).copy()
        array[..., columns] = getattr(again, name)
        changed[name] = array
    return replace(first, retried=int(columns.size), **changed)


def by_scipy(compiled: CompiledModel) -> Integrator:
    """Return scipy's LSODA, one individual after the other."""
    return partial(integrate_by_scipy, compiled)


def choose_integrator(name: str, compiled: CompiledModel, event_output: str | None = None) -> Integrator:
    """Return the integrator of a name, `kernel` or `scipy`."""
    if name not in INTEGRATORS:
        raise UsageError(f"unknown integrator '{name}'; {nearest(name, INTEGRATORS)}")
    return by_kernel(compiled, event_output) if name == "kernel" else by_scipy(compiled)
