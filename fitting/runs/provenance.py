"""What a result depends on besides its settings: machine, versions and data.

Start with `current_environment` and `hash_tables`.
"""

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

LIBRARIES = ("kinimmune", "numpy", "scipy", "sympy", "numba", "llvmlite", "lmfit", "pint", "pydantic", "seaborn", "typst")
"""Distributions whose version can change a result or a page."""


@dataclass(frozen=True)
class Environment:
    """Where something was computed; equal environments give equal bits."""

    python: str
    system: str
    cpu: str
    libraries: dict[str, str]
    """Distribution -> version."""

    def differences(self, other: "Environment") -> tuple[str, ...]:
        """Return what differs, one line each, as `name: theirs -> ours`."""
        pairs = [("python", other.python, self.python), ("system", other.system, self.system), ("cpu", other.cpu, self.cpu)]
        names = {**other.libraries, **self.libraries}
        pairs += [(name, other.libraries.get(name, "absent"), self.libraries.get(name, "absent")) for name in names]
        return tuple(f"{name}: {before} -> {now}" for name, before, now in pairs if before != now)


def current_environment() -> Environment:
    """Return the environment of this process."""
    return Environment(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cpu=_cpu_name(),
        libraries={name: installed for name in LIBRARIES if (installed := _version(name)) is not None},
    )


def hash_tables(folder: Path | None, shipped: Path | None = None) -> dict[str, str]:
    """Return data table -> SHA-256 of its bytes, as they apply: a table of `folder` replaces a plug-in's, that the package's."""
    tables: dict[str, Traversable] = {
        entry.name: entry for entry in files("kinimmune.data").iterdir() if entry.name.endswith(".csv")
    }
    for place in (shipped, folder):
        if place is not None:
            tables |= {path.name: path for path in place.glob("*.csv") if path.name in tables}
    return {name: hashlib.sha256(tables[name].read_bytes()).hexdigest() for name in sorted(tables)}


def changed_tables(then: Mapping[str, str], folder: Path | None) -> tuple[str, ...]:
    """Return the tables whose bytes are not those of `then` (table -> SHA-256); tables that were not there are left out."""
    now = hash_tables(folder)
    return tuple(sorted(name for name, digest in then.items() if now.get(name) != digest))


def address(*parts: Mapping[str, object]) -> str:
    """Return the hash of plain values: the same for equal content, whatever the order of keys."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cpu_name() -> str:
    """Return the type of the processor, as far as the system tells."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
