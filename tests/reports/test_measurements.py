"""Measurements in experiments beside predictions: named with day and unit, ranges as ranges, and a report without a trial."""

import json
from dataclasses import replace

import pytest
from report_example import make_comparison, make_content

import kinimmune as ki
from kinimmune.cli.printing.fit import print_fit
from kinimmune.models.catalogue import load_model
from kinimmune.models.experiments.design import Experiment
from kinimmune.reports.figures.catalogue import list_figures
from kinimmune.reports.figures.comparisons import plot_residuals
from kinimmune.reports.figures.measurements import plot_measurements
from kinimmune.reports.figures.recipes import draw_all
from kinimmune.reports.gather import list_measured
from kinimmune.reports.pages.comparisons import list_targets
from kinimmune.reports.pages.fit import compose_fit
from kinimmune.reports.pages.run import compose_report
from kinimmune.reports.pages.summary import summarise
from kinimmune.reports.typesetting.blocks import Heading, Strong, TableBlock

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
    assert [row[1] for row in rows] == ["Low : Vehicle", "High : Vehicle", "High : Low", "Vehicle"]
    assert [(row[2], row[3]) for row in rows] == [
        ("above 1", "–"),
        ("below 0.5", "–"),
        ("0.2 to 0.5", "–"),
        ("812", "700 to 930"),
    ]
    assert [row[5] for row in rows] == [Strong("1.4"), Strong("0.4"), Strong("0.4"), Strong("903")]


def test_columns_in_which_nothing_stands_are_left_out(content):
    """Experiments have no study and no scan; ranges alone no interval either."""
    assert list_targets(content.fit, content.labels).columns == (
        "", "Experiment", "Reported", "95 % interval", "Status", "Predicted", "Residual",
    )  # fmt: skip
    table = list_targets(replace(content.fit, targets=make_measurements()[:3]), content.labels)
    assert table.columns == ("", "Experiment", "Reported", "Status", "Predicted", "Residual")
    assert {len(row) for row in table.rows} == {len(table.align)} == {len(table.widths)} == {6}


def test_experiments_that_were_measured_are_told_with_what_they_are(content):
    """A dose stands in the meaning of an experiment, not in its name; one that nothing is read in is left out."""
    known = tuple(Experiment("hcc_mouse", name, f"what {name} is") for name in ("vehicle", "low", "other", "high"))
    measured = list_measured(content.fit, known)
    assert [item.name for item in measured] == ["vehicle", "low", "high"]
    (table,) = (
        block.table
        for block in compose_fit(replace(content, experiments=measured), {})
        if isinstance(block, TableBlock) and block.caption == "The experiments of the measurements."
    )
    assert [row[2] for row in table.rows] == ["what vehicle is", "what low is", "what high is"]


def test_the_residual_of_a_range_has_a_size_and_no_sign(content):
    """It is as positive below a range as above it, so a bar reaches to both sides and nothing is called too high."""
    (axes,) = plot_residuals(replace(content.fit, targets=make_measurements()[:3])).axes
    bars = [tuple(line.get_xdata()) for line in axes.lines if line.get_marker() == "|"]
    assert bars == 3 * [(-0.3, 0.3)]
    assert axes.figure.get_supxlabel() == "Residual [standard errors]"
    (mixed,) = plot_residuals(content.fit).axes
    assert mixed.figure.get_supxlabel().endswith("to the right more is predicted than was reported")


def test_predictions_within_a_range_are_counted_and_not_its_residual(content):
    """At the end of a range, met as it is, the root of the deviance is 1.18."""
    rows = [replace(row, residual=1.18) for row in make_measurements()[:3]]
    words = str(summarise(replace(content.fit, targets=tuple(rows)), content.labels))
    assert "Of 3 only a range is known; 3 predictions lie in theirs." in words
    missed = str(summarise(replace(content.fit, targets=(replace(rows[0], predicted=0.9), *rows[1:])), content.labels))
    assert "Of 3 only a range is known; 2 predictions lie in theirs." in missed


@pytest.mark.parametrize(("low", "high"), [(0.3, 1.5), (0.5, 2.0), (0.02, 4.0), (1e-4, 30.0), (0.9, 1.1)])
def test_a_logarithmic_axis_has_several_round_numbers_and_room_for_them(low, high):
    """One number alone tells nothing of a scale."""
    rows = [replace(row, predicted=value) for row, value in zip(make_measurements()[:2], (low, high), strict=True)]
    (axes,) = plot_measurements(rows).axes
    first, last = axes.get_xlim()
    ticks = axes.get_xticks()
    assert 2 <= len(ticks) <= 6
    assert all(first <= tick <= last for tick in ticks)


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
    assert "1 of 1 measurements lie within one standard error. Of 3 only a range is known; 3 predictions lie in theirs." in words
    assert "virtual trial" not in words


def test_the_terminal_leaves_out_what_only_a_trial_has(content, capsys):
    print_fit(content.fit)
    out = capsys.readouterr().out
    assert "treg_number on day 28.17, ratio" in out
    assert "tumour_volume on day 21 [mm^3]" in out
    assert "above 1 " in out
    assert not any(
        words in out for words in ("treatment stops", "Expected events", "Objective responses", "patients", "naive rule")
    )


def test_the_terminal_calls_the_residual_of_a_range_far_within_0(content, capsys):
    """A number of 34 zeros tells nothing; one that three decimals show is told."""
    first, *others = make_measurements()
    print_fit(replace(content.fit, targets=(replace(first, residual=2.8e-34), replace(others[0], residual=0.0016), *others[1:])))
    out = capsys.readouterr().out
    assert "e-34" not in out
    assert "0.0016" in out


def test_measurements_have_a_figure_of_their_own_in_a_program(content):
    assert len(ki.plot_comparisons(content.fit, "measurement").axes) == 2
    with pytest.raises(ValueError, match="this fit has no deaths; it has: measurement"):
        ki.plot_comparisons(content.fit, "deaths")
