"""Landmark analysis of a virtual trial: whether a biomarker's rise by a fixed day goes with longer survival afterwards.

Start with `expected_association`, what a trial of any size would find on average.  Patients who died before the landmark are left
out, so that nobody had to survive in order to show a rise (immortal time).
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from scipy.special import ndtr

from kinimmune.models.arrays import NORMAL_95, Array
from kinimmune.models.trial.follow_up import FollowUp

NEWTON_STEPS = 25
LARGEST_STEP = 1.0
"""Largest change of the log hazard ratio in one Newton step."""


@dataclass(frozen=True)
class Cohort:
    """Virtual patients of one arm, m for each of n sets of parameters."""

    time: Array
    """Times [d], shape (k,), increasing; the first is the landmark."""
    hazard: Array
    """Cumulative hazard of death, shape (n, m, k)."""
    covariate: Array
    """The biomarker at the landmark, shape (n, m)."""
    follow_up: FollowUp
    """How long patients are followed: staggered entry makes it vary."""


@dataclass(frozen=True)
class Association:
    """Cox regression of survival after the landmark on one covariate, per standard deviation; shape (n,) each."""

    log_hazard_ratio: Array
    """Natural logarithm of the hazard ratio per standard deviation of the covariate."""
    information: Array
    """Expected information about the log hazard ratio, per patient who entered the trial."""

    def detected(self, patients: float | Array) -> Array:
        """Return the probability that one trial of so many patients finds a ratio below 1 with two-sided p < .05, shape (n,)."""
        found: Array = ndtr(-self._distance(patients) - NORMAL_95)
        return found

    def rejected(self, patients: float | Array) -> Array:
        """Return the probability that one trial of so many patients finds a ratio above or below 1 with p < .05, shape (n,)."""
        other: Array = ndtr(self._distance(patients) - NORMAL_95)
        return self.detected(patients) + other

    def _distance(self, patients: float | Array) -> Array:
        distance: Array = self.log_hazard_ratio * np.sqrt(patients * self.information)
        return distance


def expected_association(cohort: Cohort) -> Association:
    """Return the log hazard ratio per standard deviation that the landmark analysis finds in expectation, shape (n,).

    The root of the expected partial-likelihood score: deaths and risk sets are weighed by each patient's probabilities instead of
    being drawn.  The covariate is standardised among those alive at the landmark.
    """
    alive = np.exp(-cohort.hazard)
    weight = alive[:, :, 0]
    score = _standardise(cohort.covariate, weight)
    followed = cohort.follow_up.uncensored((cohort.time[1:] + cohort.time[:-1]) / 2.0)
    deaths = (alive[:, :, :-1] - alive[:, :, 1:]) * followed
    at_risk = (alive[:, :, :-1] + alive[:, :, 1:]) / 2.0 * followed
    slope, information = _root(score[:, :, None], deaths, at_risk)
    return Association(slope, information / cohort.covariate.shape[1])


def _standardise(covariate: Array, weight: Array) -> Array:
    """Return the covariate, shape (n, m), with weighted mean 0 and standard deviation 1; 0 where it does not vary."""
    total = weight.sum(axis=1, keepdims=True)
    centred = covariate - (weight * covariate).sum(axis=1, keepdims=True) / total
    sd = np.sqrt((weight * centred**2).sum(axis=1, keepdims=True) / total)
    score: Array = np.divide(centred, sd, out=np.zeros_like(centred), where=sd > 0.0)
    return score


def _root(score: Array, deaths: Array, at_risk: Array) -> tuple[Array, Array]:
    """Return the root of the expected score by Newton's method and the information there, shape (n,) each."""
    slope = np.zeros(score.shape[0])
    information = np.zeros(score.shape[0])
    events, scored = deaths.sum(axis=1), (deaths * score).sum(axis=(1, 2))
    for _ in range(NEWTON_STEPS):
        risk = at_risk * np.exp(slope[:, None, None] * score)
        total = np.maximum(risk.sum(axis=1), np.finfo(float).tiny)
        mean = (risk * score).sum(axis=1) / total
        spread = (risk * score**2).sum(axis=1) / total - mean**2
        information = (events * spread).sum(axis=1)
        slope = slope + _step(scored - (events * mean).sum(axis=1), information)
    return slope, information


def _step(gradient: Array, information: Array) -> Array:
    """Return the Newton step, limited; 0 where there is no information."""
    step = np.divide(gradient, information, out=np.zeros_like(gradient), where=information > 0.0)
    return cast(Array, np.clip(step, -LARGEST_STEP, LARGEST_STEP))
