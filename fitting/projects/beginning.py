"""A project to begin with: from an example, or with the rows of the package's tables that a model needs.

Start with `plan_project` and `write_project`.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from kinimmune.fitting.problem.fittable import examine_fit
from kinimmune.fitting.projects.examples import PAGE, list_examples, read_example
from kinimmune.fitting.runs.atomic_files import write_text
from kinimmune.fitting.shell_words import join_words
from kinimmune.models.catalogue import load_model, model_names
from kinimmune.models.errors import UsageError, nearest
from kinimmune.models.plug_ins import find_plug_ins
from kinimmune.models.tables.files import PROJECT_FILE, TABLES
from kinimmune.models.tables.readers import read_experiments, read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import supports_trials

USUAL = "own_trial"
"""Example that is taken where nothing is asked for."""
OF_A_MODEL = ("experiments.csv", "measurements.csv", "claims.csv", "panels.csv")
"""Tables whose column `model` names one model."""
OF_A_STUDY = ("trials.csv", "arms.csv", "regimens.csv", "design.csv", "follow_up.csv", "targets.csv")
"""Tables whose column `study` names a trial."""
RUN = "run"
"""Folder, in the project, of the run that its page begins."""
Cells = dict[str, str]


@dataclass(frozen=True)
class NewProject:
    """A project that is not written yet."""

    title: str
    about: str
    """What it is, as markdown."""
    texts: Mapping[str, str]
    """File name -> content of its tables and, where it has one, its model."""
    settings: str
    """Text of its project file."""

    def list_commands(self, folder: Path) -> list[str]:
        """Return commands to try, as a shell takes them: a fit where there is something to fit, claims where there are any."""
        named, run = join_words([str(folder)]), join_words([str(folder / RUN)])
        check = f"kinimmune check {named}"
        if {"targets.csv", "measurements.csv"} & set(self.texts):
            return [check, f"kinimmune fit {named} -o {run}", f"kinimmune report {run}"]
        claims = [f"kinimmune claims {named}"] if "claims.csv" in self.texts else []
        return [check, f"kinimmune simulate {named}", *claims, f"kinimmune report {named}"]


def plan_project(source: str | None) -> NewProject:
    """Return a project of a source: an example, a model of the library, or a plug-in, which is not run.

    Parameters
    ----------
    source
        name of an example or of a model; None for a trial of one's own with the usual model

    Raises
    ------
    UsageError
        when there is neither
    """
    name, examples = source or USUAL, list_examples()
    if name in examples:
        example = read_example(name)
        return NewProject(example.title, example.about, example.texts, example.settings)
    if name in model_names():
        return _plan_model(name)
    plug_ins = find_plug_ins()
    if name not in plug_ins:
        known = [*examples, *model_names(), *plug_ins]
        raise UsageError(f"unknown model or example '{name}'; {nearest(name, known)} (examples: {', '.join(examples)})")
    about = f"The {plug_ins[name].label}, whose code commands run. A table that is put here is read in place of the plug-in's."
    return NewProject(f"A project of {name}", about, {}, _write_settings(name))


def write_project(project: NewProject, folder: Path) -> tuple[str, ...]:
    """Write a project into a folder that is new or empty; return the names of its files.

    Raises
    ------
    UsageError
        when something is there, or the folder cannot be made
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"'{folder}' is a file; give the name of a new folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"folder '{folder}' is not empty; give the name of a new one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make folder '{folder}': {error.strerror}; give the name of a folder you may write") from error
    written = {**project.texts, PAGE: _write_page(project, folder), PROJECT_FILE: project.settings}  # the last makes it a project
    for name, text in written.items():
        write_text(folder / name, text)
    return tuple(written)


def _plan_model(name: str) -> NewProject:
    """Return a project with what the package's tables say about a model and, where it is fitted to any, about its trials."""
    model, tables = load_model(name), Tables()
    fitted = examine_fit(model, tables).targets
    trials = tuple(trial.study for trial in read_trials(tables, name)) if supports_trials(model) else ()
    studies = trials if set(trials) & set(fitted) else ()
    wanted: dict[str, Callable[[Cells], Cells | None]] = {"parameters.csv": partial(_keep_parameter, name, studies)}
    wanted |= dict.fromkeys(OF_A_MODEL, partial(_keep_equal, "model", (name,)))
    wanted |= dict.fromkeys(OF_A_STUDY if studies else (), partial(_keep_equal, "study", studies))
    wanted |= {"observations.csv": partial(_keep_observation, name, studies)} if studies else {}
    texts = {table: text for table, keep in wanted.items() if (text := _take_rows(table, keep))}
    experiments = [item.name for item in read_experiments(model, tables)]
    further = ["", "[fit]", *(["patients = 256"] if studies else []), "starts = 3"] if fitted else []
    further += ["", "[simulate]", f'arm = "{experiments[0]}"'] if experiments else []
    about = f"The package's rows about `{name}`, to be changed: every table here is read in place of the package's."
    return NewProject(model.title, about, texts, _write_settings(name, further))


def _write_settings(model: str, further: Sequence[str] = ()) -> str:
    """Return the text of a project file."""
    heading = "# Model and settings of this project; options on the command line go before them."
    return "\n".join([heading, f'model = "{model}"', "seed = 1", *further]) + "\n"


def _keep_parameter(model: str, studies: Sequence[str], row: Cells) -> Cells | None:
    """Return a row of a model's parameters, of those studies where it is fitted to any."""
    if model not in row["model"].split() or (studies and row["study"] and row["study"] not in studies):
        return None
    return {**row, "model": model}


def _keep_observation(model: str, studies: Sequence[str], row: Cells) -> Cells | None:
    """Return a number of one of the studies, or of none where it is about the model or about any."""
    if row["study"]:
        return row if row["study"] in studies else None
    about = row["model"].split()
    return {**row, "model": model if about else ""} if not about or model in about else None


def _keep_equal(column: str, wanted: Iterable[str], row: Cells) -> Cells | None:
    return row if row[column] in wanted else None


def _take_rows(table: str, keep: Callable[[Cells], Cells | None]) -> str:
    """Return the text of one of the package's tables with some of its rows, empty where there are none."""
    reader = csv.DictReader(io.StringIO(files("kinimmune.data").joinpath(table).read_text(encoding="utf-8")))
    rows = [kept for row in reader if (kept := keep(row)) is not None]
    if not rows:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, reader.fieldnames or (), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write_page(project: NewProject, folder: Path) -> str:
    """Return the page of a project: what it is, what to try, and what every column of its tables means."""
    lines = [f"# {project.title}", "", project.about, "", "```", *project.list_commands(folder), "```", ""]
    lines += [f"`{PROJECT_FILE}` names the model and holds defaults of commands; `-c FILE` and options go before them.", ""]
    absent = ", ".join(f"`{name}`" for name in TABLES if name not in project.texts)
    lines += ["## Tables", "", f"A table that is not here is the package's: {absent}.", ""]
    described = {item["path"]: item for item in _read_descriptions()}
    for name in (name for name in TABLES if name in project.texts):
        item = described[name]
        about = [f"{text}." for text in (item["title"], item.get("description")) if text]
        lines += [f"### {name}", "", " ".join(about), "", "| column | meaning |", "|---|---|"]
        lines += [f"| `{field['name']}` | {field['description']} |" for field in item["schema"]["fields"]]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _read_descriptions() -> list[dict[str, Any]]:
    """Return what the package's description says about its tables."""
    content = json.loads(files("kinimmune.data").joinpath("datapackage.json").read_text(encoding="utf-8"))
    resources: list[dict[str, Any]] = content["resources"]
    return resources
