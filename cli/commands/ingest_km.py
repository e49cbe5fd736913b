"""`kinimmune ingest km`: a Kaplan-Meier curve that was read off a figure."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.ingested_files import SEED, plan_ingested, plan_replicates, prepare_table, write_all
from kinimmune.cli.output_files import OutputFile
from kinimmune.cli.terminal import Notes, print_json
from kinimmune.models.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kinimmune.cli.ingested_files import ReplicateFiles, TableFile
    from kinimmune.fitting.curves.figure import FigureReading, FigureRequest
    from kinimmune.fitting.curves.rebuild import RebuiltPatients
    from kinimmune.fitting.curves.rows import Origin

STATISTICS = {"-o": "curve", "--patients": "patients"}
"""Option -> statistic in `targets.csv` of what it writes."""

Curve = Annotated[
    Path,
    typer.Argument(metavar="CURVE.csv", help="Points of the curve: time and survival, from any digitiser.", show_default=False),
]
AtRisk = Annotated[Path, typer.Option("--at-risk", metavar="RISK.csv", help="Numbers at risk: time and number, 0 first.")]
Between = Annotated[
    str,
    typer.Option(
        "--points", metavar="KIND", help="curve: straight lines between points. steps: each point is the foot of a vertical fall."
    ),
]
Median = Annotated[
    str | None,
    typer.Option("--median", metavar="M", help="Printed median, with its decimals, in the unit of the curve: corrects it."),
]
Events = Annotated[int | None, typer.Option("--events", metavar="N", min=1, help="Printed number of events.")]
Error = Annotated[
    float | None, typer.Option("--reading-error", metavar="SD", help="Of survival, as a share; estimated when not given.")
]
Table = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="CSV", help="Rows of curves.csv, added to what is there; - for stdout.")
]
Rebuilt = Annotated[
    Path | None, typer.Option("--patients", metavar="CSV", help="Rebuild patients: rows of patients.csv, added; - for stdout.")
]
Replicates = Annotated[
    int | None,
    typer.Option(
        "--replicates", metavar="N", help="N more, the curve read with other errors: FILE/FILE-1.csv, ... of --patients."
    ),
]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help=f"Seed of --replicates, {SEED} when not given.")]
Plot = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="Draw what was read: .svg, .png or .pdf; - for stdout.")
]


def km(
    curve: Curve,
    at_risk: AtRisk,
    unit: options.TimeUnitName = None,
    points: Between = "curve",
    median: Median = None,
    events: Events = None,
    reading_error: Error = None,
    study: options.StudyName = None,
    arm: options.ArmName = None,
    endpoint: options.EndpointName = None,
    source: options.SourceKey = None,
    locator: options.Locator = None,
    output: Table = None,
    patients: Rebuilt = None,
    replicates: Replicates = None,
    plot: Plot = None,
    force: options.ForceRows = False,
    seed: Seed = None,
    jobs: options.NoJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make rows of curves.csv from the points of a published Kaplan-Meier curve and the numbers at risk under it.

    The points are sorted and made monotone; what cannot be a survival curve is refused with its row. Survival is read at the
    times of the risk table. The row of targets.csv that makes what was written a target is printed.
    """
    from kinimmune.cli.printing.ingest import describe_reading, print_reading, tell_rebuilt
    from kinimmune.fitting.curves.figure import read_figure
    from kinimmune.fitting.curves.rebuild import rebuild

    targets = plan_ingested({"-o": output, "--patients": patients}, plot, (curve, at_risk), stdout_is_free=not as_json)
    origin = _gather_origin({"study": study, "arm": arm, "endpoint": endpoint, "source": source, "locator": locator}, targets)
    again = plan_replicates(replicates, targets, seed)
    reading = read_figure(_gather_request(curve, at_risk, unit, points, median, events, reading_error))
    rebuilt = None if patients is None else rebuild(reading.curve, reading.risk, events)
    tables = [] if origin is None else list(_prepare(reading, rebuilt, origin, targets, again, replace=force))
    picture = _draw(reading, rebuilt, origin, targets["--plot"].form) if "--plot" in targets else b""
    notes = Notes(quiet)
    for text in (*reading.list_notes(), *tell_rebuilt(rebuilt, reading), *write_all(tables, targets, picture, again)):
        notes.say(text)
    statistics = [name for option, name in STATISTICS.items() if option in targets]
    content = describe_reading(reading, rebuilt, origin, statistics, tables)
    if as_json:
        print_json(content)
    else:
        print_reading(content, notes, stdout_is_free=not any(target.fills_stdout for target in targets.values()))


def _gather_request(
    curve: Path,
    at_risk: Path,
    unit: str | None,
    points: str,
    median: str | None,
    events: int | None,
    reading_error: float | None,
) -> "FigureRequest":
    from kinimmune.fitting.curves.figure import FigureRequest
    from kinimmune.fitting.curves.median import PrintedMedian
    from kinimmune.fitting.curves.reading import Points
    from kinimmune.fitting.curves.rows import require_choice
    from kinimmune.fitting.curves.time_units import require_time_unit

    return FigureRequest(
        curve,
        at_risk,
        None if unit is None else require_time_unit("--unit", unit),
        Points(require_choice("--points", points, [item.value for item in Points])),
        None if median is None else PrintedMedian.parse(median),
        events,
        reading_error,
    )


def _gather_origin(given: "Mapping[str, str | None]", targets: "Mapping[str, OutputFile]") -> "Origin | None":
    """Return whose curve it is, None where that is not told and no table is written."""
    from kinimmune.fitting.curves.rows import Origin

    texts = {name: (text or "").strip() for name, text in given.items()}
    missing, told = [", ".join(f"--{name}" for name, text in texts.items() if bool(text) is full) for full in (False, True)]
    wanted = [option for option in STATISTICS if option in targets]
    if missing and wanted:
        raise UsageError(f"{wanted[0]} needs {missing}; give whose curve it is and where it stands")
    if missing and told:
        raise UsageError(f"{told} without {missing}; give all of them for whose curve it is, or none to look at the curve alone")
    return None if missing else Origin(**texts)


def _prepare(
    reading: "FigureReading",
    rebuilt: "RebuiltPatients | None",
    origin: "Origin",
    targets: "Mapping[str, OutputFile]",
    again: "ReplicateFiles | None",
    *,
    replace: bool,
) -> "Iterator[TableFile]":
    """Yield the tables that are wanted, replicates last; nothing is written."""
    from kinimmune.fitting.curves.printed_times import list_printed_times
    from kinimmune.fitting.curves.replicates import rebuild_again
    from kinimmune.fitting.curves.rows import CURVE_COLUMNS, PATIENT_COLUMNS, REBUILT, list_curve_rows, list_rebuilt_rows

    if "-o" in targets:
        rows = list_curve_rows(list_printed_times(reading.curve, reading.risk), origin, reading.describe())
        yield prepare_table(targets["-o"], CURVE_COLUMNS, rows, replace=replace)
    if rebuilt is not None:
        rows = list_rebuilt_rows(rebuilt, reading.curve.unit, origin, REBUILT)
        yield prepare_table(targets["--patients"], PATIENT_COLUMNS, rows, replace=replace)
    if again is not None:
        for number in range(1, again.count + 1):
            other = rebuild_again(reading, origin.key, again.seed, number)
            note = f"{REBUILT}; the curve read again, replicate {number} of seed {again.seed}"
            rows = list_rebuilt_rows(other, reading.curve.unit, origin, note)
            yield prepare_table(OutputFile(again.path(number)), PATIENT_COLUMNS, rows, replace=replace)


def _draw(reading: "FigureReading", rebuilt: "RebuiltPatients | None", origin: "Origin | None", form: str) -> bytes:
    from kinimmune.reports.figures.read_curve import plot_read_curve
    from kinimmune.reports.figures.style import render_as

    title = "" if origin is None else ":".join(origin.key)
    return render_as(plot_read_curve(reading, rebuilt, title), form)
