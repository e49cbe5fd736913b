"""Claims at and about the estimates of a fit: shares of closed forms, what is judged there, and what survives less often."""

import math
from dataclasses import replace

import gompertz_claims as example
import numpy as np
import pytest
from scipy.special import ndtr

from kinimmune.fitting.claims.check import check_model
from kinimmune.fitting.claims.evidence import NEEDS_A_RUN
from kinimmune.fitting.claims.verdict import describe_loss, wilson
from kinimmune.fitting.problem.posterior_draws import GAUSSIAN, SAMPLE, PosteriorDraws
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError
from kinimmune.models.tables.rows import Tables

DRAWS = 256
ESTIMATE, ERROR = 0.5 * example.RETARDATION, 0.2
"""A slower retardation than that of the tables, and the standard deviation of its logarithm."""


def make_posterior(estimate=ESTIMATE, error=ERROR, effective=None, places=("control",), comparisons=()):
    draws = estimate * np.exp(error * np.random.default_rng(7).standard_normal(DRAWS))
    names, point = ("retardation",), np.array([estimate])
    found = (draws[:, None], effective, frozenset(places), frozenset(comparisons))
    return PosteriorDraws(GAUSSIAN, "invented", names, point, *found)


def check(folder, posterior=None, **options):
    example.write_tables(folder, **options)
    tables = Tables(folder)
    found = check_model(load_model("gompertz", tables), tables, draws=DRAWS, seed=3, jobs=1, posterior=posterior)
    return {item.id: item for item in found}


def volume(retardation, capacity=example.CAPACITY):
    return capacity * (example.START / capacity) ** math.exp(-retardation * example.DAY)


def slowest_above(bound):
    """Return the retardation that gives a volume at the read-out day."""
    return math.log(math.log(example.START / example.CAPACITY) / math.log(bound / example.CAPACITY)) / example.DAY


def probability_above(bound, estimate, error):
    """Return how probable a volume above a bound is where ln of the retardation is normal."""
    return float(ndtr(math.log(estimate / slowest_above(bound)) / error))


def test_a_share_of_the_posterior_is_the_probability_of_its_closed_form(tmp_path):
    """Without another prior the share of draws is that of one normal distribution, constants drawn or held."""
    estimate, error = 0.9 * example.RETARDATION, 0.3
    item = check(tmp_path, make_posterior(estimate, error))["half"]
    expected = probability_above(0.95 * example.MEDIAN_VOLUME, estimate, error)

    assert item.posterior_fraction == item.posterior_fraction_held
    assert abs(item.posterior_fraction - expected) < 4.0 * math.sqrt(expected * (1.0 - expected) / DRAWS)
    assert (item.basis, item.posterior_draws, item.draws) == (GAUSSIAN, DRAWS, DRAWS)
    assert item.fitted_value == pytest.approx(volume(estimate), rel=1e-4)
    assert item.value == pytest.approx(example.MEDIAN_VOLUME, rel=1e-4)
    ends = wilson(round(item.posterior_fraction * DRAWS), DRAWS)
    assert (item.posterior_fraction_lower, item.posterior_fraction_upper) == pytest.approx(ends, rel=1e-12)


def test_constants_are_drawn_from_their_priors_in_one_share_and_held_in_the_other(tmp_path):
    """The estimate is all but certain, so what is left is the prior of the capacity, or nothing."""
    item = check(tmp_path, make_posterior(example.RETARDATION, 1e-6), capacity_sd=100.0)["half"]
    above = 0.95 * example.MEDIAN_VOLUME
    least = next(capacity for capacity in np.arange(1.0, 2000.0) if volume(example.RETARDATION, capacity) > above)
    expected = float(ndtr((example.CAPACITY - least) / 100.0))

    assert item.posterior_fraction_held == 1.0
    assert 0.1 < expected < 0.9
    assert abs(item.posterior_fraction - expected) < 4.0 * math.sqrt(expected * (1.0 - expected) / DRAWS)


def test_prior_shares_are_those_without_a_run(tmp_path):
    """What is tried at a fit stands beside what is tried over the priors, and changes nothing of it."""
    alone, beside = check(tmp_path), check(tmp_path, make_posterior())
    assert {name: item.fraction for name, item in alone.items()} == {name: item.fraction for name, item in beside.items()}
    assert {name: item.verdict for name, item in alone.items()} == {name: item.verdict for name, item in beside.items()}
    assert {item.basis for item in alone.values()} == {None}


def test_a_claim_that_survives_less_often_at_the_fit_is_told_with_its_shares(tmp_path):
    """With half the retardation hardly a draw comes up to the volume that two thirds of prior draws exceed."""
    found = check(tmp_path, make_posterior(), claims=("grows", "explained"))
    grows, explained = found["grows"], found["explained"]

    assert (grows.verdict, grows.survives_less) == ("supported", False)
    assert (explained.verdict, explained.survives_less) == ("supported", True)
    assert describe_loss(explained) == (
        f"explained is supported on draws from the priors, of which {explained.fraction:.2f} satisfy it, and survives less often "
        "at the fit: in 0.00 of draws of the estimates with constants from their priors, and in 0.00 with constants held, "
        "at values that by the normal approximation meet what was fitted"
    )
    assert describe_loss(replace(explained, basis=SAMPLE)).endswith("held, at values that meet what was fitted")


def test_a_claim_whose_numbers_are_fitted_is_judged_at_the_fit(tmp_path):
    """It holds at the tables' values; at the estimates it does, or does not; without a run nobody knows."""

    def judge(posterior):
        example.write_tables(tmp_path, claims=("half",))
        table = tmp_path / "claims.csv"
        table.write_text(table.read_text(encoding="utf-8").replace(",emergent,", ",fitted,"), encoding="utf-8")
        tables = Tables(tmp_path)
        (item,) = check_model(load_model("gompertz", tables), tables, draws=DRAWS, seed=3, jobs=1, posterior=posterior)
        return item

    alone = judge(None)
    assert (alone.verdict, alone.explanation, alone.holds, alone.fraction_halved) == ("undecided", NEEDS_A_RUN, True, None)
    assert judge(make_posterior(2.0 * example.RETARDATION, 0.1)).verdict == "supported"
    slow = judge(make_posterior(0.5 * example.RETARDATION, 0.1))
    assert (slow.verdict, slow.holds, slow.explanation) == ("failed", True, None)
    assert [(cut.arrow, cut.holds) for cut in slow.ablations] == [("growth", False)]
    other = judge(make_posterior(2.0 * example.RETARDATION, 0.1, places=("large", "slow")))
    assert other.verdict == "undecided"
    assert other.explanation == "its numbers are fitted, and this run has no fit of experiment control"
    near = judge(make_posterior(slowest_above(0.95 * example.MEDIAN_VOLUME) * math.exp(0.8416 * 0.1), 0.1))
    assert near.verdict == "undecided"
    assert near.explanation.startswith(f"{DRAWS} draws leave the share between {near.posterior_fraction_held_lower:.3f}")


def test_correlated_draws_widen_the_interval(tmp_path):
    """Draws of a sample count for the independent ones they amount to."""
    plain = check(tmp_path, make_posterior(0.9 * example.RETARDATION, 0.3))["half"]
    correlated = check(tmp_path, make_posterior(0.9 * example.RETARDATION, 0.3, effective=20.0))["half"]
    assert correlated.posterior_fraction == plain.posterior_fraction
    assert correlated.posterior_fraction_upper - correlated.posterior_fraction_lower > 0.3
    assert plain.posterior_fraction_upper - plain.posterior_fraction_lower < 0.15


def test_a_claim_about_what_was_fitted_is_marked_and_others_are_not(tmp_path):
    """A measured ratio to a reference is the claim about that ratio, on whatever day; a claim about one of the two is another."""
    posterior = make_posterior(comparisons=[("volume", "large", "control"), ("volume", "slow", "")])
    found = check(tmp_path, posterior, claims=("larger", "grows", "own", "dispute", "through"))
    assert {name for name, item in found.items() if item.fitted_itself} == {"larger"}
    assert not any(item.fitted_itself for item in check(tmp_path, claims=("larger",)).values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"basis": "guess"}, "posterior of basis 'guess'; allowed: sample, gaussian"),
        ({"estimates": np.zeros(2)}, r"draws of \(1,\) values for 1 estimates"),
        ({"names": ("retardation", "capacity")}, r"draws of \(1,\) values for 2 estimates"),
    ],
)
def test_a_posterior_that_is_none_is_refused(change, message):
    """Its draws are of the parameters it names."""
    usual = make_posterior()
    with pytest.raises(DataError, match=message):
        PosteriorDraws(**{**vars(usual), **change})


def test_estimates_of_another_model_are_refused(tmp_path):
    """A run whose model has lost the parameter since cannot be tried."""
    posterior = PosteriorDraws(**{**vars(make_posterior()), "names": ("speed",)})
    with pytest.raises(DataError, match="no parameter 'speed' in the model whose claims are tested; fit it again"):
        check(tmp_path, posterior)
