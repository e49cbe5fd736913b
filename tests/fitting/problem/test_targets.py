"""Targets: labels, standard errors and what makes one."""

import math

import pytest

from kinimmune.fitting.problem.read_targets import read_targets
from kinimmune.fitting.problem.targets import Role, Statistic, Target
from kinimmune.models.errors import DataError
from kinimmune.models.symbolic.parameters import Source, Status
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Endpoint

HEADER = (
    "study,arm,endpoint,statistic,value,lower,upper,n,unit,role,value_source,value_locator,value_status,"
    "interval_source,interval_locator,interval_status,note\n"
)


def make(**changes):
    source = Source("here", "table", Status.REPORTED)
    numbers = {"value": 10.0, "lower": 8.0, "upper": 12.5, "n": 100, "unit": "month"} | changes
    return Target(
        "sharp",
        "placebo",
        Endpoint.OS,
        Statistic.MEDIAN,
        role=Role.FIT,
        value_source=source,
        **({"interval_source": source} | numbers),
    )


def test_log_error_is_the_interval_over_twice_the_normal_quantile():
    assert make().log_error == pytest.approx(math.log(12.5 / 8.0) / 3.919927969080108, rel=1e-12)


def test_published_intervals_give_the_standard_errors_worked_out_by_hand():
    errors = {target.label: target.log_error for target in read_targets(model="hcc_trial")}
    assert errors["median:sharp:sorafenib:os"] == pytest.approx(0.0885, abs=5e-5)
    assert errors["median:sharp:placebo:ttp"] == pytest.approx(0.0938, abs=5e-5)
    assert errors["hazard_ratio:asia_pacific:os"] == pytest.approx(0.158, abs=5e-4)


def test_an_interval_that_is_only_recalled_gives_no_standard_error():
    recalled = Source("here", "table", Status.RECALLED)
    assert make(interval_source=recalled).log_error is None
    assert make(lower=None, upper=None, interval_source=None).log_error is None
    medians = [target for target in read_targets(model="hcc_trial") if target.statistic is Statistic.MEDIAN]
    assert {target.label for target in medians if target.log_error is None} == {
        "median:asia_pacific:placebo:os",
        "median:asia_pacific:sorafenib:ttp",
        "median:asia_pacific:placebo:ttp",
    }


def test_labels_are_those_of_the_command_line():
    labels = [target.label for target in read_targets(model="hcc_trial")]
    assert labels[0] == "median:sharp:sorafenib:os"
    assert labels[11] == "hazard_ratio:asia_pacific:ttp"
    assert labels[12] == "control_rate:sharp:sorafenib"
    assert labels[-1] == "deaths:sharp:placebo"
    assert len(labels) == len(set(labels)) == 22


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"value": -1.0}, "must be positive"),
        ({"value": math.inf}, "must be positive"),
        ({"lower": None}, "give both ends of the interval or none"),
        ({"lower": 11.0}, r"interval 11 to 12.5 does not hold the value 10; correct the ends"),
    ],
)
def test_a_target_that_cannot_be_is_refused(changes, message):
    with pytest.raises(DataError, match=message):
        make(**changes)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "sharp,placebo,os,median,7.9,8.0,9.1,303,month,fit,document002,T,reported,pmc11707515,T,reported,",
            r"interval 8 to 9.1 does not hold the value 7.9 \(targets.csv row 2\); correct the ends",
        ),
        (
            "sharp,,os,median,7.9,,,303,month,fit,document002,T,reported,,,,",
            r"median without an arm in column 'arm' \(targets.csv row 2\); fill it in",
        ),
        (
            "sharp,placebo,os,hazard_ratio,.7,,,602,1,fit,document002,T,reported,,,,",
            r"hazard_ratio of arm 'placebo' in column 'arm', which is not compared with the control \(targets.csv row 2\)",
        ),
        (
            "sharp,placebo,os,median,240,,,303,d,fit,document002,T,reported,,,,",
            r"unit 'd' of a median in column 'unit' \(targets.csv row 2\); give the numbers in month",
        ),
        (
            "sharp,placebo,os,median,7.9,6.8,9.1,303,month,fit,document002,T,reported,,,,",
            r"interval without its origin, or an origin without interval, in column 'interval_source' \(targets.csv row 2\)",
        ),
    ],
)
def test_a_row_that_makes_no_target_is_refused(tmp_path, row, message):
    (tmp_path / "targets.csv").write_text(f"{HEADER}{row}\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_targets(Tables(tmp_path))
