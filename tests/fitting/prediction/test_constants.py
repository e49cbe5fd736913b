"""Constants of a run drawn with what it estimated: joint covariance, and shares of the variance of predictions."""

import json

import numpy as np
import pytest
from own_runs import call, fit_own_model
from scipy.stats import multivariate_normal

from kinimmune.fitting.estimation.fitted import read_fitted
from kinimmune.fitting.prediction.constants import add_constants
from kinimmune.fitting.prediction.shares import share_variance
from kinimmune.fitting.prediction.source import take_run
from kinimmune.fitting.runs.run import open_run

DRAWS = 20_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fit_own_model(tmp_path_factory.mktemp("runs") / "own")


@pytest.fixture(scope="module")
def sources(folder):
    """Return draws of the run with its constants held, and with them drawn."""
    fitted = read_fitted(open_run(folder))
    held = take_run(fitted, DRAWS, 1)
    return held, add_constants(held, fitted, 1)


def find_scores(source):
    known = {item.key: item.prior for item in source.parameters}
    return np.log(source.draws / [known[name].median for name in source.names]) / [known[name].sd for name in source.names]


def test_draws_have_the_joint_covariance_of_estimates_and_constants(sources):
    held, drawn = sources
    scores = find_scores(drawn)
    assert drawn.names[: len(held.names)] == held.names
    assert drawn.constants == {"burden_exponent", "elimination_rate", "kill", "turnover", "depletion"}
    errors = np.sqrt(np.diag(drawn.covariance))
    found = np.cov(scores.T) / np.outer(errors, errors)
    np.testing.assert_allclose(found, drawn.covariance / np.outer(errors, errors), atol=6.0 / np.sqrt(DRAWS))


def test_what_was_estimated_is_known_less_well_and_constants_no_worse_than_their_priors(sources):
    held, drawn = (np.diag(source.covariance) for source in sources)
    assert np.all(drawn[: held.size] > held)
    assert np.all(drawn <= 1.0 + 1e-12)


def test_shares_of_a_linear_gaussian_model_are_exact():
    """For y = z + 2 c + e, y given: the variance of a prediction z + c by data, prior of z and prior of c."""
    jacobian, gradient = np.array([[1.0, 2.0]]) / 0.5, np.array([1.0, 1.0])
    covariance = np.linalg.inv(jacobian.T @ jacobian + np.eye(2))
    found = share_variance(gradient, covariance, [False, True])
    # by conditioning: Var = g'g - (J g)^2 / (1 + J J')
    variance = 2.0 - (jacobian @ gradient).item() ** 2 / (1.0 + (jacobian @ jacobian.T).item())
    assert found.sd**2 == pytest.approx(variance, rel=1e-12)
    assert found.data + found.priors + found.constants == pytest.approx(1.0, abs=1e-15)
    assert found.data == pytest.approx((jacobian @ covariance @ gradient).item() ** 2 / variance, rel=1e-12)
    assert found.constants == pytest.approx((covariance @ gradient)[1] ** 2 / variance, rel=1e-12)
    drawn = multivariate_normal(np.zeros(2), covariance).rvs(100_000, random_state=1) @ gradient
    assert drawn.var() == pytest.approx(variance, rel=0.02)


def test_the_command_tells_how_much_rests_on_constants(folder):
    options = ("--draws", 16, "--patients", 4, "--json", "-q")
    held, drawn = (json.loads(call("predict", folder, *options, *more)[1]) for more in ((), ("--draw-constants",)))
    for before, after in zip(held["ratios"], drawn["ratios"], strict=True):
        assert before["constant_share"] == 0.0
        assert after["log_sd"] > before["log_sd"]
        assert 0.0 < after["constant_share"] < 1.0
        assert after["data_share"] + after["prior_share"] + after["constant_share"] == pytest.approx(1.0, abs=1e-12)
    assert "5 constants drawn too" in drawn["note"]


def test_without_a_run_nothing_was_held():
    code, _, err = call("predict", "hcc_trial", "--draw-constants")
    assert code == 2
    assert err == "error: --draw-constants: without a run nothing was held; draw all that has a prior with --prior\n"
