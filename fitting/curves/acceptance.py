"""Rows that an ingestion makes, held against the rules of the tables before they are written.

Start with `require_curves` and `require_patients`.  The rules are those of `kinimmune.models.tables.published`.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.covariates import Covariate
from kinimmune.models.tables.patient_covariates import find_odd_covariates
from kinimmune.models.tables.patient_rows import PatientRow
from kinimmune.models.tables.published import CurveRow, Place, build_curve, build_patients

_RowT = TypeVar("_RowT", CurveRow, PatientRow)


def require_curves(rows: Sequence[Mapping[str, str]]) -> None:
    """Raise a `DataError` where rows of `curves.csv` would be refused, such as those of an arm in which nobody has an event."""
    for place, group in _group(CurveRow, rows).items():
        build_curve(place, group)


def require_patients(rows: Sequence[Mapping[str, str]], covariates: Sequence[Covariate] = ()) -> None:
    """Raise the same for rows of `patients.csv`, which may have columns of covariates."""
    places = _group(PatientRow, rows)
    odd = find_odd_covariates([row for group in places.values() for row in group], covariates)
    if odd:
        raise DataError(odd[0].message)
    for place, group in places.items():
        build_patients(place, group, covariates)


def _group(row_type: type[_RowT], rows: Sequence[Mapping[str, str]]) -> dict[Place, list[_RowT]]:
    places: dict[Place, list[_RowT]] = {}
    for number, cells in enumerate(rows, 1):
        filled = {column: text for column, text in cells.items() if text}
        own = {column: text for column, text in filled.items() if column in row_type.columns()}
        others = {column: text for column, text in filled.items() if column not in own}
        more = {} if row_type.gathered is None else {row_type.gathered: others}
        row = row_type.model_validate({"file": row_type.table, "row": number, **own, **more})
        places.setdefault((row.study, row.arm, row.endpoint), []).append(row)
    return places
