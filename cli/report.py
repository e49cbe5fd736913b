"""`kinimmune report`: the PDF of a run, or of a model alone."""

from pathlib import Path
from typing import Annotated

import typer

from kinimmune.cli import options
from kinimmune.cli.terminal import Notes, print_json

Subject = Annotated[str, typer.Argument(metavar="RUN|MODEL", help="Folder of a run, or name of a model.")]
Target = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="PDF", help="RUN/report.pdf, or MODEL-report.pdf, if none.")
]


def report(
    subject: Subject,
    output: Target = None,
    data: options.Data = None,
    config: options.Config = None,
    seed: options.UnusedSeed = None,
    jobs: options.UnusedJobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the report of a run, or of a model with its typical patient.

    Figures and their data go to RUN/figures, for a model to a folder named as the PDF.
    """
    from kinimmune.cli.outputs import require_writable
    from kinimmune.fitting.runs import is_run
    from kinimmune.models.catalogue import model_names

    require_writable(output)
    run = Path(subject)
    if is_run(run) or (subject not in model_names() and (run.exists() or len(run.parts) > 1)):
        pdf, folder, warnings = _report_run(run, output)
    else:
        pdf, folder, warnings = _report_model(subject, output, data, config)
    notes = Notes(quiet)
    for text in warnings:
        notes.say(f"warning: {text}")
    if as_json:
        content = {"schema": "kinimmune.report/1", "report": str(pdf), "figures": str(folder / "figures")}
        print_json({**content, "warnings": list(warnings)})
    else:
        print(pdf)


def _report_run(path: Path, output: Path | None) -> tuple[Path, Path, tuple[str, ...]]:
    from kinimmune.cli.report_content import run_content
    from kinimmune.fitting.runs import open_run
    from kinimmune.reports.document import write_report

    content, changed = run_content(open_run(path))
    pdf = path / "report.pdf" if output is None else output
    return pdf, path, (*changed, *write_report(content, path, pdf))


def _report_model(name: str, output: Path | None, data: Path | None, config: Path | None) -> tuple[Path, Path, tuple[str, ...]]:
    from kinimmune.cli.report_content import model_content
    from kinimmune.cli.settings import read_settings
    from kinimmune.reports.document import write_model_report

    settings = read_settings(config, {"data": data})
    content = model_content(name, settings.data, settings.simulate)
    pdf = Path(f"{name}-report.pdf") if output is None else output
    folder = pdf.with_suffix("")
    return pdf, folder, write_model_report(content, folder, pdf)
