"""Whether ensembles of walkers have converged, and how much they tell.

Start with `diagnose` and `find_faults`; `describe` puts a fault into words.  Walkers of one ensemble move by each other's
positions, so an ensemble is one chain and not many:

- R-hat (A. Vehtari, A. Gelman, D. Simpson, B. Carpenter & P.-C. Buerkner, Bayesian Analysis 16:667, 2021) compares ensembles:
  the positions of an ensemble's walkers, step after step, are the draws of one chain.  R-hat does not depend on the order of
  draws within the halves of a chain, so it is as valid as for a plain chain; it asks whether ensembles and their halves agree
  on the distribution, to a part of its width.
- The effective sample size is what the mean over walkers tells: its variance as a series in time contains every correlation
  between walkers.  With one walker it is the usual one.
- The autocorrelation time is emcee's: the autocorrelations of single walkers, averaged.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from kinimmune.fitting.sampling.arviz_module import load_arviz
from kinimmune.models.arrays import Array

MAX_R_HAT = 1.01
"""R-hat above which ensembles disagree (Vehtari et al.)."""
MIN_EFFECTIVE = 400.0
"""Bulk and tail effective draws below which R-hat itself is not to be trusted (Vehtari et al., section 4)."""
MIN_TIMES = 50.0
"""Autocorrelation times an ensemble must go on for after its burn-in, so that the time itself is known; as emcee asks for."""
BURN_IN_TIMES = 5.0
"""Autocorrelation times that are left out after the log probability has settled."""
WINDOW = 5.0
"""emcee's default: autocorrelations are summed to so many autocorrelation times."""


@dataclass(frozen=True)
class Diagnosis:
    """How well one quantity is known from a sample; None where a number does not exist."""

    r_hat: float | None
    """Rank-normalised split R-hat between ensembles."""
    bulk_ess: float | None
    """Effective sample size of the bulk."""
    tail_ess: float | None
    """Effective sample size of the tails."""
    autocorrelation_time: float | None
    """Integrated autocorrelation time [steps]."""


class FaultKind(StrEnum):
    """What can speak against the convergence of one quantity."""

    R_HAT = "R-hat"
    """R-hat is above `MAX_R_HAT`."""
    BULK = "bulk"
    """The effective sample size of the bulk is below `MIN_EFFECTIVE`."""
    TAIL = "tail"
    """The effective sample size of the tails is below `MIN_EFFECTIVE`."""
    LENGTH = "length"
    """The steps are fewer than `MIN_TIMES` autocorrelation times."""


@dataclass(frozen=True)
class Fault:
    """Something that speaks against convergence."""

    kind: FaultKind
    quantity: str
    """Name of the quantity."""
    value: float | None
    """R-hat, effective sample size, or autocorrelation time [steps]; None where it does not exist."""
    steps: int
    """Steps of an ensemble after its burn-in."""


def find_faults(diagnosis: Diagnosis, quantity: str, steps: int) -> tuple[Fault, ...]:
    """Return what speaks against convergence of a quantity; nothing when nothing does.

    Parameters
    ----------
    diagnosis
        its diagnosis
    quantity
        its name
    steps
        steps of an ensemble after its burn-in
    """
    time = diagnosis.autocorrelation_time
    judged = (
        (FaultKind.R_HAT, diagnosis.r_hat, diagnosis.r_hat is not None and diagnosis.r_hat <= MAX_R_HAT),
        (FaultKind.BULK, diagnosis.bulk_ess, diagnosis.bulk_ess is not None and diagnosis.bulk_ess >= MIN_EFFECTIVE),
        (FaultKind.TAIL, diagnosis.tail_ess, diagnosis.tail_ess is not None and diagnosis.tail_ess >= MIN_EFFECTIVE),
        (FaultKind.LENGTH, time, time is not None and steps >= MIN_TIMES * time),
    )
    return tuple(Fault(kind, quantity, value, steps) for kind, value, sound in judged if not sound)


def describe(fault: Fault) -> str:
    """Return a fault in words.

    >>> describe(Fault(FaultKind.BULK, "growth", 123.4, 50))
    'bulk effective sample size of growth is 123, below 400'
    """
    if fault.kind is FaultKind.R_HAT:
        return f"R-hat of {fault.quantity} is {_format(fault.value, 3)}, above {MAX_R_HAT}"
    if fault.kind is FaultKind.LENGTH:
        wanted = f"{MIN_TIMES:.0f} autocorrelation times of {fault.quantity}"
        return f"{fault.steps} steps are fewer than {wanted}, {_format(fault.value, 1)}"
    return f"{fault.kind} effective sample size of {fault.quantity} is {_format(fault.value, 0)}, below {MIN_EFFECTIVE:.0f}"


def diagnose(draws: Array) -> Diagnosis:
    """Return the diagnosis of one quantity, shape (ensembles, steps, walkers), burn-in left out."""
    bulk, tail = effective_sizes(draws)
    return Diagnosis(_known(r_hat(draws)), _known(bulk), _known(tail), _known(autocorrelation_time(draws)))


def choose_burn_in(positions: Array, log_probability: Array) -> int:
    """Return how many steps to leave out.

    Until the mean log probability of every ensemble has come to where it is in the second half of its steps, and then some
    autocorrelation times of the slowest coordinate there; at most half of the steps.

    Parameters
    ----------
    positions
        shape (ensembles, steps, walkers, dimensions)
    log_probability
        shape (ensembles, steps, walkers)
    """
    half = positions.shape[1] // 2
    slowest = max(autocorrelation_time(positions[:, half:, :, index]) for index in range(positions.shape[-1]))
    means = log_probability.mean(axis=2)
    arrived = int(np.argmax(means >= means[:, half:].min(axis=1, keepdims=True), axis=1).max())
    return int(min(arrived + math.ceil(BURN_IN_TIMES * slowest), half))


def r_hat(draws: Array) -> float:
    """Return the rank-normalised split R-hat between ensembles, nan where every draw is the same.

    Parameters
    ----------
    draws
        shape (ensembles, steps, walkers)
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(load_arviz().rhat(draws.reshape(draws.shape[0], -1), method="rank"))


def autocorrelation_time(draws: Array) -> float:
    """Return the integrated autocorrelation time [steps] of single walkers, averaged over walkers and ensembles.

    As `emcee.autocorr.integrated_time`; a walker that never moved counts as one whose autocorrelation is 1.

    Parameters
    ----------
    draws
        shape (ensembles, steps, walkers)
    """
    from emcee.autocorr import auto_window, function_1d

    series = np.moveaxis(draws, 1, -1).reshape(-1, draws.shape[1])
    still = np.ones(draws.shape[1])
    mean = np.mean([function_1d(row) if np.ptp(row) > 0.0 else still for row in series], axis=0)
    times = 2.0 * np.cumsum(mean) - 1.0
    return float(times[auto_window(times, WINDOW)])


def effective_sizes(draws: Array) -> tuple[float, float]:
    """Return the bulk and tail effective sample sizes; that of the tail is the smaller of those at 5 and 95 %.

    Parameters
    ----------
    draws
        shape (ensembles, steps, walkers)
    """
    from scipy.stats import norm, rankdata

    scores = norm.ppf((rankdata(draws).reshape(draws.shape) - 0.375) / (draws.size + 0.25))
    tails = [effective_size((draws <= np.quantile(draws, level)).astype(float)) for level in (0.05, 0.95)]
    return effective_size(scores), min(tails)


def effective_size(draws: Array) -> float:
    """Return how many independent draws would tell the mean as well; nan where every draw is the same.

    Variance of a draw over the variance of the mean of all: with m(t) the mean over walkers, (var draws / var m) times the
    effective length of the series m, which arviz estimates over ensembles.

    Parameters
    ----------
    draws
        shape (ensembles, steps, walkers)
    """
    means = draws.mean(axis=2)
    if np.ptp(draws) == 0.0 or np.ptp(means) == 0.0:
        return math.nan
    length = float(load_arviz().ess(means, method="mean"))
    return min(length * float(draws.var() / means.var()), float(draws.size))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _format(value: float | None, decimals: int) -> str:
    return "unknown" if value is None else f"{value:.{decimals}f}"
