"""Outputs as functions of parameter values: many sets of parameters at once, by the ensemble kernel.

Start with `open_response`; it is the trial's where the output is one of a trial, and else one individual's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from kinimmune.fitting.problem.digest import digest_experiment, digest_inputs
from kinimmune.fitting.problem.outputs import Nameable, Output, StateOutput, parse_output
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem, open_tables
from kinimmune.fitting.sensitivity.trial_responses import open_trial
from kinimmune.fitting.sensitivity.values import (
    Response,
    Responses,
    hold,
    list_times,
    read_nameable,
    select_parameters,
)
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError
from kinimmune.models.experiments.design import Experiment
from kinimmune.models.experiments.run import changed, run_experiment
from kinimmune.models.solvers.integrators import choose_integrator
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.compile import CompiledModel, compile_model
from kinimmune.models.tables.readers import read_experiments
from kinimmune.models.tables.rows import Tables

PATIENT_TOLERANCES = Tolerances(1e-7, 1e-9)
"""For one individual, whose derivatives are wanted too."""


@dataclass(frozen=True)
class ResponseSettings:
    """What a response is made from, as plain values."""

    problem: Mapping[str, Any]
    """`ProblemSettings`; for a model of one individual patients and stop rule mean nothing."""
    output: str
    free: tuple[str, ...]
    """Keys of the parameters whose values are given."""
    fixed: Mapping[str, float]
    """Key -> value, where it is another than in the tables, such as an estimate."""
    fine: bool = False
    """Whether derivatives are wanted."""
    experiment: str = ""
    """Digest of the experiment that is run, as `digest_experiment` gives it; empty where the output is not of one."""

    @property
    def plain(self) -> dict[str, Any]:
        """The settings as an input of a step; `ResponseSettings.from_plain` is the way back."""
        plain = {**asdict(self), "free": list(self.free)}
        return plain if self.experiment else {name: value for name, value in plain.items() if name != "experiment"}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> "ResponseSettings":
        """Return the settings that were made plain."""
        return ResponseSettings(**{**plain, "free": tuple(plain["free"])})


@lru_cache(maxsize=4)
def _nameable(model: str, folder: str | None, digest: str) -> Nameable:
    tables = open_tables(folder)
    if digest_inputs(model, tables) != digest:
        where = "of the installed package" if folder is None else f"in {folder}"
        raise DataError(f"the tables {where} are not those this work began with; restore them, or begin anew with --force")
    return read_nameable(model, tables)


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
    known = _nameable(problem.model, folder, problem.tables)
    output = parse_output(settings.output, known)
    if isinstance(output, StateOutput) and output.study is None:
        return _open_individual(settings, known, output, folder)
    shared = open_problem(problem, folder, jobs)
    return open_trial(shared, known, output, settings.free, settings.fixed, fine=settings.fine)


def digest_output(known: Nameable, output: Output, tables: Tables) -> str:
    """Return the digest of the experiment an output is read in, empty where there is none."""
    if not isinstance(output, StateOutput) or output.study is not None or output.arm is None:
        return ""
    return digest_experiment(_experiment(known, output, tables))


def _open_individual(settings: ResponseSettings, known: Nameable, output: StateOutput, folder: str | None) -> Response:
    """Return a state of one individual as a function of parameter values, all sets side by side."""
    compiled = compile_model(known.model)
    integrate = choose_integrator(str(settings.problem["integrator"]), compiled)
    tables = open_tables(folder)
    experiment = _experiment(known, output, tables)
    if digest_output(known, output, tables) != settings.experiment:
        raise DataError(
            f"experiment '{experiment.name}' is not what it was when this work began; restore it, or begin with --force"
        )
    held = {item.name: item.value for item in hold(select_parameters(known, output), settings.fixed)}
    days = list_times(known, output)[1]

    def respond(values: Array) -> Responses:
        columns = _columns(compiled, held, settings.free, values)
        readings = run_experiment(
            compiled, integrate, experiment, changed(compiled, experiment, columns), days, PATIENT_TOLERANCES
        )
        found = readings.values[output.quantity].T
        lost = [bool(np.isnan(row).any()) for row in found]
        reasons = tuple(f"the individual could not be integrated to day {output.day:g}" if gap else None for gap in lost)
        return Responses(found, reasons)

    return respond


def _experiment(known: Nameable, output: StateOutput, tables: Tables) -> Experiment:
    if output.arm is None:
        return Experiment(known.model.name, "untreated", "nothing is given", {}, {}, (), ())
    return next(item for item in read_experiments(tables) if (item.model, item.name) == (known.model.name, output.arm))


def _columns(compiled: CompiledModel, held: Mapping[str, float], free: Sequence[str], values: Array) -> Array:
    """Return one column per set of parameters, shape (n_parameters, n)."""
    names = compiled.model.parameter_names
    columns = np.repeat(np.array([[held[name]] for name in names]), values.shape[0], axis=1)
    for key, row in zip(free, values.T, strict=True):
        columns[names.index(key.partition(":")[0])] = row
    return columns
