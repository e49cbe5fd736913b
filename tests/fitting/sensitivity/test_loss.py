"""What fails in a study is told and harms no index, and what was killed ends as if it had not been."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sensitivity_toys import CASES, COEFFICIENTS, Failing, Killed, design, normal, run, uniform

from kinimmune.fitting.sensitivity.designs import Method, draw_rows
from kinimmune.fitting.sensitivity.values import OutputReading, gather_responses
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.models.errors import NumericalError


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


def test_an_output_that_overflows_or_whose_error_does_is_a_loss_with_its_reason():
    infinite, good = np.array([math.inf]), np.array([1.0])
    rows = [OutputReading(good, good), OutputReading(infinite, good), OutputReading(good, infinite), "did not run"]
    found = gather_responses(rows, 1)
    assert found.reasons == (None, *["the output or its error is not finite"] * 2, "did not run")
    assert np.isfinite(found.values[:, 0]).tolist() == np.isfinite(found.errors[:, 0]).tolist() == [True, False, False, False]
