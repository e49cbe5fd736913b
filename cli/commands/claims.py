"""`kinimmune claims`: the documents' sentences put to the test, with and without the mechanism each is about."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinimmune.cli import options
from kinimmune.cli.exits import Exit
from kinimmune.cli.terminal import Notes, print_json

if TYPE_CHECKING:
    from kinimmune.fitting.settings import Settings
    from kinimmune.models.tables.rows import Tables

AnyModel = Annotated[
    str | None, typer.Argument(metavar="MODEL", help="Name of a model, FILE.py or a project; all with claims if none.")
]


def claims(
    model: AnyModel = None,
    draws: Annotated[int, typer.Option("--draws", min=16, help="Draws from the priors.")] = 1000,
    data: options.Data = None,
    config: options.Config = None,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Test the documents' claims: at nominal values, over draws from the priors, and with the named mechanism cut.

    Exit code 1 says that a claim failed.  One is undecided where so few draws cannot tell; how many would, stands with it.
    """
    from kinimmune.cli.printing.claims import print_claims
    from kinimmune.fitting.claims.results import FAILED, to_plain
    from kinimmune.fitting.claims.run import ClaimTesting, run_claims

    notes = Notes(quiet)
    settings, names, tables = _choose_models(model, config, {"data": data, "seed": seed, "jobs": jobs}, notes)
    testing = ClaimTesting(draws, settings.seed, settings.jobs)
    with notes.progress() as show:
        records = run_claims(names, tables, testing, show)
    if as_json:
        print_json(to_plain(records))
    else:
        print_claims(records)
    if any(item.verdict == FAILED for item in records):
        raise typer.Exit(Exit.NOT_CONVERGED)


def _choose_models(
    model: str | None, config: Path | None, given: Mapping[str, Any], notes: Notes
) -> tuple["Settings", tuple[str, ...], "Tables"]:
    """Return the settings, the models whose claims are tested, all that have parameters if none is given, and their tables."""
    from kinimmune.cli.subjects import say_first
    from kinimmune.fitting.configuration import read_settings
    from kinimmune.fitting.projects.project import choose_subject
    from kinimmune.models.catalogue import model_names
    from kinimmune.models.model_file import open_model
    from kinimmune.models.tables.readers import read_model_names
    from kinimmune.models.tables.rows import Tables

    if model is None:
        settings = read_settings(config, given)
        tables = Tables(settings.data)
        in_use = read_model_names(tables)
        return settings, tuple(name for name in model_names(tables) if name in in_use), tables
    subject = choose_subject(model, config, given)
    say_first(notes, subject)
    name, tables = open_model(subject.model, Tables(subject.settings.data))
    return subject.settings, (name,), tables
