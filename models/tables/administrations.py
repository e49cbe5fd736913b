"""Cells that say what is given, to the patients of an arm or in an experiment: the same columns, one drug and period a row.

Start with `AdministrationRow`, of which a row of `regimens.csv` and one of `experiments.csv` are.
"""

import math
from collections.abc import Iterator

from kinimmune.models.errors import DataError
from kinimmune.models.tables.findings import Finding
from kinimmune.models.tables.rows import Name, NotNegative, Positive, SourcedRow, UnitText
from kinimmune.models.trial.regimens import Administration

REGIMEN_COLUMNS = ("drug", "amount", "duration", "first_day", "last_day", "every", "on_days", "off_days")
"""Columns that say what is given and nothing else."""


class AdministrationRow(SourcedRow):
    """A row with the cells of an administration; `find_incomplete` tells what lacks."""

    drug: Name | None = None
    target: Name | None = None
    amount: NotNegative | None = None
    unit: UnitText | None = None
    duration: NotNegative | None = None
    first_day: NotNegative | None = None
    last_day: NotNegative | None = None
    every: Positive | None = None
    on_days: Positive | None = None
    off_days: NotNegative | None = None

    def administration(self, *, stops: bool = True) -> Administration:
        """Return what is given.

        Raises
        ------
        DataError
            for what nobody can give, or more doses than one can count
        """
        given = Administration(
            drug=self.drug,
            amount=math.nan if self.amount is None else self.amount,
            unit=self.unit or "",
            first_day=self.first_day or 0.0,
            last_day=math.inf if self.last_day is None else self.last_day,
            every=self.every,
            duration=self.duration or 0.0,
            on_days=self.on_days,
            off_days=self.off_days or 0.0,
            stops=stops,
            target=self.target,
        )
        if given.last_day < math.inf:
            given.periods(given.last_day)
            given.moments(given.last_day)
        return given


def find_incomplete(row: AdministrationRow) -> Iterator[Finding]:
    """Find what a row lacks to be an administration, or why nobody can give it."""
    missing = [column for column in ("amount", "unit") if getattr(row, column) is None]
    for column in missing:
        yield row.finding(column, f"no value in column '{column}'", "fill it in")
    if row.drug is None and row.target is None:
        yield row.finding("drug", "no value in columns 'drug' and 'target'", "name a drug, or an input or state of the model")
    elif row.drug is not None and row.target is not None:
        problem = f"drug '{row.drug}' beside target '{row.target}'"
        yield row.finding("target", problem, "leave the target empty: the model says where a drug goes; or the drug")
    elif not missing:
        try:
            row.administration()
        except DataError as error:
            yield row.refused("amount", error)
