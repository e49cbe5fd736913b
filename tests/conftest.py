"""What several tests share: fits of `hcc_trial`, the package's own and one to medians alone, and real survival data.

The package is imported where a fixture needs it, so that tests of tables alone do not wait for the integrator.
"""

import functools
import importlib
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest
from earlier_tables import write_medians_and_ratios
from hypothesis import settings
from paths import DATA, ROOT
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from kinimmune.fitting.estimation.optimise import StartOutcome
    from kinimmune.fitting.estimation.results import FitResult
    from kinimmune.fitting.estimation.trial_results import TrialResult
    from kinimmune.fitting.problem.problem import FitProblem
    from kinimmune.fitting.settings import Settings
    from kinimmune.fitting.workflow.task import Task
    from kinimmune.models.arrays import Array

settings.register_profile("untimed", deadline=None)  # a busy machine is no fault of what is tested
settings.load_profile("untimed")


SHARED_FITS = re.compile(r"\b(hcc_start|hcc_point|hcc_fit|medians_fit)\b")
"""Fixtures that take long: files that name one go to one worker, so that it is computed once."""


class _FilesBySharedFit(LoadFileScheduling):
    """All tests of a file in one worker, and all files that share a fit."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "fits of hcc_trial" if _shares_fit(file) else file


@functools.cache
def _shares_fit(file: str) -> bool:
    return SHARED_FITS.search((ROOT / file).read_text(encoding="utf-8")) is not None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling | None:
    """Return the scheduler of `--dist loadfile`; None leaves others as they are."""
    return _FilesBySharedFit(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def hcc_problem() -> "FitProblem":
    """Return the package's own fit with 64 virtual patients."""
    from kinimmune.fitting.problem.problem import build_problem
    from kinimmune.models.tables.rows import Tables

    return build_problem("hcc_trial", Tables(), patients=64, seed=1)


@pytest.fixture(scope="session")
def hcc_start(hcc_problem: "FitProblem") -> "StartOutcome":
    """Return where the optimiser ends from the prior medians."""
    from kinimmune.fitting.estimation.optimise import optimise

    return optimise(hcc_problem, np.zeros(len(hcc_problem.estimated)), lambda _: None)


@pytest.fixture(scope="session")
def hcc_point(hcc_start: "StartOutcome") -> "Array":
    """Return the best point, shape (n_estimated,)."""
    return np.array(hcc_start.z)


@dataclass
class Starts:
    """Finished starts, kept in memory."""

    kept: dict[str, dict[str, object]] = field(default_factory=dict)

    def load(self, step: "Task") -> Mapping[str, object] | None:
        """Return a start that was finished before, None if it was not."""
        return self.kept.get(step.name)

    def save(self, step: "Task", outcome: Mapping[str, object]) -> None:
        """Keep a finished start."""
        self.kept[step.name] = dict(outcome)


@dataclass(frozen=True)
class FinishedFit:
    """A fit, of which a start may have been finished before."""

    result: "FitResult"
    trial: "TrialResult"
    starts: Starts
    """Its finished tasks: starts, correlations and the fit with them."""
    said: list[str]
    """What the fit said it was doing."""


@pytest.fixture(scope="session")
def hcc_fit(hcc_start: "StartOutcome") -> FinishedFit:
    """Return the package's fit with 64 virtual patients from two starts; the first is found in the store."""
    from kinimmune.fitting.settings import FitOptions, Settings

    settings = Settings(jobs=1, fit=FitOptions(patients=64, starts=2))
    return _carry_out(settings, Starts({"start-000": hcc_start.plain}))


@pytest.fixture(scope="session")
def medians_fit(tmp_path_factory: pytest.TempPathFactory) -> FinishedFit:
    """Return the fit of `hcc_trial` to its medians alone, with 8 virtual patients: its numbers are taken as independent."""
    from kinimmune.fitting.settings import FitOptions, Settings

    folder = write_medians_and_ratios(tmp_path_factory.mktemp("medians") / "tables")
    return _carry_out(Settings(data=folder, jobs=1, fit=FitOptions(patients=8, starts=1)), Starts())


def _carry_out(settings: "Settings", starts: Starts) -> FinishedFit:
    from kinimmune.fitting.estimation.fit import fit, plan_fit
    from kinimmune.fitting.workflow.runtime import Runtime
    from kinimmune.models.tables.rows import Tables

    said: list[str] = []
    plan = plan_fit("hcc_trial", settings, Tables(settings.data))
    result, trial = fit(plan, Runtime(starts, report=said.append))
    return FinishedFit(result, trial, starts, said)


@pytest.fixture(scope="session")
def load_patients() -> Callable[[str], "Array"]:
    """Return a reader of a table of real patients in `tests/data`: rows (time, event, treated)."""

    def load(name: str) -> "Array":
        return np.loadtxt(DATA / f"{name}.csv", delimiter=",", skiprows=1)

    return load


@pytest.fixture(scope="session")
def benchmarks() -> Iterator[Callable[[str], ModuleType]]:
    """Return a function that imports a module of `benchmarks`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield importlib.import_module


@pytest.fixture(scope="session", autouse=True)
def _signals_of_a_terminal() -> Iterator[None]:
    """Let programs that tests start hear signals which this process was told to disregard, as by `nohup`."""
    deaf = [number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) == signal.SIG_IGN]
    for number in deaf:
        signal.signal(number, lambda *_: None)  # another program begins with the system's own handler
    yield
    for number in deaf:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="session")
def killing(benchmarks: Callable[[str], ModuleType]) -> ModuleType:
    """Return the module that kills commands and compares what they made, which the benchmark shares."""
    return benchmarks("kill_and_resume")


@pytest.fixture(scope="session")
def mishaps(benchmarks: Callable[[str], ModuleType]) -> ModuleType:
    """Return the module of what can befall a run, which the benchmark shares."""
    return benchmarks("mishaps")


@pytest.fixture(scope="session")
def toy_tables(benchmarks: Callable[[str], ModuleType]) -> ModuleType:
    """Return the module of the tables of long commands that are interrupted, which the benchmarks share."""
    return benchmarks("toy_tables")


@pytest.fixture
def kinimmune(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs a command in an empty folder and returns its exit code, stdout and stderr."""
    from kinimmune.cli.main import main

    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        code = main(arguments)
        for number, handler in before.items():  # a command that was interrupted disregards the rest, since its process ends
            signal.signal(number, handler)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
