"""Laws of a sample by a surrogate: closed forms are recovered, what it cannot know is refused, and kept work goes on."""

import math
from dataclasses import replace

import numpy as np
import pytest
from memory_store import Memory
from paths import SUPPORT

from kinimmune.fitting.estimation.results import StartRow
from kinimmune.fitting.sampling.chains import EnsembleSettings
from kinimmune.fitting.sampling.emulator import RowForm, find_columns
from kinimmune.fitting.sampling.gaussian_process import learn_process
from kinimmune.fitting.sampling.importance import Weights, resample, smooth_weights, weighted_quantiles
from kinimmune.fitting.sampling.surrogate import NormalApproximation
from kinimmune.fitting.sampling.surrogate_checks import SurrogateReport, TriedDraws, check_surrogate, find_unreached
from kinimmune.fitting.sampling.surrogate_posterior import draw_by_surrogate
from kinimmune.fitting.sampling.surrogate_sample import find_other_optima
from kinimmune.fitting.sampling.surrogate_stages import SurrogateSettings
from kinimmune.fitting.workflow.executors import open_executor
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.fitting.workflow.task import SerialExecutor
from kinimmune.models.errors import NumericalError, UsageError

NAMES = ("a", "b", "c")
SETTINGS = SurrogateSettings(EnsembleSettings(4, 8, 500, 3, 500), points=100, draws=1000, searches=4)
SOUND = SurrogateReport(600, 1000, 1.2, 0.2, 870.0, 0.1, "low a", 0.3, 0.02, 1)


@pytest.fixture(scope="module")
def toys():
    """Return the module of toys, which workers can import too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SUPPORT))
        import toy_posteriors

        yield toy_posteriors


def solve_normal(toys):
    """Return mean and covariance of the normal toy: H = A'A + 1, H^-1 A'y."""
    covariance = np.linalg.inv(toys.DESIGN.T @ toys.DESIGN + np.eye(3))
    return covariance @ toys.DESIGN.T @ toys.OBSERVED, covariance


def draw(toys, kind, normal, settings=SETTINGS, store=None, pool=None):
    runtime = Runtime(store or Memory(), pool or SerialExecutor())
    return draw_by_surrogate(toys.learned(kind), NormalApproximation(*normal), NAMES, settings, runtime)


def require_quantiles(drawn, values, expected, density):
    """Require 2.5, 50 and 97.5 % within 3.5 Monte Carlo errors sqrt(p (1 - p)/n)/density."""
    levels = (0.025, 0.5, 0.975)
    found = weighted_quantiles(values, drawn.weights.values, levels)
    for level, at, value in zip(levels, found, expected, strict=True):
        error = math.sqrt(level * (1.0 - level) / drawn.report.effective) / density(value)
        assert abs(at - value) < 3.5 * error


def test_a_normal_posterior_is_exact_and_trusted(toys):
    mean, covariance = solve_normal(toys)
    drawn = draw(toys, "normal", (mean, covariance))

    assert drawn.faults == ()
    assert drawn.report.tail_error < 1e-9
    assert drawn.report.bias < 1e-9
    assert drawn.report.effective > 800.0
    for place in range(3):
        sd = math.sqrt(covariance[place, place])
        expected = [mean[place] + score * sd for score in (-1.959964, 0.0, 1.959964)]
        require_quantiles(drawn, drawn.points[:, place], expected, lambda at, i=place, s=sd: normal_density(at, mean[i], s))


def normal_density(at, mean, sd):
    return math.exp(-0.5 * ((at - mean) / sd) ** 2) / sd / math.sqrt(2.0 * math.pi)


def test_a_funnel_is_recovered_from_a_normal_at_its_mode(toys):
    """x1 ~ N(0, 1), though the mode lies at -1; the others over exp(x1/2) are standard normal."""
    normal = (np.array([-1.0, 0.0, 0.0]), np.diag([1.0, math.exp(-1.0), math.exp(-1.0)]))
    drawn = draw(toys, "funnel", normal, replace(SETTINGS, points=200))

    assert drawn.faults == ()
    scores = (-1.959964, 0.0, 1.959964)
    require_quantiles(drawn, drawn.points[:, 0], scores, lambda at: normal_density(at, 0.0, 1.0))
    for place in (1, 2):
        standard = drawn.points[:, place] * np.exp(-0.5 * drawn.points[:, 0])
        require_quantiles(drawn, standard, scores, lambda at: normal_density(at, 0.0, 1.0))


def test_a_second_mode_is_refused_though_every_weight_looks_superb(toys):
    drawn = draw(toys, "modes", (np.full(3, toys.PLACE), toys.NARROW**2 * np.eye(3)), replace(SETTINGS, points=200))

    assert drawn.report.k_hat < 0.5
    assert drawn.report.effective > 800.0
    assert np.all(drawn.points > 0.0)
    assert drawn.report.unreached == pytest.approx((-toys.PLACE,) * 3, abs=0.1)
    assert any("another optimum, at z-scores (-1.9" in fault for fault in drawn.faults)


def test_kept_work_and_processes_give_the_same_bits(toys):
    normal, small = solve_normal(toys), replace(SETTINGS, ensembles=EnsembleSettings(4, 8, 250, 3, 250), draws=500)
    store = Memory()
    first = draw(toys, "normal", normal, small, store)
    for number, address in enumerate(list(store.kept)):
        if number % 3 == 1:
            del store.kept[address]
    with open_executor(2) as pool:
        again = draw(toys, "normal", normal, small, store, pool)

    assert np.array_equal(first.points, again.points)
    assert np.array_equal(first.weights.values, again.weights.values)
    assert first.report == again.report


def test_a_process_learns_a_smooth_function_and_only_what_it_depends_on():
    random = np.random.default_rng(1)
    points = random.standard_normal((200, 3))

    def function(at):
        return np.sin(at[:, 0]) + 0.3 * at[:, 2] ** 2

    learned = learn_process(points, function(points), np.ones(200), (0, 2), 1)
    unseen = 0.8 * random.standard_normal((100, 3))
    assert np.abs(learned.evaluate(unseen, points) - function(unseen)).max() < 0.01
    moved = unseen + np.array([0.0, 5.0, 0.0])
    assert np.array_equal(learned.evaluate(unseen, points), learned.evaluate(moved, points))


def test_a_number_depends_on_what_moves_it_at_any_of_the_points_tried():
    numbers = np.array([[1.0, 5.0], [2.0, 5.0], [1.0, 5.0], [4.0, 7.0], [4.0, 8.0]])

    assert find_columns(numbers, [(0, 1, 0), (0, 2, 1), (3, 4, 1)]) == [(0,), (1,)]


def test_weights_of_a_wider_normal_make_it_the_narrower_and_those_of_a_narrower_are_refused():
    """Ln of N(0, 1) over N(0, s) is -(1 - 1/s^2) x^2/2; with s^2 < 1/2 the variance of the ratio is infinite."""
    draws = np.random.default_rng(4).standard_normal(4000)
    wide = smooth_weights(-0.5 * (1.0 - 1.0 / 1.44) * (1.2 * draws) ** 2)
    assert wide.k_hat < 0.5
    assert math.sqrt(np.sum(wide.values * (1.2 * draws) ** 2)) == pytest.approx(1.0, abs=0.03)
    narrow = smooth_weights(-0.5 * (1.0 - 1.0 / 0.25) * (0.5 * draws) ** 2)
    assert narrow.k_hat > 0.5

    with pytest.raises(NumericalError, match="only 3 of 100 draws could be computed"):
        smooth_weights(np.where(np.arange(100) < 3, 0.0, -math.inf))


def test_resampling_keeps_the_share_of_every_weight():
    weights = np.random.default_rng(2).dirichlet(np.ones(50))
    counts = np.bincount(resample(weights, 1000), minlength=50)

    assert np.abs(counts - 1000.0 * weights).max() < 1.0


def test_rows_outside_the_bounds_or_without_numbers_are_impossible():
    form = RowForm(np.array([[2.0]]), np.array([-1.0]), np.array([1.0]), prior=True)
    values = form.log_probability(np.array([[3.0], [3.0], [math.inf]]), np.array([[0.5], [1.5], [0.0]]))

    assert values.tolist() == [-0.5 * (36.0 + 0.25), -math.inf, -math.inf]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"k_hat": 0.79}, "k-hat of the weights is 0.79, not below 0.5"),
        ({"k_hat": math.nan}, "k-hat of the weights is nan"),
        ({"effective": 399.0}, "399 effective draws, fewer than 400"),
        ({"tail_error": 0.7}, "in the low a tail ln density is off by 0.70"),
        ({"excess": 3.0}, "beyond the draws ln density exceeds the surrogate's by 3.0"),
        ({"unreached": (1.0, -2.0)}, "another optimum, at z-scores (1.000, -2.000)"),
    ],
)
def test_each_diagnostic_alone_refuses(change, words):
    assert check_surrogate(SOUND) == ()
    (fault,) = check_surrogate(replace(SOUND, **change))
    assert words in fault


def test_errors_in_a_tail_and_beyond_are_told_from_an_offset():
    points = np.linspace(-1.0, 1.0, 1000)[:, None]
    tail = points[:, 0] < -0.9
    truth = -0.5 * points[:, 0] ** 2
    tried = TriedDraws(points, truth, truth - 7.0 - 2.0 * tail, np.array([-3.0, -90.0]), np.array([-9.0, -9000.0]))

    assert tried.find_tail_errors()[:, 0] == pytest.approx([2.0 - 0.1, -0.1], abs=0.01)
    assert tried.excess.tolist() == [6.0, 0.0]


def test_an_optimum_among_the_draws_or_far_below_the_best_counts_for_nothing():
    points = np.random.default_rng(3).standard_normal((1000, 2))
    truth = -0.5 * (points**2).sum(axis=1)
    tried = TriedDraws(points, truth, truth, np.empty(0), np.empty(0))
    weights = Weights(np.full(1000, 1e-3), 0.1)

    assert find_unreached(tried, weights, np.array([[0.5, 0.5], [9.0, 9.0]]), np.array([0.0, -40.0])) is None
    assert find_unreached(tried, weights, np.array([[9.0, 9.0]]), np.array([-2.0])) == (9.0, 9.0)


def test_starts_of_a_fit_that_ended_in_different_optima_are_told():
    rows = [StartRow(number, cost, converged=True, evaluations=9, message="") for number, cost in enumerate((5.0, 5.01, 8.1))]

    assert find_other_optima(rows[:2]) == ()
    (fault,) = find_other_optima(rows)
    assert "in which a start of the fit ended, is only 3.1 above the best" in fault
    assert find_other_optima([*rows[:2], replace(rows[2], cost=90.0)]) == ()


def test_too_few_points_or_draws_are_refused():
    with pytest.raises(UsageError, match="--points 9: at least 10, as a quadratic of 3 parameters has"):
        replace(SETTINGS, points=9).require(3)
    with pytest.raises(UsageError, match="--draws 100: at least 500"):
        replace(SETTINGS, draws=100)
