"""Two tiny modules that are compiled and kept as kernels are, in a tenth of a second."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from kinimmune.models.kernel.cache import load_module

NAME, OTHER = "kinimmune_model_tiny", "kinimmune_model_other"
TEXT = """
from numba import cfunc, njit, types

@cfunc(types.float64(types.float64), cache=True)
def scale(x):
    return FACTOR * x

@njit(cache=True)
def shift(x):
    return x + FACTOR
"""
FILES = ("*.py", "__pycache__/*scale*.nbi", "__pycache__/*scale*.nbc", "__pycache__/*shift*.nbi", "__pycache__/*shift*.nbc")

posix = pytest.mark.skipif(os.name == "nt", reason="modes say nothing there")
as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")


def write_tiny(name: str) -> str:
    """Return the text of one of the modules."""
    return TEXT.replace("FACTOR", "2.0" if name == NAME else "3.0")


def load_anew(name: str = NAME, write: Callable[[], str] | None = None) -> ModuleType:
    """Return a module as the first of a process would get it."""
    sys.modules.pop(name, None)
    return load_module(name, write or (lambda: write_tiny(name)), lambda module: module.shift(0.0))


def answers(module: ModuleType) -> tuple[float, float]:
    """Return what machine code gives, compiled at once and at the first call."""
    return module.scale.ctypes(0.1), module.shift(0.1)


def never() -> str:
    """Fail when the text of a module is asked for."""
    raise AssertionError("a sound kernel is not written again")


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Return time and mode of everything in a folder."""
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode) for path in [folder, *folder.rglob("*")]}
