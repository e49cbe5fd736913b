"""Settings of the analyses, checked by pydantic when they are made.

Start with `Settings`.  The options of every analysis and their defaults stand here once, for the configuration file, the command
line and the inputs of tasks; `kinimmune.fitting.configuration` reads and writes them.
"""

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from kinimmune.models.errors import DataError
from kinimmune.models.experiments.individual import IndividualRequest
from kinimmune.models.symbolic.parameters import ParameterKey, Prior
from kinimmune.models.trial.design import StopRule

MAX_PATIENTS = 2**22
"""Largest number of virtual patients of an arm; far above any that changes a digit anybody prints."""
MAX_DAYS = 36525.0
"""Longest horizon of a simulation [d], a hundred years."""


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("write a number")  # noqa: TRY004 - pydantic takes this one for a finding
    return value


def _power_of_two(value: int) -> int:
    if value > MAX_PATIENTS:
        raise ValueError(f"at most {MAX_PATIENTS}; a virtual trial of so many would take days")
    if value < 1 or value & (value - 1):
        lower = 1 << max(value.bit_length() - 1, 0) if value > 0 else 1
        raise ValueError(f"must be a power of two, such as {lower} or {2 * lower}: the Sobol points need it")
    return value


def _held(value: object) -> bool | float:
    if value is True:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("write a number, or true to hold it at its value in the tables")
    return float(value)


def _by_name(value: object) -> object:
    if not isinstance(value, Mapping):
        raise ValueError("write a table with a line NAME = ... for each parameter")  # noqa: TRY004 - as above
    return value


def _prior_text(text: str) -> str:
    try:
        Prior.parse(text)
    except DataError as error:
        raise ValueError(str(error)) from error
    return text


Patients = Annotated[int, BeforeValidator(_no_truth_value), AfterValidator(_power_of_two)]
"""Number of virtual patients in each arm."""
Start = Annotated[float, BeforeValidator(_no_truth_value), Field(allow_inf_nan=False)]
"""Value from which an optimiser starts."""
Seed = Annotated[int, BeforeValidator(_no_truth_value), Field(ge=0, lt=2**64)]
"""Seed of everything drawn at random."""


class ProblemOptions(BaseModel):
    """Options of every virtual trial: how many patients, when they stop treatment, how they are integrated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    patients: Patients = 256
    """Hazard ratios then move by less than .003 over sets of patients (benchmarks/population_size.py)."""
    stop_rule: StopRule | None = None
    """One rule for all studies; None takes each study's own."""
    integrator: Literal["kernel", "scipy"] = "kernel"
    every_scan: bool = False
    """Whether those who leave treatment are integrated from every scan; without, some stand for others: medians of OS then move
    by less than .05 months, hazard ratios by less than .002, and a virtual trial takes a quarter less: see
    benchmarks/spaced_paths.py."""


class FitOptions(ProblemOptions):
    """Options of a fit: table `[fit]`."""

    starts: Annotated[int, BeforeValidator(_no_truth_value), Field(ge=1, le=1000)] = 3
    compare_rules: bool = False
    """Whether to fit again under each of the stop rules."""
    correlations: bool = True
    """Whether numbers of a study are fitted with the correlations that come from sharing its patients."""
    fix: Annotated[dict[str, Annotated[bool | float, PlainValidator(_held)]], BeforeValidator(_by_name)] = {}
    """Name or key of a parameter that is held -> its value, True for that of the tables."""
    free: list[str] = []
    """Names or keys of parameters that are estimated besides those of the tables."""
    prior: Annotated[dict[str, Annotated[str, AfterValidator(_prior_text)]], BeforeValidator(_by_name)] = {}
    """Name or key of a parameter -> its prior in place of that of the tables, such as `lognormal(0.005, 0.5)`."""
    start: Annotated[dict[str, Start], BeforeValidator(_by_name)] = {}
    """Name or key of an estimated parameter -> value from which the optimiser starts, in place of its prior median."""


def combine_changes(kept: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the four options about parameters in a file with those of the command line, which say the last word.

    Of one parameter, `--fix` undoes `free` and `start` of the file, and `--free` its `fix`; a name stands for its keys.

    >>> combine_changes({"fix": {"growth:sharp": 0.01}, "free": ["kappa"]}, {"free": ["growth"]})
    {'free': ['kappa', 'growth']}
    """
    fixed, freed = given.get("fix") or {}, given.get("free") or ()
    combined = {
        "fix": {**_without(kept.get("fix"), fixed, freed), **fixed},
        "free": [*_without(dict.fromkeys(kept.get("free") or ()), fixed, freed), *freed],
        "prior": {**_without(kept.get("prior"), given.get("prior")), **(given.get("prior") or {})},
        "start": {**_without(kept.get("start"), given.get("start"), fixed), **(given.get("start") or {})},
    }
    return {name: value for name, value in combined.items() if value}


def _without(kept: Mapping[str, Any] | None, *names: Iterable[str] | None) -> dict[str, Any]:
    """Return what is kept without the names, and without the keys of a name that has no study."""
    gone = {name for some in names for name in some or ()}
    return {key: value for key, value in (kept or {}).items() if not gone & {key, ParameterKey.parse(key).name}}


class SimulateOptions(BaseModel):
    """Options of the simulation of one individual: table `[simulate]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arm: str | None = None
    days: Annotated[float, BeforeValidator(_no_truth_value), Field(gt=0.0, le=MAX_DAYS, allow_inf_nan=False)] | None = None
    """Horizon [d]; None leaves it to the model and its experiments."""
    set: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = {}
    """Parameter -> value in place of the tables'."""

    @property
    def request(self) -> IndividualRequest:
        """The options as a request for an individual."""
        return IndividualRequest(self.arm, self.days, self.set)


class SensitivityOptions(BaseModel):
    """Options of a sensitivity study: table `[sensitivity]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    output: str | None = None
    arm: str | None = None
    """Arm or experiment of a state, in place of one in the name of the output."""
    method: Literal["local", "morris", "sobol", "prcc"] = "sobol"
    by: Literal["surrogate", "model"] | None = None
    """What a Sobol study runs; None takes a learned output where that is sooner known well enough."""
    samples: Annotated[int, BeforeValidator(_no_truth_value), Field(ge=1, le=2**20)] | None = None
    """None leaves the number of rows to the method."""
    patients: Patients | None = None
    """None takes those of the fit, or `STUDY_PATIENTS` where there is no fit."""
    second_order: bool = False
    parameters: list[str] = []
    """What varies; empty for everything with a prior."""
    range: dict[str, tuple[float, float]] = {}
    group: dict[str, list[str]] = {}


STUDY_PATIENTS = 128
"""Virtual patients per arm of a sensitivity study without a fit; the same in every point, so that they add no noise."""


class SampleOptions(BaseModel):
    """Options of a sample of the posterior; no table of a file holds them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["surrogate", "emcee"] = "surrogate"
    points: int = 400
    """Points from which a surrogate begins to learn; half as many follow where it has its mass."""
    draws: int = 1000
    """Draws from the surrogate at which the posterior itself is computed."""
    ensembles: int = 4
    walkers: int | None = None
    """Walkers of each ensemble; None takes twice the number of parameters and a few more."""
    steps: int | None = None
    """None leaves it to the method."""
    patients: Patients | None = None
    """None takes those of the fit."""
    seed: Seed | None = None
    """None takes that of the fit."""


class Settings(BaseModel):
    """Everything a command can be told that a configuration file can hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = None
    data: Path | None = None
    """Folder of tables that replace the package's."""
    seed: Seed = 1
    jobs: Annotated[int, BeforeValidator(_no_truth_value), Field(ge=1, le=1024)] = Field(
        default_factory=lambda: os.cpu_count() or 1
    )
    fit: FitOptions = FitOptions()
    simulate: SimulateOptions = SimulateOptions()
    sensitivity: SensitivityOptions = SensitivityOptions()

    @property
    def folder(self) -> str | None:
        """Absolute path of `data`, so that a task finds the tables wherever it is computed."""
        return None if self.data is None else str(self.data.resolve())
