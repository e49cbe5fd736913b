"""`kinimmune report`: the PDF of a run, or of a model alone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import Notes, print_json
from kinimmune.models.errors import UsageError

if TYPE_CHECKING:
    from kinimmune.fitting.settings import Settings
    from kinimmune.reports.gather import ReportedClaims

FEWEST_DRAWS = 16
Written = tuple[Path, Path, tuple[str, ...]]
"""The PDF, the folder beside which its figures lie, and warnings."""
Subject = Annotated[str, typer.Argument(metavar="RUN|MODEL", help="Folder of a run, or name of a model.")]
Draws = Annotated[
    int | None,
    typer.Option(
        "--draws",
        min=0,
        help="Draws from the priors over which claims are tested, 0 to leave them out. If none: 200 for a model; a run shows "
        "the claims last tested in it.",
    ),
]
Target = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="PDF", help="RUN/report.pdf, or MODEL-report.pdf, if none.")
]


def report(
    subject: Subject,
    output: Target = None,
    data: options.Data = None,
    config: options.Config = None,
    draws: Draws = None,
    seed: options.Seed = None,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the report of a run, or of a model with its experiments and the claims about it.

    Figures and their data go to RUN/figures, for a model to a folder named as the PDF. Claims tested for a run are kept in
    RUN/results/claims.json, and later reports show them again.
    """
    from kinimmune.fitting.configuration import read_settings
    from kinimmune.reports.gather import ReportedClaims

    options.require_writable(output)
    _require_enough(draws)
    settings = read_settings(config, {"data": data, "seed": seed, "jobs": jobs})
    notes = Notes(quiet)
    with notes.progress() as show:
        claims = ReportedClaims(draws, settings.seed, settings.jobs, show)
        if options.names_run(subject):
            pdf, folder, warnings = _report_run(Path(subject), output, claims)
        else:
            pdf, folder, warnings = _report_model(subject, output, settings, claims)
    for text in warnings:
        notes.say(f"warning: {text}")
    if as_json:
        content = {"schema": "kinimmune.report/1", "report": str(pdf), "figures": str(folder / "figures")}
        print_json({**content, "warnings": list(warnings)})
    else:
        print(pdf)


def _require_enough(draws: int | None) -> None:
    if draws is not None and 0 < draws < FEWEST_DRAWS:
        raise UsageError(f"--draws {draws} is too few to tell a share; give at least {FEWEST_DRAWS}, or 0 to leave claims out")


def _report_run(path: Path, output: Path | None, claims: "ReportedClaims") -> Written:
    """Write the report of a run: of its fit, or of its studies where it holds no fit."""
    from kinimmune.fitting.estimation.run_files import FIT
    from kinimmune.fitting.runs.run import open_run
    from kinimmune.fitting.sensitivity.results import read_studies
    from kinimmune.reports.document import write_model_report, write_report
    from kinimmune.reports.gather import gather_run, gather_studies

    run, pdf = open_run(path), path / "report.pdf" if output is None else output
    if not (path / FIT).is_file() and read_studies(run):
        return pdf, path, write_model_report(gather_studies(run, claims), path, pdf)
    content, changed = gather_run(run, claims)
    return pdf, path, (*changed, *write_report(content, path, pdf))


def _report_model(name: str, output: Path | None, settings: "Settings", claims: "ReportedClaims") -> Written:
    """Write the report of a model alone."""
    from kinimmune.models.tables.rows import Tables
    from kinimmune.reports.document import write_model_report
    from kinimmune.reports.gather import gather_model

    content = gather_model(name, Tables(settings.data), settings.simulate.request, claims)
    pdf = Path(f"{name}-report.pdf") if output is None else output
    folder = pdf.with_suffix("")
    return pdf, folder, write_model_report(content, folder, pdf)
