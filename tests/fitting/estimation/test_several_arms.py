"""A trial with several treated arms: a ratio for each, under a name that says which, and one that does not exist is no end."""

import json

import numpy as np
import pytest
from paths import ROOT
from three_arms import change_rows, write_three_arms

from kinimmune.fitting.estimation.fit import fit, plan_fit
from kinimmune.fitting.estimation.results import FIT_JSON
from kinimmune.fitting.estimation.trial_results import TRIAL_JSON
from kinimmune.fitting.lint import check
from kinimmune.fitting.problem.outputs import HazardRatioOutput, parse_output
from kinimmune.fitting.problem.predictions import predictions
from kinimmune.fitting.problem.problem import build_problem, predict, to_horizon
from kinimmune.fitting.profile.predictions import choose_predictions, default_predictions, profilable_predictions
from kinimmune.fitting.sensitivity.values import read_catalogue
from kinimmune.fitting.settings import Settings
from kinimmune.fitting.workflow.runtime import Runtime
from kinimmune.models.errors import UsageError
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.survival import expected_curve, hazard_ratio

DATA_TABLES = ROOT / "data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_three_arms(tmp_path_factory.mktemp("arms") / "three")


@pytest.fixture(scope="module")
def problem(folder):
    return to_horizon(build_problem("hcc_trial", Tables(folder), patients=16, seed=1), 24.0)


@pytest.fixture(scope="module")
def outcomes(problem):
    return predict(problem, [np.zeros(len(problem.estimated))])[0]


def test_every_treated_arm_has_the_ratio_of_its_own_curve(problem, outcomes):
    found = predictions(problem, outcomes)
    for endpoint in problem.endpoints:
        follow_up = problem.trial("example").follow_up[endpoint]
        low, treated, control = (
            expected_curve(outcomes["example", arm], endpoint, follow_up) for arm in ("lowdose", "sorafenib", "observation")
        )
        assert found[f"hazard_ratio:example:lowdose:{endpoint}"] == hazard_ratio(low, control)
        assert found[f"hazard_ratio:example:sorafenib:{endpoint}"] == hazard_ratio(treated, control)
        assert 1.0 > hazard_ratio(low, control) > hazard_ratio(treated, control) + 0.1
        assert f"hazard_ratio:example:{endpoint}" not in found


def test_the_short_name_of_a_ratio_is_refused_where_several_arms_are_treated(folder):
    catalogue = read_catalogue("hcc_trial", Tables(folder))

    with pytest.raises(UsageError, match="compares 2 arms with its control; ask for hazard_ratio:example:lowdose:os or"):
        parse_output("hazard_ratio:example:os", catalogue)
    with pytest.raises(UsageError, match="compares no arm 'sorafinib' with its control; did you mean 'sorafenib'"):
        parse_output("hazard_ratio:example:sorafinib:os", catalogue)
    with pytest.raises(UsageError, match="compares no arm 'observation' with its control"):
        parse_output("hazard_ratio:example:observation:os", catalogue)
    named = parse_output("hazard_ratio:example:lowdose:os", catalogue)
    assert named == HazardRatioOutput("example", "os", "lowdose")


def test_a_ratio_that_names_the_only_treated_arm_is_the_short_one():
    catalogue = read_catalogue("hcc_trial", Tables())

    assert parse_output("hazard_ratio:sharp:sorafenib:os", catalogue).name == "hazard_ratio:sharp:os"


def test_a_profile_takes_either_name_of_the_only_ratio_and_refuses_the_short_one_of_several(hcc_problem, problem):
    names = ["hazard_ratio:sharp:sorafenib:os", "hazard_ratio:sharp:os", "median:sharp:placebo:os"]
    assert choose_predictions(hcc_problem, names) == ("hazard_ratio:sharp:os", "median:sharp:placebo:os")
    with pytest.raises(UsageError, match="compares 2 arms with its control; name one of lowdose, sorafenib"):
        choose_predictions(problem, ["hazard_ratio:example:os"])
    with pytest.raises(UsageError, match="compares no arm 'placebo' with its control"):
        choose_predictions(hcc_problem, ["hazard_ratio:sharp:placebo:os"])


def test_a_claim_names_one_of_several_arms_as_study_and_arm(tmp_path):
    folder = write_three_arms(tmp_path / "tables")
    header = (DATA_TABLES / "claims.csv").read_text().splitlines()[0]
    row = "Z1,hcc_trial,the dose matters,,prediction,os_hazard_ratio,,{},,,<,1,0.05,raf_inhibition,"

    def find(place):
        (folder / "claims.csv").write_text(f"{header}\n{row.format(place)}\n")
        return [finding.message for finding in check(Tables(folder))]

    assert find("example:lowdose") == []
    (told,) = find("example")
    assert "'example' in column 'experiment': study 'example' compares 2 arms with its control; name one of lowdose" in told
    (told,) = find("example:observation")
    assert "study 'example' compares no arm 'observation' with its control" in told
    (told,) = find("exampel:lowdose")
    assert "has no study 'exampel:lowdose' in column 'experiment' (claims.csv row 2); did you mean 'example:lowdose'" in told


@pytest.mark.parametrize("options", [{"compare_rules": True}, {"stop_rule": "radiological_and_symptomatic"}])
def test_a_rule_an_arm_cannot_be_run_under_is_told_before_the_fit(folder, options):
    settings = Settings(data=folder, model="hcc_trial", fit={"patients": 8, "starts": 1, **options})
    with pytest.raises(UsageError, match=r"of arm 'example:lowdose'; give symptomatic_median in design\.csv"):
        plan_fit("hcc_trial", settings, Tables(folder))


def test_profiles_are_offered_for_every_ratio(problem):
    ratios = ("hazard_ratio:example:lowdose:os", "hazard_ratio:example:sorafenib:os")

    assert set(ratios) < set(profilable_predictions(problem))
    assert set(ratios) < set(default_predictions(problem))


@pytest.mark.parametrize(
    ("arm", "told"),
    [
        ("", "hazard_ratio without an arm in column 'arm', and 'example' compares 2 with its control"),
        ("observation", "hazard_ratio of arm 'observation' in column 'arm', which is not compared with the control"),
        ("nobody", "nobody"),
    ],
)
def test_a_published_ratio_that_does_not_say_whose_it_is_is_refused(tmp_path, arm, told):
    folder = write_three_arms(tmp_path / "tables")
    change_rows(folder, "targets.csv", lambda row: row | ({"arm": arm} if row["statistic"] == "hazard_ratio" else {}))

    assert any(told in finding.message for finding in check(Tables(folder)))


def test_a_ratio_given_twice_under_both_names_is_refused(tmp_path):
    folder = write_three_arms(tmp_path / "tables")
    change_rows(folder, "arms.csv", lambda row: None if row["arm"] == "lowdose" else row)
    change_rows(folder, "design.csv", lambda row: None if row["arm"] == "lowdose" else row)
    assert check(Tables(folder)) == ()
    text = (folder / "targets.csv").read_text()
    ratio = next(line for line in text.splitlines() if "hazard_ratio" in line)
    (folder / "targets.csv").write_text(text + ratio.replace("example,sorafenib", "example,") + "\n")

    (finding,) = check(Tables(folder))
    assert "hazard ratio of example in os given twice" in finding.message


@pytest.mark.slow
def test_a_ratio_nobody_asked_for_that_does_not_exist_ends_nothing(tmp_path):
    """Time to progression is followed for less than the first scan, so no arm has an event and there is no ratio."""
    folder = write_three_arms(tmp_path / "tables")
    change_rows(folder, "targets.csv", lambda row: None if row["endpoint"] == "ttp" else row)
    short = {"accrual_start": "2020-12-01", "cutoff": "2021-01-20"}
    change_rows(folder, "follow_up.csv", lambda row: row | (short if row["endpoint"] == "ttp" else {}))
    settings = Settings(data=folder, model="hcc_trial", fit={"patients": 8, "starts": 1})
    plan = plan_fit("hcc_trial", settings, Tables(folder))

    result, trial = fit(plan, Runtime())

    missing = {(row.arm, row.endpoint): row.reason for row in trial.contrasts if row.hazard_ratio is None}
    assert set(missing) == {("lowdose", "ttp"), ("sorafenib", "ttp")}
    assert all("needs events in both arms" in reason for reason in missing.values())
    ratio = next(row for row in result.unfitted if row.statistic == "hazard_ratio")
    assert ratio.arm == "sorafenib"
    assert ratio.predicted is not None
    for written in (FIT_JSON.dump(result), TRIAL_JSON.dump(trial)):
        json.loads(written, parse_constant=pytest.fail)  # neither NaN nor infinity
