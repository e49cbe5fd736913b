"""Numbers that would be fitted twice: the same information in two rows of `targets.csv` with the role `fit`.

Start with `find_double_targets`; `describe_shared_deaths` tells what is counted twice and still fitted.
"""

from collections.abc import Iterable, Mapping, Sequence

from kinimmune.fitting.problem.targets import COUNTS, DATA, Role, Statistic, Target
from kinimmune.models.tables.findings import Finding
from kinimmune.models.tables.rows import TableRow
from kinimmune.models.trial.design import Endpoint

Pair = tuple[TableRow, Target]
ArmsOf = Mapping[str, Sequence[str]]
"""Study -> its arms."""


def find_double_targets(pairs: Iterable[Pair], arms: ArmsOf, controls: Mapping[str, str]) -> list[Finding]:
    """Return a finding for each fitted target whose information stands in other fitted targets.

    A curve and the patients of an arm hold its medians, its survival at any month and its events; those of both arms of a ratio
    hold the ratio; counts of every arm hold the count of all, and so does a cut-off that waited for it.

    Parameters
    ----------
    pairs
        rows of `targets.csv` with the targets they make
    arms
        of every study
    controls
        study -> its control, where it has one
    """
    fitted = [(row, target) for row, target in pairs if target.role is Role.FIT]
    finer = {(target.study, target.arm, target.endpoint): row for row, target in fitted if target.statistic in DATA}
    findings = []
    for row, target in fitted:
        other = _find_finer(target, finer, arms, controls) or _find_counted(target, fitted, arms)
        if other is not None and other is not row:
            what = f"{target.label} in column 'statistic' tells what row {other.row} tells, and both have role 'fit'"
            findings.append(row.finding("statistic", what, f"give row {row.row} the role unfitted"))
    return findings


def describe_shared_deaths(targets: Iterable[Target]) -> tuple[str, ...]:
    """Return a line for each arm whose patients are fitted to death and to progression-free survival, which ends in death too.

    Numbers that share patients are fitted with their correlation, patients one by one are not.
    """
    fitted = {(item.study, item.arm, item.endpoint) for item in targets if _is_fitted_patients(item)}
    return tuple(
        f"patients of {study}:{arm} are fitted to os and to pfs as if those were others: deaths without progression count "
        "twice; split pfs into deaths and progressions by fitting ttp in its place"
        for study, arm, endpoint in sorted(fitted, key=str)
        if endpoint is Endpoint.OS and (study, arm, Endpoint.PFS) in fitted
    )


def _is_fitted_patients(target: Target) -> bool:
    return target.role is Role.FIT and target.statistic is Statistic.PATIENTS


Finer = Mapping[tuple[str, str | None, Endpoint | None], TableRow]


def _find_finer(target: Target, finer: Finer, arms: ArmsOf, controls: Mapping[str, str]) -> TableRow | None:
    """Return the row of data that hold a target's information, None where there are none."""
    study, endpoint = target.study, target.endpoint
    if target.statistic is Statistic.CONTROL_RATE:
        return finer.get((study, target.arm, Endpoint.PFS))
    if target.statistic in DATA:
        # of two rows about one curve the second is the one to change; so is progression told with death and without it
        others = [finer[study, target.arm, endpoint]]
        others += [finer[study, target.arm, Endpoint.TTP]] if _is_pfs_twice(target, finer) else []
        return max(others, key=lambda row: row.row != finer[study, target.arm, endpoint].row)
    if target.statistic is Statistic.HAZARD_RATIO:
        named = [target.arm] if target.arm else [arm for arm in arms.get(study, ()) if arm != controls.get(study)]
        about: Sequence[str | None] = [*named, controls.get(study)]
    else:
        about = [target.arm] if target.arm else list(arms.get(study, ()))
    rows = [finer.get((study, arm, endpoint)) for arm in about]
    known = [row for row in rows if row is not None]
    return known[0] if known and len(known) == len(rows) else None


def _is_pfs_twice(target: Target, finer: Finer) -> bool:
    return target.endpoint is Endpoint.PFS and (target.study, target.arm, Endpoint.TTP) in finer


def _find_counted(target: Target, fitted: Sequence[Pair], arms: ArmsOf) -> TableRow | None:
    """Return the row of another count, of the same study and endpoint, that a count of all arms goes with."""
    if target.arm is not None or target.statistic not in {*COUNTS, Statistic.CUTOFF}:
        return None
    same = [
        (row, other)
        for row, other in fitted
        if other is not target and other.study == target.study and other.endpoint is target.endpoint and other.statistic in COUNTS
    ]
    whole = [row for row, other in same if other.arm is None]
    each = [row for row, other in same if other.arm is not None]
    if whole and target.statistic is Statistic.CUTOFF:
        return whole[0]
    return each[0] if each and len(each) == len(arms.get(target.study, ())) else None
