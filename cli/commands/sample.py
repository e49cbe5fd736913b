"""`kinimmune sample`: the posterior of a finished fit by ensembles of walkers."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.exits import Exit
from kinimmune.cli.terminal import Notes, format_number, print_error, print_table

if TYPE_CHECKING:
    from kinimmune.fitting.sampling.results import SampledParameter, SampleResult

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run whose fit is done.")]
Ensembles = Annotated[int, typer.Option("--ensembles", help="Independent ensembles, at least 4.")]
Walkers = Annotated[
    int | None,
    typer.Option("--walkers", help="Walkers in each; twice the free parameters and 2 if none are given."),
]
Steps = Annotated[int, typer.Option("--steps", help="Steps of each ensemble, a multiple of 25; more can be added with --resume.")]
Patients = Annotated[int | None, typer.Option("--patients", help="Virtual patients per arm, a power of two; the fit's if none.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on after the last finished block of steps.")]
Dask = Annotated[str | None, typer.Option("--dask", metavar="ADDRESS", help="Scheduler of a Dask cluster to work on.")]


def sample(
    run: RunFolder,
    ensembles: Ensembles = 4,
    walkers: Walkers = None,
    steps: Steps = 600,
    patients: Patients = None,
    resume: Resume = False,
    force: options.Force = False,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    dask: Dask = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Sample the posterior of a fit and predict from it.

    Exit code 1 says that the ensembles have not converged; results are written all the same, to RUN/results/sample.json.
    """
    from kinimmune.cli.session import Effort, carry_out
    from kinimmune.cli.settings import read_settings
    from kinimmune.fitting.estimation.fitted import read_fitted
    from kinimmune.fitting.runs.run import open_run
    from kinimmune.fitting.sampling.results import Draws, sample_to_json, write_sample
    from kinimmune.fitting.sampling.sample import SampleSettings, count_tasks, sample_fit
    from kinimmune.fitting.workflow.runtime import Runtime

    given = read_settings(None, {"seed": seed, "jobs": jobs, "fit": {"patients": patients}})
    fitted = read_fitted(open_run(run))
    folder = fitted.run
    settings = SampleSettings(ensembles, walkers, steps, patients, seed)
    effort = Effort(given.jobs, dask, resume, force, Notes(quiet))

    def work(runtime: Runtime) -> tuple["SampleResult", Draws]:
        found, draws = sample_fit(fitted, settings, runtime)
        write_sample(folder, found, draws)
        return found, draws

    result, _ = carry_out(folder, effort, "sample", count_tasks(settings, fitted), work)
    if as_json:
        print(sample_to_json(result))
    else:
        _print_summary(result)
    if not result.converged:
        print_error(_advise(result, run, {"ensembles": ensembles, "walkers": walkers, "patients": patients, "seed": seed}))
        raise typer.Exit(Exit.NOT_CONVERGED)


def _advise(result: "SampleResult", run: Path, given: Mapping[str, int | None]) -> str:
    faults = "; ".join(result.faults[:3])
    more = f"; and {len(result.faults) - 3} more" if len(result.faults) > 3 else ""
    words = [f"--{name} {value}" for name, value in {**given, "steps": 2 * result.steps}.items() if value is not None]
    return (
        f"the ensembles have not converged: {faults}{more}. Results are in {run}/results; "
        f"go on with: kinimmune sample {run} {' '.join(words)} --resume"
    )


def _print_summary(result: "SampleResult") -> None:
    print(
        f"{result.model}: {'converged' if result.converged else 'not converged'}; {result.patients} patients, "
        f"seed {result.seed}, {result.ensembles} ensembles of {result.walkers} walkers, "
        f"{result.steps} steps of which {result.burn_in} are left out\n"
        f"{result.evaluations} evaluations, {result.failed} failed; "
        f"accepted {', '.join(f'{100.0 * share:.0f} %' for share in result.acceptance)}\n"
    )
    _print_parameters(result.parameters)
    rows = [
        (row.name, *(format_number(value, 3) for value in (row.median, row.error, row.lower, row.upper, row.ess)))
        for row in result.predictions
    ]
    columns = ("prediction", "median", "Monte Carlo error", "2.5 %", "97.5 %", "effective draws")
    print_table(f"Predictions over {result.draws - result.failed_draws} draws, medians [month]", columns, rows, columns[1:])
    chances = [
        (row.study, row.endpoint, f"{row.bound:g}", row.of, f"{row.probability:.3f}", format_number(row.error, 2))
        for row in result.probabilities
    ]
    columns = ("study", "endpoint", "below", "of", "probability", "Monte Carlo error")
    print_table("Hazard ratios: of the population, and of one trial of the reported size", columns, chances, columns[4:])


def _print_parameters(rows: "tuple[SampledParameter, ...]") -> None:
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
