"""Outputs as functions of parameter values: many sets of parameters at once, by the ensemble kernel.

Start with `open_response`; it is the trial's where the output is one of a trial, and else one individual's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from kinimmune.fitting.problem.digest import digest_experiment, digest_inputs
from kinimmune.fitting.problem.outputs import Output, OutputCatalogue, StateOutput, parse_output
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem, open_tables
from kinimmune.fitting.sensitivity.trial_responses import open_trial
from kinimmune.fitting.sensitivity.values import (
    Response,
    Responses,
    list_times,
    read_catalogue,
    select_parameters,
    with_values,
)
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.experiments.run import apply_experiment, find_errors, run_experiment
from kinimmune.models.solvers.integrators import choose_integrator
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import CompiledModel, compile_model
from kinimmune.models.symbolic.parameters import ParameterKey
from kinimmune.models.tables.readers import read_experiments
from kinimmune.models.tables.rows import Tables

PATIENT_TOLERANCES = Tolerances(1e-7, 1e-9)
"""Tolerances for one individual, whose derivatives are wanted too."""


@dataclass(frozen=True)
class ResponseSettings:
    """What a response is made from, as plain values."""

    problem: Mapping[str, Any]
    """Plain `ProblemSettings`; for a model of one individual patients and stop rule mean nothing."""
    output: str
    """Name of the output."""
    varied: tuple[str, ...]
    """Keys of the parameters whose values are given."""
    fixed: Mapping[str, float]
    """Key of another parameter -> its value, where it is not that of the tables, such as an estimate."""
    fine: bool = False
    """Whether derivatives are wanted."""
    experiment: str = ""
    """Digest of the experiment that is run, as `digest_experiment` gives it; empty where the output is not of one."""

    @property
    def plain(self) -> dict[str, Any]:
        """The settings as an input of a task; `ResponseSettings.from_plain` is the way back."""
        plain = {
            "problem": dict(self.problem),
            "output": self.output,
            "free": list(self.varied),
            "fixed": dict(self.fixed),
            "fine": self.fine,
        }
        return {**plain, "experiment": self.experiment} if self.experiment else plain

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "ResponseSettings":
        """Return the settings that were made plain."""
        return ResponseSettings(
            problem=plain["problem"],
            output=plain["output"],
            varied=tuple(plain["free"]),
            fixed=plain["fixed"],
            fine=plain["fine"],
            experiment=plain.get("experiment", ""),
        )


@lru_cache(maxsize=4)
def _open_catalogue(problem: ProblemSettings, folder: str | None) -> OutputCatalogue:
    tables = open_tables(folder)
    if digest_inputs(problem.model, tables) != problem.tables:
        where = "of the installed package" if folder is None else f"in {folder}"
        raise DataError(f"the tables {where} are not those this work began with; restore them, or begin anew with --force")
    return read_catalogue(problem.model, tables, problem.changes)


def open_response(settings: ResponseSettings, folder: str | None, jobs: int = 1) -> Response:
    """Return an output as a function of parameter values.

    Parameters
    ----------
    settings
        model, output and parameters
    folder
        tables that replace the package's, None for none
    jobs
        threads
    """
    problem = ProblemSettings(**settings.problem)
    catalogue = _open_catalogue(problem, folder)
    output = parse_output(settings.output, catalogue)
    if isinstance(output, StateOutput) and output.study is None:
        return _open_individual(settings, catalogue, output, folder)
    shared = open_problem(problem, folder, jobs)
    return open_trial(shared, catalogue, output, settings.varied, settings.fixed, fine=settings.fine)


def digest_output(catalogue: OutputCatalogue, output: Output, tables: Tables) -> str:
    """Return the digest of the experiment an output is read in, empty where there is none."""
    if not isinstance(output, StateOutput) or output.study is not None or output.arm is None:
        return ""
    return digest_experiment(catalogue.model, _experiment(catalogue, output, tables))


def _open_individual(settings: ResponseSettings, catalogue: OutputCatalogue, output: StateOutput, folder: str | None) -> Response:
    """Return a state of one individual as a function of parameter values, all sets side by side."""
    compiled = compile_model(catalogue.model)
    integrate = choose_integrator(str(settings.problem["integrator"]), compiled)
    tables = open_tables(folder)
    experiment = _experiment(catalogue, output, tables)
    if digest_output(catalogue, output, tables) != settings.experiment:
        raise DataError(
            f"experiment '{experiment.name}' is not what it was when this work began; restore it, or begin with --force"
        )
    fixed = {item.name: item.value for item in with_values(select_parameters(catalogue, output), settings.fixed)}
    days = list_times(catalogue, output)[1]

    def respond(values: Array) -> Responses:
        columns = _columns(compiled, fixed, settings.varied, values)
        given = apply_experiment(compiled, experiment, columns)
        readings = run_experiment(compiled, integrate, experiment, given, days, PATIENT_TOLERANCES)
        errors = find_errors(compiled, experiment, given, readings, output.quantity, PATIENT_TOLERANCES)
        courses = readings.values[output.quantity].T
        lost = [bool(np.isnan(course).any()) for course in courses]
        reasons = tuple(f"the individual could not be integrated to day {output.day:g}" if gap else None for gap in lost)
        return Responses(courses, reasons, errors.T)

    return respond


def _experiment(catalogue: OutputCatalogue, output: StateOutput, tables: Tables) -> Experiment:
    if output.arm is None:
        return Experiment(catalogue.model.name, "untreated", "nothing is given")
    return next(item for item in read_experiments(catalogue.model, tables) if item.name == output.arm)


def _columns(compiled: CompiledModel, fixed: Mapping[str, float], varied: Sequence[str], values: Array) -> Array:
    """Return one column per set of parameters, shape (n_parameters, n)."""
    names = compiled.model.parameter_names
    columns = np.repeat(np.array([[fixed[name]] for name in names]), values.shape[0], axis=1)
    for key, row in zip(varied, values.T, strict=True):
        columns[names.index(ParameterKey.parse(key).name)] = row
    return columns
