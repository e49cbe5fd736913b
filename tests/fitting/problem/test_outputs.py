"""Outputs: every name reads back, wrong names get the nearest right one, and values are those the rest of the package gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.outputs import (
    HazardRatioOutput,
    MedianOutput,
    StateOutput,
    SurvivalOutput,
    parse_output,
    read_output,
    read_published_output,
)
from kinimmune.fitting.problem.predictions import predictions
from kinimmune.fitting.problem.problem import FIT_TOLERANCES, predict, to_horizon
from kinimmune.fitting.problem.settings import ProblemSettings, open_problem
from kinimmune.fitting.sensitivity.responses import ResponseSettings, open_response
from kinimmune.fitting.sensitivity.values import list_times, read_catalogue, select_parameters
from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.library.gompertz import gompertz_volume
from kinimmune.models.symbolic.parameters import ParameterKey, values_for
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.cohort import ArmCohort
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.population import individual_values
from kinimmune.models.trial.progression_free import progression_free_survival
from kinimmune.models.trial.regimens import plan_dosing
from kinimmune.models.trial.survival import progression_free, survival_at
from kinimmune.models.trial.virtual_trial import mean_courses

NAMES = (
    "median:sharp:placebo:os",
    "hazard_ratio:asia_pacific:ttp",
    "survival:sharp:sorafenib:os:12",
    "survival:sharp:sorafenib:ttp:5.5",
    "survival:sharp:sorafenib:pfs:0.5",
    "hazard_ratio:sharp:pfs",
    "state:treg_number:28",
    "state:tumour_volume:28.5:sharp:placebo",
    "state:treg_number:28:double_dose",
)


@pytest.fixture(scope="module")
def trial():
    return read_catalogue("hcc_trial", Tables())


@pytest.mark.parametrize("name", NAMES)
def test_a_name_reads_back_as_itself(trial, name):
    assert parse_output(name, trial).name == name


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("hazard_ratoi:sharp:os", "did you mean 'hazard_ratio'"),
        ("hazard_ratio:shap:os", "no study 'shap'; did you mean 'sharp'"),
        ("hazard_ratio:sharp:so", "no endpoint 'so'; allowed: os, ttp, pfs"),
        ("hazard_ratio:sharp", "1 parts after 'hazard_ratio' where 2 or 3 belong"),
        ("median:sharp:placbo:os", "no arm 'placbo' in sharp; did you mean 'placebo'"),
        ("median:sharp:placebo:ttp", r"jumps; ask for the share at a month, such as survival:sharp:placebo:ttp:2\.8"),
        (
            "median:sharp:placebo:pfs",
            r"PFS jumps at scans; .* such as survival:sharp:placebo:pfs:2\.8",
        ),
        ("survival:sharp:placebo:ttp:1", r"no scan by month 1; the first is at month 1\.38"),
        ("survival:sharp:placebo:os:soon", "month 'soon' is no positive number"),
        ("state:treg_nubmer:28", "did you mean 'treg_number'"),
        ("state:treg_number:-1", "day '-1' is no positive number"),
        ("state:treg_number:inf", "day 'inf' is no positive number"),
        ("state:treg_number", "1 parts after 'state' where 2 to 4 belong"),
        ("state:treg_number:28:sorafenib", "in several studies; write sharp:sorafenib or asia_pacific:sorafenib"),
        ("state:treg_number:28:duble_dose", "did you mean 'double_dose'"),
    ],
)
def test_a_wrong_name_is_told_what_is_right(trial, name, told):
    with pytest.raises(UsageError, match=told):
        parse_output(name, trial)


def test_a_model_without_trial_or_experiments_says_so():
    known = read_catalogue("gompertz", Tables())

    with pytest.raises(UsageError, match="model 'gompertz' is not tried in a trial; ask for state:"):
        parse_output("hazard_ratio:sharp:os", known)
    with pytest.raises(UsageError, match="has no arms or experiments; leave 'placebo' out"):
        parse_output("state:volume:3:placebo", known)


def test_an_output_depends_on_shared_parameters_and_on_its_study(trial):
    keys = {item.key for item in select_parameters(trial, parse_output("hazard_ratio:asia_pacific:os", trial))}

    assert "growth:asia_pacific" in keys
    assert "kinase_shift" in keys
    assert "growth:sharp" not in keys


@pytest.mark.parametrize(
    ("name", "unit", "last"), [("state:volume:30", "d", 30.0), ("survival:sharp:placebo:os:6", "month", 6.0)]
)
def test_a_course_ends_at_the_output_itself(trial, name, unit, last):
    known = trial if "sharp" in name else read_catalogue("gompertz", Tables())

    found, times = list_times(known, parse_output(name, known))

    assert (found, times[-1]) == (unit, pytest.approx(last, rel=1e-14))


def ask(model, output, free, *, patients=8, fixed=None):
    problem = ProblemSettings(model=model, tables=digest_inputs(model, Tables()), patients=patients, seed=1)
    return open_response(ResponseSettings(problem.plain, output, free, fixed or {}, fine=True), None)


def test_a_state_of_gompertz_is_its_closed_form_at_every_time_of_the_course():
    values = np.array([[0.1, 1000.0], [0.02, 5000.0]])

    found = ask("gompertz", "state:volume:24", ("retardation", "capacity"), fixed={"start_volume": 20.0})(values)

    days = np.arange(2.0, 25.0, 2.0)
    expected = [gompertz_volume(days, retardation, capacity, 20.0) for retardation, capacity in values]
    assert found.reasons == (None, None)
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)


def test_one_that_cannot_be_integrated_gives_its_reason_and_leaves_the_others_alone():
    found = ask("gompertz", "state:volume:24", ("retardation",))(np.array([[0.1], [np.nan], [0.2]]))

    assert found.reasons == (None, "the individual could not be integrated to day 24", None)
    assert np.isfinite(found.values[[0, 2]]).all()


@pytest.fixture(scope="module")
def small():
    """Return eight virtual patients and their trial at the prior medians, to the longest follow-up."""
    problem = open_problem(
        ProblemSettings(model="hcc_trial", tables=digest_inputs("hcc_trial", Tables()), patients=8, seed=1), None
    )
    wide = to_horizon(problem, problem.trial("sharp").follow_up["os"].longest / DAYS_PER_MONTH)
    assert wide.simulator.tolerances == FIT_TOLERANCES
    return wide, predict(wide, [np.zeros(len(problem.estimated))])[0]


@pytest.mark.parametrize("name", ["median:sharp:sorafenib:os", "hazard_ratio:sharp:os"])
def test_an_output_is_the_named_prediction(small, name):
    """The courses end elsewhere than those of the prediction; what is seen of them is the same."""
    problem, outcomes = small

    found = ask("hcc_trial", name, ("kinase_shift",))(np.array([[1.0]]))

    assert found.values[0, -1] == pytest.approx(predictions(problem, outcomes)[name], rel=1e-5)


def test_survival_is_read_off_the_curve_and_progression_after_the_scans(small):
    _, outcomes = small
    outcome = outcomes["sharp", "placebo"]

    dead = ask("hcc_trial", "survival:sharp:placebo:os:6", ("kinase_shift",))(np.array([[1.0]]))
    seen = ask("hcc_trial", "survival:sharp:placebo:ttp:6", ("kinase_shift",))(np.array([[1.0]]))

    months = np.arange(0.5, 6.1, 0.5) * DAYS_PER_MONTH
    np.testing.assert_allclose(dead.values[0], survival_at(outcome.grid, outcome.survival, months), rtol=1e-5)
    np.testing.assert_allclose(seen.values[0], progression_free(outcome)[:4], rtol=1e-5)

    free = ask("hcc_trial", "survival:sharp:placebo:pfs:6", ("kinase_shift",))(np.array([[1.0]]))
    np.testing.assert_allclose(free.values[0], progression_free_survival(outcome).at(months), rtol=1e-5)


def test_a_state_of_an_arm_is_the_mean_over_its_patients_alive(small):
    problem, _ = small
    patients = individual_values(problem.parameters, values_for(problem.parameters, "sharp"), problem.population)
    trial = problem.trial("sharp")
    arm = trial.arm("sorafenib")
    dosing = plan_dosing(problem.simulator.model, arm.administrations, {}, 1000.0)
    task = ArmCohort(trial, arm, problem.rules["sharp"], patients, dosing)
    course = mean_courses(problem.simulator, task, ["treg_number"])["treg_number"]

    found = ask("hcc_trial", "state:treg_number:84:sharp:sorafenib", ("kinase_shift",))(np.array([[1.0]]))

    assert found.values[0, -1] == pytest.approx(course[12], rel=1e-5)
    assert found.values[0, 5] == pytest.approx(course[6], rel=1e-5)


def test_estimates_take_the_place_of_the_tables():
    moved = ask("hcc_trial", "median:sharp:placebo:os", ("kinase_shift",), fixed={"growth:sharp": 0.02})(np.array([[1.0]]))
    given = ask("hcc_trial", "median:sharp:placebo:os", ("growth:sharp",))(np.array([[0.02], [0.00495]]))

    assert moved.values[0, -1] == given.values[0, -1]
    assert given.values[0, -1] < given.values[1, -1]


def test_a_set_that_cannot_be_tried_gives_its_reason_beside_the_numbers_of_others():
    found = ask("hcc_trial", "hazard_ratio:sharp:os", ("baseline_hazard:sharp",))(np.array([[0.0025], [0.0], [0.005]]))

    alone = ask("hcc_trial", "hazard_ratio:sharp:os", ("baseline_hazard:sharp",))(np.array([[0.005]]))
    assert found.reasons[0] is found.reasons[2] is None
    assert found.reasons[1].startswith("parameter 'baseline_hazard' = 0 1/d lies outside")
    assert np.isnan(found.values[1]).all()
    assert found.values[2, 0] == alone.values[0, 0]


def test_work_on_other_tables_is_refused():
    settings = ResponseSettings(
        ProblemSettings(model="gompertz", tables="0" * 64, patients=8, seed=1).plain, "state:volume:3", ("capacity",), {}
    )

    with pytest.raises(DataError, match="the tables of the installed package are not those this work began with"):
        open_response(settings, None)


names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True)
outputs = st.one_of(
    st.builds(MedianOutput, names, names, st.sampled_from(Endpoint)),
    st.builds(HazardRatioOutput, names, st.sampled_from(Endpoint)),
    st.builds(SurvivalOutput, names, names, st.sampled_from(Endpoint), st.integers(1, 240).map(float)),
    st.builds(StateOutput, names, st.integers(1, 3650).map(float)),
    st.builds(StateOutput, names, st.integers(1, 3650).map(float), st.none(), names),
    st.builds(StateOutput, names, st.integers(1, 3650).map(float), names, names),
)


@given(output=outputs)
def test_an_output_comes_back_from_its_name(output):
    assert read_output(output.name) == output


@pytest.mark.parametrize("name", ["", "median", "median:a:b", "median:a:b:efs", "hazard_ratio:a:b:c", "survival:a:b:os:x"])
def test_a_text_that_names_no_output_is_refused(name):
    with pytest.raises(DataError, match=rf"'{name}' is no output"):
        read_output(name)


@pytest.mark.parametrize("name", ["survival:a:b:os:6", "state:a:3"])
def test_an_output_nobody_publishes_is_no_target(name):
    with pytest.raises(DataError, match="is neither a median nor a hazard ratio"):
        read_published_output(name)


@given(name=names, study=st.none() | names)
def test_a_parameter_key_comes_back_from_its_text(name, study):
    key = ParameterKey(name, study)

    assert ParameterKey.parse(str(key)) == key
