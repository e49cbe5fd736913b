"""A project with several trials of one arm each, whose median survival is that of one scale, shared or shifted by trial.

Start with `write_trials`.  Death has Weibull's hazard, so ln of the median is ln of the scale plus a constant: fits to medians
with printed intervals are linear and Gaussian, and have closed forms.
"""

import csv
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from weibull_trial import START, add_target, write_project

from kinimmune.models.arrays import NORMAL_95
from kinimmune.models.symbolic.units import DAYS_PER_MONTH

Row = dict[str, str]
PRIOR_SD = 3.0
"""Of ln of the scale."""
PRIOR_CENTRE = math.log(START["scale"])


def write_trials(
    folder: Path, trials: Mapping[str, tuple[float, float]], spread: str | None, unfitted: tuple[str, ...] = (), **cells: str
) -> Path:
    """Write model and tables of trials of one arm; return the model file.

    Parameters
    ----------
    folder
        to be made
    trials
        study -> ln of the scale [ln d] that its published median is that of, and the standard error
    spread
        cell `trial_spread` of the scale; None for a table without the column
    unfitted
        studies whose median has the role `unfitted`
    cells
        other cells of the row of the scale
    """
    path = write_project(folder, 100, ["scale"])
    for name in ("trials.csv", "arms.csv", "design.csv", "follow_up.csv"):
        header, *rows = (folder / name).read_text(encoding="utf-8").splitlines()
        copies = [re.sub(r"^alone\b", study, row) for study in trials for row in rows]
        (folder / name).write_text("\n".join([header, *copies, ""]), encoding="utf-8")
    for study, (place, error) in trials.items():
        _add_median(folder, study, place, error, "unfitted" if study in unfitted else "fit")
    change_parameter(folder, "scale", ({} if spread is None else {"trial_spread": spread}) | cells)
    return path


def _add_median(folder: Path, study: str, place: float, error: float, role: str) -> None:
    """Add the median of a scale to the targets, with an interval that is read."""
    add_target(folder, "os", "median", 100, role=role)
    path = folder / "targets.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    middle = place + math.log(math.log(2.0)) / START["shape"] - math.log(DAYS_PER_MONTH)
    value, low, high = (math.exp(middle + score * NORMAL_95 * error) for score in (0.0, -1.0, 1.0))
    cells = lines[-1].split(",")
    cells[0], cells[5:8], cells[14:17] = study, [repr(value), repr(low), repr(high)], ["document002", "invented", "reported"]
    path.write_text("\n".join([*lines[:-1], ",".join(cells), ""]), encoding="utf-8")


def change_parameter(folder: Path, name: str, cells: Mapping[str, str], model: str = "weibull") -> None:
    """Write other cells into the row of a parameter of a model; columns that lack are added."""
    _rewrite(folder, lambda row: [row | cells if _is_of(row, name, model) else row])


def drop_parameter(folder: Path, name: str, model: str) -> None:
    """Leave out the row of a parameter of a model."""
    _rewrite(folder, lambda row: [] if _is_of(row, name, model) else [row])


def split_row(folder: Path, name: str, model: str, cells: Mapping[str, str]) -> None:
    """Give a model a row of its own of a parameter that others share, with other cells."""

    def split(row: Row) -> list[Row]:
        others = " ".join(other for other in row["model"].split() if other != model)
        return [row | {"model": others}, row | {"model": model} | cells] if _is_of(row, name, model) else [row]

    _rewrite(folder, split)


def share_by_study(folder: Path, studies: Iterable[str]) -> None:
    """Give every trial a scale of its own, unrelated to the others'."""
    _rewrite(folder, lambda row: [row | {"study": study} for study in studies] if row["name"] == "scale" else [row])


def _is_of(row: Row, name: str, model: str) -> bool:
    return row["name"] == name and model in row["model"].split()


def _rewrite(folder: Path, change: Callable[[Row], list[Row]]) -> None:
    path = folder / "parameters.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [changed for row in csv.DictReader(file) for changed in change(row)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
