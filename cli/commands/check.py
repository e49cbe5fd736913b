"""`kinimmune check`: everything wrong with a folder of tables, or with the package's."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.exits import Exit
from kinimmune.cli.terminal import Notes, print_json
from kinimmune.models.errors import UsageError

if TYPE_CHECKING:
    from kinimmune.fitting.settings import Settings
    from kinimmune.models.tables.findings import Finding
    from kinimmune.models.tables.rows import Tables

CONFIGURATION = "config.toml"


def check(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="A project, or tables and config.toml of your own; else the package's tables."),
    ] = None,
    migrate: Annotated[
        bool,
        typer.Option("--migrate", help="Rewrite tables of earlier versions; the old stay as NAME.csv.old."),
    ] = False,
    seed: options.NoSeed = None,
    jobs: options.NoJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Check tables and configuration: one line for each thing that is wrong, then what is doubtful as warnings.

    No code is run: of a model in a Python file, or of a plug-in, what needs the model is not checked, which is said.

    Exit code 3 says that something is wrong; warnings alone leave it at 0.
    """
    from kinimmune.fitting import lint
    from kinimmune.fitting.projects.project import find_unread_models
    from kinimmune.models.tables.rows import Tables

    if migrate:
        _migrate(folder, Notes(quiet))
    tables = Tables(folder)
    found = lint.check(tables)
    findings, warnings = (*found, *_check_configuration(folder, tables, sound=not found)), lint.warn(tables)
    unread = find_unread_models(tables)
    if as_json:
        print_json(
            {
                "schema": "kinimmune.check/1",
                "folder": None if folder is None else str(folder),
                "findings": list(map(_describe, findings)),
                "warnings": list(map(_describe, warnings)),
                "not_run": list(unread),
            }
        )
    else:
        print("\n".join(item.message for item in findings) or "nothing wrong")
        for item in warnings:
            print(f"warning: {item.message}")
        for what in unread:
            print(f"not run: {what}; what needs its model, such as names in its experiments and claims, was not checked")
    if findings:
        raise typer.Exit(Exit.DATA)


def _describe(item: "Finding") -> dict[str, object]:
    return {"file": item.file, "row": item.row, "column": item.column, "message": item.message}


def _migrate(folder: Path | None, notes: Notes) -> None:
    """Rewrite the tables of a folder that are of an earlier form, and tell the version of today's."""
    from kinimmune.fitting.runs.atomic_files import write_text
    from kinimmune.models.tables.migration import migrate
    from kinimmune.models.tables.readers import read_drugs

    if folder is None:
        raise UsageError("--migrate needs the folder whose tables are rewritten; write kinimmune check --migrate FOLDER")
    tables = migrate(folder, read_drugs().names)
    for table in tables:
        old = folder / f"{table.name}.old"
        if old.exists():
            raise UsageError(f"'{old}' is in the way of the file of before; move it")
    for table in tables:
        path, old = folder / table.name, folder / f"{table.name}.old"
        before = f"{path} rewritten; the file of before is {old}" if path.exists() else f"{path} written"
        if path.exists():
            path.rename(old)
        write_text(path, table.text)
        for note in (*table.notes, before):
            notes.say(note)


def _check_configuration(folder: Path | None, tables: "Tables", *, sound: bool) -> "tuple[Finding, ...]":
    """Return what is wrong with the settings in a folder: those of a project, and those of `-c`.

    Names in them are held against the model they name where the tables are sound and no code has to be run for it.
    """
    from kinimmune.fitting.configuration import read_configuration
    from kinimmune.fitting.projects.project import is_project, read_project
    from kinimmune.models.errors import KinimmuneError
    from kinimmune.models.tables.files import PROJECT_FILE
    from kinimmune.models.tables.findings import Finding

    if folder is None:
        return ()
    read: dict[str, Callable[[], Settings]] = {}
    if is_project(folder):
        read[PROJECT_FILE] = lambda: read_project(folder).settings
    if (folder / CONFIGURATION).exists():
        read[CONFIGURATION] = lambda: read_configuration(folder / CONFIGURATION)
    found: list[Finding] = []
    for file, take in read.items():
        try:
            settings = take()
        except KinimmuneError as error:
            found.append(Finding(file, None, None, str(error)))
            continue
        found += _find_strange_names(file, settings, tables) if sound else ()
    return tuple(found)


def _find_strange_names(file: str, settings: "Settings", tables: "Tables") -> "tuple[Finding, ...]":
    """Return the tables of a configuration that a command would refuse.

    Of one that names no folder of tables nobody knows with which it is used: with these, or with the package's.
    """
    from kinimmune.models.tables.files import PROJECT_FILE
    from kinimmune.models.tables.rows import Tables

    if settings.data is not None:
        return tuple(_try_settings(file, settings, Tables(settings.data)))
    refused = tuple(_try_settings(file, settings, tables))
    if not refused or file == PROJECT_FILE:
        return refused
    shared = {item.column for item in _try_settings(file, settings, Tables())}
    return tuple(item for item in refused if item.column in shared)


def _try_settings(file: str, settings: "Settings", tables: "Tables") -> "Iterator[Finding]":
    """Yield the tables of a configuration that a command would refuse, since the model has no such arm, parameter or output."""
    from kinimmune.fitting.problem.fittable import choose_changes
    from kinimmune.models.catalogue import load_model, model_names
    from kinimmune.models.errors import KinimmuneError
    from kinimmune.models.experiments.individual import plan_individual
    from kinimmune.models.tables.findings import Finding
    from kinimmune.models.tables.readers import read_designs

    name = settings.model
    try:
        if name is None or name not in model_names(tables):
            return
        model = load_model(name, tables)
    except KinimmuneError as error:
        yield Finding(file, None, "data", f"{file}, key 'data': {error}")
        return
    attempts: dict[str, Callable[[], object]] = {
        "fit": lambda: choose_changes(name, tables, settings.fit),
        "simulate": lambda: plan_individual(model, settings.simulate.request, read_designs(model, tables)),
        "sensitivity": lambda: _try_study(name, settings, tables),
    }
    for table, attempt in attempts.items():
        try:
            attempt()
        except KinimmuneError as error:
            yield Finding(file, None, table, f"{file}, table '{table}': {error}")


def _try_study(model: str, settings: "Settings", tables: "Tables") -> None:
    """Find the output and the parameters of a study, where an output is named."""
    from kinimmune.fitting.problem.outputs import parse_output
    from kinimmune.fitting.sensitivity.inputs import choose_inputs
    from kinimmune.fitting.sensitivity.values import read_catalogue, select_parameters

    study = settings.sensitivity
    if study.output is None:
        return
    catalogue = read_catalogue(model, tables)
    output = parse_output(study.output if study.arm is None else f"{study.output}:{study.arm}", catalogue)
    choose_inputs(select_parameters(catalogue, output), study.parameters, study.range)
