"""Distributions with models, installed as far as Python can tell: a folder for its path with modules and their metadata."""

import shutil
from pathlib import Path

from paths import OWN_MODEL


def install(site: Path, name: str, entry_points: str) -> Path:
    """Write the metadata of a distribution into a folder."""
    metadata = site / f"{name.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[kinimmune.models]\n{entry_points}\n")
    return site


def install_five_states(site: Path, *, with_tables: bool = True) -> Path:
    """Write a distribution that brings the model of the example, with its tables."""
    package = site / "five_plug"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    shutil.copy(OWN_MODEL / "five_states.py", package / "model.py")
    for table in OWN_MODEL.glob("*.csv") if with_tables else ():
        (package / "tables").mkdir(exist_ok=True)
        shutil.copy(table, package / "tables" / table.name)
    return install(site, "five-plug", "five_states = five_plug.model:five_states")
