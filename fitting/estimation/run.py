"""A fit in a run folder: made or taken up again, carried out, and its results written.

Start with `plan_run` and `start_fit`, or `resume_fit`, and carry out what they return with `run_fit`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kinimmune.fitting import lint
from kinimmune.fitting.configuration import hold_the_same, read_run_settings, read_settings, write_configuration
from kinimmune.fitting.estimation.fit import FitPlan, fit, plan_fit
from kinimmune.fitting.estimation.results import FIT_JSON, FitResult
from kinimmune.fitting.estimation.run_files import FIT, remove_results, write_results
from kinimmune.fitting.problem.first_format import recognise
from kinimmune.fitting.problem.read_targets import read_tried_trials
from kinimmune.fitting.runs.kept_model import choose_kept, gather_model, keep_model
from kinimmune.fitting.runs.provenance import changed_tables, current_environment, hash_tables
from kinimmune.fitting.runs.run import Run, RunStatus, begin_run, open_run
from kinimmune.fitting.settings import Settings
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.catalogue import require_model
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.model_file import name_model
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import StopRule, Trial


@dataclass(frozen=True)
class PlannedFit:
    """A fit about to be carried out in a run."""

    run: Run
    plan: FitPlan
    warnings: tuple[str, ...] = ()
    """What of the trials' tables is not applied, or what differs from when the run was begun; the run keeps them as notes."""


@contextmanager
def plan_run(model: str, settings: Settings) -> Iterator[FitPlan]:
    """Yield the plan of a fit, once it is known that the model can be fitted; nothing is written.

    A model from outside is at hand as long as the context lasts; `start_fit` takes it into the run.

    Parameters
    ----------
    model
        name of a model, or a Python file, which is run
    settings
        of the fit

    Raises
    ------
    UsageError
        for an unknown model, one that cannot be fitted, or a parameter that cannot be changed as asked
    DataError
        when a table cannot be used
    """
    with gather_model(model, settings.data) as (name, data):
        yield _plan(name, settings.model_copy(update={"data": data}))


def start_fit(plan: FitPlan, path: Path, command: tuple[str, ...], *, force: bool) -> PlannedFit:
    """Make a new run for a fit.

    Parameters
    ----------
    plan
        from `plan_run`
    path
        folder of the run
    command
        the command line that asks for it, program name included
    force
        whether a run that is there is overwritten

    Raises
    ------
    UsageError
        for a folder that cannot be used
    """
    problem, data, tables = plan.problem, plan.settings.data, plan.tables
    rule = plan.settings.fit.stop_rule
    caveats = [text for trial in read_tried_trials(problem.model, tables) for text in _list_caveats(trial, rule)]
    run = begin_run(path, command=command, model=problem.model, seed=problem.seed, data=data, digest=problem.tables, force=force)
    kept = keep_model(run.path, data)
    if kept != data:
        plan = _plan(problem.model, plan.settings.model_copy(update={"data": kept}))
    return PlannedFit(_configure(run, plan, *caveats), plan, tuple(caveats))


def _list_caveats(trial: Trial, rule: StopRule | None) -> Iterator[str]:
    """Yield what of a trial's tables is not applied, under a rule in place of its own where one is given."""
    if trial.caveat:
        yield trial.caveat
    arms = [arm.name for arm in trial.arms if arm.next_line is not None]
    if arms and rule is StopRule.NEVER:
        yield f"study '{trial.study}': under the stop rule never nobody leaves treatment: no next line after {', '.join(arms)}"


def resume_fit(model: str, path: Path, config: Path | None, given: Mapping[str, Any]) -> PlannedFit:
    """Take up the run of a fit again; its own settings hold where none are given.

    Parameters
    ----------
    model
        name of the run's model, or of the file it was made of
    path
        folder of the run
    config
        configuration in place of that of the run, or None
    given
        options given on the command line, as `read_settings` takes them

    Raises
    ------
    UsageError
        when there is no such run, it is of another model, or an option cannot be used
    DataError
        when a file of the run or a table cannot be used
    """
    run = open_run(path)
    name = name_model(model)
    if run.record.model != name:
        raise UsageError(f"run '{path}' is of model '{run.record.model}', not '{name}'; give that model or another run")
    settings = read_settings(config or _find_own_settings(run), given)
    settings = settings.model_copy(update={"data": choose_kept(run.path, model, settings.data)})
    plan = _plan(name, settings)
    differences = current_environment().differences(run.record.environment)
    warnings = [f"resumed elsewhere, so bits may differ: {text}" for text in differences]
    run = recognise(run)
    if run.record.digest != plan.problem.tables:
        changed = ", ".join(changed_tables(run.record.inputs, settings.data)) or "the model's equations or how they are computed"
        warnings.append(f"changed since the run began, so finished work is computed again: {changed}")
        run = run.update(RunStatus.RUNNING, 0.0)  # before results go: a run that is done has them
        remove_results(run)
        tables = hash_tables(settings.data)
        run = replace(run, record=replace(run.record, inputs=tables, digest=plan.problem.tables, aliases={}))
    return PlannedFit(_configure(run, plan, *warnings), plan, tuple(warnings))


def run_fit(work: PlannedFit, runtime: Runtime) -> FitResult:
    """Fit, write `results/` of the run, and note in `run.json` whether the fit has converged."""
    result, trial = fit(work.plan, runtime)
    _remove_what_differs(work.run, result)
    write_results(work.run, result, trial)
    work.run.reread().update(RunStatus.RUNNING, 0.0, f"fit: {result.status}")
    return result


def _remove_what_differs(run: Run, result: FitResult) -> None:
    """Remove results of before that took other correlations into account, with what was built on them."""
    if (run.path / FIT).is_file() and FIT_JSON.load(run.read(FIT), run.path / FIT).whitening != result.whitening:
        remove_results(run)


def _plan(model: str, settings: Settings) -> FitPlan:
    """Return the plan of a fit once model and tables are known to be right."""
    tables = Tables(settings.data)
    require_model(model, tables)
    lint.require(tables)
    return plan_fit(model, settings.model_copy(update={"model": model}), tables)


def _find_own_settings(run: Run) -> Path | None:
    """Return the file with the settings of a run, None for one that was ended before it had any.

    Raises
    ------
    DataError
        when they are lost: the defaults are other settings, and the package's tables other tables
    """
    advice = "restore it, give another with -c, or begin anew with --force"
    if not run.settings_file.exists():
        if any((run.path / "results").rglob("[!.]*.json")):
            raise DataError(f"{run.settings_file} is missing; {advice}")
        return None
    if "fit" not in read_run_settings(run).model_fields_set:
        raise DataError(f"{run.settings_file} has no table [fit]; {advice}")
    return run.settings_file


def _configure(run: Run, plan: FitPlan, *warnings: str) -> Run:
    """Write the settings into the run; results that were found with others do not stay beside them."""
    text = write_configuration(plan.settings, "fit", home=run.path)
    run = run.update(RunStatus.RUNNING, 0.0, *warnings)
    if not run.settings_file.exists() or not hold_the_same(run.read(run.settings_file.name), text):
        remove_results(run)
        run.write(run.settings_file.name, text)
    return run
