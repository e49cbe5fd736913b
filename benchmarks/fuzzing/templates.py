"""What is mutated, made once: folders of tables, a finished and an interrupted run, a configuration, a cache of kernels.

Start with `make_templates`.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from toy_tables import write_toy_tables

from fuzzing.children import PATIENCE, Outcome, run_forked
from fuzzing.commands import FIT, RUN_COMMANDS, Command
from fuzzing.comparison import read_numbers, read_written
from fuzzing.configurations import CONFIGURATION

PACKAGE, OWN, RUN, INTERRUPTED, CONFIGURED, CACHE = "package", "own", "run", "interrupted", "configured", "cache"


@dataclass(frozen=True)
class Expected:
    """What comes out of a command where nothing was mutated."""

    outcome: Outcome
    numbers: dict[str, float]


@dataclass(frozen=True)
class Templates:
    """Where the templates lie, and what commands give on them."""

    folder: Path
    quick: bool
    """Whether the run holds a fit alone."""
    known: dict[tuple[str, str], Expected] = field(default_factory=dict)

    def copy(self, name: str, target: Path) -> None:
        """Copy a template."""
        shutil.copytree(self.folder / name, target, symlinks=True)

    def expect(self, name: str, command: Command, scratch: Path) -> Expected:
        """Return what a command gives on a template; it is carried out once, in a folder of its own."""
        key = (name, command.name)
        if key not in self.known:
            lay_out(self, name, scratch)
            outcome = run_forked([*command.arguments, "--json"], scratch)
            self.known[key] = Expected(outcome, gather_numbers(command, outcome, scratch))
            shutil.rmtree(scratch)
        return self.known[key]


def gather_numbers(command: Command, outcome: Outcome, folder: Path) -> dict[str, float]:
    """Return the numbers a command printed and wrote."""
    numbers = read_numbers(outcome.out) or {}
    for name in command.writes:
        numbers |= read_written(folder / name)
    return numbers


def lay_out(templates: Templates, name: str, folder: Path) -> None:
    """Make the folder of a case with a copy of a template in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if name == CONFIGURED:
        templates.copy(name, folder)
        return
    folder.mkdir()
    templates.copy(name, folder / ("tables" if name in (PACKAGE, OWN) else "run" if name != CACHE else "cache"))
    if name == CACHE:
        templates.copy(OWN, folder / "tables")


def make_templates(folder: Path, *, quick: bool) -> Templates:
    """Make all templates; takes about a minute, some seconds where the run is to hold a fit alone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    templates = Templates(folder, quick)
    _copy_tables(folder / PACKAGE)
    write_toy_tables(folder / OWN)
    shutil.copytree(folder / OWN, folder / CONFIGURED)
    (folder / CONFIGURED / "config.toml").write_text(CONFIGURATION, encoding="utf-8")
    _carry_out(folder, [*FIT, "--data", OWN])
    _interrupt(folder / RUN, folder / INTERRUPTED)
    if not quick:
        for command in (RUN_COMMANDS[2], RUN_COMMANDS[3], RUN_COMMANDS[4], RUN_COMMANDS[0]):
            _carry_out(folder, [word for word in command.arguments if word != "--resume"])
        _copy_cache(folder / CACHE)
    return templates


def _carry_out(folder: Path, arguments: Sequence[str]) -> None:
    outcome = run_forked([*arguments, "--quiet"], folder, PATIENCE)
    if outcome.code not in (0, 1):
        raise SystemExit(f"kinimmune {' '.join(arguments)}: exit code {outcome.code}: {outcome.err}")


def _copy_tables(target: Path) -> None:
    target.mkdir()
    for table in files("kinimmune.data").iterdir():
        if table.name.endswith(".csv"):
            (target / table.name).write_bytes(table.read_bytes())


def _interrupt(run: Path, target: Path) -> None:
    """Copy a run as it was when its second start had not finished."""
    shutil.copytree(run, target)
    for path in (target / "results").iterdir():
        if path.is_file():
            path.unlink()
    for path in (target / "results" / "tasks").iterdir():
        if path.name != "start-000.json":
            path.unlink()
    record = json.loads((target / "run.json").read_text(encoding="utf-8"))
    (target / "run.json").write_text(json.dumps({**record, "status": "running", "notes": []}), encoding="utf-8")


def _copy_cache(target: Path) -> None:
    """Copy the kernels that commands have compiled; time stamps are kept, without which they would be compiled anew."""
    from kinimmune.models.kernel.cache import cache_folder

    shutil.copytree(cache_folder(), target)
