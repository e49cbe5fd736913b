"""The columns `then_*` of `regimens.csv`: what a share of an arm's patients goes on with after treatment.

Start with `find_bad_next_lines`; `build_next_line` makes what a trial takes.  A next line is the regimen of another arm of the
study, or one that rows of `regimens.csv` give under a name no arm has: patients are given it, nobody is enrolled in it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from kinimmune.models.errors import nearest
from kinimmune.models.tables.findings import Finding
from kinimmune.models.tables.treatments import PlannedAdministration, RegimenRow
from kinimmune.models.trial.design import Arm, StopRule
from kinimmune.models.trial.next_line import NextLine, Reason
from kinimmune.models.trial.regimens import Administration

Place = tuple[str, str]
"""(study, arm)"""


def leave_out_lines(regimens: Sequence[RegimenRow]) -> list[RegimenRow]:
    """Return the rows that are not of a regimen which an arm goes on with: those whose `arm` must be one of `arms.csv`."""
    named = {(row.study, row.then_arm) for row in regimens}
    return [row for row in regimens if (row.study, row.arm) not in named]


def find_bad_next_lines(
    regimens: Sequence[RegimenRow], rules: Mapping[str, StopRule], daily: Mapping[Place, float], tolerated: Collection[Place]
) -> list[Finding]:
    """Return which rows tell of a next line by halves, twice, in a circle, or of one that nobody can go on with.

    Parameters
    ----------
    regimens
        rows that can be read
    rules
        study -> when treatment stops
    daily
        (study, arm) -> dose times doses a day of each arm of `arms.csv` [mg/d]
    tolerated
        (study, arm) of arms that nobody stops for adverse events
    """
    given = dict(daily)
    for row in regimens:
        if row.gives:
            given[row.study, row.arm] = given.get((row.study, row.arm), 0.0) + (row.amount or 0.0)
    told: dict[Place, RegimenRow] = {}
    findings: list[Finding] = []
    for row in regimens:
        if row.then_arm is None:
            continue
        findings += _find_faults(row, given, told.setdefault((row.study, row.arm), row))
        findings += _find_idle(row, rules.get(row.study), tolerated)
    return findings or _find_chains(told)


def _find_faults(row: RegimenRow, given: Mapping[Place, float], first: RegimenRow) -> Iterable[Finding]:
    following = str(row.then_arm)
    if (row.study, following) not in given:
        names = sorted(arm for study, arm in given if study == row.study and arm != row.arm)
        problem = f"study '{row.study}' has no arm or regimen '{following}' in column 'then_arm'"
        yield row.finding("then_arm", problem, nearest(following, names))
    elif given[row.study, following] == 0.0:
        problem = f"'{following}' of study '{row.study}' in column 'then_arm' gives nothing"
        yield row.finding("then_arm", problem, "leave the columns then_* empty, or name what patients go on with")
    if row.then != first.then:
        two = f"{_spell(row)}, and with {_spell(first)} in row {first.row}"
        problem = f"arm '{row.arm}' of study '{row.study}' goes on with {two}"
        yield row.finding("then_arm", problem, "keep one of them; one row of an arm may tell it for all")


def _find_idle(row: RegimenRow, rule: StopRule | None, tolerated: Collection[Place]) -> Iterable[Finding]:
    """Find a next line that nobody ever goes on with."""
    if rule is StopRule.NEVER:
        problem = f"treatment of study '{row.study}' never stops (trials.csv), so that nobody goes on with '{row.then_arm}'"
        yield row.finding("then_arm", problem, "leave the columns then_* empty, or correct stop_rule")
    elif row.then_when is Reason.DISCONTINUATION and (row.study, row.arm) in tolerated:
        problem = f"nobody stops '{row.arm}' for adverse events, so that nobody goes on with '{row.then_arm}'"
        yield row.finding("then_when", problem, "give the arm a discontinuation_fraction in design.csv, or correct then_when")


def _find_chains(told: Mapping[Place, RegimenRow]) -> list[Finding]:
    """Return the next lines that have a next line themselves: when one is left in turn is not modelled."""
    findings = []
    for (study, arm), row in told.items():
        following, path = row.then_arm, [arm]
        while (study, following) in told and following not in path:
            path.append(str(following))
            following = told[study, str(following)].then_arm
        if following == arm:
            problem = f"arm '{arm}' of study '{study}' goes on in a circle: {' > '.join([*path, arm])}"
        elif len(path) > 1:
            chain = " > ".join([*path, str(following)])
            problem = f"arm '{arm}' of study '{study}' goes on with '{path[1]}', which goes on itself: {chain}"
        else:
            continue
        advice = "a next line is the last one; give its drugs under another name, without then_arm, and go on with that"
        findings.append(row.finding("then_arm", problem, advice))
    return findings


def _spell(row: RegimenRow) -> str:
    return f"'{row.then_arm}' (share {row.then_share:g}, {row.then_when or Reason.ANY})"


def build_next_line(arm: Arm, regimens: Sequence[PlannedAdministration], others: Mapping[str, Arm]) -> NextLine | None:
    """Return what a share of the patients of an arm goes on with, None where nobody does.

    Parameters
    ----------
    arm
        whose patients
    regimens
        what the arms of its study are given by `regimens.csv`
    others
        the arms of its study by name
    """
    then = next((item.then for item in regimens if item.arm == arm.name and item.then is not None), None)
    if then is None:
        return None
    own = tuple(item.administration for item in regimens if item.arm == then.arm and item.administration is not None)
    given: tuple[Administration, ...] = others[then.arm].administrations if then.arm in others else own
    return NextLine(then.arm, then.share, tuple(replace(item, stops=True) for item in given), then.when)
