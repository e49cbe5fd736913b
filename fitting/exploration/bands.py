"""Bands about the curves of a run: where they lie over draws from its posterior, at any setting.

Start with `compute_bands`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from kinimmune.fitting.estimation.outcome_rows import Numbers
from kinimmune.fitting.exploration.session import BAND_DRAWS, Session, place_session
from kinimmune.fitting.exploration.setting import Setting
from kinimmune.fitting.prediction.outcome import DrawnTrial
from kinimmune.fitting.prediction.predict import run_draws
from kinimmune.fitting.prediction.summary import find_band

BAND_PATIENTS = 64
"""Virtual patients of each arm at each draw."""
BLOCK = 4
"""Draws that are run before it is asked whether anybody still waits."""


@dataclass(frozen=True)
class ShownBand:
    """Pointwise 2.5 and 97.5 % of the draws of one curve."""

    study: str
    arm: str
    endpoint: str
    months: Numbers
    lower: Numbers
    upper: Numbers


@dataclass(frozen=True)
class Bands:
    """The bands of all curves."""

    draws: int
    patients: int
    basis: str
    """What the draws are, in words."""
    bands: tuple[ShownBand, ...]


def compute_bands(session: Session, setting: Setting, wanted: Callable[[], bool]) -> Bands | None:
    """Return the bands of a run at a setting: 32 draws of 64 virtual patients, failed ones left out.

    Parameters
    ----------
    session
        of a run
    setting
        what was chosen; what it sets is the same at every draw
    wanted
        asked between blocks of draws; where it says no, nothing is returned

    Raises
    ------
    UsageError
        for a setting that cannot be
    """
    patients = min(setting.patients, BAND_PATIENTS)
    plan = place_session(session, setting.model_copy(update={"patients": patients}), draws=True)
    trials: list[DrawnTrial] = []
    for first in range(0, BAND_DRAWS, BLOCK):
        if not wanted():
            return None
        points = plan.matched.points[first : first + BLOCK]
        trials += run_draws(replace(plan, matched=replace(plan.matched, points=points)), lambda _: None).trials
    return Bands(len(trials), patients, plan.source.note, _find_bands(trials))


def _find_bands(trials: list[DrawnTrial]) -> tuple[ShownBand, ...]:
    bands = []
    for place in trials[0].curves if trials else ():
        curves = [trial.curves[place] for trial in trials]
        _, lower, upper = find_band(np.array([curve.survival for curve in curves]))
        bands.append(ShownBand(*place, tuple(curves[0].months.tolist()), lower, upper))
    return tuple(bands)
