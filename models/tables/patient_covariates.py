"""What `patients.csv` tells of patients before treatment: a column a covariate, filled for all patients of an arm or for none.

Start with `find_odd_covariates` and `list_known_patients`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.covariates import Covariate, CovariateValues
from kinimmune.models.tables.covariates import examine_covariates
from kinimmune.models.tables.findings import Finding, capped
from kinimmune.models.tables.patient_rows import PatientRow
from kinimmune.models.tables.rows import Tables

Arm = tuple[str, str]
"""(study, arm)"""


@dataclass(frozen=True)
class KnownPatients:
    """The covariates that are known of an arm's patients one by one."""

    names: tuple[str, ...]
    rows: tuple[tuple[float | str, ...], ...]
    """A row a patient, sorted."""


def list_known_patients(tables: Tables) -> dict[Arm, KnownPatients]:
    """Return the covariates of the patients of every arm that `patients.csv` tells; a patient of two endpoints counts once."""
    rows = tables.rows(PatientRow).entries
    covariates = {item.name: item for item in examine_covariates(tables).entries}
    found = {}
    for arm, own in _split_arms(rows).items():
        names = told_covariates(own, tuple(covariates))
        patients = {row.patient: tuple(covariates[name].read(row.covariates[name]) for name in names) for row in own}
        if names:
            found[arm] = KnownPatients(names, tuple(sorted(patients.values())))
    return found


def told_covariates(rows: Sequence[PatientRow], names: Iterable[str]) -> tuple[str, ...]:
    """Return the covariates that are told of all of some patients."""
    return tuple(name for name in names if all(name in row.covariates for row in rows))


def read_covariates(rows: Sequence[PatientRow], covariates: Mapping[str, Covariate]) -> CovariateValues:
    """Return the covariates that are told of all of some patients, in the order of their rows."""
    names = told_covariates(rows, covariates)
    return {name: np.array([covariates[name].read(row.covariates[name]) for row in rows]) for name in names}


def find_odd_covariates(rows: Sequence[PatientRow], covariates: Sequence[Covariate]) -> list[Finding]:
    """Find cells that are no value of their covariate, gaps among the patients of an arm, and two values of one patient."""
    known = {item.name: item for item in covariates}
    return capped([*_find_odd_values(rows, known), *_find_gaps(rows, known), *_find_two_values(rows)])


def _split_arms(rows: Iterable[PatientRow]) -> dict[Arm, list[PatientRow]]:
    arms: dict[Arm, list[PatientRow]] = {}
    for row in rows:
        arms.setdefault((row.study, row.arm), []).append(row)
    return arms


def _find_odd_values(rows: Iterable[PatientRow], known: Mapping[str, Covariate]) -> Iterator[Finding]:
    for row in rows:
        for name, text in row.covariates.items():
            try:
                if name in known:
                    known[name].read(text)
            except DataError as error:
                yield row.refused(name, error)


def _find_gaps(rows: Iterable[PatientRow], names: Iterable[str]) -> Iterator[Finding]:
    for (study, arm), own in _split_arms(rows).items():
        for name in names:
            without = [row for row in own if name not in row.covariates]
            if without and len(without) < len(own):
                problem = f"patient '{without[0].patient}' of {study}:{arm} has no value in column '{name}'"
                more = f", as {len(without) - 1} more rows of the arm" if len(without) > 1 else ""
                advice = "fill it in, leave those patients out, or empty the column for the whole arm"
                yield without[0].finding(name, f"{problem}{more}", advice)


def _find_two_values(rows: Iterable[PatientRow]) -> Iterator[Finding]:
    first: dict[tuple[str, str, str], PatientRow] = {}
    for row in rows:
        other = first.setdefault((row.study, row.arm, row.patient), row)
        for name in row.covariates.keys() & other.covariates.keys():
            if row.covariates[name] != other.covariates[name]:
                given = f"'{row.covariates[name]}' here and '{other.covariates[name]}' in row {other.row}"
                problem = f"patient '{row.patient}' of {row.study}:{row.arm} has {name} {given}"
                yield row.finding(name, problem, "correct one of them: a covariate is what was so before treatment")
