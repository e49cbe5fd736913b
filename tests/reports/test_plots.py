"""Every figure can be had from a result alone, without a report; words for names come from the model and the tables."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from report_example import make_content

from kinimmune.models.catalogue import load_model
from kinimmune.reports.figures.catalogue import list_figures
from kinimmune.reports.figures.comparisons import plot_medians, plot_residuals
from kinimmune.reports.figures.course import plot_course
from kinimmune.reports.figures.data import Line
from kinimmune.reports.figures.estimates import plot_correlation, plot_priors, plot_start_ladder
from kinimmune.reports.figures.fit import plot_forest, plot_stop_rules
from kinimmune.reports.figures.patients import plot_courses, plot_lines, plot_spiders, plot_waterfall
from kinimmune.reports.figures.style import CONTROL, TREATED, colour_arms
from kinimmune.reports.figures.survival import (
    plot_hazard_ratios,
    plot_incidence,
    plot_progression,
    plot_survival,
    plot_treatment,
)
from kinimmune.reports.model.equations import list_equations
from kinimmune.reports.pages.run import compose_report
from kinimmune.reports.typesetting.blocks import Heading, Paragraph
from kinimmune.reports.typesetting.labels import PLAIN, collect_labels

OF_TRIAL = (
    plot_survival, plot_progression, plot_incidence, plot_hazard_ratios, plot_treatment, plot_waterfall, plot_spiders,
    plot_stop_rules,
)  # fmt: skip
OF_FIT = (plot_forest, plot_medians, plot_residuals, plot_priors, plot_correlation, plot_start_ladder)


@pytest.fixture(scope="module")
def content():
    return make_content()


def titles(figure):
    return [axes.get_title() or axes.get_title(loc="left") for axes in figure.axes]


@pytest.mark.parametrize("plot", OF_TRIAL, ids=lambda plot: plot.__name__)
def test_a_trial_alone_is_enough(content, plot):
    figure = plot(content.trial)
    assert isinstance(figure, Figure)
    assert figure.axes


@pytest.mark.parametrize("plot", OF_FIT, ids=lambda plot: plot.__name__)
def test_a_fit_alone_is_enough(content, plot):
    figure = plot(content.fit)
    assert isinstance(figure, Figure)
    assert figure.axes


def test_titles_of_studies_are_those_of_the_tables(content):
    assert titles(plot_survival(content.trial)) == ["Sharp", "Asia pacific"]
    assert titles(plot_survival(content.trial, labels=content.labels)) == ["SHARP", "Asia-Pacific"]
    own = replace(content, trials=tuple(replace(trial, title=trial.study.upper()) for trial in content.trials))
    assert titles(plot_survival(content.trial, labels=own.labels)) == ["SHARP", "ASIA_PACIFIC"]


def test_panels_of_courses_have_the_labels_of_the_model(content):
    figure = plot_courses(content.trial, "sharp", content.labels, content.model.units)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    drawn = list(content.trial.arms[0].courses)
    assert [axes.get_title(loc="left") for axes in shown] == [content.model.labels[name] for name in drawn]
    units = dict(zip(drawn, (axes.get_ylabel() for axes in shown), strict=True))
    assert (units["concentration"], units["treg_number"]) == ("mg/L", "relative")


def test_what_has_no_label_is_written_as_words():
    figure = plot_lines([Line("best_care", (0.0, 1.0), {"nk_cells": (1.0, 2.0)})], "Days")
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "Nk cells"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["best care"]


def test_every_line_has_a_colour_of_its_own():
    lines = [Line(str(number), (0.0, 1.0), {"x": (0.0, float(number))}) for number in range(5)]
    (axes,) = plot_lines(lines, "Days").axes
    assert len({line.get_color() for line in axes.lines[:5]}) == 5


def test_three_arms_of_a_study_are_three_colours(content):
    first, last = (arm for arm in content.trial.arms if arm.study == "sharp")
    trial = replace(content.trial, arms=(first, replace(first, arm="half"), replace(first, arm="third"), last))
    (axes,) = plot_survival(trial).axes
    colours = {line.get_label(): line.get_color() for line in axes.lines if "n = " in str(line.get_label())}
    assert len(colours) == len(set(colours.values())) == 4


def test_a_course_has_a_panel_per_quantity():
    time = np.linspace(0.0, 2.0, 5)
    labels = collect_labels(load_model("melanoma"))
    figure = plot_course(time, {"il15_complex": time, "soluble_mica": 2.0 * time}, "one", labels, {"il15_complex": "1"})
    assert titles(figure) == ["IL-15 complex", "Soluble MICA/B"]


def test_equations_are_headed_by_the_labels_of_mechanisms():
    heads = [block.title for block in list_equations(load_model("melanoma"))]
    assert {"IL-15", "MICA/B", "CD4+NKG2D+ T cells"} <= set(heads)


def test_context_names_the_studies_and_mechanisms_of_the_run(content):
    blocks = compose_report(content, {}).blocks
    text = next(block.content for block in blocks if isinstance(block, Paragraph))
    assert "published results of SHARP and Asia-Pacific" in text
    assert "regulatory T cells, effector T cells, tumour, liver, death and new lesions" in text
    other = compose_report(replace(content, model=load_model("melanoma"), trials=()), {})
    told = next(block.content for block in other.blocks if isinstance(block, Paragraph))
    assert "IL-15, MICA/B, CD4+NKG2D+ T cells" in told
    assert "liver" not in told


def test_what_limits_response_is_told_where_it_is_shown_and_only_of_the_model_it_belongs_to(content):
    sentence = "The response rate rests on constants nobody has measured; see the limitations."
    captions = {recipe.name: recipe.caption for recipe in list_figures(content)}
    assert sentence in captions["waterfall"]
    other = {recipe.name: recipe.caption for recipe in list_figures(replace(content, limitations=()))}
    assert sentence not in other["waterfall"]


def test_an_assumed_rule_for_stopping_is_told_with_its_study(content):
    captions = {recipe.name: recipe.caption for recipe in list_figures(content)}
    assert captions["stop_rules"].endswith("The rule of Asia-Pacific is an assumption.")
    known = {recipe.name: recipe.caption for recipe in list_figures(replace(content, stop_rule_sources={}))}
    assert "assumption" not in known["stop_rules"]


def test_no_heading_is_about_a_mechanism_the_model_does_not_have(content):
    heads = [block.text for block in compose_report(content, {}).blocks if isinstance(block, Heading)]
    assert not any("Treg" in head for head in heads)
    assert PLAIN.study(None) == "–"


@pytest.mark.parametrize("arms", [2, 3, 4, 7])
def test_titles_of_panels_beside_each_other_do_not_touch(content, arms):
    """The title of a study and the name of an arm, as long as they are in the example, in panels as narrow as there are."""
    one = content.trial.arms[0]
    trial = replace(
        content.trial, arms=tuple(replace(one, study="a_trial_of_several_doses", arm=f"drug_{i}") for i in range(arms))
    )
    figure = plot_incidence(trial)
    figure.draw_without_rendering()
    boxes = [title.get_window_extent() for axes in figure.axes for title in (axes._left_title, axes.title) if title.get_text()]
    assert len(boxes) == arms
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


@pytest.mark.parametrize("arms", [1, 2, 3, 12, 30])
def test_every_arm_has_a_colour_and_the_control_the_same_in_every_study(arms):
    colours = colour_arms(arms)
    assert len(colours) == arms
    assert colours[0] == TREATED
    assert colours[1:][-1:] in ([], [CONTROL])
    assert CONTROL not in colours[:-1]


def test_arms_without_courses_have_neither_their_figure_nor_its_heading(content):
    bare = replace(content.trial, arms=tuple(replace(arm, courses={}) for arm in content.trial.arms))
    without = replace(content, trial=bare)
    assert not [recipe.name for recipe in list_figures(without) if recipe.name.startswith("courses_")]
    assert "Mean courses" not in {block.text for block in compose_report(without, {}).blocks if isinstance(block, Heading)}
