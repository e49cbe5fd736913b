"""`kinimmune fit`: the main job, in a run folder that can be resumed."""

from pathlib import Path
from typing import Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.exits import Exit
from kinimmune.cli.terminal import Notes, print_error

RunFolder = Annotated[Path | None, typer.Option("-o", "--output", metavar="RUN", help="Folder of the run; runs/MODEL-N if none.")]
StopRule = Annotated[str | None, typer.Option("--stop-rule", help="Rule by which treatment stops, in place of each study's.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run of -o at its last finished start.")]


def fit(
    model: options.ModelName,
    output: RunFolder = None,
    patients: Annotated[int | None, typer.Option("--patients", help="Virtual patients per arm, a power of two.")] = None,
    starts: Annotated[int | None, typer.Option("--starts", min=1, help="Starts of the optimiser.")] = None,
    stop_rule: StopRule = None,
    integrator: Annotated[str | None, typer.Option("--integrator", help="kernel, or scipy: much slower.")] = None,
    compare_rules: Annotated[bool | None, typer.Option("--compare-rules", help="Fit again under each stop rule.")] = None,
    dask: Annotated[str | None, typer.Option("--dask", metavar="ADDRESS", help="Dask scheduler that gets the starts.")] = None,
    resume: Resume = False,
    force: options.Force = False,
    data: options.Data = None,
    config: options.Config = None,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit a model to the published medians of its trials.

    Exit code 1 says that the fit did not converge; its results are written all the same.
    """
    from kinimmune.cli import fit_run
    from kinimmune.cli.printing.fit import print_summary
    from kinimmune.cli.session import Effort
    from kinimmune.fitting.estimation.results import to_json

    given = {"patients": patients, "starts": starts, "stop_rule": stop_rule}
    given |= {"integrator": integrator, "compare_rules": compare_rules}
    prepare = fit_run.resume if resume else fit_run.start
    work = prepare(model, output, config, {"data": data, "seed": seed, "jobs": jobs, "fit": given}, force=force)
    notes = Notes(quiet)
    notes.say(f"run {work.run.path}")
    for text in work.warnings:
        notes.say(f"warning: {text}")
    result = fit_run.carry_out(work, Effort(1, dask, resume, force, notes))  # threads within a start serve it best
    if as_json:
        print(to_json(result))
    else:
        print_summary(result)
    if result.status != "converged":
        print_error(f"the fit did not converge: {result.status}; its results are in {work.run.path}")
        raise typer.Exit(Exit.NOT_CONVERGED)
