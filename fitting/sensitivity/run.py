"""A sensitivity study in a run folder: a new run for a model, or that of a fit or of earlier studies, to which one is added.

Start with `start_study`, `resume_study` and `add_study`, and carry out what they return with `run_study`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kinimmune.fitting import lint
from kinimmune.fitting.configuration import read_run_settings, read_settings, write_configuration
from kinimmune.fitting.estimation.fitted import read_fitted
from kinimmune.fitting.problem.first_format import recognise
from kinimmune.fitting.problem.settings import ProblemSettings, describe_problem
from kinimmune.fitting.runs.kept_model import choose_kept, gather_model, keep_model
from kinimmune.fitting.runs.run import Run, begin_run, open_run
from kinimmune.fitting.sampling.results import read_sample
from kinimmune.fitting.sensitivity.designs import Method
from kinimmune.fitting.sensitivity.results import SENSITIVITY_JSON, SensitivityResult, to_csv
from kinimmune.fitting.sensitivity.study import StudyPlan, StudyRequest, plan_study, study_sensitivity
from kinimmune.fitting.settings import STUDY_PATIENTS, ProblemOptions, SensitivityOptions, Settings
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.catalogue import require_model
from kinimmune.models.errors import UsageError
from kinimmune.models.model_file import name_model
from kinimmune.models.tables.rows import Tables


@dataclass(frozen=True)
class PlannedStudy:
    """A study about to be carried out in a run."""

    run: Run
    plan: StudyPlan
    jobs: int
    """Processes its settings ask for."""


def start_study(model: str, settings: Settings, path: Path, command: tuple[str, ...], *, force: bool) -> PlannedStudy:
    """Make a new run for a study of a model; nothing is written before everything is known to be right.

    Parameters
    ----------
    model
        name of a model, or a Python file, which is run
    settings
        of the study
    path
        folder of the run
    command
        the command line that asks for it, program name included
    force
        whether a run that is there is overwritten

    Raises
    ------
    UsageError
        for what cannot be studied, or a folder that cannot be used
    DataError
        when a table cannot be used
    """
    with gather_model(model, settings.data) as (name, data):
        settings = settings.model_copy(update={"data": data})
        plan = _plan_model(name, settings)
        digest = plan.request.problem.tables
        run = begin_run(path, command=command, model=name, seed=settings.seed, data=data, digest=digest, force=force)
        kept = keep_model(run.path, data)
    if kept != data:
        settings = settings.model_copy(update={"data": kept})
        plan = _plan_model(name, settings)
    return PlannedStudy(_configure(run, settings), plan, settings.jobs)


def resume_study(model: str, settings: Settings, path: Path) -> PlannedStudy:
    """Take up the run of a study of a model again.

    Raises
    ------
    UsageError
        for what cannot be studied, or when there is no such run or it is of another model
    DataError
        when a file of the run or a table cannot be used
    """
    run, name = open_run(path), name_model(model)
    if run.record.model != name:
        raise UsageError(f"run '{run.path}' is of model '{run.record.model}', not '{name}'; give another run")
    settings = settings.model_copy(update={"data": choose_kept(run.path, model, settings.data)})
    plan = _plan_model(name, settings)
    run = recognise(run)
    if not run.settings_file.exists():  # killed before it was written
        _configure(run, settings)
    return PlannedStudy(run, plan, settings.jobs)


def add_study(run: Run, config: Path | None, given: Mapping[str, Any], *, posterior: bool) -> PlannedStudy:
    """StudyPlan a study about the fit a run holds, or one more of the model of a run without a fit.

    Parameters
    ----------
    run
        on disk; seed, jobs and tables are its own
    config
        configuration, or None
    given
        options given on the command line, as `read_settings` takes them
    posterior
        whether the study goes over the posterior of the fit

    Raises
    ------
    UsageError
        for what cannot be studied
    DataError
        when a file of the run cannot be used
    """
    if given.get("data") is not None:
        raise UsageError("--data: a run keeps its tables; leave it out, or study the model")
    own = read_run_settings(run)
    kept = {"seed": own.seed, "jobs": own.jobs if "jobs" in own.model_fields_set else None}
    settings = read_settings(config, {**given, **{name: kept[name] for name in kept if given.get(name) is None}})
    options = _require_output(settings)
    if "fit" in own.model_fields_set:
        return _add_to_fit(run, settings, options, posterior=posterior)
    if posterior:
        raise UsageError(f"--posterior: run '{run.path}' holds no fit; leave it out, or give the run of a fit")
    tables = Tables(own.data)
    problem = _describe(run.record.model, tables, options, settings.seed)
    return PlannedStudy(recognise(run), plan_study(_ask(problem, own.folder, options, settings.seed)), settings.jobs)


def run_study(work: PlannedStudy, runtime: Runtime) -> SensitivityResult:
    """Carry out a study and write it to `results/` of its run, as JSON and as CSV."""
    found = study_sensitivity(work.plan, runtime)
    work.run.write(f"results/{found.label}.json", SENSITIVITY_JSON.dump(found))
    work.run.write(f"results/{found.label}.csv", to_csv(found))
    return found


def _plan_model(model: str, settings: Settings) -> StudyPlan:
    """Return the plan of a study of a model, once it and its tables are known to be right."""
    options = _require_output(settings)
    tables = Tables(settings.data)
    require_model(model, tables)
    lint.require(tables)
    problem = _describe(model, tables, options, settings.seed)
    return plan_study(_ask(problem, settings.folder, options, settings.seed))


def _add_to_fit(run: Run, settings: Settings, options: SensitivityOptions, *, posterior: bool) -> PlannedStudy:
    """StudyPlan a study that stands at the estimates of a fit."""
    fitted = read_fitted(run)
    problem = fitted.settings.with_patients(options.patients)
    request = replace(
        _ask(problem, fitted.folder, options, settings.seed),
        estimates={row.name: row.value for row in fitted.result.parameters},
        posterior_at=fitted.z if posterior else None,
        sample=read_sample(run) if posterior else None,
    )
    return PlannedStudy(fitted.run, plan_study(request), settings.jobs)


def _describe(model: str, tables: Tables, options: SensitivityOptions, seed: int) -> ProblemSettings:
    """Return the problem of a study without a fit."""
    patients = STUDY_PATIENTS if options.patients is None else options.patients
    return describe_problem(model, tables, seed, ProblemOptions(patients=patients))


def _ask(problem: ProblemSettings, folder: str | None, options: SensitivityOptions, seed: int) -> StudyRequest:
    """Return what a study is asked by its options."""
    name = options.output or ""
    return StudyRequest(
        problem=problem,
        folder=folder,
        method=Method(options.method),
        output=name if options.arm is None else f"{name}:{options.arm}",
        seed=seed,
        samples=options.samples,
        by=options.by,
        second_order=options.second_order,
        parameters=tuple(options.parameters),
        ranges=dict(options.range),
        groups={group: tuple(members) for group, members in options.group.items()},
    )


def _require_output(settings: Settings) -> SensitivityOptions:
    options = settings.sensitivity
    if options.output is None:
        raise UsageError("no output; write --output NAME, such as hazard_ratio:sharp:os or state:tumour_volume:28")
    return options


def _configure(run: Run, settings: Settings) -> Run:
    """Write what tells a run of studies from one of a fit; each study keeps its own settings with its results."""
    own = settings.model_copy(update={"model": run.record.model})
    run.write(run.settings_file.name, write_configuration(own, "sensitivity", ("method", "output", "patients"), home=run.path))
    return run
