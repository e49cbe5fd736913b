"""`kinimmune report`: the PDF of a run, or of a model alone, or the same pages as one file for a browser."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.completion import complete_model
from kinimmune.cli.names import require_names
from kinimmune.cli.terminal import Notes, print_json
from kinimmune.models.errors import DataError, UsageError

if TYPE_CHECKING:
    from kinimmune.cli.output_files import Inputs, OutputFile
    from kinimmune.fitting.projects.project import Subject
    from kinimmune.fitting.runs.run import Run
    from kinimmune.fitting.settings import Settings
    from kinimmune.reports.document import Typesetter
    from kinimmune.reports.gather import ReportedClaims

FEWEST_DRAWS = 16
Reported = Annotated[
    str,
    typer.Argument(
        metavar="RUN|MODEL", autocompletion=complete_model, help="Folder of a run; or name of a model, FILE.py or a project."
    ),
]
Draws = Annotated[
    int | None,
    typer.Option(
        "--draws",
        min=0,
        help="Draws from the priors, of a run from its posterior too, over which claims are tested, 0 to leave them out. If "
        "none: 200 for a model; a run shows the claims last tested in it.",
    ),
]
Target = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="FILE", help="RUN/report.pdf or MODEL-report.pdf if none; .html as --html; - for stdout."
    ),
]
Html = Annotated[bool, typer.Option("--html", help="The same pages as one file for a browser, report.html; it needs no network.")]


def report(
    subject: Reported,
    output: Target = None,
    html: Html = False,
    data: options.Data = None,
    config: options.Config = None,
    draws: Draws = None,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the report of a run, or of a model with its experiments and the claims about it.

    Figures and their data go to RUN/figures, for a model to a folder named as the PDF. Claims tested for a run, as
    `kinimmune claims RUN` does it, are kept in RUN/results/claims.json, and later reports show them again.
    """
    from kinimmune.cli.output_files import plan_output, require_makeable
    from kinimmune.cli.subjects import say_first
    from kinimmune.fitting.projects.project import choose_subject
    from kinimmune.reports.gather import ReportedClaims

    require_names(subject, data, config)
    about = choose_subject(subject, config, {"data": data, **_require_sense(subject, draws, {"seed": seed, "jobs": jobs})})
    run, settings = _find_run(about, data), about.settings
    endings, inputs = (".html",) if html else (".pdf", ".html"), _list_inputs(run, settings, config)
    usual = _name_report(about.model, run, endings[0])
    target = plan_output("-o", output or usual, endings, inputs, stdout_is_free=not as_json)
    folder = _choose_folder(run, target, usual)
    require_makeable(folder / "figures")
    notes, written = Notes(quiet), _Written(target)
    if run is None:
        say_first(notes, about)
    with notes.progress() as show:
        claims = ReportedClaims(draws, settings.seed, settings.jobs, show)
        warnings = _report_model(about, claims, folder, written) if run is None else _report_run(run, claims, written)
    for text in (*(f"warning: {text}" for text in warnings), *written.notes):
        notes.say(text)
    if as_json:
        content = {"schema": "kinimmune.report/1", "report": str(target.path), "figures": str(folder / "figures")}
        print_json({**content, "warnings": list(warnings)})
    elif not target.fills_stdout:
        print(target.path)


@dataclass
class _Written:
    """Takes the file, and keeps what is to be said about it."""

    target: "OutputFile"
    notes: tuple[str, ...] = ()

    def __call__(self, content: bytes) -> None:
        if self.target.write(content):
            self.notes = (f"replaced {self.target.path}",)

    @property
    def typeset(self) -> "Typesetter":
        """How the file is set."""
        from kinimmune.reports.document import set_browser_page, set_pages

        return set_browser_page if self.target.form == "html" else set_pages


def _name_report(model: str, run: "Run | None", ending: str) -> Path:
    """Return where a report goes when no file is given."""
    from kinimmune.models.model_file import name_model

    return Path(f"{name_model(model)}-report{ending}") if run is None else run.path / f"report{ending}"


def _require_sense(subject: str, draws: int | None, given: dict[str, int | None]) -> dict[str, int | None]:
    """Return a seed and threads; refuse them where no claim is tested, which alone they are of, and too few draws."""
    if draws is not None and 0 < draws < FEWEST_DRAWS:
        raise UsageError(f"--draws {draws} is too few to tell a share; give at least {FEWEST_DRAWS}, or 0 to leave claims out")
    if not (draws == 0 or (draws is None and (Path(subject) / "run.json").exists())):
        return given
    for option, value in given.items():
        if value is not None:
            raise UsageError(f"--{option} {value}: no claims are tested, which alone it is of; leave it out, or add --draws N")
    return given


def _find_run(subject: "Subject", data: Path | None) -> "Run | None":
    """Return the run that is named, None for a model, which must be there."""
    from kinimmune.fitting.runs.run import open_run
    from kinimmune.models.model_file import find_code, is_model_file
    from kinimmune.models.tables.rows import Tables

    if subject.project is not None or not options.names_run(subject.model):
        if not is_model_file(subject.model):
            find_code(subject.model, Tables(subject.settings.data))
        return None
    if data is not None:
        raise UsageError(f"--data {data}: run '{subject.model}' keeps its tables; leave it out, or report the model")
    return open_run(Path(subject.model))


def _list_inputs(run: "Run | None", settings: "Settings", config: Path | None) -> "Inputs":
    """Return what is read; tables of a run lie where its settings say."""
    from kinimmune.cli.output_files import Inputs
    from kinimmune.fitting.configuration import read_run_settings

    if run is None:
        return Inputs(settings.data, config)
    with suppress(DataError):  # told when the run is read
        return Inputs(read_run_settings(run).data, config, run.path)
    return Inputs(None, config, run.path)


def _choose_folder(run: "Run | None", target: "OutputFile", usual: Path) -> Path:
    """Return where figures lie: in the run, for a model beside the PDF, and where that goes into a pipe beside the usual one."""
    from kinimmune.fitting.runs.atomic_files import is_stream

    if run is not None:
        return run.path
    return (usual if target.path is None or is_stream(target.path) else target.path).with_suffix("")


def _report_run(run: "Run", claims: "ReportedClaims", written: _Written) -> tuple[str, ...]:
    """Write the report of a run, of its fit or of its studies where it holds no fit; return warnings."""
    from kinimmune.fitting.estimation.run_files import FIT
    from kinimmune.fitting.sensitivity.results import read_studies
    from kinimmune.reports.document import write_model_report, write_report
    from kinimmune.reports.gather import gather_run, gather_studies

    removed = tuple(f"{path} was removed, or never finished; what it held is not shown" for path in run.list_removed())
    if not (run.path / FIT).is_file() and read_studies(run):
        return (*removed, *write_model_report(gather_studies(run, claims), run.path, written, written.typeset))
    content, changed = gather_run(run, claims)
    return (*removed, *changed, *write_report(content, run.path, written, written.typeset))


def _report_model(subject: "Subject", claims: "ReportedClaims", folder: Path, written: _Written) -> tuple[str, ...]:
    """Write the report of a model alone; return warnings."""
    from kinimmune.models.model_file import open_model
    from kinimmune.models.tables.rows import Tables
    from kinimmune.reports.document import write_model_report
    from kinimmune.reports.gather import gather_model

    model, tables = open_model(subject.model, Tables(subject.settings.data))
    content = gather_model(model, tables, subject.settings.simulate.request, claims)
    return write_model_report(content, folder, written, written.typeset)
