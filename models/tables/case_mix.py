"""Rows and checks of `case_mix.csv`, baseline tables of publications, and the case mix of every arm.

Start with `examine_case_mix` and `enrol_case_mixes`.  Where `patients.csv` tells a covariate of an arm's patients one by one,
theirs counts, and the published one does not.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import ClassVar

from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.covariates import Covariate, CovariateKind
from kinimmune.models.tables.covariates import examine_covariates
from kinimmune.models.tables.evidence import examine_sources, find_bad_origins
from kinimmune.models.tables.findings import Examined, Finding
from kinimmune.models.tables.patient_covariates import KnownPatients, list_known_patients
from kinimmune.models.tables.rows import Name, Positive, Share, SourcedRow, Tables, dangling
from kinimmune.models.tables.treatments import ArmRow
from kinimmune.models.tables.trials import TrialRow, find_unknown_arms
from kinimmune.models.trial.case_mix import CaseMix, LevelShares, Lognormal
from kinimmune.models.trial.design import Arm, Trial

ROUNDING = 0.02
"""How far printed shares may add to another sum than 1: percentages of a few levels are each rounded."""


class CaseMixRow(SourcedRow):
    """A row of `case_mix.csv`."""

    table: ClassVar[str] = "case_mix.csv"
    key_columns: ClassVar[tuple[str, ...]] = ("study", "arm", "covariate", "level")
    may_be_empty: ClassVar[bool] = True

    study: Name
    arm: Name | None = None
    """None for all arms that have no row of their own."""
    covariate: Name
    level: str | None = None
    """Of a category."""
    share: Share | None = None
    """Of a level."""
    mean: Positive | None = None
    sd: Positive | None = None


Distribution = LevelShares | Lognormal
Place = tuple[str, str | None, str]
"""(study, arm, covariate)"""


def examine_case_mix(tables: Tables) -> Examined[tuple[Place, Distribution]]:
    """Return the distribution of every covariate in every study or arm, and what is wrong with their table."""
    table, covariates = tables.rows(CaseMixRow), examine_covariates(tables)
    if not table.entries:
        return Examined((), table.findings)
    known = {item.name: item for item in covariates.entries}
    findings = [*table.findings, *covariates.findings, *find_bad_origins(table.entries, examine_sources(tables))]
    findings += _find_unknown(tables, table.entries, known if not covariates.findings else None)
    odd = [finding for row in table.entries if row.covariate in known for finding in _find_odd_cells(row, known[row.covariate])]
    findings += odd
    places: dict[Place, list[CaseMixRow]] = {}
    for row in () if odd else table.entries:
        if row.covariate in known:
            places.setdefault((row.study, row.arm, row.covariate), []).append(row)
    found = []
    for place, rows in places.items():
        try:
            found.append((place, _build(rows, known[place[2]])))
        except DataError as error:
            findings.append(rows[0].refused("share", error))
    return Examined(tuple(found), tuple(findings))


def _find_unknown(tables: Tables, rows: Sequence[CaseMixRow], known: Iterable[str] | None) -> list[Finding]:
    trials, arms = tables.rows(TrialRow), tables.rows(ArmRow)
    findings = [] if known is None else dangling(rows, "covariate", tuple(known), "covariates.csv")
    if not trials.findings:
        findings += dangling(rows, "study", {trial.study for trial in trials.entries}, "trials.csv")
    if not arms.findings:
        findings += find_unknown_arms(rows, arms.entries)
    return findings


def _find_odd_cells(row: CaseMixRow, covariate: Covariate) -> Iterable[Finding]:
    """Find cells that the kind of a covariate needs, those it does not have, and levels there are not."""
    category = covariate.kind is CovariateKind.CATEGORY
    for column, wanted in (("level", category), ("share", category), ("mean", not category), ("sd", not category)):
        given = getattr(row, column) is not None
        if wanted and not given:
            yield row.finding(column, f"{covariate.kind} '{row.covariate}' without a value in column '{column}'", "fill it in")
        elif given and not wanted:
            yield row.finding(column, f"{covariate.kind} '{row.covariate}' with a value in column '{column}'", "leave it empty")
    if category and row.level is not None:
        try:
            covariate.read(row.level)
        except DataError as error:
            yield row.refused("level", error)


def _build(rows: Sequence[CaseMixRow], covariate: Covariate) -> Distribution:
    """Return the distribution of rows of one study or arm; shares that were rounded are brought to 1."""
    first = rows[0]
    if first.mean is not None and first.sd is not None:
        return Lognormal(covariate.name, first.mean, first.sd)
    shares = {row.level: row.share or 0.0 for row in rows}
    told = tuple(shares.get(level, 0.0) for level in covariate.levels)
    total = math.fsum(told)
    if abs(total - 1.0) > ROUNDING:
        where = ":".join(part for part in (first.study, first.arm) if part is not None)
        raise DataError(f"shares of '{covariate.name}' in {where} add to {total:.4g}; give every level, as shares of 1")
    return LevelShares(covariate.name, covariate.levels, tuple(share / total for share in told))


def enrol_case_mixes(trials: tuple[Trial, ...], tables: Tables) -> tuple[Trial, ...]:
    """Return trials whose arms know their patients' covariates; as they are where none is declared.

    Raises
    ------
    DataError
        where the tables of covariates, case mix or patients are wrong
    """
    published = dict(examine_case_mix(tables).require())
    if not examine_covariates(tables).require():
        return trials
    patients = list_known_patients(tables)
    return tuple(replace(trial, arms=tuple(_enrol(arm, published, patients, tables) for arm in trial.arms)) for trial in trials)


def _enrol(arm: Arm, published: dict[Place, Distribution], patients: dict[tuple[str, str], KnownPatients], tables: Tables) -> Arm:
    """Return an arm with its case mix: what is known of its patients, then rows of the arm, then those of its study."""
    known = patients.get((arm.study, arm.name), KnownPatients((), ()))
    marginals = []
    for covariate in examine_covariates(tables).entries:
        of_arm = published.get((arm.study, arm.name, covariate.name), published.get((arm.study, None, covariate.name)))
        if of_arm is not None and covariate.name not in known.names:
            marginals.append(of_arm)
    if not marginals and not known.names:
        return arm
    return replace(arm, case_mix=CaseMix(f"{arm.study}:{arm.name}", tuple(marginals), known.names, known.rows))
