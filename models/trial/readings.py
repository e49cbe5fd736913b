"""What readers who err see of sums of diameters scan by scan: progression, response, and how long it lasts.

Start with `read_diameters`.  Every reading y_j = x_j + e_j of ln of the sum of diameters has an error of its own, the first one,
before treatment, too: normal, independent of all others, of variance s^2 + (x'_j s_v)^2.  The first part is the reader's; the
second is the visit's, which is off its date by a deviation of its own of s_v days while the sum moves at the speed x'_j.

RECIST goes by what was read.  Progression is a reading that is the criterion's limit above the smallest one so far, the first
included; response is two readings in a row at the limit below the first.  So all readings share the error of the first, and a low
one lingers.  Nothing is drawn: the distribution of the smallest reading is carried from scan to scan
(`kinimmune.models.kernel.scan_loop`), and every probability is smooth in courses and errors.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from kinimmune.models.arrays import Array, Integers
from kinimmune.models.kernel.cache import load_scans
from kinimmune.models.kernel.scan_arrays import EDGE, PAD, Criteria, Departing, Given, Readings, Scratch, Seen
from kinimmune.models.kernel.scan_window import REACH
from kinimmune.models.trial.design import Trial
from kinimmune.models.trial.reading_rules import FINENESS, correct_mass, share_below

FARTHEST = 1e3
"""Largest ln of a sum of diameters over its start, either way, that is told from larger ones."""
LARGEST_ERROR = 20.0
"""Of a reading of ln of the sum of diameters, the visit's part included, that is told from larger ones."""
UNLIKELY = 1e-7
"""Probability of two small readings in a row below which no response is looked for."""


@dataclass(frozen=True)
class DiameterReadings:
    """The sum of diameters at K scans of n patients, and how well it is read."""

    log_diameter: Array
    """ln of the sum of diameters over its start, shape (K, n)."""
    speed: Array
    """Derivative [1/d] of ln of the sum of diameters, shape (K, n)."""
    reading_error: Array
    """Standard deviation of a reading of ln of the sum of diameters, shape (n,)."""


@dataclass(frozen=True)
class LaterReadings:
    """The same of m paths that leave the course of a patient at a scan."""

    diameter: DiameterReadings
    """Shapes (K, m) and (m,); only what comes after the scan of leaving counts."""
    scan: Integers
    """Scan of leaving (0-based), shape (m,)."""
    patient: Integers
    """Place of the patient, shape (m,)."""


@dataclass(frozen=True)
class Responses:
    """How long responses last of the r patients and q paths in which any can be seen."""

    patients: Integers
    """Places of the patients, shape (r,)."""
    paths: Integers
    """Places of the paths, shape (q,)."""
    lasting: Array
    """Probability that a scan confirms the first response and no reading up to another shows progression, (r, K, K)."""
    lasting_after: Array
    """The same on paths, of responses confirmed before the scan of leaving and from this scan on, shape (q, K, K)."""


@dataclass(frozen=True)
class DiametersSeen:
    """What readers see; new lesions, death and adverse events aside."""

    unseen: Array
    """Probability that no reading up to each scan has shown progression, shape (K, n)."""
    confirmed: Array
    """Probability that a scan confirms the first response and no reading up to it has shown progression, shape (K, n)."""
    unseen_after: Array
    """As `unseen`, of the paths: on the patient's course up to the scan of leaving, on their own after it, shape (K, m)."""
    responses: Responses


def read_diameters(diameter: DiameterReadings, later: LaterReadings, trial: Trial) -> DiametersSeen:
    """Return what readers see of patients, and of the paths on which some leave the course they began.

    Parameters
    ----------
    diameter
        sums of diameters on the course that patients begin
    later
        those on the paths
    trial
        its criterion and the deviation of its visits
    """
    likely = np.flatnonzero(_may_respond(diameter, trial))
    order = np.lexsort((later.scan, later.patient))
    paths = order[np.isin(later.patient[order], likely)]
    scans, n = diameter.log_diameter.shape
    seen = Seen(
        np.zeros((n, scans)),
        np.zeros((n, scans)),
        np.zeros((likely.size, scans, scans)),
        np.zeros((order.size, scans)),
        np.zeros((paths.size, scans, scans)),
    )
    _fill(_prepare(diameter, likely, trial), _depart(later, n, order, paths, trial), trial, seen)
    unseen_after = np.empty((scans, order.size))
    unseen_after[:, order] = seen.unseen_after.T
    before = np.arange(scans)[:, None] <= later.scan
    unseen_after = np.where(before, seen.unseen.T[:, later.patient], unseen_after)
    return DiametersSeen(
        seen.unseen.T, seen.confirmed.T, unseen_after, Responses(likely, paths, seen.lasting, seen.lasting_after)
    )


def p_no_crossing(diameter: DiameterReadings, trial: Trial) -> Array:
    """Return the probability that no reading of the sum of diameters up to each scan has shown progression, shape (K, n)."""
    scans, n = diameter.log_diameter.shape
    nobody, none = np.zeros(0, dtype=np.int64), np.zeros((0, scans))
    after = Departing(none, none, np.zeros(n + 1, dtype=np.int64), nobody, nobody, nobody)
    empty = np.zeros((0, scans, scans))
    seen = Seen(np.zeros((n, scans)), np.zeros((n, scans)), empty, none, empty)
    _fill(_prepare(diameter, nobody, trial), after, trial, seen)
    return seen.unseen.T


def no_responses(scans: int) -> Responses:
    """Return that nobody responds."""
    nobody, never = np.zeros(0, dtype=np.int64), np.zeros((0, scans, scans))
    return Responses(nobody, nobody, never, never)


def _may_respond(diameter: DiameterReadings, trial: Trial) -> Array:
    """Return of whom two readings in a row at or below the limit of response are not out of the question, shape (n,)."""
    spread = np.hypot(diameter.reading_error, _errors(diameter, trial))
    small = ndtr((math.log(trial.response_ratio) - diameter.log_diameter) / spread)
    return np.asarray((np.minimum(small[1:], small[:-1]) > UNLIKELY).any(axis=0))


def _errors(diameter: DiameterReadings, trial: Trial) -> Array:
    """Return the standard deviation of every reading, shape (K, n)."""
    return np.asarray(np.minimum(np.hypot(diameter.reading_error, diameter.speed * trial.scan_jitter), LARGEST_ERROR))


def _side_by_side(values: Array) -> Array:
    """Return values, shape (K, n), with those of a patient side by side, shape (n, K)."""
    return np.ascontiguousarray(values.T)


def _prepare(diameter: DiameterReadings, likely: Integers, trial: Trial) -> Readings:
    """Return what the loop is given of patients, of whom those in `likely` may respond."""
    responder = np.full(diameter.reading_error.size, -1)
    responder[likely] = np.arange(likely.size)
    step = FINENESS * diameter.reading_error
    down = -math.log(trial.response_ratio) / step
    limit = np.ceil(down)
    return Readings(
        np.clip(_side_by_side(diameter.log_diameter), -FARTHEST, FARTHEST),
        _side_by_side(_errors(diameter, trial)),
        np.ascontiguousarray(diameter.reading_error),
        step,
        limit.astype(np.int64),
        _divide(limit - down) if likely.size else np.zeros((responder.size, 2 * EDGE)),
        responder,
    )


def _divide(place: Array) -> Array:
    """Return `share_below` of the limit of response of each patient, shape (n, 2 EDGE); one for all where readers err alike."""
    distinct, which = np.unique(place, return_inverse=True)
    return share_below(distinct)[which]


def _depart(later: LaterReadings, patients: int, order: Integers, paths: Integers, trial: Trial) -> Departing:
    """Return what the loop is given of paths, in an order by patients and scans; responses are kept of those in `paths`."""
    responder = np.full(order.size, -1)
    responder[paths] = np.arange(paths.size)
    patient = later.patient[order]
    return Departing(
        np.clip(_side_by_side(later.diameter.log_diameter[:, order]), -FARTHEST, FARTHEST),
        _side_by_side(_errors(later.diameter, trial)[:, order]),
        np.searchsorted(patient, np.arange(patients + 1)),
        patient,
        later.scan[order],
        responder[order],
    )


def _fill(on: Readings, after: Departing, trial: Trial, seen: Seen) -> None:
    """Let the loop fill in what is seen."""
    increase = -math.inf
    if trial.progression_increase > 0.0 and trial.baseline_diameter is not None:
        increase = math.log(trial.progression_increase / trial.baseline_diameter)
    criteria = Criteria(math.log(trial.progression_ratio), increase, math.log(trial.response_ratio), correct_mass())
    scratch = _make_scratch(on.error.shape[1], _count_nodes(on, after))
    load_scans().read_patients(Given(on, after, criteria), scratch, seen)


def _count_nodes(on: Readings, after: Departing) -> int:
    """Return how many nodes a window may have.

    It ends `REACH` errors above the reading for which that is lowest, and begins as far below another: at most twice the error of
    this one apart.
    """
    largest = np.maximum(on.error.max(axis=1, initial=0.0), on.first_error)
    np.maximum.at(largest, after.patient, after.error.max(axis=1, initial=0.0))
    return math.ceil(2.0 * REACH * float((largest / on.step).max(initial=0.0))) + 4


def _make_scratch(scans: int, width: int) -> Scratch:
    firsts = math.ceil(REACH / FINENESS) + 2
    rows, padded = (1 + scans, width), (3, width + 2 * PAD)
    confirming, below, within, weight, limit, share = np.empty((6, width))
    first, until, window = (np.empty(size, dtype=np.int64) for size in (firsts, firsts, 4))
    return Scratch(
        rows=np.empty(rows),
        branch=np.empty(rows),
        waiting=np.empty((3 * firsts, width)),
        confirming=confirming,
        laid=np.empty(padded),
        above=np.empty(padded),
        below=below,
        within=within,
        weight=weight,
        limit=limit,
        share=share,
        first=first,
        until=until,
        window=window,
        scan=np.empty(3),
    )
