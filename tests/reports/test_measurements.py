"""Measurements in experiments beside predictions: named with day and unit, ranges as ranges, and a report without a trial."""

import json
from dataclasses import replace

import pytest
from report_example import make_comparison, make_content

import kinimmune as ki
from kinimmune.cli.printing.fit import print_fit
from kinimmune.models.catalogue import load_model
from kinimmune.reports.figures.catalogue import list_figures
from kinimmune.reports.figures.measurements import plot_measurements
from kinimmune.reports.figures.recipes import draw_all
from kinimmune.reports.pages.comparisons import list_targets
from kinimmune.reports.pages.run import compose_report
from kinimmune.reports.typesetting.blocks import Heading, Strong

KNOWN = {"residual": 0.3, "deviance": 0.09, "n_residuals": 1, "role": "fit"}
RATIO = {"read_out": "treg_number", "unit": "1", "day": 3.0, **KNOWN}


def make_measurements():
    """Return a ratio above a bound, one below, one between two, and a mean in a unit."""
    mean = {**RATIO, "read_out": "tumour_volume", "unit": "mm^3", "day": 21.0}
    rows = (
        ("low", "ratio", None, 1.4, {**RATIO, "lower": 1.0, "reference_arm": "vehicle", "day": 28.1666}),
        ("high", "ratio", None, 0.4, {**RATIO, "upper": 0.5, "reference_arm": "vehicle"}),
        ("high", "ratio", None, 0.4, {**RATIO, "lower": 0.2, "upper": 0.5, "reference_arm": "low"}),
        ("vehicle", "mean", 812.0, 903.4, {**mean, "lower": 700.0, "upper": 930.0}),
    )
    return tuple(make_comparison("hcc_mouse", arm, None, *numbers, **more) for arm, *numbers, more in rows)


@pytest.fixture(scope="module")
def content():
    """Return a fit to experiments alone, without a virtual trial."""
    whole = make_content()
    fit = replace(
        whole.fit, model="hcc_mouse", targets=make_measurements(), unfitted=(), transport=(), stop_rules={}, responses=(),
        events=(), curves=(), q_model=None, q_null=None,
    )  # fmt: skip
    trial = replace(whole.trial, arms=(), contrasts=(), quadrature=(), stop_rules=(), notes=())
    return replace(whole, model=load_model("hcc_mouse"), fit=fit, trial=trial)


def test_a_measurement_has_its_day_its_unit_and_its_range(content):
    rows = list_targets(content.fit, content.labels).rows
    assert [row[0] for row in rows][1:] == ["Tregs on day 3, ratio", "Tregs on day 3, ratio", "Viable tumour on day 21 [mm^3]"]
    assert [row[2] for row in rows] == ["Low : Vehicle", "High : Vehicle", "High : Low", "Vehicle"]
    assert [(row[3], row[4]) for row in rows] == [
        ("above 1", "–"),
        ("below 0.5", "–"),
        ("0.2 to 0.5", "–"),
        ("812", "700 to 930"),
    ]
    assert [row[6] for row in rows] == [Strong("1.4"), Strong("0.4"), Strong("0.4"), Strong("903")]


def test_a_range_without_an_end_reaches_to_the_end_of_the_axis(content):
    ratios, means = plot_measurements(content.fit.targets).axes
    bars = [tuple(line.get_xdata()) for line in ratios.lines if line.get_label() == "range"]
    first, last = ratios.get_xlim()
    assert bars == [(1.0, last), (first, 0.5), (0.2, 0.5)]
    assert (ratios.get_xlabel(), means.get_xlabel()) == ("Ratio [1]", "Mean [mm^3]")
    assert (700.0, 930.0) in [tuple(line.get_xdata()) for line in means.lines]


def test_a_fit_to_experiments_alone_has_a_report_without_a_trial(content, tmp_path):
    recipes = [recipe for recipe in list_figures(content) if recipe.name not in ("priors", "correlation", "start_ladder")]
    assert [recipe.name for recipe in recipes] == ["measurements", "residuals"]
    assert {figure.block.failure for figure in draw_all(recipes, tmp_path).values()} == {""}
    document = compose_report(content, {})
    heads = {block.text for block in document.blocks if isinstance(block, Heading)}
    assert not {"The virtual trial", "Virtual patients", "Numerical accuracy", "When treatment stops"} & heads
    words = json.dumps(document.as_plain(), ensure_ascii=False)
    assert "4 measurements were fitted with" in words
    assert "4 of 4 measurements lie within one standard error" in words
    assert "virtual trial" not in words


def test_the_terminal_leaves_out_what_only_a_trial_has(content, capsys):
    print_fit(content.fit)
    out = capsys.readouterr().out
    assert "treg_number on day 28.17, ratio" in out
    assert "tumour_volume on day 21 [mm^3]" in out
    assert "above 1 " in out
    assert not any(words in out for words in ("treatment stops", "Expected events", "Objective responses"))


def test_measurements_have_a_figure_of_their_own_in_a_program(content):
    assert len(ki.plot_comparisons(content.fit, "measurement").axes) == 2
    with pytest.raises(ValueError, match="this fit has no deaths; it has: measurement"):
        ki.plot_comparisons(content.fit, "deaths")
