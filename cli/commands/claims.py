"""`kinimmune claims`: the documents' sentences put to the test, with and without the mechanism each is about."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinimmune.cli import options
from kinimmune.cli.completion import complete_model
from kinimmune.cli.exits import Exit
from kinimmune.cli.names import require_names
from kinimmune.cli.terminal import Notes, print_json
from kinimmune.models.errors import UsageError

if TYPE_CHECKING:
    from kinimmune.fitting.claims.results import ClaimRecord
    from kinimmune.fitting.settings import Settings
    from kinimmune.models.tables.rows import Tables

Subject = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL|RUN",
        autocompletion=complete_model,
        help="Name of a model, FILE.py or a project, all models with claims if none; or the folder of a run, at whose fit the "
        "claims are tried as well.",
    ),
]


def claims(
    subject: Subject = None,
    draws: Annotated[int, typer.Option("--draws", min=16, help="Draws from the priors, and from the posterior of a RUN.")] = 1000,
    data: options.Data = None,
    config: options.Config = None,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Test the documents' claims: at nominal values, over draws from the priors, and with the named mechanism cut.

    Of a RUN also where its fit leaves the parameters: at the estimates, and over draws of its sample, or else of the normal
    approximation at the optimum. The result goes to RUN/results/claims.json, and `kinimmune report RUN` shows it.

    Exit code 1 says that a claim failed. One is undecided where so few draws cannot tell; how many would, stands with it.
    """
    if subject is not None:
        require_names(subject, data, config)
    from kinimmune.cli.printing.claims import print_claims
    from kinimmune.fitting.claims.results import FAILED, to_plain

    given = {"data": data, "seed": seed, "jobs": jobs}
    if subject is not None and options.names_run(subject):
        records, note = _try_run(Path(subject), config, given, draws, Notes(quiet))
    else:
        records, note = _try_models(subject, config, given, draws, Notes(quiet)), ""
    if as_json:
        print_json(to_plain(records))
    else:
        print_claims(records, note)
    if any(item.verdict == FAILED for item in records):
        raise typer.Exit(Exit.NOT_CONVERGED)


def _try_run(
    folder: Path, config: Path | None, given: Mapping[str, Any], draws: int, notes: Notes
) -> tuple[tuple["ClaimRecord", ...], str]:
    """Return what becomes of the claims about the model of a run, and what its draws are; seed and threads are the run's."""
    from kinimmune.fitting.claims.run import ClaimTesting
    from kinimmune.fitting.configuration import read_run_settings, read_settings
    from kinimmune.fitting.estimation.fitted import read_fitted
    from kinimmune.fitting.run_claims.run import try_fit
    from kinimmune.fitting.runs.lock import lock_run
    from kinimmune.fitting.runs.run import open_run

    if given["data"] is not None:
        raise UsageError(
            f"--data {given['data']}: run '{folder}' keeps its tables; leave it out, or test the claims of the model"
        )
    run = open_run(folder)
    kept = read_run_settings(run)
    own = {"seed": kept.seed, "jobs": kept.jobs if "jobs" in kept.model_fields_set else None}
    settings = read_settings(config, {**own, **{name: given[name] for name in own if given[name] is not None}})
    with lock_run(folder), notes.progress() as show:
        found = try_fit(read_fitted(open_run(folder)), ClaimTesting(draws, settings.seed, settings.jobs), show)
    return found.records, found.note


def _try_models(
    subject: str | None, config: Path | None, given: Mapping[str, Any], draws: int, notes: Notes
) -> tuple["ClaimRecord", ...]:
    """Return what becomes of the claims about a model, or about all."""
    from kinimmune.fitting.claims.run import ClaimTesting, run_claims

    settings, names, tables = _choose_models(subject, config, given, notes)
    with notes.progress() as show:
        return run_claims(names, tables, ClaimTesting(draws, settings.seed, settings.jobs), show)


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
    about = choose_subject(model, config, given)
    say_first(notes, about)
    name, tables = open_model(about.model, Tables(about.settings.data))
    return about.settings, (name,), tables
