"""An arm with the doses of a setting, kept as one more arm of its study: rows for the tables of a trial.

Start with `save_arm`; the files it gives are a folder for `kinimmune predict --trial` and `kinimmune check`.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping

from kinimmune.fitting.claims.table import ClaimRow
from kinimmune.fitting.exploration.session import Session
from kinimmune.fitting.exploration.setting import Setting
from kinimmune.fitting.prediction.assumed import DesignPlace, change_design, list_design
from kinimmune.fitting.problem.target_rows import TargetRow
from kinimmune.fitting.problem.targets import Statistic
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.parameters import Status
from kinimmune.models.tables.design import DesignRow
from kinimmune.models.tables.files import load_table
from kinimmune.models.tables.rows import SourcedRow, TableRow, Tables
from kinimmune.models.tables.treatments import GIVEN, ArmRow, RegimenRow

Cells = Mapping[str, str]
NOTE = "set in kinimmune explore; {} in the tables"


def save_arm(session: Session, setting: Setting, study: str, arm: str, name: str) -> dict[str, str]:
    """Return file name -> CSV text: the session's tables of arms with one more, given what a setting gives.

    Parameters of the model that were set are no part of an arm.

    Parameters
    ----------
    session
        what is explored
    setting
        what was chosen
    study, arm
        the arm whose doses were changed
    name
        of the new arm

    Raises
    ------
    UsageError
        for an arm there is not, a name that is none or that the study has, and doses nobody can give
    """
    trials = session.plain.problem.trials
    known = {(trial.study, item.name) for trial in trials for item in trial.arms}
    if (study, arm) not in known:
        raise UsageError(
            f"no arm '{study}:{arm}' is explored; save one of {', '.join(':'.join(place) for place in sorted(known))}"
        )
    if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        raise UsageError(f"'{name}' is no name of an arm; use letters, digits and underscores, a letter first")
    if (study, name) in known:
        raise UsageError(f"study '{study}' has an arm '{name}'; give another name")
    before, after = list_design(trials), list_design(change_design(trials, setting.values))
    given = {place: value for place, value in after.items() if (place.study, place.arm) == (study, arm)}
    changed = {place: value for place, value in given.items() if value != before[place]}
    return {
        row.table: _write(row, _add(row, session.tables, study, arm, name, changed)) for row in (ArmRow, DesignRow, RegimenRow)
    } | _name_arms(session, study)


def _name_arms(session: Session, study: str) -> dict[str, str]:
    """Return tables in which the study stands for its one ratio, with the arm named, as it must be where there are two."""
    compared = next(trial for trial in session.plain.problem.trials if trial.study == study).compared
    if len(compared) != 1:
        return {}
    arm = compared[0].name

    def name_target(cells: Cells) -> Cells:
        lacks = cells.get("study") == study and cells["statistic"] == Statistic.HAZARD_RATIO and "arm" not in cells
        return {**cells, "arm": arm} if lacks else cells

    def name_claim(cells: Cells) -> Cells:
        return {**cells, **{column: f"{study}:{arm}" for column in ("experiment", "baseline") if cells.get(column) == study}}

    found = {}
    for row, name in ((TargetRow, name_target), (ClaimRow, name_claim)):
        rows = _load(row, session.tables)
        named = [name(cells) for cells in rows]
        if named != rows:
            found[row.table] = _write(row, named)
    return found


def _add(
    row: type[TableRow], tables: Tables, study: str, arm: str, name: str, changed: Mapping[DesignPlace, float]
) -> list[Cells]:
    """Return the rows of a table, after those of the arm the same of the new one with what was changed."""
    rows = _load(row, tables)
    own = [cells for cells in rows if (cells.get("study"), cells.get("arm")) == (study, arm)]
    edit = {ArmRow: _copy_arm, DesignRow: _copy_design, RegimenRow: _copy_regimen}[row]
    return [*rows, *({**cells, "arm": name} for cells in edit(own, changed))]


def _load(row: type[TableRow], tables: Tables) -> list[Cells]:
    required = [column for column in row.columns() if column not in row.optional_columns]
    found = load_table(row.table, tables.folder, required, row.optional_columns, shipped=tables.shipped).require()
    return [entry.cells for entry in found]


def _copy_arm(own: Iterable[Cells], changed: Mapping[DesignPlace, float]) -> Iterable[Cells]:
    told = ", ".join(
        f"{place.what}{'' if place.row is None else f' of row {place.row}'} {value:g}" for place, value in changed.items()
    )
    return [{**cells, "control": "no", "treatment": f"{cells['treatment']}{f', but {told}' if told else ''}"} for cells in own]


def _copy_design(own: Iterable[Cells], changed: Mapping[DesignPlace, float]) -> Iterable[Cells]:
    values = {place.what: value for place, value in changed.items() if place.row is None}
    return [_set(cells, "value", values.get(cells["quantity"])) for cells in own]


def _copy_regimen(own: Iterable[Cells], changed: Mapping[DesignPlace, float]) -> Iterable[Cells]:
    """Return the rows of the regimen; those that only tell what comes after treatment have no number."""
    values = {(place.what, place.row): value for place, value in changed.items()}
    rows, number = [], 0
    for cells in own:
        number += "then_arm" not in cells or any(name in cells for name in GIVEN)
        edited = _set(cells, "amount", values.get(("amount", number)))
        rows.append(_set(edited, "every", values.get(("every", number))))
    return rows


def _set(cells: Cells, column: str, value: float | None) -> Cells:
    """Return a row with another number, which is assumed then, whatever its source says of the one before."""
    if value is None:
        return cells
    return {**cells, column: f"{value:g}", "status": str(Status.ASSUMED), "note": NOTE.format(cells[column])}


def _write(row: type[TableRow], rows: Iterable[Cells]) -> str:
    text = io.StringIO()
    origin = [name for name in SourcedRow.columns() if name in row.columns()]  # last, as in the package's tables
    names = [*(name for name in row.columns() if name not in origin), *origin]
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
