"""Sensitivity: closed forms through the same blocks, redraws and analysis as the models; loss that is told and harms no index."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from SALib.sample import sobol as salib_sobol
from scipy.special import ndtr
from scipy.stats import kstest, rankdata, t

from kinimmune.fitting.problem_settings import ProblemSettings, hash_all_tables, open_problem
from kinimmune.fitting.sensitivity import Question, plan_study, study_sensitivity
from kinimmune.fitting.sensitivity_blocks import Study, collect_rows, measure_rows
from kinimmune.fitting.sensitivity_designs import Design, Method, draw_rows
from kinimmune.fitting.sensitivity_indices import compute_indices
from kinimmune.fitting.sensitivity_inputs import Input, Posterior, choose_inputs
from kinimmune.fitting.sensitivity_posterior import approximate_posterior
from kinimmune.fitting.sensitivity_ranks import correlate_partially
from kinimmune.fitting.sensitivity_results import SensitivityResult, from_json, judge_convergence, to_csv, to_json
from kinimmune.fitting.sensitivity_values import Responses
from kinimmune.fitting.tasks import TaskStore
from kinimmune.fitting.uncertainty import linearise
from kinimmune.fitting.work import Here, watch_nothing
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError, NumericalError, UsageError
from kinimmune.models.parameters import Scale, values_for

SOBOL_G = np.array([0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0])
COEFFICIENTS = np.array([3.0, -1.0, 0.0, 0.5])
EXPONENTS = np.array([2.0, -0.5, 0.0])


def ishigami(x):
    return np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


FUNCTIONS = {
    "ishigami": ishigami,
    "sobol_g": lambda x: np.prod((np.abs(4.0 * x - 2.0) + SOBOL_G) / (1.0 + SOBOL_G), axis=1),
    "linear": lambda x: 7.0 + x @ COEFFICIENTS,
    "power": lambda x: 5.0 * np.prod(x**EXPONENTS, axis=1),
    "first": lambda x: np.exp(x[:, 0]),
    "constant": lambda x: np.full(x.shape[0], 4.0),
}


def measure(inputs):
    """Measure rows of a function with a closed form: a step of work, as `measure_block` is; some of its points fail."""

    def respond(values):
        found, share = FUNCTIONS[inputs["function"]](values), inputs["failing"]
        # a share of the points that has nothing to do with where they lie
        lost = np.modf(np.abs(values @ np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0])[: values.shape[1]]) * 1e7)[0] < share
        return Responses(np.where(lost, np.nan, found)[:, None], tuple("it was made to fail" if item else None for item in lost))

    return measure_rows(inputs, respond)


class Nowhere:
    """Keeps nothing."""

    def load(self, _step):
        return None

    def save(self, _step, _outcome):
        pass


class Killed(Exception):  # noqa: N818 - what it stands for
    """The process went away."""


class Failing:
    """A pool that is killed after some steps."""

    def __init__(self, after):
        self.left = after

    def submit(self, step):
        if not self.left:
            raise Killed
        self.left -= 1
        return Here().submit(step)


def uniform(count, low, high):
    width = (high - low) / math.sqrt(12.0)
    middle = (low + high) / 2.0
    return tuple(Input(f"x{place}", Scale.NORMAL, middle, middle, width, low, high, ranged=True) for place in range(count))


def normal(key, sd=1.0):
    return Input(key, Scale.LOGNORMAL, 0.0, 0.0, sd, -math.inf, math.inf, ranged=False)


def design(method, inputs, *, groups=None, seed=1, **more):
    return Design(method, inputs, seed, tuple(item.key for item in inputs) if groups is None else groups, **more)


def run(planned, function, samples, *, store=None, pool=None, failing=0.0):
    study = Study(planned, samples, "toy-", measure, {"function": function, "failing": failing}, {})
    sample = collect_rows(study, store or Nowhere(), pool or Here(), watch_nothing)
    return sample, compute_indices(planned, sample, ())


def ishigami_indices():
    a, b = 7.0, 0.1
    first = 0.5 * (1.0 + b * math.pi**4 / 5.0) ** 2
    second, both = a * a / 8.0, b * b * math.pi**8 * (1.0 / 18.0 - 1.0 / 50.0)
    whole = first + second + both
    return np.array([first, second, 0.0]) / whole, np.array([first + both, second, both]) / whole


def sobol_g_indices():
    alone = 1.0 / (3.0 * (1.0 + SOBOL_G) ** 2)
    whole = np.prod(1.0 + alone) - 1.0
    return alone / whole, np.array([alone[i] * np.prod(np.delete(1.0 + alone, i)) for i in range(8)]) / whole


CASES = [("ishigami", uniform(3, -math.pi, math.pi), ishigami_indices), ("sobol_g", uniform(8, 0.0, 1.0), sobol_g_indices)]


@pytest.mark.parametrize(("function", "inputs", "truth"), CASES)
def test_sobol_indices_are_the_closed_forms(function, inputs, truth):
    _, found = run(design(Method.SOBOL, inputs), function, 4096)

    first, total = truth()
    np.testing.assert_allclose(found["S1"], first, atol=0.01)
    np.testing.assert_allclose(found["ST"], total, atol=0.01)


def test_the_only_interaction_of_ishigami_is_that_of_the_first_and_the_third():
    _, found = run(design(Method.SOBOL, uniform(3, -math.pi, math.pi), second_order=True), "ishigami", 4096)

    first, total = ishigami_indices()
    assert found["S2"][0][2] == pytest.approx(total[2], abs=0.02)
    assert found["S2"][0][1] == pytest.approx(0.0, abs=0.02)
    assert found["S2"][1][2] == pytest.approx(0.0, abs=0.02)
    np.testing.assert_allclose(found["S1"], first, atol=0.01)


def test_a_group_has_the_total_of_what_its_members_do_together():
    """x0 and x2 of Ishigami interact with each other only, so together they have first = total = 1 - that of x1."""
    planned = design(Method.SOBOL, uniform(3, -math.pi, math.pi), groups=("odd", "x1", "odd"))

    _, found = run(planned, "ishigami", 4096)

    first, _ = ishigami_indices()
    assert planned.names == ("odd", "x1")
    np.testing.assert_allclose(found["S1"], [1.0 - first[1], first[1]], atol=0.015)
    np.testing.assert_allclose(found["ST"], [1.0 - first[1], first[1]], atol=0.015)


def test_blocks_are_the_design_of_salib_row_by_row():
    planned = design(Method.SOBOL, uniform(3, 0.0, 1.0), groups=("a", "b", "a"), second_order=True)
    whole = salib_sobol.sample(planned.problem, 64, calc_second_order=True, seed=np.random.default_rng([1, 2]))

    parts = [draw_rows(planned, first, count) for first, count in ((0, 32), (32, 16), (48, 16))]

    assert np.concatenate(parts).reshape(-1, 3) == pytest.approx(whole, abs=1e-9)


@pytest.mark.parametrize("method", list(Method))
def test_a_row_is_the_same_whatever_block_it_is_drawn_in(method):
    planned = design(method, (normal("a"), normal("b"), *uniform(6, 0.0, 1.0)))

    assert np.array_equal(draw_rows(planned, 0, 8)[4:7], draw_rows(planned, 4, 3))


def test_seeds_give_other_rows_and_seed_0_is_one_of_them():
    rows = [draw_rows(design(Method.SOBOL, uniform(2, 0.0, 1.0), seed=seed), 0, 16) for seed in (0, 0, 1)]

    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])


@pytest.mark.parametrize("seed", [0, 1])
def test_intervals_depend_on_the_seed_of_the_study_alone(seed):
    planned = design(Method.SOBOL, uniform(3, -math.pi, math.pi), seed=seed)
    np.random.seed(1)  # noqa: NPY002 - the state that must not matter
    first = run(planned, "ishigami", 64)[1]
    np.random.seed(2)  # noqa: NPY002

    assert run(planned, "ishigami", 64)[1] == first


def test_inputs_are_distributed_as_the_prior_between_the_bounds_of_the_tables():
    """A lognormal prior cut off at one standard deviation above; a point at each end of the unit interval stays inside."""
    item = replace(normal("a", 0.5), upper=0.5)

    drawn = draw_rows(design(Method.PRCC, (item, normal("b"))), 0, 4000)[:, 0, 0]

    assert kstest(drawn, lambda x: np.minimum(ndtr(x / 0.5) / ndtr(1.0), 1.0)).pvalue > 0.01
    assert np.isfinite(normal("c").quantile(np.array([0.0, 1.0]))).all()
    assert item.quantile(np.array([1.0]))[0] == pytest.approx(0.5, abs=1e-6)


def test_morris_levels_span_the_central_95_percent_of_a_prior_and_all_of_a_range():
    levels = draw_rows(design(Method.MORRIS, (normal("a", 2.0), *uniform(1, 5.0, 8.0))), 0, 64)

    assert np.unique(levels[:, :, 0].round(9)) == pytest.approx(2.0 * 1.959963984540054 * np.array([-1.0, -1 / 3, 1 / 3, 1.0]))
    assert np.unique(levels[:, :, 1].round(9)) == pytest.approx([5.0, 6.0, 7.0, 8.0])


def test_morris_of_a_linear_function_has_its_coefficients_and_no_spread():
    _, found = run(design(Method.MORRIS, uniform(4, 0.0, 1.0)), "linear", 16)

    assert found["mu"] == pytest.approx(COEFFICIENTS, abs=1e-12)
    assert found["mu_star"] == pytest.approx(np.abs(COEFFICIENTS), abs=1e-12)
    assert found["sigma"] == pytest.approx(np.zeros(4), abs=1e-12)


def test_a_group_of_morris_has_a_size_but_no_direction():
    _, found = run(design(Method.MORRIS, uniform(4, 0.0, 1.0), groups=("a", "b", "a", "a")), "linear", 16)

    assert found["mu_star"][1] == pytest.approx(1.0, abs=1e-12)
    assert found["mu"][0] is found["sigma"][0] is None
    assert found["mu"][1] == pytest.approx(-1.0, abs=1e-12)


def test_the_elasticity_of_a_power_law_is_its_exponent():
    inputs = tuple(replace(normal(key, sd), centre=0.3) for key, sd in (("a", 0.5), ("b", 1.0), ("c", 0.2)))

    sample, found = run(design(Method.LOCAL, inputs), "power", 3)

    assert found["elasticity"] == pytest.approx(EXPONENTS, abs=1e-10)
    assert found["value"] == pytest.approx(5.0 * math.exp(0.3 * EXPONENTS.sum()), rel=1e-12)
    assert found["effect"] == pytest.approx(found["value"] * EXPONENTS * [0.5, 1.0, 0.2], rel=1e-3)
    assert found["high"] == pytest.approx(found["value"] * np.exp(EXPONENTS * [0.5, 1.0, 0.2]), rel=1e-12)
    assert sample.lost == 0


def test_an_elasticity_that_does_not_exist_is_none():
    """The output changes its sign between the two sides of 0, where the parameter itself is 0."""
    inputs = tuple(replace(item, centre=0.0) for item in uniform(4, -1.0, 1.0))

    found = run(design(Method.LOCAL, inputs), "linear", 4)[1]

    assert found["elasticity"][0] is None
    assert found["low"] == pytest.approx(7.0 - COEFFICIENTS, abs=1e-12)


def residual_correlation(x, y, place):
    """Correlation of what linear regression on the other columns leaves of a column and of y."""
    others = np.column_stack([np.ones(len(y)), np.delete(x, place, axis=1)])
    left = [column - others @ np.linalg.lstsq(others, column, rcond=None)[0] for column in (x[:, place], y)]
    return np.corrcoef(*left)[0, 1]


def test_prcc_is_the_correlation_of_the_residuals_of_ranks():
    generator = np.random.default_rng(5)
    x = generator.standard_normal((60, 4)) @ generator.standard_normal((4, 4))
    y = x @ [1.0, -2.0, 0.0, 0.3] + 2.0 * generator.standard_normal(60)

    found = correlate_partially(x, y[:, None])

    ranks, of_y = rankdata(x, axis=0), rankdata(y)
    assert found.coefficient[0] == pytest.approx([residual_correlation(ranks, of_y, place) for place in range(4)], abs=1e-12)


def test_the_p_value_of_prcc_is_that_of_the_slope_in_the_regression_of_ranks():
    generator = np.random.default_rng(6)
    x = generator.standard_normal((40, 3))
    y = x @ [0.5, -0.2, 0.0] + generator.standard_normal(40)
    ranks, of_y = np.column_stack([np.ones(40), rankdata(x, axis=0)]), rankdata(y)
    slope, left, *_ = np.linalg.lstsq(ranks, of_y, rcond=None)
    error = np.sqrt(left[0] / 36.0 * np.diag(np.linalg.inv(ranks.T @ ranks)))

    found = correlate_partially(x, y[:, None])

    assert found.p_value[0] == pytest.approx(2.0 * t.sf(np.abs(slope / error)[1:], 36), rel=1e-9)


@given(st.integers(0, 2**31), st.floats(0.2, 3.0))
def test_prcc_does_not_change_under_monotone_maps(seed, power):
    generator = np.random.default_rng(seed)
    x = generator.random((30, 3)) + 0.1
    y = x[:, 0] + x[:, 1] ** 2 + 0.1 * generator.random(30)

    found = correlate_partially(np.column_stack([x[:, 0] ** power, np.log(x[:, 1]), np.exp(x[:, 2])]), np.exp(3.0 * y)[:, None])

    assert found.coefficient == pytest.approx(correlate_partially(x, y[:, None]).coefficient, abs=1e-10)


def test_prcc_of_an_output_that_does_not_vary_at_first_begins_when_it_does():
    x = np.random.default_rng(1).random((20, 2))

    found = correlate_partially(x, np.column_stack([np.zeros(20), x[:, 0]]))

    assert np.isnan(found.coefficient[0]).all()
    assert found.coefficient[1] == pytest.approx([1.0, 0.0], abs=1e-6)


def test_prcc_over_a_posterior_tells_a_cause_from_what_goes_with_it():
    """x1 goes with x0 (correlation 0.9) but does nothing: its ranks follow the output, its partial ranks do not."""
    joint = Posterior((0.0, 0.0), ((1.0, 0.0), (0.9, math.sqrt(0.19))))
    planned = design(Method.PRCC, uniform(2, -9.0, 9.0)).over(joint)

    sample, found = run(planned, "first", 400)

    drawn = sample.rows[:, 0]
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(0.9, abs=0.03)
    assert np.corrcoef(rankdata(drawn[:, 1]), rankdata(sample.output[:, 0]))[0, 1] > 0.8
    assert found["prcc"][0] == pytest.approx(1.0, abs=1e-6)
    assert abs(found["prcc"][1]) < 0.15


def test_a_draw_of_a_posterior_outside_the_tables_is_drawn_again():
    joint = Posterior((0.0, 0.0), ((1.0, 0.0), (0.0, 1.0)))
    planned = design(Method.PRCC, (replace(normal("a"), upper=1.0), normal("b"))).over(joint)

    sample, _ = run(planned, "first", 400)

    assert sample.rows[:, 0, 0].max() <= 1.0
    assert sample.reasons == {"'a' lies outside its range": sample.lost}
    assert sample.lost / (400 + sample.lost) == pytest.approx(1.0 - ndtr(1.0), abs=0.04)


@pytest.mark.parametrize("method", [Method.LOCAL, Method.MORRIS, Method.SOBOL])
def test_a_method_for_independent_inputs_refuses_a_posterior(method):
    with pytest.raises(UsageError, match=f"--method {method} needs inputs that vary independently.*take --method prcc"):
        design(method, uniform(2, 0.0, 1.0), posterior=Posterior((0.0, 0.0), ((1.0, 0.0), (0.9, 0.4))))


@pytest.mark.parametrize(("function", "inputs", "truth"), CASES)
def test_with_1_percent_of_points_failing_indices_stay_within_their_intervals_and_the_loss_is_told(function, inputs, truth):
    whole = run(design(Method.SOBOL, inputs), function, 1024)[1]

    sample, found = run(design(Method.SOBOL, inputs), function, 1024, failing=0.01)

    width = len(inputs) + 2
    assert sample.rows.shape[0] == 1024
    assert sample.lost / (1024 + sample.lost) == pytest.approx(1.0 - 0.99**width, abs=0.02)
    assert sample.reasons["it was made to fail"] >= sample.lost
    assert np.isfinite([found["S1"], found["ST"], found["S1_conf"], found["ST_conf"]]).all()
    for place, total in enumerate(truth()[1]):
        assert abs(found["ST"][place] - whole["ST"][place]) <= whole["ST_conf"][place]
        assert abs(found["S1"][place] - whole["S1"][place]) <= whole["S1_conf"][place]
        assert total < 0.1 or abs(found["ST"][place] - total) <= found["ST_conf"][place]


def test_what_is_kept_after_a_loss_are_the_next_rows_of_the_same_design():
    planned = design(Method.MORRIS, uniform(4, 0.0, 1.0))

    sample, found = run(planned, "linear", 40, failing=0.05)

    everything = draw_rows(planned, 0, 40 + sample.lost)
    kept = [any(np.array_equal(row, other) for other in sample.rows) for row in everything]
    assert sum(kept) == 40
    assert kept[-1]
    assert np.isfinite(sample.values).all()
    assert found["mu_star"] == pytest.approx(np.abs(COEFFICIENTS), abs=1e-12)


def test_a_study_in_which_most_fails_ends_with_the_reason():
    with pytest.raises(NumericalError, match=r"rows failed, too many for 64 good ones; most often: it was made to fail"):
        run(design(Method.SOBOL, uniform(3, 1.0, 2.0)), "ishigami", 64, failing=0.5)


def test_a_failed_step_of_a_local_study_costs_that_parameter_alone():
    sample, found = run(design(Method.LOCAL, tuple(replace(normal(key), centre=0.3) for key in "abc")), "power", 3, failing=0.15)

    assert 0 < sample.lost < 3
    assert [value is None for value in found["elasticity"]].count(True) == sample.lost
    assert [value is None for value in found["high"]] == [value is None for value in found["elasticity"]]


def test_an_output_that_does_not_vary_has_no_indices():
    with pytest.raises(NumericalError, match="the output is 4 at every point, so no index exists"):
        run(design(Method.SOBOL, uniform(3, 0.0, 1.0)), "constant", 16)


@pytest.mark.parametrize("method", [Method.SOBOL, Method.MORRIS, Method.PRCC])
def test_a_study_that_was_killed_ends_as_one_that_was_not(tmp_path, method):
    planned = design(method, uniform(3, -math.pi, math.pi))
    samples = 128
    whole = run(planned, "ishigami", samples, failing=0.02)
    store = TaskStore(tmp_path)

    for _ in range(2):
        with pytest.raises(Killed):
            run(planned, "ishigami", samples, store=store, pool=Failing(1), failing=0.02)
    kept = len(store.names())
    again = run(planned, "ishigami", samples, store=store, failing=0.02)

    assert kept == 2
    assert np.array_equal(again[0].values, whole[0].values)
    assert again[1] == whole[1]


def test_more_rows_go_on_with_the_blocks_of_fewer(tmp_path):
    planned, store = design(Method.SOBOL, uniform(3, -math.pi, math.pi)), TaskStore(tmp_path)
    run(planned, "ishigami", 64, store=store)

    with pytest.raises(Killed):
        run(planned, "ishigami", 128, store=store, pool=Failing(1))

    assert len(store.names()) == 3


def test_convergence_is_told_for_a_quarter_a_half_and_all_and_intervals_narrow():
    _, found = run(design(Method.SOBOL, uniform(3, -math.pi, math.pi)), "ishigami", 1024)

    assert [step.n for step in found["convergence"]] == [256, 512, 1024]
    assert found["convergence"][-1].values == found["ST"]
    assert found["convergence"][0].half_widths[0] > 1.5 * found["convergence"][-1].half_widths[0]


@pytest.fixture(scope="module")
def gompertz():
    return load_model("gompertz").parameters


@pytest.fixture(scope="module")
def hcc():
    return load_model("hcc_trial").parameters


def test_a_range_is_uniform_on_the_scale_of_the_prior(hcc):
    (item,) = choose_inputs(hcc, (), {"kinase_shift": (0.1, 10.0)})

    assert item.value(float(item.quantile(np.array([0.5]))[0])) == pytest.approx(1.0, rel=1e-12)
    assert item.value(float(item.level(np.array([0.25]))[0])) == pytest.approx(10.0**-0.5, rel=1e-12)


def test_with_ranges_only_those_vary_and_without_everything_that_has_a_prior(hcc, gompertz):
    assert [item.key for item in choose_inputs(hcc, (), {"kinase_shift": (0.1, 10.0)})] == ["kinase_shift"]
    assert [item.key for item in choose_inputs(hcc, ("immune_kill",), {"kinase_shift": (0.1, 10.0)})] == [
        "kinase_shift",
        "immune_kill",
    ]
    assert len(choose_inputs(hcc, (), {})) == sum(item.prior.scale is not Scale.FIXED for item in hcc)
    with pytest.raises(UsageError, match="no parameter of this model has a prior; give ranges"):
        choose_inputs(gompertz, (), {})


@pytest.mark.parametrize(
    ("wanted", "ranges", "told"),
    [
        ((), {"capacity": (10.0, 1.0)}, "--range capacity=10:1: the lower end must lie below the upper one"),
        ((), {"capacity": (1.0, math.inf)}, "the lower end must lie below"),
        ((), {"capactiy": (1.0, 10.0)}, "did you mean 'capacity'"),
        ((), {"capacity": (-1.0, 10.0)}, r"reaches outside \["),
        (("capacity",), {}, "'capacity' has a fixed prior; give it a range, such as --range capacity=LOW:HIGH"),
        (("kapacity",), {}, "--parameters: no parameter 'kapacity' on which this output depends; did you mean 'capacity'"),
    ],
)
def test_what_cannot_vary_is_told_why(gompertz, wanted, ranges, told):
    with pytest.raises(UsageError, match=told):
        choose_inputs(gompertz, wanted, ranges)


def test_a_name_in_several_studies_must_be_told_apart(hcc):
    with pytest.raises(UsageError, match="'growth' belongs to several studies; write growth:sharp or growth:asia_pacific"):
        choose_inputs(hcc, ("growth",), {})


@pytest.fixture(scope="module")
def question():
    problem = ProblemSettings("gompertz", hash_all_tables(None), 8, 1)
    ranges = {"retardation": (0.01, 0.2), "capacity": (100.0, 10_000.0), "start_volume": (1.0, 50.0)}
    return Question(problem, None, Method.SOBOL, "state:volume:30", samples=64, ranges=ranges)


def test_a_model_is_studied_by_the_same_blocks(question):
    """The volume at a late day is the capacity: nothing else has an index, and the capacity has all of it."""
    late = replace(question, output="state:volume:300", ranges={**question.ranges, "retardation": (0.1, 0.2)})

    found = study_sensitivity(plan_study(late), Nowhere(), Here(), watch_nothing)

    assert found.names == ("retardation", "capacity", "start_volume")
    assert pytest.approx([0.0, 1.0, 0.0], abs=0.3) == found.ST
    assert found.ST[0] < 1e-6
    assert (found.model, found.unit, found.patients, found.distribution) == ("gompertz", "mL", None, "range")
    assert (found.n, found.failed, found.evaluations) == (64, 0, 64 * 5)
    assert found.value == pytest.approx(5050.0, rel=0.02)


def test_the_elasticity_of_gompertz_is_that_of_its_closed_form(question):
    """V = K (V0/K)^q with q = exp(-a t): d ln V / d ln V0 = q, / d ln K = 1 - q, / d ln a = -a t q ln(V0/K)."""
    planned = plan_study(replace(question, method=Method.LOCAL, samples=None))
    values = values_for(load_model("gompertz").parameters, None)
    q = math.exp(-30.0 * values["retardation"])

    found = study_sensitivity(planned, Nowhere(), Here(), watch_nothing)

    by_name = dict(zip(found.names, found.elasticity, strict=True))
    rate = -30.0 * values["retardation"] * q * math.log(values["start_volume"] / values["capacity"])
    assert by_name == pytest.approx({"retardation": rate, "capacity": 1.0 - q, "start_volume": q}, rel=2e-3)


def test_prcc_of_a_state_has_a_course_that_ends_at_the_output(question):
    found = study_sensitivity(plan_study(replace(question, method=Method.PRCC)), Nowhere(), Here(), watch_nothing)

    assert [row.time for row in found.course] == pytest.approx(np.arange(2.5, 31.0, 2.5))
    assert found.course[-1].prcc == found.prcc
    early, late = found.course[0].prcc, found.course[-1].prcc
    assert early[2] > late[2]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"samples": 100}, "--samples 100: must be a power of two or half as much again, such as 128"),
        ({"samples": 8}, "needs at least 16"),
        ({"method": Method.PRCC, "samples": 6}, "--method prcc of 3 parameters needs at least 7"),
        ({"method": Method.LOCAL}, "a local study draws nothing"),
        ({"groups": {"g": ("capacity", "retardatoin")}}, "'retardatoin' does not vary; did you mean 'retardation'"),
        ({"groups": {"g": ("capacity",), "h": ("capacity",)}}, "'capacity' is in group 'g' already"),
        ({"groups": {"capacity": ("retardation",)}}, "a parameter has that name"),
        ({"groups": {"g": ("capacity", "retardation", "start_volume")}}, "give it at least two parameters or groups"),
        ({"groups": {"g": ("capacity", "retardation")}, "method": Method.PRCC}, "--method prcc has no groups"),
        ({"output": "state:volume:30:placebo"}, "has no arms or experiments"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told_why(question, change, told):
    with pytest.raises(UsageError, match=told):
        plan_study(replace(question, **change))


def test_a_result_reads_back_as_it_was_written(question, tmp_path):
    for method in Method:
        asked = replace(question, method=method, samples=None if method is Method.LOCAL else 16, second_order=True)
        found = study_sensitivity(plan_study(asked), Nowhere(), Here(), watch_nothing)

        assert from_json(to_json(found), tmp_path) == found
        assert "nan" not in to_csv(found).lower()
    with pytest.raises(DataError, match="is no SensitivityResult"):
        from_json("{}", tmp_path)


def test_json_has_the_keys_of_the_schema(question):
    found = json.loads(to_json(study_sensitivity(plan_study(question), Nowhere(), Here(), watch_nothing)))

    assert {"schema", "model", "method", "output", "names", "S1", "S1_conf", "ST", "ST_conf", "n", "failed"} <= set(found)
    assert {"mu_star", "sigma", "prcc", "p", "elasticity", "convergence", "seed", "patients", "distribution"} <= set(found)
    assert found["schema"] == "kinimmune.sensitivity/1"
    assert len(found["ST"]) == len(found["names"]) == 3
    assert found["prcc"] is None


def judged(*halves):
    totals = (0.6, 0.3, 0.05)
    return judge_convergence(
        SensitivityResult("m", "sobol", "o", "1", ("a", "b", "c"), 256, 0, 0, {}, "prior", (), None, 1, 0.0, 1.0,
                          S1=totals, S1_conf=halves, ST=totals, ST_conf=halves)
    )  # fmt: skip


def test_the_verdict_on_intervals_looks_at_important_indices_only():
    assert judged(0.04, 0.02, 0.3).endswith("half-width 0.040 (a): below 0.05")
    assert judged(0.04, 0.09, 0.3).endswith("half-width 0.090 (b): not below 0.05; about --samples 1024 would do")
    assert judged(0.055, 0.02, 0.3).endswith("about --samples 384 would do")


@pytest.fixture(scope="module")
def small():
    """Return a problem of four patients, and its linear approximation about the prior medians."""
    problem = open_problem(ProblemSettings("hcc_trial", hash_all_tables(None), 4, 1), None)
    return problem, linearise(problem, np.zeros(len(problem.free)))


def covariance(posterior, inputs):
    root = np.array(posterior.root)
    return root @ root.T / np.outer([item.sd for item in inputs], [item.sd for item in inputs])


def expect(linear, inputs, *, constants_drawn):
    places = [linear.names.index(item.key) for item in inputs]
    return pytest.approx(linear.covariance(constants_drawn)[np.ix_(places, places)], abs=1e-9)


def test_a_posterior_with_all_constants_held_is_that_of_the_fit(small):
    problem, linear = small
    held = choose_inputs(problem.parameters, [item.key for item in problem.free], {})

    found = approximate_posterior(linear, held, [item.key for item in problem.parameters])

    assert covariance(found, held) == expect(linear, held, constants_drawn=False)


def test_a_posterior_leaves_out_what_the_output_does_not_depend_on_and_does_not_hold_it(small):
    problem, linear = small
    possible = [item for item in problem.parameters if item.study != "asia_pacific"]
    inputs = choose_inputs(possible, (), {})

    found = approximate_posterior(linear, inputs, [item.key for item in possible])

    assert covariance(found, inputs) == expect(linear, inputs, constants_drawn=True)


def test_a_parameter_with_a_range_has_no_posterior(small):
    problem, linear = small
    inputs = choose_inputs(problem.parameters, (), {"kinase_shift": (0.5, 2.0)})

    with pytest.raises(UsageError, match="'kinase_shift' has a range or no prior, so it has no posterior"):
        approximate_posterior(linear, inputs, [])
