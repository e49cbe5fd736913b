"""A question to a model, its answer by the same blocks as closed forms, and the answer as a file."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import sensitivity_toys as toys

from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.settings import ProblemSettings
from kinimmune.fitting.sensitivity.designs import Method
from kinimmune.fitting.sensitivity.results import SENSITIVITY_JSON, to_csv
from kinimmune.fitting.sensitivity.study import StudyRequest, plan_study, study_sensitivity
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.catalogue import load_model
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.symbolic.parameters import values_for
from kinimmune.models.tables.rows import Tables

Nowhere = toys.Nowhere


@pytest.fixture(scope="module")
def question():
    problem = ProblemSettings(model="gompertz", tables=digest_inputs("gompertz", Tables()), patients=8, seed=1)
    ranges = {"retardation": (0.01, 0.2), "capacity": (100.0, 10_000.0), "start_volume": (1.0, 50.0)}
    return StudyRequest(problem, None, Method.SOBOL, "state:volume:30", samples=64, ranges=ranges)


def test_a_model_is_studied_by_the_same_blocks(question):
    """The volume at a late day is the capacity: nothing else has an index, and the capacity has all of it."""
    late = replace(question, output="state:volume:300", ranges={**question.ranges, "retardation": (0.1, 0.2)})

    found = study_sensitivity(plan_study(late), Runtime())

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

    found = study_sensitivity(planned, Runtime())

    by_name = dict(zip(found.names, found.elasticity, strict=True))
    rate = -30.0 * values["retardation"] * q * math.log(values["start_volume"] / values["capacity"])
    assert by_name == pytest.approx({"retardation": rate, "capacity": 1.0 - q, "start_volume": q}, rel=2e-3)


def test_prcc_of_a_state_has_a_course_that_ends_at_the_output(question):
    found = study_sensitivity(plan_study(replace(question, method=Method.PRCC)), Runtime())

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
        found = study_sensitivity(plan_study(asked), Runtime())

        assert SENSITIVITY_JSON.load(SENSITIVITY_JSON.dump(found), tmp_path) == found
        assert "nan" not in to_csv(found).lower()
    with pytest.raises(DataError, match="is no SensitivityResult"):
        SENSITIVITY_JSON.load("{}", tmp_path)


def test_json_has_the_keys_of_the_schema(question):
    found = json.loads(SENSITIVITY_JSON.dump(study_sensitivity(plan_study(question), Runtime())))

    assert {"schema", "model", "method", "output", "names", "S1", "S1_conf", "ST", "ST_conf", "n", "failed"} <= set(found)
    assert {"mu_star", "sigma", "prcc", "p", "elasticity", "convergence", "seed", "patients", "distribution"} <= set(found)
    assert found["schema"] == "kinimmune.sensitivity/1"
    assert len(found["ST"]) == len(found["names"]) == 3
    assert found["prcc"] is None
