"""The run of `kinimmune fit`: made or taken up again, carried out, and left in order however it ends.

Start with `start`, `resume` and `carry_out`.
"""

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from kinimmune.cli import session as long_work
from kinimmune.cli.session import Effort
from kinimmune.cli.settings import Settings, read_settings, write_configuration
from kinimmune.fitting import lint
from kinimmune.fitting.estimation.fit import FitSettings, fit
from kinimmune.fitting.estimation.results import FitResult
from kinimmune.fitting.estimation.run_files import remove_results, write_results
from kinimmune.fitting.problem.first_format import recognise
from kinimmune.fitting.runs.provenance import changed_tables, current_environment, hash_tables
from kinimmune.fitting.runs.run import Run, RunRecord, RunStatus, create_run, free_path, open_run
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.catalogue import load_model, require_model
from kinimmune.models.errors import UsageError
from kinimmune.models.tables.rows import Tables

RUNS = Path("runs")
"""Where runs go that are given no folder."""


@dataclass(frozen=True)
class FitRun:
    """A fit about to be carried out."""

    run: Run
    settings: FitSettings
    warnings: tuple[str, ...]


def start(model: str, output: Path | None, config: Path | None, given: Mapping[str, Any], *, force: bool) -> FitRun:
    """Make a new run; nothing is written before model, tables and settings are known to be right."""
    settings = _resolve(model, read_settings(config, given))
    _check(settings)
    record = RunRecord(
        command=("kinimmune", *sys.argv[1:]),
        model=model,
        seed=settings.seed,
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
        environment=current_environment(),
        inputs=hash_tables(settings.data),
        digest=settings.problem.tables,
    )
    run = create_run(free_path(RUNS, model) if output is None else output, record, force=force)
    return _configured(run, settings, ())


def resume(model: str, output: Path | None, config: Path | None, given: Mapping[str, Any], *, force: bool) -> FitRun:
    """Take up a run again; its own settings hold where none are given."""
    if output is None or force:
        problem = "--resume and --force exclude each other" if force else "--resume needs a run"
        raise UsageError(f"{problem}; write -o RUN --resume")
    run = open_run(output)
    if run.record.model != model:
        raise UsageError(f"run '{output}' is of model '{run.record.model}', not '{model}'; give that model or another run")
    own = run.settings_file if run.settings_file.exists() else None
    settings = _resolve(model, read_settings(config or own, given))
    _check(settings)
    now = current_environment()
    warnings = [f"resumed elsewhere, so bits may differ: {text}" for text in now.differences(run.record.environment)]
    run, digest = recognise(run, Tables(settings.data)), settings.problem.tables
    if run.record.digest != digest:
        changed = ", ".join(changed_tables(run.record.inputs, settings.data)) or "the model's equations"
        warnings.append(f"changed since the run began, so finished work is computed again: {changed}")
        run = _with_tables(run, hash_tables(settings.data), digest)
    return _configured(run, settings, tuple(warnings))


def carry_out(work: FitRun, effort: Effort) -> FitResult:
    """Fit and write the results; `run.json` tells how it ended."""

    def fit_starts(runtime: Runtime) -> FitResult:
        result, trial = fit(work.settings, runtime)
        write_results(work.run, result, trial)
        return result

    result = long_work.carry_out(work.run, effort, "start", work.settings.starts, fit_starts)
    open_run(work.run.path).update(RunStatus.DONE, 0.0, f"fit: {result.status}")
    return result


def _resolve(model: str, settings: Settings) -> FitSettings:
    given = {name: value for name, value in settings.fit.model_dump(mode="json").items() if value is not None}
    return FitSettings(model=model, data=settings.data, seed=settings.seed, jobs=settings.jobs, **given)


def _check(settings: FitSettings) -> None:
    """Raise what is wrong with model or tables, before anything is written."""
    require_model(settings.model)
    tables = Tables(settings.data)
    lint.require(tables)
    load_model(settings.model, tables)


def _with_tables(run: Run, tables: dict[str, str], digest: str) -> Run:
    """Return the run as one of other tables; what was found with the old ones is no longer its result."""
    remove_results(run)
    return Run(run.path, replace(run.record, inputs=tables, digest=digest, aliases={}))


def _configured(run: Run, settings: FitSettings, warnings: tuple[str, ...]) -> FitRun:
    """Write the settings; results that were found with others do not stay beside them."""
    data = None if settings.data is None else settings.data.resolve()
    text = write_configuration({**asdict(settings), "data": data}, "fit")
    if not run.settings_file.exists() or run.read(run.settings_file.name) != text:
        remove_results(run)
        run.write(run.settings_file.name, text)
    return FitRun(run.update(RunStatus.RUNNING, 0.0, *warnings), settings, warnings)
