"""Readers of the tables: what they compute, and a user's folder that replaces tables one by one."""

import math
import random

import numpy as np
import pytest

from kinimmune.models.errors import DataError, UsageError
from kinimmune.models.symbolic.parameters import Scale, Spread
from kinimmune.models.tables.readers import (
    read_cell_lines,
    read_kinases,
    read_observations,
    read_parameters,
    read_sources,
    read_trials,
)
from kinimmune.models.tables.rows import Tables
from kinimmune.models.trial.design import Endpoint, StopRule

PARAMETERS = (
    "model,name,study,symbol,value,unit,lower,upper,prior,prior_sd,estimated,spread_scale,spread_sd,"
    "meaning,source,locator,status,note\n"
)
SHARED = "a b,k,,k,0.5,1/d,0,2,lognormal,1,yes,lognormal,s,rate,assumption,here,assumed,\n"
SPREAD = "a b,s,,s,0.4,1,0,2,lognormal,1,no,,,spread,assumption,here,assumed,\n"
KINASES = "drug,kinase,ic50,unit,species,drives,source,locator,status,note\n"
OWN_TABLES = {
    "trials.csv": "study,title,registration,criterion,stop_rule,source,locator,status,note\n"
    "mine,Mine,,RECIST 1.1,radiological,assumption,here,assumed,\n",
    "arms.csv": "study,arm,control,drug,treatment\nmine,drug,no,sorafenib,drug\nmine,none,yes,,nothing\n",
    "design.csv": "study,arm,quantity,value,unit,source,locator,status,note\n"
    + "".join(
        f"mine,{arm},{quantity},{value},{unit},assumption,here,assumed,\n"
        for arm, quantity, value, unit in (
            ("", "scan_interval", 8, "week"),
            ("", "scan_jitter", 48, "h"),
            ("", "reading_error", 4, "%"),
            ("", "progression_ratio", 1.2, 1),
            ("", "response_ratio", 70, "%"),
            ("drug", "n", 20, 1),
            ("drug", "dose", 0.1, "g"),
            ("drug", "doses_per_day", 0.125, "1/h"),
            ("drug", "discontinuation_fraction", 0.1, 1),
            ("drug", "treatment_median", 2, "month"),
            ("none", "n", 10, 1),
            ("none", "dose", 0, "mg"),
            ("none", "doses_per_day", 0, "1/d"),
        )
    ),
    "follow_up.csv": "study,endpoint,accrual_start,accrual_end,accrual_source,accrual_locator,accrual_status,cutoff,"
    "cutoff_source,cutoff_locator,cutoff_status,shortest,longest,shape,shape_source,shape_locator,shape_status,note\n"
    "mine,os,,,,,,,assumption,here,assumed,100,400,2,assumption,here,assumed,\n"
    "mine,ttp,,,,,,,assumption,here,assumed,50,350,1,assumption,here,assumed,\n",
}


def write(folder, tables):
    for name, text in tables.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_follow_up_is_the_days_between_entry_and_cut_off():
    sharp = next(trial for trial in read_trials() if trial.study == "sharp")
    # 10 March 2005 to 17 October 2006: 365 + 221 d; 11 April to 17 October 2006: 189 d; 11 April to 12 May: 31 d
    assert (sharp.follow_up[Endpoint.OS].longest, sharp.follow_up[Endpoint.OS].shortest) == (586.0, 189.0)
    assert (sharp.follow_up[Endpoint.TTP].longest, sharp.follow_up[Endpoint.TTP].shortest) == (428.0, 31.0)
    assert sharp.stop_rule is StopRule.RADIOLOGICAL_AND_SYMPTOMATIC
    np.testing.assert_allclose(sharp.follow_up[Endpoint.OS].uncensored(np.array([189.0, 387.5, 586.0])), [1.0, 0.5**2.11, 0.0])


def test_discontinuation_is_the_fraction_of_the_rate_at_which_treatment_ends():
    rates = {(trial.study, arm.name): arm.discontinuation_rate for trial in read_trials() for arm in trial.arms}
    assert rates["sharp", "sorafenib"] == pytest.approx(0.38 * 0.693147180559945 / (5.3 * 30.44), rel=1e-12)
    assert rates["sharp", "placebo"] == pytest.approx(0.37 * 0.693147180559945 / (4.3 * 30.44), rel=1e-12)
    # no time on treatment is published for Asia-Pacific: the time to symptomatic progression stands in
    assert rates["asia_pacific", "sorafenib"] == pytest.approx(0.195 * 0.693147180559945 / (3.5 * 30.44), rel=1e-12)
    assert rates["asia_pacific", "placebo"] == pytest.approx(0.133 * 0.693147180559945 / (3.4 * 30.44), rel=1e-12)


def test_outcomes_of_the_design_are_observations_too():
    found = {(item.study, item.arm, item.quantity): (item.value, item.unit) for item in read_observations()}
    assert found["sharp", "sorafenib", "treatment_median"] == (5.3, "month")
    assert found["asia_pacific", "placebo", "symptomatic_median"] == (3.4, "month")
    assert [item.value for item in read_observations() if item.quantity == "auc"] == [60.3, 43.0]


def test_numbers_of_a_design_are_converted_from_their_unit(tmp_path):
    (trial,) = read_trials(Tables(write(tmp_path, OWN_TABLES)))
    drug, none = trial.arms
    assert trial.scan_interval == pytest.approx(56.0, rel=1e-12)
    assert trial.scan_jitter == pytest.approx(2.0, rel=1e-12)
    assert trial.reading_error == pytest.approx(0.04, rel=1e-12)
    assert trial.response_ratio == pytest.approx(0.7, rel=1e-12)
    assert drug.dose == pytest.approx(100.0, rel=1e-12)
    assert drug.doses_per_day == pytest.approx(3.0, rel=1e-12)
    assert drug.discontinuation_rate == pytest.approx(0.1 * math.log(2.0) / 60.88, rel=1e-12)
    assert (none.discontinuation_rate, none.symptomatic_median, none.n) == (0.0, math.inf, 10)
    assert trial.follow_up[Endpoint.OS].shape == 2.0
    assert trial.control is none


def test_a_folder_replaces_tables_one_by_one(tmp_path):
    write(
        tmp_path,
        {"kinases.csv": KINASES + "sorafenib,X,1,umol/L,,,assumption,,assumed,\n"},
    )
    with pytest.raises(DataError, match=r"no value in column 'locator' \(kinases.csv row 2\)"):
        read_kinases(Tables(tmp_path))
    write(
        tmp_path,
        {"kinases.csv": KINASES + "sorafenib,X,1,umol/L,,,assumption,here,assumed,\n"},
    )
    assert [(kinase.name, kinase.ic50, kinase.drives) for kinase in read_kinases(Tables(tmp_path))] == [("X", 1.0, None)]
    assert read_trials(Tables(tmp_path)) == read_trials()
    assert read_cell_lines(Tables(tmp_path)) == read_cell_lines()
    assert read_sources(Tables(tmp_path)) == read_sources()


def test_columns_may_stand_in_any_order_and_lines_may_end_as_windows_ends_them(tmp_path):
    text = "\ufeffcontrol,treatment,drug,study,arm\r\nno,pills,sorafenib,mine,drug\r\n\r\nyes,none,,mine,none\r\n"
    write(tmp_path, OWN_TABLES | {"arms.csv": ""})
    (tmp_path / "arms.csv").write_bytes(text.encode())
    assert [arm.name for arm in read_trials(Tables(tmp_path))[0].arms] == ["drug", "none"]


def test_a_parameter_may_belong_to_several_models_and_take_its_spread_from_another(tmp_path):
    write(tmp_path, {"parameters.csv": PARAMETERS + SHARED + SPREAD})
    k, s = read_parameters("b", Tables(tmp_path))
    assert read_parameters("a", Tables(tmp_path)) == (k, s)
    assert (k.value, k.unit, k.lower, k.upper, k.estimated) == (0.5, "1/d", 0.0, 2.0, True)
    assert k.spread == Spread(Scale.LOGNORMAL, "s")
    assert k.prior.median == 0.5
    assert k.origin == "parameters.csv row 2"
    with pytest.raises(DataError, match=r"parameters.csv has no rows for model 'c'; it has: a, b"):
        read_parameters("c", Tables(tmp_path))


def test_the_prior_median_may_differ_from_the_value(tmp_path):
    header, row = (
        PARAMETERS.replace("prior_sd", "prior_median,prior_sd"),
        SHARED.replace("lognormal,1,yes", "lognormal,0.25,1,yes"),
    )
    write(tmp_path, {"parameters.csv": header + row + SPREAD.replace("lognormal,1,no", "lognormal,,1,no")})
    k, s = read_parameters("a", Tables(tmp_path))
    assert (k.value, k.prior.median) == (0.5, 0.25)
    assert (s.value, s.prior.median) == (0.4, 0.4)


def test_a_range_left_empty_is_unbounded(tmp_path):
    write(tmp_path, {"parameters.csv": PARAMETERS + SHARED.replace("1/d,0,2", "1/d,,").replace("lognormal,s", "lognormal,0.3")})
    (k,) = read_parameters("a", Tables(tmp_path))
    assert (k.lower, k.upper, k.spread) == (-math.inf, math.inf, Spread(Scale.LOGNORMAL, 0.3))


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"does not exist; give a folder with tables such as targets\.csv"):
        read_trials(Tables(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match=r"holds no table; put at least one of sources\.csv"):
        read_trials(Tables(tmp_path))


def test_a_table_is_read_once_and_handed_on(tmp_path):
    """What was read stays what it was, whatever happens to the file afterwards."""
    tables = Tables(write(tmp_path, OWN_TABLES))
    first = read_trials(tables)
    (tmp_path / "trials.csv").write_text("nonsense", encoding="utf-8")

    assert read_trials(tables) == first
    with pytest.raises(DataError, match=r"trials\.csv"):
        read_trials(Tables(tmp_path))


@pytest.mark.parametrize("model", ["hcc_trial", "melanoma"])
def test_parameters_come_in_the_order_of_the_package_whatever_that_of_the_rows(folder, model):
    header, *rows = folder.rows_of("parameters.csv")
    expected = [item.key for item in read_parameters(model)]
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        folder.save("parameters.csv", [header, *rows])

        assert [item.key for item in read_parameters(model, Tables(folder.path))] == expected


def test_parameters_the_package_does_not_have_come_last_by_name(folder):
    header, *rows = folder.rows_of("parameters.csv")
    line = folder.line_of("parameters.csv", name="immune_kill")
    name = header.index("name")
    new = [[*rows[line - 2][:name], other, *rows[line - 2][name + 1 :]] for other in ("zeta", "alpha")]
    folder.save("parameters.csv", [header, *new, *rows])

    keys = [item.key for item in read_parameters("hcc_trial", Tables(folder.path))]

    assert keys[:-2] == [item.key for item in read_parameters("hcc_trial")]
    assert keys[-2:] == ["alpha", "zeta"]
