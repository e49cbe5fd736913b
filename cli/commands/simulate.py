"""`kinimmune simulate`: the course of one patient, by scipy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import Notes, format_number, print_json, print_table

if TYPE_CHECKING:
    from kinimmune.cli.patient import Course, Patient
    from kinimmune.cli.settings import Settings

PLOT = "Draw the course; without --arm the figure of the model's experiments, where it has one."
_SHOWN_TIMES = 7
"""Columns of the table on the terminal; files hold every day."""


def simulate(
    model: options.ModelName,
    arm: Annotated[
        str | None,
        typer.Option("--arm", help="STUDY:ARM or ARM of a trial, or an experiment of the model; untreated when not given."),
    ] = None,
    days: Annotated[
        float | None, typer.Option("--days", help="Horizon [d]; when not given 360, in an experiment its last read-out day.")
    ] = None,
    set_values: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change a parameter.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="CSV", help="Write the course, every day.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="SVG", help=PLOT)] = None,
    data: options.Data = None,
    config: options.Config = None,
    seed: options.UnusedSeed = None,
    jobs: options.UnusedJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Simulate one patient with the typical values of the parameters."""
    from kinimmune.cli.outputs import require_writable
    from kinimmune.cli.patient import parse_changes, plan_patient
    from kinimmune.cli.settings import read_settings
    from kinimmune.models.tables.rows import Tables

    given = {"arm": arm, "days": days, "set": parse_changes(set_values or [])}
    settings = read_settings(config, {"data": data, "simulate": given})
    for target in (output, plot):
        require_writable(target)
    patient = plan_patient(model, Tables(settings.data), settings.simulate)
    notes = Notes(quiet)
    notes.say(patient.summary)
    course = patient.simulate()
    if output is not None:
        output.write_text(course.csv(), encoding="utf-8")
        notes.say(f"wrote {output}")
    if plot is not None:
        _draw(course, patient, settings, plot)
        notes.say(f"wrote {plot}")
    if as_json:
        print_json(course.plain())
    else:
        _print_course(course)


def _draw(course: "Course", patient: "Patient", settings: "Settings", target: Path) -> None:
    from kinimmune.cli.picture import take_picture
    from kinimmune.models.tables.rows import Tables
    from kinimmune.reports.figures.course import plot_course
    from kinimmune.reports.figures.panels import plot_picture
    from kinimmune.reports.figures.style import render_svg
    from kinimmune.reports.typesetting.labels import collect_labels

    chosen, labels = settings.simulate, collect_labels(patient.model)
    picture = take_picture(patient.model, Tables(settings.data), chosen.set) if chosen.arm is None else None
    if picture is not None:
        target.write_bytes(render_svg(plot_picture(picture, labels)))
        return
    courses = {column.name: column.values for column in course.columns}
    target.write_bytes(render_svg(plot_course(course.time, courses, patient.summary, labels, patient.model.units)))


def _print_course(course: "Course") -> None:
    shown = [round(index * (course.time.size - 1) / (_SHOWN_TIMES - 1)) for index in range(_SHOWN_TIMES)]
    days = [f"day {course.time[index]:g}" for index in dict.fromkeys(shown)]
    rows = [
        (column.name, column.unit, *(format_number(float(column.values[index])) for index in dict.fromkeys(shown)))
        for column in course.columns
    ]
    print_table("", ("quantity", "unit", *days), rows, days)
