"""What `kinimmune fit` prints: reported beside predicted, and what was not fitted beside its null.

Start with `print_fit`.
"""

from collections.abc import Sequence

from kinimmune.cli.printing.predictions import print_predictions
from kinimmune.cli.printing.targets import print_fitted, print_interval
from kinimmune.cli.terminal import format_number, print_table
from kinimmune.fitting.estimation.results import ComparisonRow, EstimateRow, FitResult
from kinimmune.fitting.estimation.whitening import describe_row
from kinimmune.fitting.problem.targets import Statistic

_CAUTION = "Agreement with the fitted {what} shows that the model is flexible enough, not that it is valid"
_BESIDE = "; what was not fitted stands beside what a naive rule predicts"


def print_fit(result: FitResult) -> None:
    """Print the tables of a fit on stdout."""
    _print_head(result)
    medians_alone = all(row.statistic == Statistic.MEDIAN for row in result.targets)
    if medians_alone:
        _print_medians("Fitted medians [month]", result.targets)
    else:
        print_fitted(result.targets)
    print_predictions(result)
    _print_correlations(result)
    _print_estimates(result.parameters)
    _print_progression_free(result)
    changes = [(row.name, row.changed, row.tables) for row in result.changes]
    if changes:
        print_table("Changed at the call", ("parameter", "change", "in the tables"), changes)
    rows = [(row.study, row.arm, row.endpoint, f"{row.expected:.0f}") for row in result.events]
    if rows:
        print_table("Expected events by the cut-off", ("study", "arm", "endpoint", "events"), rows, ("events",))
    responses = [
        (row.study, row.arm, f"{100.0 * row.fraction:.1f} %", _percent(row.control), format_number(row.duration_median, 3))
        for row in result.responses
    ]
    columns = ("study", "arm", "fraction", "disease control", "median duration [month]")
    if responses:
        print_table("Objective responses", columns, responses, columns[2:])
    beside = any(row.null_prediction is not None for row in (*result.unfitted, *result.transport))
    print(f"{_CAUTION.format(what='medians' if medians_alone else 'numbers')}{_BESIDE if beside else ''}.")


def _print_head(result: FitResult) -> None:
    """Print how the fit went; experiments are made with one typical individual and have no patients."""
    patients, failed = f"{result.patients} patients, ", f"{result.failed_patients} failed patients, "
    if not result.stop_rules:
        patients, failed = "", failed if result.failed_patients else ""
    print(
        f"{result.model}: {result.status}; {patients}seed {result.seed}, {result.wall_seconds:.0f} s, "
        f"{result.evaluations} evaluations, {failed}{result.retried_courses} courses by scipy"
    )
    print(
        f"sum of squares {format_number(result.chi_square_data)} (data) + {format_number(result.chi_square_prior)} (priors); "
        f"{format_number(result.effective_parameters, 3)} effective parameters, "
        f"{format_number(result.degrees_of_freedom, 3)} degrees of freedom"
    )
    rules = ", ".join(f"{study}: {rule}" for study, rule in result.stop_rules.items())
    print(f"treatment stops by {rules}\n" if rules else "")


def _print_medians(title: str, rows: Sequence[ComparisonRow]) -> None:
    if not rows:
        return
    columns = ("study", "arm", "endpoint", "reported", "interval", "predicted", "residual", "scan reported", "scan predicted")
    cells = [
        (
            row.study,
            row.arm or "-",
            row.endpoint or "-",
            format_number(row.observed),
            print_interval(row.lower, row.upper),
            format_number(row.predicted, 3),
            format_number(row.residual, 2),
            "-" if row.scan_observed is None else str(row.scan_observed),
            "-" if row.scan_predicted is None else str(row.scan_predicted),
        )
        for row in rows
    ]
    print_table(title, columns, cells, columns[3:])


def _print_correlations(result: FitResult) -> None:
    """Print what was taken into account of numbers that share patients: of each study the strongest correlation."""
    if result.whitening is None:
        return
    cells = []
    for item in result.whitening.blocks:
        one, other, value = item.strongest
        cells.append(
            (
                item.block.study,
                str(len(item.block.rows)),
                str(item.draws),
                format_number(item.condition_number, 3),
                describe_row(one),
                describe_row(other),
                format_number(value, 2),
            )
        )
    columns = ("study", "residuals", "trials drawn", "condition number", "strongest", "with", "correlation")
    print_table("Numbers that share patients, fitted with their correlations", columns, cells, (*columns[1:4], columns[6]))


def _print_progression_free(result: FitResult) -> None:
    """Print medians and hazard ratios of PFS: a model with progression has them whether or not any was published."""
    rows = [row for row in result.predicted if row.endpoint == "pfs"]
    cells = [(row.study, row.arm or "-", row.statistic.replace("_", " "), format_number(row.value, 3)) for row in rows]
    if cells:
        print_table("Progression-free survival, predicted", ("study", "arm", "statistic", "value"), cells, ("value",))


def _print_estimates(rows: Sequence[EstimateRow]) -> None:
    columns = ("parameter", "estimate", "95 % interval", "unit", "prior", "status", "at bound")
    cells = [
        (
            row.name,
            format_number(row.value, 3),
            print_interval(row.lower, row.upper),
            row.unit,
            row.prior,
            row.status,
            "yes" if row.at_bound else "no",
        )
        for row in rows
    ]
    print_table("Estimates", columns, cells, ("estimate",))


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else f"{100.0 * fraction:.1f} %"
