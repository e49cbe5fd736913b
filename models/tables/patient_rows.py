"""A row of `patients.csv`: one patient and one endpoint, with a column a covariate of `covariates.csv`.

Start with `PatientRow`; `kinimmune.models.tables.published` makes targets of the rows.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from kinimmune.models.symbolic.units import convert
from kinimmune.models.tables.covariates import CovariateRow
from kinimmune.models.tables.rows import Name, NotNegative, Positive, Share, SourcedRow, Tables
from kinimmune.models.trial.design import Endpoint


class TimeUnit(StrEnum):
    """A unit of the times of patients, as `patients.csv` writes it."""

    DAY = "d"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"

    def in_months(self, time: float) -> float:
        """Return a time of this unit in months of 30.44 days.

        >>> TimeUnit.WEEK.in_months(43.4857142857142857), TimeUnit.MONTH.in_months(2.5)
        (10.0, 2.5)
        """
        return convert(time, self.value, TimeUnit.MONTH.value)

    @property
    def word(self) -> str:
        """The unit in words."""
        return "day" if self is TimeUnit.DAY else self.value


class PatientRow(SourcedRow):
    """A row of `patients.csv`."""

    table: ClassVar[str] = "patients.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("study", "arm", "patient", "endpoint")
    may_be_empty: ClassVar[bool] = True
    gathered: ClassVar[str | None] = "covariates"
    gathered_from: ClassVar[str] = "declare it as a covariate in covariates.csv"

    study: Name
    arm: Name
    patient: str
    endpoint: Endpoint
    time: Positive
    unit: TimeUnit
    event: Share
    last_without: NotNegative | None = None
    covariates: Mapping[str, str] = Field(default_factory=dict)
    """Covariate -> cell; empty ones are absent."""

    @classmethod
    def more_columns(cls, tables: Tables) -> tuple[str, ...]:
        """Return the names of the covariates."""
        own = (*cls.columns(), "file", "row")
        return tuple(row.name for row in tables.rows(CovariateRow).entries if row.name not in own)
