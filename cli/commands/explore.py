"""`kinimmune explore`: a model, a project or a run on a page in the browser, whose numbers can be moved."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import Notes
from kinimmune.models.errors import MachineError, UsageError

if TYPE_CHECKING:
    from kinimmune.fitting.exploration.session import Session
    from kinimmune.reports.explorer.server import ExplorerServer

Subject = Annotated[
    str,
    typer.Argument(
        metavar="MODEL|RUN|PROJECT",
        help="Name of a model, FILE.py or a project, at the values of its tables; or folder of a run, at its estimates.",
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FOLDER", help="Where saved arms go, a folder each; the browser keeps them if none."),
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; any that is free if none is given.")]


def explore(
    subject: Subject,
    patients: Annotated[int | None, typer.Option("--patients", help="Virtual patients per arm, a power of two.")] = None,
    output: Folder = None,
    port: Port = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    data: options.Data = None,
    config: options.Config = None,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    quiet: options.Quiet = False,
) -> None:
    """Explore a virtual trial in the browser: sliders for parameters and doses, arrows to cut, published numbers beside.

    The page is served to this machine alone, asks nothing of any other, and ends with Ctrl-C; what it shows is what `kinimmune
    predict` gives.
    """
    from kinimmune.cli.output_files import require_makeable
    from kinimmune.reports.explorer.answers import Answers
    from kinimmune.reports.explorer.server import open_server

    notes = Notes(quiet)
    if output is not None:
        require_makeable(output)
    given = {"data": data, "seed": seed, "jobs": jobs, "fit": {"patients": patients}}
    notes.say("preparing the virtual trials")
    session = _open_run(subject, config, given) if options.names_run(subject) else _open_model(subject, config, given, notes)
    save = None if output is None else lambda name, files: save_files(output / name, files)
    server = open_server(Answers(session, "" if output is None else str(output), save), port)
    print(server.address, flush=True)
    notes.say("open this address in a browser of this machine; Ctrl-C ends it")
    if browser:
        import webbrowser

        webbrowser.open(server.address)
    _serve(server, notes)


def _serve(server: "ExplorerServer", notes: Notes) -> None:
    """Serve the page until it is interrupted, which is the way it ends."""
    from kinimmune.cli.interruptions import until_interrupted

    try:
        until_interrupted(server.serve)
    except KeyboardInterrupt:
        notes.say("stopped")
    finally:
        server.close()


def _open_model(subject: str, config: Path | None, given: Mapping[str, Any], notes: Notes) -> "Session":
    """Return the session of a model at the values of its tables."""
    from kinimmune.cli.subjects import say_first
    from kinimmune.fitting.exploration.session import explore_model
    from kinimmune.fitting.projects.project import choose_subject
    from kinimmune.fitting.settings import ProblemOptions
    from kinimmune.models.model_file import open_model
    from kinimmune.models.tables.rows import Tables

    about = choose_subject(subject, config, given)
    say_first(notes, about)
    settings = about.settings
    name, tables = open_model(about.model, Tables(settings.data))
    words = ["kinimmune", "predict", subject]
    words += [] if given["data"] is None else ["--data", str(given["data"])]
    return explore_model(
        name,
        tables,
        words=(*words, *([] if config is None else ["-c", str(config)])),
        options=ProblemOptions(**{field: getattr(settings.fit, field) for field in ProblemOptions.model_fields}),
        seed=settings.seed,
        jobs=settings.jobs,
    )


def _open_run(subject: str, config: Path | None, given: Mapping[str, Any]) -> "Session":
    """Return the session of a run at its estimates; its virtual patients are those of its fit."""
    from kinimmune.fitting.configuration import read_run_settings, read_settings
    from kinimmune.fitting.estimation.fitted import read_fitted
    from kinimmune.fitting.exploration.session import explore_run
    from kinimmune.fitting.runs.run import open_run

    if given["data"] is not None:
        raise UsageError(f"--data {given['data']}: run '{subject}' keeps its tables; leave it out")
    if given["seed"] is not None:
        raise UsageError(f"--seed {given['seed']}: run '{subject}' has virtual patients of its own; leave it out")
    run = open_run(Path(subject))
    kept = read_run_settings(run)
    jobs = {"jobs": given["jobs"] or (kept.jobs if "jobs" in kept.model_fields_set else None)}
    settings = read_settings(config, {**jobs, "fit": given["fit"]})
    fitted = read_fitted(run).with_patients(settings.fit.patients if "patients" in settings.fit.model_fields_set else None)
    return explore_run(fitted, ("kinimmune", "predict", subject, "--estimates"), subject, settings.jobs)


def save_files(folder: Path, files: Mapping[str, str]) -> str:
    """Write the tables of a saved arm into a new folder; return what to tell of it.

    Raises
    ------
    UsageError
        when there is something of that name
    MachineError
        when it cannot be written
    """
    from kinimmune.fitting.runs.atomic_files import write_bytes

    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise UsageError(f"'{folder}' is there already; give the arm another name") from error
    except OSError as error:
        raise MachineError(f"cannot make folder '{folder}': {error.strerror or error}; make room, or allow it") from error
    for name, text in files.items():
        write_bytes(folder / name, text.encode())
    return f"wrote {folder}; predict it with --trial {folder}"
