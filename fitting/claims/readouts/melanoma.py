"""Read-outs of claims about `melanoma`: the landmark association in arms of a virtual trial, and comparisons of experiments.

Start with `READOUTS`.  The covariates are fixed beforehand: the counted ln rise of CD4+NKG2D+ cells after two cycles (`rise`) and
ln of their counted number before treatment (`start`).
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kinimmune.fitting.claims.batch import ExperimentBatch
from kinimmune.fitting.claims.landmark import Association, Cohort, expected_association
from kinimmune.fitting.claims.landmark_trial import Landmark, follow_arm
from kinimmune.fitting.claims.readout import Choice, Named, Readout
from kinimmune.fitting.claims.table import Claim
from kinimmune.models.arrays import Array
from kinimmune.models.errors import UsageError
from kinimmune.models.trial.population import Population, draw_population

PATIENTS = 128
"""Common patients over which the expected association is taken."""
LANDMARK = "two_cycles"
"""Read-out day of the landmark."""
STUDY = "soraftem"
"""Trial of document001, whose arms are followed."""
UNTREATED = "untreated"
"""Experiment whose parameters a trial starts from; the arms of the trial give the doses."""
CELLS, RECEPTOR = "cd4_nkg2d_cells", "il15ra_monocytes"
RISE, START = "rise", "start"
"""Covariates of the landmark analysis."""
COUNT_ERROR = "count_error"
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
    patients: int
    """Patients of the arm in the trial."""

    def by(self, covariate: str) -> Cohort:
        """Return the cohort with one of the covariates."""
        if covariate not in self.covariates:
            raise UsageError(f"no covariate '{covariate}' in a landmark analysis of melanoma; allowed: {RISE}, {START}")
        whole = self.cohort
        return Cohort(whole.time, whole.hazard, self.covariates[covariate], whole.follow_up)


def landmark_hazard_ratio(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the hazard ratio of death per sd of the covariate `quantity`, in expectation, shape (n,)."""
    return np.exp(_association(batch, claim).log_hazard_ratio)


def landmark_size(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return |ln HR| per sd of the covariate `quantity`, in expectation, shape (n,)."""
    return np.abs(_association(batch, claim).log_hazard_ratio)


def landmark_power(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the probability that one trial of its size finds HR < 1 with two-sided p < .05, shape (n,)."""
    return _association(batch, claim).detected(expected_trial(batch, claim.experiment).patients)


def landmark_rejection(batch: ExperimentBatch, claim: Claim) -> Array:
    """Return the probability that one trial of its size finds a link of either sign with p < .05, shape (n,)."""
    return _association(batch, claim).rejected(expected_trial(batch, claim.experiment).patients)


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


def expected_trial(batch: ExperimentBatch, arm: str) -> LandmarkTrial:
    """Return evenly spread common patients of an arm for every parameter set of a batch."""
    return batch.cached(_enrol_common_patients, arm)


def enrol(batch: ExperimentBatch, arm: str, populations: Sequence[Population]) -> LandmarkTrial:
    """Return virtual patients of an arm, one population per parameter set of a batch, followed from the landmark."""
    landmark = Landmark(STUDY, arm, batch.day(LANDMARK), (CELLS, RECEPTOR), COUNT_ERROR, UNTREATED)
    found = follow_arm(batch, landmark, populations)
    error = found.parameter
    rise = np.log(found.at_landmark[CELLS] / found.before[CELLS]) + error
    covariates = {RISE: rise, START: np.log(found.before[CELLS]) + error}
    cohort = Cohort(found.time, found.hazard, rise, found.follow_up)
    return LandmarkTrial(cohort, covariates, found.at_landmark[RECEPTOR], found.patients)


def _enrol_common_patients(batch: ExperimentBatch, arm: str) -> LandmarkTrial:
    population = draw_population(batch.setup.compiled.model.parameters, PATIENTS, batch.seed)
    return enrol(batch, arm, [population] * batch.size)


def _association(batch: ExperimentBatch, claim: Claim) -> Association:
    return batch.cached(_associate, claim.experiment, claim.quantity)


def _associate(batch: ExperimentBatch, arm: str, covariate: str) -> Association:
    return expected_association(expected_trial(batch, arm).by(covariate))


def _mean(value: Array, weight: Array) -> Array:
    mean: Array = (value * weight).sum(axis=1) / weight.sum(axis=1)
    return mean


_READ = {"quantity": Named.QUANTITY, "experiment": Named.EXPERIMENT, "day": Named.DAY}
_LANDMARK: Mapping[str, Named | Choice] = {"quantity": Choice("covariate", (RISE, START)), "experiment": Named.ARM}
_FOLLOWED = {
    Named.STUDY: (STUDY,),
    Named.EXPERIMENT: (UNTREATED,),
    Named.QUANTITY: (CELLS, RECEPTOR),
    Named.DAY: (LANDMARK,),
    Named.PARAMETER: (COUNT_ERROR,),
}
READOUTS: Mapping[str, Readout] = {
    "landmark_hazard_ratio": Readout(landmark_hazard_ratio, _LANDMARK, _FOLLOWED),
    "landmark_size": Readout(landmark_size, _LANDMARK, _FOLLOWED),
    "landmark_power": Readout(landmark_power, _LANDMARK, _FOLLOWED),
    "landmark_rejection": Readout(landmark_rejection, _LANDMARK, _FOLLOWED),
    "responder_difference": Readout(responder_difference, {"experiment": Named.ARM}, _FOLLOWED),
    "smallest_step": Readout(
        smallest_step,
        _READ | {"experiment": Choice("dose series", tuple(DOSES)), "baseline": Named.EXPERIMENT},
        {Named.EXPERIMENT: tuple(name for series in DOSES.values() for name in series)},
    ),
    "beyond_either": Readout(beyond_either, _READ, {Named.EXPERIMENT: ONE_SIGNAL}),
}
