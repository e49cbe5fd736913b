"""Laws of profile likelihoods: closed forms of linear and of flat problems, steps that resume, and the fit of the package."""

import json
import math
import runpy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from kinimmune.fitting.fit import minimise
from kinimmune.fitting.objective import Tolerance, TrialObjective
from kinimmune.fitting.problem_settings import ProblemSettings, hash_all_tables, open_problem
from kinimmune.fitting.profile import ProfileSettings, count_walks, profile, require_parameters
from kinimmune.fitting.profile_chain import STOP_AT, WalkedPoint, walk_along
from kinimmune.fitting.profile_judgement import classify, find_companions
from kinimmune.fitting.profile_optima import STEPS
from kinimmune.fitting.profile_parameters import Means, Optimum, collect, curve_of, judge_parameter, plan_parameter
from kinimmune.fitting.profile_points import find_optimum, find_point
from kinimmune.fitting.profile_predictions import require_predictions
from kinimmune.fitting.profile_results import THRESHOLD_90, THRESHOLD_95, Ending, Identifiability, from_json, to_csv, to_json
from kinimmune.fitting.tasks import TaskStore
from kinimmune.fitting.work import Here, run_chains
from kinimmune.models.arrays import Array
from kinimmune.models.errors import DataError, NumericalError, UsageError
from kinimmune.models.parameters import Parameter, Prior, Scale, Source, Status
from kinimmune.models.population import draw_population

LINEAR = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 1.5], [1.0, -1.0, 0.2]])
"""Design of a linear problem, shape (m, n)"""
TRUTH = np.array([0.3, -0.5, 0.8])
PREDICTS = np.array([1.0, 0.0, 2.0])
OWN_TRIAL = Path(__file__).parents[1] / "examples" / "own_trial"
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

    def jacobian(self, point: Array, _held=()) -> Array:
        step = 1e-6
        shifts = step * np.eye(point.size)
        return np.stack([(self.residuals(point + s) - self.residuals(point - s)) / (2.0 * step) for s in shifts], axis=1)


def toy_point(inputs):
    return find_point(Toy(inputs["kind"]), inputs["place"], inputs["value"], inputs["start"])


def make_parameter(name: str, scale: Scale = Scale.NORMAL) -> Parameter:
    prior = Prior(scale, 0.0 if scale is Scale.NORMAL else 1.0, 1.0)
    source = Source("assumption", "test", Status.ASSUMED)
    return Parameter(name, name, prior.median, "1", -1e9, 1e9, prior, True, None, None, f"meaning of {name}", source)


class Memory:
    """Finished steps in memory, as JSON gives them back."""

    def __init__(self):
        self.kept: dict[str, str] = {}
        self.names: set[str] = set()

    def load(self, step) -> Mapping[str, object] | None:
        return json.loads(self.kept[step.address]) if step.address in self.kept else None

    def save(self, step, outcome) -> None:
        self.kept[step.address] = json.dumps(outcome)
        self.names.add(step.name)


def find_toy(kind: str, start: Array) -> Optimum:
    toy = Toy(kind)
    found = find_optimum(toy, start)
    return Optimum(toy.names, np.array(found["point"]), found["cost"], np.array(found["jacobian"]), *toy.bounds)


def walk_toy(kind: str, name: str, start: Array, store=None, scale=Scale.NORMAL):
    """Return the curve of one parameter of a toy, and the optimum."""
    optimum = find_toy(kind, start)
    place = optimum.names.index(name)
    walks = plan_parameter(Means(toy_point, "data", {"kind": kind}, {}), optimum, place)
    chains = [walk_along(walk) for walk in walks]
    outcomes = run_chains([chain for chain in chains if chain is not None], store or Memory(), Here())
    begin = WalkedPoint(float(optimum.point[place]), tuple(map(float, optimum.point)), optimum.cost, {})
    return curve_of(collect(walks, outcomes, begin, optimum.names), make_parameter(name, scale), place, optimum.cost), optimum


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_profiles_of_a_linear_problem_are_wald_intervals(name):
    curve, _ = walk_toy("linear", name, np.zeros(3))
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
    curve, _ = walk_toy("linear", "a", np.zeros(3))
    covariance = np.linalg.inv(LINEAR.T @ LINEAR)
    for place, name in ((1, "b"), (2, "c")):
        slope = covariance[0, place] / covariance[0, 0]
        assert np.polyfit(curve.scores, curve.paths[name], 1)[0] == pytest.approx(slope, abs=1e-6)


def test_steps_raise_the_deviance_by_about_what_is_aimed_at():
    curve, _ = walk_toy("linear", "b", np.zeros(3))
    rises = np.diff([deviance for deviance in curve.deviance if deviance < STOP_AT])
    assert len(curve.deviance) < 20
    assert np.max(np.abs(rises)) < 2.6
    assert np.median(np.abs(rises)) > 0.3


@pytest.mark.parametrize("name", ["a", "b"])
def test_factors_of_a_product_are_structurally_not_identifiable_and_follow_the_hyperbola(name):
    curve, _ = walk_toy("product", name, np.array([0.4, -0.2]), scale=Scale.LOGNORMAL)
    other = "b" if name == "a" else "a"
    assert classify(curve) is Identifiability.STRUCTURALLY_NOT
    assert curve.scores[0] == -4.0
    assert curve.scores[-1] == 4.0
    np.testing.assert_allclose(np.array(curve.values) * np.exp(curve.paths[other]), 1.0, atol=0.02)
    (companion,) = find_companions(curve)
    assert (companion.name, round(companion.slope, 2)) == (other, -1.0)


def test_a_parameter_bounded_from_below_alone_is_practically_not_identifiable():
    """Data a / (1 + a) = 0.9 +- 0.08: no upper end within two standard errors, a lower one where the residual is -1.96."""
    curve, optimum = walk_toy("one-sided", "a", np.array([1.0, 0.2]), scale=Scale.LOGNORMAL)
    assert classify(curve) is Identifiability.PRACTICALLY_NOT
    assert curve.upper_95 is None
    share = 0.9 - 0.08 * math.sqrt(THRESHOLD_95)
    assert curve.lower_95 == pytest.approx(share / (1.0 - share), rel=0.02)
    assert curve.ended == (Ending.THRESHOLD, Ending.RANGE)
    found = judge_parameter(make_parameter("a", Scale.LOGNORMAL), (curve, curve), (optimum.error(0), 1.0), 9.0)
    assert "upwards" in found.advice
    assert "downwards" not in found.advice
    assert "meaning of a" in found.advice
    assert "78 %" in found.advice  # exp(1 / sqrt 3) - 1


def test_kept_points_are_taken_up_again_to_the_same_bits(tmp_path):
    whole, _ = walk_toy("product", "a", np.array([0.4, -0.2]), TaskStore(tmp_path / "whole"))
    part = TaskStore(tmp_path / "part")
    walk_toy("product", "a", np.array([0.4, -0.2]), part)
    names = part.names()
    for name in names[1::2]:
        (part.folder / f"{name}.json").unlink()
    again, _ = walk_toy("product", "a", np.array([0.4, -0.2]), part)
    assert again == whole
    assert part.names() == names == TaskStore(tmp_path / "whole").names()
    for name in names:
        assert (part.folder / f"{name}.json").read_bytes() == (tmp_path / "whole" / f"{name}.json").read_bytes()


def test_a_point_that_cannot_be_computed_is_told_and_ends_the_walk():
    found = find_point(Toy("refuses"), 0, 0.5, [0.0, 0.0])
    assert found["cost"] == math.inf
    assert found["failures"][0]["what"] == "a at 0.5 prior sd"
    optimum = find_toy("product", np.zeros(2))
    walks = plan_parameter(Means(toy_point, "data", {"kind": "refuses"}, {}), optimum, 0)
    outcomes = run_chains([walk_along(walk) for walk in walks], Memory(), Here())
    assert all(math.isinf(item["cost"]) for group in outcomes for item in group)
    assert 1 < len(outcomes[0]) < 10
    begin = WalkedPoint(0.0, (0.0, 0.0), 0.0, {})
    assert collect(walks, outcomes, begin, ("a", "b")).below[1] is Ending.STUCK


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

    def jacobian(self, _point: Array, _held=()) -> Array:
        return np.vstack([LINEAR, PREDICTS / self.width])


@pytest.mark.parametrize("width", [0.05, 1.0])
def test_the_deviance_of_a_drawn_prediction_belongs_to_the_value_reached_for_any_width(width):
    found = minimise(Drawn(3.0, width), np.zeros(3), lambda _: None)
    reached = float(PREDICTS @ np.array(found.point))
    away = reached - float(PREDICTS @ TRUTH)
    deviance = float(np.sum((LINEAR @ (np.array(found.point) - TRUTH)) ** 2))
    assert away > 0.1
    assert deviance == pytest.approx(away**2 / float(PREDICTS @ np.linalg.inv(LINEAR.T @ LINEAR) @ PREDICTS), rel=1e-6)


def test_with_every_coordinate_held_the_start_is_the_answer():
    found = minimise(Toy("product"), np.array([1.0, 0.5]), lambda _: None, held=(0, 1))
    assert found.point == (1.0, 0.5)
    assert found.cost == pytest.approx(((math.exp(1.5) - 1.0) / 0.1) ** 2 * float(TIMES @ TIMES), rel=1e-12)


def test_weaker_priors_and_none_leave_the_data_residuals_as_they_are(hcc_problem):
    point = np.linspace(-0.5, 0.5, 9)
    full, half, none = (TrialObjective(hcc_problem, weight).residuals(point) for weight in (1.0, 0.5, 0.0))
    np.testing.assert_array_equal(full[: none.size], none)
    np.testing.assert_array_equal(half[: none.size], none)
    np.testing.assert_array_equal(full[none.size :], point)
    np.testing.assert_array_equal(half[none.size :], 0.5 * point)


def test_differences_turn_round_at_a_bound_and_agree_with_those_inside(hcc_problem):
    few = replace(hcc_problem, population=draw_population(hcc_problem.parameters, 8, 1))
    objective = TrialObjective(few, 0.0, reach=4.0)
    point = np.minimum(np.linspace(-1.0, 1.0, 9), objective.bounds[1])
    place = [item.key for item in few.free].index("burden_exponent")
    point[place] = objective.bounds[1][place]
    assert point[place] < 4.0  # the bound of the tables
    inside = objective.jacobian(point - 1e-2 * np.eye(9)[place])
    np.testing.assert_allclose(objective.jacobian(point), inside, atol=0.05 * np.max(np.abs(inside)))
    assert not objective.jacobian(point, held=(place,))[:, place].any()


def test_unknown_names_get_a_suggestion(hcc_problem):
    with pytest.raises(UsageError, match="did you mean 'growth_spread'"):
        require_parameters(hcc_problem, ["growth_sprad"])
    with pytest.raises(UsageError, match="did you mean 'median:sharp:placebo:os'"):
        require_predictions(hcc_problem, ["median:sharp:placebo:ttp"])
    assert require_parameters(hcc_problem, ["growth"]) == ("growth:sharp", "growth:asia_pacific")
    assert len(require_parameters(hcc_problem, [])) == 9


def runner(store):
    return lambda chains: run_chains(chains, store, Here())


@pytest.fixture(scope="module")
def small():
    """Return the profile of a parameter and a ratio of `hcc_trial` with 8 patients and one study, and the steps behind it."""
    settings = ProblemSettings("hcc_trial", hash_all_tables(OWN_TRIAL), 8, 1)
    problem = open_problem(settings, str(OWN_TRIAL))
    start = minimise(TrialObjective(problem), np.zeros(len(problem.free)), lambda _: None)
    store = Memory()
    wanted = ProfileSettings(settings, str(OWN_TRIAL), start.point, ("kinase_shift",), ("hazard_ratio:example:os",))
    return profile(wanted, runner(store)), store, wanted


@pytest.mark.slow
def test_the_deviance_is_zero_at_the_optimum_and_nowhere_below(small):
    result, _, _ = small
    (parameter,) = result.parameters
    for curve in (parameter.data, parameter.posterior, result.predictions[0].curve):
        assert min(curve.deviance) < 1e-3
        assert min(curve.deviance) >= 0.0
        assert max(curve.deviance) > 0.1
        assert list(curve.scores) == sorted(curve.scores)
    assert result.cost_data < result.cost_posterior


@pytest.mark.slow
def test_priors_narrow_an_interval_and_deviances_of_a_prediction_rise_to_both_sides(small):
    result, _, _ = small
    (parameter,), (ratio,) = result.parameters, result.predictions
    assert parameter.posterior.lower_95 < parameter.estimate < parameter.posterior.upper_95
    for own, with_prior in (("lower_95", max), ("upper_95", min)):
        if getattr(parameter.data, own) is not None:
            ends = (getattr(parameter.data, own), getattr(parameter.posterior, own))
            assert getattr(parameter.posterior, own) == pytest.approx(with_prior(ends), rel=0.05)
    assert ratio.curve.lower_95 < ratio.estimate < ratio.curve.upper_95
    rising = np.diff(np.array(ratio.curve.deviance))
    assert np.all(rising[: ratio.curve.best] < 0.01)
    assert np.all(rising[ratio.curve.best :] > -0.01)
    assert result.conclusions[0].lowest <= ratio.estimate <= result.conclusions[0].highest


@pytest.mark.slow
def test_a_profile_is_the_same_from_its_kept_steps_and_from_its_json(small):
    result, store, wanted = small
    before = dict(store.kept)
    again = profile(wanted, runner(store))
    assert again == result
    assert store.kept == before
    text = to_json(result)
    assert from_json(text, Path("profile.json")) == result
    assert json.loads(text)["schema"] == "kinimmune.profile/1"
    assert len(to_csv(result).splitlines()) == 1 + sum(
        len(curve.scores) for curve in (result.parameters[0].data, result.parameters[0].posterior, result.predictions[0].curve)
    )
    with pytest.raises(DataError, match=r"profile.json holds no profiles: parameters: .*--force"):
        from_json(text.replace('"parameters"', '"others"'), Path("profile.json"))


@pytest.mark.slow
def test_there_are_as_many_steps_and_walks_as_were_counted_beforehand(small):
    _, store, wanted = small
    before = {name for name in store.names if name.startswith(("profile-optimum", "profile-outlook"))}
    walks = {name[: -len("-001")] for name in store.names - before}

    assert len(before) == STEPS
    assert len(walks) == count_walks(wanted) == 6


@pytest.mark.slow
def test_pages_and_figures_of_profiles_appear_when_a_run_has_them(small, tmp_path):
    from kinimmune.reports.figure_recipes import draw_all
    from kinimmune.reports.figures import list_figures
    from kinimmune.reports.pages import compose_report

    content = runpy.run_path(str(Path(__file__).with_name("report_example.py")))["make_content"]()
    full = replace(content, profiles=small[0])
    new = {item.name for item in list_figures(full)} - {item.name for item in list_figures(content)}
    assert new == {"profiles", "profile_paths", "profile_predictions"}
    drawn = draw_all([item for item in list_figures(full) if item.name in new], tmp_path)
    assert [item.block.failure for item in drawn.values()] == ["", "", ""]
    blocks = compose_report(full, drawn).blocks
    heads = [getattr(block, "text", "") for block in blocks]
    assert "Conclusions that do not need the unidentified parameters" in heads
    assert "kinase_shift" in str(blocks)
