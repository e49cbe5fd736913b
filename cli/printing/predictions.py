"""What `kinimmune fit` prints of what was not fitted: each beside its null, its intervals, and where the report falls; and Q.

Start with `print_predictions`.
"""

from collections.abc import Sequence

from kinimmune.cli.printing.targets import print_inside, print_interval, print_intervals, print_unfitted
from kinimmune.cli.terminal import format_number, print_table
from kinimmune.fitting.estimation.outcome_rows import ScoreReference
from kinimmune.fitting.estimation.results import CompanionResult, ComparisonRow, FitResult
from kinimmune.fitting.problem.targets import Role, Statistic

_PLAIN = (Statistic.MEDIAN, Statistic.HAZARD_RATIO)


def print_predictions(result: FitResult) -> None:
    """Print what was not fitted with what it stands beside, and the score of hazard ratios."""
    rows = (*result.unfitted, *result.transport)
    if all(row.statistic in _PLAIN and row.role != Role.HELD_OUT for row in rows):
        _print_ratios("Not fitted", rows)
    else:
        print_unfitted(result.unfitted, result.transport)
    print_intervals("Not fitted: where the report falls", result.unfitted, result.transport)
    for row in (*result.targets, *rows):
        if row.reason:
            place = ":".join(part for part in (row.study, row.arm, row.endpoint) if part)
            print(f"no {row.statistic.replace('_', ' ')} of {place}: {row.reason}")
    for study in (study for study, reference in result.reference_arms.items() if reference is None):
        print(f"no hazard ratio of {study}: it has no control arm")
    if result.companion is not None:
        _print_companion(result.companion)
    _print_score(result)


def _print_score(result: FitResult) -> None:
    """Print Q beside the naive rule's and a true model's, or why there is none where ratios were published."""
    if result.q_model is not None:
        basis = ", by the refit to medians alone" if result.q_basis == "companion" else ""
        scores = f"{format_number(result.q_model, 3)}, of the naive rule {format_number(result.q_null, 3)}"
        print(f"Q of the hazard ratios{basis}: {scores}{_describe_reference(result.q_reference)}\n")
    elif result.q_reason and any(row.statistic == Statistic.HAZARD_RATIO for row in (*result.targets, *result.unfitted)):
        print(f"no Q of the hazard ratios: {result.q_reason}\n")


def _describe_reference(found: ScoreReference | None) -> str:
    """Return what Q a true model would have, after the scores; nothing where no trials were drawn."""
    if found is None:
        return ""
    return (
        f"; of a true model with these medians {format_number(found.mean, 3)} "
        f"({format_number(found.lower, 2)} to {format_number(found.upper, 2)}), no larger than this with probability "
        f"{format_number(found.probability_below, 2)}"
    )


def _print_companion(companion: CompanionResult) -> None:
    """Print the hazard ratios that a refit to medians alone predicts."""
    title = f"Hazard ratios predicted by a refit to the {len(companion.medians)} medians alone"
    if companion.ratios:
        _print_ratios(title, companion.ratios)
        print_intervals(f"{title}: where the report falls", companion.ratios)
    if companion.status != "converged":
        print(f"the refit to the medians alone did not converge: {companion.status}")


def _print_ratios(title: str, rows: Sequence[ComparisonRow]) -> None:
    """Print hazard ratios and medians that were not fitted."""
    columns = ("study", "arm", "endpoint", "statistic", "reported", "interval", "predicted", "naive rule", "in interval")
    cells = [
        (
            row.study,
            row.arm or "-",
            row.endpoint or "-",
            row.statistic.replace("_", " "),
            format_number(row.observed),
            print_interval(row.lower, row.upper),
            format_number(row.predicted, 3),
            format_number(row.null_prediction, 3),
            print_inside(row),
        )
        for row in rows
    ]
    if cells:
        print_table(title, columns, cells, columns[4:8])
