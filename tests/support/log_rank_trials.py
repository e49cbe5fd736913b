"""Many drawn trials of two arms, and the log-rank statistic of each.

Start with `draw_trials` and `find_statistics`.
"""

from dataclasses import dataclass

import numpy as np

from kinimmune.models.arrays import Array, Bools


@dataclass(frozen=True)
class DrawnTrials:
    """Patients of many trials, shape (trials, 2, n): the treated arm first."""

    entry: Array
    """[d] since the first one could enter."""
    death: Array
    """[d] since entry"""

    def by(self, day: float) -> tuple[Array, Bools]:
        """Return how long patients have been followed by a day of the calendar, below 0 for those not entered, and who died."""
        followed = day - self.entry
        return np.minimum(self.death, followed), self.death <= followed


def draw_trials(trials: int, n: int, rates: tuple[float, float], accrual: float, seed: int) -> DrawnTrials:
    """Return trials with constant hazards [1/d] and uniform entry over the accrual [d]."""
    generator = np.random.default_rng(seed)
    entry = accrual * generator.uniform(size=(trials, 2, n))
    return DrawnTrials(entry, generator.exponential(1.0 / np.array([[rates[0]], [rates[1]]]), (trials, 2, n)))


def find_statistics(time: Array, event: Bools) -> Array:
    """Return (observed - expected events of the treated arm)/sqrt(variance) of each trial; no two times of a trial are equal."""
    trials = len(time)
    times, events = time.reshape(trials, -1), event.reshape(trials, -1)
    treated = np.broadcast_to(np.arange(2)[:, None] == 0, time.shape[1:]).reshape(-1)
    order = np.argsort(times, axis=1)
    arm, died = treated[order], np.take_along_axis(events, order, axis=1) & (np.take_along_axis(times, order, axis=1) > 0.0)
    at_risk = np.arange(times.shape[1], 0, -1)
    share = np.cumsum(arm[:, ::-1], axis=1)[:, ::-1] / at_risk
    return ((arm - share) * died).sum(axis=1) / np.sqrt((share * (1.0 - share) * died).sum(axis=1))
