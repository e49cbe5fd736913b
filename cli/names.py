"""Names on a command line held against the package's tables as text, before what understands them is imported.

Start with `require_names`.  What imports equations and integrators takes seconds; a slip of the pen is told at once.  Only
what is sure to be refused later is refused here, in the words that are used there: files, projects, runs, tables of the user's
own and plug-ins are left to those who read them.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from pkgutil import iter_modules

from kinimmune.models import library
from kinimmune.models.errors import UsageError, nearest

MODEL_FILE = "model.json"
TABLES_AND_SETTINGS = (".csv", ".toml", ".json", ".md")
"""Endings of the files in the folder of a project."""
DEVIATION = "_deviation"
"""Ending of the name of a parameter's deviation in one trial."""


def require_names(
    model: str,
    data: Path | None,
    config: Path | None = None,
    *,
    arms: Iterable[str | None] = (),
    studies: Iterable[str] = (),
    parameters: Iterable[str] = (),
) -> None:
    """Refuse a model, an arm, a study or a parameter that is in no table.

    Parameters
    ----------
    model
        MODEL as it was given; a run, a project, a file and a name with a folder in it are let be
    data, config
        tables and settings of the user's own, None for none: with them names are not known here
    arms
        ARM, STUDY:ARM or EXPERIMENT, None for one that was not given
    studies
        names of studies
    parameters
        NAME or NAME:STUDY

    Raises
    ------
    UsageError
        with the nearest name there is
    """
    path = Path(model)
    _require_no_file(path)
    if config is not None or path.exists() or len(path.parts) > 1 or model.endswith(".py"):
        return
    if model not in library_names():
        _require_other(model, data)
    elif data is None:
        for arm in filter(None, arms):
            _require(f"unknown arm '{arm}'", arm, list_arms(model))
        for study in studies:
            _require(f"no study '{study}'", study, {row["study"] for row in _rows_of(model, "trials.csv")})
        for name in parameters:
            _require_parameter(name, {row["name"] for row in _rows_of(model, "parameters.csv")})


def library_names() -> tuple[str, ...]:
    """Return the names of the models of the library, in alphabetical order.

    >>> "gompertz" in library_names()
    True
    """
    return tuple(sorted(item.name for item in iter_modules(library.__path__)))


def _require_no_file(path: Path) -> None:
    """Refuse a file that is no model: a table or the settings of a project, whose folder is wanted, a report, a picture."""
    if path.is_file() and path.suffix != ".py":
        folder = f"its folder, '{path.parent}'" if path.suffix in TABLES_AND_SETTINGS else "the folder of a project or run"
        raise UsageError(f"'{path}' is a file, and a model is wanted; give {folder}, or a name: kinimmune list")


def _require_other(model: str, data: Path | None) -> None:
    """Refuse a name that is neither that of a plug-in nor, perhaps, of a model beside the tables."""
    from kinimmune.models.plug_ins import find_plug_ins

    if data is not None and not data.is_dir():
        return  # which is told first
    beside = data is not None and (data / MODEL_FILE).exists()
    plug_ins = () if beside else tuple(find_plug_ins())
    if not beside and model not in plug_ins:
        raise UsageError(f"unknown model '{model}'; {nearest(model, [*library_names(), *plug_ins])}")


def list_arms(model: str) -> set[str]:
    """Return what `--arm` may be: arms alone and with their study, and experiments."""
    studies = {row["study"] for row in _rows_of(model, "trials.csv")}
    arms = [(row["study"], row["arm"]) for row in _read("arms.csv") if row["study"] in studies]
    experiments = {row["experiment"] for row in _rows_of(model, "experiments.csv")}
    return {arm for _, arm in arms} | {f"{study}:{arm}" for study, arm in arms} | experiments


def _require_parameter(given: str, names: set[str]) -> None:
    base = re.split("[:@]", given.strip())[0]
    if base.removesuffix(DEVIATION) not in names:
        _require(f"no parameter '{given.strip()}' here", base, names)


def _require(problem: str, given: str, names: Iterable[str]) -> None:
    """Raise an error where a name is not among others and is nearly one of them; who knows better lists all of them."""
    names = sorted(names)
    is_near = get_close_matches(given, names, 1) or given.casefold() in map(str.casefold, names)
    if given not in names and is_near:
        raise UsageError(f"{problem}; {nearest(given, names)}")


def _rows_of(model: str, table: str) -> Iterator[Mapping[str, str]]:
    """Yield the rows of a table that may be about a model."""
    for row in _read(table):
        if not row["model"] or model in row["model"].split():
            yield row


@cache
def _read(table: str) -> tuple[Mapping[str, str], ...]:
    """Return the rows of a table of the package."""
    return tuple(csv.DictReader(io.StringIO(files("kinimmune.data").joinpath(table).read_text(encoding="utf-8"))))
