"""Sobol' indices through the blocks of a study: closed forms, interactions, groups, intervals and when they are narrow enough."""

import math

import numpy as np
import pytest
from sensitivity_toys import CASES, design, ishigami_indices, run, uniform

from kinimmune.fitting.sensitivity.designs import Method
from kinimmune.fitting.sensitivity.results import SensitivityResult, judge_convergence


@pytest.mark.parametrize(("function", "inputs", "truth"), CASES)
def test_sobol_indices_are_the_closed_forms(function, inputs, truth):
    _, found = run(design(Method.SOBOL, inputs), function, 2048)

    first, total = truth()
    np.testing.assert_allclose(found["S1"], first, atol=0.01)
    np.testing.assert_allclose(found["ST"], total, atol=0.01)


def test_the_only_interaction_of_ishigami_is_that_of_the_first_and_the_third():
    _, found = run(design(Method.SOBOL, uniform(3, -math.pi, math.pi), second_order=True), "ishigami", 2048)

    first, total = ishigami_indices()
    assert found["S2"][0][2] == pytest.approx(total[2], abs=0.02)
    assert found["S2"][0][1] == pytest.approx(0.0, abs=0.02)
    assert found["S2"][1][2] == pytest.approx(0.0, abs=0.02)
    np.testing.assert_allclose(found["S1"], first, atol=0.01)


def test_a_group_has_the_total_of_what_its_members_do_together():
    """x0 and x2 of Ishigami interact with each other only, so together they have first = total = 1 - that of x1."""
    planned = design(Method.SOBOL, uniform(3, -math.pi, math.pi), groups=("odd", "x1", "odd"))

    _, found = run(planned, "ishigami", 2048)

    first, _ = ishigami_indices()
    assert planned.names == ("odd", "x1")
    np.testing.assert_allclose(found["S1"], [1.0 - first[1], first[1]], atol=0.015)
    np.testing.assert_allclose(found["ST"], [1.0 - first[1], first[1]], atol=0.015)


@pytest.mark.parametrize("seed", [0, 1])
def test_intervals_depend_on_the_seed_of_the_study_alone(seed):
    planned = design(Method.SOBOL, uniform(3, -math.pi, math.pi), seed=seed)
    np.random.seed(1)  # noqa: NPY002 - the state that must not matter
    first = run(planned, "ishigami", 64)[1]
    np.random.seed(2)  # noqa: NPY002

    assert run(planned, "ishigami", 64)[1] == first


def test_convergence_is_told_for_a_quarter_a_half_and_all_and_intervals_narrow():
    _, found = run(design(Method.SOBOL, uniform(3, -math.pi, math.pi)), "ishigami", 1024)

    assert [step.n for step in found["convergence"]] == [256, 512, 1024]
    assert found["convergence"][-1].values == found["ST"]
    assert found["convergence"][0].half_widths[0] > 1.5 * found["convergence"][-1].half_widths[0]


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
