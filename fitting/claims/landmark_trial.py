"""Patients of one arm of a virtual trial, followed from a landmark: what a landmark analysis reads from their courses.

Start with `follow_arm`.  Patients are integrated as in every virtual trial (`kinimmune.models.trial.treatment_paths`), under the
stop rule, the scans and the follow-up of the study's tables.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError
from kinimmune.models.solvers.chunks import map_chunks
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.scope import parameters_of
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.follow_up import FollowUp
from kinimmune.models.trial.living import find_living, survive
from kinimmune.models.trial.population import Population, individual_values
from kinimmune.models.trial.regimens import plan_dosing
from kinimmune.models.trial.simulator import TrialSimulator
from kinimmune.models.trial.treatment_paths import TreatmentPaths, integrate_paths

SCANS = 20
"""Scans after the landmark up to which survival is followed; of scans every eight weeks three years, when few live."""
CHUNK = 512
"""Patients integrated together; fixed, so that results do not depend on the number of threads."""
TOLERANCES = Tolerances(1e-3, 1e-5)
"""Log hazard ratios move by less than 1e-4 against tolerances a hundred times as tight."""


@dataclass(frozen=True)
class Landmark:
    """What is followed from when."""

    study: str
    arm: str
    day: float
    """[d]; a scan of the study."""
    states: tuple[str, ...]
    """Read before treatment and at the landmark."""
    parameter: str
    """Read of every patient."""
    untreated: str
    """Experiment that gives nothing; the arm gives what is given."""


@dataclass(frozen=True)
class FollowedArm:
    """Patients of an arm, m for each of n parameter sets."""

    time: Array
    """The landmark and the scans after it [d], shape (k,)."""
    hazard: Array
    """Cumulative hazard of death, -ln of survival over the paths a patient may take, shape (n, m, k)."""
    before: Mapping[str, Array]
    """State -> value before treatment, shape (n, m)."""
    at_landmark: Mapping[str, Array]
    """State -> value at the landmark, shape (n, m)."""
    parameter: Array
    """Shape (n, m)."""
    follow_up: FollowUp
    """Of death."""
    patients: int
    """Patients of the arm in the trial."""


def follow_arm(batch: ExperimentBatch, landmark: Landmark, populations: Sequence[Population]) -> FollowedArm:
    """Return virtual patients, one population per parameter set of a batch, followed through an arm.

    Raises
    ------
    UsageError, DataError
        for a study or an arm there is not, a landmark that is no scan, or one before which patients may have left treatment
    """
    setup, trial = batch.setup, batch.trial(landmark.study)
    reach = landmark.day + SCANS * trial.scan_interval
    simulator = TrialSimulator(setup.compiled, setup.integrate, TOLERANCES, reach)
    parts = [
        part for cohort in _enrol(batch, landmark, populations, simulator) for part in _follow(batch, landmark, simulator, cohort)
    ]
    shape = (batch.size, populations[0].patients)
    hazard = np.concatenate([part.hazard for part in parts], axis=1)
    before, after = (np.concatenate(rows, axis=1) for rows in zip(*(part.states for part in parts), strict=True))
    return FollowedArm(
        time=parts[0].time,
        hazard=np.moveaxis(hazard.reshape(-1, *shape), 0, 2),
        before=dict(zip(landmark.states, before.reshape(-1, *shape), strict=True)),
        at_landmark=dict(zip(landmark.states, after.reshape(-1, *shape), strict=True)),
        parameter=np.concatenate([part.parameter for part in parts]).reshape(shape),
        follow_up=trial.follow_up[Endpoint.OS],
        patients=trial.arm(landmark.arm).n,
    )


def _enrol(
    batch: ExperimentBatch, landmark: Landmark, populations: Sequence[Population], simulator: TrialSimulator
) -> Iterator[ArmCohort]:
    """Yield the patients of all parameter sets, those of one set side by side; together where they are given the same."""
    model, trial = batch.setup.compiled.model, batch.trial(landmark.study)
    arm, horizon = trial.arm(landmark.arm), float(simulator.grid(trial)[-1])
    rows, owns = batch.changed(landmark.untreated, trial.study).T, batch.arm_values(trial.study, arm.name)
    columns = [
        {**dict(zip(model.parameter_names, map(float, row), strict=True)), **own} for row, own in zip(rows, owns, strict=True)
    ]
    seen = parameters_of(model.parameters, trial.study, arm.name, arm.drugs)
    dosings = [plan_dosing(model, arm.administrations, values, horizon) for values in columns]
    first = 0
    for dosing, same in groupby(dosings):
        last = first + len(list(same))
        pairs = zip(columns[first:last], populations[first:last], strict=True)
        people = np.concatenate([individual_values(seen, *pair, arm.case_mix) for pair in pairs], axis=1)
        yield ArmCohort(trial, arm, trial.stop_rule, people, dosing)
        first = last


@dataclass(frozen=True)
class _Part:
    """Some of the patients, side by side."""

    time: Array
    hazard: Array
    """Shape (k, p)."""
    states: tuple[Array, Array]
    """Before treatment and at the landmark, shape (n_states, p) each."""
    parameter: Array
    """Shape (p,)."""


def _follow(batch: ExperimentBatch, landmark: Landmark, simulator: TrialSimulator, cohort: ArmCohort) -> Iterator[_Part]:
    """Yield the patients of a cohort, integrated."""

    def follow_part(which: slice) -> _Part:
        part = cohort.part(which)
        paths = integrate_paths(simulator, part)
        first = _find_scan(paths, landmark)
        scans = slice(first, first + SCANS + 1)
        with np.errstate(divide="ignore"):  # survival below the smallest number
            hazard = -np.log(survive(paths, find_living(simulator, paths))[paths.steps_to_scan[scans]])
        courses = np.stack([paths.on_treatment[name] for name in landmark.states])
        return _Part(
            time=paths.scans[scans],
            hazard=hazard,
            states=(courses[:, 0], courses[:, paths.steps_to_scan[first]]),
            parameter=part.parameters[batch.row(landmark.parameter)],
        )

    return map_chunks(follow_part, cohort.patients, jobs=batch.setup.jobs, chunk=CHUNK)


def _find_scan(paths: TreatmentPaths, landmark: Landmark) -> int:
    """Return the place of the scan on the day of the landmark, before which nobody may have left treatment."""
    first = int(np.argmin(np.abs(paths.scans - landmark.day)))
    if not np.isclose(paths.scans[first], landmark.day):
        problem = f"the landmark on day {landmark.day:g} is no scan of study '{landmark.study}'"
        raise UsageError(f"{problem}; give its design.csv a scan_interval that divides it")
    if np.any(paths.departures.scan < first):
        problem = f"patients of '{landmark.study}:{landmark.arm}' may leave treatment before the landmark on day {landmark.day:g}"
        raise UsageError(f"{problem}; give the study another stop_rule, or make the landmark its first scan")
    return first
