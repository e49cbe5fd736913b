"""The toy whose drawn trials measure coverage: its tables are right, and its four arms are four regimens without a control."""

import pytest
from paths import ROOT

from kinimmune.fitting.lint import check
from kinimmune.fitting.problem.problem import build_problem
from kinimmune.fitting.runs.kept_model import gather_model
from kinimmune.models.tables.rows import Tables

TOY = ROOT / "benchmarks" / "four_arms"


@pytest.fixture(scope="module")
def gathered():
    with gather_model(str(TOY / "saturable.py"), TOY) as (model, folder):
        yield model, Tables(folder)


def test_its_tables_are_right(gathered):
    _, tables = gathered
    assert check(tables) == ()


def test_its_arms_are_four_regimens_and_no_ratio_is_fitted(gathered):
    model, tables = gathered
    problem = build_problem(model, tables, patients=8, seed=1)
    (trial,) = problem.trials
    given = {arm.name: arm.administrations for arm in trial.arms}
    assert trial.compared == ()
    assert len(set(given.values())) == 4
    assert [item.every for item in given["loading"]] == [1.0, None]
    assert given["cycles"][0].off_days == 14.0
    assert given["doses"][0].every == 21.0
    assert len(problem.targets) == 8
    assert {item.key for item in problem.estimated} == {"growth", "kill", "half_concentration", "baseline_hazard"}
