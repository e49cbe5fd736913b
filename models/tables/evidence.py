"""Rows and checks of the tables of evidence: sources, kinases, cell lines and observations.

Start with `examine_sources`; `find_bad_origins` is what every other table uses to check where its numbers come from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from kinimmune.models.symbolic.parameters import Source, Status
from kinimmune.models.symbolic.units import parse_unit
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.rows import Name, NotNegative, Positive, SourcedRow, TableRow, Tables, UnitText, dangling


class Access(StrEnum):
    """How much of a source was seen."""

    READ = "read"
    """Its own text, at least the abstract."""
    SECONDARY = "secondary"
    """Only what another source says about it."""
    NO = "no"
    """Nothing; numbers from it are recalled."""


@dataclass(frozen=True)
class Reference:
    """A row of `sources.csv`."""

    key: str
    citation: str
    identifier: str
    """DOI, PMID, PMC or trial registration number; empty when there is none."""
    read: Access
    fitted_to: tuple[str, ...]
    """Studies or target labels that the source's numbers were fitted to: no prior may come from it where those are fitted."""
    note: str


@dataclass(frozen=True)
class Kinase:
    """A kinase and the half-inhibitory concentration of a drug in a biochemical assay of it."""

    drug: str
    name: str
    ic50: float
    """Concentration that halves the activity of the enzyme [`unit`]."""
    unit: str
    species: str
    """Species of the enzyme; empty when not known."""
    drives: str | None
    """Name of the quantity of a model that is this kinase's occupancy; None when it drives nothing."""
    source: Source


@dataclass(frozen=True)
class CellLine:
    """What is published about a drug in one cell line; None where no number is stated."""

    name: str
    ic50_lower: float | None
    """Lower end of the published IC50 [umol/L]."""
    ic50_upper: float | None
    """Upper end of the published IC50 [umol/L]."""
    effect: str | None
    """What was seen, when no IC50 is stated."""
    effect_lower: float | None
    """Lowest concentration [umol/L] at which the effect was seen."""
    effect_upper: float | None
    """Highest concentration [umol/L] at which the effect was seen."""
    statement: str
    """What the document says, in our words."""
    source: Source


@dataclass(frozen=True)
class Observation:
    """A published number a report compares with; it is never fitted."""

    study: str | None
    """Name of the study; None for patients outside the trials of `trials.csv`."""
    arm: str | None
    """Name of the arm; None when the number is about all arms."""
    quantity: str
    value: float
    unit: str
    month: float | None
    """Time [month] after the start of treatment, None when it has none."""
    source: Source
    models: tuple[str, ...] = ()
    """Models it is about; none for every model tried in its study, or for all of them."""


class SourceRow(TableRow):
    """A row of `sources.csv`."""

    table: ClassVar[str] = "sources.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("key",)

    key: Name
    citation: str
    identifier: str = ""
    read: Access
    fitted_to: str = ""
    note: str = ""


class KinaseRow(SourcedRow):
    """A row of `kinases.csv`."""

    table: ClassVar[str] = "kinases.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("drug", "kinase")
    may_be_empty: ClassVar[bool] = True

    drug: Name
    kinase: str
    ic50: Positive
    unit: UnitText
    species: str = ""
    drives: Name | None = None


class CellLineRow(SourcedRow):
    """A row of `cell_lines.csv`."""

    table: ClassVar[str] = "cell_lines.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("cell_line",)
    may_be_empty: ClassVar[bool] = True

    cell_line: str
    ic50_lower: Positive | None = None
    ic50_upper: Positive | None = None
    effect: str | None = None
    effect_lower: NotNegative | None = None
    effect_upper: Positive | None = None
    statement: str


def examine_sources(tables: Tables) -> Examined[Reference]:
    """Return the sources and what is wrong with their table."""
    table = tables.rows(SourceRow)
    references = [
        Reference(row.key, row.citation, row.identifier, row.read, tuple(row.fitted_to.split()), row.note)
        for row in table.entries
    ]
    return Examined(tuple(references), table.findings)


def find_bad_origins(
    rows: Iterable[TableRow], sources: Examined[Reference], source: str = "source", status: str = "status"
) -> list[Finding]:
    """Return findings about origins: unknown sources, and numbers called reported whose source nobody read.

    `source` and `status` are the names of the two columns.  An unusable `sources.csv` is reported once, not here for every row.
    """
    if sources.findings:
        return []
    rows = tuple(rows)
    access = {reference.key: reference.read for reference in sources.entries}
    findings = dangling(rows, source, access, "sources.csv")
    for row in rows:
        key = getattr(row, source)
        if getattr(row, status) is Status.REPORTED and access.get(key) is Access.NO:
            problem = f"status 'reported' in column '{status}' but source '{key}' was not read"
            findings.append(row.finding(status, problem, "use the status recalled, or read the source and say so in sources.csv"))
    return findings


def find_upside_down(rows: Iterable[TableRow], lower: str, upper: str) -> list[Finding]:
    """Return a finding for each row whose lower end lies above its upper end."""
    findings = []
    for row in rows:
        low, high = getattr(row, lower), getattr(row, upper)
        if low is not None and high is not None and low > high:
            problem = f"interval from {low:g} to {high:g} in columns '{lower}' and '{upper}' is upside down"
            findings.append(row.finding(upper, problem, "exchange or correct the ends"))
    return findings


def examine_kinases(tables: Tables) -> Examined[Kinase]:
    """Return the kinases and what is wrong with their table."""
    table, sources = tables.rows(KinaseRow), examine_sources(tables)
    kinases = [Kinase(row.drug, row.kinase, row.ic50, row.unit, row.species, row.drives, row.origin) for row in table.entries]
    findings = [*table.findings, *find_bad_origins(table.entries, sources), *_find_odd_kinases(table.entries), *sources.findings]
    return Examined(tuple(kinases), tuple(findings))


def _find_odd_kinases(rows: Iterable[KinaseRow]) -> Iterable[Finding]:
    driver: dict[tuple[str, str], KinaseRow] = {}
    concentration = parse_unit("nmol/L").dimension
    for row in rows:
        if parse_unit(row.unit).dimension != concentration:
            yield row.finding("unit", f"unit '{row.unit}' of an IC50 is not a molar concentration", "use nmol/L")
        if row.drives is None:
            continue
        other = driver.setdefault((row.drug, row.drives), row)
        if other.kinase != row.kinase:
            problem = f"'{row.drives}' in column 'drives' is driven by {other.kinase} too"
            yield row.finding("drives", problem, "leave one of the two empty")


def examine_cell_lines(tables: Tables) -> Examined[CellLine]:
    """Return the cell lines and what is wrong with their table."""
    table, sources = tables.rows(CellLineRow), examine_sources(tables)
    lines = [
        CellLine(
            row.cell_line,
            row.ic50_lower,
            row.ic50_upper,
            row.effect,
            row.effect_lower,
            row.effect_upper,
            row.statement,
            row.origin,
        )
        for row in table.entries
    ]
    findings = [
        *table.findings,
        *find_upside_down(table.entries, "ic50_lower", "ic50_upper"),
        *find_upside_down(table.entries, "effect_lower", "effect_upper"),
        *find_bad_origins(table.entries, sources),
        *sources.findings,
    ]
    return Examined(tuple(lines), tuple(findings))
