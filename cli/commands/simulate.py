"""`kinimmune simulate`: the course of one patient, by scipy."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.changes import SetValues, parse_changes
from kinimmune.cli.completion import complete_arm
from kinimmune.cli.names import require_names
from kinimmune.cli.terminal import Notes, print_json

if TYPE_CHECKING:
    from kinimmune.models.experiments.individual import Individual, IndividualCourse, IndividualRequest
    from kinimmune.models.tables.rows import Tables
    from kinimmune.reports.panels import Picture

TABLE = "Write the course, every day; - for stdout."
PLOT = "Draw the course; without --arm the figure of the model's experiments, where it has one: .svg, .png or .pdf; - for stdout."
ONLY = "States and outputs that are shown, written and drawn; all if none."


def simulate(
    model: options.ModelName,
    arm: Annotated[
        str | None,
        typer.Option(
            "--arm",
            autocompletion=complete_arm,
            help="STUDY:ARM or ARM of a trial, or an experiment of the model; untreated when not given.",
        ),
    ] = None,
    days: Annotated[
        float | None,
        typer.Option("--days", help="Horizon [d]; when not given that of the model, in an experiment its last read-out day."),
    ] = None,
    set_values: SetValues = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="CSV", help=TABLE)] = None,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help=PLOT)] = None,
    only: Annotated[str | None, typer.Option("--only", metavar="A,B", help=ONLY)] = None,
    data: options.Data = None,
    config: options.Config = None,
    seed: options.NoSeed = None,
    jobs: options.NoJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Simulate one patient with the typical values of the parameters."""
    changes = parse_changes(set_values or [])
    require_names(model, data, config, arms=[arm], parameters=changes)
    from kinimmune.cli.output_files import PICTURE, TABLE, Inputs, plan_outputs
    from kinimmune.cli.printing.individual import describe_course, print_course, write_csv
    from kinimmune.cli.subjects import say_first
    from kinimmune.fitting.projects.project import choose_subject
    from kinimmune.models.tables.rows import Tables

    subject = choose_subject(model, config, {"data": data, "simulate": {"arm": arm, "days": days, "set": changes}})
    inputs = Inputs(subject.settings.data, config)
    targets = plan_outputs([("-o", output, TABLE), ("--plot", plot, PICTURE)], inputs, stdout_is_free=not as_json)
    notes, request = Notes(quiet), subject.settings.simulate.request
    say_first(notes, subject)
    individual, tables = _plan(subject.model, Tables(subject.settings.data), request)
    drawn = _find_picture(individual, request, tables) if only is None and "--plot" in targets else None
    notes.say(individual.summary)
    course = _follow(individual, only)
    for option, target in targets.items():
        content = write_csv(course).encode() if option == "-o" else _draw(course, individual, drawn, target.form)
        replaced = target.write(content)
        if not target.fills_stdout:
            notes.say(f"{'replaced' if replaced else 'wrote'} {target.path}")
    if as_json:
        print_json(describe_course(course))
    elif not any(target.fills_stdout for target in targets.values()):
        print_course(course)


def _plan(model: str, tables: "Tables", request: "IndividualRequest") -> tuple["Individual", "Tables"]:
    """Return the individual of a model, and the tables of it; trials and experiments are read where an arm is asked for."""
    from kinimmune.models.catalogue import load_model
    from kinimmune.models.experiments.design import Designs
    from kinimmune.models.experiments.individual import plan_individual
    from kinimmune.models.model_file import open_model
    from kinimmune.models.tables.readers import read_designs

    name, tables = open_model(model, tables)
    built = load_model(name, tables)
    return plan_individual(built, request, Designs() if request.arm is None else read_designs(built, tables)), tables


def _follow(individual: "Individual", only: str | None) -> "IndividualCourse":
    """Return the course of an individual, of named quantities alone where there are any."""
    from kinimmune.models.experiments.individual import select_quantities, simulate_individual

    course = simulate_individual(individual)
    return course if only is None else select_quantities(course, options.split_names(only))


def _find_picture(individual: "Individual", request: "IndividualRequest", tables: "Tables") -> "Picture | None":
    """Return what the figure of the model's experiments is drawn from, for an untreated individual, where the tables have one."""
    from kinimmune.reports.gather_panels import gather_picture

    return gather_picture(individual.model, tables, request.changes) if request.arm is None else None


def _draw(course: "IndividualCourse", individual: "Individual", picture: "Picture | None", form: str) -> bytes:
    """Return the figure of a model's experiments, where one is given, else of a course."""
    from kinimmune.reports.figures.course import plot_course
    from kinimmune.reports.figures.panels import plot_picture
    from kinimmune.reports.figures.style import render_as
    from kinimmune.reports.typesetting.labels import collect_labels

    labels = collect_labels(individual.model)
    if picture is not None:
        return render_as(plot_picture(picture, labels), form)
    courses = {item.name: item.course for item in course.quantities}
    return render_as(plot_course(course.time, courses, individual.summary, labels, individual.model.units), form)
