"""Rows and checks of `drugs.csv`: the properties of each drug, one a row, with unit, source and status.

Start with `examine_drugs`.  IC50s stand in `kinases.csv`, one row a drug and kinase.  `KnownDrugs.values_in` gives what a drug
makes of the parameters of a model's role; a model's own drug keeps those of `parameters.csv`, with their priors.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from kinimmune.models.errors import DataError, nearest
from kinimmune.models.symbolic.drugs import IC50, OCCUPANCY, DrugRole
from kinimmune.models.symbolic.model import OdeModel
from kinimmune.models.symbolic.units import convert
from kinimmune.models.tables.evidence import Kinase, examine_kinases, examine_sources, find_bad_origins
from kinimmune.models.tables.findings import Examined
from kinimmune.models.tables.rows import Name, NotNegative, SourcedRow, Tables, UnitText
from kinimmune.models.trial.design import Arm
from kinimmune.models.trial.regimens import Administration, list_drugs
from kinimmune.models.trial.routes import assign_roles


class DrugRow(SourcedRow):
    """A row of `drugs.csv`."""

    table: ClassVar[str] = "drugs.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("drug", "quantity")

    drug: Name
    quantity: Name
    value: NotNegative
    unit: UnitText


@dataclass(frozen=True)
class GivenDrug:
    """A drug that is given where a model's parameters are of another, with the rows that its values come from."""

    drug: str
    role: DrugRole
    """In which the model takes it."""
    properties: tuple[DrugRow, ...]
    kinases: tuple[Kinase, ...]

    @property
    def sources(self) -> frozenset[str]:
        """Keys of the sources of its values."""
        return frozenset({row.source for row in self.properties} | {item.source.key for item in self.kinases})


@dataclass(frozen=True)
class KnownDrugs:
    """Every drug of the tables."""

    properties: Mapping[str, Mapping[str, DrugRow]] = field(default_factory=dict)
    """Drug -> quantity -> its row."""
    kinases: tuple[Kinase, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the drugs, in the order of `drugs.csv`."""
        return tuple(self.properties)

    def require(self, drug: str) -> str:
        """Return a drug's name, or raise a `DataError` with the nearest when no table has it."""
        if drug not in self.properties:
            raise DataError(f"unknown drug '{drug}'; {nearest(drug, self.names)}; a new one needs rows in drugs.csv")
        return drug

    def values_in(self, role: DrugRole, drug: str, units: Mapping[str, str]) -> dict[str, float]:
        """Return parameter -> value where a drug is given in a role; nothing for the drug the parameters are of anyway.

        Parameters
        ----------
        role
            of a model
        drug
            what is given
        units
            parameter -> unit in the model

        Raises
        ------
        DataError
            for a drug no table has, a property or IC50 it has no row for, or one in a unit of something else
        """
        if drug == role.drug:
            return {}
        self.require(drug)
        values = {name: self._find_property(drug, quantity, units[name]) for quantity, name in role.properties.items()}
        return values | {f"{IC50}{kinase}": self._find_ic50(role, drug, kinase, units) for kinase in role.kinases}

    def _find_property(self, drug: str, quantity: str, unit: str) -> float:
        row = self.properties[drug].get(quantity)
        if row is None:
            raise DataError(f"drug '{drug}' has no '{quantity}', which this model needs of it; add a row to drugs.csv")
        try:
            return convert(row.value, row.unit, unit)
        except DataError as error:
            raise DataError(f"'{quantity}' of drug '{drug}' ({row.place}): {error}") from error

    def _find_ic50(self, role: DrugRole, drug: str, kinase: str, units: Mapping[str, str]) -> float:
        found = self._find_kinase(role, drug, kinase)
        return convert(found.ic50, found.unit, units[f"{IC50}{kinase}"])

    def _find_kinase(self, role: DrugRole, drug: str, kinase: str) -> Kinase:
        """Return the row of a drug for the enzyme that the role's own drug drives an occupancy by."""
        driver = next((item for item in self.kinases if (item.drug, item.drives) == (role.drug, f"{OCCUPANCY}{kinase}")), None)
        if driver is None:
            raise DataError(f"kinases.csv has no row of '{role.drug}' that drives {OCCUPANCY}{kinase}; add one")
        found = next((item for item in self.kinases if (item.drug, item.name) == (drug, driver.name)), None)
        if found is None:
            raise DataError(f"drug '{drug}' has no IC50 of {driver.name}, which this model needs of it; add a row to kinases.csv")
        return found

    def describe(self, role: DrugRole, drug: str) -> GivenDrug:
        """Return what is used of a drug in a role; raises as `values_in` does."""
        self.require(drug)
        properties = [self.properties[drug][quantity] for quantity in role.properties if quantity in self.properties[drug]]
        return GivenDrug(drug, role, tuple(properties), tuple(self._find_kinase(role, drug, item) for item in role.kinases))


def list_given_drugs(model: OdeModel, arms: Iterable[Sequence[Administration]], drugs: KnownDrugs) -> tuple[GivenDrug, ...]:
    """Return the drugs that arms are given where the parameters of a model's role are of another, each once.

    Parameters
    ----------
    model
        with the roles of its drugs
    arms
        what each arm is given
    drugs
        of the tables
    """
    found: dict[str, GivenDrug] = {}
    for administrations in arms:
        for drug, role in assign_roles(model, list_drugs(administrations)).items():
            if drug != role.drug:
                found.setdefault(drug, drugs.describe(role, drug))
    return tuple(found.values())


def find_drug_values(model: OdeModel, administrations: Iterable[Administration], drugs: KnownDrugs) -> dict[str, float]:
    """Return parameter -> value for what is given, where that is another drug than the one a model's parameters are of.

    Raises
    ------
    DataError
        for a drug that no table knows or the model has no role for, or of which it needs what no table has
    """
    values: dict[str, float] = {}
    for drug, role in assign_roles(model, list_drugs(administrations)).items():
        values |= drugs.values_in(role, drug, model.units)
    return values


def find_next_line_values(model: OdeModel, arm: Arm, drugs: KnownDrugs) -> dict[str, float]:
    """Return parameter -> value while an arm's next line is given, where that is another than in `parameters.csv`.

    A role that the next line gives a drug in has the values of that drug, though some of the arm's may be left over; one it gives
    nothing in keeps those of the arm's, which leaves as it did.

    Raises
    ------
    DataError
        as `find_drug_values` does
    """
    values: dict[str, float] = {}
    for drug, role in assign_next_line(model, arm).items():
        values |= drugs.values_in(role, drug, model.units)
    return values


def assign_next_line(model: OdeModel, arm: Arm) -> dict[str, DrugRole]:
    """Return drug -> its role while an arm's next line is given: first the arm's drugs in roles that it gives nothing in."""
    given = assign_roles(model, () if arm.next_line is None else arm.next_line.drugs)
    before = assign_roles(model, arm.drugs)
    return {drug: role for drug, role in before.items() if role not in given.values()} | given


def list_used_kinases(model: OdeModel, kinases: Iterable[Kinase]) -> tuple[Kinase, ...]:
    """Return the panels of a model's own drugs as it sees them: a kinase drives only what the model defines."""
    defined, panels = {item.name for item in model.definitions}, tuple(kinases)
    drugs = {item.drug for item in panels if item.drives in defined}
    return tuple(item if item.drives in defined else replace(item, drives=None) for item in panels if item.drug in drugs)


def examine_drugs(tables: Tables) -> Examined[KnownDrugs]:
    """Return the drugs, as one entry, and what is wrong with their tables."""
    table, sources, kinases = tables.rows(DrugRow), examine_sources(tables), examine_kinases(tables)
    findings = [*table.findings, *find_bad_origins(table.entries, sources), *kinases.findings]
    return Examined((KnownDrugs(_group(table.entries), kinases.entries),), tuple(dict.fromkeys(findings)))


def _group(rows: Iterable[DrugRow]) -> dict[str, dict[str, DrugRow]]:
    grouped: dict[str, dict[str, DrugRow]] = {}
    for row in rows:
        grouped.setdefault(row.drug, {})[row.quantity] = row
    return grouped
