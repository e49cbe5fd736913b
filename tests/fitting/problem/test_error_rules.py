"""One rule of standard errors a study, and intervals whose sides differ."""

import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paths import OWN_TRIAL
from three_arms import change_rows

from kinimmune.fitting.lint import warn
from kinimmune.fitting.problem.digest import digest_inputs
from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.problem.standard_errors import find_sides, split_residual, standardise
from kinimmune.fitting.problem.target_rows import examine_targets
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import ErrorRule


@pytest.fixture
def own(tmp_path):
    """Return a copy of the example whose intervals of medians of OS were read."""
    folder = tmp_path / "own"
    shutil.copytree(OWN_TRIAL, folder, ignore=shutil.ignore_patterns("*.toml", "*.md"))
    read = {"interval_source": "pmc11707515", "interval_status": "reported"}
    change_rows(folder, "targets.csv", lambda row: row | (read if row["lower"] else {}))
    return folder


def set_rule(folder, rule):
    change_rows(folder, "trials.csv", lambda row: row | {"standard_errors": rule})


def read_errors(folder):
    return {item.label: item.log_error for item in read_targets(Tables(folder))}


def test_an_empty_rule_changes_nothing(own):
    """Neither the errors nor the digest, so that finished work holds."""
    before, digest = read_errors(own), digest_inputs("hcc_trial", Tables(own))
    set_rule(own, "")

    assert read_errors(own) == before
    assert digest_inputs("hcc_trial", Tables(own)) == digest


def test_patients_as_the_rule_leave_printed_intervals_aside(own):
    before, digest = read_errors(own), digest_inputs("hcc_trial", Tables(own))
    set_rule(own, "patients")

    assert before["median:example:sorafenib:os"] == pytest.approx(math.log(11.8 / 7.9) / 3.919927969080108, rel=1e-9)
    assert set(read_errors(own).values()) == {None}
    assert all(item.printed_log_error == before[item.label] for item in read_targets(Tables(own)))
    assert digest_inputs("hcc_trial", Tables(own)) != digest


@pytest.mark.parametrize("rule", ["intervals", "sides"])
def test_intervals_as_the_rule_need_one_for_every_fitted_number_that_can_have_one(own, rule):
    set_rule(own, rule)
    assert examine_targets(Tables(own)).findings == ()

    def lose(row):
        return row | ({"interval_status": "recalled"} if row["arm"] == "observation" and row["lower"] else {})

    change_rows(own, "targets.csv", lose)
    (found,) = examine_targets(Tables(own)).findings
    assert found.message == (
        f"median:example:observation:os has no interval that was read, and study 'example' takes errors from {rule} "
        "(targets.csv row 3); give one, or write patients in column 'standard_errors' of trials.csv"
    )


def test_an_interval_without_a_side_is_refused_where_sides_count(own):
    change_rows(own, "targets.csv", lambda row: row | ({"lower": "9.5"} if row["value"] == "9.5" else {}))
    set_rule(own, "sides")
    (found,) = examine_targets(Tables(own)).findings
    assert found.message.startswith("interval of median:example:sorafenib:os has no width on one side of the value")


def test_a_study_that_mixes_two_rules_is_told(own):
    assert warn(Tables(own)) == ()
    change_rows(own, "targets.csv", lambda row: row | ({"interval_status": "recalled"} if row["arm"] == "observation" else {}))
    (found,) = warn(Tables(own))
    assert found.message == (
        "study 'example' takes standard errors by two rules: 1 of its fitted numbers from an interval, "
        "median:example:observation:os from n and follow-up (trials.csv row 2); "
        "write patients in column 'standard_errors': all then come from n"
    )
    set_rule(own, "patients")
    assert warn(Tables(own)) == ()


def test_sides_count_where_they_differ_by_more_than_15_per_cent(own):
    """7.0 from 5.4 to 9.2: ln 7/5.4 = .260 below, ln 9.2/7 = .273 above, 5 % apart; 9.5 from 7.9 to 11.8: 18 % apart."""
    set_rule(own, "sides")
    sides = {item.label: find_sides(item) for item in read_targets(Tables(own)) if item.lower}
    assert sides["median:example:observation:os"] is None
    below, above = sides["median:example:sorafenib:os"]
    assert below == pytest.approx(math.log(9.5 / 7.9) / 1.959963984540054, rel=1e-12)
    assert above == pytest.approx(math.log(11.8 / 9.5) / 1.959963984540054, rel=1e-12)


def test_the_ends_of_an_asymmetric_interval_are_two_standard_errors_away(own):
    set_rule(own, "sides")
    target = next(item for item in read_targets(Tables(own)) if item.label == "median:example:sorafenib:os")
    away = np.log(np.array([7.9, 9.5, 11.8]) / 9.5)
    found = [standardise(target, float(distance), 0.1) for distance in away]
    np.testing.assert_allclose(found, [-1.959963984540054, 0.0, 1.959963984540054], atol=1e-12)
    plain = replace(target, errors=ErrorRule.INTERVALS)
    assert standardise(plain, 0.2, 0.1) == pytest.approx(2.0, rel=1e-12)


@given(st.floats(0.2, 1.0), st.floats(1.15, 6.0), st.booleans(), st.floats(-8.0, 8.0))
def test_a_split_residual_rises_without_a_corner(smaller, factor, mirrored, away):
    """Its slope is positive and as large from the left as from the right, also where the two errors take over."""
    below, above = (factor * smaller, smaller) if mirrored else (smaller, factor * smaller)
    step = 1e-5 * smaller
    for place in (away, 0.0, smaller, -smaller):
        left = (split_residual(place, below, above) - split_residual(place - step, below, above)) / step
        right = (split_residual(place + step, below, above) - split_residual(place, below, above)) / step
        assert left > 0.0
        assert right == pytest.approx(left, rel=2e-4)
