"""Progression-free survival in results: beside what was published, in numbers at risk, and in files from before there was any."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from three_arms import write_three_arms

from kinimmune.fitting.estimation.comparisons import Evidence, compare
from kinimmune.fitting.estimation.laplace import LaplaceApproximation
from kinimmune.fitting.estimation.trial_results import TRIAL_JSON
from kinimmune.fitting.estimation.trial_summary import describe_trial
from kinimmune.fitting.problem.predictions import median_months, null_prediction, predictions, smooth_predictions
from kinimmune.fitting.problem.problem import build_problem, predict, to_horizon
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.problem.residuals import target_residuals
from kinimmune.fitting.problem.targets import Role
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.progression_free import progression_free_survival


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return tables with the medians of progression also published as PFS, to be compared with alone."""
    folder = write_three_arms(tmp_path_factory.mktemp("pfs") / "three")
    text = (folder / "targets.csv").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if ",ttp,median," in line]
    more = [line.replace(",ttp,", ",pfs,").replace(",fit,", ",unfitted,") for line in rows]
    more.append(
        "example,sorafenib,pfs,hazard_ratio,0.6,0.4,0.9,180,1,unfitted,assumption,invented,assumed,assumption,invented,assumed,"
    )
    (folder / "targets.csv").write_text("\n".join([*text.splitlines(), *more, ""]), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def problem(folder):
    return to_horizon(build_problem("hcc_trial", Tables(folder), patients=16, seed=1), 24.0)


@pytest.fixture(scope="module")
def outcomes(problem):
    return predict(problem, [np.zeros(len(problem.estimated))])[0]


def test_published_numbers_of_pfs_stand_beside_their_predictions_and_nulls(folder, problem, outcomes):
    published = read_targets(Tables(folder))
    targets = tuple(item for item in published if item.endpoint is Endpoint.PFS)
    assert {item.role for item in targets} == {Role.UNFITTED}
    assert not any(item.endpoint is Endpoint.PFS for item in problem.targets)

    rows = compare(Evidence(problem, outcomes, None, published), targets, with_null=True)
    *medians, ratio = rows
    for row, target in zip(medians, targets, strict=False):
        assert row.predicted == median_months(outcomes, "example", row.arm, Endpoint.PFS)
        assert row.residual == target_residuals(problem, outcomes, target)[0]
        assert (row.scan_observed, row.scan_predicted) == (None, None)
    assert ratio.predicted == predictions(problem, outcomes)["hazard_ratio:example:sorafenib:pfs"]
    assert ratio.inside is (0.4 <= round(ratio.predicted, 2) <= 0.9)
    assert null_prediction(targets[-1], published, problem.trials) == pytest.approx(1.8 / 3.7)


def test_the_interval_of_a_median_holds_the_times_at_which_the_curve_may_pass_one_half(folder, problem, outcomes):
    published = read_targets(Tables(folder))
    target = next(item for item in published if item.label == "median:example:sorafenib:pfs")
    smooth = smooth_predictions(problem, outcomes)
    gradients = {name: np.full((value.size, len(problem.estimated)), 0.0) for name, value in smooth.items()}
    for gradient in gradients.values():
        gradient[:, 0] = 0.04
    names = tuple(item.key for item in problem.estimated)
    linear = LaplaceApproximation(names, len(names), np.zeros((2, len(names))), gradients)
    (row,) = compare(Evidence(problem, outcomes, linear, published), (target,), with_null=False)
    curve = progression_free_survival(outcomes["example", "sorafenib"])
    lower, upper = curve.at(np.array([row.predicted_lower, row.predicted_upper]) * DAYS_PER_MONTH)
    assert row.predicted_lower <= row.predicted <= row.predicted_upper
    assert lower <= 0.5 + 1.96 * 0.04
    assert upper <= 0.5 - 1.95 * 0.04
    assert row.trial_lower <= row.predicted_lower < row.predicted_upper <= row.trial_upper


def test_a_median_published_beyond_the_report_has_no_residual(folder, problem, outcomes):
    published = read_targets(Tables(folder))
    for endpoint in (Endpoint.PFS, Endpoint.TTP):
        target = next(item for item in published if item.label == f"median:example:sorafenib:{endpoint}")
        (row,) = compare(Evidence(problem, outcomes, None, published), (replace(target, value=30.0),), with_null=False)
        assert row.residual is None


def test_an_arm_of_a_file_from_before_reads_back_without_pfs(problem, outcomes):
    trial = describe_trial(problem, np.zeros(len(problem.estimated)), outcomes, 1)
    text = TRIAL_JSON.dump(trial)
    assert TRIAL_JSON.load(text, Path("trial.json")) == trial

    plain = json.loads(text)
    new = ("pfs_months", "pfs_survival", "follow_up_pfs", "at_risk_pfs", "pfs_6", "disease_control", "response_duration")
    for arm in plain["arms"]:
        for name in new:
            del arm[name]
    old = TRIAL_JSON.load(json.dumps(plain), Path("trial.json"))
    assert all(arm.pfs_months == () and arm.follow_up_pfs is None for arm in old.arms)
    assert [arm.survival for arm in old.arms] == [arm.survival for arm in trial.arms]


def test_numbers_at_risk_fall_from_everybody_and_stay_below_those_of_survival(problem, outcomes):
    for arm in describe_trial(problem, np.zeros(len(problem.estimated)), outcomes, 1).arms:
        assert arm.at_risk_pfs[0] == pytest.approx(arm.n)
        assert np.all(np.diff(arm.at_risk_pfs) <= 0.0)
        assert arm.pfs_6 <= arm.survival_6
        assert arm.pfs_6 <= arm.disease_control <= 1.0
        place = np.searchsorted(arm.pfs_months, 6.0)
        assert arm.pfs_survival[place] <= arm.pfs_6 <= arm.pfs_survival[place - 1]
        assert math.isclose(arm.pfs_months[-1], arm.months[-1])
