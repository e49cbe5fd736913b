"""Tables print what results and data hold, with status and without inventing what is missing."""

from dataclasses import replace

import pytest
from report_example import make_content

from kinimmune.models.tables.drugs import list_used_kinases
from kinimmune.reports.model.tables import (
    count_statuses,
    list_constants,
    list_estimates,
    list_kinases,
    list_parameters,
    list_trials,
)
from kinimmune.reports.pages.comparisons import list_predicted, list_ratios, list_targets
from kinimmune.reports.pages.limitations import list_fit_limitations, list_limitations
from kinimmune.reports.pages.tables import list_observations, list_outcomes, list_stop_rules
from kinimmune.reports.typesetting.blocks import Mark, Math, Strong, Tag


@pytest.fixture(scope="module")
def content():
    return make_content()


def test_rows_are_as_wide_as_their_header(content):
    fit, trial, model = content.fit, content.trial, content.model
    tables = [
        list_targets(fit),
        list_ratios(fit.unfitted),
        list_predicted(fit.transport),
        list_outcomes(fit, trial, model.trial),
        list_stop_rules(trial.stop_rules),
        list_observations(content.observations, fit, trial),
        list_estimates(fit.parameters),
        list_constants(fit.constants),
        list_parameters(model),
        list_kinases(content.kinases),
        list_trials(content.trials),
    ]
    for table in tables:
        assert {len(row) for row in table.rows} == {len(table.columns)} == {len(table.align)}
        assert not table.widths or len(table.widths) == len(table.columns)


def test_ratio_stands_beside_its_null_and_its_intervals(content):
    row = list_ratios(content.fit.unfitted, content.labels).rows[0]
    assert row == (
        "OS",
        "SHARP",
        "0.69",
        "0.55 to 0.87",
        Strong("0.71"),
        "0.59 to 0.83",
        "0.48 to 0.97",
        "0.48 to 1.00",
        "0.410",
        "0.74",
        "yes",
    )


def test_interval_with_a_status_of_its_own_says_so(content):
    row = list_predicted(content.fit.transport).rows[0]
    assert row[3] == ("5.56 to 7.56", " ", Tag("recalled"))


def test_median_that_is_not_reached_is_said_so(content):
    rows = (replace(content.fit.transport[0], predicted=None, residual=None),)
    assert list_predicted(rows).rows[0][4] == Strong("not reached")


def test_estimate_at_a_bound_is_marked(content):
    first = replace(content.fit.parameters[0], at_bound=True)
    row = list_estimates((first,)).rows[0]
    assert row[0] == Math("g")
    assert str(row[6]).endswith(", at bound")


def test_constants_show_the_spread_of_their_prior(content):
    rows = {row[1]: row for row in list_constants(content.fit.constants).rows}
    assert rows[Mark("vegfr2_effect")][5] == "0.7 of logit"
    assert rows[Mark("ic50_raf")][5] == "fixed"
    assert rows[Mark("ic50_raf")][3:5] == ("6", "nmol/L")


def test_kinases_that_drive_nothing_are_named(content):
    idle = {row[0] for row in list_kinases(list_used_kinases(content.model, content.kinases)).rows if row[3] == "nothing"}
    assert idle == {"B-RAF", "B-RAF (V600E)", "VEGFR-1", "VEGFR-3", "c-KIT", "RET"}


def test_kinase_drives_nothing_in_a_model_that_does_not_use_it(content):
    without = replace(content.model, mechanisms=content.model.mechanisms[:1], outputs=(), trial=None, reported_courses=())
    assert list_used_kinases(without, content.kinases) == ()
    own = tuple(kinase for kinase in content.kinases if kinase.drug == "sorafenib")
    assert list_used_kinases(content.model, content.kinases) == own


def test_no_recalled_input_is_not_a_limitation(content):
    rows = tuple(replace(row, interval_status="reported") for row in content.fit.targets)
    told = {entry[0].strong for entry in list_fit_limitations(replace(content.fit, targets=rows))}
    assert "Some inputs are recalled. " not in told


def test_observed_deaths_stand_beside_expected_ones(content):
    rows = list_observations(content.observations, content.fit, content.trial, content.labels).rows
    deaths = next(row for row in rows if row[1] == "SHARP, all arms")
    assert deaths[2:4] == ("321", Strong("361"))


def test_observation_without_prediction_is_a_dash_and_one_of_another_kind_is_left_out(content):
    rows = list_observations(content.observations, content.fit, content.trial, content.labels).rows
    assert {row[3] for row in rows if row[0] == "Stable disease"} == {Strong("–")}
    assert not any("auc" in str(row[0]) or "dose_reduction" in str(row[0]) for row in rows)


def test_prediction_missing_under_one_rule_is_a_dash(content):
    first, *others = content.trial.stop_rules
    table = list_stop_rules((replace(first, predictions={}), *others))
    assert {row[1] for row in table.rows[:-2]} == {"–"}


def test_constants_are_counted_by_status(content):
    fixed = [item for item in content.model.parameters if not item.estimated]
    assumed = sum(item.source.status == "assumed" for item in fixed)
    assert count_statuses(content.model).startswith(f"{len(fixed)} constants: ")
    assert f"{assumed} assumed" in count_statuses(content.model)


def test_limitations_are_named_plainly(content):
    heads = [entry[0] for entry in (*list_fit_limitations(content.fit), *list_limitations(content.model, content.limitations))]
    told = {head.strong for head in heads}
    assert {
        "Flexibility is not validity. ",
        "Some inputs are recalled. ",
        "Constants are uncertain too. ",
        "Paradoxical RAF activation is absent. ",
        "The reading error of diameters is assumed. ",
        "Arms share patients. ",
        "Hazard ratios are marginal. ",
        "The response rate rests on constants nobody has measured. ",
    } <= told


def test_limitation_of_a_mechanism_goes_with_it(content):
    tumour_only = replace(content.model, mechanisms=content.model.mechanisms[:1], outputs=(), trial=None, reported_courses=())
    told = {entry[0].strong for entry in list_limitations(tumour_only, content.limitations)}
    assert "Paradoxical RAF activation is absent. " not in told
    assert "Exposure is an average. " in told
