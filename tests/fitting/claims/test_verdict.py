"""Verdicts: intervals of shares, the threshold, and that more draws never turn one verdict into its opposite."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from kinimmune.fitting.claims.results import Ablation
from kinimmune.fitting.claims.verdict import (
    ENOUGH,
    Evidence,
    count_share,
    explain_undecided,
    find_deciding_draws,
    judge,
    wilson,
)

Z = 1.959963984540054
BREAKS, SURVIVES = Ablation("growth", holds=False, fraction=0.0), Ablation("growth", holds=True, fraction=1.0)


@pytest.mark.parametrize(
    ("successes", "n", "published"),
    [
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_wilson_interval_is_that_of_newcombe_1998(successes, n, published):
    assert wilson(successes, n) == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize("n", [1, 16, 1000])
def test_wilson_interval_at_the_ends_and_its_mirror(n):
    assert wilson(n, n) == pytest.approx((n / (n + Z * Z), 1.0), rel=1e-12)
    for k in {0, n // 3, n}:
        low, high = wilson(k, n)
        assert wilson(n - k, n) == pytest.approx((1.0 - high, 1.0 - low), rel=1e-12, abs=1e-15)


def test_wilson_bounds_solve_the_score_equation():
    for bound in wilson(37, 50):
        assert abs(37 / 50 - bound) == pytest.approx(Z * math.sqrt(bound * (1.0 - bound) / 50), rel=1e-12)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_is_that_of_scipy(counts):
    """The closed form is the root of the score equation that scipy finds."""
    interval = binomtest(*counts).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson(*counts) == pytest.approx((interval.low, interval.high), rel=1e-9, abs=1e-12)


def test_correlated_draws_count_for_fewer():
    """The share is that of all draws, its interval that of as many independent ones as they count for."""
    share = count_share(300, 400, effective=40.0)
    assert share.value == 0.75
    assert (share.lower, share.upper) == wilson(30, 40)
    assert count_share(300, 400, effective=4000.0) == count_share(300, 400)


def decide(successes, n, *, explained=False, holds=True, ablations=(BREAKS,), disputed=False):
    return judge(Evidence(holds, count_share(successes, n), ablations), disputed=disputed, explained=explained)


def chances(share, n):
    """Return how probable each verdict is for n draws that satisfy a claim with probability `share`, by exact counting."""
    weights = binom.pmf(np.arange(n + 1), n, share)
    lowest = next((k for k in range(n + 1) if decide(k, n) == "supported"), n + 1)
    highest = next((k for k in range(n, -1, -1) if decide(k, n) == "failed"), -1)
    return {"supported": weights[lowest:].sum(), "failed": weights[: highest + 1].sum()}


@given(share=st.floats(1e-6, 1.0 - 1e-6) | st.floats(0.75, 0.85), n=st.integers(16, 400))
def test_ten_times_the_draws_never_turn_a_verdict_over_but_by_the_error_of_the_interval(share, n):
    """A claim supported at n draws fails at 10 n, or the other way round, at most as often as an interval misses."""
    few, many = chances(share, n), chances(share, 10 * n)
    assert few["supported"] * many["failed"] + few["failed"] * many["supported"] <= 0.05


@given(st.integers(1, 3000))
def test_a_verdict_is_undecided_exactly_where_the_interval_holds_the_threshold(n):
    """With more successes a claim goes from failed through undecided to supported, and each at its end of the interval."""
    for k in {0, n // 2, math.floor(ENOUGH * n), math.ceil(ENOUGH * n), n}:
        lower, upper = wilson(k, n)
        expected = "failed" if upper < ENOUGH else "supported" if lower >= ENOUGH else "undecided"
        assert decide(k, n) == expected


def test_both_ends_of_the_interval_are_boundaries():
    """Of 200 draws those within z sqrt(.16/200) = .0554 of .8 decide nothing: 149 to 171 of them."""
    verdicts = [decide(k, 200) for k in range(201)]
    assert verdicts == 149 * ["failed"] + 23 * ["undecided"] + 29 * ["supported"]


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        ({"holds": False}, "failed"),
        ({"holds": False, "explained": True}, "failed"),
        ({"holds": False, "disputed": True}, "disputed"),
        ({"explained": True}, "supported"),
        ({"ablations": ()}, "undecided"),
        ({"ablations": (BREAKS, SURVIVES)}, "undecided"),
        ({"ablations": (BREAKS, SURVIVES), "explained": True}, "vacuous"),
    ],
)
def test_draws_decide_before_ablations_and_what_needs_no_draws_before_draws(evidence, verdict):
    """A claim that is short of draws is undecided whatever its ablations say, as it might fail; one that does not hold fails."""
    assert decide(160, 200, **evidence) == verdict


@given(n=st.integers(50, 3000), k=st.integers(0, 3000))
def test_as_many_draws_as_advised_decide_when_the_share_stays(n, k):
    """The number of draws that is told is enough, and a tenth fewer is not: it is rounded up to two digits."""
    share = min(k, n) / n
    needed = find_deciding_draws(share)
    if needed is None:
        assert share == pytest.approx(ENOUGH)
        return
    enough, fewer = (wilson(share * draws, draws) for draws in (needed + 1, 0.9 * needed - 1))
    assert not enough[0] <= ENOUGH <= enough[1]
    assert fewer[0] <= ENOUGH <= fewer[1] or needed < 20


def test_an_undecided_claim_says_what_would_decide_it():
    """Interval, threshold and number of draws stand in one line; a share at the threshold no number decides."""
    assert explain_undecided(count_share(167, 200)) == (
        "200 draws leave the share between 0.777 and 0.880, and 0.8 lies within; about 510 would decide if it stays 0.835"
    )
    assert explain_undecided(count_share(160, 200)).endswith("; no number would decide if it stays 0.800")


def test_correlated_draws_are_told_with_the_independent_ones_they_count_for():
    """More draws of the same chains decide nothing; independent ones do."""
    assert explain_undecided(count_share(167, 200, effective=50.0)) == (
        "200 draws that count for 50 independent ones leave the share between 0.709 and 0.913, and 0.8 lies within; "
        "about 510 independent ones would decide if it stays 0.835"
    )
