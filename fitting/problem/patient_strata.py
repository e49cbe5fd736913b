"""The patients of an arm by what was known of them before treatment, as far as parameters depend on it.

Start with `stratify_patients`.  Patients of a level of each category, and of a quarter of each continuous covariate, are held
against the virtual patients of that stratum, who have the covariates of its own patients.  Within a quarter all count as one
mixture, which keeps 86 % of the information about the coefficient of a covariate whose logarithm is normal: the variance of the
means of its quarters over its own.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product

import numpy as np

from kinimmune.fitting.problem.patient_groups import PatientGroups, group_patients, group_some, join_sizes
from kinimmune.models.arrays import Array, real
from kinimmune.models.trial.published import PatientTimes
from kinimmune.models.trial.scan_plan import ScanPlan
from kinimmune.models.trial.subgroups import Condition, Subgroup

QUARTERS = (0.25, 0.5, 0.75)
"""Quantiles at which the patients of an arm are divided by a continuous covariate."""


@dataclass(frozen=True)
class Stratum:
    """Patients of one arm and endpoint who share what parameters depend on."""

    subgroup: Subgroup | None
    """What they share; None for all patients of the arm."""
    groups: tuple[PatientGroups, ...]
    patients: int
    events: int

    @property
    def size(self) -> int:
        """Number of residuals."""
        return join_sizes(self.groups)


@lru_cache(maxsize=64)
def stratify_patients(patients: PatientTimes, names: tuple[str, ...], plan: ScanPlan) -> tuple[Stratum, ...]:
    """Return the strata of an arm that have patients; all patients as one where they share everything.

    Parameters
    ----------
    patients
        of one arm and endpoint
    names
        covariates on which parameters depend; those that are not told of the patients divide nobody
    plan
        the protocol's scans
    """
    cuts = [_divide(name, patients) for name in names if name in patients.covariates]
    found = []
    for conditions in product(*cuts):
        who = np.ones(patients.time.size, dtype=bool)
        for item in conditions:
            who &= item.holds(patients.covariates[item.covariate])
        if who.any():
            events = int(patients.event[who].sum())
            found.append(Stratum(Subgroup(conditions), group_some(patients, who, plan), int(who.sum()), events))
    if len(found) > 1:
        return tuple(found)
    return (Stratum(None, group_patients(patients, plan), patients.time.size, int(patients.event.sum())),)


def _divide(name: str, patients: PatientTimes) -> list[Condition]:
    """Return the levels that patients have, or the quarters of their numbers; fewer where numbers are tied."""
    values = patients.covariates[name]
    if values.dtype.kind == "U":
        return [Condition(name, str(level)) for level in np.unique(values)]
    ends = _find_ends(real(values))
    return [Condition(name, None, above, most) for above, most in pairwise((0.0, *ends, np.inf))]


def _find_ends(numbers: Array) -> tuple[float, ...]:
    ends = np.unique(np.quantile(numbers, QUARTERS, method="inverted_cdf"))
    return tuple(float(end) for end in ends if end < numbers.max())


def describe_strata(strata: tuple[Stratum, ...]) -> tuple[str, ...]:
    """Return a line a stratum, its patients and events; none for an arm that is not divided."""
    return tuple(
        f"{item.subgroup.label} (n {item.patients}, events {item.events})" for item in strata if item.subgroup is not None
    )
