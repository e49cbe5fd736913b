"""Words of a figure never lie on each other: legends stand clear of panels, titles and numbers, whatever arms are called."""

import itertools
from dataclasses import replace

import pytest
from report_example import make_content
from toy_profiles import make_profiles

from kinimmune.reports.figures.catalogue import list_figures
from kinimmune.reports.figures.data import Line
from kinimmune.reports.figures.legends import add_legend, head_panels
from kinimmune.reports.figures.patients import plot_courses, plot_lines
from kinimmune.reports.figures.profile import plot_paths, plot_prediction_profiles, plot_profiles
from kinimmune.reports.figures.style import CONTROL, PALETTE, TEXT_HEIGHT, make_panels, new_figure, styled
from kinimmune.reports.typesetting.labels import Labels

ARMS = ("sorafenib", "sorafenib_pembrolizumab", "another_arm_of_a_rather_long_name", "b", "sorafenib_and_best_care")
OF_ARMS = {"survival", "progression", "incidence", "hazard_ratios", "treatment", "courses_sharp", "courses_asia_pacific"}
"""Figures of a trial that say which line is which arm or endpoint."""


@pytest.fixture(scope="module")
def content():
    """Return an invented trial of two studies: the first has six arms, of which the last is the control."""
    plain = make_content()
    first, control, *others = plain.trial.arms
    arms = (*(replace(first, arm=name) for name in ARMS), control, *others)
    ratios = [replace(row, arm=name) for row in plain.trial.contrasts if row.study == first.study for name in ARMS]
    rest = [row for row in plain.trial.contrasts if row.study != first.study]
    return replace(plain, trial=replace(plain.trial, arms=arms, contrasts=(*ratios, *rest)))


def list_words(axes):
    """Return where words are written about a panel: its titles, the names of its axes and their numbers."""
    titles = [title.get_window_extent() for title in (axes.title, axes._left_title, axes._right_title) if title.get_text()]
    return [*titles, *filter(None, (axes.xaxis.get_tightbbox(), axes.yaxis.get_tightbbox()))]


def check_titles(figure):
    """Check that titles of panels are in the figure and do not touch."""
    texts = [text for axes in figure.axes for text in (axes.title, axes._left_title) if text.get_text() and axes.get_visible()]
    boxes = [text.get_window_extent() for text in texts]
    assert all(box.x1 < figure.bbox.x1 + 1 for box in boxes)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def check_legends(figure, *, outside):
    """Check that each legend is in the figure and clear of panels and words, or, if it may, whole within its own panel."""
    figure.draw_without_rendering()
    check_titles(figure)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    legends = [*figure.legends, *(axes.get_legend() for axes in panels if axes.get_legend())]
    boxes = [legend.get_window_extent() for legend in legends]
    for legend, box in zip(legends, boxes, strict=True):
        assert box.x0 > figure.bbox.x0 - 1
        assert box.x1 < figure.bbox.x1 + 1
        assert box.y1 < figure.bbox.y1 + 1
        own = None if legend.axes is None else legend.axes.bbox
        if outside or own is None or not (own.contains(*box.min) and own.contains(*box.max)):
            assert not any(box.overlaps(axes.bbox) for axes in panels)
        assert not any(box.overlaps(word) for axes in panels for word in list_words(axes))
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    return legends


def test_no_legend_lies_on_a_panel_or_on_words(content):
    """Every figure of the report of a trial of many arms with long names."""
    with styled():
        for recipe in list_figures(content):
            legends = check_legends(recipe.draw(), outside=recipe.name in OF_ARMS)
            assert legends or recipe.name not in OF_ARMS


@pytest.mark.parametrize("plot", [plot_profiles, plot_paths, plot_prediction_profiles], ids=lambda plot: plot.__name__)
def test_profiles_of_parameters_with_long_names_are_titled_without_touching(plot):
    """A study's title is as long as that of an example, and every parameter moves along with three others."""
    names = ("growth:own", "growth_spread", "baseline_hazard:own", "kinase_shift:own")
    outputs = ("hazard_ratio:own:sorafenib_pembrolizumab:os", "hazard_ratio:own:sorafenib:ttp", "median:own:placebo:os")
    labels = Labels(studies={"own": "SHARP with a third arm"})
    with styled():
        check_legends(plot(make_profiles(names, outputs), labels), outside=True)


def test_a_figure_grows_by_the_rows_of_its_legend_and_its_panel_keeps_its_height():
    heights = []
    for labels in (1, 4, 30):
        with styled():
            figure = new_figure(2.0)
            (axes,) = make_panels(figure, 1, 1)
            for label in range(labels):
                axes.plot([0.0, 1.0], label=f"an arm of the number {label}")
            add_legend(figure, axes)
            check_legends(figure, outside=True)
            heights.append(axes.bbox.height / figure.dpi)
    assert heights == pytest.approx([heights[0]] * 3, abs=0.05)


@pytest.mark.parametrize("names", [(), ("one",), ("one", "two", "three")])
def test_a_panel_has_its_title_above_its_legend_and_its_legend_above_itself(names):
    with styled():
        figure = new_figure(2.0)
        panels = make_panels(figure, 1, 2)
        for name in names:
            panels[1].plot([0.0, 1.0], label=name * 8)
        head_panels(figure, panels, ["first", "second"], 2)
        check_legends(figure, outside=True)
        assert bool(panels[1].get_legend()) == bool(names)
        if names:
            title, box = panels[1]._left_title.get_window_extent(), panels[1].get_legend().get_window_extent()
            assert title.y0 > box.y1 > box.y0 > panels[1].bbox.y1


def test_an_arm_has_the_colour_in_its_courses_that_it_has_in_its_curves(content):
    """The last of several arms is the control and drawn as it."""
    axes = plot_courses(content.trial, "sharp").axes[0]
    assert {line.get_label(): line.get_color() for line in axes.lines}["placebo"] == CONTROL


def test_more_lines_than_colours_are_all_drawn():
    lines = [Line(str(number), (0.0, 1.0), {"x": (0.0, float(number))}) for number in range(len(PALETTE) + 2)]
    figure = plot_lines(lines, "Days")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [line.label for line in lines]


def test_a_figure_of_many_quantities_is_no_taller_than_a_page():
    courses = {f"quantity_{number}": (0.0, 1.0) for number in range(60)}
    assert plot_lines([Line(str(number), (0.0, 1.0), courses) for number in range(30)], "Days").get_figheight() <= TEXT_HEIGHT
