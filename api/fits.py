"""Fits and the runs that hold them, for programs and notebooks.

Start with `fit` and `read_run`.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kinimmune.fitting.claims.results import ClaimRecord
from kinimmune.fitting.estimation.results import FitResult
from kinimmune.fitting.estimation.run import PlannedFit, plan_run, run_fit, start_fit
from kinimmune.fitting.estimation.run_files import read_results, read_tested_claims
from kinimmune.fitting.estimation.trial_results import TrialResult
from kinimmune.fitting.identifiability.results import IdentifiabilityResult, read_identifiability
from kinimmune.fitting.profile.results import ProfileResult, read_profiles
from kinimmune.fitting.projects.project import choose_subject
from kinimmune.fitting.runs.lock import lock_run
from kinimmune.fitting.runs.run import RunRecord, RunStatus, open_run
from kinimmune.fitting.sampling.results import SampleResult, read_sample
from kinimmune.fitting.sensitivity.results import SensitivityResult, read_studies
from kinimmune.fitting.workflow.run_store import RunStore
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.errors import KinimmuneError


@dataclass(frozen=True)
class RunResults:
    """Everything a run of a fit holds; what was not computed is None or empty."""

    path: Path
    record: RunRecord
    fit: FitResult
    trial: TrialResult
    """The virtual trial at the estimates."""
    profile: ProfileResult | None
    identifiability: IdentifiabilityResult | None
    sample: SampleResult | None
    studies: tuple[SensitivityResult, ...]
    """Sensitivity studies."""
    claims: tuple[ClaimRecord, ...]

    def __repr__(self) -> str:
        """Return the run in a line."""
        return f"RunResults({str(self.path)!r}, {self.fit.model}, {self.fit.status}, {len(self.fit.parameters)} parameters)"


def fit(  # noqa: PLR0913 - the settings of a fit, all by name
    model: str,
    path: Path | str,
    *,
    data: Path | str | None = None,
    patients: int | None = None,
    starts: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    fix: Mapping[str, float | bool] | None = None,
    free: Sequence[str] = (),
    prior: Mapping[str, str] | None = None,
    start: Mapping[str, float] | None = None,
    force: bool = False,
) -> RunResults:
    """Fit a model to the targets of its tables in a run folder, as `kinimmune fit` does, and return what it found.

    Parameters
    ----------
    model
        name of a model or plug-in, path of a Python file, or folder of a project: code it names is run
    path
        folder of the run; it must not hold one unless `force`
    data
        folder of tables that replace the package's
    patients
        virtual patients of each arm, a power of two
    starts
        starts of the optimiser
    seed
        of everything drawn at random
    jobs
        threads; results do not depend on them
    fix
        name of a parameter that is held -> its value, True for that of the tables
    free
        names of parameters that are estimated besides those of the tables
    prior
        name of a parameter -> its prior in place of that of the tables, such as `lognormal(0.005, 0.5)`
    start
        name of an estimated parameter -> value from which the optimiser starts
    force
        whether a run that is there is overwritten

    Raises
    ------
    UsageError, DataError, NumericalError, MachineError
        as the command tells them
    """
    changes = {"fix": fix, "free": list(free) or None, "prior": prior, "start": start}
    chosen = {"patients": patients, "starts": starts, **changes}
    options = {"data": data, "seed": seed, "jobs": jobs, "fit": chosen}
    command = ("kinimmune.fit", model, str(path))
    subject = choose_subject(model, None, options)
    with plan_run(subject.model, subject.settings) as plan, lock_run(Path(path), force=force):
        _carry_out(start_fit(plan, Path(path), command, force=force))
    return read_run(path)


def _carry_out(planned: PlannedFit) -> None:
    """Fit in the run; `run.json` tells how it ended, as after the command."""
    store, began = RunStore(planned.run), time.monotonic()
    store.prepare()
    try:
        run_fit(planned, Runtime(store))
        store.require_place()
    except KinimmuneError as error:
        with suppress(KinimmuneError):  # where the run is gone
            planned.run.update(RunStatus.FAILED, time.monotonic() - began, str(error))
        raise
    planned.run.reread().update(RunStatus.DONE, time.monotonic() - began)


def read_run(path: Path | str) -> RunResults:
    """Return everything a run of a fit holds.

    Raises
    ------
    UsageError
        when there is no run
    DataError
        when it holds no finished fit, or a file of it cannot be read
    """
    run = open_run(Path(path))
    fitted, trial = read_results(run)
    sample = read_sample(run)
    return RunResults(
        path=run.path,
        record=run.record,
        fit=fitted,
        trial=trial,
        profile=read_profiles(run),
        identifiability=read_identifiability(run),
        sample=None if sample is None else sample[0],
        studies=read_studies(run),
        claims=read_tested_claims(run),
    )
