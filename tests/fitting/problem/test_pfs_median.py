"""Laws of the likelihood of a published median of progression-free survival, and of what depends on its follow-up."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr
from three_arms import change_rows, write_three_arms

from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.likelihood import HALF_PRINTED, interval_residuals
from kinimmune.fitting.problem.problem import build_problem, curve, predict, to_horizon
from kinimmune.fitting.problem.residuals import residuals, target_residuals
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.units import DAYS_PER_MONTH
from kinimmune.models.tables.readers import read_trials
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.step_curve import StepCurve
from kinimmune.models.trial.survival import greenwood

NEAR = 7.0 + HALF_PRINTED
RATE = 0.003
"""Of deaths between scans [1/d]."""


def make_curve(first: float, second: float) -> StepCurve:
    """Return a curve of constant hazard with steps on days 42 and 84 that leave a share each."""
    grid = 7.0 * np.arange(1.0, 19.0)
    at_scan = np.isin(grid, (42.0, 84.0))
    left = np.where(grid > 84.0, first * second, np.where(grid > 42.0, first, 1.0))
    before = np.exp(-RATE * grid) * left
    places = np.flatnonzero(at_scan)
    after = before[places] * np.array([first, second])
    rows = np.zeros(grid.size, dtype=bool)
    return StepCurve(
        np.insert(grid, places + 1, grid[places]), np.insert(before, places + 1, after), np.insert(rows, places + 1, True)
    )


def draw_medians(drawn: StepCurve, n: int, samples: int) -> np.ndarray:
    """Return sample medians of n patients each, all followed to the end: the time at which half of them have failed."""
    level = np.sort(np.random.default_rng(4).random((samples, n)), axis=1)[:, n - math.ceil(n / 2)]
    rows = np.concatenate([[1.0], drawn.survival])
    time = np.concatenate([[0.0], drawn.time])
    return np.interp(-level, -rows, time)


def binomial_errors(survival: np.ndarray, n: int) -> np.ndarray:
    return np.sqrt(survival * (1.0 - survival) / n)


@pytest.mark.parametrize(("first", "second", "day"), [(0.72, 0.75, 84.0), (0.5, 0.8, 42.0), (0.9, 0.55, 84.0)])
def test_a_median_at_a_scan_is_as_probable_as_among_drawn_samples(first, second, day):
    expected, n = make_curve(first, second), 101
    medians = draw_medians(expected, n, 20_000)
    share = float((np.abs(medians - day) < 1e-9).mean())
    one, other = interval_residuals(expected, binomial_errors(expected.survival, n), day, NEAR)
    assert math.exp(-0.5 * (one**2 + other**2)) == pytest.approx(share, abs=0.02)


def test_a_median_between_scans_is_as_probable_as_among_drawn_samples():
    expected, n = make_curve(0.65, 0.8), 101
    medians = draw_medians(expected, n, 200_000)
    for day in (55.0, 60.0, 65.0, 70.0):
        share = float((np.abs(medians - day) < HALF_PRINTED).mean())
        one, other = interval_residuals(expected, binomial_errors(expected.survival, n), day, NEAR)
        assert math.exp(-0.5 * (one**2 + other**2)) == pytest.approx(share, rel=0.12), day


def test_the_squares_are_the_deviance_of_the_mass_and_the_sign_tells_the_side():
    expected, n = make_curve(0.72, 0.75), 80
    errors = binomial_errors(expected.survival, n)
    row = int(np.flatnonzero(expected.at_scan)[1])
    ends = [(expected.survival[place] - 0.5) / errors[place] for place in (row - 1, row)]
    one, other = interval_residuals(expected, errors, 2.8 * DAYS_PER_MONTH, NEAR)
    assert one**2 + other**2 == pytest.approx(-2.0 * math.log(ndtr(ends[0]) - ndtr(ends[1])), rel=1e-9)
    early = interval_residuals(make_curve(0.4, 0.9), errors, 84.0, NEAR)[0]
    late = interval_residuals(make_curve(0.95, 0.95), errors, 84.0, NEAR)[0]
    assert early < 0.0 < late


def test_residuals_move_smoothly_through_the_point_where_the_sign_changes():
    shares = np.linspace(0.6, 0.85, 401)
    found = np.array([interval_residuals(make_curve(s, 0.75), np.full(20, 0.05), 84.0, NEAR) for s in shares])
    assert found[0, 0] < 0.0 < found[-1, 0]
    assert np.abs(np.diff(found, n=2, axis=0)).max() < 5e-3


def test_a_median_beyond_the_curve_is_refused():
    with pytest.raises(DataError, match="a median of 130 d lies beyond the curve, which ends on day 126"):
        interval_residuals(make_curve(0.7, 0.7), np.full(20, 0.05), 130.0, NEAR)


def pfs_row(row: dict[str, str]) -> dict[str, str]:
    """Return a median of progression in the place of that of TTP."""
    return row | ({"endpoint": "pfs"} if (row["endpoint"], row["statistic"]) == ("ttp", "median") else {})


def test_medians_of_progression_free_survival_are_fitted(tmp_path):
    folder = write_three_arms(tmp_path / "tables")
    change_rows(folder, "targets.csv", pfs_row)
    problem = build_problem("hcc_trial", Tables(folder), patients=16, seed=1)
    z = np.zeros(len(problem.estimated))
    (target,) = (item for item in problem.targets if item.label == "median:example:sorafenib:pfs")
    (outcomes,) = predict(problem, [z])
    found = target_residuals(problem, outcomes, target)
    assert residuals(problem, outcomes, z).size == 2 * len(problem.targets) + z.size
    assert all(math.isfinite(value) for value in found)
    # growing faster, patients progress and die earlier
    (faster,) = predict(problem, [np.where([item.name == "growth" for item in problem.estimated], 1.0, z)])
    assert target_residuals(problem, faster, target)[0] < found[0]
    errors = greenwood(curve(to_horizon(problem, 24.0), outcomes, "example", "sorafenib", Endpoint.PFS))
    assert np.all(np.diff(errors[:10]) > 0.0)


def test_a_study_follows_progression_free_survival_as_it_does_progression_unless_a_row_says_otherwise(tmp_path):
    folder = write_three_arms(tmp_path / "tables")
    before, (trial,) = digest_inputs("hcc_trial", Tables(folder)), read_trials(Tables(folder))
    assert trial.follow_up[Endpoint.PFS] == trial.follow_up[Endpoint.TTP]

    text = (folder / "follow_up.csv").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("example,ttp,"))
    (folder / "follow_up.csv").write_text(text + line.replace(",ttp,", ",pfs,") + "\n", encoding="utf-8")
    assert digest_inputs("hcc_trial", Tables(folder)) == before

    change_rows(folder, "follow_up.csv", lambda row: row | ({"cutoff": "2021-09-30"} if row["endpoint"] == "pfs" else {}))
    (later,) = read_trials(Tables(folder))
    assert later.follow_up[Endpoint.PFS].longest == trial.follow_up[Endpoint.TTP].longest + 92.0
    assert replace(later, follow_up=trial.follow_up) == trial
    assert digest_inputs("hcc_trial", Tables(folder)) != before
