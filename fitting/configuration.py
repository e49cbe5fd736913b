"""Where settings come from: options of a command before the configuration file before the defaults; and how a file is written.

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
    every_scan = false       # true: patients who leave treatment are integrated from every scan
    correlations = true      # between numbers that share patients
    free = ["kinase_shift"]
    [fit.fix]
    immune_kill = 0.002      # true holds it at its value in the tables
    [fit.prior]
    "growth:sharp" = "lognormal(0.005, 0.5)"
    [fit.start]
    "growth:sharp" = 0.006
    [simulate]
    arm = "sharp:sorafenib"
    days = 360
    [simulate.set]
    growth = 0.01
"""

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomli_w
from pydantic import BaseModel, ValidationError

from kinimmune.fitting.runs.atomic_files import read_text
from kinimmune.fitting.runs.kept_model import FOLDER, find_kept
from kinimmune.fitting.runs.run import Run
from kinimmune.fitting.settings import FitOptions, SensitivityOptions, Settings, SimulateOptions, combine_changes
from kinimmune.models.errors import DataError, UsageError, nearest

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


def read_settings(file: Path | None, options: Mapping[str, Any], project: Settings | None = None) -> Settings:
    """Return the settings of a command.

    Parameters
    ----------
    file
        a configuration in TOML, or None
    options
        options given on the command line, nested as in the file; what is None was not given
    project
        settings of a project, which the file goes before

    Raises
    ------
    DataError
        when the content of the file cannot be used
    UsageError
        when there is no such file or an option cannot be used
    """
    content = {} if project is None else project.model_dump(exclude_unset=True)
    if file is not None:
        content = _lay_over(content, read_configuration(file).model_dump(exclude_unset=True))
    return parse_options(Settings, _lay_over(content, options))


def _lay_over(content: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with others in their place; what a fit takes otherwise than the tables say is told from both."""
    merged, asked = _merge(content, given), given.get("fit")
    if isinstance(asked, Mapping):
        changes = combine_changes(content.get("fit") or {}, asked)
        others = {name: value for name, value in merged["fit"].items() if name not in ("fix", "free", "prior", "start")}
        merged["fit"] = {**others, **changes}
    return merged


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


def _load_toml(text: str, file: Path) -> dict[str, Any]:
    """Return what a text in TOML says; a byte-order mark at its begin is skipped."""
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{file} is no TOML: {error}; correct it") from error
    except (RecursionError, ValueError) as error:  # brackets without end, a number of thousands of digits
        raise DataError(f"{file} is no configuration: {error}; correct it") from error


def _parse(text: str, file: Path) -> Settings:
    """Return the settings in the text of a file."""
    try:
        settings = Settings.model_validate(_load_toml(text, file))
    except ValidationError as error:
        key, problem = _explain(error)
        raise DataError(f"{file}, key '{key}': {problem}") from error
    if settings.data is None:
        return settings
    return settings.model_copy(update={"data": (file.parent / settings.data).resolve()})


def write_configuration(
    settings: Settings, table: str, fields: Collection[str] | None = None, *, home: Path | None = None
) -> str:
    """Return the text of a configuration: model, data, seed and jobs, and the options of one table.

    Parameters
    ----------
    settings
        what to write; options that are None are left out
    table
        name of the table, such as `fit`
    fields
        names of the options of the table that are written; all of them when None
    home
        run the configuration is of; tables it keeps are named from there, so that it can be moved

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
        kept = None if home is None else find_kept(home)
        content["data"] = FOLDER if kept is not None and settings.folder == str(kept) else settings.folder
    chosen = None if fields is None else set(fields)
    options: BaseModel = getattr(settings, table)
    written = options.model_dump(mode="json", include=chosen, exclude_none=True)
    return tomli_w.dumps({**content, table: {name: value for name, value in written.items() if value not in ({}, [])}})


def hold_the_same(one: str, other: str) -> bool:
    """Return whether the texts of two configurations hold the same keys and values, in whatever form.

    What one does not say is as the defaults have it, so that an option that came later makes no difference.

    >>> hold_the_same("seed = 1", "seed=1  # of patients"), hold_the_same("seed = 1", "seed = ")
    (True, False)
    """
    try:
        contents = [tomllib.loads(text) for text in (one, other)]
        if contents[0] == contents[1]:
            return True
        first, second = (Settings.model_validate({"jobs": 1, **content}) for content in contents)
    except (tomllib.TOMLDecodeError, ValidationError):
        return False
    return first == second


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
