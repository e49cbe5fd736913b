"""The same information is fitted once: check says which row to change."""

import numpy as np
import pytest
from weibull_trial import add_target, write_patients, write_project

from kinimmune.fitting.lint import check, warn
from kinimmune.fitting.problem.double_use import find_double_targets
from kinimmune.fitting.problem.target_rows import TargetRow
from kinimmune.fitting.problem.targets import Role, Statistic, Target
from kinimmune.models.symbolic.parameters import Source, Status
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Endpoint
from kinimmune.models.trial.published import PublishedCurve

ARMS = {"study": ("drug", "placebo")}
CONTROLS = {"study": "placebo"}
SOURCE = Source("here", "", Status.ASSUMED)


def make(number, statistic, arm="drug", endpoint=Endpoint.OS, role=Role.FIT):
    value = {Statistic.MEDIAN: 9.0, Statistic.CUTOFF: 20.0, Statistic.HAZARD_RATIO: 0.7, Statistic.SURVIVAL: 0.5}
    numbers = {Statistic.DEATHS: 30.0, Statistic.EVENTS: 30.0, Statistic.CONTROL_RATE: 0.6, Statistic.RESPONSE_RATE: 0.1}
    curve = None
    if statistic is Statistic.CURVE:
        time, ones = np.array([0.0, 90.0]), np.array([100.0, 50.0])
        curve = PublishedCurve("study", arm, endpoint, time, np.array([1.0, 0.5]), ones, np.array([0.0, 0.01]))
    shown = None if statistic in (Statistic.CONTROL_RATE, Statistic.RESPONSE_RATE) else endpoint
    target = Target(
        "study",
        arm,
        shown,
        statistic,
        None if curve else (value | numbers)[statistic],
        None,
        None,
        100,
        "1",
        role,
        SOURCE,
        None,
        month=6.0 if statistic is Statistic.SURVIVAL else None,
        published=curve,
    )
    cells = {"study": "study", "statistic": str(statistic), "n": 100, "unit": "1", "role": str(role)}
    origin = {"value_source": "here", "value_locator": "", "value_status": "assumed"}
    return TargetRow(file="targets.csv", row=number, **cells, **origin), target


def rows_of(*pairs):
    return [finding.row for finding in find_double_targets(pairs, ARMS, CONTROLS)]


@pytest.mark.parametrize("statistic", [Statistic.MEDIAN, Statistic.SURVIVAL, Statistic.DEATHS])
def test_a_number_beside_its_curve_is_the_row_to_change(statistic):
    """Not where either is only compared with, or is of another arm or endpoint."""
    assert rows_of(make(2, statistic), make(3, Statistic.CURVE)) == [2]
    assert rows_of(make(2, statistic, role=Role.UNFITTED), make(3, Statistic.CURVE)) == []
    assert rows_of(make(2, statistic), make(3, Statistic.CURVE, role=Role.HELD_OUT)) == []
    assert rows_of(make(2, statistic), make(3, Statistic.CURVE, "placebo")) == []
    assert rows_of(make(2, statistic), make(3, Statistic.CURVE, endpoint=Endpoint.TTP)) == []


def test_a_ratio_needs_both_curves_to_be_told_by_them():
    ratio = make(2, Statistic.HAZARD_RATIO)
    assert rows_of(ratio, make(3, Statistic.CURVE)) == []
    assert rows_of(ratio, make(3, Statistic.CURVE), make(4, Statistic.CURVE, "placebo")) == [2]
    nameless = make(2, Statistic.HAZARD_RATIO, None)
    assert rows_of(nameless, make(3, Statistic.CURVE), make(4, Statistic.CURVE, "placebo")) == [2]


def test_disease_control_is_told_by_progression_free_survival_and_response_by_nothing():
    both = make(3, Statistic.CURVE, endpoint=Endpoint.PFS)
    assert rows_of(make(2, Statistic.CONTROL_RATE), both) == [2]
    assert rows_of(make(2, Statistic.RESPONSE_RATE), both) == []


def test_progression_with_death_and_without_it_is_progression_twice():
    pair = make(2, Statistic.CURVE, endpoint=Endpoint.TTP), make(3, Statistic.CURVE, endpoint=Endpoint.PFS)
    assert rows_of(*pair) == [3]


def test_a_count_of_all_arms_is_told_by_those_of_each():
    """And a cut-off by the count it waited for; a count of one arm leaves something to tell."""
    whole, each = make(2, Statistic.DEATHS, None), [make(3, Statistic.DEATHS), make(4, Statistic.DEATHS, "placebo")]
    assert rows_of(whole, each[0]) == []
    assert rows_of(whole, *each) == [2]
    assert rows_of(make(5, Statistic.CUTOFF, None), whole) == [5]


def test_check_names_the_row_and_the_remedy(tmp_path):
    folder = tmp_path / "own"
    write_project(folder, 2, ["scale"])
    write_patients(folder, "os", [40.0, 90.0], [True, False], [None, None])
    add_target(folder, "os", "patients", 2)
    add_target(folder, "os", "median", 2, "3")
    assert [finding.message for finding in check(Tables(folder))] == [
        "median:alone:all:os in column 'statistic' tells what row 2 tells, and both have role 'fit' (targets.csv row 3); "
        "give row 3 the role unfitted"
    ]


def test_deaths_that_end_progression_free_survival_too_are_told(tmp_path):
    """Of one arm's patients; with progression alone, which death censors, nothing is counted twice."""
    for other, told in (("pfs", ["patients of alone:all are fitted to os and to pfs"]), ("ttp", [])):
        folder = tmp_path / other
        write_project(folder, 2, ["scale"])
        rows = []
        for endpoint in ("os", other):
            write_patients(folder, endpoint, [40.0, 90.0], [True, False], [None, None])
            header, *own = (folder / "patients.csv").read_text(encoding="utf-8").splitlines()
            rows += own
            add_target(folder, endpoint, "patients", 2)
        (folder / "patients.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")
        found = [finding.message for finding in warn(Tables(folder))]
        assert [line.split(" as if")[0] for line in found if line.startswith("patients of")] == told
