"""Predictions of a run, or of a model with its tables.

Start with `plan_run` and `plan_model`.
"""

from pathlib import Path

from kinimmune.fitting.estimation.fitted import Fitted
from kinimmune.fitting.prediction.constants import add_constants
from kinimmune.fitting.prediction.plan import PlannedPrediction, Virtual, plan_prediction
from kinimmune.fitting.prediction.request import PredictionRequest
from kinimmune.fitting.prediction.source import take_estimates, take_model, take_run
from kinimmune.fitting.problem.problem import widen
from kinimmune.fitting.problem.settings import open_problem
from kinimmune.fitting.projects.project import find_project
from kinimmune.fitting.runs.run import is_run
from kinimmune.fitting.settings import ProblemOptions
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import UsageError
from kinimmune.models.model_file import name_model
from kinimmune.models.tables.rows import Tables


def plan_run(fitted: Fitted, request: PredictionRequest, trial: Path | None, seed: int, jobs: int) -> PlannedPrediction:
    """Return a prediction from the posterior of a run.

    Its own studies are predicted where no arm or trial is named, by the rules and virtual patients of its fit.

    Parameters
    ----------
    fitted
        the fit of the run, with the number of virtual patients wanted
    request
        what is asked
    trial
        folder of tables or project whose arms are predicted; None for those of the run
    seed
        of draws
    jobs
        threads

    Raises
    ------
    UsageError, DataError
        as `plan_prediction` does
    """
    source = take_run(fitted, request.draws, seed)
    if request.draw_constants:
        source = add_constants(source, fitted, seed)
    if request.at_estimates:
        source = take_estimates(source)
    settings = fitted.settings
    options = ProblemOptions(patients=settings.patients, integrator=settings.integrator, every_scan=settings.every_scan)
    if trial is not None:
        tables = open_trial(trial, source.model.name)
        return plan_prediction(source, request, Virtual(options, settings.seed, jobs), tables, seed)
    own = widen(open_problem(settings, fitted.folder))
    studies = tuple(item.study for item in own.trials)
    options = options.model_copy(update={"stop_rule": settings.stop_rule})
    virtual = Virtual(options, settings.seed, jobs, own.simulator.horizon, studies)
    return plan_prediction(source, request, virtual, None, seed)


def plan_model(  # noqa: PLR0913 - what a model is predicted with, all by name
    name: str,
    tables: Tables,
    request: PredictionRequest,
    *,
    trial: Path | None,
    from_prior: bool,
    options: ProblemOptions,
    seed: int,
    jobs: int,
) -> PlannedPrediction:
    """Return a prediction from the tables of a model: at their values, or over draws from the priors.

    Parameters
    ----------
    name, tables
        as `open_model` gives them
    request
        what is asked
    trial
        folder of tables or project whose arms are predicted; None for those of `tables`
    from_prior
        whether draws are taken
    options
        how virtual trials are run
    seed
        of draws and of virtual patients
    jobs
        threads

    Raises
    ------
    UsageError, DataError
        as `plan_prediction` does
    """
    source = take_model(load_model(name, tables), tables, request.draws if from_prior else None)
    others = None if trial is None else open_trial(trial, name)
    return plan_prediction(source, request, Virtual(options, seed, jobs), others, seed)


def open_trial(folder: Path, model: str) -> Tables:
    """Return the tables of a folder whose arms are predicted; what a project's file says of settings is not read.

    Raises
    ------
    UsageError
        for a run, for what is no folder, or for a project of another model
    """
    if is_run(folder):
        raise UsageError(f"--trial {folder}: it is a run; give the project or folder of tables of a trial")
    if not folder.is_dir():
        raise UsageError(f"--trial {folder}: there is no such folder; give a project, or a folder of tables")
    project = find_project(str(folder))
    if project is not None and name_model(project.model) != model:
        other = name_model(project.model)
        raise UsageError(f"--trial {folder}: it is a project of model '{other}'; give one of model '{model}', or tables alone")
    return Tables(folder)
