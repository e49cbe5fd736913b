"""Sensitivity: closed forms through the same blocks, redraws and analysis as the models; loss that is told and harms no index."""

import json
import math
import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from SALib.sample import sobol as salib_sobol
from scipy.special import ndtr
from scipy.stats import kstest, rankdata, t

from kinimmune.fitting.problem_settings import ProblemSettings, hash_all_tables
from kinimmune.fitting.sensitivity import Question, plan_study, study_sensitivity
from kinimmune.fitting.sensitivity_designs import Method, draw_rows
from kinimmune.fitting.sensitivity_inputs import choose_inputs
from kinimmune.fitting.sensitivity_ranks import correlate_partially
from kinimmune.fitting.sensitivity_results import SensitivityResult, from_json, judge_convergence, to_csv, to_json
from kinimmune.fitting.tasks import TaskStore
from kinimmune.fitting.work import Here, watch_nothing
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError, NumericalError, UsageError
from kinimmune.models.parameters import Scale, values_for

toys = runpy.run_path(str(Path(__file__).with_name("sensitivity_toys.py")))
COEFFICIENTS = toys["COEFFICIENTS"]
EXPONENTS = toys["EXPONENTS"]
Failing = toys["Failing"]
Killed = toys["Killed"]
Nowhere = toys["Nowhere"]
design = toys["design"]
ishigami_indices = toys["ishigami_indices"]
normal = toys["normal"]
residual_correlation = toys["residual_correlation"]
run = toys["run"]
sobol_g_indices = toys["sobol_g_indices"]
uniform = toys["uniform"]

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
