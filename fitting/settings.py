"""Settings of the analyses: options of a command before the configuration file before the defaults, checked by pydantic.

Start with `read_settings` and `Settings`.  The options of every analysis and their defaults stand here once, for the file, the
command line and the inputs of tasks.  A file looks like this; everything in it is optional::

    model = "hcc_trial"
    data = "my_trial"        # relative to the file
    seed = 1
    jobs = 2
    [fit]
    patients = 256
    starts = 3
    stop_rule = "radiological"
    integrator = "kernel"
    [simulate]
    arm = "sharp:sorafenib"
    days = 360
    [simulate.set]
    growth = 0.01
"""

import os
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import tomli_w
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from kinimmune.fitting.runs.atomic_files import read_text
from kinimmune.fitting.runs.run import Run
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.experiments.individual import IndividualRequest
from kinimmune.models.trial.design import StopRule


def _power_of_two(value: int) -> int:
    if value < 1 or value & (value - 1):
        lower = 1 << max(value.bit_length() - 1, 0) if value > 0 else 1
        raise ValueError(f"must be a power of two, such as {lower} or {2 * lower}: the Sobol points need it")
    return value


Patients = Annotated[int, AfterValidator(_power_of_two)]
"""Number of virtual patients in each arm."""
Seed = Annotated[int, Field(ge=0)]
"""Seed of everything drawn at random."""


class ProblemOptions(BaseModel):
    """Options of every virtual trial: how many patients, when they stop treatment, how they are integrated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    patients: Patients = 256
    """Hazard ratios then move by less than .003 over sets of patients (benchmarks/population_size.py)."""
    stop_rule: StopRule | None = None
    """One rule for all studies; None takes each study's own."""
    integrator: Literal["kernel", "scipy"] = "kernel"


class FitOptions(ProblemOptions):
    """Options of a fit: table `[fit]`."""

    starts: Annotated[int, Field(ge=1)] = 3
    compare_rules: bool = False
    """Whether to fit again under each of the stop rules."""


class SimulateOptions(BaseModel):
    """Options of the simulation of one individual: table `[simulate]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arm: str | None = None
    days: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
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
    samples: Annotated[int, Field(ge=1)] | None = None
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

    ensembles: int = 4
    walkers: int | None = None
    """Walkers of each ensemble; None takes twice the number of parameters and a few more."""
    steps: int = 600
    """A posterior such as that of `hcc_trial` is then 50 autocorrelation times long (docs/validation.md)."""
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
    jobs: Annotated[int, Field(ge=1)] = Field(default_factory=lambda: os.cpu_count() or 1)
    fit: FitOptions = FitOptions()
    simulate: SimulateOptions = SimulateOptions()
    sensitivity: SensitivityOptions = SensitivityOptions()

    @property
    def folder(self) -> str | None:
        """Absolute path of `data`, so that a task finds the tables wherever it is computed."""
        return None if self.data is None else str(self.data.resolve())


Options = TypeVar("Options", bound=BaseModel)


def parse_options(kind: type[Options], given: Mapping[str, Any]) -> Options:
    """Return options of a class from values given on the command line.

    Parameters
    ----------
    kind
        the class of the options
    given
        name of an option -> its value, nested as in the class; an option that is None was not given

    Raises
    ------
    UsageError
        naming the first option that cannot be used

    Examples
    --------
    >>> parse_options(FitOptions, {"patients": 64, "starts": None}).starts
    3
    """
    try:
        return kind.model_validate(_merge({}, given))
    except ValidationError as error:
        key, problem = _explain(error)
        raise UsageError(f"--{key.rpartition('.')[2].replace('_', '-')}: {problem}") from error


def read_settings(file: Path | None, options: Mapping[str, Any]) -> Settings:
    """Return the settings of a command.

    Parameters
    ----------
    file
        a configuration in TOML, or None
    options
        options given on the command line, nested as in the file; what is None was not given

    Raises
    ------
    DataError
        when the content of the file cannot be used
    UsageError
        when there is no such file or an option cannot be used
    """
    content = {} if file is None else read_configuration(file).model_dump(exclude_unset=True)
    return parse_options(Settings, _merge(content, options))


def read_configuration(file: Path) -> Settings:
    """Return the settings a file holds; `data` is made absolute.

    Raises
    ------
    DataError
        naming the file and the key that cannot be used
    UsageError
        when there is no such file
    """
    if not file.is_file():
        raise UsageError(f"no configuration '{file}'; give a TOML file with -c")
    return _parse(read_text(file, "write it as UTF-8 text"), file)


def read_run_settings(run: Run) -> Settings:
    """Return the settings a run keeps of its command.

    Raises
    ------
    DataError
        when its configuration is missing, or naming the key that cannot be used
    """
    return _parse(run.read(run.settings_file.name), run.settings_file)


def _parse(text: str, file: Path) -> Settings:
    """Return the settings in the text of a file."""
    try:
        settings = Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{file} is no TOML: {error}; correct it") from error
    except ValidationError as error:
        key, problem = _explain(error)
        raise DataError(f"{file}, key '{key}': {problem}") from error
    if settings.data is None:
        return settings
    return settings.model_copy(update={"data": (file.parent / settings.data).resolve()})


def write_configuration(settings: Settings, table: str, fields: Collection[str] | None = None) -> str:
    """Return the text of a configuration: model, data, seed and jobs, and the options of one table.

    Parameters
    ----------
    settings
        what to write; options that are None are left out
    table
        name of the table, such as `fit`
    fields
        names of the options of the table that are written; all of them when None

    Examples
    --------
    >>> print(write_configuration(Settings(model="gompertz", jobs=2), "fit", ["starts"]), end="")
    model = "gompertz"
    seed = 1
    jobs = 2
    <BLANKLINE>
    [fit]
    starts = 3
    """
    content = settings.model_dump(mode="json", include={"model", "seed", "jobs"}, exclude_none=True)
    if settings.folder is not None:
        content["data"] = settings.folder
    chosen = None if fields is None else set(fields)
    options: BaseModel = getattr(settings, table)
    return tomli_w.dumps({**content, table: options.model_dump(mode="json", include=chosen, exclude_none=True)})


def hold_the_same(one: str, other: str) -> bool:
    """Return whether the texts of two configurations hold the same keys and values, in whatever form.

    >>> hold_the_same("seed = 1", "seed=1  # of patients"), hold_the_same("seed = 1", "seed = ")
    (True, False)
    """
    try:
        return tomllib.loads(one) == tomllib.loads(other)
    except tomllib.TOMLDecodeError:
        return False


def _merge(content: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(content)
    for name, value in options.items():
        if isinstance(value, Mapping):
            merged[name] = _merge(merged.get(name) or {}, value)
        elif value is not None:
            merged[name] = value
    return merged


def _explain(error: ValidationError) -> tuple[str, str]:
    """Return the key of the first problem and what to do about it."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        tables: dict[str, type[BaseModel]] = {"fit": FitOptions, "simulate": SimulateOptions, "sensitivity": SensitivityOptions}
        table = tables.get(str(first["loc"][0]), Settings)
        return key, f"unknown; {nearest(str(first['loc'][-1]), table.model_fields)}"
    given = first["input"]
    message = first["msg"].removeprefix("Value error, ")
    return key, f"'{given}' cannot be used; {message[:1].lower()}{message[1:]}"
