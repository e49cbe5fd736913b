"""Where generated kernels live: one file a model under the hash of everything that decides its code.

Start with `load_module`.
"""

import hashlib
import importlib.util
import os
import platform
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType

import sympy as sp

from kinimmune.models.kernel_source import LANES, read_templates, write_kernel
from kinimmune.models.model import OdeModel

GENERATOR = "1"
"""Version of the generator; raise it when the same equations give other code."""


def cache_folder() -> Path:
    """Return `KINIMMUNE_CACHE`, or the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("KINIMMUNE_CACHE") or platformdirs.user_cache_dir("kinimmune"))


def identify(model: OdeModel, watch: str | None) -> str:
    """Return the hash of everything the compiled kernel depends on."""
    import llvmlite.binding
    import numba

    equations = [sp.srepr(sp.sympify(rate)) for rate in model.rates.values()]
    equations += [f"{item.name}={sp.srepr(sp.sympify(item.expression))}" for item in model.definitions]
    equations += [sp.srepr(sp.sympify(item.expression)) for item in model.outputs if item.name == watch]
    names = [*(state.name for state in model.states), "|", *model.parameter_names, "|", *(item.name for item in model.inputs)]
    versions = [GENERATOR, str(LANES), numba.__version__, platform.python_version(), llvmlite.binding.get_host_cpu_name()]
    parts = [model.name, *names, *equations, str(watch), *read_templates(), *versions]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def load_module(model: OdeModel, watch: str | None) -> ModuleType:
    """Return the generated module of a model, written first when the cache does not hold it."""
    name = f"kinimmune_kernel_{identify(model, watch)}"
    if name in sys.modules:
        return sys.modules[name]
    path = _place(cache_folder(), name)
    if path is None:
        path = _fallback_folder() / f"{name}.py"
    if not path.exists():
        _write_once(path, write_kernel(model, watch, GENERATOR))
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
