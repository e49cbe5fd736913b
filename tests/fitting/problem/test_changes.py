"""What a fit takes otherwise than its tables say: which parameters it means, what is refused, and what the fit then holds."""

import dataclasses
import math

import numpy as np
import pytest

from kinimmune.fitting.problem.changes import ParameterChange, apply_changes, resolve_changes
from kinimmune.fitting.problem.fittable import choose_changes
from kinimmune.fitting.problem.problem import build_problem, predict
from kinimmune.fitting.problem.residuals import residuals
from kinimmune.fitting.problem.start_points import start_points
from kinimmune.fitting.settings import FitOptions
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.symbolic.parameters import Prior, Scale
from kinimmune.models.tables.readers import read_parameters
from kinimmune.models.tables.rows import Tables

PARAMETERS = read_parameters("hcc_trial")


def resolve(**asked):
    return resolve_changes(PARAMETERS, FitOptions(**asked))


def changed(**asked):
    return {item.key: item for item in apply_changes(PARAMETERS, resolve(**asked))}


def build(**asked):
    changes = choose_changes("hcc_trial", Tables(), FitOptions(**asked))
    return build_problem("hcc_trial", Tables(), patients=4, seed=1, changes=changes)


@pytest.mark.parametrize("text", ["lognormal(0.005, 0.5)", "logitnormal(.2,1)", " normal ( -1e-3 , 2. )", "fixed"])
def test_a_prior_in_words_reads_back(text):
    prior = Prior.parse(text)

    assert Prior.parse(str(prior)) == prior


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lognormal",
        "lognormal(1)",
        "lognormal(1, 2, 3)",
        "uniform(0, 1)",
        "lognormal(a, 1)",
        "normal(1_0, 1)",
    ],
)
def test_only_a_scale_with_two_numbers_is_a_prior(text):
    with pytest.raises(DataError, match="is no prior; write SCALE"):
        Prior.parse(text)


@pytest.mark.parametrize("text", ["lognormal(-1, 1)", "logitnormal(2, 1)", "normal(1, 0)", "normal(1e999, 1)", "normal(0, -1)"])
def test_a_prior_that_does_not_exist_is_refused(text):
    with pytest.raises(DataError, match="prior"):
        Prior.parse(text)


def test_a_name_stands_for_every_study_and_one_with_its_study_goes_before():
    found = {item.key: item.value for item in resolve(fix={"growth": 0.004, "growth:sharp": 0.006})}

    assert found == {"growth:sharp": 0.006, "growth:asia_pacific": 0.004}


def test_all_but_one_study_can_be_held():
    found = changed(fix={"growth": True}, free=["growth:sharp"])

    assert (found["growth:sharp"].estimated, found["growth:asia_pacific"].estimated) == (True, False)


def test_what_the_tables_say_already_is_no_change():
    estimated = next(item for item in PARAMETERS if item.estimated and item.study is None)
    constant = next(item for item in PARAMETERS if not item.estimated and item.prior.scale is Scale.LOGNORMAL)
    words = f"lognormal({estimated.prior.median!r}, {estimated.prior.sd!r})"

    assert resolve(free=[estimated.key], fix={constant.key: constant.value}, prior={estimated.key: words}) == ()


def test_a_parameter_that_is_held_keeps_the_prior_that_says_how_uncertain_it_is():
    before = next(item for item in PARAMETERS if item.key == "immune_kill")
    after = changed(fix={"immune_kill": 0.003})["immune_kill"]

    assert after == dataclasses.replace(before, value=0.003, estimated=False)


def test_a_constant_can_be_certain():
    after = changed(fix={"immune_kill": 0.003}, prior={"immune_kill": "fixed"})["immune_kill"]

    assert (after.prior, after.estimated) == (Prior(Scale.FIXED, 0.003, 0.0), False)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"fix": {"growht": True}}, "--fix growht: no such parameter in this fit; did you mean 'growth'"),
        ({"free": ["growth:shrap"]}, "--free growth:shrap: no such parameter in this fit; did you mean 'growth:sharp'"),
        ({"free": ["immune_kill:sharp"]}, "--free immune_kill:sharp: no such parameter in this fit; did you mean 'immune_kill'"),
        ({"prior": {"zzz": "normal(0, 1)"}}, "--prior zzz: no such parameter in this fit; kinimmune show lists"),
        ({"fix": {"immune_kill": 5.0}}, r"--fix immune_kill: value 5 lies outside \[1e-07, 1\] 1/d"),
        ({"start": {"immune_kill": 5.0}}, r"--start immune_kill: start 5 lies outside \[1e-07, 1\] 1/d"),
        ({"prior": {"immune_kill": "lognormal(5, 1)"}}, r"--prior immune_kill: median 5 lies outside \[1e-07, 1\] 1/d"),
        ({"prior": {"immune_kill": "lognormal(0.002, 31)"}}, "the sd must be at most 30"),
        ({"fix": {"growth": True}, "free": ["growth"]}, "--fix growth and --free growth: 'growth:sharp' is either held or free"),
        ({"free": ["reference_growth"]}, "--free reference_growth: it has no prior; give it one"),
        ({"prior": {"immune_kill": "fixed"}}, "--free immune_kill: it has no prior"),
        ({"start": {"erk_rate": 20.0}}, "--start erk_rate: it is not estimated; free it"),
        ({"fix": {"immune_kill": True}, "start": {"immune_kill": 0.002}}, "--start immune_kill: it is not estimated"),
        ({"fix": {"molar_mass": 0.0}, "prior": {"molar_mass": "lognormal(0.0005, 1)"}}, "gives that value no place"),
        (
            {"free": ["ic50_raf"], "prior": {"ic50_raf": "logitnormal(0.5, 1)"}},
            r"its range \[0.01, 100000\] reaches beyond the logitnormal scale",
        ),
    ],
)
def test_what_cannot_be_changed_so_is_refused_in_one_line(asked, message):
    with pytest.raises(UsageError, match=message) as told:
        resolve(**asked)

    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (ParameterChange("a", estimated=False), "held at its value"),
        (ParameterChange("a", value=2.0), "held at 2"),
        (ParameterChange("a", estimated=True, start=0.5), "freed, start 0.5"),
        (ParameterChange("a", prior=Prior(Scale.NORMAL, 1.0, 2.0)), "prior normal(1, 2)"),
    ],
)
def test_a_change_is_told_in_words(change, words):
    assert str(change) == words


def test_a_problem_estimates_what_it_is_told_and_holds_the_rest():
    problem = build(fix={"immune_kill": 0.003, "burden_exponent": True}, free=["erk_rate"])
    names = {item.name for item in problem.estimated}
    values = {item.name: item.value for item in problem.parameters}

    assert "erk_rate" in names
    assert not {"immune_kill", "burden_exponent"} & names
    assert (values["immune_kill"], values["burden_exponent"]) == (0.003, 0.6)


def test_holding_a_parameter_at_a_value_predicts_what_estimating_it_there_does():
    free, held = build(), build(fix={"immune_kill": 0.003})
    place = [item.key for item in free.estimated].index("immune_kill")
    point = np.zeros(len(free.estimated))
    point[place] = free.estimated[place].prior.to_z(0.003)

    by_point = residuals(free, predict(free, [point])[0], point)
    by_change = residuals(held, predict(held, [np.delete(point, place)])[0], np.delete(point, place))

    n = 2 * len(free.targets)
    np.testing.assert_allclose(by_change[:n], by_point[:n], rtol=1e-9, atol=1e-9)


def test_another_prior_moves_the_prior_median_and_what_a_score_means():
    problem = build(prior={"immune_kill": "lognormal(0.004, 0.25)"})
    place = [item.key for item in problem.estimated].index("immune_kill")
    point = np.zeros(len(problem.estimated))

    assert problem.values(point)["immune_kill"] == pytest.approx(0.004, rel=1e-14)
    point[place] = 1.0
    assert problem.values(point)["immune_kill"] == pytest.approx(0.004 * math.exp(0.25), rel=1e-14)


def test_starts_stand_about_the_start_that_is_given():
    usual, told = build(), build(start={"immune_kill": 0.003})
    place = [item.key for item in told.estimated].index("immune_kill")
    shift = np.zeros(len(told.estimated))
    shift[place] = told.estimated[place].prior.to_z(0.003)

    assert told.values(start_points(told, 1, 1)[0])["immune_kill"] == pytest.approx(0.003, rel=1e-14)
    for one, other in zip(start_points(usual, 4, 1), start_points(told, 4, 1), strict=True):
        np.testing.assert_allclose(other, one + shift, rtol=0.0, atol=1e-15)


def test_holding_everything_leaves_nothing_to_fit():
    every = {item.key: True for item in PARAMETERS if item.estimated}

    with pytest.raises(UsageError, match="--fix leaves no parameter to estimate"):
        choose_changes("hcc_trial", Tables(), FitOptions(fix=every))
