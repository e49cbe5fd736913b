"""What `kinimmune sample` prints: the posterior with its diagnostics, and what is predicted from it.

Start with `print_sample`.
"""

from collections.abc import Sequence

from kinimmune.cli.terminal import format_number, print_table
from kinimmune.fitting.sampling.results import SampledParameter, SampleResult
from kinimmune.fitting.sampling.surrogate_checks import describe_report


def print_sample(result: SampleResult) -> None:
    """Print the tables of a sample on stdout."""
    verdict = "converged" if result.converged else "not converged" if result.surrogate is None else "not to be trusted"
    print(
        f"{result.model}: {verdict}; by {result.method}, {result.patients} patients, "
        f"seed {result.seed}, {result.ensembles} ensembles of {result.walkers} walkers, "
        f"{result.steps} steps of which {result.burn_in} are left out\n"
        f"{result.evaluations} evaluations, {result.failed} failed; "
        f"accepted {', '.join(f'{100.0 * share:.0f} %' for share in result.acceptance)}"
    )
    if result.surrogate is not None:
        print(describe_report(result.surrogate))
    print()
    _print_parameters(result.parameters)
    rows = [
        (row.name, *(format_number(value, 3) for value in (row.median, row.error, row.lower, row.upper, row.ess)))
        for row in result.predictions
    ]
    columns = ("prediction", "median", "Monte Carlo error", "2.5 %", "97.5 %", "effective draws")
    print_table(f"Predictions over {result.draws - result.failed_draws} draws, medians [month]", columns, rows, columns[1:])
    chances = [
        (row.study, row.arm or "-", row.endpoint, f"{row.bound:g}", row.of, f"{row.probability:.3f}", format_number(row.error, 2))
        for row in result.probabilities
    ]
    heads = ("study", "arm", "endpoint", "below", "of", "probability", "Monte Carlo error")
    print_table("Hazard ratios: of the population, and of one trial of the reported size", heads, chances, heads[5:])


def _print_parameters(rows: Sequence[SampledParameter]) -> None:
    columns = ("parameter", "median", "95 % interval", "unit", "R-hat", "bulk", "tail", "autocorrelation [steps]")
    cells = [
        (
            row.name,
            format_number(row.median, 3),
            f"{format_number(row.lower, 3)} to {format_number(row.upper, 3)}",
            row.unit,
            "-" if row.r_hat is None else f"{row.r_hat:.4f}",
            *(format_number(value, 3) for value in (row.bulk_ess, row.tail_ess, row.autocorrelation_time)),
        )
        for row in rows
    ]
    print_table("Posterior; effective sample sizes of bulk and tail", columns, cells, ("median", *columns[4:]))
