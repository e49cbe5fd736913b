"""Which subgroups of arms a problem runs beside its arms: strata of patients one by one, and those of published numbers.

Start with `list_groups`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from kinimmune.fitting.problem.patient_strata import Stratum, stratify_patients
from kinimmune.fitting.problem.targets import Target
from kinimmune.models.errors import DataError
from kinimmune.models.trial.case_mix import CaseMix
from kinimmune.models.trial.design import Arm, Trial
from kinimmune.models.trial.published import PatientTimes
from kinimmune.models.trial.subgroups import Subgroup

Group = tuple[str, str, Subgroup]
"""(study, arm, subgroup)"""


def list_groups(targets: Iterable[Target], trials: Sequence[Trial], covariates: tuple[str, ...]) -> tuple[Group, ...]:
    """Return the subgroups that targets are held against, each once.

    Parameters
    ----------
    targets
        of trials, or others, which have none
    trials
        all there are
    covariates
        on which parameters depend
    """
    by_study = {trial.study: trial for trial in trials}
    found = (
        group for target in targets if target.study in by_study for group in _list(target, by_study[target.study], covariates)
    )
    return tuple(dict.fromkeys(found))


def _list(target: Target, trial: Trial, covariates: tuple[str, ...]) -> Iterator[Group]:
    if isinstance(target.published, PatientTimes):
        for stratum in stratify(target.published, trial, covariates):
            if stratum.subgroup is not None:
                yield target.study, target.published.arm, stratum.subgroup


def stratify(patients: PatientTimes, trial: Trial, covariates: tuple[str, ...]) -> tuple[Stratum, ...]:
    """Return the strata of the patients of an arm of a trial by the covariates on which parameters depend."""
    return stratify_patients(patients, covariates, trial.plan)


def require_case_mix(arm: Arm, covariates: Sequence[str]) -> None:
    """Raise a `DataError` where nobody knows the patients of an arm on whom parameters depend."""
    (arm.case_mix or CaseMix(f"{arm.study}:{arm.name}")).require(covariates)


def restrict_arm(arm: Arm, subgroup: Subgroup) -> Arm:
    """Return an arm with the patients of a subgroup alone, as many as belong to it.

    Raises
    ------
    DataError
        where nobody does
    """
    if arm.case_mix is None:
        raise DataError(
            f"{arm.study}:{arm.name} tells nothing of its patients; add rows to case_mix.csv, or columns to patients.csv"
        )
    expected = arm.n * arm.case_mix.share(subgroup)
    return replace(arm, case_mix=arm.case_mix.within(subgroup), n=max(1, round(expected)))
