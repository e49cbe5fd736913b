"""A model file of a user's own beside its tables and those of an invented trial."""

import shutil
from pathlib import Path

from paths import DATA, OWN_TRIAL

MODEL = "five_cells"
TABLES = ("arms.csv", "design.csv", "follow_up.csv", "observations.csv", "targets.csv", "trials.csv")


def write_project(folder: Path) -> Path:
    """Write model and tables into a folder that is made; return the path of the model file."""
    shutil.copytree(DATA / "own_model", folder)
    for name in TABLES:
        shutil.copy(OWN_TRIAL / name, folder / name)
    return folder / f"{MODEL}.py"
