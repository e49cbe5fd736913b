"""The run of `kinimmune fit`: made or taken up again, carried out, and left in order however it ends.

Start with `start`, `resume` and `carry_out`.
"""

import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from kinimmune.cli.exits import Exit
from kinimmune.cli.settings import Settings, read_settings, write_configuration
from kinimmune.cli.terminal import Notes, print_error
from kinimmune.fitting import lint
from kinimmune.fitting.fit import FitSettings, fit
from kinimmune.fitting.provenance import current_environment, hash_tables
from kinimmune.fitting.results import FitResult
from kinimmune.fitting.run_results import write_results
from kinimmune.fitting.runs import Run, RunRecord, RunStatus, create_run, free_path, open_run
from kinimmune.fitting.tasks import TaskStore
from kinimmune.models.catalogue import load_model, require_model
from kinimmune.models.errors import KinimmuneError, UsageError

RUNS = Path("runs")
"""Where runs go that are given no folder."""


@dataclass(frozen=True)
class FitRun:
    """A fit about to be carried out."""

    run: Run
    settings: FitSettings
    warnings: tuple[str, ...]

    @property
    def store(self) -> TaskStore:
        """Where finished starts are kept."""
        return TaskStore(self.run.path / "results" / "tasks")


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
    tables = hash_tables(settings.data)
    changed = [name for name in {**run.record.inputs, **tables} if run.record.inputs.get(name) != tables.get(name)]
    if changed:
        warnings.append(f"changed since the run began, so finished starts are computed again: {', '.join(changed)}")
    return _configured(run, settings, tuple(warnings))


def carry_out(work: FitRun, notes: Notes) -> FitResult:
    """Fit and write the results; `run.json` tells how it ended."""
    begin = time.monotonic()
    try:
        with _interruptible(), notes.progress() as progress:
            result, trial = fit(work.settings, work.store, progress)
            write_results(work.run, result, trial)
    except KeyboardInterrupt:
        work.run.update(RunStatus.INTERRUPTED, time.monotonic() - begin)
        print_error(f"interrupted; finished starts are kept, go on with: {_resume_command(work)}")
        raise typer.Exit(Exit.INTERRUPTED) from None
    except KinimmuneError as error:
        work.run.update(RunStatus.FAILED, time.monotonic() - begin, str(error))
        raise
    work.run.update(RunStatus.DONE, time.monotonic() - begin, f"fit: {result.status}")
    return result


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGINT and SIGTERM both end the fit in order, also where a shell script started it in the background."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _resolve(model: str, settings: Settings) -> FitSettings:
    given = {name: value for name, value in settings.fit.model_dump(mode="json").items() if value is not None}
    return FitSettings(model=model, data=settings.data, seed=settings.seed, jobs=settings.jobs, **given)


def _check(settings: FitSettings) -> None:
    """Raise what is wrong with model or tables, before anything is written."""
    require_model(settings.model)
    lint.require(settings.data)
    load_model(settings.model, settings.data)


def _configured(run: Run, settings: FitSettings, warnings: tuple[str, ...]) -> FitRun:
    data = None if settings.data is None else settings.data.resolve()
    run.write("config.toml", write_configuration({**asdict(settings), "data": data}, "fit"))
    return FitRun(run.update(RunStatus.RUNNING, 0.0, *warnings), settings, warnings)


def _resume_command(work: FitRun) -> str:
    return shlex.join(["kinimmune", "fit", work.settings.model, "-o", str(work.run.path), "--resume"])
