"""`kinimmune sample`: the posterior of a finished fit, by a surrogate or by ensembles of walkers on the model itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.exits import Exit
from kinimmune.cli.terminal import Notes, print_error
from kinimmune.fitting.shell_words import join_words

if TYPE_CHECKING:
    from kinimmune.fitting.sampling.results import SampleResult

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run whose fit is done.")]
Method = Annotated[
    str | None,
    typer.Option(
        "--method", help="surrogate (if none): learn what the model predicts, walk on that, weigh by the model; or emcee."
    ),
]
Points = Annotated[int | None, typer.Option("--points", help="surrogate: points it begins to learn from; 400 if none are given.")]
DrawCount = Annotated[
    int | None, typer.Option("--draws", help="surrogate: draws at which the model itself is run; 1000 if none are given.")
]
Ensembles = Annotated[int | None, typer.Option("--ensembles", help="Independent ensembles, at least 4, and 4 if none are given.")]
Walkers = Annotated[
    int | None,
    typer.Option("--walkers", help="Walkers in each; twice the estimated parameters and 2 if none are given."),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        help="Steps of each ensemble, a multiple of 25; if none are given 1000 on a surrogate, 600 of emcee.",
    ),
]
Patients = Annotated[int | None, typer.Option("--patients", help="Virtual patients per arm, a power of two; the fit's if none.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on after the last finished block of steps.")]


def sample(
    run: RunFolder,
    method: Method = None,
    points: Points = None,
    draws: DrawCount = None,
    ensembles: Ensembles = None,
    walkers: Walkers = None,
    steps: Steps = None,
    patients: Patients = None,
    resume: Resume = False,
    force: options.Force = False,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    dask: options.Dask = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Sample the posterior of a fit and predict from it.

    Exit code 1 says that the sample is not to be trusted: ensembles that have not converged, or a surrogate that fails its own
    diagnostics. Results are written all the same, to RUN/results/sample.json.
    """
    from kinimmune.cli.printing.sample import print_sample
    from kinimmune.cli.session import ExecutionOptions, run_in, try_cluster
    from kinimmune.fitting.configuration import parse_options, read_settings
    from kinimmune.fitting.estimation.fitted import read_fitted
    from kinimmune.fitting.runs.lock import lock_run
    from kinimmune.fitting.runs.run import open_run
    from kinimmune.fitting.sampling.results import SAMPLE_JSON
    from kinimmune.fitting.sampling.run import plan_sample, run_sample
    from kinimmune.fitting.settings import SampleOptions

    given = {
        "method": method,
        "points": points,
        "draws": draws,
        "ensembles": ensembles,
        "walkers": walkers,
        "steps": steps,
        "patients": patients,
        "seed": seed,
    }
    execution = ExecutionOptions(read_settings(None, {"jobs": jobs}).jobs, dask, resume, force, Notes(quiet))
    chosen = parse_options(SampleOptions, given)
    try_cluster(dask)
    with lock_run(open_run(run).path, force=force):
        plan = plan_sample(read_fitted(open_run(run)), chosen)
        result = run_in(plan.fitted.run, execution, "sample", plan.tasks, lambda runtime: run_sample(plan, runtime))
    if as_json:
        print(SAMPLE_JSON.dump(result))
    else:
        print_sample(result)
    if not result.converged:
        print_error(_advise(result, run, chosen.model_dump(exclude={"steps", "points", "draws", "method"})))
        raise typer.Exit(Exit.NOT_CONVERGED)


def _advise(result: "SampleResult", run: Path, given: Mapping[str, int | None]) -> str:
    """Return what did not converge, and the command that goes on."""
    faults = "; ".join(result.faults[:3])
    more = f"; and {len(result.faults) - 3} more" if len(result.faults) > 3 else ""
    if result.surrogate is not None:
        own = {name: given[name] for name in ("patients", "seed")}
        return (
            f"the surrogate is not to be trusted: {faults}{more}. Results are in {run}/results; "
            f"sample the model itself with: {_write_command(run, own, 'emcee', '--force')}"
        )
    return (
        f"the ensembles have not converged: {faults}{more}. Results are in {run}/results; "
        f"go on with: {_write_command(run, {**given, 'steps': 2 * result.steps}, 'emcee', '--resume')}"
    )


def _write_command(run: Path, given: Mapping[str, int | None], method: str, last: str) -> str:
    options = [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]
    return join_words(["kinimmune", "sample", str(run), "--method", method, *options, last])
