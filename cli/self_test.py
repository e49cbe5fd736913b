"""The self-test of `kinimmune doctor`: each part does something small whose answer is known.

Start with `run_tests`.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kinimmune.models.arrays import Array
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import KinimmuneError
from kinimmune.models.kernel.cache import count_kernels
from kinimmune.models.kernel.store.folder import find_objection
from kinimmune.models.library.gompertz import gompertz_volume
from kinimmune.models.symbolic.compile import compile_model
from kinimmune.models.symbolic.parameters import values_for

_DAYS = np.linspace(0.0, 100.0, 11)
_CLOSE_ENOUGH = 1e-5
"""Relative error at which an integrator still counts as working; ten times the kernel's tolerance."""


@dataclass(frozen=True)
class TestResult:
    """What one part did."""

    name: str
    passed: bool
    seconds: float
    detail: str


@dataclass(frozen=True)
class CacheFacts:
    """Where compiled kernels are kept, and how many threads there are for them."""

    folder: str
    writable: bool
    kernels: int
    """Compiled models that are as they were written."""
    cores: int
    damaged: int
    """Compiled models that are not; each is built anew when it is wanted."""
    used: bool
    reason: str | None
    """Why the folder is not used; None when it is."""


def examine_cache(folder: Path) -> CacheFacts:
    """Return facts about a folder of compiled kernels; nothing is created."""
    kernels, damaged = count_kernels(folder)
    writable = _is_writable(folder)
    reason = find_objection(folder) or (None if writable or kernels else "it cannot be written")
    return CacheFacts(str(folder), writable, kernels, os.cpu_count() or 1, damaged, reason is None, reason)


def _is_writable(folder: Path) -> bool:
    """Return whether a folder can be written, or made."""
    try:
        nearest = next(path for path in (folder, *folder.parents) if path.exists())
        return folder.is_absolute() and nearest.is_dir() and os.access(nearest, os.W_OK)
    except OSError:  # a name too long to be one
        return False


def run_tests() -> tuple[TestResult, ...]:
    """Run every test; a failure is a result, not an exception."""
    tests = {"scipy against closed form": _scipy_error, "kernel against closed form": _kernel_error, "typesetting": _typeset}
    return tuple(_timed(name, test) for name, test in tests.items())


def _timed(name: str, test: Callable[[], tuple[bool, str]]) -> TestResult:
    begin = time.perf_counter()
    try:
        passed, detail = test()
    except (KinimmuneError, ArithmeticError, ImportError, OSError, RuntimeError, ValueError) as error:
        passed, detail = False, f"{type(error).__name__}: {error}"
    return TestResult(name, passed, time.perf_counter() - begin, detail)


def _scipy_error() -> tuple[bool, str]:
    from kinimmune.models.solvers.individual import simulate

    model = load_model("gompertz")
    values = values_for(model.parameters, None)
    return _compare(simulate(compile_model(model), values, _DAYS).states[0], values)


def _kernel_error() -> tuple[bool, str]:
    from kinimmune.models.kernel.kernel import load_kernel
    from kinimmune.models.solvers.ensemble import integrate

    model = load_model("gompertz")
    values = values_for(model.parameters, None)
    parameters = np.array([[values[name]] for name in model.parameter_names])
    initial = compile_model(model).initial(parameters)
    found = integrate(load_kernel(model), initial=initial, parameters=parameters, time=_DAYS)
    return _compare(found["volume"][:, 0], values)


def _compare(volume: Array, values: dict[str, float]) -> tuple[bool, str]:
    exact = gompertz_volume(_DAYS, values["retardation"], values["capacity"], values["start_volume"])
    error = float(np.max(np.abs(volume / exact - 1.0)))
    return error < _CLOSE_ENOUGH, f"largest relative error {error:.1e}"


def _typeset() -> tuple[bool, str]:
    import typst

    page = typst.compile(b"$ d x / (d t) = -k x $", format="pdf")
    size = len(page) if isinstance(page, bytes) else 0
    return size > 0, f"PDF of {size} bytes"
