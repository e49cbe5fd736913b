"""Laws of a sample: known posteriors are recovered, disagreement is told, and a kept sample goes on to the same bits."""

import json
import math
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kinimmune.fitting.pools import open_pool
from kinimmune.fitting.sample import thin
from kinimmune.fitting.sample_chains import BLOCK, Chains, Effort, run_ensembles
from kinimmune.fitting.sample_diagnostics import (
    autocorrelation_time,
    choose_burn_in,
    diagnose,
    effective_size,
    effective_sizes,
    r_hat,
)
from kinimmune.fitting.sample_predictions import predict_over, probabilities_below
from kinimmune.fitting.sample_surrogate import Guide, surrogate_from, survey
from kinimmune.fitting.sample_target import Evaluated, Posterior, predict_each
from kinimmune.fitting.tasks import TaskStore
from kinimmune.fitting.work import Here, watch_nothing
from kinimmune.models.errors import DataError, NumericalError, UsageError

HERE = Path(__file__).parent
EFFORT = Effort(ensembles=4, walkers=8, steps=150, seed=3)


@pytest.fixture(scope="module")
def toys():
    """Return the module of toys, which workers can import too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        import toy_posteriors

        yield toy_posteriors


def arviz():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        import arviz

        return arviz


class Memory:
    """A store that forgets with the test."""

    def __init__(self):
        self.kept = {}

    def load(self, step):
        return self.kept.get(step.address)

    def save(self, step, outcome):
        self.kept[step.address] = json.loads(json.dumps(outcome))


def run(toys, kind, guide=None, effort=EFFORT, store=None, pool=None):
    start = Guide(toys.MEAN, toys.COVARIANCE) if guide is None else guide
    return run_ensembles(toys.sampled(kind), start, effort, (store or Memory(), pool or Here(), watch_nothing))


def kept_draws(chains):
    return chains.positions[:, choose_burn_in(chains.positions, chains.log_probability) :]


def require_moments(draws, mean, covariance):
    """Require the mean within 3 Monte Carlo errors, and so the covariance, the mean of products of deviations."""
    for i, expected in enumerate(mean):
        error = math.sqrt(draws[..., i].var() / effective_size(draws[..., i]))
        assert abs(draws[..., i].mean() - expected) < 3.0 * error
        for j in range(i + 1):
            product = (draws[..., i] - expected) * (draws[..., j] - mean[j])
            error = math.sqrt(product.var() / effective_size(product))
            assert abs(product.mean() - covariance[i][j]) < 3.0 * error


def test_a_normal_posterior_is_recovered_and_called_converged(toys):
    draws = kept_draws(run(toys, "normal"))

    require_moments(draws, toys.MEAN, toys.COVARIANCE)
    found = [diagnose(draws[..., place]) for place in range(3)]
    assert all(item.find_faults("x", draws.shape[1]) == () for item in found)
    assert max(item.r_hat for item in found) <= 1.01


@pytest.mark.parametrize("only", [0, 1, 2])
def test_every_move_alone_keeps_a_standard_normal(only):
    """Emcee's own DESnookerMove gives 0.69 here."""
    import emcee

    from kinimmune.fitting.sample_block import list_moves

    guide = Guide(np.zeros(5), 1.5 * np.eye(5))

    class Normal:
        def evaluate(self, points):
            return Evaluated(points.copy())

    surrogate = surrogate_from(survey(Normal(), {"seed": [1], "guide": guide.plain})["surrogate"])
    worse = replace(surrogate, coefficients=1.2 * surrogate.coefficients)
    move = list_moves(worse)[only][0]
    random = np.random.RandomState(5)
    sampler = emcee.EnsembleSampler(20, 5, lambda at: -0.5 * (at**2).sum(axis=1), moves=move, vectorize=True)
    sampler.run_mcmc(emcee.State(random.randn(20, 5), random_state=random.get_state(legacy=True)), 300 if only == 0 else 5000)
    squares = (sampler.get_chain(discard=50) ** 2).mean(axis=2)[None]
    error = math.sqrt(squares.var() / effective_size(squares))
    assert error < 0.08
    assert abs(squares.mean() - 1.0) < 3.0 * error


def test_a_wavy_posterior_is_recovered_though_its_surrogate_is_wrong(toys):
    """With s = sin(a x), x ~ N(0, 1): E s = 0, E x s = a exp(-a^2/2), E s^2 = (1 - exp(-2 a^2))/2."""
    guide = Guide(np.zeros(2), np.diag([1.0, 0.7]))
    draws = kept_draws(run(toys, "wavy", guide, replace(EFFORT, steps=250)))

    product = toys.TURNS * math.exp(-0.5 * toys.TURNS**2)
    variance = toys.WIDTH**2 + 0.5 * (1.0 - math.exp(-2.0 * toys.TURNS**2))
    require_moments(draws, [0.0, 0.0], [[1.0, product], [product, variance]])
    assert max(diagnose(draws[..., place]).r_hat for place in range(2)) <= 1.01


def test_bounds_are_respected_and_half_a_normal_is_recovered(toys):
    """Half a normal has mean sd sqrt(2/pi) above its edge."""
    chains = run(toys, "half")
    first = chains.positions[..., 0] - toys.MEAN[0]

    assert first.min() >= 0.0
    assert chains.failed == 0
    late = first[:, 50:]
    error = math.sqrt(late.var() / effective_size(late))
    assert abs(late.mean() - math.sqrt(2.0 / math.pi)) < 3.0 * error


def test_a_region_that_fails_is_impossible_and_counted(toys):
    chains = run(toys, "holed", effort=replace(EFFORT, steps=50))

    assert chains.failed > 0
    assert chains.positions[..., 2].max() <= toys.MEAN[2]
    assert np.all(np.isfinite(chains.log_probability))
    survey, begins, steps = 8 * 10, 4 * 8, 4 * 8 * 50
    assert survey + begins + steps < chains.evaluations < 2 * (survey + begins + steps)


def test_a_target_that_always_fails_is_an_error():
    class Nowhere:
        def evaluate(self, points):
            return Evaluated(np.full(points.shape, math.inf), ({"what": "all", "reason": "nowhere"},))

    with pytest.raises(NumericalError, match="only 0 of 24 points about the fit could be computed"):
        survey(Nowhere(), {"seed": [1], "guide": Guide(np.zeros(2), np.eye(2)).plain})


def test_ensembles_far_apart_are_called_unconverged():
    random = np.random.default_rng(1)
    draws = random.standard_normal((4, 60, 8)) + 3.0 * np.arange(4)[:, None, None]
    found = diagnose(draws)

    assert found.r_hat > 1.5
    assert found.bulk_ess < 20.0
    faults = found.find_faults("growth", 60)
    assert faults[0].startswith("R-hat of growth is ")
    assert any("bulk effective sample size of growth" in fault for fault in faults)


def test_an_ensemble_cut_short_is_called_unconverged(toys):
    chains = run(toys, "wavy", Guide(np.array([20.0, 20.0]), np.eye(2)), replace(EFFORT, steps=2 * BLOCK))
    draws = kept_draws(chains)

    assert any(diagnose(draws[..., place]).find_faults("x", draws.shape[1]) for place in range(2))


def test_diagnostics_of_single_walkers_are_those_of_arviz_and_emcee():
    """With one walker an ensemble is a plain chain."""
    import emcee

    random = np.random.default_rng(2)
    draws = np.cumsum(random.standard_normal((4, 500)), axis=1) * 0.05 + random.standard_normal((4, 500))
    bulk, tail = effective_sizes(draws[:, :, None])

    assert r_hat(draws[:, :, None]) == pytest.approx(float(arviz().rhat(draws)), rel=1e-12)
    assert bulk == pytest.approx(float(arviz().ess(draws, method="bulk")), rel=1e-9)
    assert tail == pytest.approx(float(arviz().ess(draws, method="tail")), rel=1e-9)
    assert autocorrelation_time(draws[:, :, None]) == pytest.approx(emcee.autocorr.integrated_time(draws.T, quiet=True)[0])


def test_walkers_that_move_together_count_once():
    """Copies of one walker tell no more than it does; independent ones tell as much more as there are."""
    random = np.random.default_rng(4)
    alone = random.standard_normal((4, 400))
    together = np.repeat(alone[:, :, None], 10, axis=2)
    apart = random.standard_normal((4, 400, 10))

    assert effective_size(together) == pytest.approx(effective_size(alone[:, :, None]), rel=1e-9)
    assert effective_size(apart) == pytest.approx(16000, rel=0.15)


def test_autocorrelation_time_of_an_autoregression_is_its_closed_form():
    """x(t) = a x(t - 1) + noise has (1 + a)/(1 - a); its estimate scatters by sqrt(2 (2 * 45 + 1)/120 000), 4 %."""
    random = np.random.default_rng(6)
    a, draws = 0.8, np.empty((4, 3000, 10))
    draws[:, 0] = random.standard_normal((4, 10))
    for step in range(1, 3000):
        draws[:, step] = a * draws[:, step - 1] + math.sqrt(1.0 - a * a) * random.standard_normal((4, 10))

    assert autocorrelation_time(draws) == pytest.approx(9.0, rel=0.12)
    assert effective_size(draws) == pytest.approx(draws.size / 9.0, rel=0.2)
    still = np.concatenate([draws, np.zeros((4, 3000, 1))], axis=2)
    assert 5.0 < autocorrelation_time(still) / autocorrelation_time(draws) < 100.0


def test_burn_in_lasts_until_the_log_probability_has_settled():
    random = np.random.default_rng(7)
    positions, heights = random.standard_normal((4, 200, 8, 2)), random.standard_normal((4, 200, 8))
    heights[2, :40] -= 50.0

    assert 40 < choose_burn_in(positions, heights) < 60
    heights[2, :150] -= np.linspace(500.0, 0.0, 150)[:, None]
    assert choose_burn_in(positions, heights) == 100


def test_kept_blocks_go_on_to_the_same_bits_and_a_sample_can_be_made_longer(toys, tmp_path):
    effort = replace(EFFORT, steps=75)
    whole = run(toys, "normal", effort=effort)
    store = TaskStore(tmp_path)
    run(toys, "normal", effort=replace(effort, steps=50), store=store)
    for name in store.names("sample-ensemble-2"):
        (tmp_path / f"{name}.json").unlink()
    again = run(toys, "normal", effort=effort, store=store)

    assert len(store.names("sample")) == 1 + 4 * 3
    assert np.array_equal(again.positions, whole.positions)
    assert np.array_equal(again.log_probability, whole.log_probability)
    other = run(toys, "normal", effort=replace(effort, seed=4))
    assert not np.array_equal(other.positions, whole.positions)
    assert not np.array_equal(whole.positions[0], whole.positions[1])


@pytest.mark.slow
def test_two_processes_give_the_bits_of_one(toys):
    effort = replace(EFFORT, steps=50)
    with open_pool(1) as alone, open_pool(2) as both:
        assert np.array_equal(
            run(toys, "normal", effort=effort, pool=alone).positions, run(toys, "normal", effort=effort, pool=both).positions
        )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ensembles": 3}, "--ensembles 3: at least 4"),
        ({"steps": 60}, "--steps 60: a multiple of 25"),
        ({"steps": 0}, "--steps 0: a multiple of 25"),
        ({"walkers": 4}, "--walkers 4: an even number, at least 6"),
        ({"walkers": 7}, "--walkers 7: an even number, at least 6"),
    ],
)
def test_an_effort_that_gives_no_sample_is_refused(toys, wrong, message):
    with pytest.raises(UsageError, match=message):
        run(toys, "normal", effort=replace(EFFORT, **wrong))


def test_draws_are_thinned_evenly_after_the_burn_in_and_over_walkers():
    shape = (4, 60, 5)
    ensemble, step, walker = thin(Chains(np.zeros((*shape, 2)), np.zeros(shape), (), 0, 0), 20, 10)

    assert ensemble.shape == step.shape == walker.shape == (4, 10)
    assert step[0].tolist() == [22, 26, 30, 34, 38, 42, 46, 50, 54, 58]
    assert walker[0].tolist() == [0, 1, 2, 3, 4] * 2


def test_probabilities_of_a_normal_ratio_are_the_closed_form():
    """With ln ratio ~ N(m, s) and u = ln c - m: Phi(u/s) for the population, Phi(u/sqrt(s^2 + se^2)) for a trial."""
    from scipy.special import ndtr

    random = np.random.default_rng(8)
    middle, spread, error = math.log(0.75), 0.2, 0.12
    pairs = [[(float(value), error) for value in middle + spread * random.standard_normal(2000)] for _ in range(4)]
    for bound in (1.0, 0.8):
        found = probabilities_below(pairs, bound)
        for of, width in (("population", spread), ("trial", math.hypot(spread, error))):
            probability, size, monte_carlo = found[of]
            assert abs(probability - float(ndtr((math.log(bound) - middle) / width))) < 3.0 * monte_carlo
            assert 4000 < size <= 8000
            assert monte_carlo < 0.01


def test_a_probability_that_all_draws_agree_on_still_has_an_error():
    probability, size, error = probabilities_below([[(-2.0, 0.1)] * 50] * 4, 1.0)["population"]

    assert (probability, size) == (1.0, 200.0)
    assert error == pytest.approx(math.sqrt(201 * 1) / 202 / math.sqrt(200))


def describe(point, place):
    """Return a draw whose hazard ratio is exp(point), or what stands for one that failed."""
    if place % 10 == 9:
        return None
    ratio = math.exp(point)
    late = None if point > 1.0 else 10.0 + point
    curve = {"study": "one", "arm": "a", "endpoint": "os", "months": [0.0, 1.0], "survival": [1.0, 1.0 / (1.0 + ratio)]}
    named = {"hazard_ratio:one:os": ratio, "median:one:a:ttp": late}
    return {"predictions": named, "errors": {"hazard_ratio:one:os": 0.1}, "curves": [curve]}


def predict_toy(inputs):
    draws = [describe(point[0], place) for place, point in enumerate(inputs["points"])]
    return {"draws": draws, "failures": [{"what": "draw", "reason": "toy"} for draw in draws if draw is None]}


def test_predictions_over_draws_leave_out_and_count_what_failed():
    random = np.random.default_rng(9)
    points = random.standard_normal((4, 100, 1))
    found = predict_over(points, predict_toy, ({}, {}), (Memory(), Here(), watch_nothing))
    kept = np.array([point for place, point in enumerate(points.ravel()) if place % 10 != 9])

    assert found.failed == 40
    ratio, late = found.predictions
    assert ratio.median == pytest.approx(math.exp(float(np.quantile(kept, 0.5, method="inverted_cdf"))))
    assert 0.0 < ratio.error < 0.2
    assert late.upper is None
    assert late.median == pytest.approx(10.0 + float(np.quantile(kept, 0.5, method="inverted_cdf")))
    below = next(row for row in found.probabilities if (row.of, row.bound) == ("population", 1.0))
    assert below.probability == np.mean(kept < 0.0)
    (band,) = found.bands
    assert band.lower_90[1] < band.lower_50[1] < band.median[1] < band.upper_50[1] < band.upper_90[1]
    assert band.median[1] == pytest.approx(float(np.median(1.0 / (1.0 + np.exp(kept)))))


def test_a_posterior_is_half_the_sum_of_squares_inside_the_bounds(hcc_problem, hcc_point, hcc_start):
    few = replace(hcc_problem, population=replace_patients(hcc_problem, 8))
    outside = hcc_point.copy()
    outside[2] = hcc_problem.free[2].prior.standardise(hcc_problem.free[2].upper) + 0.1
    found = Posterior(few).evaluate(np.stack([hcc_point, outside, hcc_point + 0.1]))

    assert found.log_probability[1] == -math.inf
    assert np.all(np.isfinite(found.log_probability[[0, 2]]))
    assert found.failures == ()
    from kinimmune.fitting.problem import predict, residuals

    alone = residuals(few, predict(few, [hcc_point])[0], hcc_point)
    assert found.log_probability[0] == pytest.approx(-0.5 * float((alone**2).sum()), rel=1e-12)
    assert -2.0 * Posterior(hcc_problem).evaluate(hcc_point[None]).log_probability[0] == pytest.approx(hcc_start.cost, rel=1e-6)


def replace_patients(problem, patients):
    from kinimmune.models.population import draw_population

    return draw_population(problem.parameters, patients, 1)


def test_a_point_that_fails_does_not_stop_the_others(hcc_problem, hcc_point):
    few = replace(hcc_problem, population=replace_patients(hcc_problem, 8))
    outside = np.full(hcc_point.size, 50.0)
    first, second = predict_each(few, [outside, hcc_point])

    assert isinstance(first, DataError)
    assert set(second) == set(few.arms)
