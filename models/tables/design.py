"""Rows and checks of `design.csv`: every number of a trial's design, one a row, with its own unit, source and status.

Start with `examine_design`; `QUANTITIES` lists what a design is made of.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import ClassVar, NamedTuple

from kinimmune.models.symbolic.roles import LEAST_READING_ERROR
from kinimmune.models.symbolic.units import convert, parse_unit
from kinimmune.models.tables.evidence import examine_sources, find_bad_origins
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.rows import Name, Number, SourcedRow, Tables, UnitText


@dataclass(frozen=True)
class Quantity:
    """A kind of number a design has."""

    unit: str
    """Unit in which `Trial` and `Arm` keep the number."""
    of_arm: bool
    """Whether the number belongs to an arm; otherwise to the whole study."""
    above: float = 0.0
    """Exclusive lower end of the allowed range, in `unit`."""
    below: float = inf
    """Exclusive upper end of the allowed range, in `unit`."""
    may_be_zero: bool = False
    """Whether 0 is allowed although it lies at the end of the range."""
    required: bool = True
    """Whether every arm, or every study, must have the number."""

    def allows(self, value: float) -> bool:
        """Return whether a value in `unit` lies in the range."""
        return self.above < value < self.below or (self.may_be_zero and value == 0.0)

    @property
    def range(self) -> str:
        """The range as printed in messages."""
        return f"{'[' if self.may_be_zero else '('}{self.above:g}, {self.below:g})"


# the ends are wide: what lies outside is a slip of unit or of the pen, not an unusual trial
QUANTITIES: Mapping[str, Quantity] = {
    "scan_interval": Quantity("d", of_arm=False, above=1.0, below=3653.0),
    "later_scan_interval": Quantity("d", of_arm=False, above=1.0, below=3653.0, required=False),
    "later_scans_from": Quantity("d", of_arm=False, above=1.0, below=36525.0, required=False),
    "scan_jitter": Quantity("d", of_arm=False, below=365.0),
    "reading_error": Quantity("1", of_arm=False, above=LEAST_READING_ERROR, below=1.0),
    "progression_ratio": Quantity("1", of_arm=False, above=1.0, below=10.0, required=False),
    "response_ratio": Quantity("1", of_arm=False, below=1.0, required=False),
    "baseline_diameter": Quantity("mm", of_arm=False, below=5000.0, required=False),
    "n": Quantity("1", of_arm=True, below=1e6),
    "dose": Quantity("mg", of_arm=True, below=1e5, may_be_zero=True),
    "doses_per_day": Quantity("1/d", of_arm=True, below=100.0, may_be_zero=True),
    "discontinuation_fraction": Quantity("1", of_arm=True, below=1.0, may_be_zero=True, required=False),
    "treatment_median": Quantity("d", of_arm=True, below=36525.0, required=False),
    "symptomatic_median": Quantity("d", of_arm=True, below=36525.0, required=False),
}


class DesignRow(SourcedRow):
    """A row of `design.csv`: one number of a study (arm empty) or of an arm."""

    table: ClassVar[str] = "design.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("study", "arm", "quantity")

    study: Name
    arm: Name | None = None
    quantity: Name
    value: Number
    unit: UnitText


class DesignNumber(NamedTuple):
    """A row and its value in the unit of its quantity."""

    row: DesignRow
    value: float


def examine_design(tables: Tables) -> Examined[DesignNumber]:
    """Return the numbers of all designs, and what is wrong with their table."""
    table, sources = tables.rows(DesignRow), examine_sources(tables)
    numbers: list[DesignNumber] = []
    findings = list(table.findings)
    for row in table.entries:
        faults = list(_find_faults(row))
        findings += faults
        if not faults:
            numbers.append(DesignNumber(row, _value(row)))
    findings += [*find_bad_origins(table.entries, sources), *sources.findings]
    return Examined(tuple(numbers), tuple(findings))


def _find_faults(row: DesignRow) -> Iterable[Finding]:
    quantity = QUANTITIES.get(row.quantity)
    if quantity is None:
        yield row.finding(
            "quantity", f"unknown quantity '{row.quantity}' in column 'quantity'", f"allowed: {', '.join(QUANTITIES)}"
        )
        return
    if quantity.of_arm != (row.arm is not None):
        advice = "fill in the arm" if quantity.of_arm else "leave the arm empty"
        owner = "an arm" if quantity.of_arm else "the whole study"
        yield row.finding("arm", f"'{row.quantity}' belongs to {owner}", advice)
    if parse_unit(row.unit).dimension != parse_unit(quantity.unit).dimension:
        problem = f"unit '{row.unit}' of '{row.quantity}' in column 'unit' does not measure the same as {quantity.unit}"
        yield row.finding("unit", problem, "correct the unit")
        return
    value = _value(row)
    if not quantity.allows(value):
        problem = f"'{row.quantity}' = {row.value:g} {row.unit} in column 'value' lies outside {quantity.range} {quantity.unit}"
        yield row.finding("value", problem, "correct the value")
    elif row.quantity == "n" and value != int(value):
        yield row.finding("value", f"'n' = {row.value:g} in column 'value' is not a whole number", "correct the value")


def _value(row: DesignRow) -> float:
    """Return the value of a row in the unit of its quantity."""
    return convert(row.value, row.unit, QUANTITIES[row.quantity].unit)
