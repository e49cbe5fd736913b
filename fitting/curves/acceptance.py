"""Rows that an ingestion makes, held against the rules of the tables before they are written.

Start with `require_curves` and `require_patients`.  The rules are those of `kinimmune.models.tables.published`.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from kinimmune.models.tables.patient_rows import PatientRow
from kinimmune.models.tables.published import CurveRow, Place, build_curve, build_patients

_RowT = TypeVar("_RowT", CurveRow, PatientRow)


def require_curves(rows: Sequence[Mapping[str, str]]) -> None:
    """Raise a `DataError` where rows of `curves.csv` would be refused, such as those of an arm in which nobody has an event."""
    for place, group in _group(CurveRow, rows).items():
        build_curve(place, group)


def require_patients(rows: Sequence[Mapping[str, str]]) -> None:
    """Raise the same for rows of `patients.csv`."""
    for place, group in _group(PatientRow, rows).items():
        build_patients(place, group)


def _group(row_type: type[_RowT], rows: Sequence[Mapping[str, str]]) -> dict[Place, list[_RowT]]:
    places: dict[Place, list[_RowT]] = {}
    for number, cells in enumerate(rows, 1):
        filled = {column: text for column, text in cells.items() if text}
        row = row_type.model_validate({"file": row_type.table, "row": number, **filled})
        places.setdefault((row.study, row.arm, row.endpoint), []).append(row)
    return places
