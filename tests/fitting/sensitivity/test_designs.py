"""What a sensitivity study varies and the rows it asks for: priors, ranges, levels, and the same row whatever block it is in."""

import math
from dataclasses import replace

import numpy as np
import pytest
from SALib.sample import sobol as salib_sobol
from scipy.special import ndtr
from scipy.stats import kstest
from sensitivity_toys import design, normal, uniform

from kinimmune.fitting.sensitivity.designs import Method, draw_rows
from kinimmune.fitting.sensitivity.inputs import choose_inputs
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import UsageError
from kinimmune.models.symbolic.parameters import Scale


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
    with pytest.raises(
        UsageError, match="'growth' belongs to several studies or arms; write growth:sharp or growth:asia_pacific"
    ):
        choose_inputs(hcc, ("growth",), {})
