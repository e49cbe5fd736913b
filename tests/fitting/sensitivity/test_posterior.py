"""Sensitivity over a posterior: draws of a sample or Gaussian, by a method that allows correlated inputs, and told which."""

import math
from dataclasses import replace

import numpy as np
import pytest
import sensitivity_toys as toys
from scipy.special import ndtr
from scipy.stats import rankdata
from sensitivity_toys import design, normal, residual_correlation, run, uniform

from kinimmune.fitting.estimation.laplace import LaplaceApproximation
from kinimmune.fitting.sensitivity.designs import Design, Method, draw_rows
from kinimmune.fitting.sensitivity.inputs import JointDistribution
from kinimmune.fitting.sensitivity.posterior import PosteriorSource, approximate_posterior, choose_posterior, sample_posterior
from kinimmune.fitting.sensitivity.wording import describe_distribution, describe_posterior
from kinimmune.models.errors import DataError, UsageError

NAMES = ("a", "b", "b:other", "c", "d")
"""Two estimates of the study looked at, one of another study, and two constants."""
ESTIMATED = 3
POSSIBLE = ("a", "b", "c", "d")


@pytest.fixture
def linear():
    """Return the linear approximation of a fit of three parameters and two constants to eight numbers."""
    return LaplaceApproximation(NAMES, ESTIMATED, np.random.default_rng(3).standard_normal((8, 5)), {})


def inputs(*keys):
    return tuple(normal(key, sd) for key, sd in zip(NAMES, (0.5, 1.0, 0.7, 2.0, 0.3), strict=True) if key in keys)


def covariance(posterior, chosen):
    """Return the covariance of the steps in standard scores."""
    root = np.array(posterior.root) / np.array([[item.sd] for item in chosen])
    return root @ root.T


def expect(linear, chosen, *, constants_drawn):
    places = [linear.names.index(item.key) for item in chosen]
    return pytest.approx(linear.covariance(constants_drawn=constants_drawn)[np.ix_(places, places)], abs=1e-9)


def make_sample(values, names=NAMES[:ESTIMATED], *, converged=True):
    """Return a sample with these draws, shape (k, n), on the scale where priors are normal."""
    return toys.make_sample(np.exp(values), names, converged=converged)


def bent(count):
    """Return draws of x0 and of what follows its square, as a ridge of a likelihood does, and of one that follows neither."""
    generator = np.random.default_rng(8)
    x = generator.standard_normal(count)
    return np.stack([x, x**2 + 0.3 * generator.standard_normal(count), generator.exponential(size=count)], axis=1)


def test_prcc_over_a_posterior_tells_a_cause_from_what_goes_with_it():
    """x1 goes with x0 (correlation 0.9) but does nothing: its ranks follow the output, its partial ranks do not."""
    joint = JointDistribution(((0.0, 0.0),), ((1.0, 0.0), (0.9, math.sqrt(0.19))))
    planned = design(Method.PRCC, uniform(2, -9.0, 9.0)).over(joint)

    sample, found = run(planned, "first", 400)

    drawn = sample.rows[:, 0]
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(0.9, abs=0.03)
    assert np.corrcoef(rankdata(drawn[:, 1]), rankdata(sample.output[:, 0]))[0, 1] > 0.8
    assert found["prcc"][0] == pytest.approx(1.0, abs=1e-6)
    assert abs(found["prcc"][1]) < 0.15


def test_a_draw_of_a_posterior_outside_the_tables_is_drawn_again():
    joint = JointDistribution(((0.0, 0.0),), ((1.0, 0.0), (0.0, 1.0)))
    planned = design(Method.PRCC, (replace(normal("a"), upper=1.0), normal("b"))).over(joint)

    sample, _ = run(planned, "first", 400)

    assert sample.rows[:, 0, 0].max() <= 1.0
    assert sample.reasons == {"'a' lies outside its range": sample.lost}
    assert sample.lost / (400 + sample.lost) == pytest.approx(1.0 - ndtr(1.0), abs=0.04)


@pytest.mark.parametrize("method", [Method.LOCAL, Method.MORRIS, Method.SOBOL])
def test_a_method_for_independent_inputs_refuses_a_posterior(method):
    with pytest.raises(UsageError, match=f"--method {method} needs inputs that vary independently.*take --method prcc"):
        design(method, uniform(2, 0.0, 1.0), posterior=JointDistribution(((0.0, 0.0),), ((1.0, 0.0), (0.9, 0.4))))


def test_a_posterior_with_all_constants_held_is_that_of_the_fit(linear):
    chosen = inputs("a", "b", "b:other")

    found = approximate_posterior(linear, chosen, NAMES)

    assert covariance(found, chosen) == expect(linear, chosen, constants_drawn=False)


def test_a_posterior_leaves_out_what_the_output_does_not_depend_on_and_does_not_hold_it(linear):
    chosen = inputs(*POSSIBLE)

    found = approximate_posterior(linear, chosen, POSSIBLE)

    assert covariance(found, chosen) == expect(linear, chosen, constants_drawn=True)


def test_draws_moved_along_constants_have_the_covariance_of_the_joint_posterior(linear):
    """Given the constants the estimates vary as their draws do, so a Gaussian sample must give back the Gaussian posterior."""
    chosen = inputs(*POSSIBLE)
    within = np.zeros((4, 4))
    within[:2, :2] = linear.covariance(constants_drawn=False)[:2, :2]

    found = sample_posterior(linear, chosen, POSSIBLE, make_sample(bent(30))[1], 1)

    assert within + covariance(found, chosen) == expect(linear, chosen, constants_drawn=True)
    assert np.array(found.points)[:, 2:] == pytest.approx(np.zeros((30, 2)))


def test_with_constants_held_rows_are_the_draws_each_once_in_an_order_of_the_seed(linear):
    values, chosen = bent(40), inputs("a", "b")
    orders = []
    for seed in (1, 1, 2):
        joint = sample_posterior(linear, chosen, POSSIBLE, make_sample(values)[1], seed)
        orders.append(draw_rows(design(Method.PRCC, chosen).over(joint), 0, 40)[:, 0])

    assert np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])
    for rows in orders:
        assert rows[np.argsort(rows[:, 0])] == pytest.approx(values[np.argsort(values[:, 0]), :2], abs=1e-12)


def test_prcc_over_a_sample_is_that_of_the_draws_themselves(linear):
    """The correlation is curved, which no Gaussian posterior has; the output is the square of x0, with x1 going along."""
    values = bent(120)
    joint = sample_posterior(linear, inputs("a", "b", "b:other"), NAMES, make_sample(values)[1], 1)

    _, found = run(design(Method.PRCC, inputs("a", "b", "b:other")).over(joint), "bowl", 120)

    ranks, of_y = rankdata(values, axis=0), rankdata(toys.FUNCTIONS["bowl"](np.exp(values)))
    assert found["prcc"] == pytest.approx([residual_correlation(ranks, of_y, place) for place in range(3)], abs=1e-9)
    assert found["prcc"][1] > 0.5


@pytest.mark.parametrize(("first", "count"), [(0, 3), (4, 5), (18, 9)])
def test_the_part_of_a_posterior_for_some_rows_draws_them_as_the_whole_does(linear, first, count):
    chosen = inputs(*POSSIBLE)
    whole = design(Method.PRCC, chosen).over(sample_posterior(linear, chosen, POSSIBLE, make_sample(bent(20))[1], 1))

    part = whole.part(first, count)

    assert len(part.posterior.points) == count
    assert np.array_equal(draw_rows(part, first, count), draw_rows(whole, first, count))
    assert Design.from_plain(part.as_plain()) == part


def test_a_sample_that_has_converged_is_used_and_told(linear):
    found = choose_posterior(linear, inputs("a", "b", "d"), POSSIBLE, make_sample(bent(30)), 1)

    assert found.source is PosteriorSource.SAMPLE
    drawn, constants = describe_posterior(found).split("; ")
    assert drawn == "30 draws of the sample of the run, worth 100 independent ones"
    assert constants == "constants Gaussian by the curvature, estimates moving along"
    told = [describe_distribution(item, None, found) for item in inputs("a", "d")]
    assert told == ["posterior, sampled", "posterior, Gaussian"]


@pytest.mark.parametrize(
    ("chosen", "sampled", "told"),
    [
        (("a", "b"), None, "the run holds no sample"),
        (("a", "b"), make_sample(bent(30), converged=False), "the sample of the run has not converged (R-hat of a is 1.2)"),
        (("a", "c"), make_sample(bent(30)), "no draws of the sample have 'b' at its estimate"),
    ],
)
def test_where_draws_do_not_serve_the_posterior_is_gaussian_and_the_reason_is_told(linear, chosen, sampled, told):
    found = choose_posterior(linear, inputs(*chosen), POSSIBLE, sampled, 1)

    assert (found.source, describe_posterior(found)) == (PosteriorSource.GAUSSIAN, f"Gaussian by the curvature: {told}")
    assert found.posterior == approximate_posterior(linear, inputs(*chosen), POSSIBLE)


def test_a_sample_of_other_parameters_than_the_fit_is_refused(linear):
    with pytest.raises(DataError, match="of other parameters than its fit estimates; sample again with --force"):
        choose_posterior(linear, inputs("a", "b"), POSSIBLE, make_sample(bent(30), ("a", "b", "e")), 1)


@pytest.mark.parametrize("sampled", [None, make_sample(bent(30))])
def test_a_parameter_with_a_range_has_no_posterior(linear, sampled):
    chosen = (*inputs("a"), replace(inputs("b")[0], ranged=True))

    with pytest.raises(UsageError, match="'b' has a range or no prior, so it has no posterior"):
        choose_posterior(linear, chosen, POSSIBLE, sampled, 1)
