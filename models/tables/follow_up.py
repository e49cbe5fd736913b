"""Rows and checks of `follow_up.csv`: from dates of accrual and cut-off to days of follow-up.

Start with `FollowUpRow.follow_up`.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.parameters import Status
from kinimmune.models.tables.evidence import find_bad_origins
from kinimmune.models.tables.files import Examined, Finding
from kinimmune.models.tables.references import Reference
from kinimmune.models.tables.rows import Day, Name, NotNegative, Positive, TableRow
from kinimmune.models.trial.design import Endpoint, FollowUp


class FollowUpRow(TableRow):
    """A row of `follow_up.csv`: the three dates, or the shortest and longest follow-up, of one endpoint of a study."""

    table: ClassVar[str] = "follow_up.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("study", "endpoint")

    study: Name
    endpoint: Endpoint
    accrual_start: Day | None = None
    accrual_end: Day | None = None
    accrual_source: Name | None = None
    accrual_locator: str = ""
    accrual_status: Status | None = None
    cutoff: Day | None = None
    cutoff_source: Name
    cutoff_locator: str
    cutoff_status: Status
    shortest: NotNegative | None = None
    longest: Positive | None = None
    shape: Positive
    shape_source: Name
    shape_locator: str
    shape_status: Status
    note: str = ""

    def follow_up(self) -> FollowUp:
        """Return the follow-up in days.

        Raises
        ------
        DataError
            when neither or both of dates and days are given, or they do not make a period
        """
        days = [self.shortest, self.longest]
        dates = [self.accrual_start, self.accrual_end, self.cutoff]
        if self.accrual_start is not None and self.accrual_end is not None and self.cutoff is not None and days == [None, None]:
            shortest, longest = ((self.cutoff - entry).days for entry in (self.accrual_end, self.accrual_start))
            return FollowUp(float(shortest), float(longest), self.shape)
        if self.shortest is not None and self.longest is not None and dates == [None, None, None]:
            return FollowUp(self.shortest, self.longest, self.shape)
        raise DataError(
            f"follow-up of study '{self.study}', endpoint '{self.endpoint}', is given by halves or twice; "
            "fill in accrual_start, accrual_end and cutoff, or shortest and longest, and not both"
        )


def find_bad_follow_up_origins(rows: Sequence[FollowUpRow], sources: Examined[Reference]) -> list[Finding]:
    """Return findings about the origins of accrual dates, cut-off and shape."""
    findings = []
    for of in ("accrual", "cutoff", "shape"):
        findings += find_bad_origins(rows, sources, f"{of}_source", f"{of}_status")
    for row in rows:
        if row.accrual_start is not None and (row.accrual_source is None or row.accrual_status is None):
            problem = "accrual dates without their origin in columns 'accrual_source' and 'accrual_status'"
            findings.append(row.finding("accrual_source", problem, "fill them in"))
    return findings


def find_bad_periods(rows: Iterable[FollowUpRow]) -> Iterable[Finding]:
    """Find rows that do not say, or say twice, how long patients were followed, or whose period is none."""
    for row in rows:
        try:
            row.follow_up()
        except DataError as error:
            yield row.refused("cutoff" if row.longest is None else "longest", error)
