"""Rows and checks of `covariates.csv`: what may be known of patients before treatment, and its reference values.

Start with `examine_covariates`.  Which patients have what stands in `case_mix.csv` or `patients.csv`, which parameters depend on
it in `covariate_effects.csv`.
"""

from collections.abc import Iterable
from typing import ClassVar

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.covariates import Covariate, CovariateKind
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.rows import Name, TableRow, Tables, UnitText

TAKEN = frozenset(
    ["study", "arm", "patient", "endpoint", "time", "unit", "event", "last_without", "source", "locator", "status", "note"]
)
"""Names that columns of `patients.csv` have already."""


class CovariateRow(TableRow):
    """A row of `covariates.csv`."""

    table: ClassVar[str] = "covariates.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("name",)
    may_be_empty: ClassVar[bool] = True

    name: Name
    kind: CovariateKind
    unit: UnitText
    reference: str
    levels: str = ""
    """Of a category, separated by blanks."""
    meaning: str


def examine_covariates(tables: Tables) -> Examined[Covariate]:
    """Return the covariates and what is wrong with their table."""
    table = tables.rows(CovariateRow)
    found: list[Covariate] = []
    findings = [*table.findings, *_find_odd_names(table.entries)]
    for row in table.entries:
        try:
            found.append(Covariate(row.name, row.kind, row.unit, row.reference, tuple(row.levels.split())))
        except DataError as error:
            findings.append(row.refused("reference", error))
    return Examined(tuple(found), tuple(findings))


def _find_odd_names(rows: Iterable[CovariateRow]) -> Iterable[Finding]:
    for row in rows:
        if row.name in TAKEN:
            problem = f"covariate '{row.name}' has the name of another column of patients.csv"
            yield row.finding("name", problem, "rename it")
        if row.kind is CovariateKind.CATEGORY and row.unit != "1":
            yield row.finding("unit", f"unit '{row.unit}' of a category in column 'unit'", "write 1")
