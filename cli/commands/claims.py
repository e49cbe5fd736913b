"""`kinimmune claims`: the documents' sentences put to the test, with and without the mechanism each is about."""

from typing import Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.exits import Exit
from kinimmune.cli.terminal import Notes, print_json

AnyModel = Annotated[str | None, typer.Argument(metavar="MODEL", help="Name of a model; all models with claims if none.")]


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

    Exit code 1 says that a claim failed.
    """
    from kinimmune.cli.printing.claims import print_claims
    from kinimmune.fitting.claims.results import to_plain
    from kinimmune.fitting.claims.run import ClaimTesting, run_claims
    from kinimmune.fitting.configuration import read_settings
    from kinimmune.models.catalogue import model_names, require_model
    from kinimmune.models.tables.readers import read_model_names
    from kinimmune.models.tables.rows import Tables

    settings = read_settings(config, {"data": data, "seed": seed, "jobs": jobs})
    tables = Tables(settings.data)
    if model is None:
        in_use = read_model_names(tables)
        names = tuple(name for name in model_names() if name in in_use)
    else:
        names = (require_model(model),)
    testing = ClaimTesting(draws, settings.seed, settings.jobs)
    with Notes(quiet).progress() as show:
        records = run_claims(names, tables, testing, show)
    if as_json:
        print_json(to_plain(records))
    else:
        print_claims(records)
    if any(item.verdict == "failed" for item in records):
        raise typer.Exit(Exit.NOT_CONVERGED)
