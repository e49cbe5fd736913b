"""Plans of scans in the tables of a trial of one's own: read, looked up by published medians, and told when they cannot be."""

import numpy as np
import pytest
from three_arms import write_three_arms

from kinimmune.fitting import lint
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.outputs import read_output
from kinimmune.fitting.problem.predictions import median_months, scans_of
from kinimmune.fitting.problem.problem import build_problem, predict, to_horizon
from kinimmune.fitting.problem.residuals import residuals
from kinimmune.fitting.sensitivity.values import list_times, read_catalogue
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Endpoint

ORIGIN = "assumption,invented,assumed,"


@pytest.fixture
def folder(tmp_path):
    """Return a trial scanned every 8 weeks, and every 12 from week 16 on."""
    folder = write_three_arms(tmp_path / "tables")
    add(folder, "example,,later_scan_interval,12,week", "example,,later_scans_from,112,d")
    return folder


def add(folder, *rows):
    text = (folder / "design.csv").read_text(encoding="utf-8").rstrip("\n")
    (folder / "design.csv").write_text("\n".join([text, *(f"{row},{ORIGIN}" for row in rows), ""]), encoding="utf-8")


def test_the_package_s_tables_and_one_s_own_are_fine(folder):
    assert lint.check(Tables()) == ()
    assert lint.check(Tables(folder)) == ()


def test_a_fit_looks_its_medians_up_in_the_plan(folder):
    problem = to_horizon(build_problem("hcc_trial", Tables(folder), patients=16, seed=1), 24.0)
    (trial,) = problem.trials
    z = np.zeros(len(problem.estimated))
    (outcomes,) = predict(problem, [z])
    assert outcomes["example", "sorafenib"].scans[:4].tolist() == [56.0, 112.0, 196.0, 280.0]
    assert np.all(np.isfinite(residuals(problem, outcomes, z)))
    (target,) = (item for item in problem.targets if item.label == "median:example:sorafenib:ttp")
    for months, scan in ((3.7, 2), (6.4, 3), (9.2, 4)):
        assert scans_of(target, months, [trial])[1] == scan
    months = median_months(outcomes, "example", "sorafenib", Endpoint.TTP)
    assert min(abs(outcomes["example", "sorafenib"].scans - months * DAYS_PER_MONTH)) < 1e-9


def test_shares_without_progression_are_read_at_the_scans_of_the_plan(folder):
    catalogue = read_catalogue("hcc_trial", Tables(folder))
    unit, times = list_times(catalogue, read_output("survival:example:sorafenib:ttp:10"))
    assert unit == "month"
    assert np.array(times) * DAYS_PER_MONTH == pytest.approx([56.0, 112.0, 196.0, 280.0])


def test_a_plan_that_changes_is_another_problem_and_the_same_one_without(folder, tmp_path):
    plain = write_three_arms(tmp_path / "plain")
    assert digest_inputs("hcc_trial", Tables(folder)) != digest_inputs("hcc_trial", Tables(plain))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            ["example,,later_scan_interval,12,week"],
            "later_scan_interval without later_scans_from (trials.csv row 2)",
        ),
        (
            ["example,,later_scans_from,12,week"],
            "later_scans_from without later_scan_interval (trials.csv row 2)",
        ),
        (["example,,later_scan_interval,101.3,d", "example,,later_scans_from,16,week"], "as 102.667 d, which has one"),
        (["example,,later_scan_interval,12,mg", "example,,later_scans_from,16,week"], "unit 'mg' of 'later_scan_interval'"),
        (["example,sorafenib,later_scans_from,16,week"], "'later_scans_from' belongs to the whole study"),
    ],
)
def test_a_plan_given_by_halves_or_without_a_grid_is_told_in_one_line(rows, told, tmp_path):
    folder = write_three_arms(tmp_path / "tables")
    add(folder, *rows)
    findings = lint.check(Tables(folder))
    assert any(told in item.message for item in findings), findings
    assert all("\n" not in item.message for item in findings)


def test_a_median_of_ttp_that_no_scan_can_have_shown_is_told(folder):
    text = (folder / "targets.csv").read_text(encoding="utf-8")
    (folder / "targets.csv").write_text(text.replace(",ttp,median,3.7,", ",ttp,median,5.0,"), encoding="utf-8")
    (finding,) = lint.check(Tables(folder))
    far = "median 5 months of ttp lies 40.2 d from the nearest scan (every 56 d, every 84 d after day 112)"
    assert finding.message.startswith(far)
    # deaths happen between scans
    (folder / "targets.csv").write_text(text.replace(",ttp,median,3.7,", ",pfs,median,5.0,"), encoding="utf-8")
    assert lint.check(Tables(folder)) == ()
