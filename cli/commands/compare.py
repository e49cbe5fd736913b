"""`kinimmune compare`: fits of runs beside each other."""

from pathlib import Path
from typing import Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import Notes, print_json

Runs = Annotated[
    list[Path], typer.Argument(metavar="RUN RUN...", help="Folders of finished fits, two or more; the first is the reference.")
]
Target = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="CSV", help="Write every value as a row of this file too; - for stdout.")
]


def compare(
    runs: Runs,
    output: Target = None,
    seed: options.NoSeed = None,
    jobs: options.NoJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show fits beside each other: what differs between the runs, sums of squares, predictions, estimates.

    Differences are taken from the first run. Sums of squares and information criteria are shown only of fits to the same numbers
    with the same errors; what cannot be compared is named, and the rest is shown.
    """
    from kinimmune.cli.output_files import TABLE, Inputs, plan_output
    from kinimmune.cli.printing.compare import print_comparison
    from kinimmune.fitting.comparison.compare import compare as compare_fits
    from kinimmune.fitting.comparison.reading import read_runs
    from kinimmune.fitting.comparison.results import describe_comparison
    from kinimmune.fitting.comparison.table import to_csv

    target = None
    if output is not None:
        target = plan_output("-o", output, TABLE, Inputs(), stdout_is_free=not as_json)
    comparison = compare_fits(read_runs(runs))
    if target is not None and target.write(to_csv(comparison).encode()):
        Notes(quiet).say(f"replaced {target.path}")
    if as_json:
        print_json(describe_comparison(comparison))
    elif target is None or not target.fills_stdout:
        print_comparison(comparison)
