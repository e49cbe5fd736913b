"""Profiles of the package's own fit and of the example trial, and their pages."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from memory_store import Memory
from paths import OWN_TRIAL
from report_example import make_content

from kinimmune.fitting.estimation.optimise import minimise
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.objective import TrialObjective
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.profile.optima import OPTIMUM_TASKS
from kinimmune.fitting.profile.predictions import choose_predictions
from kinimmune.fitting.profile.profile import ProfileSettings, count_paths, profile, require_parameters
from kinimmune.fitting.profile.results import PROFILE_JSON, to_csv
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.population import draw_population


def test_weaker_priors_and_none_leave_the_data_residuals_as_they_are(hcc_problem):
    point = np.linspace(-0.5, 0.5, len(hcc_problem.estimated))
    full, half, none = (TrialObjective(hcc_problem, weight).residuals(point) for weight in (1.0, 0.5, 0.0))
    np.testing.assert_array_equal(full[: none.size], none)
    np.testing.assert_array_equal(half[: none.size], none)
    np.testing.assert_array_equal(full[none.size :], point)
    np.testing.assert_array_equal(half[none.size :], 0.5 * point)


def test_differences_turn_round_at_a_bound_and_agree_with_those_inside(hcc_problem):
    few = replace(hcc_problem, population=draw_population(hcc_problem.parameters, 8, 1))
    objective = TrialObjective(few, 0.0, reach=4.0)
    point = np.minimum(np.linspace(-1.0, 1.0, len(few.estimated)), objective.bounds[1])
    place = [item.key for item in few.estimated].index("burden_exponent")
    point[place] = objective.bounds[1][place]
    assert point[place] < 4.0  # the bound of the tables
    inside = objective.jacobian(point - 1e-2 * np.eye(point.size)[place])
    np.testing.assert_allclose(objective.jacobian(point), inside, atol=0.05 * np.max(np.abs(inside)))
    assert not objective.jacobian(point, fixed=(place,))[:, place].any()


def test_unknown_names_get_a_suggestion(hcc_problem):
    with pytest.raises(UsageError, match="did you mean 'growth_spread'"):
        require_parameters(hcc_problem, ["growth_sprad"])
    with pytest.raises(UsageError, match="did you mean 'median:sharp:placebo:os'"):
        choose_predictions(hcc_problem, ["median:sharp:placebo:ttp"])
    assert require_parameters(hcc_problem, ["growth"]) == ("growth:sharp", "growth:asia_pacific")
    assert require_parameters(hcc_problem, []) == tuple(item.key for item in hcc_problem.estimated)


@pytest.fixture(scope="module")
def small():
    """Return the profile of a parameter and a ratio of `hcc_trial` with 8 patients and one study, and the steps behind it."""
    settings = ProblemSettings(model="hcc_trial", tables=digest_inputs("hcc_trial", Tables(OWN_TRIAL)), patients=8, seed=1)
    problem = open_problem(settings, str(OWN_TRIAL))
    start = minimise(TrialObjective(problem), np.zeros(len(problem.estimated)), lambda _: None)
    store = Memory()
    wanted = ProfileSettings(settings, str(OWN_TRIAL), start.z, ("baseline_hazard:example",), ("hazard_ratio:example:os",))
    return profile(wanted, Runtime(store)), store, wanted


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
    again = profile(wanted, Runtime(store))
    assert again == result
    assert store.kept == before
    text = PROFILE_JSON.dump(result)
    assert PROFILE_JSON.load(text, Path("profile.json")) == result
    assert json.loads(text)["schema"] == "kinimmune.profile/1"
    assert len(to_csv(result).splitlines()) == 1 + sum(
        len(curve.scores) for curve in (result.parameters[0].data, result.parameters[0].posterior, result.predictions[0].curve)
    )
    with pytest.raises(DataError, match=r"profile.json holds no profiles: parameters: .*--force"):
        PROFILE_JSON.load(text.replace('"parameters"', '"others"'), Path("profile.json"))


@pytest.mark.slow
def test_there_are_as_many_tasks_and_paths_as_were_counted_beforehand(small):
    _, store, wanted = small
    before = {name for name in store.names if name.startswith(("profile-optimum", "profile-outlook"))}
    paths = {name[: -len("-001")] for name in store.names - before}

    assert len(before) == OPTIMUM_TASKS
    assert len(paths) == count_paths(wanted) == 6


@pytest.mark.slow
def test_pages_and_figures_of_profiles_appear_when_a_run_has_them(small, tmp_path):
    from kinimmune.reports.figures.catalogue import list_figures
    from kinimmune.reports.figures.recipes import draw_all
    from kinimmune.reports.pages.run import compose_report

    content = make_content()
    full = replace(content, profiles=small[0])
    new = {item.name for item in list_figures(full)} - {item.name for item in list_figures(content)}
    assert new == {"profiles", "profile_paths", "profile_predictions"}
    drawn = draw_all([item for item in list_figures(full) if item.name in new], tmp_path)
    assert [item.block.failure for item in drawn.values()] == ["", "", ""]
    blocks = compose_report(full, drawn).blocks
    heads = [getattr(block, "text", "") for block in blocks]
    assert "Conclusions that do not need the unidentified parameters" in heads
    assert "baseline_hazard" in str(blocks)
