"""Where generated kernels live: one file a model under the hash of everything that decides its code.

Start with `load_equations`.
"""

import atexit
import hashlib
import importlib.util
import math
import os
import platform
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import sympy as sp

from kinimmune.models.kernel import workspace
from kinimmune.models.kernel.module_source import write_loop, write_model
from kinimmune.models.symbolic.model import OdeModel


def cache_folder() -> Path:
    """Return `KINIMMUNE_CACHE`, or the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("KINIMMUNE_CACHE") or platformdirs.user_cache_dir("kinimmune"))


def identify_model(model: OdeModel, event_output: str | None) -> str:
    """Return the hash of everything the compiled equations depend on."""
    equations = [sp.srepr(rate) for rate in model.rates.values()]
    equations += [f"{item.name}={sp.srepr(sp.S.Zero + item.expression)}" for item in model.definitions]
    equations += [sp.srepr(sp.S.Zero + item.expression) for item in model.outputs if item.name == event_output]
    names = [*model.state_names, "|", *model.parameter_names, "|", *(item.name for item in model.inputs)]
    return _hash(model.name, *names, *equations, str(event_output), generator_text())


def _hash(*parts: str) -> str:
    import llvmlite.binding
    import numba

    platform_parts = (numba.__version__, platform.python_version(), llvmlite.binding.get_host_cpu_name())
    return hashlib.sha256("\0".join([*platform_parts, *parts]).encode()).hexdigest()[:24]


@cache
def generator_text() -> str:
    """Return the text of every file of this folder: when one of them changes, so do the names of what they generate."""
    return "\0".join(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py")))


def load_equations(model: OdeModel, event_output: str | None) -> ModuleType:
    """Return the generated module of a model, written and compiled first when the cache does not hold it."""
    return _load(
        f"kinimmune_model_{identify_model(model, event_output)}", lambda: write_model(model, event_output), lambda _: None
    )


def load_loop() -> ModuleType:
    """Return the generated module of the loop over steps, written and compiled first when the cache does not hold it."""
    text = write_loop()
    return _load(f"kinimmune_loop_{_hash(text, generator_text())}", lambda: text, _compile_loop)


def _compile_loop(module: ModuleType) -> None:
    """Run the loop on an empty population, with arrays of the types it will always see."""
    none, ids, table = np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros((0, 0))
    shared = workspace.SharedProblem(np.zeros(1), none, table, table, ids, 1e-3, math.inf, math.inf, 1)
    outcome = workspace.Outcome(np.zeros((0, 0, 0)), table, none, none, np.zeros(0, dtype=np.int8), none, ids, ids)
    layout = workspace.KernelLayout(**dict.fromkeys(workspace.KernelLayout._fields, 0))
    patients = workspace.Patients(table, table, ids, table, none)
    work = np.zeros(len(workspace.Row) * workspace.LANES)
    iwork = np.zeros(len(workspace.IntRow) * workspace.LANES, dtype=np.int64)
    module.integrate_lanes(work, iwork, layout, shared, patients, outcome)


def _load(name: str, write: Callable[[], str], compile_all: Callable[[ModuleType], None]) -> ModuleType:
    """Return a module from the cache, from a folder of this process, or from memory: the first that can be had."""
    if name in sys.modules:
        return sys.modules[name]
    for find_folder in (cache_folder, _own_folder):
        try:
            folder = find_folder()
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{name}.py"
            if not path.exists():
                _write_once(path, write())
            return _import(name, path, compile_all)
        except OSError as error:
            sys.modules.pop(name, None)
            _warn_once(str(cache_folder()), error.strerror or str(error))
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = None
    exec(write().replace(", cache=True", ""), module.__dict__)
    compile_all(module)
    return module


@cache
def _warn_once(folder: str, reason: str) -> None:
    warnings.warn(
        f"the kernel cache {folder} cannot be used ({reason}); kernels are compiled anew in every run. "
        "Set KINIMMUNE_CACHE to a folder that can be written",
        RuntimeWarning,
        stacklevel=5,
    )


@cache
def _own_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="kinimmune-kernels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


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


def _import(name: str, path: Path, compile_all: Callable[[ModuleType], None]) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a path that ends in .py always has one
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    compile_all(module)
    return module
