"""A curve read again with other errors, to see what the error of reading does to whatever is made of it.

Start with `rebuild_again`.
"""

import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import isotonic_regression

from kinimmune.fitting.curves.figure import FigureReading
from kinimmune.fitting.curves.reading import ReadCurve
from kinimmune.fitting.curves.rebuild import RebuiltPatients, rebuild
from kinimmune.fitting.curves.risk_table import RiskTable
from kinimmune.models.errors import DataError, UsageError

MOST_REPLICATES = 1000


def read_again(curve: ReadCurve, risk: RiskTable, key: Sequence[str], seed: int, number: int) -> ReadCurve:
    """Return the curve with errors drawn anew.

    At the times of the risk table they are independent and normal, with the standard deviations that `curves.csv` tells; at time
    0 they are 0, and between these times they change along straight lines.  The curve is made monotone again.

    Parameters
    ----------
    curve
        as it was read
    risk
        numbers at risk under it
    key
        study, arm and endpoint: another curve has other errors, whatever the seed, so that those of two arms do not cancel
    seed
        of all replicates
    number
        of this one, from 1 on; its errors do not depend on how many there are
    """
    generator = np.random.default_rng([seed, number, zlib.crc32(":".join(key).encode())])
    error = generator.normal(size=risk.time.size) * curve.errors_at(risk.time, risk.at_risk)
    inserted = risk.time[~np.isin(risk.time, curve.time) & (risk.time < curve.end)]
    order = np.argsort(np.concatenate([curve.time, inserted]), kind="stable")
    time = np.concatenate([curve.time, inserted])[order]
    survival = np.concatenate([curve.survival, curve.at(inserted)])[order]
    moved = np.clip(isotonic_regression(survival + np.interp(time, risk.time, error), increasing=False).x, 0.0, 1.0)
    return replace(curve, time=time, survival=np.where(time == 0.0, survival, moved))


def rebuild_again(reading: FigureReading, key: Sequence[str], seed: int, number: int) -> RebuiltPatients:
    """Return the patients behind a curve that is read again; key, seed and number as in `read_again`.

    Raises
    ------
    DataError
        when none of them has an event, since such patients can be no target
    """
    rebuilt = rebuild(read_again(reading.curve, reading.risk, key, seed, number), reading.risk, reading.events)
    if not rebuilt.events:
        raise DataError(f"nobody has an event in replicate {number}: too few have one; leave --replicates out")
    return rebuilt


def require_replicates(number: int) -> int:
    """Return a number of replicates; raise a `UsageError` for one that cannot be drawn."""
    if not 1 <= number <= MOST_REPLICATES:
        raise UsageError(f"--replicates {number} lies outside 1 to {MOST_REPLICATES}; give such a number")
    return number
