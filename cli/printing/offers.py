"""The models there are, ready for `kinimmune list`: those of the library, one beside the tables, and plug-ins.

Start with `describe_all`.  A plug-in that cannot be used is told in one line and left out.
"""

from collections.abc import Iterable
from pathlib import Path

from kinimmune.cli.printing.abilities import Json, describe_abilities
from kinimmune.cli.subjects import say_first
from kinimmune.cli.terminal import Notes
from kinimmune.fitting.projects.project import choose_subject
from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import KinimmuneError
from kinimmune.models.model_file import open_model, open_plug_in
from kinimmune.models.plug_ins import PlugIn, find_plug_ins
from kinimmune.models.tables.readers import read_model_names
from kinimmune.models.tables.rows import Tables


def describe_one(given: str, data: Path | None, notes: Notes) -> tuple[Tables, list[Json]]:
    """Return the tables of a model, a file or a project, and what it can be tried and fitted with.

    Raises
    ------
    UsageError
        for an unknown model
    DataError, ModelError
        when a table, a project or a model cannot be used
    """
    subject = choose_subject(given, None, {"data": data})
    say_first(notes, subject)
    name, tables = open_model(subject.model, Tables(subject.settings.data))
    return tables, [_describe(name, tables)]


def describe_all(data: Path | None, notes: Notes) -> tuple[Tables, list[Json]]:
    """Return the tables that apply, and every model with what it can be tried and fitted with, ready for JSON.

    Raises
    ------
    UsageError
        when there is no such folder
    DataError
        when a table cannot be used
    """
    tables = Tables(data)
    names, in_use = model_names(tables), read_model_names(tables)
    left_out = [name for name in names if name not in in_use]
    if left_out:
        notes.say(f"note: parameters.csv has no rows for {', '.join(left_out)}; left out")
    models = [_describe(name, tables) for name in names if name in in_use]
    return tables, models + _describe_plug_ins(find_plug_ins().values(), tables, notes)


def _describe(name: str, tables: Tables) -> Json:
    model = load_model(name, tables)
    about = {"name": model.name, "title": model.title, "states": len(model.states), "parameters": len(model.parameters)}
    return about | describe_abilities(model, tables)


def _describe_plug_ins(plug_ins: Iterable[PlugIn], tables: Tables, notes: Notes) -> list[Json]:
    """Return what plug-ins offer; one that cannot be used, or whose name is taken, is told."""
    found = []
    for plug_in in plug_ins:
        if plug_in.name in model_names(tables):
            notes.say(f"warning: {plug_in.label} is left out: the library, or a model beside the tables, goes before it")
            continue
        if not plug_in.problem:
            notes.say(f"runs the code of {plug_in.label}")
        try:
            found.append(_describe(*open_plug_in(plug_in, tables)))
        except KinimmuneError as error:
            told = str(error) if plug_in.label in str(error) else f"{plug_in.label}: {error}"
            notes.say(f"warning: {told}; left out")
    return found
