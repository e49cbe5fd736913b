"""Diagnostics of a sample: those of other programs where walkers are alone, and closed forms."""

import math
import warnings

import numpy as np
import pytest

from kinimmune.fitting.sampling.diagnostics import (
    autocorrelation_time,
    choose_burn_in,
    effective_size,
    effective_sizes,
    r_hat,
)


def arviz():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        import arviz

        return arviz


def test_diagnostics_of_single_walkers_are_those_of_arviz_and_emcee():
    """With one walker an ensemble is a plain chain."""
    import emcee

    random = np.random.default_rng(2)
    draws = np.cumsum(random.standard_normal((4, 500)), axis=1) * 0.05 + random.standard_normal((4, 500))
    bulk, tail = effective_sizes(draws[:, :, None])

    assert r_hat(draws[:, :, None]) == pytest.approx(float(arviz().rhat(draws)), rel=1e-12)
    assert bulk == pytest.approx(float(arviz().ess(draws, method="bulk")), rel=1e-9)
    assert tail == pytest.approx(float(arviz().ess(draws, method="tail", prob=(0.05, 0.95))), rel=1e-9)
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
