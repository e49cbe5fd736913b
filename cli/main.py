"""The `kinimmune` command: its sub-commands in the order of the work, and one line for every error.

Start with `main`.  A command imports what it needs when it runs, so that `--help` stays fast.
"""

import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from kinimmune.cli.commands.check import check
from kinimmune.cli.commands.claims import claims
from kinimmune.cli.commands.compare import compare
from kinimmune.cli.commands.doctor import doctor
from kinimmune.cli.commands.explore import explore
from kinimmune.cli.commands.fit import fit
from kinimmune.cli.commands.ingest import ingest
from kinimmune.cli.commands.init import init
from kinimmune.cli.commands.list import list_models
from kinimmune.cli.commands.predict import predict
from kinimmune.cli.commands.profile import profile
from kinimmune.cli.commands.report import report
from kinimmune.cli.commands.sample import sample
from kinimmune.cli.commands.schema import schema
from kinimmune.cli.commands.sensitivity import sensitivity
from kinimmune.cli.commands.show import show
from kinimmune.cli.commands.simulate import simulate
from kinimmune.cli.commands.task import task
from kinimmune.cli.exits import Exit
from kinimmune.cli.failures import (
    INTERNAL_ERRORS,
    leave_closed_pipe,
    one_line_warnings,
    prepare_environment,
    tell_error,
    wants_quiet,
)
from kinimmune.cli.interruptions import disregard_signals, interruptible
from kinimmune.cli.terminal import print_error
from kinimmune.models.errors import KinimmuneError

_INTERRUPTED_BY_TYPER = 130

app = typer.Typer(
    name="kinimmune",
    help="Models of regulatory T cells, effector T cells and tumour under kinase inhibitors, fitted to published trials.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,  # rich would double the time of --help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init", epilog="Example: kinimmune init my_trial --from dose_finding")(init)
app.command("list", epilog="Example: kinimmune list")(list_models)
app.command("show", epilog="Example: kinimmune show hcc_trial")(show)
app.command("simulate", epilog="Example: kinimmune simulate hcc_trial --arm sharp:sorafenib --days 360 -o course.csv")(simulate)
app.command("claims", epilog="Example: kinimmune claims hcc_trial --draws 200")(claims)
app.command("fit", epilog="Example: kinimmune fit hcc_trial -o runs/first --patients 256 --starts 3")(fit)
app.command("profile", epilog="Example: kinimmune profile runs/first --parameters growth_spread,kinase_shift")(profile)
app.command("sample", epilog="Example: kinimmune sample runs/first --jobs 2")(sample)
app.command(
    "sensitivity", epilog="Example: kinimmune sensitivity hcc_trial --method prcc --output hazard_ratio:sharp:os --samples 256"
)(sensitivity)
app.command("predict", epilog="Example: kinimmune predict runs/first --trial my_trial --size 100:800")(predict)
app.command("explore", epilog="Example: kinimmune explore hcc_trial")(explore)
app.command("compare", epilog="Example: kinimmune compare runs/first runs/second -o comparison.csv")(compare)
app.command("report", epilog="Example: kinimmune report runs/first -o first.pdf")(report)
app.command("task", epilog="Example: kinimmune task runs/first start-000")(task)
app.command("check", epilog="Example: kinimmune check my_trial")(check)
app.command("schema", epilog="Example: kinimmune schema fit")(schema)
app.command("doctor", epilog="Example: kinimmune doctor")(doctor)
app.add_typer(ingest, name="ingest")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"kinimmune {version('kinimmune')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Models of regulatory T cells, effector T cells and tumour under kinase inhibitors, fitted to published trials."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors become one line on stderr.

    Parameters
    ----------
    arguments
        the command line without the program's name; that of the process by default
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed before we began
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - for the rest of the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Greek letters is no reason to stop
    given = sys.argv[1:] if arguments is None else list(arguments)
    with interruptible():
        try:
            code = _run(given)
        except KeyboardInterrupt:
            code = _INTERRUPTED_BY_TYPER
        if code == _INTERRUPTED_BY_TYPER:
            print_error("interrupted")
            code = Exit.INTERRUPTED
        if code == Exit.INTERRUPTED:
            disregard_signals()  # the end has begun; a second one does not change the exit code
    return code


def _run(given: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    try:
        with one_line_warnings(quiet=wants_quiet(given)):
            prepare_environment(os.environ)
            code = app(args=given, prog_name="kinimmune", standalone_mode=False)
            sys.stdout.flush()  # a pipe that was closed tells so here
    except (KinimmuneError, typer.TyperException, OSError, *INTERNAL_ERRORS) as error:
        return tell_error(error, given)
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # typer ends with 1 then, which here says "did not converge"
            return leave_closed_pipe()
        raise
    return int(code or 0)
