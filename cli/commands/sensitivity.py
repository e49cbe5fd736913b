"""`kinimmune sensitivity`: which parameters move an output, in a run of its own or in that of a fit."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinimmune.cli import options
from kinimmune.cli.completion import complete_model
from kinimmune.cli.names import require_names
from kinimmune.cli.terminal import Notes
from kinimmune.models.errors import UsageError

if TYPE_CHECKING:
    from kinimmune.cli.session import ExecutionOptions
    from kinimmune.fitting.projects.project import Subject
    from kinimmune.fitting.sensitivity.results import SensitivityResult
    from kinimmune.fitting.sensitivity.run import PlannedStudy
    from kinimmune.fitting.workflow.runtime import Runtime

Centre = Annotated[
    str,
    typer.Argument(
        metavar="MODEL|RUN",
        autocompletion=complete_model,
        help="Name of a model, FILE.py or project; or folder of a run, whose fit is its centre.",
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        metavar="NAME",
        help="median:STUDY:ARM:os, hazard_ratio:STUDY[:ARM]:ENDPOINT, survival:STUDY:ARM:ENDPOINT:MONTH or state:NAME:DAY[:ARM].",
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
By = Annotated[
    str | None,
    typer.Option(
        "--by", help="sobol: surrogate, an output learned from 800 draws, or model; if none what is sooner known well enough."
    ),
]
Samples = Annotated[
    int | None,
    typer.Option(
        "--samples", help="Base rows (sobol: 512, 768 ...; 4096 of a surrogate), trajectories (morris) or draws (prcc)."
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a study at its last finished block.")]


def sensitivity(
    subject: Centre,
    output: Output = None,
    method: MethodName = None,
    parameters: Parameters = None,
    ranges: Ranges = None,
    groups: Groups = None,
    by: By = None,
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
    dask: options.Dask = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure how an output depends on parameters: derivatives, screening, shares of the variance, rank correlation.

    Results go to RUN/results/sensitivity-METHOD-OUTPUT.json and .csv, figures to RUN/figures; `kinimmune report RUN` shows them.
    """
    named = [*options.split_names(parameters), *(text.partition("=")[0] for text in ranges or ())]
    require_names(subject, data, config, arms=[arm], studies=_name_study(output), parameters=named)
    from kinimmune.cli.printing.sensitivity import print_sensitivity
    from kinimmune.cli.session import ExecutionOptions, try_cluster
    from kinimmune.fitting.projects.project import choose_subject
    from kinimmune.fitting.runs.lock import lock_run
    from kinimmune.fitting.sensitivity.results import SENSITIVITY_JSON

    chosen = {
        "output": output,
        "method": method,
        "by": by,
        "samples": samples,
        "patients": patients,
        "second_order": second_order,
        "arm": arm,
        "parameters": None if parameters is None else options.split_names(parameters),
        "range": dict(map(parse_range, ranges or ())) or None,
        "group": dict(map(parse_group, groups or ())) or None,
    }
    given = {"data": data, "seed": seed, "jobs": jobs, "sensitivity": chosen}
    notes, about = Notes(quiet), None if options.names_run(subject) else choose_subject(subject, config, given)
    if posterior and about is not None:
        raise UsageError("--posterior needs a RUN with a fit; a model has priors only")
    try_cluster(dask)
    folder = _choose_folder(about, subject, run, resume=resume)
    with lock_run(folder, force=force):
        if about is None:
            work = _add(folder, config, given, posterior=posterior)
        else:
            work = _begin(about, folder, notes, resume=resume, force=force)
        result = _carry_out(work, ExecutionOptions(work.jobs, dask, resume, force, notes))
    if as_json:
        print(SENSITIVITY_JSON.dump(result))
    else:
        print_sensitivity(result)


def parse_range(text: str) -> tuple[str, list[float]]:
    """Return name and ends of a range such as `immune_kill=0.001:0.01`; raise a `UsageError` for a text of another form.

    >>> parse_range("a=1:2")
    ('a', [1.0, 2.0])
    """
    name, _, span = text.partition("=")
    try:
        low, high = (float(end) for end in span.split(":"))
    except ValueError:
        raise UsageError(f"--range {text}: write NAME=LOW:HIGH with two numbers, such as immune_kill=0.001:0.01") from None
    return name.strip(), [low, high]


def parse_group(text: str) -> tuple[str, tuple[str, ...]]:
    """Return name and members of a group such as `drug=ic50,clearance`; raise a `UsageError` for a text of another form.

    >>> parse_group("g=a, b")
    ('g', ('a', 'b'))
    """
    name, _, members = text.partition("=")
    if not name.strip() or not options.split_names(members):
        raise UsageError(f"--group {text}: write NAME=A,B,... with names of parameters")
    return name.strip(), options.split_names(members)


def _name_study(output: str | None) -> tuple[str, ...]:
    """Return the study an output names, none for a state or where it is written otherwise."""
    kind, _, rest = (output or "").partition(":")
    return (rest.partition(":")[0],) if rest and kind in ("median", "hazard_ratio", "survival") else ()


def _choose_folder(about: "Subject | None", subject: str, given: Path | None, *, resume: bool) -> Path:
    """Return the folder of the run a study is added to, where it is about no model, or begun in."""
    from kinimmune.fitting.runs.run import open_run

    if about is None:
        if given is not None and given != Path(subject):
            raise UsageError(f"a study of run '{subject}' is added to it; leave -o {given} out")
        return open_run(Path(subject)).path
    return open_run(options.require_folder(given)).path if resume else options.choose_folder(about.model, given)


def _add(folder: Path, config: Path | None, given: Mapping[str, Any], *, posterior: bool) -> "PlannedStudy":
    """Return a study that is added to a run."""
    from kinimmune.fitting.runs.run import open_run
    from kinimmune.fitting.sensitivity.run import add_study

    return add_study(open_run(folder), config, given, posterior=posterior)


def _begin(subject: "Subject", folder: Path, notes: Notes, *, resume: bool, force: bool) -> "PlannedStudy":
    """Return a study of a model in a run of its own, new or taken up again."""
    from kinimmune.cli.subjects import say_first
    from kinimmune.fitting.sensitivity.run import resume_study, start_study

    if resume:
        return resume_study(subject.model, subject.settings, folder)
    say_first(notes, subject)
    return start_study(subject.model, subject.settings, folder, options.own_command(), force=force)


def _carry_out(work: "PlannedStudy", execution: "ExecutionOptions") -> "SensitivityResult":
    """Carry a study out in its run."""
    from kinimmune.cli.session import run_in

    execution.notes.say(f"run {work.run.path}")
    if work.plan.posterior is not None:
        execution.notes.say(f"posterior: {work.plan.posterior_note}")
    study = work.plan.study
    return run_in(work.run, execution, study.prefix, work.plan.tasks, lambda runtime: _study_and_draw(work, runtime))


def _study_and_draw(work: "PlannedStudy", runtime: "Runtime") -> "SensitivityResult":
    """Carry a study out and draw its figures into its run."""
    from kinimmune.fitting.sensitivity.run import run_study
    from kinimmune.reports.figures.catalogue import list_sensitivity_figures
    from kinimmune.reports.figures.recipes import draw_all

    found = run_study(work, runtime)
    draw_all(list_sensitivity_figures((found,)), work.run.path / "figures")
    return found
