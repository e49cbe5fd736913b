"""Rows and checks of `observations.csv`: published numbers that are compared with and never fitted.

Start with `examine_observations`; outcomes that serve as design (`design.csv`) are observations too.
"""

from typing import ClassVar

from kinimmune.models.tables.design import examine_design
from kinimmune.models.tables.evidence import Observation, examine_sources, find_bad_origins
from kinimmune.models.tables.findings import Examined
from kinimmune.models.tables.rows import Name, NotNegative, Number, SourcedRow, Tables, UnitText, dangling
from kinimmune.models.tables.treatments import ArmRow
from kinimmune.models.tables.trials import TrialRow, find_unknown_arms

_OUTCOMES = ("discontinuation_fraction", "treatment_median", "symptomatic_median")


class ObservationRow(SourcedRow):
    """A row of `observations.csv`."""

    table: ClassVar[str] = "observations.csv"
    optional_columns: ClassVar[frozenset[str]] = frozenset({"model"})
    key_columns: ClassVar[tuple[str, ...]] = ("study", "arm", "quantity", "month", "source")
    may_be_empty: ClassVar[bool] = True

    study: Name | None = None
    arm: Name | None = None
    quantity: Name
    value: Number
    unit: UnitText
    month: NotNegative | None = None
    model: str = ""
    """Models it is about, separated by spaces; empty for every model tried in its study, or for all of them."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models the number is about."""
        return tuple(self.model.split())


def examine_observations(tables: Tables) -> Examined[Observation]:
    """Return the observations and what is wrong with their table."""
    table, design, sources = tables.rows(ObservationRow), examine_design(tables), examine_sources(tables)
    trials, arms = tables.rows(TrialRow), tables.rows(ArmRow)
    findings = [*table.findings, *find_bad_origins(table.entries, sources)]
    if not trials.findings:
        findings += dangling(table.entries, "study", {trial.study for trial in trials.entries}, "trials.csv")
    if not arms.findings:
        findings += find_unknown_arms(table.entries, arms.entries)
    observed = [
        Observation(row.study, row.arm, row.quantity, row.value, row.unit, row.month, row.origin, row.models)
        for row in table.entries
    ]
    outcomes = [
        Observation(row.study, row.arm, row.quantity, row.value, row.unit, None, row.origin)
        for row, _ in design.entries
        if row.quantity in _OUTCOMES
    ]
    return Examined((*observed, *outcomes), tuple(dict.fromkeys([*findings, *design.findings])))
