"""Progression-free survival: who is alive with no progression detected, falling at scans by steps and between them by deaths.

Start with `progression_free_survival`.  It is the mean over patients of U_i(t) exp(-H_i(t)), with U_i the probability of no
progression detected by t and H_i the cumulative hazard of death.  The product of an arm's two curves is another number: growth
drives both progression and death, so those who have not progressed die less.
"""

from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.trial.step_curve import StepCurve
from kinimmune.models.trial.virtual_trial import ArmOutcome


@dataclass(frozen=True)
class RiskSets:
    """Who is at risk in each row of a `StepCurve`, and who leaves: probabilities per patient enrolled, shape (r,) each."""

    middle: Array
    """[d], when the row's events happen: the middle of an interval, the date of a scan."""
    at_risk: Array
    """Alive with no progression detected, and so at risk of the row's events."""
    failures: Array
    """Deaths in an interval, progressions detected at a scan."""


def scan_places(outcome: ArmOutcome) -> Integers:
    """Return the places of the scans in an outcome's grid, shape (K,)."""
    return np.searchsorted((outcome.grid[1:] + outcome.grid[:-1]) / 2.0, outcome.scans)


def progression_free_survival(outcome: ArmOutcome) -> StepCurve:
    """Return the curve of an arm."""
    scans = scan_places(outcome)
    after = outcome.unprogressed
    return StepCurve(
        time=np.insert(outcome.grid[1:], scans, outcome.grid[scans]),
        survival=np.insert(_before_scans(outcome)[1:], scans, after[scans]),
        at_scan=np.insert(np.zeros(outcome.grid.size - 1, dtype=bool), scans, np.ones(scans.size, dtype=bool)),
    )


def risk_sets(outcome: ArmOutcome) -> RiskSets:
    """Return the risk sets behind the rows of `progression_free_survival`."""
    scans = scan_places(outcome)
    after, before = outcome.unprogressed, _before_scans(outcome)
    return RiskSets(
        middle=np.insert((outcome.grid[1:] + outcome.grid[:-1]) / 2.0, scans, outcome.scans),
        at_risk=np.insert(np.sqrt(after[:-1] * before[1:]), scans, outcome.at_risk),
        failures=np.insert(after[:-1] - before[1:], scans, outcome.detected),
    )


def _before_scans(outcome: ArmOutcome) -> Array:
    """Return who is alive and unprogressed at the grid, before what a scan of that day shows, shape (g,)."""
    before = outcome.unprogressed.copy()
    before[scan_places(outcome)] = outcome.at_risk
    return before
