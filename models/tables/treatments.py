"""Rows and checks of what arms are given: the drug of `arms.csv`, and `regimens.csv`, one drug and period a row.

Rows of `regimens.csv` may tell, too, what comes after treatment (`kinimmune.models.tables.next_lines`).

Start with `examine_regimens`; `find_odd_drugs` holds drugs, doses and the words of `treatment` against each other.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from kinimmune.models.errors import nearest
from kinimmune.models.tables.administrations import REGIMEN_COLUMNS, AdministrationRow, find_incomplete
from kinimmune.models.tables.drugs import DrugRow
from kinimmune.models.tables.evidence import examine_sources, find_bad_origins
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.rows import Name, Share, TableRow, Tables, YesNo
from kinimmune.models.trial.next_line import Reason
from kinimmune.models.trial.regimens import Administration

AMOUNT = re.compile(r"\d\s*(?:mg|g|ug|µg|mL)\b", re.IGNORECASE)
"""An amount of drug in the words of a treatment."""


class ArmRow(TableRow):
    """A row of `arms.csv`."""

    table: ClassVar[str] = "arms.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("study", "arm")

    study: Name
    arm: Name
    control: YesNo
    drug: Name | None = None
    treatment: str


class Then(NamedTuple):
    """What a share of the patients of an arm goes on with after treatment, as its columns tell it."""

    arm: str
    share: float
    when: Reason


class RegimenRow(AdministrationRow):
    """A row of `regimens.csv`: what an arm is given over one period, what comes after treatment, or both."""

    table: ClassVar[str] = "regimens.csv"
    optional_columns: ClassVar[frozenset[str]] = frozenset({"target", "then_arm", "then_share", "then_when"})
    key_columns: ClassVar[tuple[str, ...]] = ("study", "arm", "drug", "target", "first_day")
    may_be_empty: ClassVar[bool] = True

    study: Name
    arm: Name
    stops: YesNo | None = None
    then_arm: Name | None = None
    then_share: Share | None = None
    then_when: Reason | None = None

    @property
    def gives(self) -> bool:
        """Whether the row tells what is given, and not only what comes after treatment."""
        return self.then_arm is None or any(getattr(self, name) is not None for name in GIVEN)

    @property
    def then(self) -> Then | None:
        """What comes after treatment; None where the row does not tell."""
        if self.then_arm is None or self.then_share is None:
            return None
        return Then(self.then_arm, self.then_share, self.then_when or Reason.ANY)


def list_regimens(tables: Tables) -> tuple[RegimenRow, ...]:
    """Return the rows of `regimens.csv`, without those of the package about studies that a user's folder does not have."""
    studies = {row.study for row in tables.rows(ArmRow).entries}
    return tuple(
        row for row in tables.rows(RegimenRow).entries if row.file != f"the package's {row.table}" or row.study in studies
    )


GIVEN = (*REGIMEN_COLUMNS, "target", "unit", "stops")
"""Columns of `regimens.csv` that tell what is given."""


class PlannedAdministration(NamedTuple):
    """What an arm is given over one period, and after treatment."""

    study: str
    arm: str
    administration: Administration | None
    """None where the row tells only what comes after."""
    then: Then | None = None


def examine_regimens(tables: Tables) -> Examined[PlannedAdministration]:
    """Return what the arms are given by `regimens.csv`, and what is wrong with the table itself."""
    table, sources = tables.rows(RegimenRow), examine_sources(tables)
    rows = list_regimens(tables)
    findings = [*table.findings, *find_bad_origins(rows, sources)]
    planned: list[PlannedAdministration] = []
    for row in rows:
        faults = list(_find_gaps(row))
        findings += faults
        if not faults:
            given = row.administration(stops=bool(row.stops)) if row.gives else None
            planned.append(PlannedAdministration(row.study, row.arm, given, row.then))
    return Examined(tuple(planned), tuple(findings))


def _find_gaps(row: RegimenRow) -> Iterable[Finding]:
    needed = []
    if row.gives:
        yield from find_incomplete(row)
        needed.append("stops")
    if any(item is not None for item in (row.then_arm, row.then_share, row.then_when)):
        needed += ["then_arm", "then_share"]
    for column in needed:
        if getattr(row, column) is None:
            yield row.finding(column, f"no value in column '{column}'", "fill it in")


def find_odd_drugs(tables: Tables, daily: Mapping[tuple[str, str], float]) -> list[Finding]:
    """Return where drugs, doses and words of arms do not fit together.

    Parameters
    ----------
    tables
        that can be read
    daily
        (study, arm) -> dose times doses a day of `design.csv` [mg/d], where there are both
    """
    drugs, arms, regimens = tables.rows(DrugRow), tables.rows(ArmRow).entries, list_regimens(tables)
    known = tuple(dict.fromkeys(row.drug for row in drugs.entries))
    given = {(row.study, row.arm) for row in regimens if row.gives}
    return [
        *([] if drugs.findings else _find_unknown([*arms, *regimens], known)),
        *(finding for row in arms for finding in _find_mismatch(row, daily.get((row.study, row.arm), 0.0), given)),
    ]


def _find_unknown(rows: Iterable[ArmRow | RegimenRow], known: Sequence[str]) -> Iterable[Finding]:
    for row in rows:
        if row.drug is not None and row.drug not in known:
            problem = f"unknown drug '{row.drug}' in column 'drug'"
            yield row.finding("drug", problem, f"{nearest(row.drug, known)}; a new one needs rows in drugs.csv")


def _find_mismatch(row: ArmRow, daily: float, given: set[tuple[str, str]]) -> Iterable[Finding]:
    if row.drug is None and daily > 0.0:
        problem = f"arm '{row.arm}' of study '{row.study}' is given {daily:g} mg a day (design.csv) of no drug in column 'drug'"
        yield row.finding("drug", problem, "name it, or set its dose to 0")
    elif row.drug is None and (row.study, row.arm) not in given and AMOUNT.search(row.treatment):
        problem = f"treatment '{row.treatment}' of arm '{row.arm}' tells an amount, and column 'drug' no drug"
        yield row.finding("drug", problem, "name it, or write what the arm is given without an amount")
    elif row.drug is not None and AMOUNT.search(row.treatment) and row.drug not in row.treatment.lower().replace(" ", "_"):
        problem = f"treatment '{row.treatment}' of arm '{row.arm}' does not name drug '{row.drug}' of column 'drug'"
        yield row.finding("treatment", problem, "correct one of them")
