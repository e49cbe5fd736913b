"""`kinimmune ingest patients`: a table of patients in other words."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.ingested_files import plan_ingested, prepare_table
from kinimmune.cli.terminal import Notes, print_json
from kinimmune.models.errors import UsageError

if TYPE_CHECKING:
    from kinimmune.cli.output_files import OutputFile
    from kinimmune.models.symbolic.covariates import Covariate

File = Annotated[Path, typer.Argument(metavar="FILE", help="Table with a header, such as ADTTE: a row a patient and endpoint.")]
Map = Annotated[
    str,
    typer.Option(
        "--map",
        metavar="NAME=COLUMN,...",
        help="time and event; also patient, study, arm, endpoint, unit, last_without. event=CNSR:0: an event is where CNSR is 0; "
        "event=CNSR:0:1:2 names what is none, too. A column or value with a comma, a colon or = stands between double quotes.",
    ),
]
Arms = Annotated[
    str | None,
    typer.Option(
        "--arms", metavar="VALUE=ARM,...", help="What arms are called in FILE; others are left out. Quotes as in --map."
    ),
]
Endpoints = Annotated[
    str | None, typer.Option("--endpoints", metavar="VALUE=ENDPOINT,...", help="The same of endpoints: os, ttp or pfs.")
]
Covariates = Annotated[
    str | None,
    typer.Option(
        "--covariates",
        metavar="NAME=COLUMN,...",
        help="Columns known before treatment, such as ecog=ECOGBL,age; declared in covariates.csv beside -o. Quotes as in --map.",
    ),
]
StatusName = Annotated[str, typer.Option("--status", metavar="STATUS", help="reported, recalled, derived or assumed.")]
Table = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="CSV", help="Rows of patients.csv, added to what is there; - for stdout.")
]


def patients(
    file: File,
    columns: Map,
    arms: Arms = None,
    endpoints: Endpoints = None,
    covariates: Covariates = None,
    study: options.StudyName = None,
    arm: options.ArmName = None,
    endpoint: options.EndpointName = None,
    unit: options.TimeUnitName = None,
    source: options.SourceKey = None,
    locator: options.Locator = None,
    status: StatusName = "reported",
    output: Table = None,
    force: options.ForceRows = False,
    seed: options.NoSeed = None,
    jobs: options.NoJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Make rows of patients.csv from a trial's own table of patients, whose columns are called otherwise.

    What is left out is told on stderr. The rows of targets.csv that make what was written targets are printed.
    """
    from kinimmune.cli.printing.ingest import describe_patients, print_patients
    from kinimmune.fitting.curves.column_map import ColumnMap, parse_columns, parse_values
    from kinimmune.fitting.curves.patient_request import PatientRequest
    from kinimmune.fitting.curves.patient_table import read_patients
    from kinimmune.fitting.curves.rows import PATIENT_COLUMNS, list_target_row
    from kinimmune.fitting.curves.time_units import require_time_unit

    targets = plan_ingested({"-o": output}, None, (file,), stdout_is_free=not as_json)
    named = {"study": study, "arm": arm, "endpoint": endpoint, "source": source, "locator": locator}
    given = {"status": status, **{name: text.strip() for name, text in named.items() if text and text.strip()}}
    if "source" not in given or "locator" not in given:
        raise UsageError("the rows need --source and --locator; give the key of sources.csv and where in it the table stands")
    request = PatientRequest(
        file,
        ColumnMap.parse(columns),
        given,
        None if unit is None else require_time_unit("--unit", unit),
        parse_values("--arms", arms),
        parse_values("--endpoints", endpoints),
        parse_columns("--covariates", covariates),
        _read_declared(targets),
    )
    table = read_patients(request)
    more = tuple(request.covariates)
    tables = [prepare_table(target, PATIENT_COLUMNS, table.rows, replace=force, more=more) for target in targets.values()]
    notes = Notes(quiet)
    for text in (*table.notes, *filter(None, (item.write() for item in tables))):
        notes.say(text)
    rows = [list_target_row("patients", key, count, given) for key, (count, _) in table.groups().items()]
    content = describe_patients(table, rows if targets else (), tables)
    if as_json:
        print_json(content)
    else:
        print_patients(content, notes, stdout_is_free=not any(target.fills_stdout for target in targets.values()))


def _read_declared(targets: "Mapping[str, OutputFile]") -> "dict[str, Covariate] | None":
    """Return the covariates that the tables beside the output declare; None where the rows go to no file."""
    from kinimmune.models.tables.covariates import CovariateRow, examine_covariates
    from kinimmune.models.tables.rows import Tables

    path = next((target.path for target in targets.values() if not target.fills_stdout), None)
    if path is None:
        return None
    folder = path.parent
    beside = Tables(folder) if (folder / CovariateRow.table).is_file() else Tables()
    return {item.name: item for item in examine_covariates(beside).require()}
