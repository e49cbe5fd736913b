"""What `kinimmune compare` prints: what differs between runs first, then their fits beside each other.

Start with `print_comparison`.
"""

from collections.abc import Iterable, Sequence

from kinimmune.cli.terminal import format_number, print_table
from kinimmune.fitting.comparison.numbers import report
from kinimmune.fitting.comparison.results import Comparison, NumberCell, NumberRow, ParameterCell

_NAMES = {
    "chi_square_data": "sum of squares of the data",
    "chi_square_prior": "sum of squares of the priors",
    "chi_square": "sum of squares of both",
    "fitted_numbers": "fitted numbers",
    "effective_parameters": "effective parameters",
    "degrees_of_freedom": "degrees of freedom",
    "aic": "AIC",
    "aicc": "AICc",
    "bic": "BIC",
    "q_model": "Q of the hazard ratios",
    "q_null": "Q of the naive rule",
}


def print_comparison(comparison: Comparison) -> None:
    """Print the tables of a comparison on stdout."""
    columns = ("run", "model", "fit", "run is", "seed", "patients", "folder")
    rows = [
        (run.label, run.model, "not converged" if run.fit != "converged" else run.fit, run.status, str(run.seed),
         str(run.patients), run.path)
        for run in comparison.runs
    ]  # fmt: skip
    print_table("Runs; differences are taken from the first", columns, rows, ("seed", "patients"))
    for run in comparison.runs:
        for flag in run.flags:
            print(f"warning: {run.label}: {flag}")
    _print_differences(comparison)
    _print_measures(comparison)
    fitted = [row for row in comparison.numbers if _is_fitted(row)]
    _print_numbers("Fitted numbers, in the units of their tables", fitted, comparison)
    _print_numbers("Not fitted", [row for row in comparison.numbers if not _is_fitted(row)], comparison)
    _print_numbers("An arm that was left out of the fit", comparison.transport, comparison)
    _print_parameters(comparison)
    for text in comparison.cautions:
        print(text)


def _print_differences(comparison: Comparison) -> None:
    if not comparison.differences:
        print("The runs do not differ in model, tables, settings or versions.\n")
        return
    columns = ("what", *(run.label for run in comparison.runs))
    print_table("What differs", columns, [(item.what, *item.values) for item in comparison.differences])


def _print_measures(comparison: Comparison) -> None:
    for refusal in comparison.refusals:
        names = ", ".join(_NAMES[name] for name in refusal.measures)
        print(f"not compared: {names} of {refusal.run} with {comparison.runs[0].label}: {refusal.reason}")
    columns = ("", *(run.label for run in comparison.runs), *_name_differences(comparison, ""))
    rows = [
        (_NAMES[item.name], *(format_number(value) for value in (*item.values, *item.differences[1:])))
        for item in comparison.measures
        if any(value is not None for value in item.values)
    ]
    print_table("Fits", columns, rows, columns[1:])


def _name_differences(comparison: Comparison, unit: str) -> list[str]:
    first, *others = comparison.runs
    return [f"{run.label} - {first.label}{unit}" for run in others]


def _is_fitted(row: NumberRow) -> bool:
    return any(cell is not None and cell.role == "fitted" for cell in row.cells)


def _print_numbers(title: str, rows: Sequence[NumberRow], comparison: Comparison) -> None:
    """Print numbers, where there are any; the naive rule stands beside what some run has one for."""
    if not rows:
        return
    naive = (
        ["naive rule"] if any(cell is not None and cell.null_prediction is not None for row in rows for cell in row.cells) else []
    )
    pairs = [f"{run.label}{what}" for run in comparison.runs for what in ("", ", residual")]
    columns = ("number", "reported", *naive, *pairs, *_name_differences(comparison, ""))
    cells = [
        (
            row.name,
            _join(report(cell) for cell in row.cells if cell is not None),
            *([_join(format_number(cell.null_prediction, 3) for cell in row.cells if cell is not None)] if naive else []),
            *(text for cell in row.cells for text in _predict(cell, fitted_elsewhere=_is_fitted(row))),
            *(format_number(value, 3) for value in row.differences[1:]),
        )
        for row in rows
    ]
    print_table(title, columns, cells, columns[1:])


def _predict(cell: NumberCell | None, *, fitted_elsewhere: bool) -> tuple[str, str]:
    """Return prediction and residual of a run; one that another run was fitted to and this was not says so."""
    if cell is None:
        return "-", "-"
    note = " (not fitted)" if fitted_elsewhere and cell.role != "fitted" else ""
    if cell.predicted is None and cell.deviance is not None:
        return f"deviance {format_number(cell.deviance, 3)}{note}", "-"
    return f"{format_number(cell.predicted, 3)}{note}", format_number(cell.residual, 2)


def _print_parameters(comparison: Comparison) -> None:
    columns = ("parameter", "unit", *(run.label for run in comparison.runs), "prior", *_name_differences(comparison, " [se]"))
    rows = [
        (
            row.name,
            row.unit,
            *map(_print_cell, row.cells),
            _join(cell.prior for cell in row.cells if cell is not None),
            *(format_number(value, 2) for value in row.in_errors[1:]),
        )
        for row in comparison.parameters
    ]
    title = "Estimates with 95 % intervals; differences in standard errors of the first run's"
    print_table(title, columns, rows, columns[-len(comparison.runs) + 1 :])


def _print_cell(cell: ParameterCell | None) -> str:
    if cell is None:
        return "-"
    value = format_number(cell.value, 3)
    if not cell.estimated:
        return f"{value}, {'constant' if not cell.changed else cell.changed}"
    return f"{value} ({format_number(cell.lower, 3)} to {format_number(cell.upper, 3)}){', at bound' if cell.at_bound else ''}"


def _join(texts: Iterable[str]) -> str:
    """Return texts that are all the same once, others in the order of the runs."""
    known = list(texts)
    return known[0] if len(set(known)) == 1 else " / ".join(known)
