"""What a setting shows: the numbers of `predict`, whatever was run before it, and how far published numbers are."""

import json
import math

import pytest
from exponential_trial import RATE, RATIO, write_project

from kinimmune.fitting.exploration.session import Session, explore_model, place_session
from kinimmune.fitting.exploration.setting import Setting, read_setting
from kinimmune.fitting.exploration.views import KnownArms, compute_view
from kinimmune.fitting.settings import ProblemOptions
from kinimmune.models.errors import UsageError
from kinimmune.models.model_file import open_model
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.rows import Tables

SETTING = Setting(values={"growth:sharp": 0.007, "dose:sharp:sorafenib": 250.0}, stop_rule="one_scan_later", patients=16, seed=4)


@pytest.fixture(scope="module")
def hcc():
    options = ProblemOptions(patients=16)
    return explore_model("hcc_trial", Tables(), words=("kinimmune", "predict", "hcc_trial"), options=options, seed=1, jobs=1)


@pytest.fixture(scope="module")
def exponential(tmp_path_factory) -> Session:
    project = write_project(tmp_path_factory.mktemp("projects") / "two")
    name, tables = open_model(str(project / "exponential.py"), Tables(project))
    return explore_model(name, tables, words=("kinimmune",), options=ProblemOptions(patients=2), seed=1, jobs=1)


def test_a_view_has_the_numbers_of_the_command_it_writes(hcc, kinimmune):
    view = compute_view(hcc, SETTING, KnownArms())
    code, out, _ = kinimmune(*view.command.split()[1:], "--json", "--jobs", "2")
    told = json.loads(out)

    assert code == 0
    found = {(row.study, row.arm, row.endpoint, row.statistic, row.month): row.value for row in view.numbers}
    predicted = {
        (row["study"], row["arm"], row["endpoint"], row["statistic"], row["month"]): row["predicted"] for row in told["numbers"]
    }
    assert found == predicted
    assert [row.value for row in view.ratios] == [row["predicted"] for row in told["ratios"]]
    assert [(list(row.months), list(row.survival)) for row in view.curves] == [
        (row["months"], row["median"]) for row in told["curves"]
    ]
    assert [list(row.at_risk) for row in view.at_risk] == [row["at_risk"] for row in told["at_risk"]]


def test_the_interval_of_a_ratio_is_that_of_one_trial(hcc, kinimmune):
    view = compute_view(hcc, hcc.start, KnownArms())
    told = json.loads(kinimmune(*view.command.split()[1:], "--json")[1])

    for row, other in zip(view.ratios, told["ratios"], strict=True):
        assert (row.lower, row.upper) == pytest.approx((other["trial_lower"], other["trial_upper"]), rel=1e-6)


def test_what_was_run_before_changes_no_bit(hcc):
    known = KnownArms()
    for dose in (400.0, 100.0, 250.0):
        compute_view(hcc, SETTING.model_copy(update={"values": {**SETTING.values, "dose:sharp:sorafenib": dose}}), known)

    assert compute_view(hcc, SETTING, known) == compute_view(hcc, SETTING, KnownArms())
    assert len(known.kept) == 6  # three doses of one arm, and three other arms


def test_residuals_are_those_of_the_likelihood(hcc):
    """(ln m_predicted - ln m)/se of a median of OS, se from the interval that was read: 9.4 to 13.3 months."""
    view = compute_view(hcc, hcc.start, KnownArms())
    (row,) = [item for item in view.targets if item.label == "median:sharp:sorafenib:os"]

    error = math.log(13.3 / 9.4) / (2.0 * 1.959964)
    assert row.residual == pytest.approx(math.log(row.predicted / 10.7) / error, rel=1e-6)
    assert view.chi_square == pytest.approx(sum(item.deviance for item in view.targets if item.role == "fit"))


def test_a_trial_of_constant_hazards_has_its_closed_form(exponential):
    view = compute_view(exponential, Setting(values={"rate": 2.0 * RATE}, patients=2), KnownArms())

    medians = {row.arm: row.value for row in view.numbers if row.statistic == "median"}
    assert medians["control"] == pytest.approx(math.log(2.0) / (2.0 * RATE) / DAYS_PER_MONTH, rel=1e-3)
    assert view.ratios[0].value == pytest.approx(RATIO, rel=1e-3)
    assert view.targets == ()
    assert view.chi_square is None


def test_nobody_dies_without_the_arrow_of_death(exponential):
    view = compute_view(exponential, Setting(cuts=("dying",), patients=2), KnownArms())

    assert all(share == pytest.approx(1.0) for row in view.curves for share in row.survival)
    assert view.ratios[0].value is None
    assert "needs events in both arms" in view.ratios[0].reason


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        (Setting(values={"grwth": 1.0}), "no parameter 'grwth' here; did you mean 'growth'"),
        (Setting(values={"growth": 5.0}), r"lies outside \[1e-05, 1\]"),
        (Setting(values={"dose:sharp:placebo": 5.0}), "no arm that is predicted gives it"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(hcc, setting, told):
    with pytest.raises(UsageError, match=told):
        place_session(hcc, setting)


def test_a_rule_its_subject_has_stays_unless_another_is_chosen():
    options = ProblemOptions(patients=4, stop_rule="never")
    session = explore_model("hcc_trial", Tables(), words=(), options=options, seed=1, jobs=1)

    assert set(place_session(session, Setting(patients=4)).problem.rules.values()) == {"never"}
    assert set(place_session(session, Setting(patients=4, stop_rule="radiological")).problem.rules.values()) == {"radiological"}


def test_more_patients_than_a_page_can_wait_for_are_refused():
    with pytest.raises(UsageError, match=r"8192 virtual patients take too long .*; give at most 4096 with --patients"):
        explore_model("hcc_trial", Tables(), words=(), options=ProblemOptions(patients=8192), seed=1, jobs=1)


@pytest.mark.parametrize(
    ("plain", "told"),
    [
        ({"patients": 100}, "patients: .*power of two"),
        ({"patients": 2**13}, "patients: .*less than or equal to 4096"),
        ({"values": {"growth": "fast"}}, "values.growth"),
        ({"values": {"growth": math.inf}}, "values.growth"),
        ({"stop_rule": "tomorrow"}, "stop_rule"),
        ({"folder": "/"}, "folder"),
        (None, "setting: "),
    ],
)
def test_plain_values_that_are_no_setting_are_refused_by_name(plain, told):
    with pytest.raises(UsageError, match=told):
        read_setting(plain)
