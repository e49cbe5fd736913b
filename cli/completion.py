"""What the Tab key offers for words of a command line: models, arms, and what lies in folders.

Start with `complete_model`.  Only tables are read for it, as text, so that a shell need not wait.
"""

import os
from pathlib import Path

from kinimmune.cli.names import library_names, list_arms

LINES = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")
"""Environment variables in which shells give the line, bash the first, zsh and fish the second."""


def complete_model(incomplete: str) -> list[str]:
    """Return what MODEL or RUN may go on to: names of models, and folders and Python files beside them.

    >>> complete_model("gom")
    ['gompertz']
    """
    return [name for name in library_names() if name.startswith(incomplete)] + _list_paths(incomplete)


def complete_arm(incomplete: str) -> list[str]:
    """Return what `--arm` may go on to, of the model of the library that stands on the line.

    An option that has no value yet leaves the line unparsed, so its words are looked through.
    """
    words = " ".join(os.environ.get(name, "") for name in LINES).split()
    models = [word for word in words if word in library_names()]
    names = {name for model in models[:1] for name in list_arms(model)}
    return sorted(name for name in names if name.startswith(incomplete))


def _list_paths(incomplete: str) -> list[str]:
    """Return folders, with a slash at their end, and Python files whose paths begin like that."""
    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    try:
        found = sorted(path for path in folder.iterdir() if path.is_dir() or path.suffix == ".py")
    except OSError:
        return []
    shown = [f"{path.as_posix()}{'/' if path.is_dir() else ''}" for path in found if not path.name.startswith((".", "__"))]
    return [text for text in shown if text.startswith(incomplete.removeprefix("./"))]
