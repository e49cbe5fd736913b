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
from kinimmune.models.kernel.kernel import Kernel, load_kernel
from kinimmune.models.solvers.dosing import Schedule
from kinimmune.models.solvers.ensemble import MOST_STEPS, EnsembleTrajectories, integrate
from kinimmune.models.solvers.events import Event
from kinimmune.models.solvers.scipy_ensemble import integrate_by_scipy
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import CompiledModel

INTEGRATORS = ("kernel", "scipy")
RETRIED_SHARE = 0.125
"""Share of failed patients above which the parameters are at fault and none is integrated again."""


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
        """Return the courses of all individuals."""
        ...


def by_kernel(compiled: CompiledModel, watch: str | None = None, most_steps: int = MOST_STEPS) -> Integrator:
    """Return the ensemble kernel of a model, generated and cached on first use.

    Courses are not checked twice: a mean over patients does not need the last digit of the few whose errors grow.

    Parameters
    ----------
    compiled
        the model
    watch
        output whose rises it can locate, if any
    most_steps
        steps after which the kernel gives a patient up and scipy is asked
    """
    return partial(_integrate_with_retry, load_kernel(compiled.model, watch), compiled, most_steps=most_steps)


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
    """Integrate by the kernel, and the few patients it gave up once more by scipy."""
    given = {"start": start, "nadir": nadir, "most_steps": most_steps, **others}
    courses = integrate(kernel, initial=initial, parameters=parameters, checked=False, **given)
    usable = np.isfinite(initial).all(axis=0) & np.isfinite(parameters).all(axis=0)
    lost = np.flatnonzero((courses.completion != 0) & usable)
    if lost.size == 0 or lost.size > max(1, RETRIED_SHARE * courses.completion.size):
        return courses
    again = integrate_by_scipy(
        compiled,
        initial=initial[:, lost],
        parameters=parameters[:, lost],
        start=None if start is None else start[lost],
        nadir=None if nadir is None else nadir[lost],
        **others,
    )
    return _put_in(courses, lost, again)


def _put_in(courses: EnsembleTrajectories, places: Integers, again: EnsembleTrajectories) -> EnsembleTrajectories:
    """Return the courses with some patients replaced."""
    changed = {}
    for name in ("states", "final", "crossing", "nadir", "completion", "failed_at", "blamed", "steps"):
        array = getattr(courses, name).copy()
        array[..., places] = getattr(again, name)
        changed[name] = array
    return replace(courses, retried=int(places.size), **changed)


def by_scipy(compiled: CompiledModel) -> Integrator:
    """Return scipy's LSODA, one individual after the other."""
    return partial(integrate_by_scipy, compiled)


def choose_integrator(name: str, compiled: CompiledModel, watch: str | None = None) -> Integrator:
    """Return the integrator of a name, `kernel` or `scipy`."""
    if name not in INTEGRATORS:
        raise UsageError(f"unknown integrator '{name}'; {nearest(name, INTEGRATORS)}")
    return by_kernel(compiled, watch) if name == "kernel" else by_scipy(compiled)
