"""Rows of results as pandas tables.

Start with `to_frame`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass

import pandas as pd

from kinimmune.models.experiments.individual import IndividualCourse


def to_frame(rows: IndividualCourse | Sequence[object]) -> pd.DataFrame:
    """Return a table with one row for each of some results, or one for each day of a course.

    Parameters
    ----------
    rows
        a course, or results of one kind, such as `run.fit.parameters` or `run.sample.predictions`

    Raises
    ------
    TypeError
        for anything that has no rows
    """
    if isinstance(rows, IndividualCourse):
        return rows.to_frame()
    rows = tuple(rows)
    if not all(is_dataclass(row) and type(row) is type(rows[0]) for row in rows):
        raise TypeError("to_frame takes a course, or results of one kind such as run.fit.parameters")
    return pd.DataFrame([_flatten(row) for row in rows])


def _flatten(row: object) -> Mapping[str, object]:
    """Return column -> value; a result within a result gives columns `outer_inner`."""
    cells: dict[str, object] = {}
    for item in fields(row):  # type: ignore[arg-type]  # checked by the caller
        value = getattr(row, item.name)
        inner = _flatten(value) if is_dataclass(value) else None
        cells |= {item.name: value} if inner is None else {f"{item.name}_{name}": cell for name, cell in inner.items()}
    return cells
