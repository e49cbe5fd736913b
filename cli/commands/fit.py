"""`kinimmune fit`: the main job, in a run folder that can be resumed."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinimmune.cli import options
from kinimmune.cli.changes import Fix, Free, Priors, Starts, gather_changes
from kinimmune.cli.exits import Exit
from kinimmune.cli.names import require_names
from kinimmune.cli.terminal import Notes, print_error
from kinimmune.models.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from kinimmune.fitting.estimation.fit import FitPlan
    from kinimmune.fitting.estimation.results import FitResult
    from kinimmune.fitting.estimation.run import PlannedFit

RunFolder = Annotated[Path | None, typer.Option("-o", "--output", metavar="RUN", help="Folder of the run; runs/MODEL-N if none.")]
StopRule = Annotated[str | None, typer.Option("--stop-rule", help="Rule by which treatment stops, in place of each study's.")]
Schema = Annotated[
    int | None,
    typer.Option("--schema", min=1, max=2, help="Schema of --json: kinimmune.fit/2 if none; 1 for programs of before."),
]
Correlations = Annotated[
    bool | None,
    typer.Option("--correlations/--no-correlations", help="Correlate numbers of a study, which share its patients (default)."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run of -o at its last finished start.")]


def fit(
    model: options.ModelName,
    output: RunFolder = None,
    patients: Annotated[int | None, typer.Option("--patients", help="Virtual patients per arm, a power of two.")] = None,
    starts: Annotated[int | None, typer.Option("--starts", min=1, help="Starts of the optimiser.")] = None,
    stop_rule: StopRule = None,
    integrator: Annotated[str | None, typer.Option("--integrator", help="kernel, or scipy: much slower.")] = None,
    fix: Fix = None,
    free: Free = None,
    prior: Priors = None,
    start: Starts = None,
    compare_rules: Annotated[bool | None, typer.Option("--compare-rules", help="Fit again under each stop rule.")] = None,
    correlations: Correlations = None,
    dask: options.Dask = None,
    resume: Resume = False,
    force: options.Force = False,
    data: options.Data = None,
    config: options.Config = None,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    schema: Schema = None,
    quiet: options.Quiet = False,
) -> None:
    """Fit a model to what was published of its trials and experiments; `kinimmune list` shows which models can be fitted.

    What --fix, --free, --prior and --start change is named as `kinimmune show` names it, NAME for every study or NAME:STUDY; the
    run keeps it, for --resume, profile, sample and sensitivity.

    Exit code 1 says that the fit did not converge; its results are written all the same.
    """
    changes = _require_known(model, data, config, gather_changes(fix, free, prior, start))
    from kinimmune.cli.session import ExecutionOptions, run_in, try_cluster
    from kinimmune.fitting.estimation.run import run_fit, start_fit
    from kinimmune.fitting.runs.lock import lock_run
    from kinimmune.fitting.runs.run import open_run

    _require_json(schema, as_json=as_json)
    notes = Notes(quiet)
    execution = ExecutionOptions(1, dask, resume, force, notes)  # threads within a start serve it best
    chosen = {
        "patients": patients,
        "starts": starts,
        "stop_rule": stop_rule,
        "integrator": integrator,
        "compare_rules": compare_rules,
        "correlations": correlations,
        **changes,
    }
    given = {"data": data, "seed": seed, "jobs": jobs, "fit": chosen}
    with ExitStack() as stack:
        plan = None if resume else stack.enter_context(_plan(model, config, given, notes))  # before a folder
        _require_schema(schema, plan)
        try_cluster(dask)
        new = None if plan is None else options.choose_folder(plan.problem.model, output)
        folder = open_run(options.require_folder(output)).path if new is None else new
        with lock_run(folder, force=force):
            command = options.own_command()
            work = _resume(model, folder, config, given) if plan is None else start_fit(plan, folder, command, force=force)
            _require_schema(schema, work.plan)
            notes.say(f"run {work.run.path}")
            for text in (*work.warnings, *work.plan.warnings):
                notes.say(f"warning: {text}")
            result = run_in(work.run, execution, "start", work.plan.tasks, lambda runtime: run_fit(work, runtime))
    _tell(result, work.run.path, schema=(schema or 2) if as_json else None)


def _require_known(model: str, data: Path | None, config: Path | None, changes: dict[str, Any]) -> dict[str, Any]:
    """Return what a fit takes otherwise, whose parameters must be there."""
    require_names(model, data, config, parameters=[name for named in changes.values() for name in named or ()])
    return changes


def _plan(model: str, config: Path | None, given: Mapping[str, Any], notes: Notes) -> "AbstractContextManager[FitPlan]":
    """Return the plan of a fit, for as long as its context lasts."""
    from kinimmune.cli.subjects import say_first
    from kinimmune.fitting.estimation.run import plan_run
    from kinimmune.fitting.projects.project import choose_subject

    subject = choose_subject(model, config, given)
    say_first(notes, subject)
    return plan_run(subject.model, subject.settings)


def _resume(model: str, folder: Path, config: Path | None, given: Mapping[str, Any]) -> "PlannedFit":
    """Return the fit of a run that is taken up again; no code is run for it."""
    from kinimmune.fitting.estimation.run import resume_fit
    from kinimmune.fitting.projects.project import name_subject

    name, asked = name_subject(model, given)
    return resume_fit(name, folder, config, asked)


def _require_json(schema: int | None, *, as_json: bool) -> None:
    if schema is not None and not as_json:
        raise UsageError(f"--schema {schema} is of the object that --json prints; give --json too")


def _require_schema(schema: int | None, plan: "FitPlan | None") -> None:
    """Raise a `UsageError` where the results of a fit cannot be told in the schema that was asked for."""
    if plan is not None and schema == 1:
        from kinimmune.fitting.estimation.first_schema import require_first_schema

        require_first_schema(plan)


def _tell(result: "FitResult", run: Path, *, schema: int | None) -> None:
    """Print a fit on stdout, as JSON of a schema or as tables; leave with the code that says so where it did not converge."""
    from kinimmune.cli.printing.fit import print_fit
    from kinimmune.fitting.estimation.first_schema import write_first_schema
    from kinimmune.fitting.estimation.results import FIT_JSON

    if schema is not None:
        print(write_first_schema(result) if schema == 1 else FIT_JSON.dump(result))
    else:
        print_fit(result)
    if result.status != "converged":
        print_error(f"the fit did not converge: {result.status}; its results are in {run}")
        raise typer.Exit(Exit.NOT_CONVERGED)
