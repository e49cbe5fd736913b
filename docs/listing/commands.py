"""Every command with its arguments and options, as a page of the site, read from the command line itself.

Start with `list_commands`.
"""

from collections.abc import Iterator
from typing import Any

import typer

from kinimmune.cli.main import app


def list_commands() -> str:
    """Return one Markdown section for each command, in the order of `kinimmune --help`."""
    return "\n\n".join(_describe(name, command) for name, command in _walk("kinimmune", typer.main.get_command(app)))


def _walk(prefix: str, group: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer keeps the types of its commands to itself
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _walk(f"{prefix} {name}", command)
        else:
            yield f"{prefix} {name}", command


def _describe(name: str, command: Any) -> str:  # noqa: ANN401 - as above
    context = typer.Context(command, info_name=name)
    usage = command.get_usage(context).removeprefix("Usage: ")
    rows = [record for item in command.params if (record := item.get_help_record(context)) is not None]
    lines = [f"## {name}", "", command.help, "", "```text", " ".join(usage.split()), "```", ""]
    if rows:
        lines += ["| argument or option | meaning |", "|---|---|"]
        lines += [f"| `{_in_cell(given)}` | {_in_cell(meaning)} |" for given, meaning in rows]
    if command.epilog:
        lines += ["", "```sh", command.epilog.removeprefix("Example: "), "```"]
    return "\n".join(lines)


def _in_cell(text: str) -> str:
    """Return a text for a cell of a table, in which a bar would begin the next one."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "\\<")
