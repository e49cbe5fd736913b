"""Settings of a command: options before the configuration file before the defaults, checked by pydantic.

Start with `read_settings`.  A file looks like this; everything in it is optional::

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

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from kinimmune.fitting.runs.atomic_files import read_text
from kinimmune.models.errors import DataError, UsageError, nearest
from kinimmune.models.trial.design import StopRule


def _power_of_two(value: int) -> int:
    if value < 1 or value & (value - 1):
        lower = 1 << max(value.bit_length() - 1, 0) if value > 0 else 1
        raise ValueError(f"must be a power of two, such as {lower} or {2 * lower}: the Sobol points need it")
    return value


class FitOptions(BaseModel):
    """Table `[fit]`; what is None is left to the defaults of `FitSettings`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    patients: Annotated[int, AfterValidator(_power_of_two)] | None = None
    starts: Annotated[int, Field(ge=1)] | None = None
    stop_rule: StopRule | None = None
    integrator: Literal["kernel", "scipy"] | None = None
    compare_rules: bool | None = None


class SimulateOptions(BaseModel):
    """Table `[simulate]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arm: str | None = None
    days: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 360.0
    set: dict[str, Annotated[float, Field(allow_inf_nan=False)]] = {}


class SensitivityOptions(BaseModel):
    """Table `[sensitivity]`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    output: str | None = None
    arm: str | None = None
    method: Literal["local", "morris", "sobol", "prcc"] | None = None
    samples: Annotated[int, Field(ge=1)] | None = None
    patients: Annotated[int, AfterValidator(_power_of_two)] | None = None
    second_order: bool | None = None
    parameters: list[str] = []
    range: dict[str, tuple[float, float]] = {}
    group: dict[str, list[str]] = {}


class Settings(BaseModel):
    """Everything a command can be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = None
    data: Path | None = None
    seed: Annotated[int, Field(ge=0)] = 1
    jobs: Annotated[int, Field(ge=1)] = Field(default_factory=lambda: os.cpu_count() or 1)
    fit: FitOptions = FitOptions()
    simulate: SimulateOptions = SimulateOptions()
    sensitivity: SensitivityOptions = SensitivityOptions()


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
    try:
        return Settings.model_validate(_merge(content, options))
    except ValidationError as error:
        key, problem = _explain(error)
        raise UsageError(f"--{key.rpartition('.')[2].replace('_', '-')}: {problem}") from error


def read_configuration(file: Path) -> Settings:
    """Return the settings a file holds.

    Raises
    ------
    DataError
        naming the file and the key that cannot be used
    UsageError
        when there is no such file
    """
    if not file.is_file():
        raise UsageError(f"no configuration '{file}'; give a TOML file with -c")
    try:
        content = tomllib.loads(read_text(file, "write it as UTF-8 text"))
        settings = Settings.model_validate(content)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{file} is no TOML: {error}; correct it") from error
    except ValidationError as error:
        key, problem = _explain(error)
        raise DataError(f"{file}, key '{key}': {problem}") from error
    if settings.data is None:
        return settings
    return settings.model_copy(update={"data": (file.parent / settings.data).resolve()})


def write_configuration(values: Mapping[str, object], section: str) -> str:
    """Return the text of a configuration: model, data, seed and jobs on top, every other value in `[section]`.

    >>> print(write_configuration({"model": "gompertz", "seed": 1, "starts": 3}, "fit"), end="")
    model = "gompertz"
    seed = 1
    <BLANKLINE>
    [fit]
    starts = 3
    """
    shared = ("model", "data", "seed", "jobs")
    given = {name: value for name, value in values.items() if value is not None}
    top = [f"{name} = {_toml(given[name])}" for name in shared if name in given]
    below = [f"{name} = {_toml(value)}" for name, value in given.items() if name not in shared]
    return "\n".join([*top, "", f"[{section}]", *below, ""])


def _toml(value: object) -> str:
    """Return a number or text in TOML; JSON writes both the same way."""
    return json.dumps(value if isinstance(value, int | float) else str(value), ensure_ascii=False)


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
