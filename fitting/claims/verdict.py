"""The verdict on a claim from its evidence: one that does not turn over with the number of draws.

Start with `judge`.  A share of draws is known within its Wilson interval; where that holds the threshold, draws decide
nothing, and the verdict says so (`UNDECIDED`) in place of what a larger number might overturn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kinimmune.fitting.claims.results import DISPUTED, FAILED, SUPPORTED, UNDECIDED, VACUOUS, Ablation, ClaimRecord
from kinimmune.fitting.problem.posterior_draws import SAMPLE
from kinimmune.models.arrays import NORMAL_95

ENOUGH = 0.8
"""Share of draws from which a claim stands without explanation."""


@dataclass(frozen=True)
class Share:
    """Which share of draws satisfies a claim, and how well that is known."""

    value: float
    lower: float
    """Lower end of the 95 % Wilson interval, Monte Carlo error only."""
    upper: float
    """Upper end of that interval."""
    draws: int
    effective: float
    """How many independent draws they count for."""


@dataclass(frozen=True)
class Evidence:
    """What a verdict rests on."""

    holds: bool
    """Whether the claim holds at the values it is judged at; no matter of draws."""
    share: Share
    """Of draws that satisfy it."""
    ablations: Sequence[Ablation]
    """The claim without each mechanism it names, at the values it is judged at; no matter of draws."""


def wilson(successes: float, n: float) -> tuple[float, float]:
    """Return the lower and upper end of the 95 % Wilson score interval of a share.

    The values p with |k/n - p| <= z sqrt(p (1 - p)/n).  Source: Wilson, J Am Stat Assoc 22, 209 (1927).

    Parameters
    ----------
    successes
        k; no whole number where draws count for fewer than they are
    n
        draws, or what correlated ones count for

    Examples
    --------
    >>> tuple(round(end, 4) for end in wilson(8, 10))
    (0.4902, 0.9433)
    """
    share, square = successes / n, NORMAL_95**2 / n
    centre = share + square / 2.0
    half = math.sqrt(square * (share * (1.0 - share) + square / 4.0))
    lower, upper = ((centre + sign * half) / (1.0 + square) for sign in (-1.0, 1.0))
    return (0.0 if successes == 0 else lower), (1.0 if successes == n else upper)


def count_share(satisfied: int, draws: int, effective: float | None = None) -> Share:
    """Return the share of draws that satisfy a claim.

    Parameters
    ----------
    satisfied, draws
        numbers of draws
    effective
        how many independent draws they count for; None for all of them
    """
    value = satisfied / draws
    size = float(draws) if effective is None else min(effective, float(draws))
    return Share(value, *wilson(value * size, size), draws, size)


def judge(evidence: Evidence, *, disputed: bool, explained: bool) -> str:
    """Return the verdict, one of `VERDICTS`.

    Parameters
    ----------
    evidence
        what it rests on
    disputed
        whether the literature disputes the claim, so that it is not scored
    explained
        whether its row says why it is kept whatever its share is
    """
    if disputed:
        return DISPUTED
    share = evidence.share
    if not evidence.holds or (share.upper < ENOUGH and not explained):
        return FAILED
    if share.lower < ENOUGH and not explained:
        return UNDECIDED
    survives = not evidence.ablations or any(item.holds for item in evidence.ablations)
    return VACUOUS if survives else SUPPORTED


def find_deciding_draws(share: float) -> int | None:
    """Return about how many independent draws would decide a claim were its share to stay; None where no number would.

    The Wilson interval of n draws holds `ENOUGH` while |share - ENOUGH| <= z sqrt(ENOUGH (1 - ENOUGH)/n).  Rounded up to two
    digits.

    >>> find_deciding_draws(0.82), find_deciding_draws(0.8)
    (1600, None)
    """
    distance = abs(share - ENOUGH)
    if distance < 1e-9:
        return None
    needed = ENOUGH * (1.0 - ENOUGH) * (NORMAL_95 / distance) ** 2
    unit = 10.0 ** max(math.floor(math.log10(needed)) - 1, 0)
    return int(math.ceil(needed / unit) * unit)


def explain_undecided(share: Share) -> str:
    """Return why draws leave a claim undecided, and how many would decide it: of correlated ones as many independent ones.

    >>> explain_undecided(count_share(164, 200))
    '200 draws leave the share between 0.761 and 0.867, and 0.8 lies within; about 1600 would decide if it stays 0.820'
    """
    needed = find_deciding_draws(share.value)
    fewer = share.effective < share.draws
    number = "no number" if needed is None else f"about {needed}{' independent ones' if fewer else ''}"
    count = f"{share.draws} draws{f' that count for {share.effective:.0f} independent ones' if fewer else ''}"
    known = f"{count} leave the share between {share.lower:.3f} and {share.upper:.3f}, and {ENOUGH} lies within"
    return f"{known}; {number} would decide if it stays {share.value:.3f}"


def describe_loss(record: ClaimRecord) -> str:
    """Return in words that a claim is supported on prior draws and survives less often where the fit of a run leaves it."""
    drawn, held = record.posterior_fraction, record.posterior_fraction_held
    parts = [] if drawn is None else [f"{drawn:.2f} of draws of the estimates with constants from their priors"]
    meet = "meet" if record.basis == SAMPLE else "by the normal approximation meet"
    parts += [] if held is None else [f"{held:.2f} with constants held, at values that {meet} what was fitted"]
    supported = f"{record.id} is supported on draws from the priors, of which {record.fraction:.2f} satisfy it"
    return f"{supported}, and survives less often at the fit: in {', and in '.join(parts)}"
