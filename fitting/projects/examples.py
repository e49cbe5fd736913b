"""The examples that travel with the package: each is a folder with a page, tables, and what else a project has.

Start with `list_examples` and `read_example`.
"""

import csv
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.tables.files import PROJECT_FILE

PAGE = "README.md"
CONFIGURATION = "config.toml"
"""Settings of an example whose tables are given with `--data`; a project has them in its own file."""
_ENDINGS = (".csv", ".json", ".md", ".py", ".toml")


@dataclass(frozen=True)
class Example:
    """One example."""

    name: str
    title: str
    about: str
    """What it is, in the words of its page before the first command."""
    model: str
    """As its project file names it."""
    texts: dict[str, str]
    """File name -> content of its tables and, where it has one, its model."""
    settings: str
    """Text of its project file."""


def list_examples() -> dict[str, str]:
    """Return name -> title of the examples, in alphabetical order.

    >>> "own_model" in list_examples()
    True
    """
    return {name: _read_page(folder)[0] for name, folder in sorted(_find_folders().items())}


def read_example(name: str) -> Example:
    """Return an example with everything a project needs of it.

    Raises
    ------
    UsageError
        when there is no such example
    """
    folders = _find_folders()
    if name not in folders:
        raise UsageError(f"unknown example '{name}'; {nearest(name, sorted(folders))}")
    folder = folders[name]
    texts = {item.name: item.read_text(encoding="utf-8") for item in folder.iterdir() if item.name.endswith(_ENDINGS)}
    title, about = _read_page(folder)
    settings = texts.get(PROJECT_FILE) or _settle(texts)
    kept = {key: text for key, text in texts.items() if key not in (PAGE, CONFIGURATION, PROJECT_FILE)}
    return Example(name, title, about, tomllib.loads(settings)["model"], kept, settings)


def _find_folders() -> dict[str, Traversable]:
    """Return name -> folder of every example: those that have a page."""
    return {item.name: item for item in files("kinimmune.examples").iterdir() if item.is_dir() and (item / PAGE).is_file()}


def _read_page(folder: Traversable) -> tuple[str, str]:
    """Return the title of an example's page, and its text before the first command."""
    title, _, rest = (folder / PAGE).read_text(encoding="utf-8").partition("\n")
    return title.lstrip("# ").strip(), rest.partition("```")[0].strip()


def _settle(texts: dict[str, str]) -> str:
    """Return the text of a project file for an example without one: its settings, or the model of its parameters."""
    lines = texts.get(CONFIGURATION, "").splitlines(keepends=True)
    kept = "".join(line for line in lines if line.partition("=")[0].strip() != "data")
    if "model" in tomllib.loads(kept):
        return kept
    rows = csv.DictReader(texts.get("parameters.csv", "").splitlines())
    models = list(dict.fromkeys(name for row in rows for name in (row["model"] or "").split()))
    return f'model = "{models[0] if models else "hcc_trial"}"\n{kept}'
