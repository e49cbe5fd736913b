"""`kinimmune check`: everything wrong with a folder of tables, or with the package's."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.exits import Exit
from kinimmune.cli.terminal import print_json

if TYPE_CHECKING:
    from kinimmune.models.tables.findings import Finding

CONFIGURATION = "config.toml"


def check(
    folder: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="Tables and config.toml of your own; else the package's tables.")
    ] = None,
    seed: options.UnusedSeed = None,
    jobs: options.UnusedJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Check tables and configuration: one line for each thing that is wrong."""
    from kinimmune.fitting import lint
    from kinimmune.models.tables.rows import Tables

    findings = (*lint.check(Tables(folder)), *_check_configuration(folder))
    if as_json:
        print_json(
            {
                "schema": "kinimmune.check/1",
                "folder": None if folder is None else str(folder),
                "findings": [
                    {"file": item.file, "row": item.row, "column": item.column, "message": item.message} for item in findings
                ],
            }
        )
    else:
        print("\n".join(item.message for item in findings) or "nothing wrong")
    if findings:
        raise typer.Exit(Exit.DATA)


def _check_configuration(folder: Path | None) -> "tuple[Finding, ...]":
    from kinimmune.fitting.configuration import read_configuration
    from kinimmune.models.errors import DataError
    from kinimmune.models.tables.findings import Finding

    if folder is None or not (folder / CONFIGURATION).exists():
        return ()
    try:
        read_configuration(folder / CONFIGURATION)
    except DataError as error:
        return (Finding(CONFIGURATION, None, None, str(error)),)
    return ()
