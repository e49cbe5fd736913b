"""Read-outs of claims about `melanoma`: the landmark association in virtual trials, and comparisons of several experiments.

Start with `READOUTS`.  The covariates are fixed beforehand: the counted ln rise of CD4+NKG2D+ cells after two cycles (`rise`) and
ln of their counted number before treatment (`start`).
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch, ExperimentSetup
from kinimmune.fitting.claims.landmark import Association, Cohort, expected_association
from kinimmune.fitting.claims.readout import Choice, Named, Readout
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError
from kinimmune.models.experiments.planning import plan_individuals
from kinimmune.models.solvers.chunks import map_chunks
from kinimmune.models.solvers.dosing import Schedule
from kinimmune.models.solvers.tolerances import Tolerances
from kinimmune.models.symbolic.scope import parameters_of
from kinimmune.models.trial.population import Population, draw_population, individual_values

PATIENTS = 128
"""Common patients over which the expected association is taken."""
LANDMARK = "two_cycles"
"""Read-out day of the landmark."""
STEP, INTERVALS = 56.0, 20
"""Grid of the hazard after the landmark [d]; 20 steps reach beyond three years, when few are alive."""
CHUNK = 2048
"""Patients integrated together; fixed, so that results do not depend on the number of threads."""
TOLERANCES = Tolerances(1e-3, 1e-5)
"""Log hazard ratios move by less than 1e-4 against tolerances a hundred times as tight."""
CELLS, HAZARD, RECEPTOR = "cd4_nkg2d_cells", "death_hazard", "il15ra_monocytes"
RISE, START = "rise", "start"
"""Covariates of the landmark analysis."""
COUNT_ERROR, TRIAL_PATIENTS = "count_error", "trial_patients"
ACCRUAL, FOLLOW_UP = "accrual_duration", "follow_up_after_accrual"
DOSES = {"in_vitro_10": ("in_vitro_1", "in_vitro_10")}
"""Highest dose of a series -> the doses above 0."""
ONE_SIGNAL = ("not_inducible", "no_mica")
"""Experiments in which one of the two signals is missing."""


@dataclass(frozen=True)
class LandmarkTrial:
    """Virtual patients of one arm, m for each of n parameter sets, followed from the landmark."""

    cohort: Cohort
    """Survival, with the covariate `rise`."""
    covariates: Mapping[str, Array]
    """Name -> covariate at the landmark, shape (n, m)."""
    receptor: Array
    """IL-15 receptor alpha on monocytes at the landmark relative to untreated, shape (n, m)."""

    def by(self, covariate: str) -> Cohort:
        """Return the cohort with one of the covariates."""
        if covariate not in self.covariates:
            raise UsageError(f"no covariate '{covariate}' in a landmark analysis of melanoma; allowed: {RISE}, {START}")
        whole = self.cohort
        return Cohort(whole.time, whole.hazard, self.covariates[covariate], whole.shortest, whole.accrual)


def landmark_hazard_ratio(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the hazard ratio of death per sd of the covariate `quantity`, in expectation, shape (n,)."""
    return np.exp(_association(batch, claim).log_hazard_ratio)


def landmark_size(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return |ln HR| per sd of the covariate `quantity`, in expectation, shape (n,)."""
    return np.abs(_association(batch, claim).log_hazard_ratio)


def landmark_power(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the probability that one trial of its size finds HR < 1 with two-sided p < .05, shape (n,)."""
    return _association(batch, claim).detected(batch.parameter(TRIAL_PATIENTS))


def landmark_rejection(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the probability that one trial of its size finds a link of either sign with p < .05, shape (n,)."""
    return _association(batch, claim).rejected(batch.parameter(TRIAL_PATIENTS))


def responder_difference(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return mean ln IL-15 receptor alpha on monocytes of patients alive at the median survival less that of the dead, (n,)."""
    trial = expected_trial(batch, claim.experiment)
    alive = np.exp(-trial.cohort.hazard)
    share = alive.mean(axis=1)
    place = np.argmin(np.abs(share - share[:, :1] / 2.0), axis=1)
    survived = np.take_along_axis(alive, place[:, None, None], axis=2)[:, :, 0]
    value = np.log(trial.receptor)
    return _mean(value, survived) - _mean(value, alive[:, :, 0] - survived)


def smallest_step(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the smallest ratio between neighbours of a dose series, `baseline` first, `experiment` its higher doses, (n,)."""
    series = [batch.read(name, claim.quantity, claim.day) for name in (claim.baseline, *DOSES[claim.experiment])]
    smallest: Array = np.min([high / low for low, high in itertools.pairwise(series)], axis=0)
    return smallest


def beyond_either(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the quantity under both signals over the larger of those with one signal missing, shape (n,)."""
    both = batch.read(claim.experiment, claim.quantity, claim.day)
    single = [batch.read(name, claim.quantity, claim.day) for name in ONE_SIGNAL]
    return both / np.maximum(*single)


def expected_trial(batch: ExperimentBatch, experiment: str) -> LandmarkTrial:
    """Return evenly spread common patients for every parameter set of a batch."""
    return batch.cached(_enrol_common_patients, experiment)


def enrol(batch: ExperimentBatch, experiment: str, populations: Sequence[Population]) -> LandmarkTrial:
    """Return virtual patients, one population per parameter set of a batch, followed through an experiment."""
    people = _people(batch, experiment, populations)
    landmark = batch.day(LANDMARK)
    time = np.array([0.0, *(landmark + STEP * np.arange(INTERVALS + 1))])
    states = _integrate(batch, experiment, people, time)
    shape = (batch.size, populations[0].patients)
    cells, hazard, receptor = (row.reshape(time.size, *shape) for row in states)
    error = people[batch.row(COUNT_ERROR)].reshape(shape)
    covariates = {RISE: np.log(cells[1] / cells[0]) + error, START: np.log(cells[0]) + error}
    later = np.moveaxis(hazard[1:], 0, 2)
    cohort = Cohort(time[1:], later, covariates[RISE], batch.parameter(FOLLOW_UP), batch.parameter(ACCRUAL))
    return LandmarkTrial(cohort, covariates, receptor[1])


def _enrol_common_patients(batch: ExperimentBatch, experiment: str) -> LandmarkTrial:
    population = draw_population(batch.setup.compiled.model.parameters, PATIENTS, batch.seed)
    return enrol(batch, experiment, [population] * batch.size)


def _people(batch: ExperimentBatch, experiment: str, populations: Sequence[Population]) -> Array:
    """Return the parameters of all patients, shape (n_parameters, n m), those of one parameter set side by side."""
    model = batch.setup.compiled.model
    return np.concatenate(
        [
            individual_values(
                parameters_of(model.parameters, None, None),
                dict(zip(model.parameter_names, map(float, column), strict=True)),
                population,
            )
            for column, population in zip(batch.changed(experiment).T, populations, strict=True)
        ],
        axis=1,
    )


def _integrate(batch: ExperimentBatch, experiment: str, people: Array, time: Array) -> Array:
    """Return cells, hazard and receptor of all patients, shape (3, n_times, n_people)."""
    courses = np.empty((3, time.size, people.shape[1]))
    for columns, plan in plan_individuals(batch.setup.compiled.model, batch.experiment(experiment), people, float(time[-1])):
        courses[:, :, columns] = _integrate_group(batch.setup, plan, people[:, columns], time)
    return courses


def _integrate_group(setup: ExperimentSetup, plan: Schedule, people: Array, time: Array) -> Array:
    """Return the courses of patients under one schedule, shape (3, n_times, n_people)."""

    def run_chunk(part: slice) -> Array:
        chunk = np.ascontiguousarray(people[:, part])
        inputs = np.zeros((len(setup.compiled.model.inputs), chunk.shape[1]))
        courses = setup.integrate(
            initial=setup.compiled.initial(np.concatenate([chunk, inputs])),
            parameters=chunk,
            time=time,
            schedule=plan,
            keep=(CELLS, HAZARD, RECEPTOR),
            tolerances=TOLERANCES,
        )
        return courses.states

    return np.concatenate(list(map_chunks(run_chunk, people.shape[1], jobs=setup.jobs, chunk=CHUNK)), axis=2)


def _association(batch: ExperimentBatch, claim: Claim) -> Association:
    return batch.cached(_associate, claim.experiment, claim.quantity)


def _associate(batch: ExperimentBatch, experiment: str, covariate: str) -> Association:
    return expected_association(expected_trial(batch, experiment).by(covariate))


def _mean(value: Array, weight: Array) -> Array:
    mean: Array = (value * weight).sum(axis=1) / weight.sum(axis=1)
    return mean


_READ = {"quantity": Named.QUANTITY, "experiment": Named.EXPERIMENT, "day": Named.DAY}
_LANDMARK: Mapping[str, Named | Choice] = {"quantity": Choice("covariate", (RISE, START)), "experiment": Named.EXPERIMENT}
_FOLLOWED = {
    Named.QUANTITY: (CELLS, HAZARD, RECEPTOR),
    Named.DAY: (LANDMARK,),
    Named.PARAMETER: (COUNT_ERROR, FOLLOW_UP, ACCRUAL),
}
_SIZED = _FOLLOWED | {Named.PARAMETER: (COUNT_ERROR, FOLLOW_UP, ACCRUAL, TRIAL_PATIENTS)}
READOUTS: Mapping[str, Readout] = {
    "landmark_hazard_ratio": Readout(landmark_hazard_ratio, _LANDMARK, _FOLLOWED),
    "landmark_size": Readout(landmark_size, _LANDMARK, _FOLLOWED),
    "landmark_power": Readout(landmark_power, _LANDMARK, _SIZED),
    "landmark_rejection": Readout(landmark_rejection, _LANDMARK, _SIZED),
    "responder_difference": Readout(responder_difference, {"experiment": Named.EXPERIMENT}, _FOLLOWED),
    "smallest_step": Readout(
        smallest_step,
        _READ | {"experiment": Choice("dose series", tuple(DOSES)), "baseline": Named.EXPERIMENT},
        {Named.EXPERIMENT: tuple(name for series in DOSES.values() for name in series)},
    ),
    "beyond_either": Readout(beyond_either, _READ, {Named.EXPERIMENT: ONE_SIGNAL}),
}
