"""Where generated kernels live: one folder a module under the hash of everything that decides its code.

Start with `load_equations`; `load_module` decides what is taken from disk.
"""

import hashlib
import math
import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import RLock
from types import ModuleType

import numpy as np
import sympy as sp

from kinimmune.models.kernel import scan_arrays, workspace
from kinimmune.models.kernel.module_source import write_loop, write_model, write_scans
from kinimmune.models.kernel.store.folder import cache_folder, open_folder, own_folder
from kinimmune.models.kernel.store.notices import tell_damage, tell_unused
from kinimmune.models.kernel.store.sealing import COMPILED, begin_kernel, copy_kernel, find_fault, publish, remove, source_of
from kinimmune.models.symbolic.model import OdeModel

MODEL_PREFIX = "kinimmune_model_"
"""What the names of modules of equations begin with; the loop they share has another."""
_ONE_AT_A_TIME = RLock()
"""Threads of one process load modules one after the other: a name stands in `sys.modules` before its module is whole."""


def identify_model(model: OdeModel, event_output: str | None) -> str:
    """Return the hash of everything the compiled equations depend on."""
    equations = [sp.srepr(rate) for rate in model.rates.values()]
    equations += [f"{item.name}={sp.srepr(sp.S.Zero + item.expression)}" for item in model.definitions]
    equations += [sp.srepr(sp.S.Zero + item.expression) for item in model.outputs if item.name == event_output]
    names = [*model.state_names, "|", *model.parameter_names, "|", *(item.name for item in model.inputs)]
    return _hash(model.name, *names, *equations, str(event_output), generator_text())


def count_kernels(folder: Path) -> tuple[int, int]:
    """Return how many models a folder holds compiled and as they were written, and how many damaged."""
    try:
        faults = [find_fault(path) for path in folder.iterdir() if path.name.startswith(MODEL_PREFIX) and not path.suffix]
    except OSError:  # no such folder, or none that can be read
        return 0, 0
    return faults.count(None), len(faults) - faults.count(None)


def _hash(*parts: str) -> str:
    import numba
    from numba.core.registry import cpu_target

    processor = cpu_target.target_context.codegen().magic_tuple()  # by which numba, too, tells kernels apart
    platform_parts = (numba.__version__, platform.python_version(), *processor)
    return hashlib.sha256("\0".join([*platform_parts, *parts]).encode()).hexdigest()[:24]


@cache
def generator_text() -> str:
    """Return the text of every file of this folder: when one of them changes, so do the names of what they generate."""
    return "\0".join(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.py")))


def load_equations(model: OdeModel, event_output: str | None) -> ModuleType:
    """Return the generated module of a model, written and compiled first when the cache does not hold it."""
    return load_module(
        f"{MODEL_PREFIX}{identify_model(model, event_output)}", lambda: write_model(model, event_output), lambda _: None
    )


def load_loop() -> ModuleType:
    """Return the generated module of the loop over steps, written and compiled first when the cache does not hold it."""
    text = write_loop()
    return load_module(f"kinimmune_loop_{_hash(text, generator_text())}", lambda: text, _compile_loop)


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


@cache
def load_scans() -> ModuleType:
    """Return the generated module of the loop over scans, written and compiled first when the cache does not hold it."""
    text = write_scans()
    return load_module(f"kinimmune_scans_{_hash(text, generator_text())}", lambda: text, _compile_scans)


def _compile_scans(module: ModuleType) -> None:
    """Run the loop on nobody, with arrays of the types it will always see."""
    none, ids, table = np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros((0, 0))
    readings = scan_arrays.Readings(table, table, none, none, ids, table, ids)
    departing = scan_arrays.Departing(table, table, np.zeros(1, dtype=np.int64), ids, ids, ids)
    criteria = scan_arrays.Criteria(1.0, -math.inf, -1.0, (0.0, 0.0, 0.0, 0.0))
    scratch = scan_arrays.Scratch(*(table,) * 3, none, *(table,) * 2, *(none,) * 5, *(ids,) * 3, none)
    kept = np.zeros((0, 0, 0))
    module.read_patients(
        scan_arrays.Given(readings, departing, criteria), scratch, scan_arrays.Seen(table, table, kept, table, kept)
    )


def load_module(name: str, write: Callable[[], str], compile_all: Callable[[ModuleType], None]) -> ModuleType:
    """Return a module from the cache, from a folder of this process, or from memory: the first that can be had.

    What the cache holds is executed only when it is what was written there; else it is removed, told of and built anew.

    Parameters
    ----------
    name
        of the module, with a hash of everything it depends on
    write
        returns its text
    compile_all
        compiles what is compiled when it is called first
    """
    with _ONE_AT_A_TIME:
        if name in sys.modules:
            return sys.modules[name]
        for find_folder in (cache_folder, own_folder):
            try:
                return _take(open_folder(find_folder()), name, write, compile_all)
            except OSError as error:
                tell_unused(cache_folder(), error)
        return _execute(name, None, write().replace(", cache=True", ""), compile_all)


def _take(folder: Path, name: str, write: Callable[[], str], compile_all: Callable[[ModuleType], None]) -> ModuleType:
    """Return a module from a folder, made there when it is missing or damaged."""
    place = folder / name
    fault = find_fault(place)
    if fault is not None:
        if remove(place):
            tell_damage(folder, fault)
        return _build(folder, name, write(), compile_all)
    if not os.access(place / COMPILED, os.W_OK):  # numba reads only where it can write
        place = copy_kernel(place, own_folder())
    source = source_of(place)
    return _execute(name, source, source.read_text(encoding="utf-8"), compile_all)


def _build(folder: Path, name: str, text: str, compile_all: Callable[[ModuleType], None]) -> ModuleType:
    with begin_kernel(folder, name, text) as place:
        module = _execute(name, source_of(place), text, compile_all)
        publish(place, folder)
    module.__file__ = str(source_of(folder / name))
    return module


def _execute(name: str, source: Path | None, text: str, compile_all: Callable[[ModuleType], None]) -> ModuleType:
    """Return a module of a text, not of a file that may be another by now, nor of Python's own cache beside it."""
    module = sys.modules[name] = ModuleType(name)
    module.__file__ = None if source is None else str(source)
    try:
        with _caching_beside_the_source():
            exec(compile(text, name if source is None else source, "exec"), module.__dict__)
            compile_all(module)
        _close(module)
    except BaseException:  # half a module is none
        del sys.modules[name]
        raise
    return module


@contextmanager
def _caching_beside_the_source() -> Iterator[None]:
    """Let numba keep what it compiles where checksums are, whatever variables such as NUMBA_CACHE_DIR say."""
    from numba.core import config

    config.reload_config()  # type: ignore[no-untyped-call]  # not again until the environment changes
    before = {name: getattr(config, name) for name in ("CACHE_DIR", "CACHE_LOCATOR_CLASSES") if hasattr(config, name)}
    for name in before:
        setattr(config, name, "")
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(config, name, value)


def _close(module: ModuleType) -> None:
    """Keep numba from adding to a kernel that is sealed when one of its functions is called with arrays of other types."""
    from numba.core.dispatcher import Dispatcher

    for item in vars(module).values():
        if isinstance(item, Dispatcher):
            item._cache.disable()  # type: ignore[attr-defined]
