"""What an ingestion made: as an object and as tables.

Start with `describe_reading` and `describe_patients`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kinimmune.cli.terminal import Notes, format_number, print_table

if TYPE_CHECKING:
    from kinimmune.cli.ingested_files import TableFile
    from kinimmune.fitting.curves.figure import FigureReading
    from kinimmune.fitting.curves.patient_table import PatientTable
    from kinimmune.fitting.curves.rebuild import RebuiltPatients
    from kinimmune.fitting.curves.rows import Origin

SCHEMA = "kinimmune.ingest/1"
_NUMBERS = ("month", "survival", "reading error", "at risk")


def describe_reading(
    reading: "FigureReading",
    rebuilt: "RebuiltPatients | None",
    origin: "Origin | None",
    statistics: Sequence[str],
    tables: "Sequence[TableFile]",
) -> dict[str, Any]:
    """Return a read curve as the command prints it with `--json`; with the statistics of `targets.csv` that were written."""
    from kinimmune.fitting.curves.printed_times import list_printed_times
    from kinimmune.fitting.curves.rows import KEY, list_target_row

    key = (None, None, None) if origin is None else origin.key
    curve, correction = reading.curve, reading.correction
    return {
        "schema": SCHEMA,
        "kind": "km",
        **dict(zip(KEY, key, strict=True)),
        "unit": curve.unit.value,
        "points": int(reading.clicks.time.size),
        "largest_move": reading.moved,
        "reading_error": curve.error.value,
        "reading_error_origin": curve.error.origin,
        "time_error": curve.time_error,
        "median": None
        if correction is None
        else {"printed": correction.printed.value, "read": correction.read, "shift": correction.shift},
        "curve": [asdict(time) for time in list_printed_times(curve, reading.risk)],
        "rebuilt": None if rebuilt is None else _describe_rebuilt(reading, rebuilt),
        "targets": []
        if origin is None
        else [list_target_row(name, origin.key, reading.patients, origin.cells("")) for name in statistics],
        "files": _list_files(tables),
        "notes": list(reading.list_notes()),
    }


def _describe_rebuilt(reading: "FigureReading", rebuilt: "RebuiltPatients") -> dict[str, object]:
    return {
        "patients": int(rebuilt.time.size),
        "events": rebuilt.events,
        "events_printed": reading.events,
        "farthest_from_curve": rebuilt.farthest_from(reading.curve),
    }


def tell_rebuilt(rebuilt: "RebuiltPatients | None", reading: "FigureReading") -> Iterator[str]:
    """Yield what was rebuilt, in a sentence."""
    if rebuilt is None:
        return
    printed = "" if reading.events is None else f" of {reading.events} printed"
    yield (
        f"rebuilt {rebuilt.time.size} patients with {rebuilt.events} events{printed}, numbers at risk as printed, Kaplan-Meier "
        f"within {rebuilt.farthest_from(reading.curve):.2g} of the curve; they are nobody's own data"
    )


def _list_files(tables: "Sequence[TableFile]") -> list[dict[str, object]]:
    return [
        {
            "path": None if table.target.path is None else str(table.target.path),
            "rows": table.added,
            "replaced": table.merged.replaced,
            "kept": table.merged.kept,
        }
        for table in tables
    ]


def print_reading(content: Mapping[str, Any], notes: Notes, *, stdout_is_free: bool) -> None:
    """Print a read curve as a table, and the row that makes it a target; the latter on stderr where a file fills stdout."""
    if stdout_is_free:
        rows = [
            [format_number(row["month"]), f"{row['survival']:.4f}", format_number(row["reading_error"], 2), str(row["at_risk"])]
            for row in content["curve"]
        ]
        print_table("Survival at the times of the risk table", _NUMBERS, rows, _NUMBERS)
    if content["study"] is None:
        notes.say("give --study, --arm, --endpoint, --source and --locator for rows of curves.csv and targets.csv")
    else:
        _print_targets(
            content["targets"],
            notes,
            "-o for rows of curves.csv, --patients for rows of patients.csv",
            stdout_is_free=stdout_is_free,
        )


def _print_targets(rows: Sequence[Mapping[str, str]], notes: Notes, otherwise: str, *, stdout_is_free: bool) -> None:
    """Print the rows that make what was written targets; where nothing was, what to give otherwise."""
    from kinimmune.fitting.curves.rows import write_targets

    if not rows:
        notes.say(f"give {otherwise}")
        return
    text = write_targets(rows).rstrip("\n")
    twice = len({(row["study"], row["arm"], row["endpoint"]) for row in rows}) < len(rows)
    lead = f"to fit it, in targets.csv{' (one of the two: they hold the same)' if twice else ''}:"
    if stdout_is_free:
        print(f"{lead}\n{text}")
    else:
        for line in (lead, *text.splitlines()):
            notes.say(line)


def describe_patients(
    table: "PatientTable", targets: Sequence[Mapping[str, str]], tables: "Sequence[TableFile]"
) -> dict[str, Any]:
    """Return patients as the command prints them with `--json`."""
    from kinimmune.fitting.curves.rows import KEY

    groups = [
        {**dict(zip(KEY, key, strict=True)), "patients": count, "events": events}
        for key, (count, events) in table.groups().items()
    ]
    return {
        "schema": SCHEMA,
        "kind": "patients",
        "groups": groups,
        "targets": [dict(row) for row in targets],
        "files": _list_files(tables),
        "notes": list(table.notes),
    }


def print_patients(content: Mapping[str, Any], notes: Notes, *, stdout_is_free: bool) -> None:
    """Print how many patients and events each arm has, and the rows that make them targets."""
    if stdout_is_free:
        rows = [
            [*(row[name] for name in ("study", "arm", "endpoint")), str(row["patients"]), str(row["events"])]
            for row in content["groups"]
        ]
        print_table("Patients", ("study", "arm", "endpoint", "patients", "events"), rows, ("patients", "events"))
    _print_targets(content["targets"], notes, "-o for rows of patients.csv", stdout_is_free=stdout_is_free)
