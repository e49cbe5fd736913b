"""`kinimmune schema`: the JSON schema of a kind of result."""

from typing import Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import print_json

Kind = Annotated[str | None, typer.Argument(metavar="NAME", help="Name of a schema, such as fit; without it all are named.")]


def schema(
    name: Kind = None,
    seed: options.NoSeed = None,
    jobs: options.NoJobs = None,
    as_json: Annotated[bool, typer.Option("--json", help="Name the schemas as one JSON object; a schema is one anyway.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Print the JSON schema of what a command prints with `--json` and a run keeps."""
    from kinimmune.fitting.json_schemas import SCHEMA_NAMES, make_schema

    if name is not None:
        print_json(make_schema(name))
    elif as_json:
        print_json({"schema": "kinimmune.schemas/1", "names": list(SCHEMA_NAMES)})
    else:
        print("\n".join(SCHEMA_NAMES))
