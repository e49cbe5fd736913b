"""Laws of profile likelihoods: closed forms of linear and of flat problems, and steps that resume."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from memory_store import Memory

from kinimmune.fitting.estimation.optimise import minimise
from kinimmune.fitting.problem.objective import Tolerance
from kinimmune.fitting.profile.classification import classify, find_correlated
from kinimmune.fitting.profile.optimum import Optimum
from kinimmune.fitting.profile.parameters import PointTasks, join_paths, parameter_curve, plan_parameter, summarise_parameter
from kinimmune.fitting.profile.path import STOP_AT, ProfilePoint, trace
from kinimmune.fitting.profile.points import find_optimum, find_point
from kinimmune.fitting.profile.results import THRESHOLD_90, THRESHOLD_95, Ending, Identifiability
from kinimmune.fitting.workflow.store import TaskStore
from kinimmune.fitting.workflow.task import SerialExecutor, TaskFunction, run_chains
from kinimmune.models.arrays import Array
from kinimmune.models.errors import NumericalError
from kinimmune.models.symbolic.parameters import Parameter, Prior, Scale, Source, Status

LINEAR = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 1.5], [1.0, -1.0, 0.2]])
"""Design of a linear problem, shape (m, n)"""
TRUTH = np.array([0.3, -0.5, 0.8])
PREDICTS = np.array([1.0, 0.0, 2.0])
TIMES = np.array([0.5, 1.0, 2.0, 3.0])


FINE = Tolerance(1e-10, 1.0)


@dataclass(frozen=True)
class Toy:
    """An objective in closed form."""

    kind: str
    reach: float = 4.0
    tolerance: Tolerance = FINE

    @property
    def names(self):
        return ("a", "b", "c") if self.kind == "linear" else ("a", "b")

    @property
    def bounds(self) -> tuple[Array, Array]:
        size = len(self.names)
        return np.full(size, -self.reach), np.full(size, self.reach)

    def residuals(self, point: Array) -> Array:
        if self.kind == "linear":
            return LINEAR @ (point - TRUTH)
        a, b = np.exp(point)
        if self.kind == "product":  # y = a b t, observed 1 t with standard error 0.1
            return (a * b - 1.0) * TIMES / 0.1
        if self.kind == "refuses":
            raise NumericalError("no residuals anywhere")
        return np.array([(a / (1.0 + a) - 0.9) / 0.08, (b - 1.0) / 0.1])  # saturating in a

    def jacobian(self, point: Array, _fixed=()) -> Array:
        step = 1e-6
        shifts = step * np.eye(point.size)
        return np.stack([(self.residuals(point + s) - self.residuals(point - s)) / (2.0 * step) for s in shifts], axis=1)


def toy_point(inputs):
    return find_point(Toy(inputs["kind"]), inputs["place"], inputs["value"], inputs["start"])


TOY_POINT = TaskFunction("toy.point", toy_point)


def make_parameter(name: str, scale: Scale = Scale.NORMAL) -> Parameter:
    prior = Prior(scale, 0.0 if scale is Scale.NORMAL else 1.0, 1.0)
    source = Source("assumption", "test", Status.ASSUMED)
    return Parameter(name, name, prior.median, "1", -1e9, 1e9, prior, True, None, None, f"meaning of {name}", source)


def find_toy(kind: str, start: Array) -> Optimum:
    toy = Toy(kind)
    found = find_optimum(toy, start)
    return Optimum(toy.names, np.array(found["point"]), found["cost"], np.array(found["jacobian"]), *toy.bounds)


def profile_toy(kind: str, name: str, start: Array, store=None, scale=Scale.NORMAL):
    """Return the curve of one parameter of a toy, and the optimum."""
    optimum = find_toy(kind, start)
    place = optimum.names.index(name)
    paths = plan_parameter(PointTasks(TOY_POINT, "data", {"kind": kind}, {}), optimum, place)
    chains = [trace(path) for path in paths]
    outcomes = run_chains([chain for chain in chains if chain is not None], store or Memory(), SerialExecutor())
    begin = ProfilePoint(float(optimum.z[place]), tuple(map(float, optimum.z)), optimum.chi_square, {})
    points = join_paths(paths, outcomes, begin, optimum.names)
    return parameter_curve(points, make_parameter(name, scale), place, optimum.chi_square), optimum


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_profiles_of_a_linear_problem_are_wald_intervals(name):
    curve, _ = profile_toy("linear", name, np.zeros(3))
    place = "abc".index(name)
    error = math.sqrt(np.linalg.inv(LINEAR.T @ LINEAR)[place, place])
    for threshold, lower, upper in (
        (THRESHOLD_95, curve.lower_95, curve.upper_95),
        (THRESHOLD_90, curve.lower_90, curve.upper_90),
    ):
        half = math.sqrt(threshold) * error
        assert lower == pytest.approx(TRUTH[place] - half, abs=1e-6)
        assert upper == pytest.approx(TRUTH[place] + half, abs=1e-6)
    assert classify(curve) is Identifiability.IDENTIFIABLE
    assert curve.ended == (Ending.THRESHOLD, Ending.THRESHOLD)


def test_paths_of_a_linear_problem_are_its_regression_lines():
    curve, _ = profile_toy("linear", "a", np.zeros(3))
    covariance = np.linalg.inv(LINEAR.T @ LINEAR)
    for place, name in ((1, "b"), (2, "c")):
        slope = covariance[0, place] / covariance[0, 0]
        assert np.polyfit(curve.scores, curve.paths[name], 1)[0] == pytest.approx(slope, abs=1e-6)


def test_steps_raise_the_deviance_by_about_what_is_aimed_at():
    curve, _ = profile_toy("linear", "b", np.zeros(3))
    rises = np.diff([deviance for deviance in curve.deviance if deviance < STOP_AT])
    assert len(curve.deviance) < 20
    assert np.max(np.abs(rises)) < 2.6
    assert np.median(np.abs(rises)) > 0.3


@pytest.mark.parametrize("name", ["a", "b"])
def test_factors_of_a_product_are_structurally_not_identifiable_and_follow_the_hyperbola(name):
    curve, _ = profile_toy("product", name, np.array([0.4, -0.2]), scale=Scale.LOGNORMAL)
    other = "b" if name == "a" else "a"
    assert classify(curve) is Identifiability.STRUCTURALLY_NOT
    assert curve.scores[0] == -4.0
    assert curve.scores[-1] == 4.0
    np.testing.assert_allclose(np.array(curve.values) * np.exp(curve.paths[other]), 1.0, atol=0.02)
    (companion,) = find_correlated(curve)
    assert (companion.name, round(companion.slope, 2)) == (other, -1.0)


def test_a_parameter_bounded_from_below_alone_is_practically_not_identifiable():
    """Data a / (1 + a) = 0.9 +- 0.08: no upper end within two standard errors, a lower one where the residual is -1.96."""
    curve, optimum = profile_toy("one-sided", "a", np.array([1.0, 0.2]), scale=Scale.LOGNORMAL)
    assert classify(curve) is Identifiability.PRACTICALLY_NOT
    assert curve.upper_95 is None
    share = 0.9 - 0.08 * math.sqrt(THRESHOLD_95)
    assert curve.lower_95 == pytest.approx(share / (1.0 - share), rel=0.02)
    assert curve.ended == (Ending.THRESHOLD, Ending.RANGE)
    found = summarise_parameter(make_parameter("a", Scale.LOGNORMAL), curve, curve, optimum.standard_error(0), 1.0, 9.0)
    assert "upwards" in found.advice
    assert "downwards" not in found.advice
    assert "meaning of a" in found.advice
    assert "78 %" in found.advice  # exp(1 / sqrt 3) - 1


def test_kept_points_are_taken_up_again_to_the_same_bits(tmp_path):
    whole, _ = profile_toy("product", "a", np.array([0.4, -0.2]), TaskStore(tmp_path / "whole"))
    part = TaskStore(tmp_path / "part")
    profile_toy("product", "a", np.array([0.4, -0.2]), part)
    names = part.names()
    for name in names[1::2]:
        (part.folder / f"{name}.json").unlink()
    again, _ = profile_toy("product", "a", np.array([0.4, -0.2]), part)
    assert again == whole
    assert part.names() == names == TaskStore(tmp_path / "whole").names()
    for name in names:
        assert (part.folder / f"{name}.json").read_bytes() == (tmp_path / "whole" / f"{name}.json").read_bytes()


def test_a_point_that_cannot_be_computed_is_told_and_ends_the_path():
    found = find_point(Toy("refuses"), 0, 0.5, [0.0, 0.0])
    assert found["cost"] == math.inf
    assert found["failures"][0]["what"] == "a at 0.5 prior sd"
    optimum = find_toy("product", np.zeros(2))
    paths = plan_parameter(PointTasks(TOY_POINT, "data", {"kind": "refuses"}, {}), optimum, 0)
    outcomes = run_chains([trace(path) for path in paths], Memory(), SerialExecutor())
    assert all(math.isinf(item["cost"]) for group in outcomes for item in group)
    assert 1 < len(outcomes[0]) < 10
    begin = ProfilePoint(0.0, (0.0, 0.0), 0.0, {})
    assert join_paths(paths, outcomes, begin, ("a", "b")).ended[0] is Ending.STUCK


@dataclass(frozen=True)
class Drawn:
    """The linear problem, its prediction a + 2 c drawn towards a value."""

    value: float
    width: float

    names = ("a", "b", "c")
    bounds = (np.full(3, -9.0), np.full(3, 9.0))
    tolerance = FINE

    def residuals(self, point: Array) -> Array:
        return np.append(LINEAR @ (point - TRUTH), (PREDICTS @ point - self.value) / self.width)

    def jacobian(self, _point: Array, _fixed=()) -> Array:
        return np.vstack([LINEAR, PREDICTS / self.width])


@pytest.mark.parametrize("width", [0.05, 1.0])
def test_the_deviance_of_a_drawn_prediction_belongs_to_the_value_reached_for_any_width(width):
    found = minimise(Drawn(3.0, width), np.zeros(3), lambda _: None)
    reached = float(PREDICTS @ np.array(found.z))
    away = reached - float(PREDICTS @ TRUTH)
    deviance = float(np.sum((LINEAR @ (np.array(found.z) - TRUTH)) ** 2))
    assert away > 0.1
    assert deviance == pytest.approx(away**2 / float(PREDICTS @ np.linalg.inv(LINEAR.T @ LINEAR) @ PREDICTS), rel=1e-6)


def test_with_every_coordinate_held_the_start_is_the_answer():
    found = minimise(Toy("product"), np.array([1.0, 0.5]), lambda _: None, fixed=(0, 1))
    assert found.z == (1.0, 0.5)
    assert found.chi_square == pytest.approx(((math.exp(1.5) - 1.0) / 0.1) ** 2 * float(TIMES @ TIMES), rel=1e-12)
