"""What a user is told of the cache of kernels: one line of each kind and folder in a process.

Start with `tell_unused`.
"""

import warnings
from pathlib import Path

_TOLD: set[tuple[str, Path]] = set()
"""What this process has told: a cache that is not used is not used for every kernel, and one damaged file seldom comes alone."""


def tell_unused(folder: Path, error: OSError) -> None:
    """Warn that a cache folder is not used."""
    _tell_once(
        "unused",
        folder,
        f"the kernel cache {folder} cannot be used ({error.strerror or error}); kernels are compiled anew in every run. "
        "Set KINIMMUNE_CACHE to a folder that you alone can write to",
    )


def tell_damage(folder: Path, fault: str) -> None:
    """Warn that something in a cache folder was not what had been written there."""
    _tell_once(
        "damaged", folder, f"the kernel cache {folder} held damaged files ({fault}); they are removed and the kernels built anew"
    )


def _tell_once(kind: str, folder: Path, text: str) -> None:
    if (kind, folder) not in _TOLD:
        _TOLD.add((kind, folder))
        warnings.warn(text, RuntimeWarning, stacklevel=6)
