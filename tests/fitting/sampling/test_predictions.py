"""What is predicted from draws, and the posterior they are drawn from."""

import math
from dataclasses import replace

import numpy as np
import pytest
from memory_store import Memory

from kinimmune.fitting.problem.many_trials import predict_each
from kinimmune.fitting.sampling.density import FitPosterior
from kinimmune.fitting.sampling.predictions import predict_over, probabilities_below
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import TaskFunction
from kinimmune.models.errors import DataError


def test_probabilities_of_a_normal_ratio_are_the_closed_form():
    """With ln ratio ~ N(m, s) and u = ln c - m: Phi(u/s) for the population, Phi(u/sqrt(s^2 + se^2)) for a trial."""
    from scipy.special import ndtr

    random = np.random.default_rng(8)
    middle, spread, error = math.log(0.75), 0.2, 0.12
    pairs = [[(float(value), error) for value in middle + spread * random.standard_normal(2000)] for _ in range(4)]
    for bound in (1.0, 0.8):
        found = probabilities_below(pairs, bound)
        for of, width in (("population", spread), ("trial", math.hypot(spread, error))):
            chance = found[of]
            assert abs(chance.probability - float(ndtr((math.log(bound) - middle) / width))) < 3.0 * chance.error
            assert 4000 < chance.ess <= 8000
            assert chance.error < 0.01


def test_a_probability_that_all_draws_agree_on_still_has_an_error():
    chance = probabilities_below([[(-2.0, 0.1)] * 50] * 4, 1.0)["population"]

    assert (chance.probability, chance.ess) == (1.0, 200.0)
    assert chance.error == pytest.approx(math.sqrt(201 * 1) / 202 / math.sqrt(200))


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
    found = predict_over(points, TaskFunction("toy.predict", predict_toy), {}, {}, Runtime(Memory()))
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
    outside[2] = hcc_problem.estimated[2].prior.to_z(hcc_problem.estimated[2].upper) + 0.1
    found = FitPosterior(few).evaluate(np.stack([hcc_point, outside, hcc_point + 0.1]))

    assert found.log_probability[1] == -math.inf
    assert np.all(np.isfinite(found.log_probability[[0, 2]]))
    assert found.failures == ()
    from kinimmune.fitting.problem.problem import predict
    from kinimmune.fitting.problem.residuals import residuals

    alone = residuals(few, predict(few, [hcc_point])[0], hcc_point)
    assert found.log_probability[0] == pytest.approx(-0.5 * float((alone**2).sum()), rel=1e-12)
    assert -2.0 * FitPosterior(hcc_problem).evaluate(hcc_point[None]).log_probability[0] == pytest.approx(
        hcc_start.chi_square, rel=1e-6
    )


def replace_patients(problem, patients):
    from kinimmune.models.trial.population import draw_population

    return draw_population(problem.parameters, patients, 1)


def test_a_point_that_fails_does_not_stop_the_others(hcc_problem, hcc_point):
    few = replace(hcc_problem, population=replace_patients(hcc_problem, 8))
    outside = np.full(hcc_point.size, 50.0)
    first, second = predict_each(few, [outside, hcc_point])

    assert isinstance(first, DataError)
    assert set(second.arms) == set(few.arms)
