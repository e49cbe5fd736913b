"""`kinimmune sensitivity`: which parameters move an output, in a run of its own or in that of a fit."""

from pathlib import Path
from typing import Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import Notes

Subject = Annotated[
    str, typer.Argument(metavar="MODEL|RUN", help="Name of a model, or folder of a run, whose fit is its centre.")
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar="NAME",
        help="median:STUDY:ARM:os, hazard_ratio:STUDY:ENDPOINT, survival:STUDY:ARM:ENDPOINT:MONTH or state:NAME:DAY[:ARM].",
    ),
]
MethodName = Annotated[str | None, typer.Option("--method", help="local, morris, sobol (if none) or prcc.")]
RunFolder = Annotated[
    Path | None, typer.Option("-o", "--run", metavar="RUN", help="Folder of the run for a MODEL; runs/MODEL-N if none.")
]
Ranges = Annotated[
    list[str] | None,
    typer.Option("--range", metavar="NAME=LOW:HIGH", help="Vary a parameter over a range, uniform on the scale of its prior."),
]
Parameters = Annotated[
    str | None,
    typer.Option("--parameters", metavar="A,B,...", help="What varies; if none the ranges, else everything with a prior."),
]
Groups = Annotated[list[str] | None, typer.Option("--group", metavar="NAME=A,B,...", help="One index for several parameters.")]
Samples = Annotated[
    int | None,
    typer.Option("--samples", help="Base rows (sobol: 512, 768, 1024 ...), trajectories (morris) or draws (prcc)."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a study at its last finished block.")]


def sensitivity(
    subject: Subject,
    output: Output = None,
    method: MethodName = None,
    parameters: Parameters = None,
    ranges: Ranges = None,
    groups: Groups = None,
    samples: Samples = None,
    patients: Annotated[int | None, typer.Option("--patients", help="Virtual patients per arm, a power of two.")] = None,
    arm: Annotated[str | None, typer.Option("--arm", help="Arm or experiment of a state, in place of :ARM in its name.")] = None,
    second_order: Annotated[
        bool | None, typer.Option("--second-order", help="Sobol: interactions of pairs too, at twice the cost.")
    ] = None,
    posterior: Annotated[
        bool,
        typer.Option(
            "--posterior",
            help="Over the posterior of the RUN's fit: draws of its sample where that has converged, else Gaussian by the "
            "curvature; prcc only: its inputs are correlated.",
        ),
    ] = False,
    run: RunFolder = None,
    resume: Resume = False,
    force: options.Force = False,
    data: options.Data = None,
    config: options.Config = None,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    dask: Annotated[str | None, typer.Option("--dask", metavar="ADDRESS", help="Scheduler of a Dask cluster.")] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure how an output depends on parameters: derivatives, screening, shares of the variance, rank correlation.

    Results go to RUN/results/sensitivity-METHOD-OUTPUT.json and .csv, figures to RUN/figures; `kinimmune report RUN` shows them.
    """
    from kinimmune.cli import sensitivity_run
    from kinimmune.cli.printing.sensitivity import print_result
    from kinimmune.cli.session import Effort
    from kinimmune.fitting.sensitivity.results import to_json

    given = {
        "output": output,
        "method": method,
        "samples": samples,
        "patients": patients,
        "second_order": second_order,
        "arm": arm,
    }
    given |= sensitivity_run.parse_lists(parameters, ranges or [], groups or [])
    request = sensitivity_run.Request(
        subject, run, config, {"data": data, "seed": seed, "jobs": jobs, "sensitivity": given}, posterior=posterior
    )
    notes = Notes(quiet)
    work = sensitivity_run.prepare(request, resume=resume, force=force)
    notes.say(f"run {work.run.path}")
    if work.plan.posterior is not None:
        notes.say(f"posterior: {work.plan.posterior_note}")
    found = sensitivity_run.carry_out(work, Effort(work.jobs, dask, resume, work.renew(force=force), notes))
    if as_json:
        print(to_json(found))
    else:
        print_result(found)
