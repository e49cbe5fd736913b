"""Laws of a sample: known posteriors are recovered, disagreement is told, and a kept sample goes on to the same bits."""

import math
from dataclasses import replace

import numpy as np
import pytest
from memory_store import Memory
from paths import SUPPORT

from kinimmune.fitting.sampling.chains import BLOCK, Chains, EnsembleSettings, run_ensembles, thin
from kinimmune.fitting.sampling.density import DensityValues
from kinimmune.fitting.sampling.diagnostics import (
    choose_burn_in,
    describe,
    diagnose,
    effective_size,
    find_faults,
)
from kinimmune.fitting.sampling.surrogate import NormalApproximation, Surrogate, fit_surrogate
from kinimmune.fitting.workflow.executors import open_executor
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.fitting.workflow.task import SerialExecutor
from kinimmune.models.errors import NumericalError, UsageError

SETTINGS = EnsembleSettings(ensembles=4, walkers=8, steps=150, seed=3)


@pytest.fixture(scope="module")
def toys():
    """Return the module of toys, which workers can import too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SUPPORT))
        import toy_posteriors

        yield toy_posteriors


def run(toys, kind, normal=None, settings=SETTINGS, store=None, pool=None):
    start = NormalApproximation(toys.MEAN, toys.COVARIANCE) if normal is None else normal
    return run_ensembles(toys.sampled(kind), start, settings, Runtime(store or Memory(), pool or SerialExecutor()))


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
    assert all(find_faults(item, "x", draws.shape[1]) == () for item in found)
    assert max(item.r_hat for item in found) <= 1.01


@pytest.mark.parametrize("only", [0, 1, 2])
def test_every_move_alone_keeps_a_standard_normal(only):
    """Emcee's own DESnookerMove gives 0.69 here."""
    import emcee

    from kinimmune.fitting.sampling.block import list_moves

    normal = NormalApproximation(np.zeros(5), 1.5 * np.eye(5))

    class Normal:
        def evaluate(self, points):
            return DensityValues(points.copy())

    surrogate = Surrogate.from_plain(fit_surrogate(Normal(), {"seed": [1], "guide": normal.plain})["surrogate"])
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
    normal = NormalApproximation(np.zeros(2), np.diag([1.0, 0.7]))
    draws = kept_draws(run(toys, "wavy", normal, replace(SETTINGS, steps=250)))

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
    chains = run(toys, "holed", settings=replace(SETTINGS, steps=50))

    assert chains.failed > 0
    assert chains.positions[..., 2].max() <= toys.MEAN[2]
    assert np.all(np.isfinite(chains.log_probability))
    survey, begins, steps = 8 * 10, 4 * 8, 4 * 8 * 50
    assert survey + begins + steps < chains.evaluations < 2 * (survey + begins + steps)


def test_a_target_that_always_fails_is_an_error():
    class Nowhere:
        def evaluate(self, points):
            return DensityValues(np.full(points.shape, math.inf), ({"what": "all", "reason": "nowhere"},))

    with pytest.raises(NumericalError, match="only 0 of 24 points about the fit could be computed"):
        fit_surrogate(Nowhere(), {"seed": [1], "guide": NormalApproximation(np.zeros(2), np.eye(2)).plain})


def test_ensembles_far_apart_are_called_unconverged():
    random = np.random.default_rng(1)
    draws = random.standard_normal((4, 60, 8)) + 3.0 * np.arange(4)[:, None, None]
    found = diagnose(draws)

    assert found.r_hat > 1.5
    assert found.bulk_ess < 20.0
    faults = [describe(fault) for fault in find_faults(found, "growth", 60)]
    assert faults[0].startswith("R-hat of growth is ")
    assert any("bulk effective sample size of growth" in fault for fault in faults)


def test_an_ensemble_cut_short_is_called_unconverged(toys):
    chains = run(toys, "wavy", NormalApproximation(np.array([20.0, 20.0]), np.eye(2)), replace(SETTINGS, steps=2 * BLOCK))
    draws = kept_draws(chains)

    assert any(find_faults(diagnose(draws[..., place]), "x", draws.shape[1]) for place in range(2))


def test_kept_blocks_go_on_to_the_same_bits_and_a_sample_can_be_made_longer(toys, tmp_path):
    settings = replace(SETTINGS, steps=75)
    whole = run(toys, "normal", settings=settings)
    store = TaskStore(tmp_path)
    run(toys, "normal", settings=replace(settings, steps=50), store=store)
    for name in store.names("sample-ensemble-2"):
        (tmp_path / f"{name}.json").unlink()
    again = run(toys, "normal", settings=settings, store=store)

    assert len(store.names("sample")) == 1 + 4 * 3
    assert np.array_equal(again.positions, whole.positions)
    assert np.array_equal(again.log_probability, whole.log_probability)
    other = run(toys, "normal", settings=replace(settings, seed=4))
    assert not np.array_equal(other.positions, whole.positions)
    assert not np.array_equal(whole.positions[0], whole.positions[1])


@pytest.mark.slow
def test_two_processes_give_the_bits_of_one(toys):
    settings = replace(SETTINGS, steps=50)
    with open_executor(1) as alone, open_executor(2) as both:
        assert np.array_equal(
            run(toys, "normal", settings=settings, pool=alone).positions,
            run(toys, "normal", settings=settings, pool=both).positions,
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
        run(toys, "normal", settings=replace(SETTINGS, **wrong))


def test_draws_are_thinned_evenly_after_the_burn_in_and_over_walkers():
    shape = (4, 60, 5)
    ensemble, step, walker = thin(Chains(np.zeros((*shape, 2)), np.zeros(shape), (), 0, 0), 20, 10).indices

    assert ensemble.shape == step.shape == walker.shape == (4, 10)
    assert step[0].tolist() == [22, 26, 30, 34, 38, 42, 46, 50, 54, 58]
    assert walker[0].tolist() == [0, 1, 2, 3, 4] * 2
