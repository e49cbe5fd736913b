"""Whether the standard errors of a study's numbers come from one rule, and whether that rule has what it needs.

Start with `find_mixed_errors`, a warning, and `find_missing_intervals`.
"""

from collections.abc import Iterable, Sequence

from kinimmune.fitting.problem.targets import Role, Target, has_interval_error
from kinimmune.models.tables.findings import Finding
from kinimmune.models.tables.rows import TableRow
from kinimmune.models.tables.trials import TrialRow
from kinimmune.models.trial.design import ErrorRule


def find_mixed_errors(rows: Sequence[TrialRow], targets: Sequence[Target]) -> Iterable[Finding]:
    """Find studies without a rule whose fitted numbers take their standard errors from intervals here and from n there."""
    for row in rows:
        if not row.own:  # a folder without trials of its own is not asked to change the package's
            continue
        own = [item for item in targets if item.study == row.study and item.errors is None and _takes_interval(item)]
        derived = [item.label for item in own if item.read_interval is None]
        if derived and len(derived) < len(own):
            problem = (
                f"study '{row.study}' takes standard errors by two rules: {len(own) - len(derived)} of its fitted numbers from "
                f"an interval, {', '.join(derived)} from n and follow-up"
            )
            yield row.finding("standard_errors", problem, "write patients in column 'standard_errors': all then come from n")


def find_missing_intervals(pairs: Iterable[tuple[TableRow, Target]]) -> Iterable[Finding]:
    """Find fitted numbers without the interval that their study's rule takes the standard error from."""
    for row, target in pairs:
        ends = target.read_interval
        if target.errors not in (ErrorRule.INTERVALS, ErrorRule.SIDES) or not _takes_interval(target):
            continue
        advice = "in column 'standard_errors' of trials.csv"
        if ends is None:
            problem = (
                f"{target.label} has no interval that was read, and study '{target.study}' takes errors from {target.errors}"
            )
            yield row.finding("lower", problem, f"give one, or write patients {advice}")
        elif target.errors is ErrorRule.SIDES and target.number in ends:
            problem = f"interval of {target.label} has no width on one side of the value"
            yield row.finding("lower", problem, f"correct it, or write intervals {advice}")


def _takes_interval(target: Target) -> bool:
    """Return whether a target is fitted and an interval may tell its error."""
    return target.role is Role.FIT and has_interval_error(target)
