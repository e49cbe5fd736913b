"""The run of `kinimmune sensitivity`: a new one for a model, or that of a fit, to which a study is added.

Start with `prepare` and `carry_out`.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from kinimmune.cli.session import Effort
from kinimmune.cli.session import carry_out as carry_out_work
from kinimmune.cli.settings import SensitivityOptions, Settings, read_configuration, read_settings, write_configuration
from kinimmune.fitting import lint
from kinimmune.fitting.estimation.fitted import read_fitted
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.first_format import recognise
from kinimmune.fitting.problem.settings import ProblemSettings
from kinimmune.fitting.runs.provenance import current_environment, hash_tables
from kinimmune.fitting.runs.run import Run, RunRecord, RunStatus, create_run, free_path, is_run, open_run
from kinimmune.fitting.sampling.results import read_sample
from kinimmune.fitting.sensitivity.designs import Method
from kinimmune.fitting.sensitivity.results import SensitivityResult, to_csv, to_json
from kinimmune.fitting.sensitivity.study import StudyPlan, StudyRequest, plan_study, study_sensitivity
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.catalogue import model_names, require_model
from kinimmune.models.errors import UsageError
from kinimmune.models.tables.rows import Tables

RUNS = Path("runs")
"""Where runs go that are given no folder."""
PATIENTS = 128
"""Virtual patients per arm of a study that is not told and has no fit; the same in every point, so that they add no noise."""


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    subject: str
    folder: Path | None
    """Where the run of a model is to be."""
    config: Path | None
    given: Mapping[str, Any]
    posterior: bool


@dataclass(frozen=True)
class SensitivityWork:
    """A study about to be carried out."""

    run: Run
    plan: StudyPlan
    jobs: int
    new: bool
    """Whether the run was made for it just now."""

    def renew(self, *, force: bool) -> bool:
        """Return whether finished blocks of this study are to be thrown away; a new run has none."""
        return force and not self.new


def parse_lists(parameters: str | None, ranges: Sequence[str], groups: Sequence[str]) -> dict[str, Any]:
    """Return the options that hold several things, as a configuration holds them; None where none was given.

    >>> parse_lists("a, b", ["a=1:2"], ["g=a,b"])
    {'parameters': ['a', 'b'], 'range': {'a': [1.0, 2.0]}, 'group': {'g': ['a', 'b']}}
    """
    return {
        "parameters": None if parameters is None else _split(parameters),
        "range": dict(map(_parse_range, ranges)) or None,
        "group": dict(map(_parse_group, groups)) or None,
    }


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _parse_range(text: str) -> tuple[str, list[float]]:
    name, _, span = text.partition("=")
    try:
        low, high = (float(end) for end in span.split(":"))
    except ValueError:
        raise UsageError(f"--range {text}: write NAME=LOW:HIGH with two numbers, such as immune_kill=0.001:0.01") from None
    return name.strip(), [low, high]


def _parse_group(text: str) -> tuple[str, list[str]]:
    name, _, members = text.partition("=")
    if not name.strip() or not _split(members):
        raise UsageError(f"--group {text}: write NAME=A,B,... with names of parameters")
    return name.strip(), _split(members)


def prepare(request: Request, *, resume: bool, force: bool) -> SensitivityWork:
    """Return the work of a request; nothing is written before everything is known to be right.

    Raises
    ------
    UsageError
        for what cannot be asked, or a run that is or is not there
    """
    path = Path(request.subject)
    if is_run(path) or (request.subject not in model_names() and (path.exists() or len(path.parts) > 1)):
        if request.folder is not None and request.folder != path:
            raise UsageError(f"a study of run '{path}' is added to it; leave -o {request.folder} out")
        return _add_to_run(request, open_run(path))
    if request.posterior:
        raise UsageError("--posterior needs a RUN with a fit; a model has priors only")
    return _start_run(request, resume=resume, force=force)


def _add_to_run(request: Request, run: Run) -> SensitivityWork:
    """Return a study about the fit of a run, or one more of a model whose run it is."""
    own = read_configuration(run.settings_file)
    if request.given["data"] is not None:
        raise UsageError("--data: a run keeps its tables; leave it out, or study the model")
    defaults = {"seed": own.seed, "jobs": own.jobs if "jobs" in own.model_fields_set else None}
    given = {name: defaults.get(name) if value is None else value for name, value in request.given.items()}
    settings = read_settings(request.config, given)
    options = _require_output(settings)
    if "fit" not in own.model_fields_set:
        if request.posterior:
            raise UsageError(f"--posterior: run '{run.path}' holds no fit; leave it out, or give the run of a fit")
        problem = _problem(run.record.model, own.data, options, settings.seed)
        plan = plan_study(_ask(problem, own.data, options, settings.seed))
        return SensitivityWork(recognise(run, Tables(own.data)), plan, settings.jobs, new=False)
    fitted = read_fitted(run)
    problem = fitted.settings if options.patients is None else replace(fitted.settings, patients=options.patients)
    study_request = replace(
        _ask(problem, None if fitted.folder is None else Path(fitted.folder), options, settings.seed),
        estimates={row.name: row.value for row in fitted.result.parameters},
        posterior_at=fitted.point if request.posterior else None,
        sample=read_sample(run) if request.posterior else None,
    )
    return SensitivityWork(fitted.run, plan_study(study_request), settings.jobs, new=False)


def _start_run(request: Request, *, resume: bool, force: bool) -> SensitivityWork:
    settings = read_settings(request.config, request.given)
    options = _require_output(settings)
    model = require_model(request.subject)
    lint.require(Tables(settings.data))
    plan = plan_study(_ask(_problem(model, settings.data, options, settings.seed), settings.data, options, settings.seed))
    if resume:
        if request.folder is None:
            raise UsageError("--resume needs a run; write -o RUN --resume")
        run = recognise(open_run(request.folder), Tables(settings.data))
        if run.record.model != model:
            raise UsageError(f"run '{run.path}' is of model '{run.record.model}', not '{model}'; give another run")
        if not run.settings_file.exists():  # killed before it was written
            run.write(run.settings_file.name, _configure(model, settings))
        return SensitivityWork(run, plan, settings.jobs, new=False)
    record = RunRecord(
        command=("kinimmune", *sys.argv[1:]),
        model=model,
        seed=settings.seed,
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
        environment=current_environment(),
        inputs=hash_tables(settings.data),
        digest=digest_inputs(model, Tables(settings.data)),
    )
    run = create_run(free_path(RUNS, model) if request.folder is None else request.folder, record, force=force)
    run.write(run.settings_file.name, _configure(model, settings))
    return SensitivityWork(run, plan, settings.jobs, new=True)


def _configure(model: str, settings: Settings) -> str:
    """Return what later studies of a run go by; each study tells its own settings with its results."""
    data = None if settings.data is None else settings.data.resolve()
    options = settings.sensitivity
    chosen = {"method": options.method, "output": options.output, "patients": options.patients}
    return write_configuration(
        {"model": model, "data": data, "seed": settings.seed, "jobs": settings.jobs, **chosen}, "sensitivity"
    )


def _require_output(settings: Settings) -> SensitivityOptions:
    options = settings.sensitivity
    if options.output is None:
        raise UsageError("no output; write --output NAME, such as hazard_ratio:sharp:os or state:tumour_volume:28")
    return options


def _problem(model: str, data: Path | None, options: SensitivityOptions, seed: int) -> ProblemSettings:
    patients = PATIENTS if options.patients is None else options.patients
    return ProblemSettings(model, digest_inputs(model, Tables(data)), patients, seed)


def _ask(problem: ProblemSettings, data: Path | None, options: SensitivityOptions, seed: int) -> StudyRequest:
    name = options.output or ""
    return StudyRequest(
        problem=problem,
        folder=None if data is None else str(data.resolve()),
        method=Method(options.method or Method.SOBOL),
        output=name if options.arm is None else f"{name}:{options.arm}",
        seed=seed,
        samples=options.samples,
        second_order=bool(options.second_order),
        parameters=tuple(options.parameters),
        ranges=dict(options.range),
        groups={group: tuple(members) for group, members in options.group.items()},
    )


def carry_out(work: SensitivityWork, effort: Effort) -> SensitivityResult:
    """Carry out a study and write its results and figures."""
    study = work.plan.study

    def measure(runtime: Runtime) -> SensitivityResult:
        found = study_sensitivity(work.plan, runtime)
        work.run.write(f"results/{found.label}.json", to_json(found))
        work.run.write(f"results/{found.label}.csv", to_csv(found))
        _draw(work.run, found)
        return found

    work.run.update(RunStatus.RUNNING, 0.0)
    return carry_out_work(work.run, effort, study.prefix, study.blocks, measure)


def _draw(run: Run, found: SensitivityResult) -> None:
    from kinimmune.reports.figures.catalogue import list_sensitivity_figures
    from kinimmune.reports.figures.recipes import draw_all

    draw_all(list_sensitivity_figures((found,)), run.path / "figures")
