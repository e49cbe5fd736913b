"""Where generated kernels live: one file a model under the hash of everything that decides its code.

Start with `load_equations`.
"""

import hashlib
import importlib.util
import inspect
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import sympy as sp

from kinimmune.models import (
    elimination,
    kernel_source,
    lanes,
    machine_code,
    model_functions,
    powers,
    python_text,
    rosenbrock,
    straight_line,
    vector_math,
)
from kinimmune.models.kernel_source import write_loop, write_model
from kinimmune.models.model import OdeModel

_GENERATORS = (
    elimination,
    kernel_source,
    lanes,
    model_functions,
    powers,
    python_text,
    rosenbrock,
    straight_line,
    vector_math,
)
"""What decides the text for given equations: when one of them changes, so does the name of the file."""


def cache_folder() -> Path:
    """Return `KINIMMUNE_CACHE`, or the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("KINIMMUNE_CACHE") or platformdirs.user_cache_dir("kinimmune"))


def identify_model(model: OdeModel, watch: str | None) -> str:
    """Return the hash of everything the compiled equations depend on."""
    equations = [sp.srepr(sp.sympify(rate)) for rate in model.rates.values()]
    equations += [f"{item.name}={sp.srepr(sp.sympify(item.expression))}" for item in model.definitions]
    equations += [sp.srepr(sp.sympify(item.expression)) for item in model.outputs if item.name == watch]
    names = [*(state.name for state in model.states), "|", *model.parameter_names, "|", *(item.name for item in model.inputs)]
    return _hash(model.name, *names, *equations, str(watch), *map(inspect.getsource, _GENERATORS))


def _hash(*parts: str) -> str:
    import llvmlite.binding
    import numba

    platform_parts = (numba.__version__, platform.python_version(), llvmlite.binding.get_host_cpu_name())
    return hashlib.sha256("\0".join([*platform_parts, inspect.getsource(machine_code), *parts]).encode()).hexdigest()[:24]


def load_equations(model: OdeModel, watch: str | None) -> ModuleType:
    """Return the generated module of a model, written first when the cache does not hold it."""
    return _load(f"kinimmune_model_{identify_model(model, watch)}", lambda: write_model(model, watch))


def load_loop() -> ModuleType:
    """Return the generated module of the loop over steps, written first when the cache does not hold it."""
    text = write_loop()
    return _load(f"kinimmune_loop_{_hash(text, inspect.getsource(lanes))}", lambda: text)


def _load(name: str, write: Callable[[], str]) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    path = _place(cache_folder(), name)
    if path is None:
        path = _fallback_folder() / f"{name}.py"
    if not path.exists():
        _write_once(path, write())
    return _import(name, path)


def _place(folder: Path, name: str) -> Path | None:
    path = folder / f"{name}.py"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return path
    except OSError as error:
        warnings.warn(
            f"the kernel cache {folder} cannot be written ({error.strerror}); kernels are compiled anew in every run. "
            "Set KINIMMUNE_CACHE to a folder that can",
            RuntimeWarning,
            stacklevel=4,
        )
        return None


@cache
def _fallback_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="kinimmune-kernels-"))


def _write_once(path: Path, text: str) -> None:
    """Write a file as a whole or not at all, and never over one that is there: a new time stamp would recompile it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".kernel-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        if not path.exists():
            Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _import(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
