"""Forms that tables had in earlier versions: what they lacked, and how what they said is said today.

Start with `rewrite_row`.  A table of before that says all that is asked for today is read as it was; any other is refused.
`kinimmune check --migrate FOLDER` (`kinimmune.models.tables.migration`) writes either in today's form.
"""

from collections.abc import Mapping
from dataclasses import dataclass

VERSION = 3
"""Version of the form of tables: 1 knew one drug, 2 had an interval in experiments, 3 gives arms and experiments the same."""
ADDED_COLUMNS = {"arms.csv": "drug", "kinases.csv": "drug"}
"""Table -> column that tables of version 1 do not have and whose content nobody but their author knows."""
FORMER_COLUMNS = {"experiments.csv": "interval"}
"""Table -> column that only tables of before have."""
MIGRATE = "kinimmune check --migrate FOLDER"

_NEEDED = {
    "input": ("target", "value", "unit", "first_day", "last_day"),
    "dose": ("target", "value", "unit", "first_day", "last_day", "interval"),
}
"""Kind of a row of `experiments.csv` until version 2 -> cells it had to have."""


@dataclass(frozen=True)
class Rewritten:
    """A row of before in today's columns."""

    cells: Mapping[str, str]
    missing: str = ""
    """Column the row of before had to have a value in; empty where nothing lacks."""


def rewrite_row(cells: Mapping[str, str]) -> Rewritten:
    """Return a row of `experiments.csv` of version 2 in today's columns: kinds `input` and `dose` are `give`.

    >>> rewrite_row({"kind": "input", "target": "rate", "value": "8", "unit": "mg/d", "first_day": "0", "last_day": "9"}).cells
    {'kind': 'give', 'target': 'rate', 'unit': 'mg/d', 'amount': '8', 'first_day': '0', 'last_day': '9'}
    """
    kind = cells.get("kind", "")
    kept = {column: cell for column, cell in cells.items() if column not in ("first_day", "last_day", "interval")}
    if kind not in _NEEDED:
        return Rewritten(kept)
    missing = next((column for column in _NEEDED[kind] if column not in cells), "")
    if missing:
        return Rewritten(kept, missing)
    now = {column: cell for column, cell in kept.items() if column != "value"}
    now |= {"kind": "give", "amount": cells["value"], "first_day": cells["first_day"], "last_day": cells["last_day"]}
    return Rewritten(now | ({"every": cells["interval"]} if kind == "dose" else {}))
